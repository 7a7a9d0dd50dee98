//! `java.lang.String`. Positions count UTF-16 units, as in Java.

use super::super::fault::{Halt, Why};
use super::super::program::Call;
use super::super::render::Renderer;
use super::super::value::{ListKind, Value};
use crate::limits;

impl<'a> Renderer<'a> {
    pub(super) fn call_text(
        &mut self,
        text: &'a str,
        call: &'a Call,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        self.charge(text.len() / 64)?;
        // Only a text can be null: a number that is makes it another method.
        let texts = if call.name.starts_with("replace") { arguments.len() } else { 1 };
        let (texts, others) = arguments.split_at(texts.min(arguments.len()));
        let has_null = texts.iter().any(|text| text.is_null())
            && texts.iter().all(|text| matches!(text, Value::Null | Value::Text(_)))
            && others.iter().all(|other| matches!(other, Value::Int(_)));
        if has_null && TAKES_TEXT.contains(&&*call.name) {
            return Err(Halt::failed(format!("{}() is called with null", call.name)));
        }
        Ok(match (&*call.name, arguments) {
            ("length", []) => Value::Int(units(text) as i32),
            ("isEmpty", []) => Value::Boolean(text.is_empty()),
            ("isBlank", []) => Value::Boolean(text.trim().is_empty()),
            ("trim", []) => Value::Text(text.trim_matches(|character| character <= ' ')),
            ("strip", []) => Value::Text(text.trim()),
            ("stripLeading", []) => Value::Text(text.trim_start()),
            ("stripTrailing", []) => Value::Text(text.trim_end()),
            ("toLowerCase", []) => self.heap.text(&text.to_lowercase())?,
            ("toUpperCase", []) => self.heap.text(&text.to_uppercase())?,
            ("charAt", [Value::Int(at)]) => Value::Character(between(text, *at, at.saturating_add(1))?),
            ("substring", [Value::Int(from)]) => Value::Text(between(text, *from, units(text) as i32)?),
            ("substring", [Value::Int(from), Value::Int(to)]) => Value::Text(between(text, *from, *to)?),
            ("repeat", [Value::Int(count)]) => self.repeated(text, *count)?,
            ("replace", [Value::Text(from), Value::Text(to)]) => self.replaced(text, from, to)?,
            ("replace", [Value::Character(from), Value::Character(to)]) => self.replaced(text, from, to)?,
            ("concat", [Value::Text(other)]) => self.joined(text, other)?,
            ("matches" | "replaceAll" | "replaceFirst" | "split", [Value::Text(pattern), ..]) => {
                return self.call_pattern(text, call, pattern, &arguments[1..]);
            }
            ("contains", [Value::Text(part)]) => Value::Boolean(text.contains(part)),
            ("startsWith", [Value::Text(part)]) => Value::Boolean(text.starts_with(part)),
            ("startsWith", [Value::Text(part), Value::Int(from)]) => {
                Value::Boolean(offset(text, *from).is_some_and(|from| text[from..].starts_with(part)))
            }
            ("endsWith", [Value::Text(part)]) => Value::Boolean(text.ends_with(part)),
            ("equalsIgnoreCase", [Value::Text(other)]) => {
                Value::Boolean(text.to_uppercase().to_lowercase() == other.to_uppercase().to_lowercase())
            }
            ("contentEquals", [Value::Text(other)]) => Value::Boolean(text == *other),
            ("compareTo", [Value::Text(other)]) => Value::Int(compared(text, other)),
            ("compareTo", [_]) => return Err(super::not_comparable()),
            ("compareToIgnoreCase", [Value::Text(other)]) => {
                let folded = |text: &str| text.to_uppercase().to_lowercase();
                Value::Int(compared(&folded(text), &folded(other)))
            }
            ("indexOf", [Value::Text(part)]) => position(text, text.find(part)),
            ("indexOf", [Value::Text(part), Value::Int(from)]) => {
                let from = offset(text, (*from).max(0)).unwrap_or(text.len());
                position(text, text[from..].find(part).map(|at| at + from))
            }
            ("lastIndexOf", [Value::Text(part)]) => position(text, text.rfind(part)),
            ("lastIndexOf", [Value::Text(part), Value::Int(from)]) => match offset(text, *from) {
                _ if *from < 0 => Value::Int(-1),
                None => position(text, text.rfind(part)),
                Some(from) => {
                    let end = text.floor_char_boundary((from + part.len()).min(text.len()));
                    position(text, text[..end].rfind(part))
                }
            },
            ("valueOf", [Value::Null]) => Value::Text("null"),
            ("indexOf", [Value::Int(code)]) => {
                position(text, character(*code).and_then(|wanted| text.find(wanted)))
            }
            ("lastIndexOf", [Value::Int(code)]) => {
                position(text, character(*code).and_then(|wanted| text.rfind(wanted)))
            }
            ("valueOf" | "copyValueOf", [value]) => Value::Text(self.text_of(*value)?),
            _ => Value::Null,
        })
    }

