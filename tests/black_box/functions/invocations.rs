//! What a function gets, and what a client gets of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{invoke, invoke_well, start};
use crate::support::client::{get, post};

#[test]
fn the_event_is_that_of_api_gateway() {
    let gateway = start("");
    let mut client = gateway.client();
    let request = "PUT /test/a/b?x=1&x=2&do=echo HTTP/1.1\r\nHost: api.test\r\nX-One: 1\r\nX-Forwarded-For: 10.0.0.1\r\n\
                   Content-Length: 5\r\n\r\nh\u{e9}l\n";
    let response = client.exchange(request);
    assert_eq!(response.status(), 200, "{response:?}");
    let event: Value = serde_json::from_str(&response.text()).expect("an event");
    assert_eq!(event["httpMethod"], "PUT");
    assert_eq!(event["path"], "/a/b");
    assert_eq!(event["requestContext"]["path"], "/test/a/b");
    assert_eq!(event["pathParameters"], json!({"proxy": "a/b"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"do": ["echo"], "x": ["1", "2"]}));
    assert_eq!(event["headers"]["X-Forwarded-For"], "10.0.0.1, 127.0.0.1");
    assert_eq!(event["headers"]["X-Forwarded-Port"], gateway.address.port().to_string());
    assert_eq!(event["body"], "hél\n");
    assert_eq!(event["requestContext"]["requestId"], response.field("x-amzn-requestid").expect("an id"));
    assert_eq!(response.field("x-amzn-trace-id"), event["headers"]["X-Amzn-Trace-Id"].as_str());
    // The connection goes on.
    assert_eq!(client.exchange(get("/test/x?do=echo")).status(), 200);
}

#[test]
fn the_runtime_learns_what_it_is_invoked_as_and_until_when() {
    let gateway = start("timeout = 7");
    let fields: Value = serde_json::from_str(&invoke_well(&gateway, "fields")).expect("JSON");
    let field =
        |name: &str| fields[name].as_str().unwrap_or_else(|| panic!("no {name}: {fields}")).to_owned();
    assert_eq!(
        field("lambda-runtime-invoked-function-arn"),
        "arn:aws:lambda:us-east-1:123456789012:function:f"
    );
    assert_eq!(field("lambda-runtime-aws-request-id").len(), 36);
    assert!(field("lambda-runtime-trace-id").starts_with("Root=1-"));
    assert_eq!(field("content-type"), "application/json");
    let deadline: u64 = field("lambda-runtime-deadline-ms").parse().expect("a number");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis();
    let left = i128::from(deadline) - now as i128;
    assert!((0..=7_000).contains(&left), "{left}");
}

#[test]
fn its_environment_is_that_of_lambda_and_its_own() {
    let gateway = start("memory = \"300 MiB\"\nenvironment = { TABLE = \"pets\" }");
    let environment: Value = serde_json::from_str(&invoke_well(&gateway, "environment")).expect("JSON");
    for (name, want) in [
        ("TABLE", "pets"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "300"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
    ] {
        assert_eq!(environment[name], want, "{name}");
    }
    assert!(environment["AWS_LAMBDA_RUNTIME_API"].as_str().is_some_and(|at| at.starts_with("127.0.0.1:")));
    // The gateway is started with it, and it is none of the function's business.
    assert!(environment.get("RUST_LOG").is_none(), "{environment}");
}

/// What the function answers, and status and body that the client gets.
#[track_caller]
fn check_result(payload: &str, want: (u16, &str)) {
    let gateway = start("");
    let base64 = STANDARD.encode(payload).replace('+', "%2B");
    let (status, body) = invoke(&gateway, &format!("raw&base64={base64}"));
    assert_eq!((status, &*body), want, "{payload}");
}

#[test]
fn results() {
    check_result("{}", (200, ""));
    check_result(r#"{"statusCode":"418","body":"short and stout"}"#, (418, "short and stout"));
    check_result("null", (502, r#"{"message": "Internal server error"}"#));
    check_result("not JSON", (502, r#"{"message": "Internal server error"}"#));
    check_result(r#"{"statusCode":200,"oops":1}"#, (502, r#"{"message": "Internal server error"}"#));
}

#[test]
fn large_bodies_pass_both_ways_up_to_the_limit() {
    let gateway = start("timeout = 20");
    let mut client = gateway.client();
    let body = "x".repeat(2_000_000);
    let echoed = client.exchange(post("/test/x?do=echo", &body));
    assert_eq!(echoed.status(), 200);
    let event: Value = serde_json::from_str(&echoed.text()).expect("an event");
    assert_eq!(event["body"].as_str().map(str::len), Some(body.len()));
    assert_eq!(invoke_well(&gateway, "big&bytes=6000000").len(), 6_000_000);
    assert_eq!(invoke_well(&gateway, "expect").len(), 2_000_000);
    assert_eq!(invoke(&gateway, "big&bytes=6300000").0, 502);
    assert_eq!(invoke_well(&gateway, "big&bytes=1"), "x");
    let too_long = client.exchange(post("/test/x", &"x".repeat(6_291_456)));
    assert_eq!((too_long.status(), &*too_long.text()), (413, r#"{"message": "Request Too Long"}"#));
    let payload = client.exchange("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10485761\r\n\r\n");
    assert_eq!((payload.status(), &*payload.text()), (413, "HTTP content length exceeded 10485760 bytes."));
}

/// Chunks and a client that waits to be asked for its body.
#[test]
fn bodies_come_in_any_way() {
    let gateway = start("");
    let mut client = gateway.client();
    let chunked = "POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let event: Value = serde_json::from_str(&client.exchange(chunked).text()).expect("an event");
    assert_eq!(event["body"], "abcde");
    client.send("POST /test/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.response().status(), 100);
    client.send("hi");
    let event: Value = serde_json::from_str(&client.response().text()).expect("an event");
    assert_eq!(event["body"], "hi");
}

#[test]
fn a_runtime_may_answer_on_another_connection() {
    let gateway = start("");
    assert_eq!(invoke_well(&gateway, "reconnect"), "from another connection");
    assert_eq!(invoke_well(&gateway, "big&bytes=1"), "x");
}
