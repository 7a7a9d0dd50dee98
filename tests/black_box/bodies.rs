//! Bodies in both directions: every framing, interim responses, early answers, large content.

use std::net::Shutdown;

use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::message::Framing;
use crate::support::origin::{Origin, ok};
use crate::support::pattern;
use crate::support::setup::Setup;
use crate::support::wire::Wire;

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&Document::new().pass_all(origin.address)).start()
}

#[test]
fn uploads_arrive_with_the_same_content() {
    let origin = Origin::answering(ok("got it"));
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    let large = pattern(300_000);
    let chunk = |content: &[u8]| [format!("{:x}\r\n", content.len()).as_bytes(), content, b"\r\n"].concat();
    let rows: [(&str, Vec<u8>, &[u8], Framing); 5] = [
        ("Content-Length: 300000", large.clone(), &large, Framing::Length(300_000)),
        ("Content-Length: 0", Vec::new(), b"", Framing::Length(0)),
        ("Transfer-Encoding: chunked", b"0\r\n\r\n".to_vec(), b"", Framing::Chunked),
        (
            "Transfer-Encoding: chunked",
            b"3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n".to_vec(),
            b"abcde",
            Framing::Chunked,
        ),
        (
            "Transfer-Encoding: chunked",
            [chunk(&large[..1]), chunk(&large[1..200_000]), chunk(&large[200_000..]), b"0\r\n\r\n".to_vec()]
                .concat(),
            &large,
            Framing::Chunked,
        ),
    ];
    for (field, body, content, framing) in rows {
        client.send(format!("PUT /test/x HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"));
        client.send(body);
        assert_eq!(client.response().text(), "got it");
        let received = origin.request().message;
        assert!(received.body == content, "{field}: the content differs");
        let same = received.framing() == framing || received.framing() == Framing::Length(content.len());
        assert!(same, "{field}: {received:?}");
    }
}

#[test]
fn requests_without_body_have_none_upstream() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for (method, framing) in [
        ("GET", Framing::Silent),
        ("DELETE", Framing::Silent),
        ("OPTIONS", Framing::Silent),
        ("POST", Framing::Length(0)),
        ("PUT", Framing::Length(0)),
        ("PATCH", Framing::Length(0)),
    ] {
        assert_eq!(client.exchange(format!("{method} /test/x HTTP/1.1\r\nHost: a\r\n\r\n")).status(), 200);
        let received = origin.request().message;
        assert_eq!((received.method(), received.framing()), (method, framing), "{received:?}");
    }
}

#[test]
fn downloads_arrive_with_the_same_content() {
    let large = pattern(300_000);
    let sent = large.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            let (head, body): (&str, Vec<u8>) = match request.target() {
                "/length" => ("Content-Length: 300000\r\n", sent.clone()),
                "/chunked" => ("Transfer-Encoding: chunked\r\n", chunks(&sent, 7777)),
                "/small-chunks" => ("Transfer-Encoding: chunked\r\n", chunks(&sent[..500], 1)),
                "/trailers" => (
                    "Transfer-Encoding: chunked\r\nTrailer: X\r\n",
                    b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n".to_vec(),
                ),
                "/http10" => ("", Vec::new()),
                _ => ("Connection: close\r\n", sent.clone()),
            };
            let version = if request.target() == "/http10" { "HTTP/1.0" } else { "HTTP/1.1" };
            let _ = peer.send(format!("{version} 200 OK\r\n{head}\r\n")).and_then(|()| peer.send(body));
            if matches!(request.target(), "/close" | "/http10") {
                break;
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    let rows: [(&str, &[u8]); 7] = [
        ("length", &large),
        ("chunked", &large),
        ("small-chunks", &large[..500]),
        ("trailers", b"abc"),
        ("close", &large),
        ("http10", b""),
        ("length", &large),
    ];
    for (path, content) in rows {
        let response = client.exchange(get(&format!("/test/{path}")));
        assert_eq!(response.status(), 200);
        assert!(response.body == content, "{path}: the content differs: {response:?}");
        assert_eq!(
            (response.field("x"), response.field("trailer")),
            (None, None),
            "{path}: trailers are no header fields, and nobody has asked"
        );
        let framing = if path == "length" { Framing::Length(300_000) } else { Framing::Chunked };
        assert_eq!(response.framing(), framing, "{path}");
    }
}

fn chunks(content: &[u8], size: usize) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:X}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    [content.chunks(size).flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat()
}

