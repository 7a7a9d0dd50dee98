//! The cases of h2spec (RFC 9113) as rows: what a client may not send, and how the gateway says so. h2spec itself is a program
//! in Go that no package brings. Where the RFC names a narrower error, `h2` says PROTOCOL_ERROR in some
//! cases; both end the same thing.

use super::passing_to;
use crate::support::http2::{
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, Closed, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR, GOAWAY, HEADERS, Http2, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
    REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, WITH_PRIORITY, block, frame, request,
    setting,
};
use crate::support::origin::{Origin, ok};

/// What a row expects.
enum Want {
    /// The connection ends, with one of these errors if the gateway says one.
    Connection(&'static [u32]),
    /// The stream ends with one of these errors, or the connection does.
    Stream(u32, &'static [u32]),
    /// The stream is answered 200.
    Answer(u32),
    /// Nothing happens.
    Ignored,
}
use Want::{Answer, Connection, Ignored, Stream};

fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", "/test/x")))
}

/// A request whose body has not come.
fn post(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(&request("POST", "/test/x")))
}

fn with(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[&request("GET", "/test/x")[..], fields].concat()))
}

fn of(pieces: &[Vec<u8>]) -> Vec<u8> {
    pieces.concat()
}

#[track_caller]
fn check(rows: Vec<(&str, Vec<u8>, Want)>) {
    let origin = Origin::answering(ok("x"));
    let gateway = passing_to(&origin);
    for (name, bytes, want) in rows {
        let mut client = Http2::connect(gateway.address);
        client.ping();
        client.try_send(&bytes);
        match want {
            Connection(codes) => match client.closed() {
                Closed::GoAway(code) => assert!(codes.contains(&code), "{name}: GOAWAY {code}"),
                Closed::Silently => {}
            },
            // A 400 is as good where the head is at fault (RFC 9113 section 8.1.1).
            Stream(stream, codes) => {
                while client.reset_of(stream).is_none() && !client.is_refused(stream) && client.advance() {}
                match client.reset_of(stream) {
                    None if client.is_refused(stream) => assert!(client.is_alive(), "{name}"),
                    Some(code) => assert!(codes.contains(&code), "{name}: RST_STREAM {code}"),
                    None => match client.closed() {
                        Closed::GoAway(code) => assert!(codes.contains(&code), "{name}: GOAWAY {code}"),
                        Closed::Silently => {}
                    },
                }
            }
            Answer(stream) => assert_eq!(client.answer(stream).status(), 200, "{name}"),
            Ignored => assert!(client.is_alive(), "{name}"),
        }
    }
    assert_eq!(Http2::connect(gateway.address).get("/test/x").status(), 200);
}

#[test]
fn prefaces() {
    let origin = Origin::answering(ok("x"));
    let gateway = passing_to(&origin);
    // 3.4: what is not quite the preface is read as HTTP/1, and refused.
    let mut client = gateway.client();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX");
    assert_eq!(client.response().status(), 505);
    // 3.4: SETTINGS must be the first frame.
    let mut client = Http2::silent(gateway.address);
    client.send([PREFACE, &get(1)].concat());
    assert!(matches!(client.closed(), Closed::GoAway(PROTOCOL_ERROR) | Closed::Silently));
}

#[test]
fn frames() {
    let large = vec![0; 16_385];
    check(vec![
        ("4.1 unknown type", frame(0xff, 0, 0, b"x"), Ignored),
        ("4.1 unknown flags", frame(PING, 0xfe, 0, b"12345678"), Ignored),
        ("4.1 reserved bit", of(&[frame(PING, 0, 0x8000_0000, b"12345678"), get(1)]), Answer(1)),
        ("4.2 DATA of 2^14", of(&[post(1), frame(DATA, END_STREAM, 1, &large[..16_384])]), Answer(1)),
        (
            "4.2 too large DATA",
            of(&[post(1), frame(DATA, END_STREAM, 1, &large)]),
            Stream(1, &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "4.2 too large HEADERS",
            frame(HEADERS, END_HEADERS, 1, &large),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "4.3 bad block",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x82, 0xff, 0xff, 0xff]),
            Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "4.3 PRIORITY within a block",
            of(&[
                frame(HEADERS, 0, 1, &block(&request("GET", "/test/x"))),
                frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
            ]),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "4.3 another stream within a block",
            of(&[frame(HEADERS, 0, 1, &block(&request("GET", "/test/x"))), get(3)]),
            Connection(&[PROTOCOL_ERROR]),
        ),
    ]);
}

