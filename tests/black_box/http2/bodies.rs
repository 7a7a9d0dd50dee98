//! Bodies: both ways, at once, and no faster than the slower side takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{document, passing_to};
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::http2::{
    Answer, CANCEL, DATA, END_STREAM, Http2, INTERNAL_ERROR, NO_ERROR, WINDOW_UPDATE, request, setting,
};
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;
use crate::support::{PATIENCE, eventually, pattern};

const LARGE: usize = 64 * 1024 * 1024;
const MEMORY_MAX: usize = 100 * 1024 * 1024;
/// The kernel's buffers on both sides of the gateway, and what the gateway itself reads ahead.
const IN_FLIGHT_MAX: usize = 32 * 1024 * 1024;

/// Sends a body in frames as the windows allow, which are those that the gateway begins with.
fn upload(client: &mut Http2, stream: u32, body: &[u8]) {
    for (number, piece) in body.chunks(8_192).enumerate() {
        let is_last = (number + 1) * 8_192 >= body.len();
        client.send_frame(DATA, if is_last { END_STREAM } else { 0 }, stream, piece);
    }
}

#[test]
fn small_bodies_pass_with_their_length() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let fields = [&request("POST", "/test/x")[..], &[("content-length", "5")]].concat();
    let stream = client.begin(&fields, 0);
    client.send_frame(DATA, END_STREAM, stream, b"hello");
    assert_eq!(client.answer(stream).text(), "hello");
    let passed = origin.request().message;
    assert_eq!((passed.field("content-length"), passed.field("transfer-encoding")), (Some("5"), None));
}

#[test]
fn bodies_without_length_pass_in_chunks() {
    let origin = Origin::replying(|request| ok(&request.body.len().to_string()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    upload(&mut client, stream, &pattern(60_000));
    assert_eq!(client.answer(stream).text(), "60000");
    let passed = origin.request().message;
    assert_eq!(passed.field("transfer-encoding"), Some("chunked"));
    assert_eq!(passed.body, pattern(60_000));
}

#[test]
fn large_answers_arrive_whole_in_any_framing() {
    let body = pattern(1_000_000);
    let text = body.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            let mut answer = Vec::new();
            match request.target() {
                "/length" => {
                    answer
                        .extend(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len()).bytes());
                    answer.extend(&text);
                }
                "/chunked" => {
                    answer.extend(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    for piece in text.chunks(10_007) {
                        answer.extend(format!("{:x}\r\n", piece.len()).bytes());
                        answer.extend(piece);
                        answer.extend(b"\r\n");
                    }
                    answer.extend(b"0\r\n\r\n");
                }
                _ => {
                    answer.extend(b"HTTP/1.1 200 OK\r\n\r\n");
                    answer.extend(&text);
                    let _ = peer.send(answer);
                    return;
                }
            }
            if peer.send(answer).is_err() {
                return;
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    for path in ["/test/length", "/test/chunked", "/test/close"] {
        let answer = client.get(path);
        assert_eq!(answer.body.len(), body.len(), "{path}");
        assert!(answer.body == body && answer.is_whole, "{path}");
    }
}

/// Waits until a counter has not moved for a while, and returns it.
fn stalled(counter: &AtomicUsize) -> usize {
    let mut seen = (0, Instant::now());
    eventually("the writer stalls", || {
        let now = counter.load(Ordering::SeqCst);
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        now > 0 && seen.1.elapsed() > Duration::from_millis(500)
    });
    seen.0
}

/// An origin that writes as much as it can; the counter tells how much.
fn pouring() -> (Origin, Arc<AtomicUsize>) {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let origin = Origin::scripted(move |peer| {
        let Some(_request) = peer.request() else { return };
        let _ = peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"));
        while peer.send(vec![b'x'; 65_536]).is_ok() {
            counter.fetch_add(65_536, Ordering::SeqCst);
        }
        peer.log_end();
    });
    (origin, written)
}

#[test]
fn a_client_that_opens_no_window_stalls_the_origin() {
    let (origin, written) = pouring();
    let gateway = Setup::new(&document(&origin)).h2c().limits("payload_bytes = \"80 MiB\"").start();
    let mut client = Http2::connect(gateway.address);
    client.takes_content = false;
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    client.head(stream);
    let stalled_at = stalled(&written);
    assert!(stalled_at < IN_FLIGHT_MAX, "the origin could write {stalled_at} bytes");
    assert!(gateway.resident_bytes() < MEMORY_MAX, "{} bytes held", gateway.resident_bytes());
    while client.received(stream) < 65_535 {
        assert!(client.advance());
    }
    assert!(client.advance_within(Duration::from_millis(100)));
    assert_eq!(client.received(stream), 65_535, "no more than the window of RFC 9113 allows");
    // Others are served meanwhile.
    client.send_frame(WINDOW_UPDATE, 0, 0, &65_535_u32.to_be_bytes());
    assert_eq!(client.get("/test/mock").status(), 200);
    client.reset(stream, CANCEL);
    eventually("the origin sees the end", || origin.ends() == 1);
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
    let gateway = Setup::new(&document(&origin)).h2c().limits("payload_bytes = \"80 MiB\"").start();
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    let (mut sent, mut idle) = (0, 0);
    // Windows open while the kernel between gateway and origin fills; then no more.
    while sent < LARGE && idle < 10 {
        let piece = (client.window(stream) - sent).min(16_384);
        if piece == 0 {
            let before = client.window(stream);
            client.advance_within(Duration::from_millis(50));
            idle = if client.window(stream) == before { idle + 1 } else { 0 };
            continue;
        }
        client.send_frame(DATA, 0, stream, &vec![b'x'; piece]);
        sent += piece;
    }
    assert!(sent < IN_FLIGHT_MAX, "the client could send {sent} bytes");
    assert!(gateway.resident_bytes() < MEMORY_MAX, "{} bytes held", gateway.resident_bytes());
    gate.open();
    client.send_frame(DATA, END_STREAM, stream, b"");
    assert_eq!(client.answer(stream).text(), sent.to_string());
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let (origin, _) = pouring();
    let limits = "body_timeout_ms = 500\npayload_bytes = \"80 MiB\"";
    let gateway = Setup::new(&document(&origin)).h2c().limits(limits).start();
    let mut client = Http2::with_settings(gateway.address, &setting(4, 0));
    client.takes_content = false;
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    let start = Instant::now();
    let answer = client.answer(stream);
    assert_eq!((answer.reset, answer.body.len()), (Some(INTERNAL_ERROR), 0), "{answer:?}");
    assert!(start.elapsed() > Duration::from_millis(400) && start.elapsed() < PATIENCE);
    eventually("the origin sees the end", || origin.ends() == 1);
    assert!(client.is_alive(), "the connection goes on");
}

#[test]
fn a_client_that_pauses_in_its_body_is_told() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).h2c().limits("body_timeout_ms = 300").start();
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    client.send_frame(DATA, 0, stream, b"some");
    assert_eq!(client.answer(stream).status(), 408);
    assert!(client.is_alive());
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).h2c().limits("payload_bytes = 1000").start();
    let mut client = Http2::connect(gateway.address);
    let fields = [&request("POST", "/test/x")[..], &[("content-length", "1001")]].concat();
    let stream = client.begin(&fields, 0);
    assert_eq!(client.answer(stream).status(), 413);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    client.send_frame(DATA, END_STREAM, stream, &[b'x'; 1001]);
    assert_eq!(client.answer(stream).status(), 413);
    assert!(client.is_alive());
}

