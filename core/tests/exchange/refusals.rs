//! Every refusal as AWS words it by default: status, fields in their order, spacing of the body (facts 1, 16, 17).

use tidegate_core::http1::{BodyError, HeadError};
use tidegate_core::reject::Reject;

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, wire};

const DOCUMENT: &str = "paths: { /x: { get: { x-amazon-apigateway-integration:\n  { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' } } } }";

const BAD: &str = "BadRequestException";
const INTERNAL: &str = "InternalServerErrorException";
const SERVER_ERROR: &str = r#"{"message": "Internal server error"}"#;

/// (refusal, status line behind the version, `x-amzn-ErrorType`, connection, body)
type Row = (Reject, &'static str, &'static str, &'static str, &'static str);

const ROWS: [Row; 14] = [
    (Reject::Head(HeadError::HostMissing), "400 Bad Request", BAD, "close", r#"{"message":"missing Host"}"#),
    (
        Reject::Head(HeadError::TargetTooLong),
        "414 URI Too Long",
        BAD,
        "close",
        r#"{"message":"request target too long"}"#,
    ),
    (Reject::HeadTimeout, "408 Request Timeout", BAD, "close", r#"{"message":"Request Timeout"}"#),
    (
        Reject::Body(BodyError::ChunkSize),
        "400 Bad Request",
        BAD,
        "close",
        r#"{"message":"invalid chunk size"}"#,
    ),
    (Reject::BodyTimeout, "408 Request Timeout", BAD, "close", r#"{"message":"Request Timeout"}"#),
    (Reject::UnknownApi, "403 Forbidden", "ForbiddenException", "keep-alive", r#"{"message":"Forbidden"}"#),
    (
        Reject::InvalidApiKey,
        "403 Forbidden",
        "ForbiddenException",
        "keep-alive",
        r#"{"message":"Forbidden"}"#,
    ),
    (
        Reject::NoRoute,
        "403 Forbidden",
        "MissingAuthenticationTokenException",
        "keep-alive",
        r#"{"message":"Missing Authentication Token"}"#,
    ),
    (Reject::Misconfigured, "500 Internal Server Error", INTERNAL, "keep-alive", SERVER_ERROR),
    (Reject::NoMockStatus, "500 Internal Server Error", INTERNAL, "keep-alive", SERVER_ERROR),
    (Reject::NoIntegrationResponse, "500 Internal Server Error", INTERNAL, "keep-alive", SERVER_ERROR),
    (Reject::UnresolvableHost, "500 Internal Server Error", INTERNAL, "keep-alive", SERVER_ERROR),
    (Reject::IntegrationPayloadTooLarge, "500 Internal Server Error", INTERNAL, "keep-alive", SERVER_ERROR),
    (
        Reject::UnsupportedMediaType,
        "415 Unsupported Media Type",
        BAD,
        "keep-alive",
        r#"{"message": "Unsupported Media Type"}"#,
    ),
];

const TIMEOUTS: [Row; 2] = [
    (
        Reject::IntegrationTimeout,
        "504 Gateway Timeout",
        INTERNAL,
        "keep-alive",
        r#"{"message": "Endpoint request timed out"}"#,
    ),
    (
        Reject::NetworkError,
        "504 Gateway Timeout",
        INTERNAL,
        "keep-alive",
        r#"{"message": "Network error communicating with endpoint"}"#,
    ),
];

#[test]
fn refusals_in_json() {
    for (reject, status, error_type, connection, body) in ROWS.into_iter().chain(TIMEOUTS) {
        let exchanged = Gateway::new(DOCUMENT).refuse(reject);
        let want = format!(
            "HTTP/1.1 {status}\n{DATE}\nContent-Type: application/json\nContent-Length: {}\nConnection: {connection}\n\
             x-amzn-RequestId: {ID}\nx-amzn-ErrorType: {error_type}\nx-amz-apigw-id: {EXTENDED_ID}\n\n{body}",
            body.len()
        );
        assert_eq!(exchanged.answered, wire(&want), "{reject:?}");
        assert_eq!(exchanged.answer.inline_bytes, body.len() as u64);
        assert_eq!(exchanged.answer.keep_alive, connection == "keep-alive");
    }
}

/// Before API Gateway proper: no ids, no error type.
#[test]
fn refusals_in_plain_text() {
    for (reject, status, body) in [
        (Reject::PayloadTooLarge, "413 Content Too Large", "HTTP content length exceeded 10485760 bytes."),
        (
            Reject::Head(HeadError::FieldsTooLarge),
            "431 Request Header Fields Too Large",
            "HTTP header is larger than 10240 bytes.",
        ),
    ] {
        let want = format!(
            "HTTP/1.1 {status}\n{DATE}\nContent-Type: text; charset=utf-8\nContent-Length: {}\nConnection: close\n\n{body}",
            body.len()
        );
        assert_eq!(Gateway::new(DOCUMENT).refuse(reject).answered, wire(&want), "{reject:?}");
    }
}