#[test]
fn stream_states() {
    check(vec![
        ("5.1 idle: DATA", frame(DATA, END_STREAM, 1, b"x"), Connection(&[PROTOCOL_ERROR, STREAM_CLOSED])),
        (
            "5.1 idle: RST_STREAM",
            frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes()),
            Connection(&[PROTOCOL_ERROR]),
        ),
        ("5.1 idle: WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 9]), Connection(&[PROTOCOL_ERROR])),
        (
            "5.1 idle: CONTINUATION",
            frame(CONTINUATION, END_HEADERS, 1, &block(&request("GET", "/"))),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "5.1 half-closed: DATA",
            of(&[get(1), frame(DATA, END_STREAM, 1, b"x")]),
            Stream(1, &[STREAM_CLOSED, PROTOCOL_ERROR]),
        ),
        ("5.1 half-closed: HEADERS", of(&[get(1), get(1)]), Stream(1, &[STREAM_CLOSED, PROTOCOL_ERROR])),
        (
            "5.1 half-closed: CONTINUATION",
            of(&[get(1), frame(CONTINUATION, END_HEADERS, 1, &[])]),
            Connection(&[STREAM_CLOSED, PROTOCOL_ERROR]),
        ),
        ("5.1.1 even stream", get(2), Connection(&[PROTOCOL_ERROR])),
        ("5.1.1 smaller stream", of(&[get(5), get(3)]), Connection(&[PROTOCOL_ERROR, STREAM_CLOSED])),
        ("5.3.1 depends on itself", frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 1]), Ignored),
    ]);
    let refused: Vec<Vec<u8>> = (0..129).map(|number| post(1 + 2 * number)).collect();
    check(vec![("5.1.2 too many streams", of(&refused), Stream(257, &[REFUSED_STREAM, PROTOCOL_ERROR]))]);
}

#[test]
fn data_and_headers() {
    let fields = block(&request("GET", "/test/x"));
    let padded = [&[3][..], &fields, &[0; 3]].concat();
    let depending = [&[0, 0, 0, 0, 16][..], &fields].concat();
    let itself = [&[0, 0, 0, 1, 16][..], &fields].concat();
    check(vec![
        ("6.1 DATA on stream 0", frame(DATA, 0, 0, b"x"), Connection(&[PROTOCOL_ERROR])),
        ("6.1 padded DATA", of(&[post(1), frame(DATA, END_STREAM | PADDED, 1, &[2, b'x', 0, 0])]), Answer(1)),
        (
            "6.1 DATA with too much padding",
            of(&[post(1), frame(DATA, END_STREAM | PADDED, 1, &[9, b'x'])]),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "6.2 HEADERS on stream 0",
            frame(HEADERS, END_HEADERS | END_STREAM, 0, &fields),
            Connection(&[PROTOCOL_ERROR]),
        ),
        ("6.2 padded HEADERS", frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &padded), Answer(1)),
        (
            "6.2 HEADERS with too much padding",
            frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &[200, 0x82]),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "6.2 HEADERS with priority",
            frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, &depending),
            Answer(1),
        ),
        (
            "5.3.1 HEADERS depends on itself",
            frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, &itself),
            Stream(1, &[PROTOCOL_ERROR]),
        ),
        (
            "6.10 a block in three frames",
            of(&[
                frame(HEADERS, END_STREAM, 1, &fields[..3]),
                frame(CONTINUATION, 0, 1, &fields[3..9]),
                frame(CONTINUATION, END_HEADERS, 1, &fields[9..]),
            ]),
            Answer(1),
        ),
        (
            "6.10 CONTINUATION on stream 0",
            of(&[frame(HEADERS, END_STREAM, 1, &fields), frame(CONTINUATION, END_HEADERS, 0, &[])]),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "6.10 CONTINUATION behind the end",
            of(&[get(1), frame(CONTINUATION, END_HEADERS, 1, &[])]),
            Connection(&[PROTOCOL_ERROR, STREAM_CLOSED]),
        ),
        (
            "6.10 DATA within a block",
            of(&[frame(HEADERS, 0, 1, &fields), frame(DATA, 0, 1, b"x")]),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "6.6 PUSH_PROMISE",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
            Connection(&[PROTOCOL_ERROR]),
        ),
    ]);
}

