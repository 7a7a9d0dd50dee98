//! Both binaries against each other, and the load generator against servers that misbehave.

mod coordinated_omission;
mod counts;
mod failures;
mod http2;
mod mixes;
mod origin;
mod reports;
mod support;
mod tls;
mod usage;
