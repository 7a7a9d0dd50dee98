//! AWS (non-proxy) integrations with a function, and invocations that nobody waits for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{aws_proxy, behaving, process};
use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::gateway::Gateway;
use crate::support::setup::Setup;

/// The function `f` behind `/custom`, asynchronous behind `/event`, and by AWS_PROXY behind all else.
#[track_caller]
fn start(more: &str) -> Gateway {
    let mut custom = aws_proxy("f");
    custom["type"] = json!("aws");
    let mut event = custom.clone();
    custom["responses"] = json!({
        ".*Task timed out.*": {"statusCode": "504"},
        ".*exit status.*": {"statusCode": "503"},
        "so it is": {"statusCode": "422"},
        "default": {"statusCode": "200"},
    });
    event["requestParameters"] = json!({"integration.request.header.X-Amz-Invocation-Type": "'Event'"});
    event["responses"] = json!({"default": {"statusCode": "202"}});
    let document = Document::new().method("POST", "/custom", custom).method("POST", "/event", event).method(
        "ANY",
        "/{proxy+}",
        aws_proxy("f"),
    );
    Setup::new(&document).more(&behaving("f", "", more)).start()
}

/// An event that does as told.
fn told(what: &Value) -> String {
    json!({"queryStringParameters": what}).to_string()
}

/// Invokes without proxy; the status, and the document of an error.
#[track_caller]
fn invoke(gateway: &Gateway, what: &Value) -> (u16, Value) {
    let response = gateway.client().exchange(post("/test/custom", &told(what)));
    let text = response.text();
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (response.status(), document)
}

#[test]
fn answers_pass_and_errors_choose_their_responses() {
    let gateway = start("timeout = 1");
    let (status, answer) = invoke(&gateway, &json!({"do": "big", "bytes": "1"}));
    assert_eq!((status, answer), (200, json!({"statusCode": 200, "body": "x"})));
    let (status, error) = invoke(&gateway, &json!({"do": "fail"}));
    assert_eq!((status, error), (422, json!({"errorType": "Odd", "errorMessage": "so it is"})));
    let (status, error) = invoke(&gateway, &json!({"do": "exit"}));
    assert_eq!((status, &error["errorType"]), (503, &json!("Runtime.ExitError")));
    let (status, error) = invoke(&gateway, &json!({"do": "sleep", "s": "10"}));
    assert_eq!((status, &error["errorType"]), (504, &json!("Sandbox.Timedout")));
    let message = error["errorMessage"].as_str().expect("a text");
    assert!(message.ends_with(" Error: Task timed out after 1.00 seconds"), "{message}");
    let response = gateway.client().exchange(post("/test/custom", "not JSON"));
    assert_eq!(response.status(), 400, "{response:?}");
}

#[test]
fn nobody_waits_for_an_event_and_a_stop_does() {
    let mut gateway = start("timeout = 5\nqueue = 2");
    process(&gateway);
    let mut client = gateway.client();
    let began = Instant::now();
    for name in ["first", "second"] {
        let event = told(&json!({"do": "sleep", "s": "0.4", "tell": name}));
        let response = client.exchange(post("/test/event", &event));
        assert_eq!((response.status(), response.body.len()), (202, 0), "{response:?}");
    }
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    drop(client);
    gateway.stop();
    assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
    let log = gateway.stderr.finish().join("\n");
    assert!(log.contains("first") && log.contains("second"), "{log}");
}

/// More than may wait are throttled, as on AWS.
#[test]
fn events_are_bounded() {
    let gateway = start("timeout = 5\nqueue = 1");
    process(&gateway);
    let mut client = gateway.client();
    client.exchange(post("/test/event", &told(&json!({"do": "sleep", "s": "0.5", "tell": "begun"}))));
    gateway.stderr.wait_for("begun");
    let event = told(&json!({"do": "big", "bytes": "1"}));
    assert_eq!(client.exchange(post("/test/event", &event)).status(), 202);
    assert_eq!(client.exchange(post("/test/event", &event)).status(), 500);
    // Those that wait come before this one.
    crate::support::eventually("it answers", || {
        gateway.client().exchange(get("/test/x?do=echo")).status() == 200
    });
}
