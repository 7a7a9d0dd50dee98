//! Backpressure: who does not read stalls who writes, and the gateway's memory stays small.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::client::{Client, get};
use crate::support::document::Document;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;
use crate::support::{PATIENCE, eventually};

const LARGE: usize = 64 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
/// Far less than what would be held if the body were.
const MEMORY_MAX: usize = 100 * 1024 * 1024;
/// The kernel's buffers on both sides of the gateway, and what the gateway itself reads ahead.
const IN_FLIGHT_MAX: usize = 32 * 1024 * 1024;

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&Document::new().pass_all(origin.address)).limits("payload_bytes = \"80 MiB\"").start()
}

/// Waits until a counter has not moved for a while, and returns it.
fn stalled(counter: &AtomicUsize) -> usize {
    let start = Instant::now();
    let mut seen = (counter.load(Ordering::SeqCst), Instant::now());
    eventually("the writer stalls", || {
        let now = counter.load(Ordering::SeqCst);
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        now > 0 && seen.1.elapsed() > Duration::from_millis(500)
    });
    assert!(start.elapsed() < PATIENCE);
    seen.0
}

#[test]
fn a_client_that_does_not_read_stalls_the_origin() {
    for framing in ["Content-Length: 67108864", "Transfer-Encoding: chunked"] {
        let written = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&written);
        let origin = Origin::scripted(move |peer| {
            let Some(_request) = peer.request() else { return };
            let _ = peer.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
            let piece = match framing {
                "Transfer-Encoding: chunked" => {
                    format!("{PIECE:x}\r\n{}\r\n", "x".repeat(PIECE)).into_bytes()
                }
                _ => vec![b'x'; PIECE],
            };
            for _ in 0..LARGE / PIECE {
                if peer.send(&piece).is_err() {
                    return;
                }
                counter.fetch_add(PIECE, Ordering::SeqCst);
            }
            if framing.ends_with("chunked") {
                let _ = peer.send("0\r\n\r\n");
            }
            peer.is_closed();
        });
        let gateway = passing_to(&origin);
        let mut client = Client::with_small_window(gateway.address);
        client.send(get("/test/x"));
        let stalled_at = stalled(&written);
        assert!(stalled_at < IN_FLIGHT_MAX, "{framing}: the origin could write {stalled_at} bytes");
        assert!(gateway.resident_bytes() < MEMORY_MAX, "{framing}: {} bytes held", gateway.resident_bytes());
        let response = client.response();
        assert_eq!(response.body.len(), LARGE, "{framing}");
        assert!(response.body.iter().all(|&byte| byte == b'x'), "{framing}");
    }
}

#[test]
fn an_origin_that_does_not_read_stalls_the_client() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        let Some(head) = peer.head() else { return };
        held.wait();
        let _ = peer.body(head).map(|request| peer.send(ok(&request.body.len().to_string())));
        peer.is_closed();
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    client.send(format!("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
    let sent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let mut sender =
            Client { wire: crate::support::wire::Wire::new(client.wire.stream.try_clone().expect("clone")) };
        let sent = &sent;
        scope.spawn(move || {
            for _ in 0..LARGE / PIECE {
                sender.send(vec![b'x'; PIECE]);
                sent.fetch_add(PIECE, Ordering::SeqCst);
            }
        });
        let stalled_at = stalled(sent);
        assert!(stalled_at < IN_FLIGHT_MAX, "the client could write {stalled_at} bytes");
        assert!(gateway.resident_bytes() < MEMORY_MAX, "{} bytes held", gateway.resident_bytes());
        gate.open();
        assert_eq!(client.response().text(), LARGE.to_string());
    });
}

/// Requests that are read ahead while one is being answered would be memory for the asking.
#[test]
fn a_client_that_only_sends_requests_is_stalled() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            if peer.send(ok("")).is_err() {
                break;
            }
        }
    });
    let gateway = passing_to(&origin);
    let client = gateway.client();
    client.wire.stream.set_write_timeout(Some(Duration::from_millis(500))).expect("deadline");
    let piece = get("/test/x").repeat(1000);
    let mut sent = 0;
    while sent < LARGE {
        match std::io::Write::write(&mut &client.wire.stream, piece.as_bytes()) {
            Ok(bytes) => sent += bytes,
            Err(_) => break,
        }
    }
    assert!(sent < IN_FLIGHT_MAX, "the client could write {sent} bytes");
    assert!(gateway.resident_bytes() < MEMORY_MAX, "{} bytes held", gateway.resident_bytes());
    gate.open();
}
