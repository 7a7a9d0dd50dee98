//! Heads of requests and answers.

use super::{document, passing_to};
use crate::support::client::get;
use crate::support::gateway::Gateway;
use crate::support::http2::{Answer, Closed, DATA, END_STREAM, Http2, PROTOCOL_ERROR, request};
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

#[track_caller]
fn sent(fields: &[(&str, &str)]) -> Message {
    let origin = Origin::answering(ok("x"));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(fields, END_STREAM);
    assert_eq!(client.answer(stream).status(), 200, "{fields:?}");
    origin.request().message
}

#[track_caller]
fn answered(gateway: &Gateway, fields: &[(&str, &str)]) -> Answer {
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(fields, END_STREAM);
    let answer = client.answer(stream);
    assert!(client.is_alive(), "one bad request is no reason to end a connection: {fields:?}");
    answer
}

#[test]
fn a_request_reaches_the_backend_as_one_of_http1_does() {
    let mut fields = request("GET", "/test/a/b?c=d&e");
    fields.extend([("x-one", "1"), ("cookie", "a=b"), ("cookie", "c=d"), ("te", "trailers"), ("x-one", "2")]);
    let message = sent(&fields);
    assert_eq!((message.method(), message.target()), ("GET", "/a/b?c=d&e"));
    assert_eq!(message.field("x-one"), Some("1,2"));
    assert_eq!(message.field("cookie"), Some("a=b; c=d"));
    assert_eq!(message.field("te"), None);
    assert_eq!(message.field("x-forwarded-proto"), Some("http"));
}

#[test]
fn an_answer_is_that_of_http1_without_its_connection() {
    let origin = Origin::answering(
        "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Mixed-Case: Yes\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\
         Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\nhello",
    );
    let gateway = passing_to(&origin);
    let answer = Http2::connect(gateway.address).get("/test/x");
    assert_eq!((answer.status(), answer.text()), (201, "hello".to_owned()));
    assert_eq!(answer.field("x-mixed-case"), Some("Yes"));
    assert_eq!(answer.field("content-length"), Some("5"));
    let cookies: Vec<&str> =
        answer.fields.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| &**value).collect();
    assert_eq!(cookies, ["a", "b"]);
    for name in ["connection", "keep-alive", "x-hop", "transfer-encoding", "proxy-connection"] {
        assert_eq!(answer.field(name), None, "{name}");
    }
    let http1 = gateway.get("/test/x");
    for (name, _) in &answer.fields {
        assert!(name.starts_with(':') || http1.values(name).next().is_some(), "{name}");
        assert_eq!(*name, name.to_ascii_lowercase());
    }
}

#[test]
fn an_error_is_that_of_http1() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let answer = Http2::connect(gateway.address).get("/nowhere");
    let http1 = gateway.get("/nowhere");
    assert_eq!((answer.status(), answer.text()), (http1.status(), http1.text()));
    assert_eq!(answer.field("x-amzn-errortype"), http1.field("x-amzn-errortype"));
}

#[test]
fn requests_that_are_none_are_refused_alone() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let get = |more: &[(&'static str, &'static str)]| [&request("GET", "/test/x")[..], more].concat();
    for fields in [
        get(&[("host", "other")]),
        get(&[("host", "gateway"), ("host", "gateway")]),
        get(&[("content_length", "1")]),
        get(&[("transfer_encoding", "chunked")]),
        get(&[("x-space", " 1")]),
        vec![(":method", "GET"), (":scheme", "http"), (":path", "/test/x")],
        vec![(":method", "GET"), (":scheme", "http"), (":path", "*"), (":authority", "gateway")],
    ] {
        let answer = answered(&gateway, &fields);
        assert!(answer.status() == 400 && !answer.body.is_empty(), "{fields:?}");
    }
    let head = [(":method", "HEAD"), (":scheme", "http"), (":path", "/test/x")];
    let answer = answered(&gateway, &head);
    assert!(answer.status() == 400 && answer.body.is_empty(), "{answer:?}");
    assert_eq!(origin.heads(), 0);
}

/// What HTTP/2 calls malformed (RFC 9113 section 8.1.1) is refused in one of three ways, and reaches nobody.
#[test]
fn malformed_requests_reach_nobody() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let get = |more: &[(&'static str, &'static str)]| [&request("GET", "/test/x")[..], more].concat();
    for fields in [
        get(&[("connection", "close")]),
        get(&[("transfer-encoding", "chunked")]),
        get(&[("upgrade", "h2c")]),
        get(&[("keep-alive", "1")]),
        get(&[("proxy-connection", "keep-alive")]),
        get(&[("te", "gzip")]),
        get(&[("X-Upper", "1")]),
        get(&[("x\r\ny", "1")]),
        get(&[("x y", "1")]),
        get(&[("x:", "1")]),
        get(&[("", "1")]),
        get(&[("x", "1\r\ny: 2")]),
        get(&[("x", "1\0")]),
        get(&[(":path", "/test/y")]),
        get(&[(":status", "200")]),
        get(&[(":unknown", "1")]),
        get(&[("x-first", "1"), (":authority", "gateway")]),
        get(&[("content-length", "1")]),
        get(&[("content-length", "1"), ("content-length", "1")]),
        get(&[("content-length", "+0")]),
        vec![(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "gateway")],
        vec![(":method", "GET"), (":scheme", "http"), (":path", "/a b"), (":authority", "gateway")],
        vec![
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/ HTTP/1.1\r\nx: y"),
            (":authority", "gateway"),
        ],
        vec![(":method", "GET /x"), (":scheme", "http"), (":path", "/"), (":authority", "gateway")],
        vec![(":method", "GET"), (":scheme", "ftp"), (":path", "/test/x"), (":authority", "gateway")],
        vec![(":method", "GET"), (":scheme", "http"), (":path", "/test/x"), (":authority", "u@gateway")],
        vec![(":method", "CONNECT"), (":authority", "gateway:1")],
        vec![(":method", "GET"), (":path", "/test/x"), (":authority", "gateway")],
        vec![(":scheme", "http"), (":path", "/test/x"), (":authority", "gateway")],
    ] {
        let mut client = Http2::connect(gateway.address);
        let stream = client.begin(&fields, END_STREAM);
        while client.reset_of(stream).is_none() && !client.is_refused(stream) && client.advance() {}
        match client.reset_of(stream) {
            None if client.is_refused(stream) => assert!(client.is_alive()),
            None => assert_eq!(client.closed(), Closed::GoAway(PROTOCOL_ERROR), "{fields:?}"),
            Some(code) => assert_eq!(code, PROTOCOL_ERROR, "{fields:?}"),
        }
    }
    assert_eq!(origin.heads(), 0);
}

