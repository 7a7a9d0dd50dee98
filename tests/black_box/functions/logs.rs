//! What functions print comes to the gateway's log.

use serde_json::Value;

use super::{invoke_well, start};
use crate::support::eventually;

#[test]
fn lines_carry_function_and_request_id() {
    let gateway = start("");
    let fields: Value = serde_json::from_str(&invoke_well(&gateway, "fields")).expect("JSON");
    let earlier = fields["lambda-runtime-aws-request-id"].as_str().expect("an id");
    invoke_well(&gateway, "print&text=hello");
    let line = gateway.stderr.wait_for("hello");
    assert!(line.contains("function=\"f\"") && line.contains("request_id="), "{line}");
    assert!(!line.contains(earlier), "{line}");
    gateway.stderr.wait_for("to stderr: hello");
}

/// A function that prints too much is slowed down by nobody, and fills no disk.
#[test]
fn a_flood_is_dropped() {
    let gateway = start("timeout = 20");
    invoke_well(&gateway, "flood&lines=200000");
    // That is told with what it prints once it prints less.
    eventually("dropped", || {
        invoke_well(&gateway, "print&text=afterwards");
        gateway.stderr.text().contains("it prints too much; dropped")
    });
    let text = gateway.stderr.text();
    let printed = text.lines().filter(|line| line.contains("xxxxxxxx")).count();
    assert!(printed < 60_000, "{printed}");
}
