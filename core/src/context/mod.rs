//! `$context`: what a request knows about itself, for mappings, gateway responses and access logs.
//!
//! AWS: "API Gateway mapping template and access logging variable reference". In reading order: `variable.rs` has their
//! names, `outcome.rs` what is known when a request ends, `view.rs` their values.

mod outcome;
mod variable;
mod view;

pub use self::outcome::{Attested, AuthorizerOutcome, ErrorFacts, Outcome};
pub use self::variable::Variable;
pub use self::view::View;
pub(crate) use self::view::put_quoted;
