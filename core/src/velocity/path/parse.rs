//! Reads a path.

use super::filter::Filter;
use super::{Path, Token};
use crate::limits;
use crate::velocity::name::Name;

impl Path {
    /// Reads a path; an error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::nested(text, 0)
    }

    /// Reads a path in a filter of a path, so deep.
    pub(super) fn nested(text: &str, depth: usize) -> Result<Self, String> {
        if text.len() > limits::JSON_PATH_BYTES_MAX {
            return Err(format!("it has more than {} bytes", limits::JSON_PATH_BYTES_MAX));
        }
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.ends_with("..") {
            return Err("it ends in `..`".to_owned());
        }
        let relative = text.starts_with('@');
        let rest = match text.strip_prefix(['$', '@']) {
            Some(rest) => rest.to_owned(),
            None => format!(".{text}"),
        };
        if !rest.is_empty() && !rest.starts_with(['.', '[']) {
            return Err("`$` is followed by neither `.` nor `[`".to_owned());
        }
        Ok(Self { tokens: tokens(&rest, depth)?.into(), relative })
    }
}

fn tokens(text: &str, depth: usize) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            ' ' => return Err("it has a space outside of brackets".to_owned()),
            '[' => {
                let (inside, after) = rest.split_at(bracket(rest));
                rest = after;
                bracketed(inside, depth)?
            }
            '.' if rest.len() == 1 => return Err("it ends in `.`".to_owned()),
            '.' if rest.starts_with("..") => {
                rest = &rest[2..];
                Token::Scan
            }
            '.' => {
                let name = name(&rest[1..]);
                rest = &rest[1 + name.len()..];
                match name {
                    "" => continue,
                    "*" => Token::Wildcard,
                    name => property(name),
                }
            }
            '*' => {
                rest = &rest[1..];
                Token::Wildcard
            }
            '$' => return Err("it has a second `$`".to_owned()),
            _ => {
                let name = name(rest);
                rest = &rest[name.len()..];
                property(name)
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

fn property(name: &str) -> Token {
    Token::Properties([name.into()].into())
}

/// What goes up to the next `.`, `[` or space.
fn name(text: &str) -> &str {
    &text[..text.find(['.', '[', ' ']).unwrap_or(text.len())]
}

/// Bytes from `[` to the `]` that closes it.
fn bracket(text: &str) -> usize {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// What stands in brackets is known by the first character that means something.
fn bracketed(text: &str, depth: usize) -> Result<Token, String> {
    if text == "[*]" {
        return Ok(Token::Wildcard);
    }
    let decides = |character: char| "?'0123456789:-@".contains(character);
    let at = text
        .find(decides)
        .ok_or_else(|| format!("{text} is neither a property nor an index nor a filter"))?;
    match text.as_bytes()[at] {
        b'?' => Ok(Token::Filter(Filter::parse(text, depth)?)),
        b'\'' => properties(&text[at..]),
        b'@' => from_end(&text[at..]),
        _ => positions(&text[at..]),
    }
}

/// `'a', 'b']`
fn properties(text: &str) -> Result<Token, String> {
    let mut names: Vec<Name> = Vec::new();
    let mut open: Option<String> = None;
    for character in text.chars() {
        match (character, &mut open) {
            (']', _) => return Ok(Token::Properties(names.into())),
            ('\'', None) => open = Some(String::new()),
            ('\'', Some(name)) => {
                names.push(std::mem::take(name).as_str().into());
                open = None;
            }
            (other, Some(name)) => name.push(other),
            (_, None) => {}
        }
    }
    Err("a bracket is not closed".to_owned())
}

/// `@.length() - 1)]`
fn from_end(text: &str) -> Result<Token, String> {
    let wrong = || format!("{text} is not of the form [(@.length()-1)]");
    let (function, rest) = text.strip_prefix("@.").and_then(|rest| rest.split_once('-')).ok_or_else(wrong)?;
    let function: String = function.chars().filter(|character| !" ()".contains(*character)).collect();
    if function != "length" && function != "size" {
        return Err(wrong());
    }
    let (number, _) = rest.split_once(')').ok_or_else(wrong)?;
    let number: String = format!("-{number}").replace(' ', "");
    number.parse().map(Token::FromEnd).map_err(|_| wrong())
}

/// `1]`, `1,2]`, `1:2]`, `:2]`, `1:]`, read as Jayway does: up to the first character that has no place in there, and past
/// the one that ends a slice.
fn positions(text: &str) -> Result<Token, String> {
    let wrong = || format!("[{text} is not an index");
    let byte = |at: usize| text.as_bytes().get(at).copied().ok_or_else(wrong);
    let number = |digits: &mut String| std::mem::take(digits).parse::<i32>().map_err(|_| wrong());
    let (mut numbers, mut digits, mut at) = (Vec::new(), String::new(), 0);
    let (mut sequence, mut from, mut to) = (false, false, false);
    loop {
        match byte(at)? {
            b' ' => {}
            b':' => {
                let begins = digits.is_empty();
                if begins {
                    to = true;
                } else {
                    numbers.push(number(&mut digits)?);
                }
                at += 1;
                while let found @ (b'0'..=b'9' | b'-' | b' ') = byte(at)? {
                    digits.extend(Some(char::from(found)).filter(|digit| *digit != ' '));
                    at += 1;
                }
                if begins || !digits.is_empty() {
                    numbers.push(number(&mut digits)?);
                } else {
                    from = true;
                }
            }
            b',' => {
                numbers.push(number(&mut digits)?);
                sequence = true;
            }
            digit @ (b'0'..=b'9' | b'-') => digits.push(char::from(digit)),
            _ => break,
        }
        if byte(at)? == b']' {
            break;
        }
        at += 1;
    }
    if !digits.is_empty() {
        numbers.push(number(&mut digits)?);
    }
    match numbers[..] {
        [one] if !from && !to => Ok(Token::Index(one)),
        _ if sequence => Ok(Token::Indexes(numbers.into())),
        [one, ..] if from => Ok(Token::From(one)),
        [one, ..] if to => Ok(Token::To(one)),
        [one, two, ..] => Ok(Token::Between(one, two)),
        _ => Err(wrong()),
    }
}
