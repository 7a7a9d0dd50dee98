//! Mapping templates in the running gateway: bodies of both sides read whole, in pieces, up to the limit.

use serde_json::{Value, json};

use crate::support::client::{get, post};
use crate::support::document::{Document, http};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

fn integration(origin: &Origin, request: Value, response: Value) -> Value {
    let mut integration = http("POST", format!("http://{}/y", origin.address));
    integration["requestTemplates"] = request;
    integration["responses"]["default"]["responseTemplates"] = response;
    integration
}

fn serving(origin: &Origin, request: Value, response: Value) -> Gateway {
    Setup::new(&Document::new().method("POST", "/x", integration(origin, request, response))).start()
}

#[test]
fn both_bodies_are_translated() {
    let origin = Origin::answering(ok(r#"{"pets":[{"name":"Tom"},{"name":"Jerry"}]}"#));
    let gateway = serving(
        &origin,
        json!({"application/json": "#set($all = $input.path('$'))<$all.name stage=\"$context.stage\"/>"}),
        json!({"application/json": "[#foreach($pet in $input.path('$.pets'))\"$pet.name\"#if($foreach.hasNext),#end#end]"}),
    );
    let mut client = gateway.client();
    for _ in 0..3 {
        let answer = client.exchange(post("/test/x", r#"{"name":"Ann"}"#));
        assert_eq!((answer.status(), answer.text()), (200, r#"["Tom","Jerry"]"#.to_owned()));
        assert_eq!(origin.request().message.text(), r#"<Ann stage="test"/>"#);
    }
}

#[test]
fn a_body_that_comes_in_pieces_and_chunks_is_read_whole() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n6\r\na\":12}\r\n0\r\n\r\n",
    );
    let template = json!({"application/json": "$input.path('$.a')"});
    let gateway = serving(&origin, template.clone(), template);
    let mut client = gateway.client();
    let head =
        "POST /test/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head);
    assert_eq!(client.response_to_head().status(), 100);
    client.send("3\r\n{\"a\r\n");
    client.send("4\r\n\":7}\r\n0\r\n\r\n");
    let answer = client.final_response();
    assert_eq!((answer.status(), answer.text()), (200, "12".to_owned()));
    assert_eq!(origin.request().message.text(), "7");
}

#[test]
fn a_large_answer_is_read_to_the_limit() {
    let text = "x".repeat(3_000_000);
    let origin = Origin::answering(ok(&format!("{{\"a\":\"{text}\"}}")));
    let gateway = serving(
        &origin,
        json!({}),
        json!({"application/json": "$input.path('$.a').length() $input.body.length()"}),
    );
    let answer = gateway.client().exchange(post("/test/x", "{}"));
    assert_eq!((answer.status(), answer.text()), (200, "3000000 3000008".to_owned()));
    let endless = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        format!("{:x}\r\n{text}\r\n", text.len()).repeat(4)
    );
    let origin = Origin::answering(endless);
    let gateway = serving(&origin, json!({}), json!({"application/json": "$input.body"}));
    let answer = gateway.client().exchange(post("/test/x", "{}"));
    assert_eq!((answer.status(), answer.text()), (500, r#"{"message": "Internal server error"}"#.to_owned()));
}

#[test]
fn a_template_that_fails_is_500_and_the_connection_stays() {
    let origin = Origin::answering(ok("[]"));
    let gateway = serving(&origin, json!({}), json!({"application/json": "$input.path('$').get(7)"}));
    let mut client = gateway.client();
    for _ in 0..2 {
        let answer = client.exchange(post("/test/x", "{}"));
        assert_eq!(
            (answer.status(), answer.text()),
            (500, r#"{"message": "Internal server error"}"#.to_owned())
        );
    }
    assert_eq!(client.exchange(get("/nowhere")).status(), 403);
}
