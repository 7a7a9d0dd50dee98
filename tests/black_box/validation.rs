//! Request validation in the running gateway: bodies in pieces, and what becomes of the connection.

use serde_json::json;

use crate::support::client::post;
use crate::support::document::{Document, http};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const INVALID: &str = r#"{"message": "Invalid request body"}"#;

fn serving(origin: &Origin) -> Gateway {
    let integration = http("POST", format!("http://{}/y", origin.address));
    let schema = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
    let document = Document::new()
        .method("POST", "/x", integration)
        .operation("POST", "/x", "parameters", json!([{"name": "q", "in": "query", "required": true}]))
        .operation("POST", "/x", "requestBody", json!({"content": {"application/json": {"schema": schema}}}))
        .root("x-amazon-apigateway-request-validator", json!("all"))
        .root(
            "x-amazon-apigateway-request-validators",
            json!({"all": {"validateRequestBody": true, "validateRequestParameters": true}}),
        );
    Setup::new(&document).start()
}

#[test]
fn what_does_not_fit_is_400_and_the_connection_stays() {
    let origin = Origin::answering(ok("fine"));
    let gateway = serving(&origin);
    let mut client = gateway.client();
    for _ in 0..3 {
        let answer = client.exchange(post("/test/x?q=1", r#"{"name":7}"#));
        assert_eq!((answer.status(), answer.text()), (400, INVALID.to_owned()));
        let answer = client.exchange(post("/test/x", r#"{"name":"Tom"}"#));
        let missing = r#"{"message": "Missing required request parameters: [q]"}"#;
        assert_eq!((answer.status(), answer.text()), (400, missing.to_owned()));
        let answer = client.exchange(post("/test/x?q=1", r#"{"name":"Tom"}"#));
        assert_eq!((answer.status(), answer.text()), (200, "fine".to_owned()));
        assert_eq!(origin.request().message.text(), r#"{"name":"Tom"}"#);
    }
}

/// The body is asked for only when it is to be validated.
#[test]
fn a_body_that_comes_in_pieces() {
    let origin = Origin::answering(ok("fine"));
    let gateway = serving(&origin);
    let mut client = gateway.client();
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
    };
    client.send(head("/test/x?q=1"));
    assert_eq!(client.response_to_head().status(), 100);
    client.send("9\r\n{\"name\":\"\r\n");
    client.send("5\r\nTom\"}\r\n0\r\n\r\n");
    assert_eq!(client.final_response().text(), "fine");
    assert_eq!(origin.request().message.text(), r#"{"name":"Tom"}"#);
    client.send(head("/test/x"));
    assert_eq!(client.response_to_head().status(), 400);
}
