//! The crate that Rust functions read events with: our events lose nothing in its types and have all that its fixtures have,
//! and the answers of its fixtures are taken.

use aws_lambda_events::event::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use serde_json::{Map, Value};
use tidegate_core::lambda::result::ProxyResult;

use crate::sources::crate_folder;
use crate::to_function::event;

/// A request with something in every member.
const FULL: &str = "POST /prod/pets/7/toys/ball?x=1&x=2&y=%C3%A9 HTTP/1.1\nHost: api.example.com\nX-Twice: 1\nX-Twice: 2\n\
                    User-Agent: test\nContent-Type: text/plain\nContent-Length: 5\n\nhello";

fn fixture(name: &str) -> Value {
    let path = crate_folder("aws_lambda_events").join("src/fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// Everything that `ours` says is in `theirs`; names of headers are compared without case, as they read them.
#[track_caller]
fn check_kept(at: &str, ours: &Value, theirs: &Value) {
    match ours {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                let kept = theirs.get(name).or_else(|| theirs.get(name.to_ascii_lowercase()));
                match kept {
                    Some(kept) => check_kept(&format!("{at}.{name}"), value, kept),
                    None => assert_eq!(value, &Value::Null, "{at}.{name} is lost"),
                }
            }
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}

#[test]
fn its_types_lose_nothing() {
    let get = FULL.replace("POST", "GET").replace("\nContent-Length: 5\n\nhello", "");
    let text = FULL.replace("/pets/7/toys/ball", "/any/where");
    let image = text.replace("text/plain", "image/png");
    for request in [
        get.as_str(),
        &text,
        &image,
        "GET /prod/tier HTTP/1.1\nHost: a",
        "HEAD /prod/a//b/?=%ff HTTP/1.0\n\n",
    ] {
        let ours = event(request);
        assert_eq!(ours["body"].is_string(), request.starts_with("POST"), "{ours}");
        let read: ApiGatewayProxyRequest = serde_json::from_value(ours.clone()).expect("its type");
        check_kept("event", &ours, &serde_json::to_value(&read).expect("JSON"));
    }
}

fn names(value: &Value, without: &[&str]) -> Vec<String> {
    let members: &Map<_, _> = value.as_object().expect("an object");
    members.keys().filter(|name| !without.contains(&name.as_str())).cloned().collect()
}

/// What only authorizers, keys of an API or CloudFront put in is not expected.
#[test]
fn its_fixtures_have_nothing_that_we_do_not() {
    let ours = event(&FULL.replace("POST", "GET").replace("\nContent-Length: 5\n\nhello", ""));
    for name in ["example-apigw-request.json", "example-apigw-restapi-openapi-request.json"] {
        let theirs = fixture(name);
        for member in names(&theirs, &[]) {
            assert!(ours.get(&member).is_some(), "{name}: {member}");
        }
        for member in names(&theirs["requestContext"], &["authorizer"]) {
            assert!(ours["requestContext"].get(&member).is_some(), "{name}: requestContext.{member}");
        }
        for member in names(&theirs["requestContext"]["identity"], &["apiKey", "apiKeyId", "clientCert"]) {
            assert!(ours["requestContext"]["identity"].get(&member).is_some(), "{name}: identity.{member}");
        }
    }
}

#[test]
fn its_answers_are_taken() {
    let theirs = fixture("example-apigw-response.json");
    let text = theirs.to_string();
    let result = ProxyResult::read(text.as_bytes()).expect("an answer");
    assert_eq!((result.status, &*result.body), (200, "Hello World"));
    assert_eq!(result.headers.len(), 17, "each once, though both maps have them");
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = 201;
    let text = serde_json::to_string(&answer).expect("JSON");
    assert_eq!(ProxyResult::read(text.as_bytes()).expect("an answer").status, 201);
}
