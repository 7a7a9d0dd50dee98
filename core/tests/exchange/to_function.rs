//! What a function is invoked with by AWS_PROXY: the event, member by member.

use serde_json::{Value, json};
use tidegate_core::exchange::{Invoke, InvokeFailure, Wanted};
use tidegate_core::limits::EVENT_BYTES_MAX;
use tidegate_core::plan::FunctionId;

use crate::carrier::{EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE};

const DOCUMENT: &str = r#"
paths:
  /{proxy+}:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: &pets
        type: aws_proxy
        httpMethod: POST
        timeoutInMillis: 5000
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /pets/{id}/toys/{toy}:
    get:
      operationId: getToy
      x-amazon-apigateway-integration: *pets
  /keyed:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: *pets
  /tier:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path//2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets:${stageVariables.colour}/invocations
  /get:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: GET
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /mapped:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        requestParameters: { integration.request.header.Authorization: "'x'" }
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
x-amazon-apigateway-binary-media-types: [image/png]
"#;

const OK: Origin<'_> = Origin::Function(Ok("{}"));

#[track_caller]
fn invoked(request: &str) -> Exchanged {
    let exchanged = Gateway::new(DOCUMENT).exchange(request, OK);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{}", exchanged.answered);
    exchanged
}

#[track_caller]
pub(crate) fn event(request: &str) -> Value {
    let sent = invoked(request).sent;
    serde_json::from_str(&sent).unwrap_or_else(|error| panic!("{error}: {sent}"))
}

/// Every member there is, with a request that has a bit of everything (facts 109 to 113).
#[test]
fn the_whole_event() {
    let request = "GET /prod/pets/7/toys/a%2Fb?x=1&y=2&x=3 HTTP/1.1\nHost: api.example.com:8080\ntEsT-HEADeR: one\n\
                   user-agent: test/1\nAUTHORIZATION: Bearer a;b\ntest-header: two\nConnection: keep-alive\nVia: 1.1 a";
    let want = json!({
        "resource": "/pets/{id}/toys/{toy}",
        "path": "/pets/7/toys/a%2Fb",
        "httpMethod": "GET",
        "headers": {
            "Host": "api.example.com:8080",
            "tEsT-HEADeR": "two",
            "User-Agent": "test/1",
            "Authorization": "Bearer a;b",
            "Via": "1.1 a",
            "X-Amzn-Trace-Id": TRACE,
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Port": "8080",
            "X-Forwarded-Proto": "http",
        },
        "multiValueHeaders": {
            "Host": ["api.example.com:8080"],
            "tEsT-HEADeR": ["one", "two"],
            "User-Agent": ["test/1"],
            "Authorization": ["Bearer a;b"],
            "Via": ["1.1 a"],
            "X-Amzn-Trace-Id": [TRACE],
            "X-Forwarded-For": ["192.0.2.7"],
            "X-Forwarded-Port": ["8080"],
            "X-Forwarded-Proto": ["http"],
        },
        "queryStringParameters": { "x": "3", "y": "2" },
        "multiValueQueryStringParameters": { "x": ["1", "3"], "y": ["2"] },
        "pathParameters": { "id": "7", "toy": "a%2Fb" },
        "stageVariables": { "tier": "gold", "colour": "blue" },
        "requestContext": {
            "resourceId": event(request)["requestContext"]["resourceId"],
            "resourcePath": "/pets/{id}/toys/{toy}",
            "operationName": "getToy",
            "httpMethod": "GET",
            "extendedRequestId": EXTENDED_ID,
            "requestTime": "06/Nov/1994:08:49:37 +0000",
            "path": "/prod/pets/7/toys/a%2Fb",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "api",
            "requestTimeEpoch": 784_111_777_000_u64,
            "requestId": ID,
            "identity": {
                "cognitoIdentityPoolId": null,
                "accountId": null,
                "cognitoIdentityId": null,
                "caller": null,
                "sourceIp": "192.0.2.7",
                "principalOrgId": null,
                "accessKey": null,
                "cognitoAuthenticationType": null,
                "cognitoAuthenticationProvider": null,
                "userArn": null,
                "userAgent": "test/1",
                "user": null,
            },
            "domainName": "api.example.com",
            "deploymentId": event(request)["requestContext"]["deploymentId"],
            "apiId": "api",
        },
        "body": null,
        "isBase64Encoded": false,
    });
    let got = event(request);
    assert_eq!(got, want, "{got:#}");
    let resource_id = got["requestContext"]["resourceId"].as_str().expect("a text");
    assert_eq!(resource_id.len(), 6);
    assert_eq!(got["requestContext"]["deploymentId"].as_str().expect("a text").len(), 6);
    assert_eq!(got["requestContext"].get("isCanaryRequest"), None, "the stage has no canary");
    let invoke = invoked(request).invoke.expect("invoked");
    assert_eq!(invoke, Invoke { function: FunctionId(0), timeout_ms: 5000, wanted: Wanted::Answer });
}

