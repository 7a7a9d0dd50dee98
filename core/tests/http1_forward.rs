//! What a client's unusual target and transfer codings become in the request to a backend.

use tidegate_core::arrival::Arrival;
use tidegate_core::context::{Outcome, View};
use tidegate_core::http1::{HeadLimits, RequestHead};
use tidegate_core::integration::{Http, HttpKind, Pattern, Target};
use tidegate_core::mapping::Source;
use tidegate_core::method::Method;
use tidegate_core::plan::{ApiKeySource, Node, OriginId};
use tidegate_core::span::Span;
use tidegate_core::transform::request::{self, Body};
use tidegate_core::values::{PathValues, Values};
use tidegate_core::velocity::Overrides;

/// The proxy of everything below `/` to everything below `/b/`.
fn proxy() -> Http {
    let mut path = Pattern::default();
    path.push_literal("/b/");
    path.push_placeholder("b", Source::Path(0));
    Http {
        service: None,
        kind: HttpKind::Proxy,
        origin: OriginId(0),
        host: "backend".into(),
        method: None,
        target: Target::new(path, Pattern::default()),
        query: Box::default(),
        headers: Box::default(),
        timeout_ms: 1000,
    }
}

/// The head that the backend gets for a request.
fn forward(target: &[u8], fields: &str, body: impl FnOnce(&RequestHead) -> Body<'_>) -> String {
    let mut head = RequestHead::new();
    let text = [b"POST ", target, b" HTTP/1.1\r\nHost: a\r\n", fields.as_bytes(), b"\r\n"].concat();
    head.buffer_mut().extend_from_slice(&text);
    assert!(head.parse(&HeadLimits::default()).expect("refused").is_some());
    let node = Node { name: String::new(), region: String::new(), account: String::new() };
    let (arrival, outcome) = (Arrival::default(), Outcome::default());
    let view = View {
        node: &node,
        request: &head,
        arrival: &arrival,
        stage: None,
        route: None,
        base_path: None,
        principal: None,
        network: None,
        api_key: None,
        api_key_source: ApiKeySource::Header,
        attested: None,
        outcome: &outcome,
    };
    let spans = [Span::new(1, head.path().len())];
    let path = PathValues { path: head.path(), spans: &spans };
    let mut out = Vec::new();
    let overrides = Overrides::default();
    let values = Values { view, path, response: None, body: None, overrides: &overrides };
    request::write(&proxy(), Method::Post, body(&head), &values, &mut out);
    String::from_utf8(out).expect("ASCII")
}

fn client(head: &RequestHead) -> Body<'_> {
    Body::Client(head.framing())
}

#[track_caller]
fn check_target(sent: &[u8], want: &str) {
    let forwarded = forward(sent, "", client);
    assert_eq!(
        forwarded.lines().next(),
        Some(format!("POST {want} HTTP/1.1").as_str()),
        "{}",
        sent.escape_ascii()
    );
}

#[test]
fn targets() {
    check_target(b"", "/b/");
    check_target(b"/", "/b/");
    check_target(b"/x%20y%/{|}\"?q=%zz&'<>", "/b/x%20y%/{|}\"?q=%zz&'<>");
    check_target(b"/x#y/z?p#q?r", "/b/x%23y/z?p%23q?r");
    check_target("/ä%23/стр?ä=#ö".as_bytes(), "/b/%C3%A4%23/%D1%81%D1%82%D1%80?%C3%A4=%23%C3%B6");
    check_target(b"/\xff?\x80%\xfe", "/b/%FF?%80%%FE");
    check_target(b"http://a?\xc3", "/b/?%C3");
}

/// The lines about framing among those that the backend gets.
#[track_caller]
fn check_framing(fields: &str, want: &[&str]) {
    let forwarded = forward(b"/", fields, client);
    let framing = |line: &&str| line.starts_with("Transfer-") || line.starts_with("Content-L");
    assert_eq!(forwarded.lines().filter(framing).collect::<Vec<_>>(), want, "{fields}");
    assert!(forwarded.ends_with("\r\n\r\n"));
}

#[test]
fn framing() {
    check_framing("", &["Content-Length: 0"]);
    check_framing("Content-Length: 5\r\n", &["Content-Length: 5"]);
    check_framing("transfer-encoding: CHUNKED\r\n", &["Transfer-Encoding: chunked"]);
    check_framing("Transfer-Encoding: chunked;a=b\r\n", &["Transfer-Encoding: chunked"]);
    check_framing("Transfer-Encoding: gzip,chunked\r\n", &["Transfer-Encoding: gzip, chunked"]);
    let repeated = "Transfer-Encoding: gzip ;\r\nX: y\r\nTransfer-Encoding: deflate;a=b,chunked;\r\n";
    check_framing(repeated, &["Transfer-Encoding: gzip, deflate;a=b, chunked"]);
}

/// A template replaces the content, and its codings with it.
#[test]
fn templates_have_no_codings() {
    let forwarded = forward(b"/", "Transfer-Encoding: gzip, chunked\r\n", |_| Body::Template(b"text"));
    assert!(forwarded.ends_with("\r\nContent-Length: 4\r\n\r\ntext"), "{forwarded}");
    assert!(!forwarded.contains("Transfer-Encoding"), "{forwarded}");
}
