//! Execution logs: AWS's lines (behaviour section 20, recorded facts 178 to 183), whole, for each kind of integration.

use tidegate_core::exchange::CallFailure;

use crate::carrier::{EXTENDED_ID, Exchanged, Function, Gateway, ID, Origin, TRACE};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
x-amazon-apigateway-binary-media-types: [image/png]
x-amazon-apigateway-request-validators:
  all: { validateRequestBody: true, validateRequestParameters: true }
components:
  securitySchemes:
    key: { type: apiKey, name: x-api-key, in: header }
    token:
      type: apiKey
      name: X-Token
      in: header
      x-amazon-apigateway-authtype: custom
      x-amazon-apigateway-authorizer:
        type: token
        authorizerUri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
paths:
  /mock/{id}:
    get:
      x-amazon-apigateway-integration: &mock
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: '{"ok":true}' } } }
    post:
      x-amazon-apigateway-request-validator: all
      parameters: [{ name: q, in: query, required: true }]
      requestBody: { content: { application/json: { schema: { type: object, required: [name] } } } }
      x-amazon-apigateway-integration: *mock
  /broken:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200} $util.base64Decode("*")' }
        responses: { default: { statusCode: 200 } }
  /custom:
    post:
      parameters: [{ name: x-api-key, in: header }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: PUT
        uri: http://origin.test/custom
        requestParameters: { integration.request.header.X-Api-Key: method.request.header.x-api-key }
        requestTemplates: { application/json: '{"name":$input.json("$.name")}' }
        responses: { '2..': { statusCode: 201, responseTemplates: { application/json: '<$input.body>' } } }
  /proxy:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/proxy' }
  /function:
    post:
      x-amazon-apigateway-integration: &pets
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /keyed:
    get: { security: [{ key: [] }], x-amazon-apigateway-integration: *mock }
  /token:
    post: { security: [{ token: [] }], x-amazon-apigateway-integration: *pets }
"#;

const TRACES: &str = "execution_log = { level = \"INFO\", data_trace = true }";
const KEY: &str = "alice-0123456789abcdef";

#[track_caller]
fn exchange(stage: &str, request: &str, origin: Origin<'_>) -> Exchanged {
    let settings = Settings { stage, ..Settings::default() };
    Gateway::with(DOCUMENT, "$context.requestId", settings).exchange(request, origin)
}

/// Compares the whole log. `ID` stands for the request id, `IDS` for the fields of the answer that are always the same.
#[track_caller]
fn check(stage: &str, request: &str, origin: Origin<'_>, want: &[&str]) {
    check_log(&exchange(stage, request, origin).execution, want);
}

#[track_caller]
fn check_log(log: &str, want: &[&str]) {
    let ids = format!("x-amzn-RequestId={ID}, x-amz-apigw-id={EXTENDED_ID}");
    let lines: Vec<String> = log
        .lines()
        .map(|line| line.strip_prefix(&format!("({ID}) ")).unwrap_or_else(|| panic!("{line}")))
        .map(|line| line.replace(&ids, "IDS").replace(ID, "ID").replace(TRACE, "TRACE"))
        .collect();
    assert_eq!(lines, want, "{log}");
}

#[test]
fn every_step_of_a_mock() {
    let request =
        "GET /prod/mock/7?q=a&q=b HTTP/1.1\nHost: a\nAuthorization: Bearer 0123456789abcdef\nAccept: */*";
    let want = [
        &*format!("Extended Request Id: {EXTENDED_ID}"),
        "Verifying Usage Plan for request: ID. API Key: API Stage: api/prod",
        "API Key authorized because method 'GET /mock/{id}' does not require API Key. Request will not contribute to throttle or quota limits",
        "Usage Plan check succeeded for API Key and API Stage api/prod",
        "Starting execution for request: ID",
        "HTTP Method: GET, Resource Path: /mock/7",
        "Method request path: {id=7}",
        "Method request query string: {q=a,b}",
        "Method request headers: {Host=a, Authorization=******abcdef, Accept=*/*}",
        "Method request body before transformations: ",
        "Method response body after transformations: {\"ok\":true}",
        "Method response headers: {Date=Sun, 06 Nov 1994 08:49:37 GMT, Content-Type=application/json, Content-Length=11, Connection=keep-alive, IDS}",
        "Successfully completed execution",
        "Method completed with status: 200",
        "X-ray Tracing ID : 1-2ebc98a1-000000000000000200000003",
    ];
    check(TRACES, request, Origin::Uncalled, &want);
    // Without data tracing nothing of the data.
    let data = ["Method request ", "Method response "];
    let kept: Vec<&str> =
        want.into_iter().filter(|line| !data.iter().any(|start| line.starts_with(start))).collect();
    check("execution_log = {}", request, Origin::Uncalled, &kept);
    check("execution_log = { level = \"ERROR\" }", request, Origin::Uncalled, &[]);
    check("execution_log = { level = \"OFF\" }", request, Origin::Uncalled, &[]);
    check("", request, Origin::Uncalled, &[]);
}

/// What is logged between the start of the execution and the tracing id, but header fields.
#[track_caller]
fn check_execution(request: &str, origin: Origin<'_>, want: &[&str]) {
    let log = exchange(TRACES, request, origin).execution;
    let own = ["Endpoint request headers", "Method response headers", "X-ray Tracing ID"];
    let lines = log.lines().skip_while(|line| !line.contains("Method request body"));
    let lines = lines.filter(|line| !own.iter().any(|own| line.contains(own)));
    check_log(&lines.map(|line| format!("{line}\n")).collect::<String>(), want);
}

#[test]
fn every_step_of_a_mapped_call() {
    let request = format!(
        "POST /prod/custom HTTP/1.1\nHost: a\nX-Api-Key: {KEY}\nContent-Length: 14\n\n{{\"name\":\"x\\n\"}}"
    );
    let origin =
        Origin::Answers("HTTP/1.1 200 OK\nSet-Cookie: session=0123456789\nContent-Length: 4\n\n\tyes");
    check_execution(
        &request,
        origin,
        &[
            "Method request body before transformations: {\"name\":\"x\\n\"}",
            "Endpoint request URI: http://origin.test/custom",
            "Endpoint request body after transformations: {\"name\":\"x\\n\"}",
            "Sending request to http://origin.test/custom",
            "Received response. Status: 200, Integration latency: 5 ms",
            "Endpoint response headers: {Set-Cookie=******456789, Content-Length=4}",
            "Endpoint response body before transformations: \\tyes",
            "Method response body after transformations: <\\tyes>",
            "Successfully completed execution",
            "Method completed with status: 201",
        ],
    );
    let log = exchange(TRACES, &request, origin).execution;
    let sent = log.lines().find(|line| line.contains("Endpoint request headers: {"));
    let sent = sent.expect("what the backend gets");
    assert!(sent.contains("Host=origin.test, "), "{sent}");
    assert!(
        sent.contains("User-Agent=AmazonAPIGateway_api") && sent.contains("X-Api-Key=******abcdef"),
        "{sent}"
    );
    let answer = log.lines().find(|line| line.contains("Method response headers: {"));
    assert!(answer.expect("what the client gets").contains("Content-Length=6"), "{log}");
    assert!(!log.contains("0123456789"), "{log}");
}

/// What passes unread is read for the log, and passes as it would.
#[test]
fn every_step_of_a_proxied_call() {
    let request = "POST /prod/proxy HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello";
    let answer = Origin::Answers("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nyes\n0\n\n");
    let log = exchange(TRACES, request, answer).execution;
    for line in [
        "Method request body before transformations: hello",
        "Endpoint request body after transformations: hello",
        "Endpoint response headers: {Transfer-Encoding=chunked}",
        "Endpoint response body before transformations: yes",
        "Method response body after transformations: yes",
        "Method completed with status: 200",
    ] {
        assert!(log.contains(&format!("({ID}) {line}\n")), "{line}\n{log}");
    }
    let (traced, plain) = (exchange(TRACES, request, answer), exchange("", request, answer));
    assert_eq!(traced.answered + "0\r\n\r\n", plain.answered);
    assert_eq!(traced.sent, plain.sent + "hello");
    let binary = Origin::Gives("HTTP/1.1 200 OK\nContent-Length: 3\n\n", b"\x89P\xff");
    let log = exchange(TRACES, "GET /prod/proxy HTTP/1.1\nHost: a", binary).execution;
    assert!(log.contains("before transformations: [Binary Data]\n"), "{log}");
    assert!(log.contains("after transformations: [Binary Data]\n"), "{log}");
}

#[test]
fn every_step_of_a_function() {
    let request = "POST /prod/function HTTP/1.1\nHost: a\nCookie: session=0123456789";
    let uri = "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations";
    let log = exchange(TRACES, request, Origin::Function(Ok(r#"{"statusCode":200,"body":"yes"}"#))).execution;
    for line in [
        &*format!("Endpoint request URI: {uri}"),
        "Endpoint request headers: {}",
        &format!("Sending request to {uri}"),
        "Received response. Status: 200, Integration latency: 5 ms",
        r#"Endpoint response body before transformations: {"statusCode":200,"body":"yes"}"#,
        "Method response body after transformations: yes",
        "Successfully completed execution",
    ] {
        assert!(log.contains(&format!("({ID}) {line}\n")), "{line}\n{log}");
    }
    let event = r#"Endpoint request body after transformations: {"resource":"/function","path":"/function","httpMethod":"POST""#;
    assert!(log.contains(event), "{log}");
    assert!(log.contains("\"******456789\"") && !log.contains("0123456789\""), "{log}");
}

/// Each refusal: the level ERROR has its reason, the gateway's answer and the status.
#[test]
fn what_fails() {
    let error = "execution_log = { level = \"ERROR\", data_trace = false }";
    let post = "POST /prod/function HTTP/1.1\nHost: a";
    for (request, origin, why, kind, status) in [
        (
            "GET /prod/broken HTTP/1.1\nHost: a",
            Origin::Uncalled,
            "Execution failed due to configuration error: Unable to transform request: this is not base64 (at byte 26 of the template)",
            "API_CONFIGURATION_ERROR",
            500,
        ),
        (
            "POST /prod/mock/7 HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
            Origin::Uncalled,
            "Execution failed: Missing required request parameters: [q]",
            "BAD_REQUEST_PARAMETERS",
            400,
        ),
        (
            "POST /prod/mock/7?q=1 HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
            Origin::Uncalled,
            "Request body does not match model schema for content type application/json: [object has missing required properties ([\"name\"])]",
            "BAD_REQUEST_BODY",
            400,
        ),
        (
            post,
            Origin::FunctionFails(r#"{"errorMessage":"boom\nx"}"#),
            "Lambda execution failed with status 200 due to customer function error: boom\\nx. Lambda request id: ID",
            "INTEGRATION_FAILURE",
            502,
        ),
        (
            post,
            Origin::Function(Ok("7")),
            "Execution failed due to configuration error: Malformed Lambda proxy response",
            "INTEGRATION_FAILURE",
            502,
        ),
        (
            "GET /prod/proxy HTTP/1.1\nHost: a",
            Origin::Fails(CallFailure::Timeout),
            "Execution failed due to a timeout error",
            "INTEGRATION_TIMEOUT",
            504,
        ),
        (
            "GET /prod/proxy HTTP/1.1\nHost: a",
            Origin::Fails(CallFailure::Network),
            "Execution failed due to a network error communicating with endpoint",
            "INTEGRATION_FAILURE",
            504,
        ),
        (
            "POST /prod/custom HTTP/1.1\nHost: a",
            Origin::Answers("HTTP/1.1 404 No\nContent-Length: 0\n\n"),
            "Execution failed due to configuration error: No match for output mapping and no default output mapping configured. Endpoint Response Status Code: 404",
            "API_CONFIGURATION_ERROR",
            500,
        ),
        (
            "GET /prod/keyed HTTP/1.1\nHost: a",
            Origin::Uncalled,
            "Execution failed: Forbidden",
            "INVALID_API_KEY",
            403,
        ),
    ] {
        let kind = format!("Gateway response type: {kind} with status code: {status}");
        check(error, request, origin, &[why, &kind, &format!("Method completed with status: {status}")]);
    }
}

/// What is refused before a method's execution starts says so, and what the client gets.
#[test]
fn how_far_a_request_came() {
    let starts = |log: &str| log.contains("Starting execution for request");
    let wrong =
        exchange(TRACES, "GET /prod/keyed HTTP/1.1\nHost: a\nX-Api-Key: wrong-0123456789", Origin::Uncalled);
    assert!(
        wrong.execution.contains("Verifying Usage Plan")
            && wrong.execution.contains("API Key: ******456789 API Stage")
    );
    assert!(!starts(&wrong.execution) && !wrong.execution.contains("check succeeded"), "{}", wrong.execution);
    assert!(
        wrong.execution.contains("Gateway response body: {\"message\":\"Forbidden\"}\n"),
        "{}",
        wrong.execution
    );
    let good =
        exchange(TRACES, &format!("GET /prod/keyed HTTP/1.1\nHost: a\nX-Api-Key: {KEY}"), Origin::Uncalled);
    for line in [
        "Usage Plan check succeeded for API Key ******abcdef and API Stage api/prod",
        "API Key: ******abcdef",
        "API Key ID: alice",
    ] {
        assert!(good.execution.contains(&format!("({ID}) {line}\n")), "{line}\n{}", good.execution);
    }
    assert!(!good.execution.contains("0123456789"), "{}", good.execution);
}

#[test]
fn an_authorizer() {
    let allow = r#"{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}"#;
    let request = "POST /prod/token HTTP/1.1\nHost: a\nX-Token: token-0123456789";
    let ask = |function: Function, origin: Origin<'_>| {
        let settings = Settings { stage: TRACES, ..Settings::default() };
        let mut gateway = Gateway::with(DOCUMENT, "$context.requestId", settings);
        gateway.authorizers.push_back(function);
        gateway.exchange(request, origin).execution
    };
    let log = ask(Function::Answers(allow.to_owned()), Origin::Function(Ok(r#"{"statusCode":200}"#)));
    let asked = log.find("Starting authorizer: token for request: ").expect("it is asked");
    let done = log.find("Successfully completed authorizer execution").expect("it answers");
    let plan = log.find("Verifying Usage Plan").expect("then the usage plan");
    assert!(asked < done && done < plan, "{log}");
    // The header that names the caller is a secret, whatever it is called, and in the function's event, too.
    assert!(!log.contains("token-0123") && log.contains("X-Token=******456789"), "{log}");
    let log = ask(Function::Fails(r#"{"errorMessage":"Unauthorized"}"#.to_owned()), Origin::Uncalled);
    assert!(log.contains(&format!("({ID}) Unauthorized request: {ID}\n")), "{log}");
    assert!(!log.contains("Verifying Usage Plan") && !log.contains("Starting execution"), "{log}");
    assert!(log.contains("Gateway response type: UNAUTHORIZED with status code: 401"), "{log}");
}

/// A method has a log of its own.
#[test]
fn a_method_of_its_own() {
    let stage = "execution_log = { level = \"OFF\" }\n[api.stage.method.\"GET /mock/{id}\"]\nexecution_log = { level = \"INFO\" }";
    assert!(!exchange(stage, "GET /prod/mock/7 HTTP/1.1\nHost: a", Origin::Uncalled).execution.is_empty());
    check(stage, "GET /prod/broken HTTP/1.1\nHost: a", Origin::Uncalled, &[]);
}

/// A connection's next request has a log of its own.
#[test]
fn one_after_the_other() {
    let settings = Settings { stage: TRACES, ..Settings::default() };
    let mut gateway = Gateway::with(DOCUMENT, "$context.requestId", settings);
    let request = "GET /prod/mock/7 HTTP/1.1\nHost: a";
    let first = gateway.exchange(request, Origin::Uncalled).execution;
    assert_eq!(gateway.exchange(request, Origin::Uncalled).execution, first);
    assert_eq!(gateway.exchange("GET /prod/none HTTP/1.1\nHost: a", Origin::Uncalled).execution, "");
}

/// No client makes a line longer than it may be, or a line of its own.
#[test]
fn what_clients_send() {
    let long = "x".repeat(9_000);
    let request = format!(
        "POST /prod/proxy?q=%0aa%0d%1b HTTP/1.1\nHost: a\nX-Long: {long}\nContent-Length: 9000\n\n{}",
        "\u{1}".repeat(9_000)
    );
    let log = exchange(TRACES, &request, Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n")).execution;
    for line in log.lines() {
        assert!(line.starts_with(&format!("({ID}) ")) && line.len() <= 1_024, "{line}");
    }
    assert!(log.contains("Method request query string: {q=\\na\\r\\u001b}\n"), "{log}");
    assert_eq!(log.matches(" [TRUNCATED]\n").count(), 4, "{log}");
}
