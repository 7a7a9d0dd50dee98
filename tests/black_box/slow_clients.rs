//! Clients that take their time: each deadline ends its connection, and nobody else notices.

use std::time::{Duration, Instant};

use crate::support::client::{Client, get};
use crate::support::document::{Document, mock};
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const HEAD_MS: u64 = 400;
const BODY_MS: u64 = 400;
const IDLE_MS: u64 = 400;

fn impatient(origin: &Origin, limits: &str) -> Gateway {
    let document = Document::new().method("GET", "/mock", mock("mocked")).pass_all(origin.address);
    Setup::new(&document).limits(limits).start()
}

/// Waits until the gateway gives up on `slow`, while `busy` is served all the time. The answer that comes first, if
/// any, must be 408.
#[track_caller]
fn check_given_up(mut slow: Client, busy: &mut Client, after_ms: u64) {
    let start = Instant::now();
    slow.wire.stream.set_read_timeout(Some(Duration::from_millis(5))).expect("deadline");
    eventually("the connection is closed", || {
        assert_eq!(busy.exchange(get("/test/mock")).text(), "mocked");
        matches!(slow.wire.fill(), Ok(0)) || slow.wire.stream.take_error().expect("error").is_some()
    });
    let waited = start.elapsed();
    assert!(waited > Duration::from_millis(after_ms / 2), "given up after {waited:?}");
    if !slow.wire.buffer.is_empty() {
        let response = slow.response();
        assert_eq!((response.status(), response.field("connection")), (408, Some("close")), "{response:?}");
        assert_eq!(response.text(), r#"{"message":"Request Timeout"}"#);
        assert!(slow.wire.buffer.is_empty());
    }
}

#[test]
fn a_head_that_does_not_end() {
    let origin = Origin::answering(ok(""));
    let gateway = impatient(&origin, &format!("head_timeout_ms = {HEAD_MS}"));
    for start in ["G", "GET /test/x HTTP/1.1\r\n", "GET /test/x HTTP/1.1\r\nHost: a\r\n", "\r\n"] {
        let mut slow = gateway.client();
        slow.send(start);
        check_given_up(slow, &mut gateway.client(), HEAD_MS);
    }
    let mut second = gateway.client();
    assert_eq!(second.exchange(get("/test/mock")).text(), "mocked");
    second.send("GET /test");
    check_given_up(second, &mut gateway.client(), HEAD_MS);
    assert_eq!(origin.heads(), 0);
}

/// The time runs from the first byte, so trickling does not help.
#[test]
fn a_head_that_trickles() {
    let gateway = impatient(&Origin::answering(ok("")), &format!("head_timeout_ms = {HEAD_MS}"));
    let mut slow = gateway.client();
    let start = Instant::now();
    let mut bytes = get("/test/mock").into_bytes().into_iter().take(35);
    slow.wire.stream.set_read_timeout(Some(Duration::from_millis(HEAD_MS / 10))).expect("deadline");
    eventually("the connection is closed", || {
        if let Some(byte) = bytes.next() {
            let _ = slow.wire.send([byte]);
        }
        matches!(slow.wire.fill(), Ok(0)) || !slow.wire.buffer.is_empty()
    });
    assert!(start.elapsed() < Duration::from_millis(3 * HEAD_MS), "given up after {:?}", start.elapsed());
}

#[test]
fn a_body_that_does_not_come() {
    let origin = Origin::answering(ok(""));
    let gateway = impatient(&origin, &format!("body_timeout_ms = {BODY_MS}"));
    for rest in [
        "Content-Length: 10\r\n\r\nabc",
        "Content-Length: 10\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let mut slow = gateway.client();
        slow.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\n{rest}"));
        check_given_up(slow, &mut gateway.client(), BODY_MS);
    }
    assert_eq!(origin.whole(), 0);
}

#[test]
fn a_connection_without_requests() {
    let gateway = impatient(&Origin::answering(ok("")), &format!("idle_timeout_ms = {IDLE_MS}"));
    let fresh = gateway.client();
    let mut used = gateway.client();
    assert_eq!(used.exchange(get("/test/mock")).text(), "mocked");
    for mut slow in [fresh, used] {
        let mut busy = gateway.client();
        slow.wire.stream.set_read_timeout(Some(Duration::from_millis(5))).expect("deadline");
        eventually("the connection is closed", || {
            assert_eq!(busy.exchange(get("/test/mock")).text(), "mocked");
            matches!(slow.wire.fill(), Ok(0))
        });
        assert_eq!(slow.wire.buffer, b"", "an idle connection is closed without a word");
    }
}

/// A connection in use outlives every deadline, however long it lasts.
#[test]
fn deadlines_are_for_pauses_only() {
    let origin = Origin::answering(ok("got it"));
    let limits = "head_timeout_ms = 300\nbody_timeout_ms = 300\nidle_timeout_ms = 300";
    let gateway = impatient(&origin, limits);
    let mut client = gateway.client();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1200) {
        client.send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
        for byte in ["a", "b", "c"] {
            assert!(!client.is_closed_within(Duration::from_millis(60)));
            client.send(byte);
        }
        assert_eq!(client.response().text(), "got it");
        assert!(!client.is_closed_within(Duration::from_millis(60)));
    }
}

/// An origin whose answer is larger than what the kernel keeps for a client that does not read.
fn more_than_fits() -> (Origin, Gateway) {
    let origin = Origin::scripted(|peer| {
        let Some(_request) = peer.request() else { return };
        let _ = peer.send("HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n");
        while peer.send(vec![b'x'; 64_000]).is_ok() {}
        peer.log_end();
    });
    let limits = format!("body_timeout_ms = {BODY_MS}\npayload_bytes = \"80 MiB\"");
    let gateway = impatient(&origin, &limits);
    (origin, gateway)
}

/// A client that takes nothing in holds an upstream connection only so long.
#[test]
fn a_client_that_does_not_read() {
    let (origin, gateway) = more_than_fits();
    let mut client = Client::with_small_window(gateway.address);
    client.send(get("/test/x"));
    let mut busy = gateway.client();
    eventually("the gateway gives up the upstream connection", || {
        assert_eq!(busy.exchange(get("/test/mock")).text(), "mocked");
        origin.ends() > 0
    });
    // Its window is shut, so it would never hear of an end that comes in order.
    eventually("the kernel keeps nothing for it", || {
        client.wire.stream.take_error().expect("SO_ERROR").is_some()
    });
    let error = client.read("GET").expect_err("not the whole answer");
    assert!(
        matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset),
        "{error}"
    );
}

/// When several are given up at once, whoever connects then gets the numbers of their files, and nothing of what was theirs.
#[test]
fn what_a_slow_client_did_not_take_goes_to_nobody_else() {
    let (_origin, gateway) = more_than_fits();
    let mut slow: Vec<Client> = (0..40).map(|_| Client::with_small_window(gateway.address)).collect();
    slow.iter_mut().for_each(|client| client.send(get("/test/x")));
    let mut others = Vec::new();
    eventually("all are given up", || {
        if others.len() < 400 {
            others.push(gateway.client());
        }
        slow.retain(|client| client.wire.stream.take_error().expect("SO_ERROR").is_none());
        slow.is_empty()
    });
    for mut other in others {
        assert_eq!(other.exchange(get("/test/mock")).text(), "mocked");
    }
}
