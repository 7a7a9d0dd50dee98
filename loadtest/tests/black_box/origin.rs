//! The origin's answers, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::support::{Origin, load_json};

/// Sends a request and reads one answer with `Content-Length`, or until the end of the stream.
fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer.clone()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        _ if request.starts_with("HEAD") => {}
        Some(length) => {
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            answer.extend_from_slice(&body);
        }
        None => {
            stream.read_to_end(&mut answer).unwrap();
        }
    }
    String::from_utf8(answer).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[test]
fn sized() {
    let origin = Origin::start(&["--size", "3", "--status", "201", "-H", "x-a: b"]);
    let mut stream = origin.connect();
    let want = "HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\ncontent-length: 3\r\nx-a: b\r\n\r\n";
    assert_eq!(exchange(&mut stream, GET), format!("{want}xxx"));
    assert_eq!(exchange(&mut stream, "HEAD / HTTP/1.1\r\n\r\n"), want);
    assert!(exchange(&mut stream, LAST).contains("connection: close"));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed");
}

#[test]
fn no_body_where_there_is_none() {
    let origin = Origin::start(&["--size", "3", "--status", "204"]);
    assert_eq!(
        exchange(&mut origin.connect(), LAST),
        "HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"
    );
}

#[test]
fn chunked() {
    let origin = Origin::start(&["--size", "5", "--chunked", "--chunk-size", "3"]);
    let answer = exchange(&mut origin.connect(), LAST);
    assert!(
        answer.ends_with(
            "transfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nxxx\r\n2\r\nxx\r\n0\r\n\r\n"
        ),
        "{answer}"
    );
    let origin = Origin::start(&["--chunked"]);
    assert!(exchange(&mut origin.connect(), LAST).ends_with("\r\n\r\n0\r\n\r\n"));
}

#[test]
fn pipelined_and_in_pieces() {
    let origin = Origin::start(&["--size", "1", "--delay", "1ms"]);
    let mut stream = origin.connect();
    stream.write_all(format!("{GET}{GET}{}", &LAST[..20]).as_bytes()).unwrap();
    exchange(&mut stream, "");
    exchange(&mut stream, &LAST[20..]);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("connection: close\r\n\r\nx"), "{rest}");
    assert_eq!(origin.stop(), (3, 1));
}

#[test]
fn echo() {
    let origin = Origin::start(&["--echo"]);
    let mut stream = origin.connect();
    let answer = exchange(&mut stream, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    assert!(answer.ends_with("content-length: 5\r\n\r\nhello"), "{answer}");
    let answer =
        exchange(&mut stream, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    assert!(answer.ends_with("content-length: 2\r\n\r\nhi"), "{answer}");
    let large = "x".repeat(300_000);
    let answer = exchange(&mut stream, &format!("POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n{large}"));
    assert!(answer.ends_with(&format!("\r\n\r\n{large}")));
}

#[test]
fn malformed_requests_close_the_connection() {
    let origin = Origin::start(&[]);
    for wrong in
        ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"]
    {
        let mut stream = origin.connect();
        stream.write_all(wrong.as_bytes()).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "{wrong}");
    }
}

#[test]
fn delays_and_slow_bodies_take_their_time() {
    let origin = Origin::start(&["--delay", "uniform:20ms..30ms"]);
    let began = Instant::now();
    exchange(&mut origin.connect(), GET);
    assert!(began.elapsed().as_millis() >= 20);
    let origin = Origin::start(&["--size", "1000", "--slow", "10000"]);
    let began = Instant::now();
    let answer = exchange(&mut origin.connect(), GET);
    assert!(answer.ends_with(&"x".repeat(1000)));
    assert!((90..2000).contains(&began.elapsed().as_millis()), "a tenth of a second: {:?}", began.elapsed());
}

#[test]
fn large_answers_and_uploads_pass_whole() {
    for options in
        [&["--size", "5MiB"][..], &["--size", "3MiB"], &["--size", "uniform:1..200000", "--chunked"]]
    {
        let origin = Origin::start(options);
        let (code, report) = load_json(&["-c", "3", "-n", "30", origin.url()]);
        assert_eq!(code, 0, "{options:?}: {report}");
    }
    let origin = Origin::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    std::fs::write(&path, vec![b'b'; 6 << 20]).unwrap();
    let (code, report) =
        load_json(&["-c", "3", "-n", "12", "--body-file", path.to_str().unwrap(), origin.url()]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(origin.stop().0, 12);
}

#[test]
fn listens_on_several_addresses_with_several_threads() {
    let origin = Origin::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0", "--threads", "2"]);
    assert_eq!(origin.urls.len(), 2);
    let (code, report) = load_json(&["-c", "16", "-n", "200", &origin.urls[0], &origin.urls[1]]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(origin.stop().0, 200);
}

#[test]
fn a_client_that_sends_and_closes_is_answered_and_forgotten() {
    let origin = Origin::start(&["--size", "1", "--connections", "1"]);
    for _ in 0..20 {
        let mut stream = origin.connect();
        stream.write_all(GET.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nx"), "the one place for a connection is free again: {answer}");
    }
    assert_eq!(origin.stop(), (20, 20));
}
