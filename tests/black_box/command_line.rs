//! The command line: what each command prints, and its exit code.

use std::net::TcpListener;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::document::{Document, http, http_proxy, mock};
use crate::support::gateway::tidegate;
use crate::support::setup::{Folder, Setup};

fn run(command: &str, folder: &Folder) -> Output {
    tidegate(&[command, folder.main_file().to_str().expect("a path")])
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `check` must fail and name all of this.
#[track_caller]
fn check_refused(folder: &Folder, wanted: &[&str], name: &str) {
    let output = run("check", folder);
    assert_eq!(output.status.code(), Some(1), "{name}: {}", stdout(&output));
    let diagnostics = stderr(&output);
    for wanted in wanted {
        assert!(diagnostics.contains(wanted), "{name}: {wanted:?} is not in:\n{diagnostics}");
    }
}

fn good() -> Document {
    Document::new().method("GET", "/x", mock("x"))
}

#[test]
fn version_and_help() {
    for arguments in [&["version"], &["--version"]] {
        let output = tidegate(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stdout(&output), format!("tidegate {}\n", env!("CARGO_PKG_VERSION")));
    }
    let help = tidegate(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for command in ["run", "check", "routes", "render", "doctor", "version"] {
        assert!(stdout(&help).contains(command), "{}", stdout(&help));
    }
}

#[test]
fn wrong_usage() {
    let rows: [&[&str]; 8] = [
        &[],
        &["bogus"],
        &["run", "a", "b"],
        &["check", "--nonsense"],
        &["routes", "a", "b"],
        &["doctor", "a", "b"],
        &["version", "a"],
        &["-x"],
    ];
    for arguments in rows {
        let output = tidegate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?} is explained");
    }
}

#[test]
fn a_file_that_is_not_there() {
    for command in ["run", "check", "routes"] {
        let output = tidegate(&[command, "/nonexistent/tidegate.toml"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(stderr(&output).contains("/nonexistent/tidegate.toml"), "{command}: {}", stderr(&output));
    }
}

/// `render` of a template, for this event, with this context.
fn render(template: &str, event: &str, context: Option<&str>) -> Output {
    let files = [("t.vm", template), ("event.json", event), ("context.json", context.unwrap_or("{}"))];
    let folder = Folder::of(&files);
    let path = |name: &str| folder.path(name).to_str().expect("a path").to_owned();
    let (template, event, context_file) = (path("t.vm"), path("event.json"), path("context.json"));
    let mut arguments = vec!["render", "--template", &template, "--event", &event];
    if context.is_some() {
        arguments.extend(["--context", &context_file]);
    }
    tidegate(&arguments)
}

#[test]
fn render_prints_what_a_template_makes_of_an_event() {
    let event = r#"{"body": {"a": [1]}, "pathParameters": {"id": "7"}, "headers": {"X-In": "h"},
        "queryStringParameters": null, "stageVariables": {"tier": "gold"}, "requestContext": {"identity": {"sourceIp": "::1"}}}"#;
    let template = "#set($context.responseOverride.status = 404)\n$input.json('$.a') $input.params('id') \
                    $input.params('x-in') $stageVariables.tier $context.identity.sourceIp|";
    let output = render(template, event, None);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), "[1] 7 h gold ::1|".to_owned()));
    assert_eq!(stderr(&output), "$context.responseOverride.status = 404\n");
    let output = render(template, event, Some(r#"{"identity": {"sourceIp": "9.9.9.9"}}"#));
    assert_eq!(stdout(&output), "[1] 7 h gold 9.9.9.9|");
}

#[test]
fn render_says_where_a_template_is_wrong_or_fails() {
    for (template, event, place, message) in [
        ("a\n  #if($x", "{}", "t.vm:2:9", "not a mapping template: expected `)`"),
        (
            "a\n$input.path('$.l').get(3)",
            r#"{"body": "{\"l\": []}"}"#,
            "t.vm:2:20",
            "index 3 is out of bounds",
        ),
        ("$input.path('$')", r#"{"body": "{a"}"#, "t.vm:1:8", "this is not JSON"),
        ("x", "{\n  \"bdy\": 1}", "event.json:2:3", "did you mean `body`?"),
        ("x", "{\n  body}", "event.json:2:3", "not JSON"),
        ("x", "[]", "event.json:1:1", "this is not a JSON object"),
    ] {
        let output = render(template, event, None);
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()), "{template}");
        let shown = stderr(&output);
        assert!(shown.contains(place) && shown.contains(message), "{template} {place}: {shown}");
    }
}

