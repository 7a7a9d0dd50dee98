//! Trailers: which pass, between which versions, and what is wrong with some.

use std::time::Duration;

use serde_json::json;

use crate::support::document::{Document, http, http_proxy};
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::http2::{
    Closed, DATA, END_HEADERS, END_STREAM, HEADERS, Http2, INTERNAL_ERROR, PROTOCOL_ERROR, WINDOW_UPDATE,
    block, request, setting,
};
use crate::support::message::{Framing, Message};
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;
use crate::support::{eventually, pattern};

const ASKING: &str = "GET /test/x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n";

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&Document::new().pass_all(origin.address)).h2c().start()
}

fn chunked(section: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n{section}\r\n")
}

/// A request of HTTP/2 with a body without length, and these trailers.
fn post(client: &mut Http2, path: &str, trailers: &[(&str, &str)]) -> u32 {
    let stream = client.begin(&request("POST", path), 0);
    client.send_frame(DATA, 0, stream, b"body");
    client.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(trailers));
    stream
}

/// What the backend gets of a client of HTTP/2 and one of HTTP/1.1.
#[track_caller]
fn check_request(sent: &[(&str, &str)], want: &[&str]) {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = post(&mut client, "/test/x", sent);
    assert_eq!(client.answer(stream).text(), "body");
    let passed = origin.request().message;
    assert_eq!(
        (passed.trailer_lines(), passed.text()),
        (want.iter().map(ToString::to_string).collect(), "body".to_owned())
    );
    assert_eq!((passed.framing(), passed.field("trailer")), (Framing::Chunked, None));

    let lines: String = sent.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
    let head = "POST /test/x HTTP/1.1\r\nHost: a\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = gateway.client();
    assert_eq!(client.exchange(format!("{head}4\r\nbody\r\n0\r\n{lines}\r\n")).text(), "body");
    assert_eq!(origin.request().message.trailer_lines(), want);
    // The next one has its own.
    assert_eq!(client.exchange(format!("{head}4\r\nbody\r\n0\r\n\r\n")).text(), "body");
    assert_eq!(origin.request().message.trailer_lines(), [""; 0]);
}

#[test]
fn those_of_requests_reach_the_backend() {
    check_request(&[("x-checksum", "abc")], &["x-checksum: abc"]);
    check_request(&[("x-a", "1"), ("x-a", "2: 3"), ("x-empty", "")], &["x-a: 1", "x-a: 2: 3", "x-empty: "]);
    check_request(&[], &[]);
}

#[test]
fn what_decides_about_requests_does_not_pass() {
    check_request(
        &[
            ("content-length", "3"),
            ("host", "b"),
            ("authorization", "x"),
            ("x-api-key", "k"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-amzn-trace-id", "Root=1"),
            ("x_forwarded_proto", "https"),
            ("content-type", "text/html"),
            ("content-encoding", "gzip"),
            ("expect", "100-continue"),
            ("range", "bytes=0-0"),
            ("trailer", "x"),
            ("content_length", "3"),
            ("x-passes", "1"),
        ],
        &["x-passes: 1"],
    );
}

/// A backend that takes trailers for header fields would take them for what the gateway says of the caller.
#[test]
fn what_a_mapping_sets_no_trailer_sets() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let mut integration = http_proxy("POST", format!("http://{}/", origin.address));
    integration["requestParameters"] = json!({
        "integration.request.header.X-Caller": "context.identity.sourceIp",
        "integration.request.header.X-Tier": "method.request.header.tier",
    });
    let gateway = Setup::new(&Document::new().method("POST", "/x", integration)).h2c().start();
    let mut client = Http2::connect(gateway.address);
    let stream = post(
        &mut client,
        "/test/x",
        &[("x-caller", "9"), ("x_caller", "9"), ("x-tier", "gold"), ("x-other", "1")],
    );
    assert_eq!(client.answer(stream).status(), 200);
    let passed = origin.request().message;
    assert_eq!(
        (passed.field("x-caller"), passed.trailer_lines()),
        (Some("127.0.0.1"), vec!["x-other: 1".to_owned()])
    );
}

