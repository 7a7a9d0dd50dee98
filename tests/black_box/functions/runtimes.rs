//! AWS's own runtimes, unmodified: `awslambdaric` for Python, `aws-lambda-ric` for Node, and the crate `lambda_runtime` for
//! Rust. `.ci/functions` installs and builds what these tests need.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::streaming::streamed;
use super::{BAD_GATEWAY, aws_proxy};
use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::gateway::Gateway;
use crate::support::setup::{Folder, Setup};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the script has made.
#[track_caller]
fn installed(path: &str) -> PathBuf {
    let path = Path::new(ROOT).join(path);
    assert!(path.exists(), "{} is missing: run .ci/functions first", path.display());
    path
}

/// A gateway with `app.py` behind every path.
#[track_caller]
fn python(handler: &str) -> Gateway {
    let python = installed(".venv/bin/python");
    let function = format!(
        "[[function]]\nname = \"f\"\ncommand = [\"{}\", \"-m\", \"awslambdaric\", \"{handler}\"]\n\
         folder = \"{ROOT}/tests/black_box/functions/awslambdaric\"\ntimeout = 10\n",
        python.display()
    );
    Setup::new(&Document::new().method("ANY", "/{proxy+}", aws_proxy("f"))).more(&function).start()
}

#[test]
fn awslambdaric() {
    let gateway = python("app.handler");
    let mut client = gateway.client();
    let response = client.exchange(post("/test/a", "hello"));
    assert_eq!((response.status(), response.field("x-answer")), (200, Some("yes")), "{response:?}");
    let about: Value = serde_json::from_str(&response.text()).expect("JSON");
    assert_eq!((&about["path"], &about["body"]), (&"/a".into(), &"hello".into()));
    assert_eq!(about["arn"], "arn:aws:lambda:us-east-1:123456789012:function:f");
    assert_eq!((&about["version"], &about["memory"]), (&"$LATEST".into(), &"128".into()));
    let remaining = about["remaining"].as_u64().expect("a number");
    assert!((1..=10_000).contains(&remaining), "{remaining}");
    let line = gateway.stderr.wait_for("printed");
    assert!(line.contains(&format!("request_id={}", about["request_id"].as_str().expect("an id"))), "{line}");
    gateway.stderr.wait_for("logged by f");
    for _ in 0..20 {
        assert_eq!(client.exchange(get("/test/a")).status(), 200);
    }
    let failed = client.exchange(get("/test/a?do=raise"));
    assert_eq!((failed.status(), &*failed.text()), BAD_GATEWAY);
    assert!(gateway.stderr.wait_for("the function failed").contains("on purpose"));
    assert_eq!(client.exchange(get("/test/a")).status(), 200);
}

/// Its C client waits for `100 Continue` with more than a mebibyte.
#[test]
fn awslambdaric_with_a_large_body() {
    let gateway = python("app.handler");
    let body = "x".repeat(3_000_000);
    let response = gateway.client().exchange(post("/test/a", &body));
    assert_eq!(response.status(), 200);
    assert!(response.body.len() > body.len());
}

#[test]
fn awslambdaric_tells_when_it_cannot_start() {
    let gateway = python("nothing.handler");
    assert!(gateway.stderr.wait_for("the runtime cannot start").contains("nothing"));
    let response = gateway.get("/test/a");
    assert_eq!((response.status(), &*response.text()), BAD_GATEWAY);
}

/// A gateway with a function of `app.mjs` behind every path.
#[track_caller]
fn node(handler: &str, integration: Value) -> Gateway {
    let runtime = installed(".venv/node/node_modules/aws-lambda-ric/bin/index.mjs");
    let function = format!(
        "[[function]]\nname = \"f\"\ncommand = [\"node\", \"{}\", \"app.{handler}\"]\n\
         folder = \"{ROOT}/tests/black_box/functions/aws-lambda-ric\"\ntimeout = 10\n",
        runtime.display()
    );
    Setup::new(&Document::new().method("ANY", "/{proxy+}", integration)).more(&function).start()
}