#[test]
fn resets_settings_pings() {
    check(vec![
        ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, &[0, 0, 0, 3, 1]), Connection(&[PROTOCOL_ERROR])),
        (
            "6.3 PRIORITY of another size",
            of(&[post(1), frame(PRIORITY, 0, 1, &[0; 4])]),
            Stream(1, &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        ("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, &[0; 4]), Connection(&[PROTOCOL_ERROR])),
        (
            "6.4 RST_STREAM of another size",
            of(&[post(1), frame(RST_STREAM, 0, 1, &[0; 3])]),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, &[]), Connection(&[PROTOCOL_ERROR])),
        (
            "6.5 SETTINGS of another size",
            frame(SETTINGS, 0, 0, &[0; 5]),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "6.5 ACK with content",
            frame(SETTINGS, ACK, 0, &setting(3, 1)),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        ("6.5.2 ENABLE_PUSH 2", frame(SETTINGS, 0, 0, &setting(2, 2)), Connection(&[PROTOCOL_ERROR])),
        (
            "6.5.2 too large a window",
            frame(SETTINGS, 0, 0, &setting(4, 0x8000_0000)),
            Connection(&[FLOW_CONTROL_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "6.5.2 too small a frame",
            frame(SETTINGS, 0, 0, &setting(5, 16_383)),
            Connection(&[PROTOCOL_ERROR]),
        ),
        (
            "6.5.2 too large a frame",
            frame(SETTINGS, 0, 0, &setting(5, 0x0100_0000)),
            Connection(&[PROTOCOL_ERROR]),
        ),
        ("6.5.2 unknown", of(&[frame(SETTINGS, 0, 0, &setting(0xff, 1)), get(1)]), Answer(1)),
        ("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), Connection(&[PROTOCOL_ERROR])),
        (
            "6.7 PING of another size",
            frame(PING, 0, 0, b"1234567"),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        ("6.7 an answer to no PING", frame(PING, ACK, 0, b"12345678"), Ignored),
        ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, &[0; 8]), Connection(&[PROTOCOL_ERROR])),
    ]);
}

#[test]
fn windows() {
    let most = 0x7fff_ffff_u32.to_be_bytes();
    check(vec![
        ("6.9 increment 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), Connection(&[PROTOCOL_ERROR])),
        (
            "6.9 increment 0 on a stream",
            of(&[post(1), frame(WINDOW_UPDATE, 0, 1, &[0; 4])]),
            Stream(1, &[PROTOCOL_ERROR]),
        ),
        (
            "6.9 of another size",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            Connection(&[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "6.9.1 too large a window",
            of(&[frame(WINDOW_UPDATE, 0, 0, &most), frame(WINDOW_UPDATE, 0, 0, &most)]),
            Connection(&[FLOW_CONTROL_ERROR]),
        ),
        (
            "6.9.1 too large a window of a stream",
            of(&[post(1), frame(WINDOW_UPDATE, 0, 1, &most), frame(WINDOW_UPDATE, 0, 1, &most)]),
            Stream(1, &[FLOW_CONTROL_ERROR]),
        ),
        ("6.9.1 window 1", of(&[frame(SETTINGS, 0, 0, &setting(4, 1)), get(1)]), Answer(1)),
        (
            "6.9.2 a window that is opened later",
            of(&[frame(SETTINGS, 0, 0, &setting(4, 0)), get(1), frame(SETTINGS, 0, 0, &setting(4, 1))]),
            Answer(1),
        ),
    ]);
}

/// More than the window is a flow-control error (RFC 9113 section 6.9.1).
#[test]
fn a_window_that_is_overrun() {
    let origin = Origin::scripted(|peer| {
        peer.head();
        peer.is_closed();
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    client.ping();
    let fields = [&request("POST", "/test/x")[..], &[("expect", "100-continue")]].concat();
    let stream = client.begin(&fields, 0);
    let piece = vec![0; 16_384];
    for _ in 0..200 {
        if !client.try_send(&frame(DATA, 0, stream, &piece)) {
            break;
        }
    }
    while client.reset_of(stream).is_none() && client.advance() {}
    match client.reset_of(stream) {
        Some(code) => assert_eq!(code, FLOW_CONTROL_ERROR),
        None => assert!(matches!(client.closed(), Closed::GoAway(FLOW_CONTROL_ERROR) | Closed::Silently)),
    }
}

#[test]
fn fields() {
    let first = |fields: &[(&str, &str)]| frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields));
    let malformed = |name: &'static str, bytes: Vec<u8>| (name, bytes, Stream(1, &[PROTOCOL_ERROR]));
    check(vec![
        malformed("8.2.1 upper case", with(&[("X-Test", "1")])),
        malformed("8.3 unknown pseudo-header", with(&[(":test", "1")])),
        malformed("8.3 of an answer", with(&[(":status", "200")])),
        malformed("8.3 behind the fields", with(&[("x", "1"), (":path", "/")])),
        malformed("8.2.2 connection", with(&[("connection", "keep-alive")])),
        malformed("8.2.2 te", with(&[("te", "trailers, deflate")])),
        malformed(
            "8.3.1 empty path",
            first(&[(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "a")]),
        ),
        malformed("8.3.1 no method", first(&[(":scheme", "http"), (":path", "/"), (":authority", "a")])),
        malformed("8.3.1 no scheme", first(&[(":method", "GET"), (":path", "/"), (":authority", "a")])),
        malformed("8.3.1 two methods", with(&[(":method", "GET")])),
        malformed("8.1.1 content-length 1 of 0", with(&[("content-length", "1")])),
        // Malformed by the RFC; `h2` does not look, and they go no further.
        (
            "8.1 pseudo-header in trailers",
            of(&[post(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[(":method", "GET")]))]),
            Answer(1),
        ),
        malformed(
            "8.1 second head without end",
            of(&[post(1), frame(HEADERS, END_HEADERS, 1, &block(&[("x", "y")]))]),
        ),
    ]);
}

/// RFC 7541: what no table has, and what no table may become.
#[test]
fn compression() {
    let headers = |block: &[u8]| frame(HEADERS, END_HEADERS | END_STREAM, 1, block);
    let good = block(&request("GET", "/test/x"));
    check(vec![
        ("2.3.3 index 70", headers(&[0xc6]), Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR])),
        ("6.1 index 0", headers(&[0x80]), Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR])),
        (
            "6.3 too large a table",
            headers(&[&[0x3f, 0xe2, 0x1f][..], &good].concat()),
            Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "4.2 size update at the end",
            headers(&[&good[..], &[0x20]].concat()),
            Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "5.2 padding of more than seven bits",
            headers(&[0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff]),
            Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        ),
        (
            "5.1 an integer without end",
            headers(&[&[0x00][..], &[0xff; 20]].concat()),
            Connection(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        ),
    ]);
}