/// What an authorizer has believed of the head is not said again behind the body.
#[test]
fn what_an_authorizer_judges_no_trailer_sets() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:who/invocations";
    let authorizer = |name: &str| {
        let source = format!("method.request.header.{name}");
        json!({"type": "request", "authorizerUri": uri, "identitySource": source})
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/black_box/authorizers/authorizer.py");
    let function = format!("[[function]]\nname = \"who\"\ncommand = [\"python3\", \"{script}\"]\n");
    let document = Document::new()
        .method("POST", "/x", http_proxy("POST", format!("http://{}/", origin.address)))
        .authorizer("other", authorizer("X-Token"))
        .method("GET", "/y", http_proxy("GET", format!("http://{}/", origin.address)))
        .secured("GET", "/y", "other", &[]);
    let gateway = Setup::new(&document).more(&function).h2c().start();
    let mut client = Http2::connect(gateway.address);
    let stream = post(&mut client, "/test/x", &[("x-token", "1"), ("x_token", "1"), ("x-tokens", "1")]);
    assert_eq!(client.answer(stream).status(), 200);
    assert_eq!(origin.request().message.trailer_lines(), ["x-tokens: 1"]);
}

/// What clients get of an answer with this trailer section.
#[track_caller]
fn check_answer(section: &str, want: &[&str]) {
    let origin = Origin::answering(chunked(section));
    let gateway = passing_to(&origin);
    let answer = Http2::connect(gateway.address).get("/test/x");
    assert_eq!((answer.text(), answer.is_whole, answer.field("trailer")), ("body".to_owned(), true, None));
    let mut lower: Vec<String> = want.iter().map(|line| lower_name(line)).collect();
    lower.sort();
    let mut got = answer.trailer_lines();
    got.sort();
    assert_eq!(got, lower);
    let answer = gateway.client().exchange(ASKING);
    assert_eq!(
        (answer.text(), answer.trailer_lines()),
        ("body".to_owned(), want.iter().map(ToString::to_string).collect())
    );
}

fn lower_name(line: &str) -> String {
    let (name, value) = line.split_once(':').expect("a colon");
    format!("{}:{value}", name.to_ascii_lowercase())
}

#[test]
fn those_of_answers_reach_the_client() {
    check_answer("Grpc-Status: 0\r\ngrpc-message:\r\n", &["Grpc-Status: 0", "grpc-message: "]);
    check_answer("X-A:1\r\nx-a: \t2 3\t \r\n", &["X-A: 1", "x-a: 2 3"]);
    check_answer(
        "Set-Cookie: a=b\r\nContent-Length: 4\r\nLocation: /\r\nConnection: close\r\nX-Amzn-RequestId: 1\r\nDate: now\r\n\
         Server: x\r\nTransfer-Encoding: gzip\r\nETag: \"1\"\r\n",
        &["ETag: \"1\""],
    );
    check_answer("Vary: *\r\n", &[]);
    check_answer("", &[]);
}

#[test]
fn http1_clients_ask_for_them() {
    let origin = Origin::answering(chunked("X-T: 1\r\n"));
    let gateway = passing_to(&origin);
    for (line, want) in [
        ("TE: trailers\r\n", 1),
        ("te: gzip;q=0.5, TRAILERS\r\nConnection: TE\r\n", 1),
        ("", 0),
        ("TE: gzip\r\n", 0),
        ("TE: trailersx\r\n", 0),
        ("Trailer: X-T\r\n", 0),
    ] {
        let answer = gateway.client().exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{line}\r\n"));
        assert_eq!((answer.text(), answer.trailers.len()), ("body".to_owned(), want), "{line}");
        assert_eq!(origin.request().message.field("te"), None);
    }
    let mut client = gateway.client();
    client.send("GET /test/x HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n");
    let text = String::from_utf8(client.wire.rest().expect("an answer")).expect("text");
    assert!(text.ends_with("\r\n\r\nbody"), "HTTP/1.0 has no chunks: {text:?}");
}

/// Nothing of one exchange is left for the next, on the same connections.
#[test]
fn each_answer_has_its_own() {
    let origin = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            let section = if request.target() == "/with" { "X-T: 1\r\n" } else { "" };
            if peer.send(chunked(section)).is_err() {
                return;
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    for path in ["/test/with", "/test/without", "/test/with", "/test/without"] {
        assert_eq!(client.get(path).trailers.len(), usize::from(path == "/test/with"));
    }
    assert_eq!(origin.connections(), 1);
}

/// Neither the content nor the end waits for the other where they come apart.
#[test]
fn they_may_come_late_and_in_pieces() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        let Some(_request) = peer.request() else { return };
        let _ = peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX");
        held.wait();
        for piece in ["-Lat", "e: ye", "s\r", "\n\r", "\n"] {
            let _ = peer.send(piece);
        }
        peer.is_closed();
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    while client.received(stream) < 4 {
        assert!(client.advance());
    }
    gate.open();
    let answer = client.answer(stream);
    assert_eq!((answer.text(), answer.trailer_lines()), ("body".to_owned(), vec!["x-late: yes".to_owned()]));
}

