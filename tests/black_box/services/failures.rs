//! Services that are dead, silent or lying, and calls without credentials.

use serde_json::json;

use super::{aws, headers};
use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const INTERNAL: &str = r#"{"message": "Internal server error"}"#;

fn setup(address: &str) -> Setup {
    let mut quick = aws("POST", "sqs:path/1/q");
    quick["timeoutInMillis"] = json!(100);
    let mut fixed = aws("POST", "sqs:path/1/q");
    fixed["requestParameters"] = headers(&[("X-Amz-Date", "never"), ("X-Amz-Security-Token", "stolen")]);
    let document = Document::new()
        .method("POST", "/q", aws("POST", "sqs:path/1/q"))
        .method("POST", "/quick", quick)
        .method("POST", "/fixed", fixed);
    Setup::new(&document).more(&format!("[aws.endpoint]\nsqs = \"http://{address}\"\n"))
}

#[test]
fn without_credentials_calls_are_refused_and_one_line_says_so() {
    let origin = Origin::answering(ok("never"));
    let gateway = setup(&origin.address.to_string()).start();
    for _ in 0..3 {
        let response = gateway.client().exchange(post("/test/q", "{}"));
        assert_eq!((response.status(), &*response.text()), (500, INTERNAL));
    }
    assert_eq!(origin.heads(), 0);
    let said = gateway.stderr.text();
    let lines: Vec<_> = said.lines().filter(|line| line.contains("no credentials")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("its metadata is switched off"), "{said}");
}

#[test]
fn what_is_sent_is_whole_and_signed() {
    let origin = Origin::answering(ok("done"));
    let gateway = Gateway::run_with(setup(&origin.address.to_string()).write().into(), &KEYS);
    let chunked = "POST /test/fixed HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let response = gateway.client().exchange(chunked);
    assert_eq!((response.status(), &*response.text()), (200, "done"));
    let seen = origin.request().message;
    assert_eq!((&*seen.body, seen.field("content-length")), (&b"abc"[..], Some("3")));
    assert_eq!(seen.field("host"), Some(&*origin.address.to_string()));
    let authorization = seen.field("authorization").expect("a signature");
    assert!(
        authorization.contains("Credential=AKIDTEST/")
            && authorization.contains("/us-east-1/sqs/aws4_request")
    );
    // What the mappings set is not what the signer says.
    assert!(
        seen.field("x-amz-date").is_some_and(|date| date.ends_with('Z'))
            && seen.field("x-amz-security-token").is_none()
    );
}

#[test]
fn dead_and_silent_services() {
    let nobody = nobody();
    let gateway = Gateway::run_with(setup(&nobody.to_string()).write().into(), &KEYS);
    let response = gateway.client().exchange(post("/test/q", "{}"));
    assert_eq!(response.status(), 504, "{response:?}");
    drop(gateway);
    let silent = Origin::scripted(|peer| {
        peer.request();
        peer.is_closed();
    });
    let gateway = Gateway::run_with(setup(&silent.address.to_string()).write().into(), &KEYS);
    let response = gateway.client().exchange(post("/test/quick", "{}"));
    assert_eq!((response.status(), &*response.text()), (504, r#"{"message": "Endpoint request timed out"}"#));
    let response = gateway.client().exchange(get("/test/nowhere"));
    assert_eq!(response.status(), 403);
}