    fn call_pattern(
        &mut self,
        text: &'a str,
        call: &'a Call,
        pattern: &'a str,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Halt<'a>> {
        let fits = matches!(
            (&*call.name, arguments),
            ("matches" | "split", [])
                | ("split", [Value::Int(_)])
                | ("replaceAll" | "replaceFirst", [Value::Text(_)])
        );
        if !fits {
            return Ok(Value::Null);
        }
        let made;
        let pattern = match &call.pattern {
            Some(pattern) => pattern,
            None => {
                made = self.patterns.of(pattern, &mut self.steps)?;
                &*made
            }
        };
        self.charge(text.len() / 32)?;
        match arguments {
            [] if &*call.name == "matches" => Ok(Value::Boolean(pattern.is_whole(text))),
            [Value::Text(with)] => {
                let all = &*call.name == "replaceAll";
                Ok(self.heap.text(&pattern.replace(text, with, all).map_err(Halt::failed)?)?)
            }
            arguments => {
                let limit = if let [Value::Int(limit)] = arguments { *limit } else { 0 };
                let parts: Vec<Value<'a>> = pattern.split(text, limit).into_iter().map(Value::Text).collect();
                Ok(self.heap.list(ListKind::Array, &parts)?)
            }
        }
    }

    fn repeated(&mut self, text: &str, count: i32) -> Result<Value<'a>, Halt<'a>> {
        let count =
            usize::try_from(count).map_err(|_| Halt::failed("a text cannot be repeated less than never"))?;
        if text.len().saturating_mul(count) > limits::RENDER_OUTPUT_BYTES_MAX {
            return Err(Why::Output.into());
        }
        Ok(self.heap.text(&text.repeat(count))?)
    }

    fn replaced(&mut self, text: &str, from: &str, to: &str) -> Result<Value<'a>, Halt<'a>> {
        let count = text.matches(from).count();
        if text.len().saturating_add(count.saturating_mul(to.len())) > limits::RENDER_OUTPUT_BYTES_MAX {
            return Err(Why::Output.into());
        }
        Ok(self.heap.text(&text.replace(from, to))?)
    }
}

/// Methods that null can be given to, and that fail then.
const TAKES_TEXT: [&str; 14] = [
    "compareTo",
    "compareToIgnoreCase",
    "concat",
    "contains",
    "contentEquals",
    "endsWith",
    "indexOf",
    "lastIndexOf",
    "matches",
    "replace",
    "replaceAll",
    "replaceFirst",
    "split",
    "startsWith",
];

/// Length in UTF-16 units.
fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

fn character(code: i32) -> Option<char> {
    u32::try_from(code).ok().and_then(char::from_u32)
}

/// The byte at a position in UTF-16 units; none beyond the end. Between the halves of a character: its start.
fn offset(text: &str, unit: i32) -> Option<usize> {
    let unit = usize::try_from(unit).ok()?;
    if text.is_ascii() {
        return (unit <= text.len()).then_some(unit);
    }
    let mut seen = 0;
    for (at, character) in text.char_indices() {
        if seen + character.len_utf16() > unit {
            return Some(at);
        }
        seen += character.len_utf16();
    }
    (seen == unit).then_some(text.len())
}

fn between<'a>(text: &'a str, from: i32, to: i32) -> Result<&'a str, Halt<'a>> {
    match (offset(text, from), offset(text, to)) {
        (Some(start), Some(end)) if from <= to => Ok(&text[start..end.max(start)]),
        _ => Err(Halt::failed(format!("begin {from}, end {to}, length {}: out of bounds", units(text)))),
    }
}

/// A position in bytes as one in UTF-16 units; -1 for none.
fn position<'a>(text: &str, at: Option<usize>) -> Value<'a> {
    Value::Int(at.map_or(-1, |at| units(&text[..at]) as i32))
}

/// `compareTo`: the difference of the first units that differ, or of the lengths.
pub(super) fn compared(one: &str, two: &str) -> i32 {
    let pairs = one.encode_utf16().zip(two.encode_utf16());
    let mut differences = pairs.map(|(one, two)| i32::from(one) - i32::from(two));
    differences.find(|difference| *difference != 0).unwrap_or_else(|| units(one) as i32 - units(two) as i32)
}
