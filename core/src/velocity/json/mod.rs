//! Reads JSON as API Gateway does: leniently. Single quotes, names and texts without quotes, useless commas, leading
//! zeros and what follows the document are accepted.

mod number;
mod text;

use std::hint::cold_path;

use super::map::{Map, Member};
use super::name::Fingerprint;
use super::value::{Heap, List, ListKind, OutOfMemory, Value};
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
    let (items, members) = (Vec::with_capacity(ROOM), Vec::with_capacity(ROOM));
    let mut reader = Reader { heap, text, at: 0, depth: 0, items, members };
    reader.value(Stops::NONE)
}

/// Items that there is room for at once.
const ROOM: usize = 16;

struct Reader<'a> {
    heap: Heap<'a>,
    text: &'a str,
    at: usize,
    depth: usize,
    /// Items of the lists that are being read, innermost last.
    items: Vec<Value<'a>>,
    /// The same of maps.
    members: Vec<Member<'a>>,
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

    #[inline(always)]
    fn skip_space(&mut self) {
        while self.next().is_some_and(|byte| byte <= b' ') {
            cold_path();
            self.at += 1;
        }
    }

    /// A value; text without quotes ends before any of `stops`. Inlined into both that have values in them: there is no call
    /// for what is no list and no map.
    #[inline(always)]
    fn value(&mut self, stops: Stops) -> Result<Value<'a>, JsonError> {
        if self.next() == Some(b'"') {
            return Ok(Value::Text(self.quoted::<b'"'>()?.0));
        }
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.next() {
            self.at += 1;
        }
        match self.next() {
            Some(b'"') => Ok(Value::Text(self.quoted::<b'"'>()?.0)),
            Some(b'{') => Ok(Value::Map(self.map()?)),
            Some(b'[') => Ok(Value::List(self.list()?)),
            Some(b'-' | b'0'..=b'9') => self.number(stops),
            Some(b'\'') => Ok(Value::Text(self.quoted::<b'\''>()?.0)),
            Some(b':' | b']' | b'}') => Err(JsonError::Invalid),
            _ => Ok(self.word(stops)),
        }
    }

    fn descend(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX { Err(JsonError::Invalid) } else { Ok(()) }
    }

    fn list(&mut self) -> Result<&'a List<'a>, JsonError> {
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
        let list = self.heap.new_list(ListKind::Json, &self.items[first..])?;
        self.items.truncate(first);
        Ok(list)
    }

    fn map(&mut self) -> Result<&'a Map<'a>, JsonError> {
        self.descend()?;
        let first = self.members.len();
        loop {
            self.at += 1;
            let (name, fingerprint) = match self.next() {
                Some(b'"') => self.quoted::<b'"'>()?,
                other => {
                    cold_path();
                    match other {
                        Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => continue,
                        Some(b':' | b'[' | b']' | b'{') | None => return Err(JsonError::Invalid),
                        Some(b'}') => break,
                        Some(b'\'') => self.quoted::<b'\''>()?,
                        Some(_) => self.unquoted_name(),
                    }
                }
            };
            self.colon()?;
            let value = self.value(Stops::VALUE)?;
            push(self.heap, &mut self.members, Member::named(name, fingerprint, value))?;
            self.skip_space();
            match self.next() {
                Some(b'}') => break,
                Some(b',') => {}
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        self.depth -= 1;
        let map = self.heap.json_map(&self.members[first..])?;
        self.members.truncate(first);
        Ok(map)
    }

    fn unquoted_name(&mut self) -> (&'a str, Fingerprint) {
        let name = self.unquoted(self.at, Stops::NAME);
        (name, Fingerprint::of(name))
    }

    /// The colon behind a name; something has to follow.
    #[inline(always)]
    fn colon(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.next() != Some(b':') {
            return Err(JsonError::Invalid);
        }
        self.at += 1;
        if self.next().is_none() { Err(JsonError::Invalid) } else { Ok(()) }
    }

    /// What has no quotes and is no number.
    #[inline(never)]
    fn word(&mut self, stops: Stops) -> Value<'a> {
        match self.unquoted(self.at, stops) {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "NaN" => Value::Double(f64::NAN),
            text => Value::Text(text),
        }
    }

    /// Text from `start` up to a stop, without the blanks around it.
    fn unquoted(&mut self, start: usize, stops: Stops) -> &'a str {
        while self.next().is_some_and(|byte| !stops.contain(byte)) {
            self.at += 1;
        }
        trim(&self.text[start..self.at])
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

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character <= ' ')
}
