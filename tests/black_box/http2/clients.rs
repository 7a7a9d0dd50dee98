//! Clients that others wrote: curl, and nghttp2's nghttp and h2load.

use std::process::{Command, Output};

use super::passing_to;
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
