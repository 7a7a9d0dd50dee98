//! The document around the integrations, row by row.

use crate::{MOCK, findings};

#[track_caller]
fn check(document: &str, want: &str) {
    assert_eq!(findings(document), want);
}

#[test]
fn versions() {
    let help = "AWS API Gateway reads `swagger: \"2.0\"` and `openapi: 3.0.x`";
    for version in ["3.0.0", "3.0.3", "3.0", "'3.0.1'"] {
        check(&MOCK.replace("3.0.1", version), "");
    }
    for (version, place) in [("openapi: 3.1.0", "2:10"), ("openapi: 2.0", "2:10"), ("swagger: 1.2", "2:10")] {
        let number = version.split_once(": ").expect("a version").1;
        let want = format!("{place}: error: OpenAPI {number} is not supported | {help}");
        check(&MOCK.replace("openapi: 3.0.1", version), &want);
    }
    check(&MOCK.replace("openapi: 3.0.1", "swagger: '2.0'"), "");
    check(&MOCK.replace("openapi: 3.0.1", "swagger: 2.0"), "");
    check(
        "paths: {}",
        "1:1: error: neither `openapi` nor `swagger` says which version of OpenAPI this is | add `openapi: 3.0.1`",
    );
    check("openapi: 3.0.1", "1:1: error: `paths` is missing");
}

#[test]
fn broken_documents() {
    check("", "1:1: error: an OpenAPI document must be a map of keys, not null");
    check("text", "1:1: error: an OpenAPI document must be a map of keys, not a text");
    check("a: b: c", "1:5: error: Invalid OpenAPI input: mapping values are not allowed in this context");
    check("a: 1\n---\nb: 2\n", "3:1: error: Invalid OpenAPI input: more than one document in a file");
    check("a: *nope", "1:4: error: Invalid OpenAPI input: alias references unknown anchor");
    check("{\"a\": 1 \"b\": 2}", "1:9: error: Invalid OpenAPI input: expected `,` or `}`");
    check("{\n  \"a\": 1,\n}", "3:1: error: Invalid OpenAPI input: key must be a string");
    check("{\"a\": ", "1:6: error: Invalid OpenAPI input: EOF while parsing a value");
}

#[test]
fn aliases_and_depth_are_limited() {
    let bomb: String = (1..12)
        .map(|level| format!("k{level}: &a{level} [{}]\n", format!("*a{},", level - 1).repeat(9)))
        .collect();
    let text = findings(&format!("a: &a0 [x]\n{bomb}"));
    assert!(text.contains("error: Invalid OpenAPI input: "), "{text}");
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for document in [format!("a: {}", nested(500)), format!("{{\"a\": {}}}", nested(500)), nested(100_000)] {
        let text = findings(&document);
        assert!(text.contains("error: Invalid OpenAPI input: "), "{text}");
    }
    let deep = format!("{MOCK}components: {{ x: {} }}", nested(90));
    assert_eq!(findings(&deep), "");
    let blocks: String = (0..2000).map(|depth| format!("{:depth$}a:\n", "")).collect();
    assert_eq!(findings(&blocks), "97:97: error: Invalid OpenAPI input: nested 97 deep; the limit is 96");
}

#[test]
fn unknown_keys_of_the_root() {
    check(&format!("{MOCK}path: {{}}"), "10:1: error: unknown key `path` | did you mean `paths`?");
    check(
        &format!("{MOCK}x-amazon-apigateway-gateway-response: {{}}"),
        "10:1: error: unknown key `x-amazon-apigateway-gateway-response` | did you mean `x-amazon-apigateway-gateway-responses`?",
    );
    check(
        &format!("{MOCK}security: [{{ a: [] }}]"),
        "10:1: warning: `security` of the whole document has no effect | AWS ignores it for REST APIs; set it on each operation",
    );
    check(
        &format!("{MOCK}x-amazon-apigateway-binary-media-types: [image/png, png]"),
        "10:53: error: `png` is not a media type | for example image/png or */*",
    );
    check(&format!("{MOCK}x-amazon-apigateway-binary-media-types: []"), "");
    check(&format!("{MOCK}x-amazon-apigateway-minimum-compression-size: null"), "");
    check(&format!("{MOCK}x-amazon-apigateway-minimum-compression-size: 10485760"), "");
    for size in ["-1", "10485761", "1.5", "small", "[]"] {
        check(
            &format!("{MOCK}x-amazon-apigateway-minimum-compression-size: {size}"),
            "10:47: error: Invalid minimum compression size, must be between 0 and 10485760",
        );
    }
}

