//! Gateway responses as an API customises them (facts 12 to 14, behaviour section 2.2).

use tidegate_core::exchange::CallFailure;
use tidegate_core::reject::Reject;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, wire};

const DOCUMENT: &str = r#"
paths:
  /x/{id}:
    post:
      parameters: [{ name: id, in: path }]
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test/' }
x-amazon-apigateway-gateway-responses:
"#;

const FORBIDDEN: &str = "GET /prod/none HTTP/1.1\nHost: a\nOrigin: https://o";
const CALL: &str = "POST /prod/x/7?q=1&q=%22 HTTP/1.1\nHost: a\nOrigin: https://o";

#[track_caller]
fn exchange(responses: &str, request: &str, origin: Origin<'_>) -> Exchanged {
    Gateway::new(&format!("{DOCUMENT}{responses}")).exchange(request, origin)
}

/// Status, and what is between the ids and the end.
#[track_caller]
fn check(
    responses: &str,
    request: &str,
    origin: Origin<'_>,
    status: &str,
    media_type: &str,
    error_type: &str,
    behind: &str,
) {
    let body = behind.split_once("\n\n").map_or("", |(_, body)| body);
    let media_type =
        if media_type.is_empty() { String::new() } else { format!("Content-Type: {media_type}\n") };
    let want = format!(
        "HTTP/1.1 {status}\n{DATE}\n{media_type}Content-Length: {}\nConnection: keep-alive\nx-amzn-RequestId: {ID}\n\
         x-amzn-ErrorType: {error_type}\nx-amz-apigw-id: {EXTENDED_ID}{behind}",
        body.len()
    );
    assert_eq!(exchange(responses, request, origin).answered, wire(&want), "{responses}");
}

const NO_TOKEN: &str = "MissingAuthenticationTokenException";
const INTERNAL: &str = "InternalServerErrorException";
const TIMEOUT: Origin<'_> = Origin::Fails(CallFailure::Timeout);
const BROKEN: Origin<'_> = Origin::Fails(CallFailure::Network);

#[test]
fn a_template_a_status_and_fields() {
    check(
        r#"
  INTEGRATION_FAILURE:
    statusCode: 502
    responseParameters:
      gatewayresponse.header.Access-Control-Allow-Origin: method.request.header.Origin
      gatewayresponse.header.X-Id: method.request.path.id
      gatewayresponse.header.X-None: method.request.path.none
      gatewayresponse.header.X-Static: "'text'"
      gatewayresponse.header.X-Tier: stageVariables.tier
      gatewayresponse.header.Date: "'never'"
    responseTemplates:
      application/json: '{"type":"$context.error.responseType","text":$context.error.messageString,"q":"$method.request.querystring.q","${stageVariables.tier}":"$context.resourcePath"}'
"#,
        CALL,
        BROKEN,
        "502 Bad Gateway",
        "application/json",
        INTERNAL,
        "\nAccess-Control-Allow-Origin: https://o\nX-Id: 7\nX-Static: text\nX-Tier: gold\nx-amzn-Remapped-Date: never\n\n\
         {\"type\":\"INTEGRATION_FAILURE\",\"text\":\"Network error communicating with endpoint\",\"q\":\"\"\",\"gold\":\"/x/{id}\"}",
    );
}

/// What could not be routed has no path parameters and no resource.
#[test]
fn before_routing() {
    check(
        "\n  MISSING_AUTHENTICATION_TOKEN:\n    statusCode: 404\n    responseTemplates: { text/plain: \"none: $context.path $context.resourcePath$method.request.path.id.\" }\n",
        FORBIDDEN,
        Origin::Uncalled,
        "404 Not Found",
        "text/plain",
        NO_TOKEN,
        "\n\nnone: /prod/none .",
    );
}

/// Fact 13: a class changes what is not itself set, and only that.
#[test]
fn classes() {
    let responses = "\n  DEFAULT_4XX: { responseParameters: { gatewayresponse.header.X-Class: \"'4'\" } }\n  \
                     DEFAULT_5XX: { statusCode: 599 }\n  INTEGRATION_TIMEOUT: { responseTemplates: { text/x: late } }\n";
    let four = "\nX-Class: 4\n\n{\"message\":\"Missing Authentication Token\"}";
    check(responses, FORBIDDEN, Origin::Uncalled, "403 Forbidden", "application/json", NO_TOKEN, four);
    let failure = "\n\n{\"message\": \"Network error communicating with endpoint\"}";
    check(responses, CALL, BROKEN, "599 ", "application/json", INTERNAL, failure);
    check(responses, CALL, TIMEOUT, "504 Gateway Timeout", "text/x", INTERNAL, "\n\nlate");
}

#[test]
fn a_mapped_content_type_replaces() {
    let responses = "\n  INTEGRATION_TIMEOUT: { responseParameters: { gatewayresponse.header.content-type: \"'text/late'\" } }\n";
    let behind = "\ncontent-type: text/late\n\n{\"message\": \"Endpoint request timed out\"}";
    check(responses, CALL, TIMEOUT, "504 Gateway Timeout", "", INTERNAL, behind);
}

/// A status that has no content (RFC 9110 section 6.4.1) would make the next answer of the connection unreadable.
#[test]
fn a_status_without_content() {
    for status in ["204", "304"] {
        let answered =
            exchange(&format!("\n  DEFAULT_4XX: {{ statusCode: {status} }}\n"), FORBIDDEN, Origin::Uncalled)
                .answered;
        assert!(
            answered.starts_with(&format!("HTTP/1.1 {status} ")) && answered.ends_with("\r\n\r\n"),
            "{answered}"
        );
        assert!(!answered.contains("Content-Length"), "{answered}");
    }
}

/// AWS does not honour customising what the front door says in plain text.
#[test]
fn a_too_large_payload_is_not_customised() {
    let failure = Origin::Fails(CallFailure::Request(Reject::PayloadTooLarge));
    let exchanged = exchange(
        "\n  REQUEST_TOO_LARGE: { statusCode: 418 }\n  DEFAULT_4XX: { statusCode: 418 }\n",
        CALL,
        failure,
    );
    assert!(exchanged.answered.starts_with("HTTP/1.1 413 "), "{}", exchanged.answered);
    assert!(!exchanged.answer.keep_alive);
}
