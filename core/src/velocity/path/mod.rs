//! JSONPath in Jayway's dialect, which API Gateway has: `parse.rs` reads it, `filter.rs` its filters, `evaluate.rs` finds
//! what it means.
//!
//! The dialect is older than RFC 9535 and differs from it in what is found, what is an error, and how filters compare.

mod evaluate;
mod filter;
mod parse;

use filter::Filter;

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
    Properties(Box<[Box<str>]>),
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
