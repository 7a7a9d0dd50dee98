//! `[[function]]`, and integrations of the type `aws_proxy`.

use tidegate_config::routes_table;
use tidegate_core::aws::CredentialsSource;
use tidegate_core::integration::{FunctionPlace, Integration, LambdaKind};
use tidegate_core::plan::{FunctionId, User};

use crate::{Folder, TOML, file_findings};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function";
const HELLO: &str = "[[function]]\nname = \"hello\"\ncommand = [\"python3\", \"app.py\"]\n";

fn uri(function: &str) -> String {
    format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations")
}

/// A document whose only method invokes `function`; `more` is added to the integration.
fn document(function: &str, more: &str) -> String {
    format!(
        "openapi: 3.0.1\npaths:\n  /:\n    get:\n      x-amazon-apigateway-integration:\n        type: aws_proxy\n\
        \x20       httpMethod: POST\n        uri: {}\n{more}",
        uri(function)
    )
}

fn folder(toml: &str, document: &str) -> Folder {
    Folder::new(&[("tidegate.toml", &format!("{TOML}{toml}")), ("api.yaml", document), ("program", "")])
}

#[track_caller]
fn findings(toml: &str, document: &str) -> String {
    let folder = folder(toml, document);
    match folder.load() {
        Ok(loaded) => folder.text(&loaded.warnings),
        Err(findings) => folder.text(&findings),
    }
}

#[test]
fn a_function_with_everything() {
    let toml = "[[function]]\nname = \"hello\"\ncommand = [\"./program\", \"-x\"]\nfolder = \".\"\nconcurrency = 4\nqueue = 7\n\
                timeout = 20\nuser = \"10:20\"\nmemory = \"512 MiB\"\nfiles = 64\nenvironment = { TABLE = \"pets\" }\n";
    let loaded = folder(toml, &document(&format!("{ARN}:hello:prod"), "")).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let function = &loaded.plan.functions[0];
    assert!(function.command[0].ends_with("/program") && function.command[0].starts_with('/'));
    assert_eq!((function.concurrency, function.queue, function.timeout_ms), (4, 7, 20_000));
    assert_eq!(function.user, Some(User { id: 10, group: 20 }));
    assert_eq!((function.memory_mib, function.files), (Some(512), 64));
    assert_eq!(function.environment, [("TABLE".to_owned(), "pets".to_owned())]);
    let Integration::Lambda(lambda) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
    assert!(matches!(lambda.place, FunctionPlace::Here(FunctionId(0))));
    assert_eq!(&*lambda.invoked_arn, format!("{ARN}:hello:prod"));
    let table = routes_table(&loaded);
    assert!(table.contains(&format!("AWS_PROXY {ARN}:hello:prod timeout 29 s")), "{table}");
    assert!(!format!("{:?}", loaded.plan).contains("TABLE"));
}

#[test]
fn defaults() {
    let loaded = folder(HELLO, &document(&format!("{ARN}:hello"), "")).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    let function = &loaded.plan.functions[0];
    assert_eq!(
        (function.concurrency, function.queue, function.timeout_ms, function.files),
        (1, 100, 3000, 1024)
    );
    assert_eq!((function.user, function.memory_mib), (None, None));
    assert!(function.folder.starts_with('/'), "{}", function.folder);
}

/// `more` is added to a function; the finding is the first.
#[track_caller]
fn check(more: &str, want: &str) {
    let text = file_findings(&format!("{TOML}[[function]]\n{more}"));
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with(want), "{more}: {text}");
}

#[test]
fn what_is_wrong_with_functions() {
    check("command = [\"x\"]", "10:1: error: `name` is missing");
    check("name = \"hello\"", "10:1: error: `command` is missing");
    let name = "11:8: error: a function's name has 1 to 64 of the characters A-Z a-z 0-9 - _";
    for wrong in ["", "a b", "a:", "a:b:c", "a.b", &"x".repeat(65)] {
        check(&format!("name = \"{wrong}\"\ncommand = [\"x\"]"), name);
    }
    check("name = \"a\"\ncommand = []", "12:11: error: the command is empty");
    check("name = \"a\"\ncommand = [\"\"]", "12:11: error: the command is empty");
    check("name = \"a\"\ncommand = [\"./nothing\"]", "12:12: error: there is no program ");
    let rest = "name = \"a\"\ncommand = [\"x\"]\n";
    check(&format!("{rest}folder = \"nowhere\""), "13:10: error: there is no folder ");
    check(&format!("{rest}concurrency = 0"), "13:15: error: expected an integer from 1 to 256");
    check(&format!("{rest}timeout = 901"), "13:11: error: expected an integer from 1 to 900");
    check(&format!("{rest}queue = -1"), "13:9: error: expected an integer from 0 to 100000");
    check(&format!("{rest}memory = \"1 KiB\""), "13:10: error: expected an integer from 16777216 to ");
    check(&format!("{rest}user = \"no such user\""), "13:8: error: there is no user `no such user`");
    check(
        &format!("{rest}environment = {{ AWS_LAMBDA_RUNTIME_API = \"x\" }}"),
        "13:17: error: `AWS_LAMBDA_RUNTIME_API` is set by the gateway",
    );
    check(&format!("{rest}timout = 3"), "13:1: error: unknown key `timout` | did you mean `timeout`?");
    check(&format!("{rest}[[function]]\n{rest}"), "14:8: error: the function `a` stands twice");
    check(rest, "10:1: warning: nothing invokes the function `a`; it runs anyway");
}

