//! HTTP/1.1 framing, strict: what two readers could understand differently is an error (RFC 9112).
//!
//! - [`response`]: heads that the load generator reads
//! - [`request`]: heads that the origin reads
//! - [`body`]: bodies of both
//! - [`malformed`]: what can be wrong

pub mod body;
mod framing;
pub mod malformed;
pub mod request;
pub mod response;

pub use body::Body;
pub use malformed::Malformed;

/// The longest head that is read, in bytes.
pub const HEAD_BYTES_MAX: usize = 65_536;
/// The most fields a head may have.
const FIELDS_MAX: usize = 128;
