//! What a request means: framing, routing, mapping, gateway responses.
//!
//! Core decides; it never touches a socket, file, clock, thread, environment variable or random number. Time and
//! random bits are arguments. In reading order:
//!
//! - [`exchange`]: one request from head to answer; everything below serves it
//! - [`http1`]: HTTP/1.x heads and bodies as data; [`http2`]: heads of HTTP/2 as heads of HTTP/1.1, and back
//! - [`hosts`], [`route`]: which API, stage and method a request is for
//! - [`plan`], [`integration`]: what configuration decided, compiled
//! - [`mapping`], [`values`], [`context`]: parameter mapping expressions, their values, `$context`
//! - [`auth`]: who calls
//! - [`tls`]: certificates, and what is asked of peers, as data
//! - [`limit`]: who may call, and how often
//! - [`validation`]: what a method asks of parameters and body
//! - [`cache`]: answers that are given again
//! - [`transform`]: the request to the backend, the answer to the client
//! - [`velocity`]: mapping templates, and JSONPath
//! - [`aws`]: calls to AWS services, and credentials for them
//! - [`lambda`], [`media_types`]: events for functions and their answers; which payloads are binary
//! - [`content_handling`], [`compression`]: payloads between text and binary; gzip and deflate
//! - [`mock`]: the sloppy JSON of MOCK integrations
//! - [`reject`], [`gateway_response`]: refusals and how an API words them
//! - [`record`], [`execution_log`]: access log lines; what a request's steps were
//! - [`shard`], [`arrival`], [`clock`]: what a shard keeps, who a request is, time
//! - [`limits`]: every limit, named
//! - [`method`], [`span`]: small words

#![forbid(unsafe_code)]

pub mod exchange;

pub mod http1;
pub mod http2;

pub mod hosts;
pub mod route;

pub mod integration;
pub mod plan;
pub mod release;

pub mod context;
pub mod mapping;
pub mod values;

pub mod auth;
pub mod cache;
pub mod limit;
pub mod tls;
pub mod validation;

pub mod transform;
pub mod velocity;

pub mod aws;
pub mod compression;
pub mod content_handling;
pub mod lambda;
pub mod media_types;
pub mod mock;

pub mod gateway_response;
pub mod reject;

pub mod execution_log;
pub mod record;

pub mod arrival;
pub mod clock;
mod http_date;
pub mod shard;

pub mod limits;

pub mod method;
pub mod span;
