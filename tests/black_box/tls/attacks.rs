//! Clients that break the protocol, take their time or do not finish: they get nothing, and nobody else notices.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Secure, get, s_client};
use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::setup::Setup;
use crate::support::{PATIENCE, eventually};

/// How long a handshake may take in these tests.
const HEAD_MS: u64 = 1_000;

fn hasty() -> Secure {
    let setup = Setup::new(&Document::new().method("GET", "/x", mock("hello")));
    Secure::start(setup.limits(&format!("head_timeout_ms = {HEAD_MS}")), "")
}

fn connect(secure: &Secure) -> TcpStream {
    let stream = TcpStream::connect(secure.gateway.address).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("read deadline");
    stream
}

/// What the gateway sends before it closes.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset ends it as well.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// A first message of a client, as rustls writes it.
fn hello(secure: &Secure) -> Vec<u8> {
    let mut client = secure.client();
    let mut bytes = Vec::new();
    client.wire.tls.as_mut().expect("a session").write_tls(&mut bytes).expect("to memory");
    bytes
}

#[test]
fn what_is_not_tls_is_closed() {
    let secure = hasty();
    for sent in [
        &b"\x00\x01\x02\x03 nonsense nonsense nonsense"[..],
        // An alert, data and a handshake message of another kind before the first message.
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x17\x03\x03\x00\x05hello",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        // A record longer than any may be.
        b"\x16\x03\x01\xff\xff\x01\x00\xff\xfb",
        // SSL 2.
        b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
    ] {
        let start = Instant::now();
        let mut stream = connect(&secure);
        stream.write_all(sent).expect("send");
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || answer[0] == 0x15, "{}: {}", sent.escape_ascii(), answer.escape_ascii());
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

#[test]
fn plain_http_is_told_so() {
    let secure = hasty();
    let response = Client::connect(secure.gateway.address).exchange(get("/x"));
    assert_eq!((response.status(), response.field("connection")), (400, Some("close")));
    assert!(response.text().contains("https"));
}

#[test]
fn half_a_handshake_ends_in_time() {
    let secure = hasty();
    let hello = hello(&secure);
    let begin = |sent| {
        let mut stream = connect(&secure);
        stream.write_all(&hello[..sent]).expect("send");
        (sent, stream, Instant::now())
    };
    let begun = [0, 1, 4, hello.len() / 2, hello.len() - 1, hello.len()].map(begin);
    for (sent, mut stream, start) in begun {
        rest(&mut stream);
        let took = start.elapsed();
        let range = Duration::from_millis(HEAD_MS / 2)..Duration::from_millis(HEAD_MS * 20);
        assert!(range.contains(&took), "{sent} bytes: {took:?}");
    }
}

/// Each byte comes in time for itself, and all together too late.
#[test]
fn a_slow_handshake_ends_in_time() {
    let secure = hasty();
    let hello = hello(&secure);
    let mut stream = connect(&secure);
    let start = Instant::now();
    for byte in hello.chunks(1) {
        if stream.write_all(byte).is_err() || start.elapsed() > PATIENCE {
            break;
        }
        std::thread::sleep(Duration::from_millis(HEAD_MS / 100));
    }
    assert!(start.elapsed() < Duration::from_millis(HEAD_MS * 20), "{:?}", start.elapsed());
    rest(&mut stream);
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

/// A first message that never ends is not collected.
#[test]
fn an_endless_first_message_is_cut_off() {
    let secure = hasty();
    let mut stream = connect(&secure);
    // A client's first message of 16 MiB, in records of 16 KiB.
    let mut record = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff".to_vec();
    record.resize(5 + 16_384, 0);
    let mut sent = 0;
    while sent < 1_000_000 && stream.write_all(&record).is_ok() {
        sent += record.len();
        record[5..9].fill(0);
    }
    rest(&mut stream);
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

/// Memory and files of handshakes that nobody finishes are bounded by time and number, and are given back.
#[test]
fn a_flood_of_unfinished_handshakes_leaves_nothing() {
    let secure = Secure::answering();
    let hello = hello(&secure);
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
    let flood = |connections: usize| -> Vec<TcpStream> {
        let open = |_| {
            let mut stream = connect(&secure);
            stream.write_all(&hello).expect("send");
            stream
        };
        (0..connections).map(open).collect()
    };
    drop(flood(200));
    let settled = || secure.gateway.open_files() <= secure.gateway.open_files_at_rest + 2;
    eventually("they are closed", settled);
    let before = secure.gateway.resident_bytes();
    for _ in 0..3 {
        let held = flood(200);
        assert_eq!(secure.client().exchange(get("/x")).status(), 200, "meanwhile");
        drop(held);
        eventually("they are closed", settled);
    }
    let grown = secure.gateway.resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more");
}

/// RFC 5746: a client may ask; it is told no, and the connection goes on or ends. It must not cost a handshake each time.
#[test]
fn renegotiation_is_refused() {
    let secure = Secure::answering();
    let shown = s_client(&secure.gateway, &["-tls1_2", "-servername", "api.test"], "R\nR\nR\n");
    assert!(shown.contains("no renegotiation") || shown.contains("alert"), "{shown}");
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

#[test]
fn changed_records_end_the_connection() {
    let secure = Secure::answering();
    let mut client = secure.client();
    assert_eq!(client.exchange(get("/x")).status(), 200);
    // A record that the gateway cannot decrypt.
    client.wire.stream.write_all(b"\x17\x03\x03\x00\x20 0123456789abcdef0123456789abcde").expect("send");
    assert!(client.wire.fill().is_err(), "an alert");
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

/// A body that ends with the connection may be cut off by anybody, unless TLS says that it was the end.
#[test]
fn a_client_that_vanishes_without_a_word() {
    let secure = Secure::answering();
    let mut client = secure.client();
    assert_eq!(client.exchange(get("/x")).status(), 200);
    client.send("POST /x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 10\r\n\r\n123");
    drop(client);
    eventually("it is closed", || secure.gateway.open_files() <= secure.gateway.open_files_at_rest);
}