#[test]
fn no_finding_shows_an_environment() {
    let folder = folder(
        &format!("{HELLO}environment = {{ PASSWORD = \"hunter2\", X = 1 }}\n"),
        &document(&format!("{ARN}:hello"), ""),
    );
    let findings = folder.load().expect_err("a number is no text");
    let rendered = findings.render(false);
    assert!(rendered.contains("expected a text"), "{rendered}");
    assert!(!rendered.contains("hunter2"), "{rendered}");
}

#[test]
fn a_function_that_is_not_here_is_refused_by_name() {
    assert_eq!(findings(HELLO, &document(&format!("{ARN}:hello"), "")), "");
    let text = findings(HELLO, &document(&format!("{ARN}:helo"), ""));
    assert!(
        text.starts_with(&format!(
            "api.yaml:8:14: error: no [[function]] is {ARN}:helo, and without [aws] no function of AWS is called"
        )),
        "{text}"
    );
    let elsewhere = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
    let text = findings(HELLO, &document(elsewhere, ""));
    assert!(text.contains(&format!("error: no [[function]] is {elsewhere}")), "{text}");
}

#[test]
fn with_aws_a_function_that_is_not_here_is_there() {
    let toml = format!("{HELLO}[aws]\nendpoint_url = \"http://127.0.0.1:5000\"\n");
    let place = |function: &str, more: &str| {
        let loaded = folder(&toml, &document(function, more)).load();
        let mut loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
        let integration = loaded.plan.apis[0].stages[0].integrations.remove(0);
        let Integration::Lambda(lambda) = integration else { panic!() };
        lambda.place
    };
    let here = place(&format!("{ARN}:hello:prod"), "");
    assert!(matches!(here, FunctionPlace::Here(FunctionId(0))));
    let role = "        credentials: arn:aws:iam::123456789012:role/x\n";
    let elsewhere = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
    for (function, more, source) in [
        (format!("{ARN}:far:prod"), "", CredentialsSource::Default),
        (elsewhere.to_owned(), role, CredentialsSource::Role("arn:aws:iam::123456789012:role/x".into())),
    ] {
        let FunctionPlace::Remote(remote) = place(&function, more) else { panic!() };
        assert_eq!(&*remote.path, format!("/2015-03-31/functions/{function}/invocations"));
        assert_eq!((&*remote.signing.service, &remote.signing.by), ("lambda", &source.into()));
    }
    let loaded =
        folder("[aws]\n", &document(elsewhere, "")).load().unwrap_or_else(|findings| panic!("{findings}"));
    let origin = &loaded.plan.origins[0];
    assert_eq!((&*origin.host, origin.port), ("lambda.us-east-1.amazonaws.com", 443));
    assert!(origin.tls.is_some());
}

#[test]
fn stage_variables_name_functions() {
    let with = |variable: &str| {
        let toml = TOML.replace("host =", &format!("{variable}host ="));
        let document = document(&format!("{ARN}:${{stageVariables.f}}"), "");
        let folder = Folder::new(&[("tidegate.toml", &format!("{toml}{HELLO}")), ("api.yaml", &document)]);
        folder.load().map_or_else(|findings| folder.text(&findings), |loaded| folder.text(&loaded.warnings))
    };
    assert_eq!(with("f = \"hello:prod\", "), "");
    let missing = with("");
    assert!(
        missing.contains("8:14: warning: in stage `prod` this answers 500 Internal server error: there is no stage variable `f`"),
        "{missing}"
    );
    assert!(with("f = \"other\", ").contains("error: no [[function]] is "));
    assert!(with("f = \"a/b\", ").contains("is not the ARN of a function"));
}

/// The rest of the integration, and the one finding about it.
#[track_caller]
fn check_integration(more: &str, want: &str) {
    let text = findings(HELLO, &document(&format!("{ARN}:hello"), more));
    assert!(text.contains(want) && want.is_empty() == text.is_empty(), "{more}: {text}");
}

