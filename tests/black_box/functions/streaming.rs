//! Answers that functions stream: as they come, no faster than clients read, and cut short when they do not end well.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BAD_GATEWAY, aws_proxy, behaving, process, wait_until_gone};
use crate::support::client::{Client, get};
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::setup::Setup;

/// The integration with a function that streams.
pub(super) fn streamed(function: &str) -> Value {
    let mut integration = aws_proxy(function);
    let uri = integration["uri"].as_str().expect("a text").replace("2015-03-31", "2021-11-15");
    integration["uri"] = json!(uri.replace("/invocations", "/response-streaming-invocations"));
    integration["responseTransferMode"] = json!("STREAM");
    integration
}

/// `f` streams behind `/stream` and, with little time, `/quick`; behind all other paths it does not.
fn setup(more: &str) -> Setup {
    let mut quick = streamed("f");
    quick["timeoutInMillis"] = json!(1000);
    let document = Document::new()
        .method("ANY", "/stream", streamed("f"))
        .method("GET", "/quick", quick)
        .method("ANY", "/{proxy+}", aws_proxy("f"));
    Setup::new(&document).more(&behaving("f", "", more))
}

/// A request target that has the function stream so.
fn target(path: &str, how: &[(&str, &str)]) -> String {
    let mut target = format!("/test/{path}?do=stream");
    for (name, value) in how {
        let _ = write!(target, "&{name}=");
        for byte in value.bytes() {
            let _ = write!(target, "%{byte:02X}");
        }
    }
    target
}

#[track_caller]
fn stream(gateway: &Gateway, how: &[(&str, &str)]) -> Message {
    gateway.get(&target("stream", how))
}

/// Fails unless the answer begins well and is cut short.
#[track_caller]
fn check_cut(client: &mut Client) {
    let head = Message::of_head(client.wire.head().expect("an answer").expect("a head"));
    assert_eq!(head.status(), 201, "{head:?}");
    let error = client.wire.chunked().expect_err("an answer without end");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
}

/// A file that is not there yet.
fn gate(gateway: &Gateway) -> String {
    gateway.folder.path("gate").to_str().expect("a path").to_owned()
}

#[track_caller]
fn open(gate: &str) {
    std::fs::write(gate, "").expect("write");
}

#[test]
fn pieces_come_as_they_are_sent() {
    let gateway = setup("").start();
    let gate = gate(&gateway);
    let mut client = gateway.client();
    client.send(get(&target("stream", &[("pieces", "2"), ("gate", &gate)])));
    let head = Message::of_head(client.wire.head().expect("an answer").expect("a head"));
    assert_eq!((head.status(), head.field("x-one")), (201, Some("1")), "{head:?}");
    assert_eq!(head.field("transfer-encoding"), Some("chunked"));
    assert_eq!(head.field("content-type"), Some("application/json"));
    assert!(head.values("set-cookie").eq(["a=1", "b=2"]), "{head:?}");
    assert_eq!(client.wire.exactly(10).expect("a chunk"), b"5\r\npiece\r\n");
    open(&gate);
    assert_eq!(client.wire.exactly(15).expect("the rest"), b"5\r\npiece\r\n0\r\n\r\n");
    gateway.stderr.wait_for("streamed: 202");
    // Both connections go on.
    let again = client.exchange(get(&target("stream", &[("split", "")])));
    assert_eq!((again.status(), &*again.text()), (201, "piece"));
    assert_eq!(client.exchange(get("/test/x?do=big&bytes=1")).text(), "x");
}

const PIECES: usize = 1_024;
const PIECE: usize = 65_536;
/// The kernel's buffers on both sides of the gateway, and what it reads ahead itself.
const IN_FLIGHT_MAX: usize = 32 << 20;

