//! What templates see of Java: numbers and how they are computed with and printed, regular expressions.

pub(super) mod number;
mod pattern;

pub(super) use pattern::Pattern;
