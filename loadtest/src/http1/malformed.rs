//! What can be wrong with a message.

use std::fmt;

/// Why bytes are not an HTTP/1.1 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not a start line and fields.
    Head,
    /// More than [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX) bytes or 128 fields.
    HeadTooLarge,
    /// A line of the head ends in LF without CR.
    BareLineFeed,
    /// A status below 100 or above 599.
    Status,
    /// A `101` that nobody asked for.
    Upgrade,
    /// A `Content-Length` that is not one number.
    ContentLength,
    /// Two `Content-Length`, or one beside `Transfer-Encoding`.
    TwoLengths,
    /// A `Transfer-Encoding` other than `chunked`, or in HTTP/1.0.
    TransferEncoding,
    /// A chunk's size line.
    ChunkSize,
    /// A chunk without CRLF at its end.
    ChunkEnd,
    /// Trailers.
    Trailers,
    /// Bytes after the end of the answer, which no request asked for.
    Unasked,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "a head that is not HTTP/1.1",
            Self::HeadTooLarge => "a head of more than 64 KiB or 128 fields",
            Self::BareLineFeed => "a line of the head ends in LF without CR",
            Self::Status => "a status below 100 or above 599",
            Self::Upgrade => "101 without having asked for an upgrade",
            Self::ContentLength => "a Content-Length that is not one number",
            Self::TwoLengths => {
                "two lengths: repeated Content-Length, or Content-Length and Transfer-Encoding"
            }
            Self::TransferEncoding => "a Transfer-Encoding other than chunked, or in HTTP/1.0",
            Self::ChunkSize => "a chunk size that is not hexadecimal and CRLF",
            Self::ChunkEnd => "a chunk that does not end in CRLF",
            Self::Trailers => "trailers that do not end, or not in CRLF",
            Self::Unasked => "bytes after the end of the answer",
        })
    }
}
