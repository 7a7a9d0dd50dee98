//! Floods: each ends its connection, costs little memory and CPU, and nobody else is harmed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Cost, document, passing_to};
use crate::support::gateway::Gateway;
use crate::support::http2::{
    CANCEL, CONTINUATION, Closed, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, Http2, PADDED,
    PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, request, setting,
};
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// Frames that every flood here has; none may get that far.
const FRAMES: usize = 100_000;

/// Sends the same frames again and again until the gateway closes. Returns how it did that.
#[track_caller]
fn flood(gateway: &Gateway, begin: &[u8], piece: &[u8]) -> Closed {
    let cost = Cost::of(gateway);
    let mut client = Http2::connect(gateway.address);
    client.ping();
    client.send(begin);
    let batch = piece.repeat(100);
    let start = Instant::now();
    let mut sent = 0;
    while sent < FRAMES && !client.is_sent_away() && client.try_send(&batch) {
        sent += 100;
        // What the gateway says is read, so that it is never the client that stalls.
        while client.advance_within(Duration::from_micros(100)) && !client.wire.buffer.is_empty() {}
    }
    assert!(sent < FRAMES, "{sent} frames passed");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let closed = client.closed();
    cost.check();
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200, "others are served");
    closed
}

#[track_caller]
fn check(name: &str, begin: &[u8], piece: &[u8]) {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let closed = flood(&gateway, begin, piece);
    // The end may reach the client as a reset that swallows what was said before.
    assert!(matches!(closed, Closed::GoAway(ENHANCE_YOUR_CALM) | Closed::Silently), "{name}: {closed:?}");
}

#[test]
fn frames_that_ask_for_nothing() {
    check("pings", b"", &frame(PING, 0, 0, b"12345678"));
    check("settings", b"", &frame(SETTINGS, 0, 0, &setting(4, 65_535)));
    check("empty settings", b"", &frame(SETTINGS, 0, 0, &[]));
    check("priorities", b"", &frame(PRIORITY, 0, 5, &[0, 0, 0, 3, 1]));
    check("unknown frames", b"", &frame(0x77, 0, 0, b"x"));
    let open = frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/test/x")));
    check("empty content", &open, &frame(DATA, 0, 1, b""));
    check("empty content in padding", &open, &frame(DATA, PADDED, 1, &[0]));
    check("window updates", &open, &frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()));
}

/// CVE-2019-9511 and its kin: content that is taken byte by byte, and windows that are moved under all streams at once.
#[test]
fn games_with_windows() {
    let body = "x".repeat(200_000);
    let origin = Origin::replying(move |_| ok(&body));
    let gateway = passing_to(&origin);
    let open: Vec<u8> = (0..100)
        .flat_map(|number| {
            frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &block(&request("GET", "/test/x")))
        })
        .collect();
    let shut = frame(SETTINGS, 0, 0, &setting(4, 0));
    let one = |stream: u32| frame(WINDOW_UPDATE, 0, stream, &1_u32.to_be_bytes());
    let byte_by_byte = (0..100).flat_map(|number| one(2 * number + 1)).collect::<Vec<u8>>();
    let to_and_fro = [frame(SETTINGS, 0, 0, &setting(4, 1)), shut.clone()].concat();
    for (name, piece) in [("byte by byte", byte_by_byte), ("to and fro", to_and_fro)] {
        let closed = flood(&gateway, &[shut.clone(), open.clone()].concat(), &piece);
        assert!(matches!(closed, Closed::GoAway(ENHANCE_YOUR_CALM) | Closed::Silently), "{name}: {closed:?}");
    }
}

/// CVE-2025-8671: requests that the gateway itself must reset.
#[test]
fn requests_that_must_be_reset() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let cost = Cost::of(&gateway);
    let mut client = Http2::connect(gateway.address);
    let mut sent = 0;
    while sent < FRAMES / 10 && !client.is_sent_away() {
        let stream = client.stream();
        let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", "/test/x")));
        // An increment of nothing is an error of the stream (RFC 9113 section 6.9).
        if !client.try_send(&[open, frame(WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes())].concat()) {
            break;
        }
        while client.advance_within(Duration::from_micros(100)) && !client.wire.buffer.is_empty() {}
        sent += 1;
    }
    assert!(sent < FRAMES / 10, "{sent} requests passed");
    assert!(matches!(client.closed(), Closed::GoAway(_) | Closed::Silently));
    cost.check();
    assert!(origin.heads() < 5_000, "{} calls", origin.heads());
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

/// CVE-2024-27316 and its kin: a header block without end.
#[test]
fn continuations_without_end() {
    let open = frame(HEADERS, END_STREAM, 1, &block(&request("GET", "/test/x")));
    for piece in [frame(CONTINUATION, 0, 1, b""), frame(CONTINUATION, 0, 1, &block(&[("x", "y")]))] {
        let origin = Origin::answering(ok(""));
        let gateway = passing_to(&origin);
        let closed = flood(&gateway, &open, &piece);
        assert!(matches!(closed, Closed::GoAway(_) | Closed::Silently), "{closed:?}");
    }
}