#[test]
fn a_client_that_expects_100_waits_for_it() {
    let origin = Origin::answering(ok("got it"));
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        client.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n"));
        let interim = client.response();
        assert_eq!(interim.head.escape_ascii().to_string(), r"HTTP/1.1 100 Continue\r\n\r\n");
        client.send(if framing.starts_with('C') { "hello" } else { "5\r\nhello\r\n0\r\n\r\n" });
        let response = client.response();
        assert_eq!((response.status(), response.text()), (200, "got it".to_owned()));
        let received = origin.request().message;
        assert_eq!((received.text(), received.field("expect")), ("hello".to_owned(), None));
    }
}

/// Nobody asks for a body that no one is going to read; what the client does with it then cannot be known.
#[test]
fn an_expectation_that_is_not_met_ends_the_connection() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    for (path, length, status) in [("/none/x", "5", 403), ("/test/x", "10485761", 413)] {
        let mut client = gateway.client();
        let expect = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        );
        let response = client.exchange(expect);
        assert_eq!(
            (response.status(), response.field("connection")),
            (status, Some("close")),
            "{response:?}"
        );
        client.expect_closed();
    }
    assert_eq!(origin.heads(), 0);
}

#[test]
fn an_http_10_client_gets_no_100() {
    let origin = Origin::answering(ok("got it"));
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    client.send("POST /test/x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.response().text(), "got it");
}

#[test]
fn interim_responses_of_an_origin_are_passed_over() {
    let origin = Origin::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 102 \r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast",
    );
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for request in [get("/test/x"), post("/test/x", "hello"), get("/test/x")] {
        let response = client.exchange(request);
        assert_eq!((response.status(), response.text()), (200, "last".to_owned()));
        assert_eq!(response.field("link"), None);
    }
    assert_eq!(origin.connections(), 1);
}

/// The origin answers when it has seen the head, and reads nothing more.
#[test]
fn an_early_answer_reaches_a_client_that_still_sends() {
    for connection in ["", "Connection: close\r\n"] {
        let end = Gate::default();
        let held = end.clone();
        let origin = Origin::scripted(move |peer| {
            if peer.head().is_some() {
                let _ = peer
                    .send(format!("HTTP/1.1 403 Forbidden\r\n{connection}Content-Length: 5\r\n\r\nearly"));
            }
            if !connection.is_empty() {
                let _ = peer.wire.stream.shutdown(Shutdown::Write);
            }
            held.wait();
        });
        let document = Document::new().pass_all(origin.address);
        let gateway = Setup::new(&document).limits("payload_bytes = \"100 MiB\"").start();
        let mut client = gateway.client();
        client.send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n");
        let mut sender = Wire::new(client.wire.stream.try_clone().expect("clone"));
        std::thread::scope(|scope| {
            scope.spawn(move || while sender.send(vec![b'x'; 1_000_000]).is_ok() {});
            let response = client.response();
            assert_eq!((response.status(), response.text()), (403, "early".to_owned()), "{connection}");
            let _ = client.wire.stream.shutdown(Shutdown::Both);
        });
        assert_eq!(gateway.get("/none").status(), 403);
        end.open();
    }
}

#[test]
fn large_bodies_flow_both_ways_at_once() {
    let origin = Origin::scripted(|peer| {
        while let Some(head) = peer.head() {
            let Framing::Length(mut left) = head.framing() else { panic!("{head:?}") };
            let _ = peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n"));
            while left > 0 && (!peer.wire.buffer.is_empty() || peer.wire.fill().is_ok_and(|bytes| bytes > 0))
            {
                let piece = std::mem::take(&mut peer.wire.buffer);
                left -= piece.len();
                if peer.send(piece).is_err() {
                    break;
                }
            }
        }
    });
    let gateway = passing_to(&origin);
    let content = pattern(5 * 1024 * 1024);
    let exchange = || {
        let mut client = gateway.client();
        for _ in 0..2 {
            client.send(format!(
                "POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                content.len()
            ));
            let mut sender = Wire::new(client.wire.stream.try_clone().expect("clone"));
            let response = std::thread::scope(|scope| {
                scope.spawn(|| sender.send(&content).expect("send"));
                client.response()
            });
            assert!(response.body == content, "the content differs");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(exchange);
        }
    });
}