#[test]
fn what_has_no_effect_is_said() {
    check_integration(
        "        responses: { default: { statusCode: 200 } }\n        passthroughBehavior: when_no_match\n        contentHandling: CONVERT_TO_TEXT\n        responseTransferMode: BUFFERED",
        "",
    );
    check_integration("        credentials: arn:aws:iam::1:role/x", "warning: `credentials` has no effect");
    check_integration(
        "        requestParameters: { integration.request.header.x: \"'y'\" }",
        "warning: `requestParameters` has no effect",
    );
    check_integration(
        "        requestParameters: { integration.request.header.te: \"'y'\" }",
        "warning: mapping to the header te answers 500 Internal server error",
    );
    check_integration(
        "        requestTemplates: { application/json: '$input' }",
        "warning: `requestTemplates` has no effect",
    );
    check_integration(
        "        payloadFormatVersion: '2.0'",
        "error: a REST API has payload format version 1.0 only",
    );
    let get = document(&format!("{ARN}:hello"), "").replace("POST", "GET");
    assert!(
        findings(HELLO, &get).contains("7:21: warning: a function is invoked with POST"),
        "{}",
        findings(HELLO, &get)
    );
    let sqs = document("x", "").replace(&uri("x"), "arn:aws:apigateway:us-east-1:sqs:path/1/q");
    assert!(
        findings(HELLO, &sqs).contains("error: Integrations of type 'AWS_PROXY' currently only supports")
    );
}

#[test]
fn binary_media_types_matter_to_functions() {
    let text = document(&format!("{ARN}:hello"), "x-amazon-apigateway-binary-media-types: [image/png]\n");
    let loaded = folder(HELLO, &text).load().unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert!(loaded.plan.apis[0].binary_media_types.matches(Some(b"image/png")));
}

/// The type `aws` with a function.
#[track_caller]
fn check_custom(more: &str, want: &str) {
    let text = document(&format!("{ARN}:hello"), more).replace("aws_proxy", "aws");
    let text = findings(HELLO, &text);
    assert!(text.contains(want) && want.is_empty() == text.is_empty(), "{more}: {text}");
}

#[test]
fn functions_without_proxy() {
    let responses = "        responses: { default: { statusCode: 200 } }\n";
    let check = |more: &str, want: &str| check_custom(&format!("{responses}{more}"), want);
    check("", "");
    check_custom("", "warning: this integration answers 500 Internal server error: it has no responses");
    check("        requestParameters: { integration.request.header.X-Amz-Invocation-Type: \"'Event'\" }", "");
    check(
        "        requestParameters: { integration.request.header.X-Other: \"'y'\" }",
        "warning: these `requestParameters` have no effect",
    );
    check("        credentials: arn:aws:iam::1:role/x", "warning: `credentials` has no effect");
    check("        contentHandling: CONVERT_TO_BINARY", "");
    let text = document(&format!("{ARN}:hello"), responses).replace("aws_proxy", "aws");
    let loaded = folder(HELLO, &text).load().unwrap_or_else(|findings| panic!("{findings}"));
    let table = routes_table(&loaded);
    assert!(table.contains(&format!("AWS {ARN}:hello timeout 29 s")), "{table}");
}

/// The same document with the URI that streams.
fn streaming(function: &str, more: &str) -> String {
    document(function, more)
        .replace("2015-03-31", "2021-11-15")
        .replace("/invocations", "/response-streaming-invocations")
}

#[test]
fn streamed_responses() {
    let stream = "        responseTransferMode: STREAM\n";
    let hello = format!("{ARN}:hello");
    let loaded =
        folder(HELLO, &streaming(&hello, stream)).load().unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let Integration::Lambda(lambda) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
    assert!(matches!(lambda.kind, LambdaKind::StreamedProxy));
    let table = routes_table(&loaded);
    assert!(table.contains(&format!("AWS_PROXY streamed {hello} timeout 29 s")), "{table}");
    let check = |text: &str, want: &str| {
        let found = findings(HELLO, text);
        assert!(
            found.contains(want) && found.lines().filter(|line| line.contains("error: ")).count() == 1,
            "{found}"
        );
    };
    check(&streaming(&hello, ""), "8:14: error: this URI streams the response, and the integration does not");
    check(
        &streaming(&hello, "        responseTransferMode: BUFFERED\n"),
        "error: this URI streams the response",
    );
    check(&document(&hello, stream), "8:14: error: response streaming has a URI of its own");
    let custom = format!("        responses: {{ default: {{ statusCode: 200 }} }}\n{stream}");
    let custom = streaming(&hello, &custom).replace("aws_proxy", "aws");
    check(&custom, "error: a response that is mapped cannot be streamed");
    let far = streaming(&format!("{ARN}:far"), stream);
    let loaded =
        folder(&format!("{HELLO}[aws]\n"), &far).load().unwrap_or_else(|findings| panic!("{findings}"));
    let Integration::Lambda(lambda) = &loaded.plan.apis[0].stages[0].integrations[0] else { panic!() };
    let FunctionPlace::Remote(remote) = &lambda.place else { panic!() };
    assert_eq!(&*remote.path, format!("/2021-11-15/functions/{ARN}:far/response-streaming-invocations"));
    // Only its stage knows which one it is.
    let toml = TOML.replace("host =", "f = \"hello\", host =");
    let variable = document(&format!("{ARN}:${{stageVariables.f}}"), stream);
    let folder = Folder::new(&[("tidegate.toml", &format!("{toml}{HELLO}")), ("api.yaml", &variable)]);
    let found =
        folder.load().map_or_else(|findings| folder.text(&findings), |loaded| folder.text(&loaded.warnings));
    assert!(found.contains("error: response streaming has a URI of its own"), "{found}");
}
