//! Integrations, row by row.

use crate::{MOCK, findings, indent};

/// `integration` answers `GET /pets/{petId}`, which declares the path parameter, the query parameter `page` and the
/// header `X-Id`. Lines are counted from the integration's first.
#[track_caller]
fn check(integration: &str, want: &str) {
    let head = "\
openapi: 3.0.1
paths:
  /pets/{petId}:
    parameters: [{ name: petId, in: path, required: true }]
    get:
      parameters: [{ name: page, in: query }, { $ref: '#/components/parameters/id' }]
      x-amazon-apigateway-integration:
";
    let tail = "components: { parameters: { id: { name: X-Id, in: header } } }\n";
    let text = findings(&format!("{head}{}{tail}", indent(integration, 0)));
    let moved: Vec<_> = text.lines().map(move_up).collect();
    assert_eq!(moved.join("\n"), want);
}

fn move_up(line: &str) -> String {
    let (number, rest) = line.split_once(':').expect("a line number");
    let number: usize = number.parse().expect("a number");
    format!("{}:{rest}", number.saturating_sub(7))
}

const HTTP: &str = "        type: http_proxy\n        httpMethod: GET\n        uri: http://a.test/\n";

#[track_caller]
fn check_http(more: &str, want: &str) {
    check(&format!("{HTTP}        {more}"), want);
}

#[test]
fn types_and_methods() {
    check(HTTP, "");
    check(&HTTP.replace("http_proxy", "HTTP_PROXY"), "");
    check(&HTTP.replace("GET", "get"), "");
    check(&HTTP.replace("GET", "ANY"), "");
    check(
        &HTTP.replace("http_proxy", "http-proxy"),
        "1:15: error: unknown value `http-proxy` | did you mean `http_proxy`?",
    );
    check(&HTTP.replace("GET", "GETT"), "2:21: error: unknown method `GETT` | did you mean `GET`?");
    check("        type: http_proxy\n        uri: http://a.test/", "1:9: error: `httpMethod` is missing");
    check("        type: http_proxy\n        httpMethod: GET", "1:9: error: `uri` is missing");
    check("        httpMethod: GET", "1:9: error: `type` is missing");
    check_http("cacheNamespace: x\n        cacheKeyParameters: []\n        connectionType: INTERNET", "");
    check_http("responseTransferMode: STREAM\n        payloadFormatVersion: '1.0'", "");
    check_http("payloadFormatVersion: '2.0'", "4:31: error: a REST API has payload format version 1.0 only");
    check_http(
        "cacheKeyParameters: [method.request.querystring.page]",
        "4:9: warning: `cacheKeyParameters` has no effect: the stage has no cache",
    );
    check_http(
        "timeoutInMilis: 5000",
        "4:9: error: unknown key `timeoutInMilis` | did you mean `timeoutInMillis`?",
    );
    check_http("timeoutInMillis: 50", "");
    check_http("timeoutInMillis: 900000", "");
    check_http("timeoutInMillis: 49", "4:26: error: expected an integer from 50 to 900000");
    check_http(
        "passthroughBehavior: sometimes",
        "4:30: error: unknown value `sometimes` | known here: when_no_match, when_no_templates, never",
    );
}

#[test]
fn uris() {
    let check_uri = |uri: &str, want: &str| check(&HTTP.replace("http://a.test/", uri), want);
    check_uri("http://${stageVariables.host}/x", "");
    check_uri("http://x.${AWS::Region}.test/${AWS::AccountId}/${AWS::Partition}", "");
    check_uri(
        "a.test/x",
        "3:14: error: Invalid HTTP endpoint specified for URI | it must start with http:// or https://",
    );
    check_uri(
        "http://a.test:81/",
        "3:14: error: port `81` is not allowed | AWS allows 80, 443 and 1024 to 65535",
    );
    check_uri("http://a.test/b c", "3:14: error: a URI cannot hold the character ' ' | percent-encode it");
    check_uri(
        "http://a.test/${stageVariable.x}",
        "3:14: error: `${stageVariable.x}` cannot stand in a URI | known are ${stageVariables.name}, ${AWS::Region}, ${AWS::AccountId} and ${AWS::Partition}",
    );
    check_uri(
        "http://${stageVariables.hots}/",
        "3:14: warning: in stage `prod` this answers 500 Internal server error: there is no stage variable `hots` | add it to the stage's variables in tidegate.toml",
    );
    check_uri(
        "http://${stageVariables.bad}/",
        "3:14: warning: in stage `prod` this answers 500 Internal server error: port `81` is not allowed | AWS allows 80, 443 and 1024 to 65535",
    );
    check_uri(
        "http://a.test/{petId}",
        "3:14: warning: nothing fills {petId}: it is sent as it is | map it: integration.request.path.petId: method.request.path.petId",
    );
    check_uri(
        "http://a.test/{petId+}",
        "3:14: warning: nothing fills {petId+}: it is sent as it is | in a URI it is written {petId}, filled by integration.request.path.petId",
    );
    check_uri(
        "http://a.test/{petId}\n        requestParameters: { integration.request.path.petId: method.request.path.petId }",
        "",
    );
}