#[test]
fn a_client_that_does_not_read_stalls_the_function() {
    let gateway = setup("timeout = 60").start();
    process(&gateway);
    let before = gateway.resident_bytes();
    let count = gateway.folder.path("count");
    let path = count.to_str().expect("a path");
    let mut client = Client::with_small_window(gateway.address);
    let how = [("pieces", "1024"), ("bytes", "65536"), ("count", path)];
    client.send(get(&target("stream", &how)));
    let stalled_at = stalled(&count) * PIECE;
    assert!(stalled_at < IN_FLIGHT_MAX, "the function could write {stalled_at} bytes");
    let held = gateway.resident_bytes().saturating_sub(before);
    assert!(held < IN_FLIGHT_MAX, "{held} bytes more are held");
    let response = client.response();
    assert_eq!(response.body.len(), PIECES * PIECE);
    gateway.stderr.wait_for("streamed: 202");
}

/// Waits until the number in the file has not changed for a while.
fn stalled(file: &Path) -> usize {
    let mut seen = (0, Instant::now());
    eventually("the writer stalls", || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let now = text.parse().unwrap_or(seen.0);
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        now > 0 && seen.1.elapsed() > Duration::from_millis(500)
    });
    seen.0
}

/// Whatever ends before its end is cut short, so that the client can tell.
#[test]
fn streams_that_break_off() {
    let gateway = setup("timeout = 3").start();
    let mut before = process(&gateway);
    for (end, kept) in [("fail", true), ("die", false), ("garbage", false)] {
        let gate = gateway.folder.path(&format!("gate-{end}"));
        let gate = gate.to_str().expect("a path");
        let mut client = gateway.client();
        client.send(get(&target("stream", &[("pieces", "2"), ("gate", gate), ("end", end)])));
        // The head is there, so that it cannot be taken back.
        eventually("the answer has begun", || {
            client.wire.buffer.len() > 10 || client.wire.fill().is_ok_and(|bytes| bytes > 10)
        });
        open(gate);
        check_cut(&mut client);
        let now = process(&gateway);
        assert_eq!(now == before, kept, "{end}");
        before = now;
    }
    let said = gateway.stderr.wait_for("failed while it streamed its answer");
    assert!(said.contains("so it is"), "{said}");
}