/// Trailers are no content: they wait behind it, and take nothing of the window.
#[test]
fn they_come_behind_what_the_window_holds_back() {
    let body = pattern(200_000);
    let mut sent =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len()).into_bytes();
    sent.extend(&body);
    sent.extend(b"\r\n0\r\nX-T: 1\r\n\r\n");
    let origin = Origin::answering(sent);
    let gateway = passing_to(&origin);
    let mut client = Http2::with_settings(gateway.address, &setting(4, 1_000));
    client.takes_content = false;
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    while client.received(stream) < 1_000 {
        assert!(client.advance());
    }
    assert!(client.advance_within(Duration::from_millis(100)));
    assert_eq!((client.received(stream), client.head(stream).trailers.len()), (1_000, 0));
    client.takes_content = true;
    let more = 300_000_u32.to_be_bytes();
    client.send_frame(WINDOW_UPDATE, 0, 0, &more);
    client.send_frame(WINDOW_UPDATE, 0, stream, &more);
    let answer = client.answer(stream);
    assert!(answer.body == body);
    assert_eq!(answer.trailer_lines(), ["x-t: 1"]);
}

#[test]
fn there_may_be_no_content() {
    let origin = Origin::replying(|_| {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n".to_owned()
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    client.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&[("x-r", "2")]));
    let answer = client.answer(stream);
    assert_eq!((answer.text(), answer.trailer_lines()), (String::new(), vec!["x-t: 1".to_owned()]));
    assert_eq!(origin.request().message.trailer_lines(), ["x-r: 2"]);
    assert_eq!(gateway.client().exchange(ASKING).trailer_lines(), ["X-T: 1"]);
    let stream = client.begin(&request("HEAD", "/test/x"), END_STREAM);
    client.head(stream);
}

/// A body that goes on with its length has no place for them in HTTP/1.1.
#[test]
fn a_body_with_a_length_loses_them() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    for body in [4, 40_000] {
        let length = body.to_string();
        let stream =
            client.begin(&[&request("POST", "/test/x")[..], &[("content-length", &length)]].concat(), 0);
        pattern(body).chunks(10_000).for_each(|piece| client.send_frame(DATA, 0, stream, piece));
        client.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&[("x-t", "1")]));
        assert_eq!(client.answer(stream).status(), 200);
        let passed = origin.request().message;
        assert_eq!((passed.framing(), passed.body.len()), (Framing::Length(body), body));
    }
}

/// Only what passes as it is has them: not what is mapped, rendered, compressed, or kept.
#[test]
fn what_is_read_whole_or_mapped_loses_them() {
    let origin = Origin::replying(|_| chunked("X-T: 1\r\n"));
    let uri = format!("http://{}/", origin.address);
    let mut rendered = http("POST", &uri);
    rendered["responses"]["default"]["responseTemplates"] = json!({"application/json": "$input.body"});
    let compressed = Document::new()
        .pass_all(origin.address)
        .root("x-amazon-apigateway-minimum-compression-size", json!(0));
    let mapped = Document::new().method("POST", "/x", http("POST", &uri)).method("POST", "/y", rendered);
    for (document, path, passes) in
        [(mapped.clone(), "/test/x", false), (mapped, "/test/y", false), (compressed, "/test/x", true)]
    {
        let gateway = Setup::new(&document).h2c().start();
        let mut client = Http2::connect(gateway.address);
        let fields = [&request("POST", path)[..], &[("accept-encoding", "gzip")]].concat();
        let stream = client.begin(&fields, 0);
        client.send_frame(DATA, 0, stream, b"body");
        client.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&[("x-r", "2")]));
        let answer = client.answer(stream);
        assert_eq!((answer.status(), answer.trailers.len()), (200, 0), "{path}");
        assert_eq!(!origin.request().message.trailers.is_empty(), passes, "{path}");
    }
}

/// RFC 9111 section 3.1: a cache may drop them, and must not take them for header fields.
#[test]
fn an_answer_is_kept_without_them() {
    let origin = Origin::replying(|_| chunked("X-T: 1\r\n"));
    let document =
        Document::new().method("GET", "/x", http_proxy("GET", format!("http://{}/", origin.address)));
    let gateway = Setup::new(&document).stage("cache = { size = \"16 MiB\", ttl = 60 }").h2c().start();
    let mut client = Http2::connect(gateway.address);
    for _ in 0..2 {
        let answer = client.get("/test/x");
        assert_eq!((answer.text(), answer.field("x-t"), answer.trailers.len()), ("body".to_owned(), None, 0));
        let answer = gateway.client().exchange(ASKING);
        assert_eq!((answer.framing(), answer.field("x-t")), (Framing::Length(4), None));
    }
    assert_eq!(origin.whole(), 1);
}

