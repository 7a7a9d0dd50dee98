//! Methods with AWS_IAM, called by botocore; bodies, denials in the log, and reloads of secrets.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::document::Document;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const PRINCIPALS: &str = r#"
[[principal]]
access_key_id = "AKIDEXAMPLEEXAMPLE"
secret_access_key_file = "alice.secret"
arn = "arn:aws:iam::123456789012:user/alice"
policy = "alice.json"

[[principal]]
access_key_id = "ASIASESSIONSESSION"
secret_access_key = "session-secret-session-secret"
arn = "arn:aws:sts::123456789012:assumed-role/ci/job"
policy = "alice.json"
session = { token = "token/with+odd=characters" }
"#;

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:us-east-1:123456789012:api/test/*"},
    {"Sid": "Secret", "Effect": "Deny", "Action": "execute-api:*", "Resource": "arn:aws:execute-api:*:*:*/secret*"}]}"#;

/// Every path goes to the origin, if it is signed.
fn start(origin: &Origin) -> Gateway {
    let document = Document::new().pass_all(origin.address).aws_iam("ANY", "/{proxy+}");
    let folder = Setup::new(&document).more(PRINCIPALS).write();
    folder.replace("alice.secret", &format!("{SECRET}\n"));
    folder.replace("alice.json", POLICY);
    Gateway::run(folder)
}

/// What botocore gets for these requests. `.ci/run` installs it.
#[track_caller]
fn botocore(requests: &[Value]) -> Vec<(u16, String, String)> {
    let root = env!("CARGO_MANIFEST_DIR");
    let python = format!("{root}/.venv/bin/python");
    let mut child = Command::new(&python)
        .arg(format!("{root}/tests/black_box/botocore_driver.py"))
        .env("no_proxy", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}; .ci/run installs it"));
    let input = Value::Array(requests.to_vec()).to_string();
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "botocore failed");
    let answers: Vec<(u16, Option<String>, String)> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answers.len(), requests.len());
    answers.into_iter().map(|(status, kind, body)| (status, kind.unwrap_or_default(), body)).collect()
}

/// A request of alice with further members.
fn request(gateway: &Gateway, method: &str, target: &str, more: Value) -> Value {
    let mut request = json!({
        "method": method,
        "url": format!("http://{}/test{target}", gateway.address),
        "region": "us-east-1",
        "key": "AKIDEXAMPLEEXAMPLE",
        "secret": SECRET,
    });
    let more = more.as_object().expect("members").clone();
    request.as_object_mut().expect("members").extend(more);
    request
}

#[test]
fn what_botocore_signs_is_served() {
    let origin = Origin::answering(ok("served"));
    let gateway = start(&origin);
    let mut requests = Vec::new();
    for presigned in [false, true] {
        for method in ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"] {
            requests.push(request(&gateway, method, "/a", json!({"presigned": presigned})));
        }
        for target in [
            "/a/",
            "//a",
            "/a//b",
            "/a/b//",
            "/a%20b",
            "/a%2Fb",
            "/%41",
            "/a+b",
            "/a:b@c",
            "/a,b=d",
            "/a'b(c)*!",
            "/~a-b_c.d",
            "/$a&b",
            "/caf%C3%A9",
            "/%E2%82%AC/%F0%9F%98%80",
            "/a%25b",
            "/a?",
            "/a?b",
            "/a?b=",
            "/a?b=1&b=2&b=1",
            "/a?b=2&a=1&B=3",
            "/a?b&a&c=",
            "/a?x=%20y&z=%2B",
            "/a?k=%C3%A9&%E2%82%AC=1",
            "/a?a=b%3Dc&d=e%26f",
            "/a?-._~=-._~",
            "/...",
            "/.a/b..",
        ] {
            requests.push(request(&gateway, "GET", target, json!({"presigned": presigned})));
        }
        requests.push(request(
            &gateway,
            "GET",
            "/a",
            json!({"presigned": presigned, "params": {"é": "ü €", "b": "a b+c&d=e", "": "x"}}),
        ));
        let token = json!({"presigned": presigned, "key": "ASIASESSIONSESSION", "secret": "session-secret-session-secret", "token": "token/with+odd=characters"});
        requests.push(request(&gateway, "GET", "/session", token));
    }
    // With a signature in a field, botocore takes the query as it stands; the canonical form is that which encodes these.
    for target in ["/a?x=a/b:c@d", "/a?a=%7E&b=*"] {
        requests.push(request(&gateway, "GET", target, json!({"presigned": true})));
    }
    for headers in [
        json!({"X-Multi": "a, b,c"}),
        json!({"X-Spaces": "  a   b  "}),
        json!({"X-Quotes": "\"a  b\""}),
        json!({"X-Empty": ""}),
        json!({"Content-Type": "application/json; charset=utf-8", "X-Amz-Meta": "1"}),
        json!({"x-LOWER-Upper": "Case", "A": "1", "B": "2"}),
    ] {
        requests.push(request(&gateway, "GET", "/a", json!({"headers": headers})));
    }
    let large = "x".repeat(300_000);
    for body in ["", "hello", "{\"a\": \"ü €\"}", "a=b&c=d", large.as_str()] {
        requests.push(request(&gateway, "POST", "/a", json!({"body": body})));
        requests.push(request(&gateway, "PUT", "/a?x=1", json!({"body": body, "unsigned_payload": true})));
    }
    let answers = requests.iter().zip(botocore(&requests));
    let wrong: Vec<_> =
        answers.filter(|(_, answer)| (answer.0, answer.2.as_str()) != (200, "served")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(origin.whole(), requests.len());
}