#[test]
fn who_waits_to_be_told_is_told() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let fields = [&request("POST", "/test/x")[..], &[("expect", "100-continue")]].concat();
    let stream = client.begin(&fields, 0);
    while client.invitations(stream) == 0 {
        assert!(client.advance());
    }
    client.send_frame(DATA, END_STREAM, stream, b"body");
    assert_eq!(client.answer(stream).text(), "body");
}

/// An early answer ends the stream; the client may stop sending (RFC 9113 section 8.1).
#[test]
fn an_answer_before_the_end_of_the_body() {
    let origin = Origin::scripted(|peer| {
        while peer.head().is_some() && peer.send(ok("early")).is_ok() {
            peer.is_closed();
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    client.send_frame(DATA, 0, stream, b"some");
    let answer: Answer = client.answer(stream);
    assert_eq!((answer.status(), answer.text()), (200, "early".to_owned()));
    while client.reset_of(stream).is_none() {
        assert!(client.advance());
    }
    assert_eq!(client.reset_of(stream), Some(NO_ERROR));
    assert!(client.is_alive());
}

#[test]
fn an_origin_that_dies_within_its_answer_resets_the_stream() {
    let origin = Origin::scripted(|peer| {
        let Some(_request) = peer.request() else { return };
        let _ = peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    let gateway: Gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let answer = client.get("/test/x");
    assert_eq!(
        (answer.status(), answer.text(), answer.reset),
        (200, "half".to_owned(), Some(INTERNAL_ERROR))
    );
    assert!(!answer.is_whole && client.is_alive());
}

#[test]
fn an_origin_that_dies_before_its_answer_is_504() {
    let origin = Origin::scripted(|peer| drop(peer.request()));
    let answer = Http2::connect(passing_to(&origin).address).get("/test/x");
    assert_eq!(answer.status(), 504, "{answer:?}");
}