#[test]
fn aws_lambda_ric() {
    let gateway = node("handler", aws_proxy("f"));
    let mut client = gateway.client();
    let response = client.exchange(post("/test/a", "hello"));
    assert_eq!((response.status(), response.field("x-answer")), (200, Some("yes")), "{response:?}");
    let about: Value = serde_json::from_str(&response.text()).expect("JSON");
    assert_eq!((&about["path"], &about["body"]), (&"/a".into(), &"hello".into()));
    assert_eq!(about["arn"], "arn:aws:lambda:us-east-1:123456789012:function:f");
    let remaining = about["remaining"].as_u64().expect("a number");
    assert!((1..=10_000).contains(&remaining), "{remaining}");
    let line = gateway.stderr.wait_for("printed");
    assert!(line.contains(&format!("request_id={}", about["request_id"].as_str().expect("an id"))), "{line}");
    for _ in 0..20 {
        assert_eq!(client.exchange(get("/test/a")).status(), 200);
    }
    let failed = client.exchange(get("/test/a?do=throw"));
    assert_eq!((failed.status(), &*failed.text()), BAD_GATEWAY);
    assert!(gateway.stderr.wait_for("the function failed").contains("on purpose"));
    assert_eq!(client.exchange(get("/test/a")).status(), 200);
}

#[test]
fn aws_lambda_ric_streams() {
    let gateway = node("streaming", streamed("f"));
    let mut client = gateway.client();
    let response = client.exchange(get("/test/a"));
    assert_eq!((response.status(), response.field("x-answer")), (203, Some("yes")), "{response:?}");
    assert!(response.values("set-cookie").eq(["a=1", "b=2"]), "{response:?}");
    let text = response.text();
    assert!(text.starts_with("first x") && text.ends_with("x last"), "{text}");
    assert_eq!(text.len(), "first ".len() + 1_000_000 + " last".len());
    // It tells of errors in trailers.
    let mut failing = gateway.client();
    failing.send(get("/test/a?do=throw"));
    assert!(failing.read("GET").is_err(), "an answer that is cut short");
    let line = gateway.stderr.wait_for("failed while it streamed its answer");
    assert!(line.contains("on purpose"), "{line}");
    assert_eq!(client.exchange(get("/test/a")).status(), 203);
}

/// The example with a port that is free.
fn example(file: &str) -> Folder {
    let folder = Folder::of(&[]);
    let path = Path::new(ROOT).join("examples/functions");
    for name in [file, "functions.yaml", "with-rust.yaml"] {
        let text =
            std::fs::read_to_string(path.join(name)).expect("text").replace("127.0.0.1:8080", "127.0.0.1:0");
        let text = text.replace("folder = \"", &format!("folder = \"{}/", path.display()));
        folder.replace(if name == file { "tidegate.toml" } else { name }, &text);
    }
    folder
}

/// What its README promises.
#[track_caller]
fn check_greeting(gateway: &Gateway, path: &str, from: &str) {
    let response = gateway.get(&format!("/prod/{path}?name=you"));
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.field("content-type"), Some("application/json"));
    let greeting: Value = serde_json::from_str(&response.text()).expect("JSON");
    assert_eq!(greeting, serde_json::json!({"message": "Hello, you!", "from": from}));
    let nobody: Value = serde_json::from_str(&gateway.get(&format!("/prod/{path}")).text()).expect("JSON");
    assert_eq!(nobody["message"], "Hello, world!");
}

#[test]
fn the_example_in_python() {
    let mut gateway = Gateway::run(example("tidegate.toml"));
    check_greeting(&gateway, "python", "hello-python");
    gateway.stderr.wait_for("greeting you");
    gateway.stop();
}

/// The crate's streams, with what they begin with.
#[test]
fn the_example_that_counts() {
    installed("examples/functions/hello-rust/target/release/count");
    let mut gateway = Gateway::run(example("with-rust.toml"));
    let mut client = gateway.client();
    let response = client.exchange(get("/prod/count?to=3"));
    assert_eq!((response.status(), response.field("content-type")), (200, Some("text/event-stream")));
    assert_eq!(response.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    let failed = client.exchange(get("/prod/count?to=many"));
    assert_eq!((failed.status(), &*failed.text()), BAD_GATEWAY);
    gateway.stop();
}

/// The crate `lambda_runtime`, with the types of `aws_lambda_events`.
#[test]
fn the_example_in_rust() {
    installed("examples/functions/hello-rust/target/release/hello");
    let mut gateway = Gateway::run(example("with-rust.toml"));
    check_greeting(&gateway, "rust", "hello-rust");
    check_greeting(&gateway, "python", "hello-python");
    let mut client = gateway.client();
    for _ in 0..100 {
        assert_eq!(client.exchange(get("/prod/rust")).status(), 200);
    }
    gateway.stop();
}
