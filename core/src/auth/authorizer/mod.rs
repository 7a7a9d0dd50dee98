//! Lambda authorizers: functions that say who calls, and what they may do.
//!
//! AWS: "Use API Gateway Lambda authorizers". Nothing here calls a function; it is asked by the exchange.
//!
//! - [`identity`]: what of a request names its caller, and is remembered by
//! - [`grant`]: what a function answers
//! - [`grants`]: what it has answered before, and who is asking it just now

pub mod grant;
pub mod grants;
pub mod identity;

use crate::integration::FunctionPlace;
use crate::mapping::Source;

pub use self::grant::{Grant, Malformed};
pub use self::grants::{FlightId, Grants, Known};
pub use self::identity::{IdentityPattern, NoIdentity};

/// An authorizer of an API, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorizerId(pub u32);

/// An authorizer of an API.
#[derive(Debug)]
pub struct Authorizer {
    /// The name of its security scheme.
    pub name: Box<str>,
    /// What its function gets.
    pub input: Input,
    /// How long an answer is good, in milliseconds; 0: for one request.
    pub ttl_ms: u64,
}

/// What the function of an authorizer gets.
#[derive(Clone, Debug)]
pub enum Input {
    /// `TOKEN`: one header field.
    Token {
        /// Where it stands.
        source: Source,
        /// What it has to look like before the function is called.
        pattern: Option<IdentityPattern>,
    },
    /// `REQUEST`: all but the body.
    Request {
        /// What names the caller; each has to be there.
        sources: Vec<Source>,
    },
}

impl Input {
    /// What names the caller.
    pub fn sources(&self) -> &[Source] {
        match self {
            Self::Token { source, .. } => std::slice::from_ref(source),
            Self::Request { sources } => sources,
        }
    }
}

/// The function of an authorizer in one stage.
#[derive(Debug)]
pub struct AuthorizerFunction {
    /// Where it is.
    pub place: FunctionPlace,
    /// Its ARN as the authorizer names it, with the qualifier.
    pub invoked_arn: Box<str>,
}
