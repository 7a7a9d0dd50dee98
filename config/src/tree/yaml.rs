//! YAML and JSON to the tree, through serde-saphyr.
//!
//! JSON is read as YAML, of which it is a subset; only when it is broken does serde_json say where, because a YAML
//! parser would go on to guess.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Options, Spanned};
use tidegate_core::span::Span;

use super::{Entry, Node, Value};
use crate::report::Report;
use crate::source::Source;

/// Nesting of lists and maps; deeper documents are refused. The readers above recurse as deep.
const DEPTH_MAX: usize = 96;
/// Nodes of a document, 6 MB being the most it can have bytes.
const NODES_MAX: usize = 1_000_000;
/// Nodes that aliases may add.
const ALIASED_NODES_MAX: usize = 100_000;

/// Entries of a map in which duplicate keys are found without a table.
const COMPARED_MAX: usize = 8;

/// Reads the report's source as an OpenAPI document, or reports why it is neither YAML nor JSON.
pub(crate) fn read(report: &mut Report) -> Option<Node> {
    read_as("OpenAPI input", report)
}

/// The same for another document, called `what` in messages.
pub(crate) fn read_as(what: &str, report: &mut Report) -> Option<Node> {
    let source = std::sync::Arc::clone(&report.source);
    if is_json(&source)
        && let Err(error) = serde_json::from_str::<IgnoredAny>(&source.text)
    {
        // serde_json counts the bytes of a line from 1, and 0 is its line break.
        let at = source.offset(error.line(), 1) + error.column().saturating_sub(1);
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        report.error(source.span(at, at + 1), format!("Invalid {what}: {message}"));
        return None;
    }
    match serde_saphyr::from_str_with_options::<Placed<Raw>>(&source.text, options()) {
        Ok(root) => Some(node(root, &source, report)),
        Err(error) => {
            let error = error.without_snippet();
            let at = error.location().map_or(Span::new(0, 0), |location| Place::of(&location).span(&source));
            report.error(at, format!("Invalid {what}: {}", message(error)));
            None
        }
    }
}

/// What is wrong, without its place.
fn message(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::MultipleDocuments { .. } => "more than one document in a file".to_owned(),
        serde_saphyr::Error::Budget { breach: BudgetBreach::Depth { depth }, .. } => {
            format!("nested {depth} deep; the limit is {DEPTH_MAX}")
        }
        serde_saphyr::Error::Budget { .. } => format!("too large; the limit is {NODES_MAX} values"),
        other => other.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
    }
}

fn is_json(source: &Source) -> bool {
    source.name.ends_with(".json") || source.text.trim_start().starts_with('{')
}

/// YAML 1.2 scalars; duplicate keys are found by [`node`], all of them.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED_NODES_MAX },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn node(raw: Placed<Raw>, source: &Source, report: &mut Report) -> Node {
    let span = raw.place.span(source);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Boolean(boolean) => Value::Boolean(boolean),
        Raw::Integer(integer) => Value::Number(source.slice(span).into(), Some(integer)),
        Raw::Number => Value::Number(source.slice(span).into(), None),
        Raw::Text(text) => Value::Text(text.into()),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, source, report)).collect()),
        Raw::Map(entries) => Value::Map(map(entries, source, report)),
    };
    Node { span, value }
}

fn map(raw: Vec<(Placed<String>, Placed<Raw>)>, source: &Source, report: &mut Report) -> Vec<Entry> {
    let again = duplicates(&raw);
    for &(first, again) in &again {
        let (first, again) = (&raw[first].0, &raw[again].0);
        let message = format!("duplicate key `{}`", again.value);
        report.error(again.place.span(source), message).related(first.place.span(source), "first here");
    }
    let mut entry = |(key, value): (Placed<String>, Placed<Raw>)| Entry {
        key_span: key.place.span(source),
        key: key.value.into(),
        value: node(value, source, report),
    };
    let mut again = again.into_iter().map(|(_, again)| again).peekable();
    let firsts = raw.into_iter().enumerate().filter(|(position, _)| again.next_if_eq(position).is_none());
    firsts.map(|(_, raw)| entry(raw)).collect()
}

/// Where keys are written again, in order, each with where it was first.
fn duplicates(entries: &[(Placed<String>, Placed<Raw>)]) -> Vec<(usize, usize)> {
    let key = |position: usize| entries[position].0.value.as_str();
    // Most maps are so small that to compare is faster than to hash.
    if entries.len() <= COMPARED_MAX {
        let first = |again: usize| (0..again).find(|&first| key(first) == key(again));
        return (1..entries.len()).filter_map(|again| Some((first(again)?, again))).collect();
    }
    let mut firsts = HashMap::with_capacity(entries.len());
    (0..entries.len())
        .filter_map(|again| {
            let first = *firsts.entry(key(again)).or_insert(again);
            (first != again).then_some((first, again))
        })
        .collect()
}

/// Where something is written: what is needed of a [`Location`], in a sixth of its bytes. Documents have many.
enum Place {
    /// Offset and length.
    Bytes(u32, u32),
    /// Line and column; errors of the scanner have no more.
    Line(u32, u32),
}

impl Place {
    fn of(location: &Location) -> Self {
        let span = location.span();
        // A document is far smaller than 4 GiB.
        match (span.byte_offset(), span.byte_len()) {
            (Some(start), Some(length)) => Self::Bytes(start as u32, length as u32),
            _ => Self::Line(location.line() as u32, location.column() as u32),
        }
    }

    fn span(&self, source: &Source) -> Span {
        let (start, length) = match *self {
            Self::Bytes(start, length) => (start as usize, length as usize),
            Self::Line(line, column) => (source.offset(line as usize, column as usize), 1),
        };
        source.span(start, start.saturating_add(length))
    }
}

/// A value and its place.
struct Placed<T> {
    value: T,
    place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, place: Place::of(&defined) })
    }
}

/// A value as serde sees it.
enum Raw {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Any other number; the source says which.
    Number,
    Text(String),
    List(Vec<Placed<Raw>>),
    Map(Vec<(Placed<String>, Placed<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Raw, E> {
        Ok(Raw::Boolean(boolean))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Raw, E> {
        Ok(i64::try_from(integer).map_or(Raw::Number, Raw::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            list.push(entry);
        }
        Ok(Raw::Map(list))
    }
}