#[test]
fn doctor_looks_at_the_machine() {
    let output = tidegate(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let report = stdout(&output).to_ascii_lowercase();
    for wanted in ["kernel", "io_uring", "locked memory", "file", "cpu"] {
        assert!(report.contains(wanted), "{wanted} is not in:\n{report}");
    }
}

#[test]
fn check_is_quiet_about_a_good_file() {
    let folder = Setup::new(&good()).admin().write();
    let output = run("check", &folder);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn check_reports_everything_at_once() {
    let document = Document::new().method("GET", "/x", json!({"type": "mok"})).method(
        "GET",
        "/y",
        json!({"type": "http_proxy"}),
    );
    let setup = Setup::new(&document).limits("payload_byts = 5").stage("nonsense = 1");
    let wanted = [
        "payload_byts",
        "payload_bytes",
        "nonsense",
        "mok",
        "httpMethod",
        "uri",
        "tidegate.toml:",
        "api.json:",
    ];
    check_refused(&setup.write(), &wanted, "several errors");
}

#[test]
fn errors_name_file_line_and_help() {
    let base = Setup::new(&good());
    let rows = [
        ("misspelt section", base.text() + "[lmits]\n", vec!["unknown", "lmits", "did you mean", "limits"]),
        ("no TOML", "[[listener\n".to_owned(), vec!["tidegate.toml:1"]),
        ("no API", "[[listener]]\naddress = \"127.0.0.1:0\"\n".to_owned(), vec!["api"]),
        ("no listener", base.text().replace("[[listener]]\naddress = \"127.0.0.1:0\"", ""), vec!["listener"]),
        (
            "bad address",
            base.text().replace("127.0.0.1:0", "localhost"),
            vec!["tidegate.toml:5", "localhost"],
        ),
        ("bad stage name", base.text().replace("\"test\"", "\"te st\""), vec!["te st"]),
        ("missing definition", base.text().replace("api.json", "none.json"), vec!["none.json"]),
        (
            "unknown API of a domain",
            base.text()
                + "[[domain]]\nname = \"a.b\"\nmapping = [ { path = \"\", api = \"apo\", stage = \"test\" } ]\n",
            vec!["apo", "did you mean", "api"],
        ),
        (
            "limit out of range",
            base.text().replace("[limits]", "[limits]\nheader_fields = 0"),
            vec!["tidegate.toml:8"],
        ),
        ("wrong type", base.text().replace("shards = 1", "shards = true"), vec!["tidegate.toml:2", "shards"]),
    ];
    for (name, text, wanted) in rows {
        let folder = base.write();
        folder.replace("tidegate.toml", &text);
        check_refused(&folder, &wanted, name);
    }
}

const NOT_YET: &str = "not supported yet";

/// Each must be refused by name and place, never ignored.
#[test]
fn keys_of_the_file_that_are_not_supported_yet() {
    let base = Setup::new(&good());
    check_refused(
        &base.clone().stage("tracing = true").write(),
        &["tracing", NOT_YET, "tidegate.toml:"],
        "tracing",
    );
    for (name, text) in [
        ("HTTP", base.text().replace("id = \"api\"", "id = \"api\"\ntype = \"HTTP\"")),
        ("WEBSOCKET", base.text().replace("id = \"api\"", "id = \"api\"\ntype = \"WEBSOCKET\"")),
    ] {
        let folder = base.write();
        folder.replace("tidegate.toml", &text);
        check_refused(&folder, &[NOT_YET, "tidegate.toml:"], name);
    }
}

#[test]
fn features_of_documents_that_are_not_supported_yet() {
    let change = |pointer: &str, value: Value| {
        let mut document: Value = serde_json::from_str(&good().text()).expect("JSON");
        let (place, key) = pointer.rsplit_once('/').expect("a pointer");
        document.pointer_mut(place).expect("there")[key] = value;
        document
    };
    let integration = "/paths/~1x/get/x-amazon-apigateway-integration";
    let rows = [
        (
            "aws_proxy",
            change(
                integration,
                json!({"type": "aws_proxy", "httpMethod": "POST", "uri": "arn:aws:apigateway:us-east-1:firehose:action/PutRecord"}),
            ),
        ),
        (
            "VPC_LINK",
            change(integration, {
                let mut it = http_proxy("GET", "http://a/");
                it["connectionType"] = "VPC_LINK".into();
                it
            }),
        ),
        (
            "credentials",
            change(integration, {
                let mut it = http("GET", "http://a/");
                it["credentials"] = "arn:aws:iam::123456789012:role/r".into();
                it
            }),
        ),
    ];
    for (name, document) in rows {
        let folder = Setup::new(&good()).write();
        folder.replace("api.json", &format!("{document:#}"));
        check_refused(&folder, &[NOT_YET, "api.json:"], name);
    }
}

#[test]
fn security_schemes_that_are_not_known_are_refused() {
    let schemes = json!({
        "other_key": {"type": "apiKey", "name": "x-key", "in": "header"},
    });
    let scheme = "other_key";
    let mut document: Value = serde_json::from_str(&good().text()).expect("JSON");
    document["components"] = json!({"securitySchemes": schemes});
    document["paths"]["/x"]["get"]["security"] = json!([{scheme: []}]);
    let folder = Setup::new(&good()).write();
    folder.replace("api.json", &format!("{document:#}"));
    check_refused(&folder, &[NOT_YET, scheme], scheme);
}

#[test]
fn routes_shows_every_method() {
    let document = Document::new()
        .method("GET", "/pets/{petId}", http_proxy("ANY", "http://backend.example:8000/pets"))
        .method("OPTIONS", "/pets", mock(""))
        .method("ANY", "/{proxy+}", http("POST", "http://backend.example/"));
    let output = run("routes", &Setup::new(&document).write());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    for (method, path, integration) in [
        ("GET", "/pets/{petId}", "backend.example:8000"),
        ("OPTIONS", "/pets", "MOCK"),
        ("ANY", "/{proxy+}", "POST"),
    ] {
        let row = |line: &&str| line.starts_with(method) && line.contains(path) && line.contains(integration);
        assert!(table.lines().any(|line| row(&line)), "{method} {path} {integration} is not in:\n{table}");
    }
    assert!(table.contains("api") && table.contains("test"), "API and stage are named:\n{table}");
}

#[test]
fn run_refuses_a_bad_file() {
    let folder = Setup::new(&good()).more("[nonsense]\n").write();
    for command in ["run", "routes"] {
        let output = run(command, &folder);
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()), "{command}");
        assert!(stderr(&output).contains("nonsense"), "{command}: {}", stderr(&output));
    }
}

#[test]
fn run_says_when_an_address_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = taken.local_addr().expect("address").to_string();
    let output = run("run", &Setup::new(&good()).listener(&address).write());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn several_listeners_are_all_announced_and_served() {
    let more = "[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"[::1]:0\"\n";
    let gateway = Setup::new(&good()).shards(2).more(more).start();
    gateway.stdout.wait_for("listening on http://[::1]:");
    let addresses: Vec<std::net::SocketAddr> = gateway
        .stdout
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("listening on http://")?.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(addresses.len(), 3, "{}", gateway.stdout.text());
    for address in addresses {
        let mut client = crate::support::client::Client::connect(address);
        assert_eq!(client.exchange(crate::support::client::get("/test/x")).text(), "x", "{address}");
    }
}