#[test]
fn bodies_arrive_as_they_were_sent() {
    let origin = Origin::answering(ok(""));
    let gateway = start(&origin);
    let large = "0123456789".repeat(100_000);
    for (body, unsigned) in [("hello", false), (large.as_str(), false), (large.as_str(), true), ("", false)] {
        let sent = request(&gateway, "PUT", "/a", json!({"body": body, "unsigned_payload": unsigned}));
        let answers = botocore(std::slice::from_ref(&sent));
        assert_eq!(answers[0].0, 200);
        let received = origin.request().message;
        assert_eq!(received.body.len(), body.len());
        assert!(received.body == body.as_bytes(), "the content differs");
        assert_eq!(received.field("authorization"), None);
        assert!(received.field("x-amz-date").is_some());
    }
}

#[test]
fn what_was_changed_on_the_way_is_refused() {
    let origin = Origin::answering(ok("served"));
    let gateway = start(&origin);
    let invalid = "InvalidSignatureException";
    let rows = [
        ("GET", "/a?x=1", json!({"change": {"url": ["x=1", "x=2"]}}), invalid),
        ("GET", "/a?x=1", json!({"change": {"url": ["/a?", "/b?"]}}), invalid),
        ("GET", "/a", json!({"change": {"method": "DELETE"}}), invalid),
        ("POST", "/a", json!({"body": "hello", "change": {"body": "hellO"}}), invalid),
        ("GET", "/a", json!({"presigned": true, "change": {"url": ["/a?", "/b?"]}}), invalid),
        (
            "GET",
            "/a",
            json!({"presigned": true, "change": {"url": ["X-Amz-Expires=60", "X-Amz-Expires=6000"]}}),
            invalid,
        ),
        ("GET", "/a", json!({"secret": "another secret"}), invalid),
        ("GET", "/a", json!({"region": "eu-west-1"}), invalid),
        ("GET", "/a", json!({"key": "AKIDNOBODYNOBODYNO"}), "UnrecognizedClientException"),
        ("GET", "/a", json!({"token": "a token"}), "UnrecognizedClientException"),
        (
            "GET",
            "/a",
            json!({"key": "ASIASESSIONSESSION", "secret": "session-secret-session-secret"}),
            "UnrecognizedClientException",
        ),
        ("GET", "/secret/1", json!({}), "AccessDeniedException"),
    ];
    let requests: Vec<Value> = rows
        .iter()
        .map(|(method, target, more, _)| request(&gateway, method, target, more.clone()))
        .collect();
    for ((row, request), answer) in rows.iter().zip(&requests).zip(botocore(&requests)) {
        assert_eq!((answer.0, answer.1.as_str()), (403, row.3), "{request}: {}", answer.2);
    }
    assert_eq!(origin.heads(), 0, "nothing reached the backend");
    let denial = gateway.stderr.wait_for("denied request_id=");
    assert!(denial.contains("InvalidSignatureException"), "{denial}");
    let denial = gateway.stderr.wait_for("statement 2 (Secret) of the caller's policy denies");
    assert!(denial.contains("caller=\"arn:aws:iam::123456789012:user/alice\""), "{denial}");
    assert!(!gateway.stderr.text().contains(SECRET));
}

#[test]
fn a_reload_takes_another_secret() {
    let origin = Origin::answering(ok("served"));
    let gateway = start(&origin);
    let old = request(&gateway, "GET", "/a", json!({}));
    assert_eq!(botocore(std::slice::from_ref(&old))[0].0, 200);
    gateway.folder.replace("alice.secret", "rolled over");
    gateway.signal("HUP");
    gateway.stderr.wait_for("reloaded");
    let new = request(&gateway, "GET", "/a", json!({"secret": "rolled over"}));
    let answers = botocore(&[old, new]);
    assert_eq!((answers[0].0, answers[1].0), (403, 200));
}
