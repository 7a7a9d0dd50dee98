//! What is known and not built yet is refused by name and place.

use crate::{MOCK, TOML, file_findings, findings, indent};

/// `more` is added to `tidegate.toml`; the finding is `{place}: error: {what} is not supported yet`.
#[track_caller]
fn check_file(more: &str, place: &str, what: &str) {
    let text = file_findings(&format!("{TOML}{more}"));
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{place}: error: {what} is not supported yet")), "{more}: {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn of_tidegate_toml() {
    check_file("tracing = true", "10:1", "`tracing`");
    check_file("[admin]\naddress = \"127.0.0.1:0\"\ntls = true", "12:1", "`tls`");
    for kind in ["HTTP", "WEBSOCKET"] {
        let api = format!(
            "[[api]]\nid = \"b\"\ndefinition = \"api.yaml\"\ntype = \"{kind}\"\n[[api.stage]]\nname = \"x\""
        );
        check_file(&api, "13:8", "this API type");
    }
}

/// `more` is added to the document's root.
#[track_caller]
fn check_root(more: &str, what: &str) {
    check(&format!("{MOCK}{more}"), what);
}

/// `integration` is the method's.
#[track_caller]
fn check_integration(integration: &str, what: &str) {
    let head = "openapi: 3.0.1\npaths:\n  /:\n    get:\n      x-amazon-apigateway-integration:\n";
    check(&format!("{head}{}", indent(integration, 8)), what);
}

#[track_caller]
fn check(document: &str, what: &str) {
    let text = findings(document);
    let errors: Vec<_> = text.lines().filter(|line| line.contains(": error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains(&format!(": error: {what} is not supported yet")), "{text}");
}

#[test]
fn of_the_root() {
    check_root("x-amazon-apigateway-cors: {}", "`x-amazon-apigateway-cors`");
    check_root("x-amazon-apigateway-endpoint-access-mode: STRICT", "the endpoint access mode `STRICT`");
    let endpoint = "x-amazon-apigateway-endpoint-configuration";
    check_root(&format!("{endpoint}: {{ vpcEndpointIds: [vpce-1] }}"), "`vpcEndpointIds`");
    check_root(
        &format!("servers: [{{ url: /, {endpoint}: {{ vpcEndpointIds: [vpce-1] }} }}]"),
        "`vpcEndpointIds`",
    );
}

#[test]
fn of_operations() {
    let schemes = "
components:
  securitySchemes:
    key: { type: apiKey, name: x-key, in: header }
    query: { type: apiKey, name: x-api-key, in: query }
    oauth: { type: oauth2, flows: {} }
";
    for (scheme, what) in [
        ("key", "an API key elsewhere than in the header `x-api-key`"),
        ("query", "an API key elsewhere than in the header `x-api-key`"),
        ("oauth", "authorization"),
    ] {
        let document =
            MOCK.replace("    get:\n", &format!("    get:\n      security: [{{ {scheme}: [] }}]\n"));
        check(&format!("{document}{schemes}"), &format!("{what} (security scheme `{scheme}`)"));
    }
    check(&MOCK.replace("    get:\n", "    trace: {}\n    get:\n"), "`trace`");
    check(&MOCK.replace("    get:\n", "    $ref: '#/x'\n    get:\n"), "`$ref`");
    let any = MOCK.replace("    get:\n", "    x-amazon-apigateway-any-method:\n      isDefaultRoute: true\n");
    check(&any, "`isDefaultRoute`");
}

#[test]
fn of_integrations() {
    check_integration(
        "type: aws_proxy\nhttpMethod: POST\nuri: arn:aws:apigateway:r:firehose:action/PutRecord",
        "a Firehose stream by AWS_PROXY",
    );
    let lambda = "type: aws_proxy\nhttpMethod: POST\nuri: arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:1:function:${stageVariables.f}/invocations\n";
    check_integration(
        &format!("{lambda}contentHandling: CONVERT_TO_BINARY"),
        "`contentHandling` of a proxy integration",
    );
    check_integration(
        "$ref: '#/components/x-amazon-apigateway-integrations/x'",
        "a reference to an integration",
    );
    let http = "type: http_proxy\nhttpMethod: GET\nuri: http://a.test/\n";
    for (more, what) in [
        ("credentials: arn:aws:iam::*:user/*", "`credentials`"),
        ("connectionType: VPC_LINK", "the connection type VPC_LINK"),
        ("connectionId: x", "`connectionId`"),
        ("integrationTarget: x", "`integrationTarget`"),
        ("contentHandling: CONVERT_TO_TEXT", "`contentHandling` of a proxy integration"),
        ("integrationSubtype: SQS-SendMessage", "`integrationSubtype` of an integration"),
        ("responseParameters: {}", "`responseParameters` of an integration"),
        (
            "responses: { default: { statusCode: 200, contentHandling: CONVERT_TO_BINARY } }",
            "`contentHandling` of a proxy integration",
        ),
    ] {
        check_integration(&format!("{http}{more}"), what);
    }
}

#[test]
fn what_is_defined_and_not_used_is_no_error() {
    let unused = "
servers: [{ url: https://x/, x-amazon-apigateway-endpoint-configuration: { disableExecuteApiEndpoint: false, vpcEndpointIds: [] } }]
components:
  securitySchemes:
    key: { type: apiKey, name: x-api-key, in: header }
x-amazon-apigateway-request-validators:
  none: { validateRequestBody: false, validateRequestParameters: false }
  all: { validateRequestBody: true, validateRequestParameters: true }
x-amazon-apigateway-request-validator: none
x-amazon-apigateway-api-key-source: HEADER
x-amazon-apigateway-documentation: { version: 1 }
x-amazon-apigateway-importexport-version: '1.0'
x-google-backend: {}
tags: [{ name: x, x-amazon-apigateway-tag-value: y }]
info: { title: x, version: 1 }
externalDocs: {}
";
    assert_eq!(findings(&format!("{MOCK}{unused}")), "");
    assert_eq!(
        findings(&MOCK.replace(
            "    get:\n",
            "    get:\n      security: []\n      x-amazon-apigateway-auth: { type: NONE }\n"
        )),
        ""
    );
}
