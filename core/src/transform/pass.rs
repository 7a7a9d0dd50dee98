//! Which header fields pass, in which direction: AWS's table, as recorded.
//!
//! AWS: "Amazon API Gateway important notes"; recorded facts 91 to 104 where they differ.

use crate::auth::sigv4::ALGORITHM;
use crate::http1::KnownField::{self, *};
use crate::http1::KnownFields;

/// Fields of a client that no mapping can read either: AWS takes them away before anything else (recorded fact 91).
pub const STRIPPED: KnownFields = KnownFields::of(&[
    Connection,
    ContentLength,
    ContentMd5,
    Expect,
    MaxForwards,
    ProxyAuthenticate,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    WwwAuthenticate,
]);

/// Fields of a client that no HTTP_PROXY backend gets: those dropped for every integration (recorded fact 91), those
/// dropped for HTTP_PROXY (fact 94), and those that the gateway writes itself.
pub const NOT_TO_PROXY: KnownFields = KnownFields::of(&[
    Connection,
    ContentEncoding,
    ContentLength,
    ContentMd5,
    Expect,
    Host,
    KeepAlive,
    MaxForwards,
    ProxyAuthenticate,
    ProxyConnection,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    WwwAuthenticate,
    XAmznApigatewayApiId,
    XAmznTraceId,
    XForwardedFor,
    XForwardedPort,
    XForwardedProto,
    XHttpMethodOverride,
]);

/// Mapped request fields that are lost without a word (recorded fact 96).
pub const LOST_WHEN_MAPPED: KnownFields = KnownFields::of(&[Connection, Expect, ProxyAuthenticate, Te, Via]);

/// Fields that no mapping of an AWS or AWS_PROXY integration may set, beside those of the others (recorded fact 98).
pub const NEVER_MAPPED_TO_AWS: KnownFields =
    KnownFields::of(&[Authorization, Connection, Expect, ProxyAuthenticate, Te]);

/// Fields that no mapping may set; an integration that tries is answered 500 (recorded fact 97).
pub const NEVER_MAPPED: KnownFields =
    KnownFields::of(&[ContentLength, TransferEncoding, XAmznTraceId, XAmznApigatewayApiId]);

/// Whether the value of an `Authorization` field is a signature, which is for the gateway alone. AWS: "Authorization …
/// dropped if it holds SigV4".
pub fn is_signature(value: &[u8]) -> bool {
    value.starts_with(ALGORITHM.as_bytes())
}

/// What becomes of a header field of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It passes.
    Pass,
    /// It does not.
    Drop,
    /// It passes as `x-amzn-Remapped-<name>`.
    Remap,
}

/// A field of an HTTP_PROXY backend's answer (recorded fact 102). Connection options and framing are this hop's own
/// (RFC 9110 section 7.6.1); `Content-Encoding` passes, because the content does. The backend's `x-amz-apigw-id`
/// would stand beside ours, so it is dropped.
pub fn from_proxy(field: KnownField) -> Passage {
    match field {
        Connection | ContentLength | Date | Server | XAmznRequestId => Passage::Remap,
        Expect | Host | KeepAlive | ProxyConnection | Te | Trailer | TransferEncoding | Upgrade | Via
        | XAmzApigwId => Passage::Drop,
        Accept | AcceptCharset | AcceptEncoding | Age | Authorization | ContentEncoding | ContentMd5
        | ContentType | MaxForwards | Pragma | ProxyAuthenticate | Range | Referer | UserAgent | Warn
        | WwwAuthenticate | XAmznTraceId | XAmznApigatewayApiId | XApigwApiId | XApiKey | XForwardedFor
        | XForwardedPort | XForwardedProto | XHttpMethodOverride | Other => Passage::Pass,
    }
}

/// A header of a function's answer to AWS_PROXY (recorded behaviour: four are remapped, as from HTTP_PROXY). Framing and
/// ids are the gateway's own.
pub fn from_function(field: KnownField) -> Passage {
    match field {
        Connection | ContentLength | Date | Server => Passage::Remap,
        Expect | Host | KeepAlive | ProxyConnection | Te | Trailer | TransferEncoding | Upgrade | Via
        | XAmzApigwId | XAmznRequestId | XAmznTraceId => Passage::Drop,
        Accept | AcceptCharset | AcceptEncoding | Age | Authorization | ContentEncoding | ContentMd5
        | ContentType | MaxForwards | Pragma | ProxyAuthenticate | Range | Referer | UserAgent | Warn
        | WwwAuthenticate | XAmznApigatewayApiId | XApigwApiId | XApiKey | XForwardedFor | XForwardedPort
        | XForwardedProto | XHttpMethodOverride | Other => Passage::Pass,
    }
}

/// A field that `responseParameters` sets (recorded facts 100 and 101).
pub fn mapped_to_client(field: KnownField) -> Passage {
    match field {
        Authorization | Connection | ContentLength | ContentMd5 | Date | Expect | Host | MaxForwards
        | ProxyAuthenticate | Server | Trailer | Upgrade | UserAgent | WwwAuthenticate => Passage::Remap,
        TransferEncoding | KeepAlive | ProxyConnection => Passage::Drop,
        Accept | AcceptCharset | AcceptEncoding | Age | ContentEncoding | ContentType | Pragma | Range
        | Referer | Te | Via | Warn | XAmznRequestId | XAmznTraceId | XAmznApigatewayApiId | XAmzApigwId
        | XApigwApiId | XApiKey | XForwardedFor | XForwardedPort | XForwardedProto | XHttpMethodOverride
        | Other => Passage::Pass,
    }
}

/// Whether a message's `Connection` fields may name other fields: `keep-alive` and `close` alone do not.
pub fn has_connection_options<'a>(mut connection: impl Iterator<Item = &'a [u8]>) -> bool {
    connection
        .any(|value| !value.eq_ignore_ascii_case(b"keep-alive") && !value.eq_ignore_ascii_case(b"close"))
}

/// Whether a message's `Connection` fields name this field as their own hop's (RFC 9110 section 7.6.1).
pub fn is_connection_option<'a>(mut connection: impl Iterator<Item = &'a [u8]>, name: &[u8]) -> bool {
    connection.any(|options| {
        options.split(|&byte| byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(name))
    })
}
