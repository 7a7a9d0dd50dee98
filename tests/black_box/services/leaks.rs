//! Nothing leaks over many calls of services: files, memory, connections to them.

use serde_json::json;

use super::aws;
use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];

/// Calls in this form of the test; `TIDEGATE_INVOCATIONS=100000` runs the long one.
fn calls() -> usize {
    std::env::var("TIDEGATE_INVOCATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000)
}

#[test]
fn over_many_calls() {
    let service = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            if request.body.starts_with(b"{\"end\"") || peer.send(ok("{\"done\": true}")).is_err() {
                return;
            }
        }
    });
    let mut mapped = aws("POST", "dynamodb:action/PutItem");
    mapped["requestTemplates"] = json!({"application/json": "{\"Item\": $input.json('$')}"});
    mapped["responses"]["default"]["responseTemplates"] =
        json!({"application/json": "$input.path('$.done')"});
    let function = super::lambda::integration("aws_proxy", "pets");
    let document = Document::new()
        .method("POST", "/q", aws("POST", "sqs:path/1/q"))
        .method("POST", "/table", mapped)
        .method("POST", "/dead", aws("POST", "sns:action/Publish"))
        .method("GET", "/function", function);
    let (service_at, nobody) = (service.address, nobody());
    let gateway = Gateway::run_with(
        Setup::new(&document)
            .more(&format!(
                "[aws]\nendpoint_url = \"http://{service_at}\"\n[aws.endpoint]\nsns = \"http://{nobody}\"\n"
            ))
            .write()
            .into(),
        &KEYS,
    );
    let run = |count: usize| {
        let mut client = gateway.client();
        for number in 0..count {
            let (request, want) = match number % 4 {
                0 => (get("/test/function"), 502),
                1 => (post("/test/table", "{\"a\": 1}"), 200),
                _ => (post("/test/q", "{\"a\": 1}"), 200),
            };
            let response = client.exchange(&request);
            assert_eq!(response.status(), want, "{request}: {response:?}");
        }
    };
    run(1_000);
    let (files, memory) = (gateway.open_files(), gateway.resident_bytes());
    for _ in 0..10 {
        run(calls() / 10);
        let mut client = gateway.client();
        assert_eq!(client.exchange(post("/test/dead", "{}")).status(), 504);
        assert_eq!(client.exchange(post("/test/q", "{\"end\": 1}")).status(), 504);
        let mut gone = gateway.client();
        gone.send(post("/test/q", "{}"));
        gone.reset();
    }
    eventually("files are closed", || gateway.open_files() <= files);
    let grown = gateway.resident_bytes().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown} bytes more");
}
