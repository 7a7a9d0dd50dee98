//! HTTP/1.x messages: octets in, spans and framing out.
//!
//! Owns the grammar of RFC 9112 as Tidegate reads it: one strict reading, so that no two parties of a connection can
//! disagree about where a message ends. Never repairs a message, never reads a socket, never looks at the time.
//!
//! - [`RequestHead`], [`ResponseHead`]: a growing buffer that becomes a head;
//! - [`Field`], [`KnownField`]: its field lines, classified once;
//! - [`BodyFraming`], [`BodyDecoder`]: what follows the head, and the content in it; [`Trailers`] behind that;
//! - [`encode`]: the few octets Tidegate writes itself.

mod request;
mod response;
mod written;

mod codings;
mod diagnose;
mod fields;
mod known;
mod request_line;
mod scan;
mod target;

mod body;
mod chunked;
pub mod encode;
mod error;
mod trailers;

pub use self::body::{BodyDecoder, Decoded};
pub use self::chunked::CHUNK_EXTENSION_BYTES_MAX;
pub use self::error::{BodyError, HeadError};
pub use self::fields::{Field, Fields};
pub use self::known::{KnownField, KnownFields};
pub use self::request::RequestHead;
pub use self::response::ResponseHead;
pub use self::scan::METHOD_BYTES_MAX;
pub use self::trailers::{TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX, Trailers};

/// Most field lines that any [`HeadLimits`] can admit: the size of the parser's table on the stack (4 KiB).
pub const FIELDS_MAX: usize = 128;

/// Limits of one message head. Each is enforced as soon as the bytes received exceed it, complete head or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of all field lines together, line ends included, the empty line behind them not; beyond: 431.
    ///
    /// AWS limits the header values together to 10 240 bytes; whoever keeps that also keeps this, less the names.
    pub fields_bytes_max: usize,
    /// Bytes of the request target; of the whole status line in a response. Beyond: 414 in a request.
    ///
    /// AWS: 10 240 for regional endpoints, 8 192 for edge-optimised ones.
    pub target_bytes_max: usize,
    /// Number of field lines, at most [`FIELDS_MAX`]; beyond: 431.
    pub fields_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { fields_bytes_max: 10_240, target_bytes_max: 10_240, fields_max: FIELDS_MAX }
    }
}

/// The protocol version of a message (RFC 9110 section 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    #[default]
    Http11,
    /// `HTTP/2`: the head was made of its fields by [`http2`](crate::http2), and the connection carries others beside it.
    Http2,
}

impl Version {
    /// From the minor version, which httparse has found to be 0 or 1.
    fn of_minor(minor: Option<u8>) -> Self {
        if minor == Some(0) { Self::Http10 } else { Self::Http11 }
    }
}

/// How the end of a body is found (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    #[default]
    None,
    /// `Content-Length`: this many bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`, in a request perhaps over other codings: see [`RequestHead::transfer_codings`]. Of
    /// HTTP/2, a body of unknown length.
    Chunked,
    /// Everything until the peer closes; responses only.
    UntilClose,
}
