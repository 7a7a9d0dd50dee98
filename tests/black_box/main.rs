//! Black-box tests: the real binary on port 0, real sockets, byte-exact clients and origins.
//!
//! From the wire inwards: framing, connections, bodies and slow clients; which API answers, and with what; the
//! integrations and how they fail; upstream connections; reload and drain; access logs; the command line.

mod support;

mod desync;
mod framing_bodies;
mod framing_heads;

mod bodies;
mod caches;
mod caches_attacks;
mod caches_rfc9111;
mod canary;
mod connections;
mod flow_control;
mod slow_clients;
mod trailers;

mod http2;

mod api_keys;
mod apis;
mod authorizers;
mod cognito;
mod errors;
mod iam;

mod functions;
mod services;

mod gateway_responses;
mod http_custom;
mod http_proxy;
mod http_proxy_mapping;
mod integration_failures;
mod limits;
mod mock;

mod templates;
mod validation;

mod tls;

mod soak;
mod upstream;

mod drain;
mod reload;

mod access_log;
mod admin;
mod command_line;
mod content;
mod execution_log;
mod petstore;