/// A backend that reads each request to its end, or sees that it has none.
fn reading() -> Origin {
    Origin::scripted(|peer| {
        while let Some(head) = peer.head() {
            match peer.body(head) {
                Ok(_) => drop(peer.send(ok(""))),
                Err(_) => return peer.log_end(),
            }
        }
    })
}

#[test]
fn bad_ones_of_http1_clients_are_refused() {
    let many = "x: y\r\n".repeat(65);
    let long = format!("x: {}\r\n", "y".repeat(9_000));
    for (section, want) in [
        ("X\r\n", 400),
        ("X : y\r\n", 400),
        (" X: y\r\n", 400),
        (": y\r\n", 400),
        ("X: y\r\n z\r\n", 400),
        ("X: \x01\r\n", 400),
        ("X: y\n", 400),
        (":path: /\r\n", 400),
        (&many, 431),
        (&long, 431),
    ] {
        let origin = reading();
        let gateway = passing_to(&origin);
        let mut client = gateway.client();
        client.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n{section}\r\n"));
        let answer: Message = client.final_response();
        assert_eq!((answer.status(), answer.field("connection")), (want, Some("close")), "{section:?}");
        eventually("the backend sees that the request has no end", || {
            origin.ends() == 1 && origin.whole() == 0
        });
    }
}

/// How a request with bad trailers ends.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Answered(u16),
    Reset(u32),
    Closed(Closed),
}

#[test]
fn bad_ones_of_http2_clients_are_refused() {
    let many: Vec<(&str, &str)> = vec![("x", "y"); 65];
    let long = "y".repeat(9_000);
    let closed = || Refused::Closed(Closed::GoAway(PROTOCOL_ERROR));
    for (sent, want) in [
        (&[("connection", "close")][..], Refused::Reset(PROTOCOL_ERROR)),
        (&[("transfer-encoding", "chunked")], Refused::Reset(PROTOCOL_ERROR)),
        (&many, Refused::Answered(431)),
        (&[("x", &long)], Refused::Answered(431)),
        // To `h2` these are errors of the compression.
        (&[("X-Upper", "1")], closed()),
        (&[("x y", "1")], closed()),
        (&[("x", "a\r\nb: c")], closed()),
    ] {
        let origin = reading();
        let gateway = passing_to(&origin);
        let mut client = Http2::connect(gateway.address);
        let stream = post(&mut client, "/test/x", sent);
        let got = match want {
            Refused::Closed(_) => Refused::Closed(client.closed()),
            Refused::Answered(_) | Refused::Reset(_) => {
                let answer = client.answer(stream);
                assert!(client.is_alive(), "others are not harmed");
                answer.reset.map_or_else(|| Refused::Answered(answer.status()), Refused::Reset)
            }
        };
        assert_eq!(got, want, "{:?}", &sent[0]);
        eventually("the backend sees that the request has no end", || origin.ends() == origin.connections());
        assert_eq!(origin.whole(), 0);
    }
}

/// Pseudo-header fields are none of them (RFC 9113 section 8.1): `h2` takes them away.
#[test]
fn pseudo_header_fields_go_no_further() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = post(&mut client, "/test/x", &[(":method", "DELETE"), (":path", "/evil"), ("x-t", "1")]);
    let answer = client.answer(stream);
    assert_eq!(answer.status(), 200);
    assert_eq!(origin.request().message.trailer_lines(), ["x-t: 1"]);
}

#[test]
fn bad_ones_of_a_backend_cut_the_answer_short() {
    let many = "x: y\r\n".repeat(65);
    let long = format!("x: {}\r\n", "y".repeat(9_000));
    for section in ["X\r\n", "X : y\r\n", "X: a\x01b\r\n", "X: y\n", "X: y\r\n folded\r\n", &many, &long] {
        let bad = chunked(section);
        let origin = Origin::scripted(move |peer| {
            while let Some(request) = peer.request() {
                let sent = if request.target() == "/good" { ok("good") } else { bad.clone() };
                if peer.send(sent).is_err() {
                    return;
                }
            }
            peer.log_end();
        });
        let gateway = passing_to(&origin);
        let mut client = Http2::connect(gateway.address);
        let answer = client.get("/test/x");
        assert_eq!(
            (answer.status(), answer.reset, answer.is_whole),
            (200, Some(INTERNAL_ERROR), false),
            "{section:?}"
        );
        assert!(answer.trailers.is_empty());
        eventually("the connection to the backend is closed", || origin.ends() == 1);
        assert_eq!(client.get("/test/good").text(), "good");
        let mut client = gateway.client();
        client.send(ASKING);
        assert!(client.read("GET").is_err(), "no last chunk: {section:?}");
    }
}
