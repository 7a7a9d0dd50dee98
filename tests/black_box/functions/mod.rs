//! Functions beside the gateway: what they get, what clients get of them, and their processes.
//!
//! `behave.py` is the function of most tests; it does what the query says. Real runtimes have tests of their own.

mod custom;
mod failures;
mod invocations;
mod leaks;
mod logs;
mod processes;
mod reload;
mod runtimes;
mod streaming;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::setup::Setup;

/// The integration with a function.
fn aws_proxy(function: &str) -> Value {
    json!({
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:{function}/invocations"
        ),
    })
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/black_box/functions/behave.py")
}

/// A `[[function]]` that is `behave.py` with these arguments and keys.
fn behaving(name: &str, argument: &str, more: &str) -> String {
    let script = script();
    let argument = if argument.is_empty() { String::new() } else { format!(", \"{argument}\"") };
    format!(
        "[[function]]\nname = \"{name}\"\ncommand = [\"python3\", \"{}\"{argument}]\n{more}\n",
        script.display()
    )
}

/// A gateway with the function `f` behind every path.
fn setup(more: &str) -> Setup {
    Setup::new(&document()).more(&behaving("f", "", more))
}

fn document() -> Document {
    Document::new().method("ANY", "/{proxy+}", aws_proxy("f"))
}

#[track_caller]
fn start(more: &str) -> Gateway {
    setup(more).start()
}

/// The status and body of one invocation that does as told.
#[track_caller]
fn invoke(gateway: &Gateway, query: &str) -> (u16, String) {
    let response = gateway.get(&format!("/test/x?do={query}"));
    (response.status(), response.text().to_string())
}

/// The body of one that succeeds.
#[track_caller]
fn invoke_well(gateway: &Gateway, query: &str) -> String {
    let (status, body) = invoke(gateway, query);
    assert_eq!(status, 200, "{query}: {body}");
    body
}

/// The number of the process that answers.
#[track_caller]
fn process(gateway: &Gateway) -> u32 {
    let text = invoke_well(gateway, "process");
    let process: Value = serde_json::from_str(&text).expect("JSON");
    process["pid"].as_u64().expect("a number") as u32
}

/// Whether a process is there and not waiting to be buried.
fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']) && !rest.is_empty())
}

#[track_caller]
fn wait_until_gone(process: u32) {
    eventually("the process is gone", || !is_alive(process));
}

const BAD_GATEWAY: (u16, &str) = (502, r#"{"message": "Internal server error"}"#);

/// Fails unless the invocation does.
#[track_caller]
fn check_fails(gateway: &Gateway, query: &str) {
    let (status, body) = invoke(gateway, query);
    assert_eq!((status, &*body), BAD_GATEWAY, "{query}");
}
