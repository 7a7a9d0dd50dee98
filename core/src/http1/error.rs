//! Why a message is refused, and what its sender is told.

use std::fmt;

/// Why a head is refused. Every variant ends the connection: where the next message starts is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadError {
    /// A line feed without carriage return (RFC 9112 section 2.2 allows to accept it; then parsers disagree).
    BareLf,
    /// A carriage return without line feed (RFC 9112 section 2.2).
    LoneCr,
    /// More than one empty line before the request line (RFC 9112 section 2.2), or one before a status line.
    LeadingEmptyLines,
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 section 3).
    RequestLine,
    /// The method is not a token, or longer than [`METHOD_BYTES_MAX`](super::METHOD_BYTES_MAX).
    Method,
    /// `CONNECT`, which a gateway does not do (RFC 9112 section 3.2.3).
    Connect,
    /// A control byte in the target (RFC 3986).
    TargetByte,
    /// The target is in none of the forms that fit the method (RFC 9112 section 3.2).
    TargetForm,
    /// The target is longer than [`target_bytes_max`](super::HeadLimits::target_bytes_max).
    TargetTooLong,
    /// The authority of an absolute-form target is not the one in `Host`.
    AuthorityMismatch,
    /// Not an HTTP version at all.
    VersionMalformed,
    /// An HTTP version other than 1.0 and 1.1 (RFC 9110 section 15.6.6).
    VersionUnsupported,
    /// Not `HTTP-version SP status-code [SP reason]` with a status of 100 to 599 (RFC 9112 section 4).
    StatusLine,
    /// An origin answered 101, which only the tunnel of an upgrade may expect.
    SwitchingProtocols,
    /// A field line continues the one before (RFC 9112 section 5.2), or the first one starts with white space.
    ObsFold,
    /// White space between field name and colon (RFC 9112 section 5.1).
    SpaceBeforeColon,
    /// A field line starts with its colon.
    FieldNameEmpty,
    /// The field name is not a token, or the colon is missing.
    FieldName,
    /// A field name that sloppier parsers take for `Content-Length` or `Transfer-Encoding`.
    FieldNameLookalike,
    /// A control byte in a field value (RFC 9110 section 5.5).
    FieldValue,
    /// The field lines exceed [`fields_bytes_max`](super::HeadLimits::fields_bytes_max).
    FieldsTooLarge,
    /// There are more field lines than [`fields_max`](super::HeadLimits::fields_max).
    TooManyFields,
    /// `Content-Length` is not a plain decimal number below 2^64.
    ContentLength,
    /// More than one `Content-Length`, be they equal.
    ContentLengthRepeated,
    /// `Transfer-Encoding` is not a list of codings with `chunked` as the last and only there (RFC 9112 section 6.1); in
    /// a response, not `chunked` alone.
    TransferEncoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message (RFC 9112 section 6.1).
    TransferEncodingVersion,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 section 6.3).
    LengthAndEncoding,
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    HostMissing,
    /// More than one `Host`.
    HostRepeated,
    /// `Host` is not a name or address with an optional port.
    HostInvalid,
    /// A field of HTTP/2 that tells about one connection of HTTP/1.1 (RFC 9113 section 8.2.2).
    ConnectionField,
    /// A request of HTTP/2 under another scheme than `http` and `https`.
    Scheme,
}

impl HeadError {
    /// The status that answers a refused request; a refused response is answered 504 whatever this says.
    pub fn status(self) -> u16 {
        match self {
            Self::BareLf
            | Self::LoneCr
            | Self::LeadingEmptyLines
            | Self::RequestLine
            | Self::Method
            | Self::Connect
            | Self::TargetByte
            | Self::TargetForm
            | Self::AuthorityMismatch
            | Self::VersionMalformed
            | Self::ObsFold
            | Self::SpaceBeforeColon
            | Self::FieldNameEmpty
            | Self::FieldName
            | Self::FieldNameLookalike
            | Self::FieldValue
            | Self::ContentLength
            | Self::ContentLengthRepeated
            | Self::TransferEncoding
            | Self::TransferEncodingVersion
            | Self::LengthAndEncoding
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::ConnectionField
            | Self::Scheme => 400,
            Self::TargetTooLong => 414,
            Self::FieldsTooLarge | Self::TooManyFields => 431,
            Self::StatusLine | Self::SwitchingProtocols => 502,
            Self::VersionUnsupported => 505,
        }
    }

