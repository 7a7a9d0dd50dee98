//! Requests to HTTP_PROXY backends: which fields pass, which are replaced, which are made up (facts 91, 94, 96, 148,
//! 149, 151).

use tidegate_core::http1::BodyFraming;

use crate::carrier::{Exchanged, Gateway, Origin, TRACE, wire};

const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0");

const DOCUMENT: &str = r#"
paths:
  /any/{proxy+}:
    x-amazon-apigateway-any-method:
      parameters: [{ name: proxy, in: path }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/{proxy}
        requestParameters: { integration.request.path.proxy: method.request.path.proxy }
  /fixed:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test:8080/x' }
  /mapped/{id}:
    get:
      parameters:
        - { name: id, in: path }
        - { name: q, in: query }
        - { name: X-In, in: header }
        - { name: X-None, in: header }
        - { name: Max-Forwards, in: header }
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/
        requestParameters:
          integration.request.header.a-static: "'text'"
          integration.request.header.b-path: method.request.path.id
          integration.request.header.c-query: method.request.querystring.q
          integration.request.header.d-queries: method.request.multivaluequerystring.q
          integration.request.header.e-header: method.request.header.X-In
          integration.request.header.f-headers: method.request.multivalueheader.X-In
          integration.request.header.g-variable: stageVariables.tier
          integration.request.header.h-none: stageVariables.none
          integration.request.header.i-resource: context.resourcePath
          integration.request.header.j-stripped: method.request.header.Max-Forwards
          integration.request.header.x-replaced: method.request.header.X-In
          integration.request.header.x-kept: method.request.header.X-None
          integration.request.header.Connection: "'lost'"
          integration.request.header.Via: "'lost'"
  /forwarded:
    get:
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/
        requestParameters:
          integration.request.header.Accept: "'a/b'"
          integration.request.header.Host: "'other.test'"
          integration.request.header.User-Agent: "'me'"
          integration.request.header.X-Forwarded-For: "'nobody'"
          integration.request.header.X-Forwarded-Proto: "'https'"
"#;

#[track_caller]
fn forward(request: &str) -> Exchanged {
    Gateway::new(DOCUMENT).exchange(request, OK)
}

/// `before` the gateway's own fields there is the request line, and the fields of client and mapping.
#[track_caller]
fn check(request: &str, before: &str, framing: &str) {
    let want = format!(
        "{before}X-Forwarded-For: 192.0.2.7\nX-Forwarded-Port: 8080\nX-Forwarded-Proto: http\n\
         X-Amzn-Apigateway-Api-Id: api\nX-Amzn-Trace-Id: {TRACE}\n{framing}"
    );
    assert_eq!(forward(request).sent, wire(want.trim_end()), "{request}");
}

const DEFAULTS: &str = "Accept: application/json\nUser-Agent: AmazonAPIGateway_api\n";

#[test]
fn a_plain_request() {
    check(
        "GET /prod/any/a/b?c=d HTTP/1.1\nHost: a",
        &format!("GET /a/b?c=d HTTP/1.1\nHost: origin.test\n{DEFAULTS}"),
        "",
    );
}

#[test]
fn the_clients_fields_pass_but_for_those_that_aws_drops() {
    check(
        "GET /prod/any/x HTTP/1.1\nHost: a\nAccept: b/c\nAccept-Charset: 1\nAccept-Encoding: 2\nAge: 3\nAuthorization: 4\n\
         Connection: keep-alive\nContent-Encoding: 5\nContent-MD5: 6\nContent-Type: 7\nDate: 8\nExpect: 9\nMax-Forwards: 10\n\
         Pragma: 11\nProxy-Authenticate: 12\nRange: 13\nReferer: 14\nServer: 15\nTE: 16\nTrailer: 17\nUpgrade: 18\n\
         User-Agent: 19\nVia: 20\nWarn: 21\nWWW-Authenticate: 22\nCookie: 23\nx-API-key: 24\nKeep-Alive: 25\n\
         X-Forwarded-Port: 1\nX-Forwarded-Proto: gopher\nX-Amzn-Apigateway-Api-Id: other\nEmpty:\n",
        "GET /x HTTP/1.1\nHost: origin.test\nAccept: b/c\nAccept-Charset: 1\nAccept-Encoding: 2\nAge: 3\nAuthorization: 4\n\
         Content-Type: 7\nDate: 8\nPragma: 11\nRange: 13\nReferer: 14\nUser-Agent: 19\nWarn: 21\nCookie: 23\nx-API-key: 24\n\
         Empty: \n",
        "",
    );
}

#[test]
fn repeated_fields_are_joined_where_they_first_stand() {
    check(
        "GET /prod/any/x HTTP/1.1\nHost: a\nX-A: 1\nAccept: a/b\nx-a: 2\nCookie: c=1\nX-A: 3\nAccept: c/d\n",
        "GET /x HTTP/1.1\nHost: origin.test\nX-A: 1,2,3\nAccept: a/b,c/d\nCookie: c=1\nUser-Agent: AmazonAPIGateway_api\n",
        "",
    );
}

/// RFC 9110 section 7.6.1, in whichever of several `Connection` fields the name stands.
#[test]
fn fields_that_connection_names_are_dropped() {
    for connection in [
        "Connection: x-hop, close",
        "Connection: close, X-HOP",
        "Connection: close\nConnection: a,X-Hop",
        "connection:x-hop",
    ] {
        check(
            &format!("GET /prod/any/x HTTP/1.1\nHost: a\nX-Hop: 1\nX-Hops: 2\n{connection}"),
            &format!("GET /x HTTP/1.1\nHost: origin.test\nX-Hops: 2\n{DEFAULTS}"),
            "",
        );
    }
}

#[test]
fn forwarded_for_is_appended() {
    let sent = forward(
        "GET /prod/any/x HTTP/1.1\nHost: a\nX-Forwarded-For: 1.1.1.1\nx-forwarded-for: 2.2.2.2, 3.3.3.3",
    )
    .sent;
    let lines: Vec<_> = sent.lines().filter(|line| line.starts_with("X-Forwarded-For")).collect();
    assert_eq!(lines, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7"]);
    assert!(!sent.contains("x-forwarded-for"), "{sent}");
}

/// Fact 107.
#[test]
fn traces() {
    let ours = TRACE.strip_prefix("Root=").and_then(|trace| trace.split(';').next()).expect("a root");
    for (client, want) in [
        ("Root=1-a-b", "Root=1-a-b;Parent=0000000000000004;Sampled=0".to_owned()),
        ("Root=1-a-b;Parent=c;Sampled=1", "Root=1-a-b;Parent=c;Sampled=1".to_owned()),
        ("Parent=c", format!("Root={ours};Parent=c;Sampled=1")),
    ] {
        let sent = forward(&format!("GET /prod/any/x HTTP/1.1\nHost: a\nX-Amzn-Trace-Id: {client}")).sent;
        let lines: Vec<_> = sent.lines().filter_map(|line| line.strip_prefix("X-Amzn-Trace-Id: ")).collect();
        assert_eq!(lines, [want]);
    }
}

#[test]
fn mapped_fields() {
    check(
        "GET /prod/mapped/a%20b?q=1&Q=2&q=%41+c HTTP/1.1\nHost: a\nX-In: 1\nx-in: 2\nX-Replaced: client\nX-Kept: client\n\
         Max-Forwards: 3",
        &format!(
            "GET /?q=1&Q=2&q=%41+c HTTP/1.1\na-static: text\nb-path: a%20b\nc-query: A c\nd-queries: 1,A c\ne-header: 2\n\
             f-headers: 1,2\ng-variable: gold\ni-resource: /mapped/{{id}}\nx-replaced: 2\nHost: origin.test\nX-In: 1,2\n\
             X-Kept: client\n{DEFAULTS}"
        ),
        "",
    );
}

#[test]
fn mapped_fields_replace_the_gateways_own() {
    let want = format!(
        "GET / HTTP/1.1\nAccept: a/b\nHost: other.test\nUser-Agent: me\nX-Forwarded-For: nobody\nX-Forwarded-Proto: https\n\
         X-Forwarded-Port: 8080\nX-Amzn-Apigateway-Api-Id: api\nX-Amzn-Trace-Id: {TRACE}"
    );
    let request = "GET /prod/forwarded HTTP/1.1\nHost: a\nUser-Agent: x\nX-Forwarded-For: 1.1.1.1";
    assert_eq!(forward(request).sent, wire(&want));
}

/// (request, its body's framing for the backend, the framing field)
#[test]
fn bodies() {
    for (request, upload, field) in [
        (
            "POST /prod/any/x HTTP/1.1\nHost: a\nContent-Length: 2\n\nab",
            BodyFraming::Length(2),
            "Content-Length: 2",
        ),
        (
            "GET /prod/any/x HTTP/1.1\nHost: a\nContent-Length: 2\n\nab",
            BodyFraming::Length(2),
            "Content-Length: 2",
        ),
        (
            "DELETE /prod/any/x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n",
            BodyFraming::Chunked,
            "Transfer-Encoding: chunked",
        ),
        ("POST /prod/any/x HTTP/1.1\nHost: a", BodyFraming::None, "Content-Length: 0"),
        ("PUT /prod/any/x HTTP/1.1\nHost: a\nContent-Length: 0", BodyFraming::Length(0), "Content-Length: 0"),
        ("DELETE /prod/any/x HTTP/1.1\nHost: a", BodyFraming::None, ""),
        ("GET /prod/fixed HTTP/1.1\nHost: a", BodyFraming::None, "Content-Length: 0"),
    ] {
        let exchanged = forward(request);
        assert_eq!(exchanged.call.expect("a call").upload, upload, "{request}");
        let is_framing = |line: &&str| line.starts_with("Content-L") || line.starts_with("Transfer-");
        assert_eq!(
            exchanged.sent.lines().filter(is_framing).collect::<Vec<_>>().join("\n"),
            field,
            "{request}"
        );
        assert!(exchanged.sent.ends_with(&wire(field)), "{request}");
    }
}

/// (request, request line to the backend, idempotent?)
#[test]
fn methods() {
    for (request, want, idempotent) in [
        ("PATCH /prod/any/x HTTP/1.1\nHost: a", "PATCH /x HTTP/1.1", false),
        ("OPTIONS /prod/any/x HTTP/1.1\nHost: a", "OPTIONS /x HTTP/1.1", true),
        ("HEAD /prod/any/x HTTP/1.1\nHost: a", "HEAD /x HTTP/1.1", true),
        ("GET /prod/fixed HTTP/1.1\nHost: a", "POST /x HTTP/1.1", false),
        ("POST /prod/any/x HTTP/1.1\nHost: a\nX-HTTP-Method-Override: DELETE", "DELETE /x HTTP/1.1", true),
        ("HEAD /prod/fixed HTTP/1.1\nHost: a\nx-http-method-override: PUT", "POST /x HTTP/1.1", false),
    ] {
        let exchanged = forward(request);
        assert_eq!(exchanged.sent.lines().next(), Some(want), "{request}");
        assert!(!exchanged.sent.to_ascii_lowercase().contains("override"), "{request}");
        let call = exchanged.call.expect("a call");
        assert_eq!((call.is_idempotent, call.is_head), (idempotent, want.starts_with("HEAD")), "{request}");
    }
    let unknown = "GET /prod/any/x HTTP/1.1\nHost: a\nX-HTTP-Method-Override: BREW";
    let answered = Gateway::new(DOCUMENT).exchange(unknown, Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 403 "), "{answered}");
}

#[test]
fn the_host_has_its_port() {
    assert!(forward("GET /prod/fixed HTTP/1.1\nHost: a").sent.contains("\r\nHost: origin.test:8080\r\n"));
}
