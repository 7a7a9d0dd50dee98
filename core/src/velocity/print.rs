//! Values as text: as Java's `toString` has them, and as JSON.

use super::java::number::{self, Number};
use super::map::{Map, MapKind};
use super::value::{List, ListKind, Value};
use crate::limits;

/// Why a value cannot be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprintable {
    /// The text becomes too long.
    Output,
    /// The value nests too deep, or contains itself.
    Depth,
    /// It contains what `#define` made, which only a renderer can print.
    Block,
}

/// What most values are. A number is wider than it need be: of two whole words none is copied by halves.
pub(crate) enum Plain<'a> {
    Text(&'a str),
    Number(i64),
}

impl<'a> Plain<'a> {
    #[inline(always)]
    pub(crate) fn of(value: &Value<'a>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Self::Text(text)),
            Value::Int(number) => Some(Self::Number((*number).into())),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Number(digit @ 0..=9) => out.push(b'0' + digit as u8),
            Self::Number(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        }
    }
}

/// Appends `toString()`. Null is `null`, as in a list.
pub(crate) fn java(value: Value<'_>, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    java_at(value, 0, out)
}

/// How JSON texts are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slash {
    /// `/` as it is: `$input.json()`.
    Plain,
    /// `\/`: a JSON array that is printed.
    Escaped,
}

/// Appends JSON.
pub(crate) fn json(value: Value<'_>, slash: Slash, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    json_at(value, slash, 0, out)
}

/// A number as Java's `BigDecimal` would read it, as exactly as comparing needs.
pub(crate) fn parse_number(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse() {
        return Some(Number::Long(number));
    }
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| numeric).map(Number::Double)
}

fn check(depth: usize, out: &[u8]) -> Result<(), Unprintable> {
    if depth > limits::VALUE_DEPTH_MAX {
        return Err(Unprintable::Depth);
    }
    if out.len() > limits::RENDER_OUTPUT_BYTES_MAX { Err(Unprintable::Output) } else { Ok(()) }
}

fn java_at(value: Value<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    check(depth, out)?;
    match value {
        Value::List(list) if list.kind == ListKind::Json => {
            return json_list(list, Slash::Escaped, depth, out);
        }
        Value::List(list) if list.kind == ListKind::Array => {
            out.extend_from_slice(b"[Ljava.lang.String;@0");
        }
        Value::List(list) => return java_list(list, depth, out),
        Value::Map(map) => return java_map(map, depth, out),
        Value::Block(_) => return Err(Unprintable::Block),
        Value::Scope(scope) => return java_map(scope.storage, depth, out),
        Value::Entry(entry) => {
            java_at(entry.key, depth + 1, out)?;
            out.push(b'=');
            return java_at(entry.value.get(), depth + 1, out);
        }
        scalar => write_scalar(scalar, out),
    }
    Ok(())
}

/// What has no parts.
fn write_scalar(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::Long(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::Big(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Value::Double(number) => number::write_double(number, out),
        Value::Digits(text) | Value::Text(text) | Value::Character(text) => {
            out.extend_from_slice(text.as_bytes());
        }
        Value::Scope(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Entry(_)
        | Value::Block(_)
        | Value::Host(_) => {}
    }
}

fn java_list(list: &List<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    out.push(b'[');
    for (position, item) in list.items.borrow().iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(b", ");
        }
        match item {
            Value::List(inner) if std::ptr::eq(*inner, list) => out.extend_from_slice(b"(this Collection)"),
            item => java_at(*item, depth + 1, out)?,
        }
    }
    out.push(b']');
    Ok(())
}

fn java_map(map: &Map<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    if map.kind == MapKind::Silent {
        return Ok(());
    }
    out.push(b'{');
    let mut position = 0;
    while let Some((key, value)) = map.at(position) {
        if position > 0 {
            out.extend_from_slice(b", ");
        }
        for (part, end) in [(key, "="), (value, "")] {
            match part {
                Value::Map(inner) if std::ptr::eq(inner, map) => out.extend_from_slice(b"(this Map)"),
                part => java_at(part, depth + 1, out)?,
            }
            out.extend_from_slice(end.as_bytes());
        }
        position += 1;
    }
    out.push(b'}');
    Ok(())
}

fn json_at(value: Value<'_>, slash: Slash, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    check(depth, out)?;
    match value {
        Value::Text(text) | Value::Character(text) => write_json_text(text, slash, out),
        Value::Double(number) if !number.is_finite() => out.extend_from_slice(b"null"),
        Value::List(list) => return json_list(list, slash, depth, out),
        Value::Map(map) => return json_map(map, slash, depth, out),
        scalar => write_scalar(scalar, out),
    }
    Ok(())
}

fn json_list(list: &List<'_>, slash: Slash, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    out.push(b'[');
    for (position, item) in list.items.borrow().iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        json_at(*item, slash, depth + 1, out)?;
    }
    out.push(b']');
    Ok(())
}

fn json_map(map: &Map<'_>, slash: Slash, depth: usize, out: &mut Vec<u8>) -> Result<(), Unprintable> {
    out.push(b'{');
    let mut position = 0;
    while let Some((key, value)) = map.at(position) {
        if position > 0 {
            out.push(b',');
        }
        match key {
            Value::Text(text) => write_json_text(text, slash, out),
            other => {
                let mut text = Vec::new();
                java_at(other, depth + 1, &mut text)?;
                write_json_text(&String::from_utf8_lossy(&text), slash, out);
            }
        }
        out.push(b':');
        json_at(value, slash, depth + 1, out)?;
        position += 1;
    }
    out.push(b'}');
    Ok(())
}

fn write_json_text(text: &str, slash: Slash, out: &mut Vec<u8>) {
    out.push(b'"');
    let is_plain = |byte: u8| (b' '..0x7f).contains(&byte) && !b"\"\\/".contains(&byte);
    if text.bytes().all(is_plain) {
        out.extend_from_slice(text.as_bytes());
        return out.push(b'"');
    }
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '/' if slash == Slash::Escaped => "\\/",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => "",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + character.len_utf8();
        match escape {
            "" => out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes()),
            escape => out.extend_from_slice(escape.as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
    out.push(b'"');
}
