//! One exchange from bytes to bytes, without sockets: what backends and clients get, and what is logged.
//!
//! Facts are those of the recordings of AWS; texts are compared byte for byte.

mod carrier;
mod plan;
#[path = "../support/sources.rs"]
mod sources;
mod wire;

mod to_custom;
mod to_function;
mod to_proxy;
mod to_service;
mod uri;

mod from_custom;
mod from_function;
mod from_proxy;
mod from_streamed;
mod mock;

mod aws_lambda_events;

mod api_keys;
mod attacks;
mod authorizers;
mod aws_function;
mod caching;
mod caching_apart;
mod caching_attacks;
mod caching_coded;
mod caching_http;
mod caching_rfc9111;
mod caching_stale;
mod caching_vary;
mod canary;
mod canary_caching;
mod cognito;
mod compression;
mod content_handling;
mod gateway_responses;
mod iam;
mod limits;
mod refusals;
mod remote_authorizer;
mod remote_function;
mod resource_policies;
mod sign;
mod spellings;
mod templates;
mod tls;
mod token_attacks;
mod validation;

mod connection;
mod content;

mod access_log;
mod execution_log;
mod injection;
