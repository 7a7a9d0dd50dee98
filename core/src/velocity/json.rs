//! Reads JSON as API Gateway does: leniently. Single quotes, names and texts without quotes, useless commas, leading
//! zeros and what follows the document are accepted.

use bumpalo::collections::Vec as BumpVec;

use super::java::number;
use super::value::{Heap, OutOfMemory, Value};
use crate::limits;

/// Why a text is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// It breaks even these rules.
    Invalid,
    /// A limit is reached.
    Memory,
}

impl From<OutOfMemory> for JsonError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

/// Reads a document.
pub(crate) fn parse<'a>(heap: Heap<'a>, text: &'a str) -> Result<Value<'a>, JsonError> {
    let mut reader = Reader { heap, text, at: 0, depth: 0 };
    reader.value(b"")
}

struct Reader<'a> {
    heap: Heap<'a>,
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.next().is_some_and(|byte| byte <= b' ') {
            self.at += 1;
        }
    }

    /// A value; text without quotes ends before any of `stops`.
    fn value(&mut self, stops: &[u8]) -> Result<Value<'a>, JsonError> {
        while self.next().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.at += 1;
        }
        match self.next() {
            Some(b':' | b']' | b'}') => Err(JsonError::Invalid),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(quote @ (b'"' | b'\'')) => Ok(Value::Text(self.quoted(quote)?)),
            Some(b'-' | b'0'..=b'9') => self.number(stops),
            _ => {
                let start = self.at;
                Ok(match self.unquoted(start, stops) {
                    "null" => Value::Null,
                    "true" => Value::Boolean(true),
                    "false" => Value::Boolean(false),
                    "NaN" => Value::Double(f64::NAN),
                    text => Value::Text(text),
                })
            }
        }
    }

    fn descend(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX { Err(JsonError::Invalid) } else { Ok(()) }
    }

    fn array(&mut self) -> Result<Value<'a>, JsonError> {
        self.descend()?;
        self.at += 1;
        let mut items = BumpVec::new_in(self.heap.bump);
        loop {
            match self.next() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => self.at += 1,
                Some(b']') => break,
                Some(b':' | b'}') | None => return Err(JsonError::Invalid),
                Some(_) => {
                    self.heap.reserve(2 * size_of_val(items.as_slice()))?;
                    items.push(self.value(b",]")?);
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(self.heap.json_list(items)?)
    }

    fn object(&mut self) -> Result<Value<'a>, JsonError> {
        self.descend()?;
        let mut pairs = BumpVec::new_in(self.heap.bump);
        loop {
            self.at += 1;
            match self.next() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => continue,
                Some(b':' | b'[' | b']' | b'{') | None => return Err(JsonError::Invalid),
                Some(b'}') => break,
                Some(_) => {}
            }
            let name = self.name()?;
            let value = self.value(b",}")?;
            self.heap.reserve(2 * size_of_val(pairs.as_slice()))?;
            pairs.push((Value::Text(name), value));
            self.skip_space();
            match self.next() {
                Some(b'}') => break,
                Some(b',') => {}
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(self.heap.json_map(pairs)?)
    }

    /// A name and its colon.
    fn name(&mut self) -> Result<&'a str, JsonError> {
        let name = match self.next() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote)?,
            _ => self.unquoted(self.at, b":"),
        };
        self.skip_space();
        if self.next() != Some(b':') {
            return Err(JsonError::Invalid);
        }
        self.at += 1;
        if self.next().is_none() { Err(JsonError::Invalid) } else { Ok(name) }
    }

    /// Text from `start` up to a stop, without the blanks around it.
    fn unquoted(&mut self, start: usize, stops: &[u8]) -> &'a str {
        while self.next().is_some_and(|byte| !stops.contains(&byte)) {
            self.at += 1;
        }
        trim(&self.text[start..self.at])
    }

    fn quoted(&mut self, quote: u8) -> Result<&'a str, JsonError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let length = memchr::memchr(quote, rest).ok_or(JsonError::Invalid)?;
        let plain = &self.text[start..start + length];
        if memchr::memchr(b'\\', plain.as_bytes()).is_none() {
            self.at = start + length + 1;
            return Ok(plain);
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

    /// A number, or a text that starts like one.
    fn number(&mut self, stops: &[u8]) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        self.at += 1;
        self.skip_digits();
        let mut is_float = false;
        if self.next() == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.next(), Some(b'e' | b'E')) {
            self.at += 1;
            if !matches!(self.next(), Some(b'+' | b'-' | b'0'..=b'9')) {
                return Ok(Value::Text(self.unquoted(start, stops)));
            }
            is_float = true;
            self.at += 1;
            self.skip_digits();
        }
        self.skip_space();
        let ends = self.next().is_none_or(|byte| byte >= b'~' || stops.contains(&byte));
        if !ends {
            return Ok(Value::Text(self.unquoted(start, stops)));
        }
        let text = trim(&self.text[start..self.at]);
        Ok(if is_float { number::decimal(self.heap, text) } else { number::integer(self.heap, text) }?
            .unwrap_or(Value::Text(text)))
    }

    fn skip_digits(&mut self) {
        while self.next().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character <= ' ')
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
