//! What is known of a request when it ends, or when an authorizer has spoken.

use std::borrow::Cow;

use crate::auth::authorizer::Grant;
use crate::auth::jwt::Claims;

/// How a request ended, for the access log and for gateway responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Status sent to the client; 0 when it went away before there was one.
    pub status: u16,
    /// Payload bytes sent to the client.
    pub response_bytes: u64,
    /// Milliseconds from the whole head received to the last byte handed to the kernel.
    pub latency_ms: u64,
    /// Milliseconds that the integration took to its response head.
    pub integration_latency_ms: Option<u64>,
    /// The integration's status.
    pub integration_status: Option<i64>,
    /// The error, when the gateway answered by itself.
    pub error: Option<ErrorFacts>,
    /// Whether its signature was good, if its method asks for one.
    pub authenticated: Option<bool>,
    /// Whether policies let it call, if there are any.
    pub authorized: Option<bool>,
    /// How its authorizer did, if it has one.
    pub authorizer: Option<AuthorizerOutcome>,
}

/// How an authorizer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthorizerOutcome {
    /// `authorizer.status`: 200, or that of the refusal.
    pub status: u16,
    /// `authorizer.integrationStatus`: of the function.
    pub integration_status: Option<i64>,
    /// `authorizer.latency`, `authorizer.integrationLatency`: milliseconds until it had answered; 0 when it was not asked.
    pub latency_ms: u64,
}

/// What is known of a caller from an authorizer.
#[derive(Clone, Copy, Debug)]
pub enum Attested<'a> {
    /// What the function of a Lambda authorizer has answered, and how many milliseconds that took.
    Granted {
        /// The answer.
        grant: &'a Grant,
        /// 0 when it was remembered.
        latency_ms: u64,
    },
    /// What a token of a Cognito user pool says.
    Claimed(&'a Claims),
}

/// What `$context.error` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFacts {
    /// `error.message`; `None` is null.
    pub message: Option<Cow<'static, str>>,
    /// `error.responseType`
    pub response_type: &'static str,
    /// `integration.error`: the integration failed.
    pub of_integration: bool,
    /// `error.validationErrorString`: what the model says against the body.
    pub validation: Option<String>,
}
