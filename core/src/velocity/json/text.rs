//! Texts in quotes, and their escapes.

use super::super::name::Fingerprint;
use super::{JsonError, Reader};

/// Where a text ends is looked for here before a longer search is set out for.
const SHORT_BYTES: usize = 32;

impl<'a> Reader<'a> {
    /// A text in quotes. The fingerprint costs nothing here: the first word is at hand.
    #[inline(always)]
    pub(super) fn quoted<const QUOTE: u8>(&mut self) -> Result<(&'a str, Fingerprint), JsonError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        if let Some(word) = rest.first_chunk() {
            let word = u64::from_le_bytes(*word);
            let (quotes, escapes) = (bytes_in(word, QUOTE), bytes_in(word, b'\\'));
            if quotes != 0 && escapes == 0 {
                let length = first_of(quotes);
                self.at = start + length + 1;
                return Ok((&self.text[start..start + length], Fingerprint::of_word(word, length)));
            }
        }
        let text = self.long_quoted(QUOTE)?;
        Ok((text, Fingerprint::of(text)))
    }

    #[inline(never)]
    fn long_quoted(&mut self, quote: u8) -> Result<&'a str, JsonError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let end = find_either(quote, b'\\', rest).ok_or(JsonError::Invalid)?;
        if rest[end] == quote {
            self.at = start + end + 1;
            return Ok(&self.text[start..start + end]);
        }
        self.at = start;
        self.escaped(quote)
    }

    /// A text with escapes. In such a text control characters are left out.
    fn escaped(&mut self, quote: u8) -> Result<&'a str, JsonError> {
        let mut units = Utf8::default();
        loop {
            let start = self.at;
            while self
                .next()
                .is_some_and(|byte| byte >= b' ' && byte != 0x7f && byte != b'\\' && byte != quote)
            {
                self.at += 1;
            }
            units.push_str(&self.text[start..self.at]);
            let byte = self.next().ok_or(JsonError::Invalid)?;
            self.at += 1;
            match byte {
                b'\\' => self.escape(&mut units)?,
                byte if byte == quote => break,
                _ => {}
            }
        }
        Ok(self.heap.keep(&units.finish())?)
    }

    fn escape(&mut self, units: &mut Utf8) -> Result<(), JsonError> {
        let escape = self.text[self.at..].chars().next().ok_or(JsonError::Invalid)?;
        self.at += escape.len_utf8();
        match escape {
            't' => units.push_str("\t"),
            'n' => units.push_str("\n"),
            'r' => units.push_str("\r"),
            'f' => units.push_str("\u{c}"),
            'b' => units.push_str("\u{8}"),
            '\\' => units.push_str("\\"),
            '/' => units.push_str("/"),
            '\'' => units.push_str("'"),
            '"' => units.push_str("\""),
            'u' => units.push_unit(self.hexadecimal(4)?),
            'x' => units.push_unit(self.hexadecimal(2)?),
            _ => {}
        }
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u16, JsonError> {
        let text = self.text.get(self.at..self.at + digits).ok_or(JsonError::Invalid)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(JsonError::Invalid);
        }
        self.at += digits;
        u16::from_str_radix(text, 16).map_err(|_| JsonError::Invalid)
    }
}

/// Where the first of two bytes stands. Most texts are short: eight bytes at a time are quicker than to call `memchr2`.
fn find_either(one: u8, two: u8, text: &[u8]) -> Option<usize> {
    let (words, _) = text[..text.len().min(SHORT_BYTES)].as_chunks::<8>();
    for (position, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = bytes_in(word, one) | bytes_in(word, two);
        if found != 0 {
            return Some(position * 8 + first_of(found));
        }
    }
    let done = words.len() * 8;
    memchr::memchr2(one, two, &text[done..]).map(|position| done + position)
}

/// Marks the bytes of a word that are this one. What stands above the first one may be wrong, that one is not.
#[inline(always)]
fn bytes_in(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let word = word ^ (LOW * u64::from(byte));
    word.wrapping_sub(LOW) & !word & HIGH
}

/// Where the first marked byte stands.
#[inline(always)]
fn first_of(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// A text that is written in pieces, some of them halves of a character.
#[derive(Default)]
struct Utf8 {
    text: String,
    high: Option<u16>,
}

impl Utf8 {
    fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.flush();
            self.text.push_str(text);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        if let Some(high) = self.high
            && (0xdc00..0xe000).contains(&unit)
        {
            self.high = None;
            return self
                .text
                .extend(char::decode_utf16([high, unit]).map(|found| found.unwrap_or('\u{fffd}')));
        }
        self.flush();
        match char::from_u32(u32::from(unit)) {
            Some(character) => self.text.push(character),
            None if unit < 0xdc00 => self.high = Some(unit),
            None => self.text.push('\u{fffd}'),
        }
    }

    fn flush(&mut self) {
        if self.high.take().is_some() {
            self.text.push('\u{fffd}');
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.text
    }
}
