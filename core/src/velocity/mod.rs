//! Mapping templates: Apache Velocity 1.7 with what API Gateway changes of it, compiled once and run in microseconds.
//!
//! API Gateway's engine prints nothing for what is unknown or null, never defines a macro, and has neither `#evaluate` nor
//! `#parse` nor `#include`. All else, white space and escapes above all, is as Velocity 1.7 leaves it; `core/tests/oracle`
//! compares the two.
//!
//! In reading order: [`Program`] is what a text is compiled to (`syntax/`), `render.rs` runs it, `loops.rs`, `variables.rs`,
//! `reference.rs`, `expression.rs` and `methods/` are its parts, `value.rs`, `map.rs` and `name.rs` have the values, `print.rs`,
//! `json/`, `path/` and `java/` what they need. What a template sees of the request is behind [`Surroundings`]; what it changes
//! of it are [`Overrides`].

mod expression;
mod fault;
mod host;
mod java;
mod json;
mod loops;
mod map;
mod methods;
mod name;
mod overrides;
mod path;
mod print;
mod program;
mod reference;
mod render;
mod syntax;
mod value;
mod variables;

pub use fault::{Fault, Why};
pub use host::{Place, Surroundings};
pub(crate) use java::{Pattern as JavaPattern, from_java, reason as regex_reason};
pub use overrides::{Kept, Overrides};
pub use path::{NoDocument, Path, is_broken_json};
pub use program::{Program, SyntaxError};
pub use render::Arena;

impl Program {
    /// Compiles a template.
    pub fn compile(text: &str) -> Result<Self, SyntaxError> {
        syntax::compile(text)
    }
}