/// CVE-2023-44487.
#[test]
fn requests_that_are_taken_back_at_once() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let cost = Cost::of(&gateway);
    let mut client = Http2::connect(gateway.address);
    let mut sent = 0;
    for _ in 0..FRAMES / 10 {
        let stream = client.stream();
        let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", "/test/x")));
        if !client.try_send(&[open, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()) {
            break;
        }
        sent += 1;
    }
    assert!(sent < FRAMES / 10, "{sent} requests passed");
    assert!(matches!(client.closed(), Closed::GoAway(ENHANCE_YOUR_CALM) | Closed::Silently));
    cost.check();
    assert!(origin.heads() < 2_000, "{} calls", origin.heads());
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

/// Who leaves a page takes back all that is under way, and comes again.
#[test]
fn a_browser_that_leaves_is_no_flood() {
    let origin = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            if request.target() == "/held" {
                peer.is_closed();
                return;
            }
            if peer.send(ok("")).is_err() {
                return;
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let streams: Vec<u32> =
        (0..100).map(|_| client.begin(&request("GET", "/test/held"), END_STREAM)).collect();
    streams.into_iter().for_each(|stream| client.reset(stream, CANCEL));
    assert_eq!(client.get("/test/x").status(), 200);
}

/// CVE-2016-6581 and its kin: a header block that is small and means much.
#[test]
fn header_bombs() {
    let origin = Origin::answering(ok(""));
    let gateway = passing_to(&origin);
    let cost = Cost::of(&gateway);
    let mut client = Http2::connect(gateway.address);
    // One large field into the table, then one byte for each time that it is repeated.
    let mut bomb = block(&request("GET", "/test/x"));
    bomb.extend([0x40, 1, b'x', 127, 0x81, 0x1d]);
    bomb.extend(vec![b'y'; 127 + 0x81 % 128 + (0x1d << 7)]);
    bomb.extend(vec![0xbe; 10_000]);
    let stream = client.stream();
    client.send_frame(HEADERS, END_HEADERS | END_STREAM, stream, &bomb);
    client.try_send(&frame(PING, 0, 0, b"12345678"));
    while client.reset_of(stream).is_none() && client.pongs == 0 && client.advance() {}
    if client.pongs == 0 {
        assert_eq!(client.closed(), Closed::GoAway(ENHANCE_YOUR_CALM));
    }
    assert_eq!(origin.heads(), 0, "it reaches nobody");
    cost.check();
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

/// Requests whose answers nobody takes cost little, and end.
#[test]
fn answers_that_nobody_takes() {
    let body = "x".repeat(200_000);
    let origin = Origin::replying(move |_| ok(&body));
    let gateway = Setup::new(&document(&origin)).h2c().limits("body_timeout_ms = 1000").start();
    // What a backend has sent waits for its reader, as with HTTP/1; not more of each answer than it has.
    // 80 MB from the backend are not for nothing.
    let (bytes_max, time_max) = (2 * 400 * 200_000, Duration::from_secs(1));
    let cost = Cost { bytes_max, time_max, ..Cost::of(&gateway) };
    let clients: Vec<Http2> = (0..4)
        .map(|_| {
            let mut client = Http2::with_settings(gateway.address, &setting(4, 0));
            client.takes_content = false;
            for _ in 0..100 {
                client.begin(&request("GET", "/test/x"), END_STREAM);
            }
            client
        })
        .collect();
    let mut resets = 0;
    for mut client in clients {
        for stream in (1..200).step_by(2) {
            let answer = client.answer(stream);
            assert!(answer.body.is_empty() && !answer.is_whole);
            resets += usize::from(answer.reset.is_some());
        }
        assert!(client.is_alive());
    }
    assert_eq!(resets, 400);
    cost.check();
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

/// Many requests that begin and do not go on: a byte now and then is all that comes of their bodies.
#[test]
fn slow_streams() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).h2c().limits("body_timeout_ms = 1000").start();
    let cost = Cost::of(&gateway);
    let mut clients: Vec<(Http2, Vec<u32>)> = (0..4)
        .map(|_| {
            let mut client = Http2::connect(gateway.address);
            let streams = (0..100).map(|_| client.begin(&request("POST", "/test/x"), 0)).collect();
            (client, streams)
        })
        .collect();
    for _ in 0..5 {
        for (client, streams) in &mut clients {
            streams.iter().for_each(|stream| client.send_frame(DATA, 0, *stream, b"x"));
            client.ping();
        }
    }
    // Then nothing comes any more, and each is told or reset.
    for (client, streams) in &mut clients {
        for stream in streams {
            let answer = client.answer(*stream);
            assert!(answer.reset.is_some() || answer.status() >= 400, "{answer:?}");
        }
        assert!(client.is_alive());
    }
    cost.check();
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

/// What is remembered of an answer's fields for the next ones (RFC 7541 section 2.3.2) is little, however large the heads are.
#[test]
fn remembered_fields_of_large_heads() {
    let numbers = AtomicUsize::new(0);
    let origin = Origin::replying(move |_| {
        let number = numbers.fetch_add(1, Ordering::SeqCst);
        let large = "x".repeat(8_000);
        format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\nX-Large: {large}\r\nContent-Length: 0\r\n\r\n")
    });
    let gateway = passing_to(&origin);
    let cost = Cost { bytes_max: 8 * 1024 * 1024, time_max: Duration::from_secs(5), ..Cost::of(&gateway) };
    let mut clients: Vec<Http2> = (0..20).map(|_| Http2::connect(gateway.address)).collect();
    for client in &mut clients {
        for _ in 0..80 {
            assert_eq!(client.get("/test/x").status(), 200);
        }
    }
    cost.check();
}
