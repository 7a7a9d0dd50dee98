//! Clients that others wrote: curl, nghttp2's nghttp and h2load, Node's, and gRPC's.

use std::process::{Command, Output};

use super::passing_to;
use crate::support::gateway::Gateway;
use crate::support::message::{Framing, Message};
use crate::support::origin::{Origin, ok};

#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; .ci/prepare installs it"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn curl() {
    let origin = Origin::replying(|request| ok(&format!("{} {}", request.method(), request.body.len())));
    let gateway = passing_to(&origin);
    let url = format!("http://{}/test/x", gateway.address);
    let base = ["--http2-prior-knowledge", "-s", "-m", "20", "-w", " %{http_version} %{http_code}"];
    let body = "x".repeat(300_000);
    let file = gateway.folder.path("body");
    std::fs::write(&file, &body).expect("write");
    let file = format!("@{}", file.display());
    let curl = |more: &[&str]| text(&run("curl", &[&base[..], more, &[url.as_str()]].concat()).stdout);
    assert_eq!(curl(&[]), "GET 0 2 200");
    assert_eq!(curl(&["--data-binary", &file]), "POST 300000 2 200");
    assert_eq!(curl(&["--data-binary", &file, "-H", "Expect: 100-continue"]), "POST 300000 2 200");
    assert_eq!(curl(&["-T", &file[1..]]), "PUT 300000 2 200");
}

#[test]
fn nghttp() {
    let origin = Origin::answering(ok(&"y".repeat(100_000)));
    let gateway = passing_to(&origin);
    let url = format!("http://{}/test/x", gateway.address);
    let output = run("nghttp", &["-v", "-n", "-m", "5", &url]);
    let log = text(&output.stdout);
    assert_eq!(log.matches(":status: 200").count(), 5, "{log}");
    assert_eq!(log.matches("; END_STREAM\n").count(), 5, "{log}");
}

