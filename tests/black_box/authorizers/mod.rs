//! Lambda authorizers, asked by the running gateway.

mod at_aws;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::http2::{CANCEL, END_STREAM, Http2, request as http2_request};
use crate::support::setup::Setup;

/// `/open` and `/closed` answer with how often the function had been asked when it answered about the caller.
fn setup() -> Setup {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/black_box/authorizers/authorizer.py");
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:who/invocations";
    let answer = "$context.authorizer.principalId $context.authorizer.count";
    let document = Document::new()
        .authorizer("lambda", json!({"type": "token", "authorizerUri": uri}))
        .method("GET", "/open", mock(answer))
        .secured("GET", "/open", "lambda", &[])
        .method("GET", "/closed", mock(answer))
        .secured("GET", "/closed", "lambda", &[]);
    let function =
        format!("[[function]]\nname = \"who\"\ncommand = [\"python3\", \"{}\"]\n", script.display());
    Setup::new(&document).more(&function)
}

fn request(path: &str, token: &str) -> String {
    format!("GET /test{path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: {token}\r\n\r\n")
}

#[track_caller]
fn check(gateway: &Gateway, path: &str, token: &str, want: (u16, &str)) {
    let response = gateway.client().exchange(request(path, token));
    assert_eq!((response.status(), &*response.text()), want, "{path} {token}");
}

#[test]
fn a_function_says_who_may_call_what() {
    let gateway = setup().start();
    check(&gateway, "/open", "alice", (200, "alice 1"));
    check(&gateway, "/open", "alice", (200, "alice 1"));
    check(
        &gateway,
        "/closed",
        "alice",
        (403, r#"{"Message":"User is not authorized to access this resource"}"#),
    );
    check(&gateway, "/open", "bob", (200, "bob 2"));
    check(&gateway, "/open", "unknown", (401, r#"{"message":"Unauthorized"}"#));
    check(&gateway, "/open", "unknown", (401, r#"{"message":"Unauthorized"}"#));
    check(&gateway, "/open", "carol", (200, "carol 5"));
    check(&gateway, "/open", "", (401, r#"{"message":"Unauthorized"}"#));
}

/// So many clients ask at once with the same token: what each of them gets.
fn at_once(gateway: &Gateway, token: &str, clients: usize) -> Vec<(u16, String)> {
    let mut clients: Vec<Client> = (0..clients).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(request("/open", token));
    }
    let answer = |client: &mut Client| {
        let response = client.response();
        (response.status(), response.text().to_string())
    };
    clients.iter_mut().map(answer).collect()
}

#[test]
fn of_many_requests_at_once_one_asks() {
    let gateway = setup().start();
    let answers = at_once(&gateway, "slow", 20);
    assert_eq!(answers, vec![(200, "slow 1".to_owned()); 20]);
    check(&gateway, "/open", "other", (200, "other 2"));
}

#[test]
fn who_asks_in_vain_does_not_harm_who_waits() {
    let gateway = setup().start();
    let mut answers = at_once(&gateway, "slow-first-fails", 4);
    answers.sort();
    assert_eq!(answers.pop(), Some((500, r#"{"message":null}"#.to_owned())));
    for (status, text) in answers {
        assert_eq!((status, text.starts_with("slow-first-fails ")), (200, true), "{text}");
    }
}

/// The client that asked goes away; who waits for the answer asks anew, and does not wait for nobody.
#[test]
fn who_goes_away_leaves_nobody_waiting() {
    let gateway = setup().h2c().start();
    let mut client = Http2::connect(gateway.address);
    let fields = [&http2_request("GET", "/test/open")[..], &[("authorization", "slow")]].concat();
    let asks = client.begin(&fields, END_STREAM);
    let waits = client.begin(&fields, END_STREAM);
    // Both are on their way once this is answered.
    client.ping();
    client.reset(asks, CANCEL);
    let begun = Instant::now();
    let answer = client.answer(waits);
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_reload_forgets() {
    let gateway = setup().start();
    check(&gateway, "/open", "alice", (200, "alice 1"));
    gateway.signal("HUP");
    gateway.stderr.wait_for("reloaded");
    check(&gateway, "/open", "alice", (200, "alice 2"));
}

#[test]
fn a_denial_is_a_line_in_the_log_without_the_token() {
    let gateway = setup().start();
    check(
        &gateway,
        "/closed",
        "s3cr3t",
        (403, r#"{"Message":"User is not authorized to access this resource"}"#),
    );
    check(&gateway, "/open", "unknown-s3cr3t", (401, r#"{"message":"Unauthorized"}"#));
    let line = gateway.stderr.wait_for("no statement of the policy that the authorizer gave allows");
    assert!(line.contains("caller=\"s3cr3t\""), "{line}");
    let line = gateway.stderr.wait_for("the function of the authorizer lambda says Unauthorized");
    assert!(!line.contains("unknown-s3cr3t"), "{line}");
}