/// What fails before the client has been told anything is answered 502.
#[test]
fn failures_at_once_and_malformed_metadata() {
    let gateway = setup("timeout = 10").start();
    let before = process(&gateway);
    let large = format!("{{\"headers\":{{\"a\":\"{}\"}}}}", "x".repeat(17_000));
    let nuls = |count: &'static str| ("nuls", count);
    for how in [
        &[("end", "fail"), ("at-once", "")][..],
        &[("metadata", "nonsense")],
        &[("metadata", r#"{"statusCode":200,"body":"x"}"#)],
        &[("metadata", r#"{"headers":{"a":"b\r\nc: d"}}"#)],
        &[nuls("7"), ("pieces", "0")],
        &[nuls("0"), ("pieces", "100"), ("bytes", "65536")],
    ] {
        let response = stream(&gateway, how);
        assert_eq!((response.status(), &*response.text()), BAD_GATEWAY, "{how:?}");
    }
    let response = gateway.client().exchange(format!(
        "POST /test/stream?do=echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{large}",
        large.len()
    ));
    assert_eq!(response.status(), 502, "no metadata in the first 16 KB");
    // A function that does not stream has no delimiter.
    let response = gateway.get("/test/stream?do=big&bytes=1");
    assert_eq!((response.status(), &*response.text()), BAD_GATEWAY);
    let response = gateway.get("/test/stream?do=fail");
    assert_eq!((response.status(), &*response.text()), BAD_GATEWAY);
    assert_eq!(process(&gateway), before, "the process goes on");
}

#[test]
fn time_is_limited() {
    let gateway = setup("timeout = 3").start();
    let before = process(&gateway);
    // The integration's time is over before the function has begun, and in the middle.
    let late = gateway.get("/test/quick?do=sleep&s=1.2");
    assert_eq!((late.status(), &*late.text()), (504, r#"{"message": "Endpoint request timed out"}"#));
    process(&gateway);
    let gate = gate(&gateway);
    let mut client = gateway.client();
    client.send(get(&target("quick", &[("pieces", "2"), ("gate", &gate)])));
    check_cut(&mut client);
    open(&gate);
    gateway.stderr.wait_for("streamed: 202");
    assert_eq!(process(&gateway), before, "the function is left alone");
    // The function's own is over.
    std::fs::remove_file(&gate).expect("remove");
    let mut client = gateway.client();
    client.send(get(&target("stream", &[("pieces", "2"), ("gate", &gate)])));
    check_cut(&mut client);
    wait_until_gone(before);
    gateway.stderr.wait_for("Task timed out after 3.00 seconds");
    assert_ne!(process(&gateway), before);
}

/// As on AWS the function goes on to its end, and is used again.
#[test]
fn a_client_that_goes_away_is_not_missed() {
    let gateway = setup("timeout = 20").start();
    let before = process(&gateway);
    let gate = gate(&gateway);
    let mut client = gateway.client();
    let how = [("pieces", "200"), ("bytes", "65536"), ("gate", gate.as_str())];
    client.send(get(&target("stream", &how)));
    client.wire.head().expect("an answer");
    client.reset();
    open(&gate);
    gateway.stderr.wait_for("streamed: 202");
    assert_eq!(process(&gateway), before);
    // One that goes before the function has begun.
    let mut client = gateway.client();
    client.send(get(&target("stream", &[("pieces", "200"), ("bytes", "65536")])));
    client.reset();
    assert_eq!(process(&gateway), before);
}

#[test]
fn clients_of_every_kind() {
    let gateway = setup("").h2c().start();
    let mut client = gateway.client();
    client.send(format!("HEAD {} HTTP/1.1\r\nHost: a\r\n\r\n", target("stream", &[("pieces", "3")])));
    assert_eq!(client.response_to_head().status(), 201);
    let nothing = client.exchange(get(&target("stream", &[("metadata", r#"{"statusCode":204}"#)])));
    assert_eq!(nothing.status(), 204);
    let empty = client.exchange(get(&target("stream", &[("pieces", "0"), ("at-once", "")])));
    assert_eq!((empty.status(), empty.field("content-length")), (201, Some("0")));
    client.send(format!("GET {} HTTP/1.0\r\nHost: a\r\n\r\n", target("stream", &[("pieces", "3")])));
    let old = client.response();
    assert_eq!((&*old.text(), old.field("transfer-encoding")), ("piecepiecepiece", None));
    let curl = |how: &[(&str, &str)]| {
        let url = format!("http://{}{}", gateway.address, target("stream", how));
        let arguments =
            ["--http2-prior-knowledge", "-s", "-m", "20", "-w", " %{http_version} %{http_code}", "-o"];
        let file = gateway.folder.path("content");
        let output = Command::new("curl").args(arguments).arg(&file).arg(url).output().expect("curl");
        let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), bytes)
    };
    assert_eq!(curl(&[("pieces", "50"), ("bytes", "65536")]), (true, " 2 201".to_owned(), 50 * 65_536));
    let (is_whole, told, bytes) = curl(&[("pieces", "50"), ("bytes", "65536"), ("end", "fail")]);
    assert!(!is_whole && bytes <= 50 * 65_536, "{told} {bytes}");
}

/// Lambda's Invoke has no streams either: the answer comes whole.
#[test]
fn an_integration_that_does_not_stream_waits_for_all() {
    let gateway = setup("").start();
    let metadata = ("metadata", r#"{"statusCode":200,"body":"x"}"#);
    let bare = [metadata, ("nuls", "0"), ("pieces", "0")];
    let response = gateway.get(&target("x", &bare));
    assert_eq!((response.status(), &*response.text()), (200, "x"));
    let failed = gateway.get(&target("x", &[&bare[..], &[("end", "fail")]].concat()));
    assert_eq!((failed.status(), &*failed.text()), BAD_GATEWAY);
    let prelude = gateway.get(&target("x", &[]));
    assert_eq!((prelude.status(), &*prelude.text()), BAD_GATEWAY, "metadata and content are not an answer");
}