#[test]
fn h2load() {
    let origin = Origin::answering(ok("hello"));
    let gateway = passing_to(&origin);
    let url = format!("http://{}/test/x", gateway.address);
    let output = run("h2load", &["-n", "2000", "-c", "4", "-m", "100", &url]);
    let report = text(&output.stdout);
    assert!(report.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{report}");
    assert!(report.contains("status codes: 2000 2xx"), "{report}");
}

/// An answer without length, with this content and these trailers.
fn chunked(content: &str, trailers: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk =
        if content.is_empty() { String::new() } else { format!("{:x}\r\n{content}\r\n", content.len()) };
    format!("{head}{chunk}0\r\n{trailers}\r\n")
}

#[test]
fn trailers_of_nghttp() {
    let origin = Origin::answering(chunked("hello", "X-Sum: 5\r\nX-More: 6\r\n"));
    let gateway = passing_to(&origin);
    let body = gateway.folder.path("body");
    std::fs::write(&body, "world").expect("write");
    let url = format!("http://{}/test/x", gateway.address);
    let data = body.display().to_string();
    let output =
        run("nghttp", &["-v", "-d", &data, "--no-content-length", "--trailer=x-checksum: abc", &url]);
    let log = text(&output.stdout);
    let sum = log.find("x-sum: 5").unwrap_or_else(|| panic!("no trailers: {log}"));
    assert!(log.contains("x-more: 6") && sum > log.find("hello").unwrap_or(usize::MAX), "{log}");
    let passed = origin.request().message;
    assert_eq!(
        (passed.text(), passed.trailer_lines()),
        ("world".to_owned(), vec!["x-checksum: abc".to_owned()])
    );
}

#[test]
fn trailers_of_curl() {
    let origin = Origin::answering(chunked("hello", "X-Sum: 5\r\n"));
    let gateway = passing_to(&origin);
    let url = format!("http://{}/test/x", gateway.address);
    let curl = |more: &[&str]| {
        text(&run("curl", &[&["-s", "-i", "-m", "20"], more, &[url.as_str()]].concat()).stdout)
    };
    let http2 = curl(&["--http2-prior-knowledge"]);
    assert!(http2.ends_with("\r\n\r\nhellox-sum: 5\r\n"), "{http2:?}");
    let raw = curl(&["--raw", "-H", "TE: trailers"]);
    assert!(raw.ends_with("\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"), "{raw:?}");
    let unasked = curl(&["--raw"]);
    assert!(unasked.ends_with("\r\n5\r\nhello\r\n0\r\n\r\n"), "{unasked:?}");
}

fn file(name: &str) -> String {
    format!("{}/tests/black_box/http2/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn trailers_of_node() {
    let origin = Origin::answering(chunked("hello", "X-Sum: 5\r\n"));
    let gateway = passing_to(&origin);
    let output = run("node", &[&file("trailers.js"), &gateway.address.to_string(), "/test/x"]);
    let log = text(&output.stdout);
    assert!(log.contains("trailers {\"x-sum\":\"5\"}") && log.contains("text hello"), "{log}");
    let passed = origin.request().message;
    assert_eq!(
        (passed.text(), passed.trailer_lines()),
        ("hello world".to_owned(), vec!["x-checksum: abc".to_owned()])
    );
}

/// A gRPC server behind HTTP/1.1: a message is a flag, four bytes of length, and content; how it went stands in the trailers.
fn grpc(request: &Message) -> String {
    assert_eq!(
        (request.framing(), request.field("content-type")),
        (Framing::Chunked, Some("application/grpc"))
    );
    let asked = text(&request.body[5..]);
    assert_eq!(request.body[..5], [0, 0, 0, 0, asked.len() as u8]);
    if asked == "fail" {
        return chunked("", "grpc-status: 5\r\ngrpc-message: not here\r\n");
    }
    let said = format!("hello {asked}");
    let message: String = [0, 0, 0, 0, said.len() as u8].into_iter().map(char::from).collect();
    chunked(&format!("{message}{said}"), "grpc-status: 0\r\nx-cost: 7\r\n")
}

#[track_caller]
fn call(gateway: &Gateway, messages: &[&str]) -> String {
    let python = format!("{}/.venv/bin/python", env!("CARGO_MANIFEST_DIR"));
    let (file, address) = (file("call.py"), gateway.address.to_string());
    let arguments = [&[file.as_str(), address.as_str(), "/test/greeter.Greeter/Hello"], messages].concat();
    text(&run(&python, &arguments).stdout)
}

#[test]
fn unary_calls_of_grpc() {
    let origin = Origin::replying(grpc);
    let gateway = passing_to(&origin);
    assert_eq!(call(&gateway, &["world"]), "OK hello world [('x-cost', '7')]\n");
    let passed = origin.request().message;
    assert_eq!((passed.target(), passed.field("x-caller")), ("/greeter.Greeter/Hello", Some("test")));
    assert_eq!(call(&gateway, &["fail"]), "NOT_FOUND not here []\n");
}

/// Both directions at once: each message waits for the answer to the one before.
#[test]
fn streaming_calls_of_grpc() {
    let origin = Origin::scripted(|peer| {
        let Some(_head) = peer.head() else { return };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut sent = peer.send(head);
        while let (Ok(()), Ok(Some(message))) = (&sent, peer.wire.chunk()) {
            sent = peer.send([format!("{:x}\r\n", message.len()).as_bytes(), &message, b"\r\n"].concat());
        }
        let ended = peer.wire.trailers().expect("the end of the request");
        let _ = peer.send(format!("0\r\ngrpc-status: 0\r\nx-trailers: {}\r\n\r\n", ended.len()));
        peer.is_closed();
    });
    let gateway = passing_to(&origin);
    let said = call(&gateway, &["one", "two", "three"]);
    assert_eq!(said, "one\ntwo\nthree\nended [] [('x-trailers', '0')]\n");
}