/// AWS's plain text, exactly: no ids, no JSON (behaviour section 17).
#[test]
fn payloads_over_the_limit() {
    let origin = Origin::answering(ok(""));
    let document = Document::new().pass_all(origin.address);
    let gateway = Setup::new(&document).limits("payload_bytes = 1000").start();
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    let length = format!("Content-Length: 1001\r\n\r\n{}", "x".repeat(1001));
    for body in [length, chunked] {
        let mut client = gateway.client();
        client.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\n{body}"));
        let response = client.response();
        assert_eq!(
            (response.status(), response.text()),
            (413, "HTTP content length exceeded 1000 bytes.".to_owned())
        );
        assert_eq!(response.names(), ["Connection", "Content-Length", "Content-Type", "Date"]);
        assert_eq!(response.field("content-type"), Some("text; charset=utf-8"));
        client.expect_closed();
        assert_eq!(origin.whole(), 0, "nothing whole reaches the origin");
    }
    let mut client = gateway.client();
    assert_eq!(client.exchange(post("/test/x", &"x".repeat(1000))).status(), 200);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n3e8\r\n{}\r\n0\r\n\r\n", "x".repeat(1000));
    assert_eq!(client.exchange(format!("POST /test/x HTTP/1.1\r\nHost: a\r\n{chunked}")).status(), 200);
}

#[test]
fn the_default_limit_is_named_as_aws_names_it() {
    let gateway = passing_to(&Origin::answering(ok("")));
    let mut client = gateway.client();
    let response = client.exchange("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10485761\r\n\r\n");
    assert_eq!(response.text(), "HTTP content length exceeded 10485760 bytes.");
}

#[test]
fn answers_over_the_limit() {
    let body = "x".repeat(1001);
    let origin = Origin::answering(ok(&body));
    let gateway =
        Setup::new(&Document::new().pass_all(origin.address)).limits("payload_bytes = 1000").start();
    let response = gateway.get("/test/x");
    assert_eq!(
        (response.status(), response.text()),
        (500, r#"{"message": "Internal server error"}"#.to_owned())
    );
}

/// An answer may come in the smallest pieces, cut anywhere.
#[test]
fn an_origin_may_write_byte_by_byte() {
    let origin = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            let answer = match request.target() {
                "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
                _ => {
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"
                }
            };
            for byte in answer.bytes() {
                let _ = peer.send([byte]);
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for path in ["/test/length", "/test/chunked", "/test/length", "/test/chunked"] {
        assert_eq!(client.exchange(get(path)).text(), "hello", "{path}");
    }
    assert_eq!(origin.connections(), 1);
}

/// A client that goes away in the middle of a download ends it.
#[test]
fn an_abandoned_download_ends_at_the_origin() {
    let origin = Origin::scripted(|peer| {
        peer.request();
        let _ = peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while peer.send("5\r\nhello\r\n").is_ok() {}
        peer.log_end();
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    client.send(get("/test/x"));
    client.wire.head().expect("a head");
    client.reset();
    eventually("the gateway closes the upstream connection", || origin.ends() == 1);
}

#[test]
fn an_abandoned_upload_ends_at_the_origin() {
    let origin = Origin::scripted(|peer| {
        let _ = peer.head().map(|head| peer.body(head));
        peer.log_end();
    });
    let gateway = passing_to(&origin);
    for framing in ["Content-Length: 100000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let ends = origin.ends();
        let mut client = gateway.client();
        client.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\n{framing}"));
        eventually("the origin has the head", || origin.heads() == ends + 1);
        client.reset();
        eventually("the gateway closes the upstream connection", || origin.ends() == ends + 1);
    }
    assert_eq!(origin.whole(), 0);
}

/// A length is refused with 500; what only turns out too long is broken off, or refused as well.
#[test]
fn a_chunked_answer_over_the_limit_is_not_passed_whole() {
    let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", 2000, "x".repeat(2000));
    let origin = Origin::answering(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    let gateway =
        Setup::new(&Document::new().pass_all(origin.address)).limits("payload_bytes = 1000").start();
    let mut client = gateway.client();
    client.send(get("/test/x"));
    if let Ok(response) = client.read("GET") {
        assert_eq!(response.status(), 500, "{response:?}");
    }
}
