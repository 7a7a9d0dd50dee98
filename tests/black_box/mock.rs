//! `mock` integrations (recorded facts 79 to 89; behaviour section 6).

use serde_json::{Value, json};

use crate::support::client::{get, post};
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::setup::Setup;

fn serving(method: &str, integration: Value) -> Gateway {
    Setup::new(&Document::new().method(method, "/x", integration)).start()
}

/// A mock whose request template is `template` and that tells by its body which response was selected.
fn selecting(template: &str) -> Value {
    let response = |status: &str, body: &str| json!({"statusCode": status, "responseTemplates": {"application/json": body}});
    json!({
        "type": "mock",
        "requestTemplates": {"application/json": template},
        "responses": {
            "2\\d{2}": response("200", "two"),
            "404": response("404", "not found"),
            "-1000": response("418", "odd"),
            "default": response("500", "default"),
        },
    })
}

const BROKEN: (u16, &str) = (500, r#"{"message": "Internal server error"}"#);

#[test]
fn the_template_names_the_status() {
    let rows = [
        (r#"{"statusCode": 200}"#, (200, "two")),
        (r#"{"statusCode": 299}"#, (200, "two")),
        (r#"{"statusCode": 404}"#, (404, "not found")),
        (r#"{"statusCode": 301}"#, (500, "default")),
        (r#"{"statusCode": -1000}"#, (418, "odd")),
        ("{statusCode: 200}", (200, "two")),
        ("{'statusCode': 200}", (200, "two")),
        ("{\n  \"statusCode\": 200,\n}", (200, "two")),
        (r#"{"statusCode": 200 ,, }"#, (200, "two")),
        (r#"{statusCode: 200, "": ""}"#, (200, "two")),
        (r#"{"statusCode": "200"}"#, BROKEN),
        (r#"{"statusCode': 200}"#, BROKEN),
        (r#"{"statusCode": 200"#, BROKEN),
        (r#""statusCode": 200"#, BROKEN),
        (r#"{"status": 200}"#, BROKEN),
        ("{}", BROKEN),
    ];
    let paths: Vec<String> = (0..rows.len()).map(|row| format!("/row{row}")).collect();
    let document = rows.iter().zip(&paths).fold(Document::new(), |document, ((template, _), path)| {
        document.method("GET", path, selecting(template))
    });
    let gateway = Setup::new(&document).start();
    let mut client = gateway.client();
    for ((template, (status, body)), path) in rows.iter().zip(&paths) {
        let response = client.exchange(get(&format!("/test{path}")));
        assert_eq!((response.status(), &*response.text()), (*status, *body), "{template}");
    }
}

/// Facts 85 and 89.
#[test]
fn an_answer_without_template_is_empty() {
    let mut integration = mock("");
    integration["responses"] = json!({"default": {"statusCode": "204"}, "200": {"statusCode": "201"}});
    let gateway = serving("GET", integration);
    let request = "GET /test/x HTTP/1.1\r\nHost: a\r\nX-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n\r\n";
    let response = gateway.client().exchange(request);
    assert_eq!((response.status(), response.body.len()), (201, 0));
    let want = ["Connection", "Content-Length", "Content-Type", "Date", "x-amz-apigw-id", "x-amzn-RequestId"];
    assert_eq!(response.names(), want, "and no trace id");
    assert_eq!(response.field("content-type"), Some("application/json"));
}

#[test]
fn cors_preflight() {
    let mut integration = mock("");
    integration["responses"]["default"] = json!({
        "statusCode": "200",
        "responseParameters": {
            "method.response.header.Access-Control-Allow-Headers": "'Content-Type,X-Amz-Date,Authorization,X-Api-Key'",
            "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'",
            "method.response.header.Access-Control-Allow-Origin": "'*'",
        },
    });
    let gateway = serving("OPTIONS", integration);
    let response = gateway.client().exchange(
        "OPTIONS /test/x HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nAccess-Control-Request-Method: GET\r\n\r\n",
    );
    assert_eq!((response.status(), response.body.len()), (200, 0));
    for (name, want) in [
        ("Access-Control-Allow-Headers", "Content-Type,X-Amz-Date,Authorization,X-Api-Key"),
        ("Access-Control-Allow-Methods", "GET,OPTIONS"),
        ("Access-Control-Allow-Origin", "*"),
    ] {
        assert_eq!(response.field(name), Some(want));
    }
}

#[test]
fn mapped_fields_may_read_the_context() {
    let mut integration = mock("static text, é");
    integration["responses"]["default"]["responseParameters"] = json!({
        "method.response.header.X-Stage": "context.stage",
        "method.response.header.X-Path": "context.path",
        "method.response.header.X-Variable": "stageVariables.colour",
        "method.response.header.X-None": "stageVariables.taste",
        "method.response.header.Content-Type": "'text/plain'",
        "method.response.header.Server": "'mine'",
    });
    let document = Document::new().method("GET", "/x", integration);
    let gateway = Setup::new(&document).stage("variables = { colour = \"red\" }").start();
    let response = gateway.get("/test/x");
    assert_eq!(response.text(), "static text, é");
    for (name, want) in [
        ("x-stage", Some("test")),
        ("x-path", Some("/test/x")),
        ("x-variable", Some("red")),
        ("x-none", None),
        ("content-type", Some("text/plain")),
        ("x-amzn-remapped-server", Some("mine")),
        ("server", None),
    ] {
        assert_eq!(response.field(name), want, "{name}: {response:?}");
    }
}

/// Fact 87.
#[test]
fn bodies_of_requests_are_read_and_forgotten() {
    let gateway = serving("POST", mock("answer"));
    let mut client = gateway.client();
    for body in ["", "x", &"y".repeat(100_000)] {
        assert_eq!(client.exchange(post("/test/x", body)).text(), "answer");
    }
    let chunked =
        "POST /test/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(client.exchange(chunked).text(), "answer");
    assert_eq!(client.exchange(get("/none")).status(), 403);
}

/// Without a template that fits, the body itself is read for the status.
#[test]
fn passthrough() {
    // (behaviour, content type, body, what is answered)
    let rows = [
        ("when_no_match", "text/plain", r#"{"statusCode": 404}"#, (404, "not found")),
        ("when_no_match", "text/plain", "hello", BROKEN),
        ("when_no_match", "text/plain", "", BROKEN),
        ("when_no_match", "application/json", "hello", (200, "two")),
        ("never", "text/plain", r#"{"statusCode": 404}"#, (415, r#"{"message": "Unsupported Media Type"}"#)),
        ("never", "application/json", "hello", (200, "two")),
        ("when_no_templates", "text/plain", "hello", (415, r#"{"message": "Unsupported Media Type"}"#)),
    ];
    for (behaviour, content_type, body, (status, want)) in rows {
        let mut integration = selecting(r#"{"statusCode": 200}"#);
        integration["passthroughBehavior"] = behaviour.into();
        let gateway = serving("POST", integration);
        let mut client = gateway.client();
        let length = body.len();
        let response = client.exchange(format!(
            "POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(
            (response.status(), &*response.text()),
            (status, want),
            "{behaviour} {content_type} {body}"
        );
        assert_eq!(client.exchange(get("/none")).status(), 403, "the connection stays usable");
    }
}

#[test]
fn no_response_at_all_is_an_error() {
    let mut integration = mock("");
    integration["responses"] = json!({"404": {"statusCode": "404"}});
    let response = serving("GET", integration).get("/test/x");
    assert_eq!((response.status(), &*response.text()), BROKEN);
}
