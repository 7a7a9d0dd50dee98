//! Backends that fail: what the client is told, and that the gateway goes on (behaviour section 3).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::client::{get, post};
use crate::support::document::{Document, http, http_proxy};
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, Peer, nobody, ok};
use crate::support::setup::Setup;

const TIMED_OUT: (u16, &str) = (504, r#"{"message": "Endpoint request timed out"}"#);
const NETWORK: (u16, &str) = (504, r#"{"message": "Network error communicating with endpoint"}"#);
const INTERNAL: (u16, &str) = (500, r#"{"message": "Internal server error"}"#);

#[track_caller]
fn check(response: &Message, (status, body): (u16, &str), name: &str) {
    assert_eq!((response.status(), &*response.text()), (status, body), "{name}");
    assert_eq!(response.field("x-amzn-errortype"), Some("InternalServerErrorException"), "{name}");
    assert_eq!(response.field("connection"), Some("keep-alive"), "{name}");
}

fn with_timeout(mut integration: Value, timeout_ms: u32) -> Value {
    integration["timeoutInMillis"] = timeout_ms.into();
    integration
}

/// Both HTTP integration types to the same backend.
fn both(uri: &str, timeout_ms: u32) -> Gateway {
    let document = Document::new()
        .method("ANY", "/proxy", with_timeout(http_proxy("ANY", uri), timeout_ms))
        .method("ANY", "/custom", with_timeout(http("GET", uri), timeout_ms));
    Setup::new(&document).start()
}

#[track_caller]
fn check_both(uri: &str, timeout_ms: u32, want: (u16, &str), name: &str) {
    let gateway = both(uri, timeout_ms);
    let mut client = gateway.client();
    for path in ["/test/proxy", "/test/custom", "/test/proxy"] {
        check(&client.exchange(get(path)), want, name);
    }
}

#[test]
fn a_backend_that_does_not_answer() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        peer.request();
        held.wait();
    });
    let start = Instant::now();
    check_both(&format!("http://{}/", origin.address), 200, TIMED_OUT, "silent");
    let took = start.elapsed();
    assert!(
        took > Duration::from_millis(600) && took < Duration::from_secs(10),
        "three timeouts took {took:?}"
    );
    gate.open();
}

#[test]
fn a_backend_that_answers_too_late() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            if request.target() == "/slow" && peer.number == 0 {
                held.wait();
            }
            let _ = peer.send(ok(request.target()));
        }
    });
    let uri = |path: &str| http_proxy("GET", format!("http://{}{path}", origin.address));
    let document = Document::new().method("GET", "/slow", with_timeout(uri("/slow"), 100)).method(
        "GET",
        "/fast",
        uri("/fast"),
    );
    let gateway = Setup::new(&document).start();
    let mut client = gateway.client();
    check(&client.exchange(get("/test/slow")), TIMED_OUT, "slow");
    gate.open();
    for _ in 0..3 {
        assert_eq!(client.exchange(get("/test/fast")).text(), "/fast", "the late answer belongs to nobody");
    }
}

/// The timeout is the backend's: a client that takes its time with the body does not use it up.
#[test]
fn a_slow_upload_does_not_count_as_a_slow_backend() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = both(&format!("http://{}/", origin.address), 300);
    let mut client = gateway.client();
    client.send("POST /test/proxy HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in "abcdefgh".bytes() {
        if client.is_closed_within(Duration::from_millis(100)) {
            break;
        }
        client.send([byte]);
    }
    let response = client.response();
    assert_eq!((response.status(), &*response.text()), (200, "abcdefgh"));
}

#[test]
fn a_backend_that_cannot_be_reached() {
    check_both(&format!("http://{}/", nobody()), 5000, NETWORK, "refused");
}

#[test]
fn a_backend_that_has_no_address() {
    check_both("http://no-such-host.invalid/", 5000, INTERNAL, "unresolvable");
}

