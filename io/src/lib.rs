//! Everything that touches the kernel. Performs what core decides; owns no meaning of a request.
//!
//! In reading order, from the outside in:
//!
//! - [`gateway`]: the control thread: start, reload, stop
//! - `shard`: one shard and its tasks
//! - `client`: a client connection of HTTP/1, request after request; `http2`: one of HTTP/2, many at once
//! - `relay`: one exchange; the loop that joins core and kernel; `ends`: what it needs of a client, `http1`: those of HTTP/1
//! - `backend`: who has answered, and whose content is passed on; `upload`: a request body on its way while the backend already answers
//! - `stream`, `upstream`: reading peers; the pools of backend connections
//! - `tls`: certificates, and what backends must prove, as rustls wants them
//! - `transport`: what both are reached by: a plain socket, or TLS over one
//! - `function`: functions beside the gateway: their processes and the Lambda Runtime API
//! - [`ring`]: sockets, deadlines and tasks on the shard's io_uring. `unsafe` is in `ring/mod.rs` (submissions),
//!   `ring/buffers.rs` (lent memory), `ring/driver.rs` (eventfd, enter), `ring/socket.rs` (descriptors), `ring/pages.rs` (memory
//!   that sockets send from), and outside of it in `function/process.rs` alone (between fork and exec)
//! - `ledger`, `waiting`: lends limits to shards and stores usage; requests that wait for it
//! - `caches`: counts and shares out the stages' caches, on the control thread
//! - `credentials`: for calls to AWS services, found and renewed
//! - `fetch`: blocking fetches over HTTP(S), for credentials and key sets
//! - `access_log`, `resolve`, `admin`, [`doctor`]: slow things on threads of their own
//! - `clock`: the time that all threads agree on

#![deny(unsafe_code)]

pub mod gateway;

mod shard;

mod backend;
mod client;
mod ends;
mod function;
mod http1;
mod http2;
mod relay;
mod stream;
mod tls;
mod transport;
mod upload;
mod upstream;
mod waiting;

#[expect(unsafe_code, reason = "the ring's memory and submissions; see the JUSTIFICATION at each block")]
pub mod ring;

mod access_log;
mod admin;
mod caches;
mod clock;
mod credentials;
pub mod doctor;
mod fetch;
mod key_sets;
mod ledger;
mod resolve;

pub use self::ledger::{Answer, Extension, Query, StoreError, Stored, ask};