#[test]
fn binary_media_types() {
    let proxy = "openapi: 3.0.1\npaths:\n  /:\n    get:\n      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://a.test/' }\n";
    check(
        &format!("{proxy}x-amazon-apigateway-binary-media-types: [image/png]"),
        "6:1: warning: binary media types have no effect: payloads pass unchanged | http_proxy passes them as they are; the type http converts",
    );
    let any = "x-amazon-apigateway-binary-media-types: ['*/*']";
    check(
        &format!("{MOCK}{any}"),
        "5:5: warning: its request templates answer 500: every payload is binary | set contentHandling: CONVERT_TO_TEXT in its integration",
    );
    let text = MOCK.replace("type: mock\n", "type: mock\n        contentHandling: convert_to_text\n");
    check(&format!("{text}{any}"), "");
    check(
        &text.replace("convert_to_text", "CONVERT_TO_JSON"),
        "8:26: error: unknown value `CONVERT_TO_JSON` | did you mean `CONVERT_TO_TEXT`?",
    );
}

#[test]
fn path_items_and_operations() {
    check(&MOCK.replace("    get:", "    gett:"), "5:5: error: unknown key `gett` | did you mean `get`?");
    check(&MOCK.replace("    get:", "    Get:"), "5:5: error: unknown key `Get` | did you mean `get`?");
    check(&MOCK.replace("    get:", "    summary: x\n    servers: []\n    x-vendor: 1\n    get:"), "");
    check(
        "openapi: 3.0.1\npaths:\n  /:\n    get: {}\n",
        "4:5: error: No integration defined for method | add x-amazon-apigateway-integration, for example with type: mock",
    );
    check(
        &MOCK.replace("    get:\n", "    get:\n      x-amazon-apigateway-integrations: {}\n"),
        "6:7: error: unknown key `x-amazon-apigateway-integrations` | did you mean `x-amazon-apigateway-integration`?",
    );
    check(&MOCK.replace("/:", "pets:"), "4:3: error: A resource path starts with a slash");
    check("openapi: 3.0.1\npaths: []\n", "2:8: error: `paths` must be a map of keys, not a list");
    check(
        "openapi: 3.0.1\npaths: { /: 1 }\n",
        "2:13: error: a path item must be a map of keys, not a number",
    );
    check("openapi: 3.0.1\npaths: { x-vendor: 1 }\n", "");
}

/// Paths of one GET each, and what is said of them.
#[track_caller]
fn check_paths(paths: &[&str], want: &[&str]) {
    let get = MOCK.split_once("  /:\n").expect("a path").1;
    let items: String = paths.iter().map(|path| format!("  '{path}':\n{get}")).collect();
    let findings = findings(&format!("openapi: 3.0.1\npaths:\n{items}"));
    assert_eq!(findings.lines().collect::<Vec<_>>(), want, "{paths:?}");
}

#[test]
fn resource_paths() {
    check_paths(&["/", "/a", "/a/{b}", "/a/{b}/c", "/a/c", "/x/{p+}"], &[]);
    check_paths(
        &["/{a}", "/{b}", "/{c}/d"],
        &[
            "9:3: error: A sibling ({a}) of this resource already has a variable path part -- only one is allowed",
            "15:3: error: A sibling ({a}) of this resource already has a variable path part -- only one is allowed",
        ],
    );
    check_paths(
        &["/{proxy+}/x", "/a//b", "/{}"],
        &[
            "3:3: error: Cannot create a child of a resource with a greedy path variable: {proxy+}",
            "9:3: error: Resource's path part must be specified",
            "15:3: error: A path parameter needs a name between its braces",
        ],
    );
    check_paths(&["/a", "/a/"], &["10:5: error: Method already exists for this resource"]);
    check_paths(
        &["/{a}/{a}"],
        &["3:3: error: The path parameter {a} stands twice in the same resource path"],
    );
    let duplicate = format!("{MOCK}  /:\n    get: {{}}\n");
    check(&duplicate, "10:3: error: duplicate key `/`");
}