#[test]
fn backends_that_do_not_speak_http() {
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(1000));
    let rows: [(&str, &str); 23] = [
        ("nothing", ""),
        ("half a status line", "HTTP/1.1 20"),
        ("half a head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
        ("another protocol", "220 mail.example ESMTP\r\n\r\n"),
        ("HTTP/2", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\x7f\x7f"),
        ("HTTP/0.9", "<html></html>\r\n\r\n"),
        ("a version to come", "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("status 99", "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n"),
        ("status 600", "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n"),
        ("status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
        (
            "a switch of protocols",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        ),
        ("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        ("a folded field", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        ("space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
        ("NUL in a value", "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        (
            "length and coding",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        ("coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a head without end", &large),
        ("a thousand fields", &many),
    ];
    for (name, bytes) in rows {
        let answer = bytes.to_owned();
        let origin = Origin::scripted(move |peer| {
            if peer.request().is_some() {
                let _ = peer.send(&answer);
            }
        });
        let gateway = both(&format!("http://{}/", origin.address), 5000);
        let mut client = gateway.client();
        check(&client.exchange(get("/test/proxy")), NETWORK, name);
        check(&client.exchange(post("/test/proxy", "x")), NETWORK, name);
        check(&client.exchange(get("/test/custom")), NETWORK, name);
    }
}

#[test]
fn a_backend_that_resets_the_connection() {
    let origin = Origin::scripted(|peer| {
        peer.request();
        peer.reset_on_close();
    });
    check_both(&format!("http://{}/", origin.address), 5000, NETWORK, "reset");
}

/// When the head has gone out there is no way to say so but to break off: the client must see that something is missing.
#[test]
fn backends_that_break_off_in_the_body() {
    let rows: [(&str, &str); 7] = [
        ("length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part"),
        ("nothing of a length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
        ("chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nonly"),
        ("between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n"),
        ("in the last line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n0\r\n"),
        ("bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\nx\r\n"),
        ("bad chunk end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonlyXX0\r\n\r\n"),
    ];
    for (name, bytes) in rows {
        let answer = bytes.to_owned();
        let origin = Origin::scripted(move |peer| {
            if peer.request().is_some() {
                let _ = peer.send(&answer);
            }
        });
        let gateway = both(&format!("http://{}/", origin.address), 5000);
        for path in ["/test/proxy", "/test/custom"] {
            let mut client = gateway.client();
            client.send(get(path));
            match client.read("GET") {
                Err(_) => {}
                Ok(response) => check(&response, NETWORK, name),
            }
        }
        assert_eq!(gateway.get("/none").status(), 403, "{name}");
    }
}

#[test]
fn a_backend_that_stalls_in_the_body() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        peer.request();
        let _ = peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part");
        held.wait();
    });
    let gateway = both(&format!("http://{}/", origin.address), 300);
    let mut client = gateway.client();
    client.send(get("/test/proxy"));
    let error = client.read("GET").expect_err("not the whole answer");
    assert!(
        !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        "{error}"
    );
    gate.open();
}

/// More than it said: what is too much belongs to nobody, least of all to the next client.
#[test]
fn a_backend_that_sends_too_much() {
    let rows = [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody\r\n",
    ];
    for answer in rows {
        let origin = Origin::answering(answer);
        let gateway = both(&format!("http://{}/", origin.address), 5000);
        for _ in 0..5 {
            let response = gateway.get("/test/proxy");
            assert_eq!((response.status(), response.text()), (200, "body".to_owned()), "{answer}");
        }
    }
}

/// A body where there must be none poisons a connection likewise.
#[test]
fn a_backend_that_sends_a_body_where_none_can_be() {
    let script = |peer: &mut Peer| {
        while let Some(request) = peer.request() {
            let answer = match (request.method(), request.target()) {
                ("HEAD", _) => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
                (_, "/204") => "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison",
                (_, "/304") => "HTTP/1.1 304 Not Modified\r\n\r\npoison",
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
            };
            if peer.send(answer).is_err() {
                break;
            }
        }
    };
    let origin = Origin::scripted(script);
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    for (method, path) in [("HEAD", "/x"), ("GET", "/204"), ("GET", "/304")] {
        for _ in 0..3 {
            let mut client = gateway.client();
            client.send(format!("{method} /test{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(client.read(method).expect("a response").body, b"");
            assert_eq!(gateway.get("/test/good").text(), "good", "{method} {path}");
        }
    }
}
