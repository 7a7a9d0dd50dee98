//! Lambda authorizers whose function is at AWS, played by an origin of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::document::{Document, http_proxy, mock};
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::pattern;
use crate::support::setup::Setup;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const FAULT: (u16, &str) = (500, r#"{"message":null}"#);

/// The Lambda API: the function does what the token says, and says how often it has been asked.
fn lambda() -> Origin {
    let asked = AtomicUsize::new(0);
    Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            let event: Value = serde_json::from_slice(&request.body).expect("an event");
            let token = event["authorizationToken"].as_str().expect("a token");
            let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let answer = answer(token, count);
            // A lie ends with the connection.
            if peer.send(&answer).is_err() || token == "lie" {
                break;
            }
        }
    })
}

fn answer(token: &str, count: usize) -> String {
    let statement = json!({"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    let grant =
        json!({"principalId": token, "policyDocument": policy, "context": {"count": count}}).to_string();
    let says =
        |head: &str, body: &str| format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    match token {
        "unknown" => says("200 OK\r\nX-Amz-Function-Error: Unhandled", r#"{"errorMessage":"Unauthorized"}"#),
        "throttled" => says("429 Too Many Requests", r#"{"Type":"User"}"#),
        "large" => ok(&"x".repeat(1 << 20)),
        "lie" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"principalId\":".to_owned(),
        "slow" => {
            std::thread::sleep(std::time::Duration::from_millis(300));
            ok(&grant)
        }
        _ => ok(&grant),
    }
}

/// `/who` answers by itself, `/pass` is the backend's; nothing is remembered for `/fresh`.
fn setup(lambda: &str, backend: &str) -> Setup {
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:who:live/invocations";
    let document = Document::new()
        .authorizer("lambda", json!({"type": "token", "authorizerUri": uri}))
        .authorizer(
            "fresh",
            json!({"type": "token", "authorizerUri": uri, "authorizerResultTtlInSeconds": 0}),
        )
        .method("GET", "/who", mock("$context.authorizer.principalId $context.authorizer.count"))
        .secured("GET", "/who", "lambda", &[])
        .method("POST", "/pass", http_proxy("POST", format!("http://{backend}/")))
        .secured("POST", "/pass", "fresh", &[]);
    Setup::new(&document).more(&format!("[aws]\nendpoint_url = \"http://{lambda}\"\n"))
}

fn start(lambda: &str, backend: &str) -> Gateway {
    Gateway::run_with(setup(lambda, backend).write().into(), &KEYS)
}

fn get(token: &str) -> String {
    format!("GET /test/who HTTP/1.1\r\nHost: gateway\r\nAuthorization: {token}\r\n\r\n")
}

fn told(response: &Message) -> (u16, String) {
    (response.status(), response.text())
}

#[track_caller]
fn check(client: &mut Client, token: &str, want: (u16, &str)) {
    let (status, text) = told(&client.exchange(get(token)));
    assert_eq!((status, &*text), want, "{token}");
}

#[test]
fn the_lambda_api_says_who_may_call() {
    let lambda = lambda();
    let gateway = start(&lambda.address.to_string(), &nobody().to_string());
    let mut client = gateway.client();
    check(&mut client, "alice", (200, "alice 1"));
    check(&mut client, "alice", (200, "alice 1"));
    let asked = lambda.request().message;
    let path = "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:who:live/invocations";
    assert_eq!((asked.method(), asked.target()), ("POST", path));
    let signed = asked.field("authorization").expect("signed");
    assert!(signed.contains("/us-east-1/lambda/aws4_request"), "{signed}");
    check(&mut client, "unknown", (401, r#"{"message":"Unauthorized"}"#));
    check(&mut client, "throttled", FAULT);
    check(&mut client, "large", FAULT);
    check(&mut client, "lie", FAULT);
    check(&mut client, "bob", (200, "bob 6"));
    for rule in
        ["the Lambda API has answered 429", "its answer is too large", "the Lambda API cannot be reached"]
    {
        let line = gateway.stderr.wait_for(rule);
        assert!(line.contains("denied request_id=") && !line.contains("throttled"), "{line}");
    }
}

/// Between two calls of the API the backend is called, and each keeps its connection.
#[test]
fn bodies_go_to_the_backend_and_connections_are_kept() {
    let (lambda, backend) = (lambda(), Origin::replying(|request| ok(&request.body.len().to_string())));
    let gateway = start(&lambda.address.to_string(), &backend.address.to_string());
    let mut client = gateway.client();
    for (turn, length) in [0, 5, 400_000, 5].into_iter().enumerate() {
        let head = format!(
            "POST /test/pass HTTP/1.1\r\nHost: gateway\r\nAuthorization: alice\r\nContent-Length: {length}\r\n\r\n"
        );
        client.send([head.as_bytes(), &pattern(length)].concat());
        assert_eq!(told(&client.response()), (200, length.to_string()));
        assert_eq!(lambda.heads(), turn + 1, "it is asked each time");
        assert!(backend.request().message.body == pattern(length), "the content differs");
    }
    assert_eq!((lambda.connections(), backend.connections()), (1, 1));
}

#[test]
fn of_many_requests_at_once_one_asks() {
    let lambda = lambda();
    let gateway = start(&lambda.address.to_string(), &nobody().to_string());
    let mut clients: Vec<Client> = (0..20).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(get("slow"));
    }
    let answers: Vec<_> = clients.iter_mut().map(|client| told(&client.response())).collect();
    assert_eq!(answers, vec![(200, "slow 1".to_owned()); 20]);
    assert_eq!(lambda.heads(), 1);
}

#[test]
fn the_lambda_api_is_away() {
    let gateway = start(&nobody().to_string(), &nobody().to_string());
    check(&mut gateway.client(), "alice", FAULT);
    gateway.stderr.wait_for("the Lambda API cannot be reached");
}
