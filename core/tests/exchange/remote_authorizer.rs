//! Lambda authorizers whose function is at AWS: what the Lambda API is asked, and what becomes of its answers.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_core::auth::sigv4::{Credentials, Secret};
use tidegate_core::aws::{CredentialsSource, Issued};
use tidegate_core::exchange::CallFailure;
use tidegate_core::http1::BodyFraming;
use tidegate_core::limits::{AUTHORIZER_RESULT_BYTES_MAX, AUTHORIZER_TIMEOUT_MS};

use crate::carrier::{Exchanged, Function, Gateway, ID, Origin, TRACE};
use crate::plan::Settings;

const ASKER: &str = "arn:aws:iam::123456789012:role/asker";
const DOCUMENT: &str = r#"
paths:
  /token:
    any: &token
      security: [{ token: [] }]
      x-amazon-apigateway-integration: &backend
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/pets
        requestParameters: { integration.request.header.X-Principal: context.authorizer.principalId }
  /request:
    get: { security: [{ request: [] }], x-amazon-apigateway-integration: *backend }
  /mock:
    get:
      security: [{ token: [] }]
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' }, responses: { default: { statusCode: 200 } } }
  /here:
    get:
      security: [{ token: [] }]
      x-amazon-apigateway-integration: { type: aws_proxy, httpMethod: POST, uri: 'URI:pets/invocations' }
components:
  securitySchemes:
    token:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authorizer: { type: token, authorizerUri: 'URI:far:live/invocations' }
    request:
      type: apiKey
      name: Unused
      in: header
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: method.request.header.X-Who
        authorizerUri: 'URI:far/invocations'
        authorizerCredentials: arn:aws:iam::123456789012:role/asker
"#;
const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function";
const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
const FORMAT: &str = "$context.requestId $context.status $context.authorizer.principalId $context.authorizer.status \
                      $context.authorizer.integrationStatus $context.authorizer.latency $context.integration.status \
                      $context.integration.latency";

fn without_credentials() -> Gateway {
    let more = "[aws]\nendpoint_url = \"http://aws.test:4566\"\n";
    let document =
        DOCUMENT.replace("any: &token", "x-amazon-apigateway-any-method: &token").replace("URI", URI);
    Gateway::with(&document, FORMAT, Settings { more, ..Settings::default() })
}

fn gateway() -> Gateway {
    let mut gateway = without_credentials();
    let issued = |id: &str| Issued {
        credentials: Credentials {
            access_key_id: id.into(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
        },
        expires_s: None,
    };
    gateway.shard.signers.install(Arc::new(HashMap::from([
        (CredentialsSource::Default, issued("OWN")),
        (CredentialsSource::Role(ASKER.into()), issued("ASKER")),
    ])));
    gateway
}

fn answer(head: &str, content: &str) -> Function {
    Function::Called(format!("HTTP/1.1 {head}\nContent-Length: {}\n\n{content}", content.len()))
}

fn grant(effect: &str) -> String {
    let statement = json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"});
    json!({"principalId": "user-1", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}})
        .to_string()
}

fn get(target: &str) -> String {
    format!("GET /prod{target} HTTP/1.1\nHost: a\nAuthorization: Bearer abc\nX-Who: me\n")
}

#[track_caller]
fn served(gateway: &mut Gateway, request: &str, origin: Origin<'_>) -> Exchanged {
    let exchanged = gateway.exchange(request, origin);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 "), "{}{}", exchanged.answered, exchanged.denial);
    exchanged
}