    /// What went wrong, in a few words for the log.
    pub fn text(self) -> &'static str {
        match self {
            Self::BareLf => "line feed without carriage return",
            Self::LoneCr => "carriage return without line feed",
            Self::LeadingEmptyLines => "empty lines before the start line",
            Self::RequestLine => "malformed request line",
            Self::Method => "method is not a token of reasonable length",
            Self::Connect => "CONNECT is not supported",
            Self::TargetByte => "invalid byte in request target",
            Self::TargetForm => "request target in a form that does not fit the method",
            Self::TargetTooLong => "request target too long",
            Self::AuthorityMismatch => "request target and Host disagree",
            Self::VersionMalformed => "malformed HTTP version",
            Self::VersionUnsupported => "unsupported HTTP version",
            Self::StatusLine => "malformed status line",
            Self::SwitchingProtocols => "unexpected 101 Switching Protocols",
            Self::ObsFold => "folded field line",
            Self::SpaceBeforeColon => "white space before the colon of a field",
            Self::FieldNameEmpty => "empty field name",
            Self::FieldName => "invalid field name",
            Self::FieldNameLookalike => "field name resembles a framing field",
            Self::FieldValue => "control byte in field value",
            Self::FieldsTooLarge => "header fields too large",
            Self::TooManyFields => "too many header fields",
            Self::ContentLength => "invalid Content-Length",
            Self::ContentLengthRepeated => "repeated Content-Length",
            Self::TransferEncoding => "unsupported Transfer-Encoding",
            Self::TransferEncodingVersion => "Transfer-Encoding in HTTP/1.0",
            Self::LengthAndEncoding => "both Content-Length and Transfer-Encoding",
            Self::HostMissing => "missing Host",
            Self::HostRepeated => "repeated Host",
            Self::HostInvalid => "invalid Host",
            Self::ConnectionField => "connection-specific field in HTTP/2",
            Self::Scheme => "unsupported scheme",
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for HeadError {}

/// Why a body is refused. Every variant ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyError {
    /// A chunk size is not one to sixteen hexadecimal digits (RFC 9112 section 7.1).
    ChunkSize,
    /// A chunk extension is not `;name[=value]` (RFC 9112 section 7.1.1).
    ChunkExtension,
    /// The extensions of the body exceed [`CHUNK_EXTENSION_BYTES_MAX`](super::CHUNK_EXTENSION_BYTES_MAX).
    ChunkExtensionsTooLong,
    /// A line of the chunked coding does not end with CR LF.
    ChunkLineEnd,
    /// The data of a chunk are longer than its size said.
    ChunkDataEnd,
    /// A trailer field is malformed (RFC 9112 section 7.1.2).
    Trailer,
    /// The trailer section exceeds [`TRAILER_BYTES_MAX`](super::TRAILER_BYTES_MAX) or
    /// [`TRAILER_FIELDS_MAX`](super::TRAILER_FIELDS_MAX).
    TrailersTooLong,
    /// The peer closed before the end of the body.
    Truncated,
}

impl BodyError {
    /// The status that answers the request; a refused response body cuts the answer short whatever this says.
    pub fn status(self) -> u16 {
        match self {
            Self::ChunkSize
            | Self::ChunkExtension
            | Self::ChunkExtensionsTooLong
            | Self::ChunkLineEnd
            | Self::ChunkDataEnd
            | Self::Trailer
            | Self::Truncated => 400,
            Self::TrailersTooLong => 431,
        }
    }

    /// What went wrong, in a few words for the log.
    pub fn text(self) -> &'static str {
        match self {
            Self::ChunkSize => "invalid chunk size",
            Self::ChunkExtension => "invalid chunk extension",
            Self::ChunkExtensionsTooLong => "chunk extensions too long",
            Self::ChunkLineEnd => "chunk line does not end with CR LF",
            Self::ChunkDataEnd => "chunk data longer than its size",
            Self::Trailer => "invalid trailer field",
            Self::TrailersTooLong => "trailer fields too large",
            Self::Truncated => "body ended early",
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for BodyError {}
