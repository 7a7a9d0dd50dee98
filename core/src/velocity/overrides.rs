//! `$context.requestOverride` and `$context.responseOverride`: what templates change of the messages beside the body.

use super::fault::Halt;
use super::java::number;
use super::map::{Map, MapKind};
use super::print;
use super::value::{Heap, OutOfMemory, Value};

/// What the templates of one request have overridden so far. A response template sees what the request template set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub(super) request: Vec<(String, Kept)>,
    pub(super) response: Vec<(String, Kept)>,
}

/// A value that is kept from one template to the next: texts, and maps of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A text, or what else prints as one.
    Text(String),
    /// A number, as it prints.
    Number(String),
    /// A map.
    Map(Vec<(String, Kept)>),
}

impl Overrides {
    /// `$context.requestOverride.{part}` as names and values; `part` is `header`, `path` or `querystring`.
    pub fn request(&self, part: &str) -> impl Iterator<Item = (&str, &str)> {
        texts(&self.request, part)
    }

    /// `$context.responseOverride.header`
    pub fn response_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        texts(&self.response, "header")
    }

    /// `$context.responseOverride.status`, if it is one; AWS ignores others.
    pub fn status(&self) -> Option<u16> {
        let kept = self.response.iter().find(|(name, _)| name == "status");
        match kept {
            Some((_, Kept::Text(text) | Kept::Number(text))) => {
                text.parse().ok().filter(|status| (100..=599).contains(status))
            }
            _ => None,
        }
    }

    /// Everything, by its name in `$context`.
    pub fn kept(&self) -> impl Iterator<Item = (String, &Kept)> {
        let groups = [("requestOverride", &self.request), ("responseOverride", &self.response)];
        groups
            .into_iter()
            .flat_map(|(group, all)| all.iter().map(move |(name, kept)| (format!("{group}.{name}"), kept)))
    }

    /// True when nothing is overridden.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.request.clear();
        self.response.clear();
    }
}

fn texts<'o>(kept: &'o [(String, Kept)], part: &str) -> impl Iterator<Item = (&'o str, &'o str)> {
    let found = kept.iter().find_map(|(name, kept)| match kept {
        Kept::Map(map) if name == part => Some(map.as_slice()),
        _ => None,
    });
    found.unwrap_or_default().iter().filter_map(|(name, kept)| match kept {
        Kept::Text(text) | Kept::Number(text) => Some((name.as_str(), text.as_str())),
        Kept::Map(_) => None,
    })
}

/// The maps of a rendering.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps<'a> {
    pub(super) request: &'a Map<'a>,
    pub(super) response: &'a Map<'a>,
}

impl<'a> Maps<'a> {
    pub(super) fn load(heap: Heap<'a>, overrides: &Overrides) -> Result<Self, OutOfMemory> {
        Ok(Self {
            request: map(heap, &overrides.request, &["header", "path", "querystring"])?,
            response: map(heap, &overrides.response, &["header"])?,
        })
    }

    pub(super) fn save(self, overrides: &mut Overrides) -> Result<(), Halt<'a>> {
        overrides.request = keep(self.request, 0)?;
        overrides.response = keep(self.response, 0)?;
        Ok(())
    }
}

fn map<'a>(heap: Heap<'a>, kept: &[(String, Kept)], parts: &[&str]) -> Result<&'a Map<'a>, OutOfMemory> {
    let made = heap.map_of(MapKind::Silent)?;
    for part in parts {
        let empty = Value::Map(heap.map_of(MapKind::Silent)?);
        made.put(heap, heap.text(part)?, empty)?;
    }
    for (name, value) in kept {
        let value = match value {
            Kept::Text(text) => heap.text(text)?,
            Kept::Number(text) => number(heap, text)?,
            Kept::Map(inner) => Value::Map(map(heap, inner, &[])?),
        };
        made.put(heap, heap.text(name)?, value)?;
    }
    Ok(made)
}

fn number<'a>(heap: Heap<'a>, text: &str) -> Result<Value<'a>, OutOfMemory> {
    let kept = heap.keep(text)?;
    let number = match number::integer(heap, kept)? {
        Some(Value::Digits(_)) | None => number::decimal(heap, kept)?,
        integer => integer,
    };
    Ok(number.unwrap_or(Value::Text(kept)))
}

/// How deep overrides may nest; what is deeper is lost.
const DEPTH_MAX: usize = 4;

fn keep<'a>(map: &'a Map<'a>, depth: usize) -> Result<Vec<(String, Kept)>, Halt<'a>> {
    let mut kept = Vec::new();
    for position in 0..map.len() {
        let Some((name, value)) = map.at(position) else { break };
        let value = match value {
            Value::Map(inner) if depth < DEPTH_MAX => Kept::Map(keep(inner, depth + 1)?),
            Value::Map(_) | Value::Null => continue,
            scalar if scalar.number().is_some() => Kept::Number(text(scalar)?),
            scalar => Kept::Text(text(scalar)?),
        };
        kept.push((text(name)?, value));
    }
    Ok(kept)
}

fn text<'a>(value: Value<'a>) -> Result<String, Halt<'a>> {
    let mut out = Vec::new();
    print::java(value, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
