//! Access log lines in AWS's four example formats.

use tidegate_core::exchange::CallFailure;

use crate::carrier::{EXTENDED_ID, Gateway, ID, Origin};

const DOCUMENT: &str = r#"
paths:
  /x/{id}:
    post:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test/' }
"#;

const CLF: &str = r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId $context.extendedRequestId"#;
const JSON: &str = r#"{ "requestId":"$context.requestId", "ip": "$context.identity.sourceIp", "caller":"$context.identity.caller", "requestTime":"$context.requestTime", "httpMethod":"$context.httpMethod","resourcePath":"$context.resourcePath", "status":"$context.status","protocol":"$context.protocol", "responseLength":"$context.responseLength" }"#;
const XML: &str = r#"<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> <httpMethod>$context.httpMethod</httpMethod> <resourcePath>$context.resourcePath</resourcePath> <status>$context.status</status> </request>"#;
const CSV: &str = "$context.identity.sourceIp,$context.identity.caller,$context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,$context.status,$context.responseLength,$context.requestId";

const REQUEST: &str = "POST /prod/x/7 HTTP/1.1\nHost: a";
const OK: Origin<'_> = Origin::Answers("HTTP/1.1 201 Created\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n");

#[track_caller]
fn check(format: &str, request: &str, origin: Origin<'_>, want: &str) {
    let logged = Gateway::logging(DOCUMENT, format).exchange(request, origin).logged;
    assert_eq!(logged, format!("{want}\n"), "{format}");
}

#[test]
fn the_example_formats() {
    check(
        CLF,
        REQUEST,
        OK,
        &format!(
            r#"192.0.2.7 - - [06/Nov/1994:08:49:37 +0000]"POST /x/{{id}} HTTP/1.1" 201 5 {ID} {EXTENDED_ID}"#
        ),
    );
    check(
        JSON,
        REQUEST,
        OK,
        &format!(
            r#"{{ "requestId":"{ID}", "ip": "192.0.2.7", "caller":"-", "requestTime":"06/Nov/1994:08:49:37 +0000", "httpMethod":"POST","resourcePath":"/x/{{id}}", "status":"201","protocol":"HTTP/1.1", "responseLength":"5" }}"#
        ),
    );
    check(
        XML,
        REQUEST,
        OK,
        &format!(
            r#"<request id="{ID}"> <ip>192.0.2.7</ip> <httpMethod>POST</httpMethod> <resourcePath>/x/{{id}}</resourcePath> <status>201</status> </request>"#
        ),
    );
    check(
        CSV,
        REQUEST,
        OK,
        &format!("192.0.2.7,-,06/Nov/1994:08:49:37 +0000,POST,/x/{{id}},HTTP/1.1,201,5,{ID}"),
    );
}

/// (request, backend, line)
#[test]
fn times_and_errors() {
    let format = "$context.requestId $context.status $context.responseLength $context.responseLatency \
                  $context.integrationLatency $context.integration.status $context.error.responseType \
                  $context.integrationErrorMessage";
    check(format, REQUEST, OK, &format!("{ID} 201 5 10 5 201 - -"));
    check(
        format,
        REQUEST,
        Origin::Fails(CallFailure::Timeout),
        &format!("{ID} 504 41 10 5 - INTEGRATION_TIMEOUT Endpoint request timed out"),
    );
    let unrouted = format!("{ID} 403 42 5 - - MISSING_AUTHENTICATION_TOKEN -");
    check(format, "GET /prod/none HTTP/1.1\nHost: a", Origin::Uncalled, &unrouted);
    let own = "11111111-2222-3333-4444-555555555555";
    check("$context.requestId", &format!("{REQUEST}\nx-amzn-RequestId: {own}"), OK, own);
    check("$context.requestId", &format!("{REQUEST}\nx-amzn-RequestId: x\"y"), OK, ID);
}

/// What reached no stage is in no stage's log.
#[test]
fn without_stage_there_is_no_line() {
    let mut gateway = Gateway::logging(DOCUMENT, CLF);
    assert_eq!(gateway.exchange("GET /other/x HTTP/1.1\nHost: a", Origin::Uncalled).logged, "");
    assert_eq!(gateway.exchange("GET /prod/x HTTP/1.1\nHost: a\nHost: b", Origin::Uncalled).logged, "");
}
