//! Each kind of failure is counted as what it is and fails the run, unless it is allowed.

use std::io::Read;
use std::net::TcpListener;

use crate::support::{Origin, errors, load, load_json, serve, serve_bytes};

/// Ten requests of which all fail with this kind.
#[track_caller]
fn check(url: &str, kind: &str, options: &[&str]) {
    let base = ["-c", "1", "-n", "10", url];
    let (code, report) = load_json(&[&base[..], options].concat());
    assert_eq!(errors(&report), [(kind.to_owned(), 10)], "{report}");
    assert_eq!(code, 1, "it fails the run");
    assert_eq!(report["passed"], false);
    let allow = format!("--allow-errors={kind}");
    let (code, report) = load_json(&[&base[..], options, &[&allow]].concat());
    assert_eq!(code, 0, "allowed: {report}");
    let other = if kind == "reset" { "timeout" } else { "reset" };
    let (code, _) = load_json(&[&base[..], options, &[&format!("--allow-errors={other}")]].concat());
    assert_eq!(code, 1, "only {other} is allowed");
    let run = load(&[&base[..], options].concat());
    assert!(run.stdout.contains(&format!("Error {kind}: 10 ×")), "{}", run.stdout);
}

#[test]
fn refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    check(&url, "refused", &[]);
}

#[test]
fn reset() {
    let origin = Origin::start(&["--drop-rate", "1", "--drop", "reset"]);
    check(origin.url(), "reset", &[]);
}

#[test]
fn closed() {
    let origin = Origin::start(&["--drop-rate", "1", "--drop", "close"]);
    check(origin.url(), "closed", &[]);
}

#[test]
fn short_body() {
    let origin = Origin::start(&["--drop-rate", "1", "--drop", "short", "--size", "100"]);
    check(origin.url(), "short-body", &[]);
}

#[test]
fn short_head_and_short_chunks() {
    check(&serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Le"), "short-body", &[]);
    check(&serve_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "short-body", &[]);
}

#[test]
fn unexpected_status() {
    let origin = Origin::start(&["--status", "404"]);
    check(origin.url(), "status", &[]);
    let (code, _) = load_json(&["-c", "1", "-n", "5", "--expect-status", "404", origin.url()]);
    assert_eq!(code, 0);
    let (code, _) = load_json(&["-c", "1", "-n", "5", "--expect-status", "2xx,5xx", origin.url()]);
    assert_eq!(code, 1);
}

#[test]
fn malformed() {
    for answer in [
        &b"SMTP ready\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    ] {
        check(&serve_bytes(answer), "malformed", &[]);
    }
}

#[test]
fn timeout() {
    // The server reads until the client gives up.
    let url = serve(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    check(&url, "timeout", &["--timeout", "20ms"]);
    check(&url, "timeout", &["--response-timeout", "20ms"]);
}

#[test]
fn connect_timeout() {
    // A full queue of a listener that never accepts: the kernel drops further SYNs.
    let listener =
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address: std::net::SocketAddr = rustix::net::getsockname(&listener).unwrap().try_into().unwrap();
    let _first = std::net::TcpStream::connect(address).unwrap();
    check(&format!("http://{address}"), "connect-timeout", &["--connect-timeout", "20ms"]);
}

#[test]
fn some_errors_among_answers() {
    let origin = Origin::start(&["--error-rate", "10%", "--error-status", "503", "--seed", "1"]);
    let (code, report) = load_json(&["-c", "4", "-n", "2000", origin.url()]);
    assert_eq!(code, 1);
    let errors = errors(&report);
    assert!(errors.len() == 1 && errors[0].0 == "status" && (120..280).contains(&errors[0].1), "{report}");
    assert_eq!(report["answered"], 2000);
}

#[test]
fn refused_in_an_open_loop_does_not_pile_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (code, report) = load_json(&["--rate", "20000", "--duration", "500ms", &url]);
    assert_eq!(code, 1);
    assert_eq!(
        errors(&report).iter().map(|(_, count)| count).sum::<u64>() + report["unsent"].as_u64().unwrap(),
        10_000,
        "{report}"
    );
}
