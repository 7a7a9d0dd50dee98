//! What templates see of Java: numbers and how they are computed with and printed, regular expressions.

mod dialect;
pub(super) mod number;
mod pattern;
mod patterns;

pub(crate) use dialect::from_java;
pub(crate) use pattern::{Pattern, reason};
pub(super) use patterns::{Patterns, Unmade};