#[track_caller]
fn check_mapping(target: &str, expression: &str, want: &str) {
    check_http(&format!("requestParameters: {{ {target}: {expression} }}"), want);
}

#[test]
fn request_parameters() {
    for expression in [
        "method.request.path.petId",
        "method.request.querystring.page",
        "method.request.multivaluequerystring.page",
        "method.request.header.X-Id",
        "\"'text'\"",
        "stageVariables.host",
        "context.requestId",
    ] {
        check_mapping("integration.request.header.X", expression, "");
    }
    let undeclared = |expression: &str, help: &str| {
        let want =
            format!("4:65: error: Invalid mapping expression parameter specified: {expression} | {help}");
        check_mapping("integration.request.querystring.q", expression, &want);
    };
    undeclared("method.request.header.X-Other", "declare it: parameters: [{ name: X-Other, in: header }]");
    undeclared("method.request.header.x-id", "names are compared with case: the method declares `X-Id`");
    undeclared("method.request.querystring.X-Id", "declare it: parameters: [{ name: X-Id, in: query }]");
    check_mapping(
        "integration.request.path.x",
        "method.request.path.other",
        "4:58: error: Invalid mapping expression specified: method.request.path.other | the resource path has no such parameter",
    );
    check_mapping(
        "integration.request.path.x",
        "context.nonsense",
        "4:58: error: Invalid mapping expression specified: context.nonsense | no such $context variable",
    );
    let help = "targets are integration.request.header.N, integration.request.querystring.N and integration.request.path.N";
    for target in
        ["integration.request.query.x", "method.request.header.x", "integration.request.header.a b", "x"]
    {
        let want = format!("4:30: error: Invalid mapping expression specified: {target} | {help}");
        check_mapping(target, "\"'x'\"", &want);
    }
    check_http(
        "requestParameters: { integration.request.header.x: \"'1'\", integration.request.path.x: \"'2'\" }",
        "4:67: error: Parameter names must be unique across querystring, header and path",
    );
    check_mapping(
        "integration.request.header.TE",
        "\"'1'\"",
        "4:30: warning: API Gateway drops the header TE, mapped or not | remove the mapping",
    );
    check_mapping(
        "integration.request.header.Content-Length",
        "\"'1'\"",
        "4:30: warning: mapping to the header Content-Length answers 500 Internal server error | API Gateway sets this header itself; remove the mapping",
    );
}

