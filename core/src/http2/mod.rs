//! HTTP/2 as far as a request's meaning goes: heads that come as fields, read as strictly as those of HTTP/1.1.
//!
//! Frames, HPACK and flow control belong to the `h2` crate in `io`. Here is what it leaves open: what fields a request may
//! have (RFC 9113 section 8.2 and 8.3), what an answer's head is in HTTP/2, and which floods end a connection.
//!
//! - [`request`]: pseudo-header fields and fields to a [`RequestHead`](crate::http1::RequestHead);
//! - [`answer`]: the head of an answer, as it was written for HTTP/1.1, to a status and fields;
//! - [`guard`]: counts the frames that ask for nothing.

pub mod answer;
pub mod guard;
pub mod request;
