//! `tidegate-load`, a load generator, and `tidegate-origin`, the origin it and the benches talk to.
//!
//! Neither shares code with the gateway, on purpose: a mistake in the gateway's framing must not be repeated, and so
//! hidden, by the tool that measures it. In reading order:
//!
//! - [`load`]: the load generator, from the command line to the report
//! - [`origin`]: the origin, from the command line to the socket
//! - [`http1`]: strict HTTP/1.1 framing for both sides; [`http2`]: HTTP/2 as a client speaks it
//! - [`distribution`], [`units`]: delays, sizes and rates as people write them
//! - [`poller`], [`socket`], [`cpus`]: what the kernel gives: readiness, TCP, CPUs

#![forbid(unsafe_code)]

pub mod load;
pub mod origin;

pub mod http1;
pub mod http2;

pub mod distribution;
pub mod units;

pub mod cpus;
pub mod poller;
pub mod socket;
