//! Request bodies whose end is unclear: refused, and never whole at the origin.

use crate::support::client::get;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::framing::Rig;
use crate::support::gate::Gate;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::setup::Setup;

/// One gateway for all rows. The head of a request has gone to the origin when its body turns out bad; the request must
/// not become whole there.
#[track_caller]
fn check(rows: &[(&str, &str, &str)]) {
    let rig = Rig::start();
    for (name, request, want) in rows {
        rig.check(name, request.as_bytes(), want, false);
    }
}

/// A chunked POST with this body.
fn chunked(body: &str) -> String {
    format!("POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

#[track_caller]
fn check_chunked(rows: &[(&str, &str, &str)]) {
    let requests: Vec<String> = rows.iter().map(|(_, body, _)| chunked(body)).collect();
    let rows: Vec<_> =
        rows.iter().zip(&requests).map(|((name, _, want), request)| (*name, &**request, *want)).collect();
    check(&rows);
}

#[test]
fn chunk_sizes() {
    check_chunked(&[
        ("one chunk", "5\r\nhello\r\n0\r\n\r\n", "200"),
        ("no chunk", "0\r\n\r\n", "200"),
        ("capital digits", "A\r\n0123456789\r\n0\r\n\r\n", "200"),
        ("leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "200"),
        ("minus", "-5\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("plus", "+5\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("0x", "0x5\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("space before", " 5\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("space behind", "5 \r\nhello\r\n0\r\n\r\n", "400 close"),
        ("tab behind", "5\t\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("not a digit", "g\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("underscore", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", "400 close"),
        ("empty", "\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("comma", "5,5\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("17 digits", "10000000000000005\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("17 digits, most of them zero", "00000000000000005\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("NUL behind", "5\0\r\nhello\r\n0\r\n\r\n", "400 close"),
    ]);
}

#[test]
fn chunk_line_ends() {
    check_chunked(&[
        ("LF behind the size", "5\nhello\r\n0\r\n\r\n", "400 close"),
        ("CR behind the size", "5\rhello\r\n0\r\n\r\n", "400 close"),
        ("CR CR LF behind the size", "5\r\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("nothing behind the data", "5\r\nhello0\r\n\r\n", "400 close"),
        ("LF behind the data", "5\r\nhello\n0\r\n\r\n", "400 close"),
        ("CR behind the data", "5\r\nhello\r0\r\n\r\n", "400 close"),
        ("two bytes more than the size", "5\r\nhelloXX0\r\n\r\n", "400 close"),
        ("LF behind the last size", "5\r\nhello\r\n0\n\r\n", "400 close"),
        ("LF as last line", "5\r\nhello\r\n0\r\n\n", "400 close"),
        ("CR X as last line", "5\r\nhello\r\n0\r\n\rX", "400 close"),
    ]);
}

#[test]
fn chunk_extensions() {
    check_chunked(&[
        ("name", "5;a\r\nhello\r\n0\r\n\r\n", "200"),
        ("value", "5;a=b;c=d\r\nhello\r\n0;e\r\n\r\n", "200"),
        ("quoted value", "5;a=\"b \\\"c\"\r\nhello\r\n0\r\n\r\n", "200"),
        ("control byte", "5;a=\x01\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("NUL", "5;\0\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("LF", "5;a\nhello\r\n0\r\n\r\n", "400 close"),
        ("LF in quotes", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("CR LF in quotes", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("empty", "5;\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("space before", "5 ;a\r\nhello\r\n0\r\n\r\n", "400 close"),
        ("too long", &format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(5000)), "400 close"),
    ]);
}

#[test]
fn trailers() {
    check_chunked(&[
        ("one", "5\r\nhello\r\n0\r\nX: y\r\n\r\n", "200"),
        (
            "framing fields mean nothing there",
            "0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n",
            "200",
        ),
        ("no colon", "0\r\nX\r\n\r\n", "400 close"),
        ("space before the colon", "0\r\nX : y\r\n\r\n", "400 close"),
        ("folded", "0\r\nX: y\r\n z\r\n\r\n", "400 close"),
        ("control byte", "0\r\nX: \x01\r\n\r\n", "400 close"),
        ("LF", "0\r\nX: y\n\r\n", "400 close"),
        ("a request in its place", "0\r\nGET /test/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("too long", &format!("0\r\nX: {}\r\n\r\n", "y".repeat(9000)), "431 close"),
    ]);
}

#[test]
fn what_follows_a_body_is_the_next_request() {
    let next = get("/test/next");
    let length =
        |rest: &str| format!("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc{rest}");
    check(&[
        ("a request behind a length", &length(&next), "200 200"),
        ("a request behind chunks", &chunked(&format!("3\r\nabc\r\n0\r\n\r\n{next}")), "200 200"),
        ("an empty line and a request", &length(&format!("\r\n{next}")), "200 200"),
        ("garbage behind a length", &length("XYZ\r\n\r\n"), "200 400 close"),
        ("garbage behind chunks", &chunked("0\r\n\r\nXYZ\r\n\r\n"), "200 400 close"),
        ("a second last chunk", &chunked("0\r\n\r\n0\r\n\r\n"), "200 400 close"),
        (
            "a body of a GET without framing",
            "GET /test/x HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n",
            "200 400 close",
        ),
        ("a refused request behind a good one", &length("GET /test/y HTTP/1.1\r\n\r\n"), "200 400 close"),
        (
            "a body that looks like a request",
            &chunked(&format!("{:x}\r\n{next}\r\n0\r\n\r\n", next.len())),
            "200",
        ),
    ]);
}

/// A client that goes away before its request is whole gets no answer that looks like success, and nothing of it
/// becomes whole at the origin.
#[test]
fn truncated_requests() {
    let rig = Rig::start();
    for request in [
        "GET /test/x HTTP/1.1\r\nHost: a",
        "POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let whole = rig.origin.whole();
        let mut client = rig.gateway.client();
        client.send(request);
        client.finish_sending();
        if let Ok(response) = client.read("GET") {
            assert_eq!(response.status(), 400, "{request:?}");
        }
        client.expect_closed();
        assert_eq!(rig.origin.whole(), whole, "{request:?}");
        assert_eq!(rig.gateway.get("/test/probe").status(), 200, "{request:?}");
    }
}

#[test]
fn random_bytes_never_hurt() {
    let rig = Rig::start();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..200 {
        let valid = chunked("5\r\nhello\r\n0\r\n\r\n").into_bytes();
        let mut request = if round % 2 == 0 { valid } else { (0..200).map(|_| random() as u8).collect() };
        for _ in 0..3 {
            let place = random() as usize % request.len();
            request[place] = random() as u8;
        }
        let mut client = rig.gateway.client();
        let _ = client.wire.send(&request);
        client.finish_sending();
        while client.read("GET").is_ok() {}
    }
    assert_eq!(rig.gateway.get("/test/probe").status(), 200);
}

/// An answer may come before the body has. What then arrives is still the body, however much it looks like a request.
#[test]
fn a_body_behind_its_answer_is_never_a_request() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(head) = peer.head() {
            if head.target() == "/slow" {
                return held.wait();
            }
            if peer.send(ok("early")).is_err() || peer.body(head).is_err() {
                return;
            }
        }
    });
    let mut slow = http_proxy("POST", format!("http://{}/slow", origin.address));
    slow["timeoutInMillis"] = 100.into();
    let document = Document::new()
        .method("POST", "/early", http_proxy("POST", format!("http://{}/early", origin.address)))
        .method("POST", "/slow", slow)
        .method("POST", "/refused", http_proxy("POST", format!("http://{}/", nobody())))
        .method("POST", "/mock", mock("mocked"))
        .method("GET", "/smuggled", mock("smuggled"))
        .method("GET", "/next", mock("next"));
    let gateway = Setup::new(&document).start();
    let inner = get("/test/smuggled");
    let rows = [
        ("/none", 403),
        ("/test/nowhere", 403),
        ("/test/mock", 200),
        ("/test/refused", 504),
        ("/test/early", 200),
        ("/test/slow", 504),
    ];
    for (path, status) in rows {
        let chunked = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        let length = format!("Content-Length: {}\r\n\r\n", inner.len());
        for (framing, body) in [(&*length, &inner), ("Transfer-Encoding: chunked\r\n\r\n", &chunked)] {
            let mut client = gateway.client();
            let response = client.exchange(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{framing}"));
            assert_eq!(response.status(), status, "{path} {framing}");
            let _ = client.wire.send(format!("{body}{}", get("/test/next")));
            match client.read("GET") {
                Ok(next) => assert_eq!(next.text(), "next", "{path} {framing}: after {response:?}"),
                Err(_) => assert_eq!(client.wire.buffer, b"", "{path} {framing}"),
            }
        }
    }
    gate.open();
}
