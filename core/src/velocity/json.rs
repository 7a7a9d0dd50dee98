//! Reads JSON as API Gateway does: leniently. Single quotes, names and texts without quotes, useless commas, leading
//! zeros and what follows the document are accepted.

use super::java::number;
use super::value::{Heap, ListKind, OutOfMemory, Value};
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
    let (items, entries) = (Vec::with_capacity(ROOM), Vec::with_capacity(ROOM));
    let mut reader = Reader { heap, text, at: 0, depth: 0, items, entries };
    reader.value(Stops::NONE)
}

/// Items that there is room for at once.
const ROOM: usize = 16;
/// Where a text ends is looked for here before a longer search is set out for.
const SHORT_BYTES: usize = 32;

struct Reader<'a> {
    heap: Heap<'a>,
    text: &'a str,
    at: usize,
    depth: usize,
    /// Items of the lists that are being read, innermost last.
    items: Vec<Value<'a>>,
    /// The same of maps.
    entries: Vec<(Value<'a>, Value<'a>)>,
}

/// The bytes that end a text without quotes.
#[derive(Clone, Copy)]
struct Stops(u8, u8);

impl Stops {
    /// No byte of UTF-8.
    const NONE: Self = Self(0xff, 0xff);
    const ITEM: Self = Self(b',', b']');
    const VALUE: Self = Self(b',', b'}');
    const NAME: Self = Self(b':', b':');

    fn contain(self, byte: u8) -> bool {
        byte == self.0 || byte == self.1
    }
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.next().is_some_and(|byte| byte <= b' ') {
            self.at += 1;
        }
    }

    /// A value; text without quotes ends before any of `stops`.
    fn value(&mut self, stops: Stops) -> Result<Value<'a>, JsonError> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.next() {
            self.at += 1;
        }
        match self.next() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote).map(Value::Text),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(stops),
            Some(b':' | b']' | b'}') => Err(JsonError::Invalid),
            _ => Ok(match self.unquoted(self.at, stops) {
                "null" => Value::Null,
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                "NaN" => Value::Double(f64::NAN),
                text => Value::Text(text),
            }),
        }
    }

    fn descend(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX { Err(JsonError::Invalid) } else { Ok(()) }
    }

    fn array(&mut self) -> Result<Value<'a>, JsonError> {
        self.descend()?;
        self.at += 1;
        let first = self.items.len();
        loop {
            match self.next() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => self.at += 1,
                Some(b']') => break,
                Some(b':' | b'}') | None => return Err(JsonError::Invalid),
                Some(_) => {
                    let item = self.value(Stops::ITEM)?;
                    push(self.heap, &mut self.items, item)?;
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        let list = self.heap.list(ListKind::Json, &self.items[first..])?;
        self.items.truncate(first);
        Ok(list)
    }

    fn object(&mut self) -> Result<Value<'a>, JsonError> {
        self.descend()?;
        let first = self.entries.len();
        loop {
            self.at += 1;
            match self.next() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => continue,
                Some(b':' | b'[' | b']' | b'{') | None => return Err(JsonError::Invalid),
                Some(b'}') => break,
                Some(_) => {}
            }
            let name = self.name()?;
            let value = self.value(Stops::VALUE)?;
            push(self.heap, &mut self.entries, (Value::Text(name), value))?;
            self.skip_space();
            match self.next() {
                Some(b'}') => break,
                Some(b',') => {}
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        self.depth -= 1;
        let map = self.heap.json_map(&self.entries[first..])?;
        self.entries.truncate(first);
        Ok(map)
    }

    /// A name and its colon.
    fn name(&mut self) -> Result<&'a str, JsonError> {
        let name = match self.next() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote)?,
            _ => self.unquoted(self.at, Stops::NAME),
        };
        self.skip_space();
        if self.next() != Some(b':') {
            return Err(JsonError::Invalid);
        }
        self.at += 1;
        if self.next().is_none() { Err(JsonError::Invalid) } else { Ok(name) }
    }

    /// Text from `start` up to a stop, without the blanks around it.
    fn unquoted(&mut self, start: usize, stops: Stops) -> &'a str {
        while self.next().is_some_and(|byte| !stops.contain(byte)) {
            self.at += 1;
        }
        trim(&self.text[start..self.at])
    }

    #[inline(always)]
    fn quoted(&mut self, quote: u8) -> Result<&'a str, JsonError> {
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

    /// A number, or a text that starts like one.
    fn number(&mut self, stops: Stops) -> Result<Value<'a>, JsonError> {
        if let Some(number) = self.short_integer(stops) {
            return Ok(number);
        }
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
        let ends = self.next().is_none_or(|byte| byte >= b'~' || stops.contain(byte));
        if !ends {
            return Ok(Value::Text(self.unquoted(start, stops)));
        }
        let text = trim(&self.text[start..self.at]);
        Ok(if is_float { number::decimal(self.heap, text) } else { number::integer(self.heap, text) }?
            .unwrap_or(Value::Text(text)))
    }

    /// A number of at most nine digits right before a stop, as most are.
    fn short_integer(&mut self, stops: Stops) -> Option<Value<'a>> {
        let rest = &self.text.as_bytes()[self.at..];
        let sign = usize::from(rest[0] == b'-');
        let mut number = 0;
        for (position, byte) in rest[sign..].iter().take(10).enumerate() {
            match byte {
                digit @ b'0'..=b'9' if position < 9 => number = number * 10 + i32::from(digit - b'0'),
                stop if stops.contain(*stop) && position > 0 => {
                    self.at += sign + position;
                    return Some(Value::Int(if sign > 0 { -number } else { number }));
                }
                _ => return None,
            }
        }
        None
    }

    fn skip_digits(&mut self) {
        while self.next().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}

/// Adds to a list; room for more counts as memory of the values.
fn push<T>(heap: Heap<'_>, list: &mut Vec<T>, item: T) -> Result<(), JsonError> {
    if list.len() == list.capacity() {
        heap.reserve(2 * size_of_val(list.as_slice()))?;
    }
    list.push(item);
    Ok(())
}

/// Where the first of two bytes stands. Most texts are short: eight bytes at a time are quicker than to call `memchr2`.
fn find_either(one: u8, two: u8, text: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let (words, _) = text[..text.len().min(SHORT_BYTES)].as_chunks::<8>();
    for (position, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (LOW * u64::from(one))) | zeros(word ^ (LOW * u64::from(two)));
        if found != 0 {
            // What stands above the first one may be wrong, that one is not.
            return Some(position * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let done = words.len() * 8;
    memchr::memchr2(one, two, &text[done..]).map(|position| done + position)
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