#[test]
fn heads_beyond_the_limits() {
    let origin = Origin::answering(ok(""));
    let gateway =
        Setup::new(&document(&origin)).h2c().limits("header_bytes = 4096\ntarget_bytes = 1024").start();
    let (long, path) = ("x".repeat(4096), format!("/test/{}", "x".repeat(1024)));
    let fields = [&request("GET", "/test/x")[..], &[("x-long", &long)]].concat();
    assert_eq!(answered(&gateway, &fields).status(), 431);
    assert_eq!(answered(&gateway, &request("GET", &path)).status(), 414);
    let huge = "x".repeat(15_000);
    let fields = [&request("GET", "/test/x")[..], &[("x-huge", &huge)]].concat();
    let answer = answered(&gateway, &fields);
    assert_eq!(answer.status(), 431, "{answer:?}");
}

#[test]
fn head_requests_and_bodiless_answers_end_with_their_heads() {
    let origin = Origin::replying(|request| match request.method() {
        "HEAD" => "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_owned(),
        _ if request.target().contains("304") => "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n".to_owned(),
        _ => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("HEAD", "/test/x"), END_STREAM);
    let answer = client.answer(stream);
    assert_eq!((answer.status(), answer.field("content-length"), answer.body.len()), (200, Some("7"), 0));
    for status in [204, 304] {
        let answer = client.get(&format!("/test/{status}"));
        assert_eq!((answer.status(), answer.field("content-length"), answer.body.len()), (status, None, 0));
    }
}

#[test]
fn the_access_log_tells_the_protocol() {
    let origin = Origin::answering(ok("12345"));
    let log = "access_log = { destination = \"access.log\", format = '$context.protocol $context.status \
               $context.responseLength $context.requestId' }";
    let mut gateway = Setup::new(&document(&origin)).h2c().stage(log).start();
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
    assert_eq!(gateway.client().exchange(get("/test/x")).status(), 200);
    gateway.stop();
    let logged = gateway.folder.read("access.log");
    let lines: Vec<&str> = logged.lines().collect();
    assert!(lines[0].starts_with("HTTP/2.0 200 5 "), "{logged}");
    assert!(lines[1].starts_with("HTTP/1.1 200 5 "), "{logged}");
}

/// Where it is not set, HTTP/2 is no HTTP.
#[test]
fn plain_listeners_speak_it_only_if_set() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).start();
    let mut client = gateway.client();
    client.send(crate::support::http2::PREFACE);
    assert_eq!(client.response().status(), 505);
    let gateway = passing_to(&origin);
    for method in ["GET", "PUT", "PRI", "PATCH", "P"] {
        let mut client = gateway.client();
        client.send(&method[..1]);
        client.send(&method[1..]);
        client.send(" /test/x HTTP/1.1\r\nHost: gateway\r\n\r\n");
        assert!(matches!(client.response().status(), 200 | 403), "{method}");
    }
}

#[test]
fn a_preface_may_come_in_pieces() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let mut client = Http2::silent(gateway.address);
    for byte in crate::support::http2::PREFACE {
        client.send([*byte]);
    }
    client.send_frame(crate::support::http2::SETTINGS, 0, 0, &[]);
    assert_eq!(client.get("/test/x").status(), 200);
}

#[test]
fn many_requests_at_once_are_many() {
    let origin = Origin::replying(|request| ok(request.target()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let streams: Vec<(u32, String)> = (0..100)
        .map(|number| {
            let path = format!("/test/{number}");
            (client.begin(&request("GET", &path), END_STREAM), format!("/{number}"))
        })
        .collect();
    for (stream, want) in streams {
        assert_eq!(client.answer(stream).text(), want);
    }
    assert!(origin.connections() > 1, "one waits for no other");
}

#[test]
fn a_body_longer_or_shorter_than_said_is_refused() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    for (length, body) in [("3", "1234"), ("5", "1234")] {
        let mut client = Http2::connect(gateway.address);
        let fields = [&request("POST", "/test/x")[..], &[("content-length", length)]].concat();
        let stream = client.begin(&fields, 0);
        client.send_frame(DATA, END_STREAM, stream, body.as_bytes());
        assert_eq!(client.answer(stream).reset, Some(PROTOCOL_ERROR), "{length}");
        assert!(client.is_alive());
    }
}