#[test]
fn an_undeclared_path_parameter_cannot_be_mapped() {
    let document = "\
openapi: 3.0.1
paths:
  /{a}:
    get:
      parameters: [{ name: b, in: path }, { in: query }, { name: c, in: nowhere }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://a.test/{a}
        requestParameters: { integration.request.path.a: method.request.path.a }
";
    let want = "\
5:20: warning: the path `/{a}` has no parameter {b} | the declaration has no effect; where it is required and validated, every request lacks it
5:43: error: `name` is missing
5:73: error: unknown value `nowhere` | known here: header, query, path, body, formData, cookie
10:58: error: Invalid mapping expression parameter specified: method.request.path.a | declare it: parameters: [{ name: a, in: path }]";
    assert_eq!(findings(document), want);
}

#[test]
fn references() {
    let document = |reference: &str, components: &str| {
        let get =
            MOCK.replace("    get:\n", &format!("    parameters: [{{ $ref: '{reference}' }}]\n    get:\n"));
        findings(&format!("{get}{components}"))
    };
    assert_eq!(document("#/parameters/a~1b", "parameters: { a/b: { name: x, in: query } }"), "");
    assert_eq!(document("#/x-list/0", "x-list: [{ name: x, in: query }]"), "");
    assert_eq!(document("#/parameters/a", ""), "5:26: error: there is no `#/parameters/a` in this document");
    assert_eq!(
        document("other.yaml#/a", ""),
        "5:26: error: `other.yaml#/a` is not in this document | AWS follows references of the form #/… only",
    );
    let circle = document(
        "#/parameters/a",
        "parameters: { a: { $ref: '#/parameters/b' }, b: { $ref: '#/parameters/a' } }",
    );
    assert_eq!(circle, "5:18: error: more than 16 references follow each other: this is a circle");
}

const CUSTOM: &str =
    "        type: http\n        httpMethod: GET\n        uri: http://a.test/\n        responses:\n";

#[track_caller]
fn check_response(response: &str, want: &str) {
    check(&format!("{CUSTOM}          {response}"), want);
}

#[test]
fn responses() {
    check_response("default: { statusCode: 200 }", "");
    check_response("200: { statusCode: '200' }", "");
    check_response("'4\\d{2}': { statusCode: 400, responseTemplates: { application/json: null } }", "");
    check_response("default: { statusCode: 200, responseParameters: null, responseTemplates: null }", "");
    check_response("default: { statusCode: 100 }", "5:34: error: expected an integer from 200 to 599");
    check_response("default: { statusCode: OK }", "5:34: error: expected an integer from 200 to 599");
    check_response("default: {}", "5:20: error: `statusCode` is missing");
    check_response(
        "default: { statusCode: 200, status: 1 }",
        "5:39: error: unknown key `status` | did you mean `statusCode`?",
    );
    check_response(
        "'4(': { statusCode: 200 }",
        "5:11: error: `4(` is not a pattern that can be matched: unclosed group | patterns are regular expressions; look-around and back-references are not supported",
    );
    check_response(
        "'(?=4).*': { statusCode: 200 }",
        "5:11: error: `(?=4).*` is not a pattern that can be matched: look-around, including look-ahead and look-behind, is not supported | patterns are regular expressions; look-around and back-references are not supported",
    );
    check_response(
        "default: { statusCode: 200, responseParameters: { method.response.header.X: method.request.header.X-Id } }",
        "5:87: error: Invalid mapping expression specified: method.request.header.X-Id | for example integration.response.header.Location, stageVariables.x, context.requestId or 'text'",
    );
    check_response(
        "default: { statusCode: 200, responseParameters: { method.response.headers.X: \"'x'\" } }",
        "5:61: error: Invalid mapping expression specified: method.response.headers.X | targets here are of the form method.response.header.Name",
    );
    check(
        &CUSTOM.replace("        responses:\n", ""),
        "1:9: warning: this integration answers 500 Internal server error: it has no responses | add responses: { default: { statusCode: 200 } }",
    );
    check_response(
        "default: { statusCode: 200, responseTemplates: { \"a/b\\r\\nX: y\": x } }",
        "5:60: error: not a media type | for example application/json",
    );
    check_http(
        "requestTemplates: { a/b: $input.body }",
        "4:9: warning: `requestTemplates` has no effect | http_proxy passes the request as it is; use the type http to map it",
    );
    check_http(
        "responses: { default: { statusCode: 200, responseTemplates: { a/b: $x } } }",
        "4:9: warning: the mappings of these responses have no effect | http_proxy passes the response as it is; use the type http to map it",
    );
}

#[test]
fn mocks() {
    let mock = |template: &str, responses: &str| {
        format!(
            "        type: mock\n        requestTemplates: {{ a/b: '{template}' }}\n        responses: {{ {responses} }}"
        )
    };
    let default = "default: { statusCode: 200 }";
    check(&mock("{statusCode: 200}", default), "");
    check(
        &mock("{\"statusCode\": \"200\"}", default),
        "1:9: warning: this MOCK answers 500 Internal server error to a/b | its request template must be a JSON object with an integer statusCode",
    );
    check(
        &mock("{statusCode: 200}", "'4..': { statusCode: 400 }"),
        "1:9: warning: this MOCK answers 500 Internal server error: no response fits status 200 | add a response with the pattern `default`",
    );
    check(
        "        type: mock\n        responses: { default: { statusCode: 200 } }",
        "1:9: warning: this MOCK has no request template: only a client's body can name its status, else it answers 500 | add requestTemplates: { application/json: '{\"statusCode\": 200}' }",
    );
    let large = "x".repeat(300 * 1024 + 1);
    check(
        &mock(
            "{statusCode: 200}",
            &format!("default: {{ statusCode: 200, responseTemplates: {{ a/b: {large} }} }}"),
        ),
        "3:76: error: a mapping template has at most 307200 bytes",
    );
}

#[test]
fn templates_are_refused_where_they_are_wrong() {
    let template = |text: &str| MOCK.replace("'{\"statusCode\": 200}'", text);
    let check = |text: &str, want: &str| assert_eq!(findings(&template(text)), want, "{text}");
    check("'{\"statusCode\": 200} $x'", "");
    check(
        "'{\"statusCode\": 200} #if($x'",
        "8:74: error: not a mapping template: expected `)`, found the end of the template",
    );
    check(
        "\"{\\\"statusCode\\\":\\n 200, x: $input.json('$x')}\"",
        "8:82: error: not a mapping template: not a JSONPath expression: `$` is followed by neither `.` nor `[`",
    );
    check(
        "'$input.body.getBytes()'",
        "8:60: error: not a mapping template: the method getBytes() is not supported yet",
    );
    check(
        "\"$x.matches('(?=a)')\"",
        "8:51: error: not a mapping template: not a regular expression that can be matched: look-around, including look-ahead and look-behind, is not supported",
    );
    let block = "openapi: 3.0.1
paths:
  /:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates:
          application/json: |
            {
              \"statusCode\": 200
              #set($x = )
            }
        responses: { default: { statusCode: 200, responseTemplates: { text/html: '#end' } } }
";
    let text = findings(block);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("not a mapping template")).collect();
    assert_eq!(
        lines,
        [
            "11:25: error: not a mapping template: expected a value, found `)`",
            "13:83: error: not a mapping template: expected the end of the template, found `#end`"
        ],
        "{text}"
    );
}
