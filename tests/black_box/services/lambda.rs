//! AWS's own Lambda, played by an origin of the test's own: it answers what the event asks for.

use serde_json::{Value, json};

use crate::support::client::post;
use crate::support::document::Document;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const INTERNAL: &str = r#"{"message": "Internal server error"}"#;

pub(super) fn integration(kind: &str, function: &str) -> Value {
    json!({
        "type": kind,
        "httpMethod": "POST",
        "uri": format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:{function}/invocations"
        ),
        "responses": {"default": {"statusCode": "200"}, ".*boom.*": {"statusCode": "418"}},
    })
}

/// The Lambda API: the function does what the body of its event says.
fn invoke(request: &Message) -> String {
    let event: Value = serde_json::from_slice(&request.body).expect("an event");
    let told = event["body"].as_str().unwrap_or_else(|| event.as_str().unwrap_or_default());
    let answer =
        |head: &str, body: &str| format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    match told {
        "boom" => answer("200 OK\r\nX-Amz-Function-Error: Unhandled", r#"{"errorMessage":"boom"}"#),
        "throttle" => answer("429 Too Many Requests", r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}"#),
        "large" => ok(&json!({"statusCode": 200, "body": "x".repeat(5 << 20)}).to_string()),
        "chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"statusCode\": 20\r\n14\r\n3, \"body\": \"pieces\"}\r\n0\r\n\r\n".to_owned(),
        "lie" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"statusCode\": 200".to_owned(),
        told => ok(&json!({"statusCode": 200, "body": format!("told {told}")}).to_string()),
    }
}

fn setup(address: &str) -> Setup {
    let document = Document::new().method("POST", "/proxy", integration("aws_proxy", "far:prod")).method(
        "POST",
        "/custom",
        integration("aws", "far"),
    );
    Setup::new(&document).more(&format!("[aws]\nendpoint_url = \"http://{address}\"\n"))
}

#[test]
fn a_function_at_aws() {
    let lambda = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            let answer = invoke(&request);
            // A lie ends with the connection.
            if peer.send(&answer).is_err() || answer.contains("Length: 100\r\n") {
                break;
            }
        }
    });
    let gateway = Gateway::run_with(setup(&lambda.address.to_string()).write().into(), &KEYS);
    let check = |target: &str, told: &str, want: (u16, &str)| {
        let response = gateway.client().exchange(post(&format!("/test/{target}"), told));
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!((response.status(), &*text), want, "{told}");
    };
    check("proxy", "hello", (200, "told hello"));
    let seen = lambda.request().message;
    assert_eq!(
        seen.target(),
        "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:far:prod/invocations"
    );
    assert!(
        seen.field("authorization").is_some_and(|field| field.contains("/us-east-1/lambda/aws4_request"))
    );
    check("proxy", "chunks", (203, "pieces"));
    check("proxy", "boom", (502, INTERNAL));
    check("proxy", "throttle", (500, INTERNAL));
    check("proxy", "lie", (504, r#"{"message": "Network error communicating with endpoint"}"#));
    check("proxy", "large", (200, &"x".repeat(5 << 20)));
    check("custom", "\"boom\"", (418, r#"{"errorMessage":"boom"}"#));
    check("custom", "\"hi\"", (200, r#"{"body":"told hi","statusCode":200}"#));
}

#[test]
fn lambda_is_away() {
    let gateway = Gateway::run_with(setup(&nobody().to_string()).write().into(), &KEYS);
    let response = gateway.client().exchange(post("/test/proxy", "hello"));
    assert_eq!(response.status(), 504, "{response:?}");
}