#[test]
fn the_api_is_asked_with_the_event() {
    for (target, function, key) in [("/token", "far:live", "OWN"), ("/request", "far", "ASKER")] {
        let mut gateway = gateway();
        gateway.authorizers.push_back(answer("200 OK", &grant("Allow")));
        let exchanged = served(&mut gateway, &get(target), OK);
        assert!(exchanged.sent.contains("\r\nX-Principal: user-1\r\n"), "{}", exchanged.sent);
        let (call, asked) = &gateway.called[0];
        assert_eq!((call.timeout_ms, call.upload), (AUTHORIZER_TIMEOUT_MS, BodyFraming::None));
        assert!(!call.is_idempotent && !call.is_head);
        let (head, event) = asked.split_once("\r\n\r\n").expect("a head");
        let path = format!(
            "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:{function}/invocations"
        );
        let want = format!(
            "POST {path} HTTP/1.1\r\nHost: aws.test:4566\r\nContent-Type: application/json\r\n\
             X-Amz-Invocation-Type: RequestResponse\r\nAccept: application/json\r\nUser-Agent: AmazonAPIGateway_api\r\n\
             X-Amzn-Apigateway-Api-Id: api\r\nX-Amzn-Trace-Id: {TRACE}\r\nX-Amz-Date: 19941106T084937Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={key}/19941106/us-east-1/lambda/aws4_request, "
        );
        assert!(head.starts_with(&want), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", event.len())), "{head}");
        let event: Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(
            event["methodArn"],
            format!("arn:aws:execute-api:us-east-1:123456789012:api/prod/GET{target}")
        );
        assert!(gateway.asked.is_empty());
    }
}

/// Other than the call of a backend this one is no integration's: neither for logs nor for what comes behind.
#[test]
fn what_is_told_is_remembered_and_leaves_nothing_behind() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(answer("200 OK\nX-From-Lambda: yes", &grant("Allow")));
    let first = served(&mut gateway, &get("/mock"), Origin::Uncalled);
    assert_eq!(first.logged, format!("{ID} 200 user-1 200 200 10 200 -\n"));
    assert!(!first.answered.contains("X-From-Lambda"), "{}", first.answered);
    let again = served(&mut gateway, &get("/token"), OK);
    assert_eq!(again.logged, format!("{ID} 200 user-1 200 - 0 200 5\n"));
    let function = served(&mut gateway, &get("/here"), Origin::Function(Ok("{}")));
    assert!(function.sent.contains(r#""principalId":"user-1""#), "{}", function.sent);
    assert_eq!(gateway.called.len(), 1);
}

#[test]
fn bodies_are_for_the_backend_alone() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(answer("200 OK", &grant("Allow")));
    let request = get("/token").replace("GET", "PUT") + "Content-Length: 5\n\nhello";
    let exchanged = served(&mut gateway, &request, OK);
    assert!(!gateway.called[0].1.contains("hello"), "{}", gateway.called[0].1);
    assert_eq!(exchanged.call.map(|call| call.upload), Some(BodyFraming::Length(5)));
}

/// The status, the content and the log line.
#[track_caller]
fn check(function: Function, want: (&str, &str), rule: &str, logged: &str) {
    let mut gateway = gateway();
    gateway.authorizers.push_back(function);
    let exchanged = gateway.exchange(&get("/token"), Origin::Uncalled);
    let content = exchanged.answered.split_once("\r\n\r\n").expect("a head").1;
    assert_eq!((&exchanged.answered[9..12], content), want);
    assert!(exchanged.denial.contains(rule), "{rule}: {}", exchanged.denial);
    assert!(!exchanged.denial.contains("abc"), "{}", exchanged.denial);
    assert_eq!(exchanged.logged, format!("{ID} {} {logged} - -\n", want.0));
    // What it has failed with is not remembered.
    if want.0 != "403" {
        gateway.authorizers.push_back(answer("200 OK", &grant("Allow")));
        served(&mut gateway, &get("/token"), OK);
    }
}

const FAULT: (&str, &str) = ("500", r#"{"message":null}"#);
const UNAUTHORIZED: (&str, &str) = ("401", r#"{"message":"Unauthorized"}"#);

#[test]
fn answers_of_the_function() {
    let denied = r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
    let rule = "statement 1 of the policy that the authorizer gave denies";
    check(answer("200 OK", &grant("Deny")), ("403", denied), rule, "user-1 200 200 10");
    let failed = "200 OK\nX-Amz-Function-Error: Unhandled";
    let unauthorized = r#"{"errorType":"Error","errorMessage":"Unauthorized"}"#;
    check(answer(failed, unauthorized), UNAUTHORIZED, "says Unauthorized", "- 401 200 10");
    check(answer(failed, r#"{"errorMessage":"secret"}"#), FAULT, "its function has failed", "- 500 200 10");
    // Without the header it is an answer like any other.
    check(answer("200 OK", unauthorized), FAULT, "its answer has no principalId", "- 500 200 10");
    check(answer("200 OK", ""), FAULT, "its answer is no JSON object", "- 500 200 10");
    let large = "x".repeat(AUTHORIZER_RESULT_BYTES_MAX + 1);
    check(answer("200 OK", &large), FAULT, "its answer is too large", "- 500 - 10");
}

#[test]
fn answers_of_the_api() {
    for status in [400, 403, 404, 413, 429, 500, 503] {
        let document = r#"{"Type":"User","message":"secret"}"#;
        let rule = format!("the Lambda API has answered {status}");
        check(answer(&format!("{status} No"), document), FAULT, &rule, &format!("- 500 {status} 10"));
    }
    for (failure, rule) in [
        (CallFailure::Timeout, "its function has not answered in time"),
        (CallFailure::Network, "the Lambda API cannot be reached"),
        (CallFailure::Unresolvable, "the Lambda API cannot be reached"),
        (CallFailure::TooLarge, "its answer is too large"),
    ] {
        check(Function::Uncalled(failure), FAULT, rule, "- 500 - 5");
    }
    let mut gateway = without_credentials();
    let exchanged = gateway.exchange(&get("/token"), Origin::Uncalled);
    assert!(exchanged.answered.ends_with(FAULT.1), "{}", exchanged.answered);
    assert!(
        exchanged.denial.contains("there are no credentials to call the Lambda API with"),
        "{}",
        exchanged.denial
    );
}