#[test]
fn gateway_responses() {
    let check_response = |response: &str, want: &str| {
        check(&format!("{MOCK}x-amazon-apigateway-gateway-responses:\n  {response}"), want);
    };
    check_response("DEFAULT_4XX: {}", "");
    check_response(
        "DEFAULT_4XX: { statusCode: null, responseTemplates: { application/json: '$context.error.message' } }",
        "",
    );
    check_response("THROTTLED: { statusCode: '430' }", "");
    check_response("DEFAULT_5XX: { statusCode: 99 }", "11:30: error: expected an integer from 200 to 599");
    check_response(
        "DEFAULT_4XXX: {}",
        "11:3: error: unknown gateway response type `DEFAULT_4XXX` | did you mean `DEFAULT_4XX`?",
    );
    check_response(
        "DEFAULT_4XX: { status: 400 }",
        "11:18: error: unknown key `status` | did you mean `statusCode`?",
    );
    check_response(
        "DEFAULT_4XX: { responseParameters: { gatewayresponse.headers.X: \"'*'\" } }",
        "11:40: error: Invalid mapping expression specified: gatewayresponse.headers.X | targets here are of the form gatewayresponse.header.Name",
    );
    check_response(
        "DEFAULT_4XX: { responseParameters: { gatewayresponse.header.X: '*' } }",
        "11:66: error: Invalid mapping expression specified: * | for example 'text', method.request.header.Origin, context.requestId or stageVariables.x",
    );
    check_response(
        "DEFAULT_4XX:\n    responseTemplates:\n      application/json: |\n        {\n          \"a\": $context.nonsense\n        }",
        "15:16: error: `$context.nonsense`: no such $context variable",
    );
    check_response(
        "REQUEST_TOO_LARGE: { statusCode: 400 }",
        "11:3: warning: REQUEST_TOO_LARGE has no effect | AWS answers a too large payload by a fixed text, whatever is set here",
    );
}

#[test]
fn aliases_and_merged_maps() {
    let findings = findings(
        r"
openapi: 3.0.1
info: { x-base: &base { type: http_proxy, httpMethod: GET, uri: http://a.example/, timeoutInMillis: 100 }, x-more: &more { timeoutInMillis: 20, type: nothing } }
paths:
  /one: { get: { x-amazon-apigateway-integration: { <<: *base, timeoutInMillis: 1 } } }
  /two: { get: { x-amazon-apigateway-integration: { <<: [*more, *base] } } }
  ? /three
  : { get: { x-amazon-apigateway-integration: *base } }
",
    );
    // Of the merged maps the first, and before it what stands beside.
    let want = [
        "3:151: error: unknown value `nothing` | known here: mock, http, http_proxy, aws, aws_proxy",
        "5:81: error: expected an integer from 50 to 900000",
    ];
    assert_eq!(findings, want.join("\n"));
    check("a: 1\n<<: 2\n", "2:5: error: Invalid OpenAPI input: only maps can be merged");
    check("a: &a [*a]\n", "1:8: error: Invalid OpenAPI input: an alias inside of what it names");
    for key in ["[a]", "[[a]]", "{ b: [c] }"] {
        check(&format!("? {key}\n: 1\n"), "1:3: error: Invalid OpenAPI input: a key must be a text");
    }
    check(&format!("{MOCK}x-a: 1\n<<: {{ x-b: 1 }}\nx-b: 2\nx-a: 3\n"), "13:1: error: duplicate key `x-a`");
}

#[test]
fn anchors_are_limited() {
    // Each names all that is inside of it.
    let nested =
        (0..60).fold(format!("[{}]", "1,".repeat(20_000)), |inner, level| format!("&a{level} [{inner}]"));
    let text = findings(&format!("a: {nested}"));
    assert!(
        text.contains("Invalid OpenAPI input: anchors name too much; the limit is 1000000 values"),
        "{text}"
    );
}
