//! Functions at AWS: what the Lambda Invoke API gets, and what clients get of its answers.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::auth::sigv4::{Credentials, Secret};
use tidegate_core::aws::{CredentialsSource, Issued};
use tidegate_core::exchange::CallFailure;

use crate::carrier::{Exchanged, Gateway, Origin, TRACE};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /proxy:
    post:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far:prod/invocations
  /custom:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        credentials: arn:aws:iam::123456789012:role/invoker
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far/invocations
        responses:
          default: { statusCode: 200 }
          '.*boom.*': { statusCode: 418 }
  /event:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far/invocations
        requestParameters: { integration.request.header.X-Amz-Invocation-Type: "'Event'" }
        responses: { default: { statusCode: 202 } }
  /stream:
    post:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        responseTransferMode: STREAM
        uri: arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/arn:aws:lambda:us-east-1:123456789012:function:far/response-streaming-invocations
"#;

#[track_caller]
fn exchange(target: &str, body: &str, origin: Origin<'_>) -> Exchanged {
    let settings =
        Settings { more: "[aws]\nendpoint_url = \"http://aws.test:4566\"\n", ..Settings::default() };
    let mut gateway = Gateway::with(DOCUMENT, "$context.requestId $context.integration.status", settings);
    let issued = |id: &str| Issued {
        credentials: Credentials {
            access_key_id: id.into(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
        },
        expires_s: None,
    };
    gateway.shard.signers.install(Arc::new(HashMap::from([
        (CredentialsSource::Default, issued("OWN")),
        (CredentialsSource::Role("arn:aws:iam::123456789012:role/invoker".into()), issued("INVOKER")),
    ])));
    let request = format!("POST /prod{target} HTTP/1.1\nHost: a\nContent-Length: {}\n\n{body}", body.len());
    gateway.exchange(&request, origin)
}

/// Head lines of an API's answer, and its content.
fn answer(head: &str, content: &str) -> String {
    format!("HTTP/1.1 {head}\nContent-Length: {}\n\n{content}", content.len())
}

/// The status and the content that the client gets when the API answers so.
#[track_caller]
fn check(target: &str, head: &str, content: &str, want: (&str, &str)) {
    let exchanged = exchange(target, "{}", Origin::Answers(&answer(head, content)));
    let (status, got) =
        (&exchanged.answered[9..12], exchanged.answered.split_once("\r\n\r\n").expect("a head").1);
    assert_eq!((status, got), want, "{target}: {head}: {content}");
}

const INTERNAL: &str = r#"{"message": "Internal server error"}"#;

#[test]
fn what_the_api_gets() {
    let path = "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far";
    let ok = answer("200 OK", r#"{"statusCode":200}"#);
    for (target, path, kind, key) in [
        ("/proxy", format!("{path}:prod/invocations"), "RequestResponse", "OWN"),
        ("/custom", format!("{path}/invocations"), "RequestResponse", "INVOKER"),
        ("/event", format!("{path}/invocations"), "Event", "OWN"),
        (
            "/stream",
            format!("{path}/response-streaming-invocations").replace("2015-03-31", "2021-11-15"),
            "RequestResponse",
            "OWN",
        ),
    ] {
        let exchanged = exchange(target, r#"{"a":1}"#, Origin::Answers(&ok));
        let (head, event) = exchanged.sent.split_once("\r\n\r\n").expect("a head");
        let lines: Vec<&str> = head.split("\r\n").collect();
        let length = format!("Content-Length: {}", event.len());
        assert_eq!(lines[0], format!("POST {path} HTTP/1.1"));
        assert_eq!(
            lines[1..4],
            [
                "Host: aws.test:4566",
                "Content-Type: application/json",
                &format!("X-Amz-Invocation-Type: {kind}")
            ]
        );
        let own =
            ["Accept: application/json", "User-Agent: AmazonAPIGateway_api", "X-Amzn-Apigateway-Api-Id: api"];
        assert_eq!(lines[4..7], own);
        assert_eq!(lines[7..9], [&*format!("X-Amzn-Trace-Id: {TRACE}"), "X-Amz-Date: 19941106T084937Z"]);
        let signed = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential={key}/19941106/us-east-1/lambda/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type, "
        );
        assert!(lines[9].starts_with(&signed), "{}", lines[9]);
        assert_eq!(lines[10..], [length]);
        let is_event = matches!(target, "/proxy" | "/stream");
        assert_eq!(event.contains(r#""requestContext""#), is_event, "{event}");
        assert!(is_event || event == r#"{"a":1}"#);
        let call = exchanged.call.expect("a call");
        assert!(!call.is_idempotent && exchanged.invoke.is_none());
    }
}

#[test]
fn answers_of_functions() {
    let error = r#"{"errorMessage":"boom","errorType":"E"}"#;
    check("/proxy", "200 OK", r#"{"statusCode":201,"body":"made"}"#, ("201", "made"));
    check("/proxy", "200 OK", r#"{"wrong":1}"#, ("502", INTERNAL));
    check("/proxy", "200 OK\nX-Amz-Function-Error: Unhandled", error, ("502", INTERNAL));
    check("/custom", "200 OK", r#"{"any":"thing"}"#, ("200", r#"{"any":"thing"}"#));
    check("/custom", "200 OK\nx-amz-function-error: Handled", error, ("418", error));
    // Without the header it is a result like any other.
    check("/custom", "200 OK", error, ("200", error));
    check("/event", "202 Accepted", "", ("202", ""));
}

#[test]
fn answers_of_the_api() {
    let document = r#"{"Type":"User","message":"no"}"#;
    for target in ["/proxy", "/custom", "/event"] {
        for head in
            ["429 Too Many Requests", "404 Not Found", "403 Forbidden", "400 Bad Request", "500 No", "503 No"]
        {
            check(target, head, document, ("500", INTERNAL));
        }
        check(target, "413 Too Large", document, ("413", r#"{"message": "Request Too Long"}"#));
    }
    let failed = exchange("/proxy", "{}", Origin::Fails(CallFailure::Timeout));
    assert!(failed.answered.starts_with("HTTP/1.1 504 "), "{}", failed.answered);
}

/// AWS: 6 MB, and 1 MB for an event that nobody waits for.
#[test]
fn events_have_a_limit() {
    let large = format!("\"{}\"", "x".repeat(1_048_576));
    for (target, status) in [("/event", "413"), ("/custom", "200")] {
        let ok = answer("200 OK", "{}");
        let origin = if status == "413" { Origin::Uncalled } else { Origin::Answers(&ok) };
        assert_eq!(&exchange(target, &large, origin).answered[9..12], status, "{target}");
    }
}

/// What the carrier gives is unpacked already.
#[test]
fn a_stream_of_the_api() {
    let begun = b"{\"statusCode\":201}\0\0\0\0\0\0\0\0begun";
    let head = format!("HTTP/1.1 200 OK\nContent-Length: {}\n\n", begun.len());
    let exchanged = exchange("/stream", "{}", Origin::Gives(&head, begun));
    assert!(exchanged.answered.starts_with("HTTP/1.1 201 Created\r\n"), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with("\r\n\r\n5\r\nbegun\r\n"), "{}", exchanged.answered);
    let error = "200 OK\nX-Amz-Function-Error: Unhandled";
    check("/stream", error, r#"{"errorMessage":"boom"}"#, ("502", INTERNAL));
    check("/stream", "429 Too Many Requests", "{}", ("500", INTERNAL));
    check("/stream", "404 Not Found", "{}", ("500", INTERNAL));
}