#[test]
fn what_is_absent_is_null() {
    let event = event("GET /prod/tier HTTP/1.1\nHost: a");
    for member in ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body"] {
        assert_eq!(event[member], Value::Null, "{member}");
    }
    assert_eq!(event["requestContext"]["identity"]["userAgent"], Value::Null);
    assert!(event["requestContext"].get("operationName").is_none());
}

/// A row: the path sent; `path`, `requestContext.path` and the greedy parameter.
#[track_caller]
fn check_path(sent: &str, want: [&str; 3]) {
    let event = event(&format!("GET {sent} HTTP/1.1\nHost: a"));
    let got = [&event["path"], &event["requestContext"]["path"], &event["pathParameters"]["proxy"]];
    assert_eq!(got.map(|value| value.as_str().unwrap_or_default()), want, "{sent}");
}

/// Facts 111 to 118.
#[test]
fn paths() {
    check_path("/prod/proxy-value", ["/proxy-value", "/prod/proxy-value", "proxy-value"]);
    check_path("/prod/proxy-value/", ["/proxy-value/", "/prod/proxy-value/", "proxy-value"]);
    check_path("/prod/a//b", ["/a//b", "/prod/a//b", "a//b"]);
    check_path("//prod/proxy-value", ["/proxy-value", "/prod/proxy-value", "proxy-value"]);
    check_path("/prod//proxy-value", ["/proxy-value", "/prod//proxy-value", "proxy-value"]);
    let (plus, encoded) = ("test+alias@gmail.com", "test%2Balias@gmail.com");
    check_path(&format!("/prod/{plus}"), [&format!("/{plus}"), &format!("/prod/{plus}"), plus]);
    check_path(&format!("/prod/{encoded}"), [&format!("/{encoded}"), &format!("/prod/{encoded}"), encoded]);
    check_path("/prod/a\"b", ["/a\"b", "/prod/a\"b", "a\"b"]);
}

/// Facts 119 and 120.
#[test]
fn queries() {
    let query = |sent: &str| {
        let event = event(&format!("GET /prod/tier?{sent} HTTP/1.1\nHost: a"));
        (event["queryStringParameters"].clone(), event["multiValueQueryStringParameters"].clone())
    };
    assert_eq!(query("t=1+2%2B3").0, json!({"t": "1 2+3"}));
    assert_eq!(query("%61+b=%22&a%20b=%0a").1, json!({"a b": ["\"", "\n"]}));
    assert_eq!(query("a&b=&=c").0, json!({"a": "", "b": "", "": "c"}));
    assert_eq!(query("a=%ff%zz").0, json!({"a": "\u{fffd}%zz"}));
    assert_eq!(query("&&"), (Value::Null, Value::Null));
    assert_eq!(query(""), (Value::Null, Value::Null));
    assert_eq!(query("b=1&a=2&b=3").0, json!({"a": "2", "b": "3"}));
}

#[test]
fn fields_of_the_client() {
    let event = event(
        "GET /prod/tier HTTP/1.1\nHost: a\nX-Forwarded-For: 10.0.0.1\nX-Forwarded-Proto: https\nX-Amzn-Trace-Id: Root=1-a-b\n\
         Keep-Alive: 5\nTE: x\nUpgrade: x\nServer: x\nContent-MD5: x\nQuote: \"\\\nLatin: \u{e9}\nReferer: r\nContent-Encoding: gzip",
    );
    let headers = &event["headers"];
    assert_eq!(headers["X-Forwarded-For"], "10.0.0.1, 192.0.2.7");
    assert_eq!(headers["X-Forwarded-Proto"], "http");
    assert_eq!(headers["X-Amzn-Trace-Id"], "Root=1-a-b;Parent=0000000000000004;Sampled=0");
    assert_eq!(headers["Quote"], "\"\\");
    assert_eq!(headers["Latin"], "é");
    assert_eq!((&headers["Referer"], &headers["Content-Encoding"]), (&json!("r"), &json!("gzip")));
    for name in ["Keep-Alive", "TE", "Upgrade", "Server", "Content-MD5", "Connection"] {
        assert!(headers.get(name).is_none(), "{name}");
    }
    let names = |member: &str| event[member].as_object().expect("a map").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("headers"), names("multiValueHeaders"));
}

