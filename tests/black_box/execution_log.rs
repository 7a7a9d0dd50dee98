//! Execution logs of the running gateway: in its own log, and in a file.

use crate::support::document::{Document, http_proxy, mock};
use crate::support::gate::Gate;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} /test{path} HTTP/1.1\r\nHost: a\r\nx-amzn-RequestId: {ID}\r\nAuthorization: Bearer 0123456789abcdef\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The lines with the request id, from where it stands.
fn lines(log: &[String]) -> Vec<String> {
    let prefix = format!("({ID}) ");
    log.iter().filter_map(|line| Some(line.split_once(&prefix)?.1.to_owned())).collect()
}

#[test]
fn in_the_gateways_log() {
    let origin = Origin::answering(ok("an answer"));
    let document = Document::new()
        .method("POST", "/proxy", http_proxy("POST", format!("http://{}/y", origin.address)))
        .method("GET", "/quiet", mock("quiet"));
    let mut gateway = Setup::new(&document)
        .stage(
            "execution_log = { level = \"INFO\", data_trace = true }\n[api.stage.method.\"GET /quiet\"]\nexecution_log = { level = \"OFF\" }",
        )
        .start();
    let mut client = gateway.client();
    assert_eq!(client.exchange(request("POST", "/proxy", "a body\nof two lines")).text(), "an answer");
    assert_eq!(client.exchange(request("GET", "/quiet", "")).text(), "quiet");
    assert_eq!(origin.request().message.text(), "a body\nof two lines");
    gateway.stop();
    let log = gateway.stderr.finish();
    let logged = lines(&log);
    let at = |start: &str| {
        let found = logged.iter().position(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {log:#?}"))
    };
    let uri = format!("http://{}/y", origin.address);
    let steps = [
        "Starting execution for request: ",
        "HTTP Method: POST, Resource Path: /proxy",
        "Method request headers: {Host=a, x-amzn-RequestId=01234567-89ab-cdef-0123-456789abcdef, Authorization=******abcdef,",
        "Method request body before transformations: a body\\nof two lines",
        &format!("Endpoint request URI: {uri}"),
        "Endpoint request body after transformations: a body\\nof two lines",
        &format!("Sending request to {uri}"),
        "Received response. Status: 200, Integration latency: ",
        "Endpoint response body before transformations: an answer",
        "Method response body after transformations: an answer",
        "Successfully completed execution",
        "Method completed with status: 200",
    ];
    assert!(steps.map(at).is_sorted(), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("/quiet") || line.contains("0123456789abcdef")), "{log:#?}");
}

/// A file of its own, one line for each event; and what streams still does: the log has a look at the first piece alone.
#[test]
fn in_a_file() {
    let second = Gate::default();
    let gate = second.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            let _ = peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            gate.wait();
            let _ = peer.send("6\r\nsecond\r\n0\r\n\r\n");
        }
    });
    let document =
        Document::new().method("POST", "/proxy", http_proxy("POST", format!("http://{}/y", origin.address)));
    let mut gateway = Setup::new(&document)
        .stage("execution_log = { data_trace = true, destination = \"steps.log\" }")
        .start();
    let mut client = gateway.client();
    client.send(request("POST", "/proxy", "\u{1b}[31m"));
    let begun = client.wire.until(b"first\r\n").expect("the first piece comes before the second");
    assert!(begun.is_some_and(|begun| begun.starts_with(b"HTTP/1.1 200 OK\r\n")));
    second.open();
    assert!(client.wire.until(b"0\r\n\r\n").expect("the rest comes").is_some());
    gateway.stop();
    let text = gateway.folder.read("steps.log");
    let logged = lines(&text.lines().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(logged.len(), text.lines().count(), "{text}");
    for line in [
        "Method request body before transformations: \\u001b[31m",
        "Endpoint response body before transformations: first",
        "Method response body after transformations: first",
    ] {
        assert!(logged.iter().any(|logged| logged == line), "{line}\n{text}");
    }
}
