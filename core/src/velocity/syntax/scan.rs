//! How long the token at the start of a text is; 0 if it is another.

use super::token::{Kind, words};

/// `-1`, `1..` (the range's dots are given back), `1.5`, `.5`, `1e3`.
pub(super) fn numbers(rest: &[u8], offer: &mut impl FnMut(Kind, usize)) {
    let sign = usize::from(rest.first() == Some(&b'-'));
    let whole = digits(&rest[sign..]);
    let after = &rest[sign + whole..];
    if whole > 0 {
        offer(Kind::Integer, sign + whole + word(after, b".."));
        if exponent(after) > 0 {
            offer(Kind::Float, sign + whole + exponent(after));
        }
    }
    if after.first() == Some(&b'.') {
        let fraction = digits(&after[1..]);
        if whole > 0 || fraction > 0 {
            let length = sign + whole + 1 + fraction;
            offer(Kind::Float, length + exponent(&rest[length..]));
        }
    }
}

fn exponent(rest: &[u8]) -> usize {
    if !rest.first().is_some_and(|byte| b"eE".contains(byte)) {
        return 0;
    }
    let sign = usize::from(rest.get(1).is_some_and(|byte| b"+-".contains(byte)));
    match digits(&rest[1 + sign..]) {
        0 => 0,
        length => 1 + sign + length,
    }
}

fn digits(rest: &[u8]) -> usize {
    run(rest, |byte| byte.is_ascii_digit())
}

/// The longest string literal: every ending that can be read as a doubled quote may go on.
pub(super) fn string(rest: &[u8], quote: u8, ends_max: usize) -> usize {
    let (mut longest, mut here, mut next) = (0, true, false);
    let mut at = 1;
    while at < ends_max && (here || next) {
        let mut after_next = false;
        if here {
            let following = rest.get(at + 1) == Some(&quote);
            if rest[at] == quote {
                longest = at + 1;
                after_next = following;
            } else {
                next = true;
            }
        }
        (here, next) = (next, after_next);
        at += 1;
    }
    longest
}

/// `\#name` behind any number of double backslashes.
pub(super) fn escaped_directive(rest: &[u8]) -> usize {
    let slashes = run(rest, |byte| byte == b'\\');
    if slashes % 2 == 0 || rest.get(slashes) != Some(&b'#') {
        return 0;
    }
    let mut length = 0;
    words(&rest[slashes + 1..], &mut |_, found| length = length.max(found));
    if length == 0 { 0 } else { slashes + 1 + length }
}

/// `#set(` with the blanks before it.
pub(super) fn set(rest: &[u8]) -> usize {
    let blanks = run(rest, |byte| b" \t".contains(&byte));
    let name = word(&rest[blanks..], b"#set").max(word(&rest[blanks..], b"#{set}"));
    if name == 0 {
        return 0;
    }
    let inner = run(&rest[blanks + name..], |byte| byte == b' ');
    let length = blanks + name + inner;
    if rest.get(length) == Some(&b'(') { length + 1 } else { 0 }
}

pub(super) fn empty_index(rest: &[u8]) -> usize {
    [b"$[".as_slice(), b"$![", b"$\\![", b"$."].iter().map(|text| word(rest, text)).max().unwrap_or(0)
}

/// A token of this length with the blanks and the line end behind it, if nothing else is there.
pub(super) fn with_line_end(rest: &[u8], length: usize) -> usize {
    if length == 0 {
        return 0;
    }
    let blanks = run(&rest[length..], |byte| b" \t".contains(&byte));
    match line_end(&rest[length + blanks..]) {
        0 => length,
        end => length + blanks + end,
    }
}

pub(super) fn line_end(rest: &[u8]) -> usize {
    word(rest, b"\r\n").max(word(rest, b"\n")).max(word(rest, b"\r"))
}

pub(super) fn word(rest: &[u8], word: &[u8]) -> usize {
    if rest.starts_with(word) { word.len() } else { 0 }
}

pub(super) fn run(rest: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len())
}
