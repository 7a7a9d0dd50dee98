//! JSONPath in Jayway's dialect, which API Gateway has: `parse.rs` reads it, `filter.rs` its filters, `evaluate.rs` finds
//! what it means.
//!
//! The dialect is older than RFC 9535 and differs from it in what is found, what is an error, and how filters compare.

mod evaluate;
mod filter;
mod parse;

use std::fmt;

use filter::Filter;

use super::json::{self, JsonError};
use super::name::Name;
use super::print::{self, Slash};
use super::render::Arena;
use super::value::{Heap, Value};
use crate::limits;

pub(super) use evaluate::{Missing, Search};

/// A compiled path.
#[derive(Debug)]
pub struct Path {
    tokens: Box<[Token]>,
    /// Starts at the item that a filter looks at, not at the document.
    relative: bool,
}

#[derive(Debug)]
enum Token {
    /// `.a`, `['a']`, `['a', 'b']`.
    Properties(Box<[Name]>),
    /// `.*`, `[*]`.
    Wildcard,
    /// `..`
    Scan,
    /// `[1]`
    Index(i32),
    /// `[1,2]`
    Indexes(Box<[i32]>),
    /// `[(@.length()-1)]`: counted from the end.
    FromEnd(i32),
    /// `[1:]`
    From(i32),
    /// `[:1]`
    To(i32),
    /// `[1:2]`
    Between(i32, i32),
    /// `[?(…)]`
    Filter(Filter),
}

impl Token {
    fn is_definite(&self) -> bool {
        matches!(self, Self::Properties(_) | Self::Index(_) | Self::FromEnd(_))
    }
}

impl Path {
    /// Whether it names one value at most; else its result is a list.
    pub(super) fn is_definite(&self) -> bool {
        self.tokens.iter().all(Token::is_definite)
    }
}

/// Why nothing can be read from a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDocument;

impl fmt::Display for NoDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not JSON, or too large")
    }
}

impl Path {
    /// Appends what the path means in a body: a text as it is, all else as JSON. False if it means nothing there.
    pub fn write(&self, body: &str, arena: &mut Arena, out: &mut Vec<u8>) -> Result<bool, NoDocument> {
        let done = self.write_from(body, arena, out);
        arena.reset();
        done
    }

    fn write_from(&self, body: &str, arena: &Arena, out: &mut Vec<u8>) -> Result<bool, NoDocument> {
        let heap = Heap { bump: arena.bump() };
        let document =
            json::parse(heap, body).map_err(|(JsonError::Invalid | JsonError::Memory)| NoDocument)?;
        let mut steps = limits::RENDER_STEPS_MAX;
        match Search::new(heap, document, &mut steps).find(self) {
            Ok(Value::Null) | Err(Missing::NotFound | Missing::Invalid(_)) => Ok(false),
            Ok(Value::Text(text)) => {
                out.extend_from_slice(text.as_bytes());
                Ok(true)
            }
            Ok(value) => print::json(value, Slash::Plain, out).map(|()| true).map_err(|_| NoDocument),
            Err(Missing::Memory | Missing::Depth | Missing::Steps) => Err(NoDocument),
        }
    }
}

/// Whether a body that begins like JSON is none. AWS takes any other body for a text.
pub fn is_broken_json(body: &str, arena: &mut Arena) -> bool {
    let begins = body.trim_start().starts_with(['{', '[', '"', '\'']);
    let broken = begins && json::parse(Heap { bump: arena.bump() }, body).is_err();
    arena.reset();
    broken
}
