//! IAM policies, compiled when the configuration is loaded, or when an authorizer gives one; no JSON is read for a request.
//!
//! AWS: "IAM JSON policy elements reference", "Policy evaluation logic". A [`Policy`] is a list of [`Statement`]s that
//! are asked about one [`Action`] on one resource with the [`Facts`] of one request; [`combine`] joins what the caller's
//! own policy and the API's resource policy say.

mod action;
mod arn;
pub mod combine;
mod condition;
mod date;
pub mod document;
mod facts;
mod glob;
mod key;
mod operator;
mod principals;
mod statement;

pub use self::action::{Action, ActionSet};
pub use self::arn::{ArnPattern, OwnArn, ResourceError, ResourcePattern, ResourceSet};
pub use self::condition::{Condition, ConditionError};
pub use self::date::parse_seconds as parse_date;
pub use self::document::DocumentError;
pub use self::facts::{Facts, Value};
pub use self::glob::{Glob, GlobError, Variables};
pub use self::key::Key;
pub use self::operator::{Comparison, Operator, Order, Quantifier, UnknownOperator};
pub use self::principals::{PrincipalPattern, PrincipalPatternError, PrincipalSet};
pub use self::statement::{Decision, Effect, Policy, Statement};