#[test]
fn bodies() {
    let body = |content_type: &str, body: &str| {
        let length = body.len();
        let event = event(&format!(
            "POST /prod/x HTTP/1.1\nHost: a\nContent-Type: {content_type}\nContent-Length: {length}\n\n{body}"
        ));
        assert!(event["headers"].get("Content-Length").is_none());
        (event["body"].clone(), event["isBase64Encoded"].clone())
    };
    assert_eq!(body("application/json", "{\"a\":\"é\"}"), (json!("{\"a\":\"é\"}"), json!(false)));
    assert_eq!(body("image/png; x=y", "abcd"), (json!("YWJjZA=="), json!(true)));
    assert_eq!(body("image/png", ""), (Value::Null, json!(false)));
}

#[test]
fn a_custom_domains_path_has_the_base_path() {
    let event = event("GET /v1/x?a=b HTTP/1.1\nHost: mapped.test");
    assert_eq!((&event["path"], &event["requestContext"]["path"]), (&json!("/v1/x"), &json!("/v1/x")));
    assert_eq!(event["requestContext"]["domainName"], "mapped.test");
}

#[test]
fn a_good_key_is_told() {
    let event = event("GET /prod/keyed HTTP/1.1\nHost: a\nx-api-key: alice-0123456789abcdef");
    let identity = &event["requestContext"]["identity"];
    assert_eq!(
        (&identity["apiKey"], &identity["apiKeyId"]),
        (&json!("alice-0123456789abcdef"), &json!("alice"))
    );
}

/// A signature is for the gateway alone.
#[test]
fn a_signature_is_not_in_the_event() {
    let signed = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0";
    let event = event(&format!("GET /prod/tier HTTP/1.1\nHost: a\nAuthorization: {signed}"));
    assert!(event["headers"].get("Authorization").is_none(), "{event:#}");
    assert!(event["multiValueHeaders"].get("Authorization").is_none(), "{event:#}");
}

/// Facts 143 and 145.
#[test]
fn a_qualifier_may_have_a_function_of_its_own() {
    let invoke = invoked("GET /prod/tier HTTP/1.1\nHost: a").invoke.expect("invoked");
    assert_eq!(invoke.function, FunctionId(1));
    assert_eq!(invoke.timeout_ms, 29_000);
}

/// Facts 98 and 122.
#[test]
fn what_never_works_answers_500() {
    for path in ["get", "mapped"] {
        let exchanged =
            Gateway::new(DOCUMENT).exchange(&format!("GET /prod/{path} HTTP/1.1\nHost: a"), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 500 "), "{path}: {}", exchanged.answered);
        assert!(exchanged.answered.ends_with("\r\n\r\n{\"message\": \"Internal server error\"}"));
    }
}

#[test]
fn an_event_that_is_too_large_is_refused() {
    // Each line break becomes two characters.
    let body = "\n".repeat(EVENT_BYTES_MAX / 4 + 1);
    let request = format!("POST /prod/x HTTP/1.1\nHost: a\nContent-Length: {}\n\n{body}", body.len() * 2);
    let exchanged = Gateway::new(DOCUMENT).exchange(&request, Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 413 "), "{}", exchanged.answered);
    assert!(
        exchanged.answered.ends_with("\r\n\r\n{\"message\": \"Request Too Long\"}"),
        "{}",
        exchanged.answered
    );
    assert!(exchanged.answered.contains("x-amzn-ErrorType: BadRequestException\r\n"));
}

#[test]
fn a_failed_invocation() {
    for (origin, status, text) in [
        (Origin::FunctionFails(r#"{"errorMessage":"x"}"#), "502 Bad Gateway", "Internal server error"),
        (
            Origin::Function(Err(InvokeFailure::Throttled)),
            "500 Internal Server Error",
            "Internal server error",
        ),
        (Origin::Function(Err(InvokeFailure::Timeout)), "504 Gateway Timeout", "Endpoint request timed out"),
    ] {
        let answered = Gateway::new(DOCUMENT).exchange("GET /prod/tier HTTP/1.1\nHost: a", origin).answered;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answered}");
        assert!(answered.ends_with(&format!("\r\n\r\n{{\"message\": \"{text}\"}}")), "{answered}");
        assert!(answered.contains("x-amzn-ErrorType: InternalServerErrorException\r\n"), "{answered}");
    }
}
