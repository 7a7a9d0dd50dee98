//! Whether the client's connection is used again (fact 108).

use crate::carrier::{Gateway, Origin};

const DOCUMENT: &str = r#"
paths:
  /proxy:
    post:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test/' }
  /template:
    post:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://origin.test/
        requestTemplates: { application/json: fixed }
        responses: { default: { statusCode: 200 } }
  /mock:
    post:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200 } }
  /reading-mock:
    post:
      x-amazon-apigateway-integration: { type: mock, responses: { default: { statusCode: 200 } } }
"#;

const LENGTH: &str = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n";
const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\nConnection: close\n\nok";

#[track_caller]
fn check(gateway: &mut Gateway, request: &str, origin: &str, keep_alive: bool) {
    let exchanged = gateway.exchange(&format!("POST /prod/{request}"), Origin::Answers(origin));
    assert_eq!(exchanged.answer.keep_alive, keep_alive, "{request} {origin}");
    let field = if keep_alive { "\r\nConnection: keep-alive\r\n" } else { "\r\nConnection: close\r\n" };
    assert_eq!(exchanged.answered.matches("\r\nConnection: ").count(), 1, "{request} {origin}");
    assert!(exchanged.answered.contains(field), "{request} {origin}");
}

#[test]
fn as_the_client_asks() {
    let mut gateway = Gateway::new(DOCUMENT);
    for (request, keep_alive) in [
        ("proxy HTTP/1.1\nHost: a", true),
        ("proxy HTTP/1.1\nHost: a\nConnection: keep-alive", true),
        ("proxy HTTP/1.1\nHost: a\nConnection: close", false),
        ("proxy HTTP/1.1\nHost: a\nConnection: x, Close", false),
        ("proxy HTTP/1.0", false),
        ("proxy HTTP/1.0\nConnection: Keep-Alive", true),
        ("none HTTP/1.1\nHost: a\nConnection: close", false),
        ("mock HTTP/1.1\nHost: a\nConnection: close", false),
    ] {
        check(&mut gateway, request, LENGTH, keep_alive);
    }
}

/// The backend's own connection is another one. HTTP/1.0 knows no chunks, so there content without length ends with
/// the connection.
#[test]
fn as_the_content_allows() {
    let mut gateway = Gateway::new(DOCUMENT);
    for origin in [LENGTH, CHUNKED, UNTIL_CLOSE] {
        check(&mut gateway, "proxy HTTP/1.1\nHost: a", origin, true);
    }
    let old = "proxy HTTP/1.0\nConnection: keep-alive";
    check(&mut gateway, old, LENGTH, true);
    check(&mut gateway, old, CHUNKED, false);
    check(&mut gateway, old, UNTIL_CLOSE, false);
    // A mapped integration reads it whole.
    check(&mut gateway, "template HTTP/1.0\nConnection: keep-alive", CHUNKED, true);
}

#[test]
fn never_while_draining() {
    let mut gateway = Gateway::new(DOCUMENT);
    gateway.shard.draining = true;
    for path in ["proxy", "template", "mock", "none"] {
        check(&mut gateway, &format!("{path} HTTP/1.1\nHost: a"), LENGTH, false);
    }
}

/// A client that waits for `100 Continue` and gets a final answer may or may not send its body.
#[test]
fn not_when_a_body_was_announced_and_never_called_for() {
    let mut gateway = Gateway::new(DOCUMENT);
    let body = "HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 18\n\n{\"statusCode\":200}";
    for (path, keep_alive) in
        [("proxy", true), ("template", false), ("mock", false), ("reading-mock", true), ("none", false)]
    {
        check(&mut gateway, &format!("{path} {body}"), LENGTH, keep_alive);
    }
    check(&mut gateway, "mock HTTP/1.1\nHost: a\nExpect: 100-continue", LENGTH, true);
    check(&mut gateway, "mock HTTP/1.1\nHost: a\nContent-Length: 2\n\nab", LENGTH, true);
}
