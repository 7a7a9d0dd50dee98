//! From text to [`Program`]: `token.rs` what can stand where, `lexer.rs` tokens one by one, `parser.rs` nodes,
//! `expression.rs` expressions and references, `ahead.rs` what the parser looks ahead for, `check.rs` what is refused
//! because it could only fail.

mod ahead;
mod check;
mod expression;
mod lexer;
mod parser;
mod token;

pub(super) use parser::compile;

use super::program::SyntaxError;
