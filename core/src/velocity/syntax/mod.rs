//! From text to a program: `token.rs` what can stand where, `scan.rs` how long it is, `lexer.rs` tokens one by one,
//! `parser.rs` statements, `directive.rs`, `reference.rs` and `expression.rs` their kinds, `ahead.rs` what the
//! parser looks ahead for, `check.rs` what is refused because it could only fail.

mod ahead;
mod check;
mod directive;
mod expression;
mod lexer;
mod parser;
mod reference;
mod scan;
mod token;

pub(super) use parser::compile;

use super::program::SyntaxError;
