//! What AWS services get (facts 97, 98, 103, 168 to 176): signed, with their content, and nothing of the client.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::auth::sigv4::{
    Claim, Credentials, PathStyle, PayloadHash, Scope, Secret, Signable, SigningKey, Verifier, check_scope,
    check_time,
};
use tidegate_core::aws::{CredentialsSource, Issued};
use tidegate_core::http1::RequestHead;
use tidegate_core::limits::Limits;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE, wire};
use crate::plan::Settings;
use crate::sign::{self, Caller};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// When every exchange is.
const NOW_S: u64 = 784_111_777;

const DOCUMENT: &str = r##"
paths:
  /queue/{name}:
    post:
      parameters: [{ name: name, in: path }, { name: X-Mine, in: header }]
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:sqs:path/1/{name}?v=1
        requestParameters:
          integration.request.path.name: method.request.path.name
          integration.request.header.X-Amz-Mine: method.request.header.X-Mine
          integration.request.querystring.who: context.apiId
        responses: { default: { statusCode: 200 } }
  /table:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:dynamodb:action/PutItem
        requestTemplates: { application/json: '{"body": $input.json("$")}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: '[$input.body]' } } }
    put:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:dynamodb:action/PutItem
        requestTemplates:
          application/json: "#set($context.requestOverride.header.x-amz-target = 'Own.Target')\n{}"
        responses: { default: { statusCode: 200 } }
  /shelf/{key+}:
    get:
      parameters: [{ name: key, in: path }]
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: GET
        uri: arn:aws:apigateway:us-east-1:s3:path/shelf/{key}
        requestParameters: { integration.request.path.key: method.request.path.key }
        responses: { default: { statusCode: 200 } }
  /mine:
    post:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        credentials: 'arn:aws:iam::*:user/*'
        uri: arn:aws:apigateway:us-east-1:runtime.sagemaker:path/endpoints/e/invocations
        responses: { default: { statusCode: 200 } }
  /nobodys:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        credentials: 'arn:aws:iam::*:user/*'
        uri: arn:aws:apigateway:us-east-1:sqs:path/1/q
        responses: { default: { statusCode: 200 } }
  /fails:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:sqs:path/1/q
        requestParameters: { integration.request.header.Authorization: "'x'" }
        responses: { default: { statusCode: 200 } }
"##;

fn gateway(issued: Option<Option<u64>>) -> Gateway {
    let settings =
        Settings { more: "[aws]\nendpoint_url = \"http://aws.test:4566\"\n", ..Settings::default() };
    let mut gateway =
        Gateway::with(DOCUMENT, "$context.requestId $context.status $context.error.responseType", settings);
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Secret::new(SECRET),
        session_token: Some(Secret::new("the/token==")),
    };
    let table = issued.map(|expires_s| (CredentialsSource::Default, Issued { credentials, expires_s }));
    gateway.shard.signers.install(Arc::new(HashMap::from_iter(table)));
    gateway
}

/// What was sent without its signature, which must be good.
#[track_caller]
fn verified(sent: &str, service: &str, style: PathStyle) -> String {
    verified_by(sent, service, style, SECRET)
}

#[track_caller]
fn verified_by(sent: &str, service: &str, style: PathStyle, secret: &str) -> String {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(sent.as_bytes());
    assert!(matches!(head.parse(&Limits::default().request_head()), Ok(Some(_))), "{sent}");
    let scope = Scope { region: "us-east-1", service };
    let claim = Claim::read(&head).unwrap_or_else(|error| panic!("{error:?}: {sent}"));
    assert_eq!(check_scope(&claim, scope), Ok(()));
    assert_eq!(check_time(&claim, NOW_S), Ok(()));
    let key = SigningKey::derive(&Secret::new(secret), b"19941106", scope);
    let payload = PayloadHash::of(head.surplus());
    let checked = Verifier::default().verify(&Signable::of(&head), style, &claim, (&key, scope), &payload);
    assert_eq!(checked, Ok(()), "{sent}");
    let signed = sent.split("\r\n").find_map(|line| line.split_once("SignedHeaders="));
    let names = signed.and_then(|(_, rest)| rest.split_once(',')).expect("names").0;
    let kept = sent.split("\r\n").filter(|line| !line.starts_with("Authorization: "));
    format!("{}\nsigned: {names}", kept.collect::<Vec<_>>().join("\n"))
}

#[track_caller]
fn check(request: &str, service: &str, style: PathStyle, want: &str) -> Exchanged {
    let exchanged =
        gateway(Some(None)).exchange(request, Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
    assert_eq!(verified(&exchanged.sent, service, style), want, "{request}");
    exchanged
}

const DEFAULTS: &str =
    "Accept: application/json\nUser-Agent: AmazonAPIGateway_api\nX-Amzn-Apigateway-Api-Id: api\n";
const SESSION: &str = "X-Amz-Date: 19941106T084937Z\nX-Amz-Security-Token: the/token==\n";

#[test]
fn a_path_with_parameters() {
    let exchanged = check(
        "POST /prod/queue/a%20b HTTP/1.1\nHost: a\nX-Mine: m\nX-Other: o\nCookie: c\nContent-Type: text/plain\nContent-Length: 3\n\nabc",
        "sqs",
        PathStyle::Normalized,
        &format!(
            "POST /1/a%20b?v=1&who=api HTTP/1.1\nX-Amz-Mine: m\nHost: aws.test:4566\nContent-Type: text/plain\n{DEFAULTS}\
             X-Amzn-Trace-Id: {TRACE}\n{SESSION}Content-Length: 3\n\nabc\n\
             signed: content-type;host;x-amz-date;x-amz-mine;x-amz-security-token"
        ),
    );
    let want = format!(
        "HTTP/1.1 200 OK\n{DATE}\nContent-Type: application/json\nContent-Length: 2\nConnection: keep-alive\n\
         x-amzn-RequestId: {ID}\nx-amz-apigw-id: {EXTENDED_ID}\nX-Amzn-Trace-Id: {TRACE}\n\nok"
    );
    assert_eq!(exchanged.answered, wire(&want));
}

/// Facts 172, 174.
#[test]
fn an_operation_by_its_target() {
    let head = |target: &str, content_type: &str| {
        format!("POST / HTTP/1.1\n{target}Host: aws.test:4566\nContent-Type: {content_type}\n")
    };
    let json = "application/x-amz-json-1.0";
    let exchanged = check(
        "POST /prod/table HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\n{\"a\":\n2\n1}\n0\n\n",
        "dynamodb",
        PathStyle::Normalized,
        &format!(
            "{}X-Amz-Target: DynamoDB_20120810.PutItem\n{DEFAULTS}X-Amzn-Trace-Id: {TRACE}\n{SESSION}Content-Length: 17\n\n\
             {{\"body\": {{\"a\":1}}}}\nsigned: content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            head("", json)
        ),
    );
    assert!(exchanged.answered.ends_with("\r\n\r\n[ok]"), "{}", exchanged.answered);
    check(
        "PUT /prod/table HTTP/1.1\nHost: a",
        "dynamodb",
        PathStyle::Normalized,
        &format!(
            "{}{DEFAULTS}X-Amzn-Trace-Id: {TRACE}\n{SESSION}Content-Length: 2\n\n\
             {{}}\nsigned: content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            head("x-amz-target: Own.Target\n", json)
        ),
    );
}

/// S3 is told the content's digest, and its paths are signed as they are.
#[test]
fn an_object() {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    check(
        "GET /prod/shelf/a%2Fb//c HTTP/1.1\nHost: a\nAccept: image/png",
        "s3",
        PathStyle::EncodedOnce,
        &format!(
            "GET /shelf/a%2Fb//c HTTP/1.1\nHost: aws.test:4566\n{DEFAULTS}X-Amzn-Trace-Id: {TRACE}\n\
             X-Amz-Content-Sha256: {digest}\n{SESSION}\n\n\
             signed: host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
        ),
    );
}

/// AWS: "To require that the caller's identity be passed through from the request": the caller's own keys sign, whatever the
/// gateway has, and where nobody has signed nobody is called.
#[test]
fn the_callers_own_credentials() {
    let ok = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 2\n\nok");
    for issued in [None, Some(None)] {
        let request = sign::request(sign::ALICE, "POST", "/prod/mine", &[], &PayloadHash::of(b""));
        let exchanged = gateway(issued).exchange(&request, ok);
        let want = format!(
            "POST /endpoints/e/invocations HTTP/1.1\nHost: runtime.aws.test:4566\n\
             {DEFAULTS}X-Amzn-Trace-Id: {TRACE}\nX-Amz-Date: 19941106T084937Z\nContent-Length: 0\n\n\n\
             signed: host;x-amz-date"
        );
        let sent = verified_by(&exchanged.sent, "sagemaker", PathStyle::Normalized, sign::ALICE.secret);
        assert_eq!(sent, want);
        assert!(exchanged.sent.contains("Credential=AKIDALICEALICEALICE/"), "{}", exchanged.sent);
    }
    let session = Caller {
        key: "ASIASESSIONSESSION",
        secret: "session-secret-session-secret",
        token: Some("session-token"),
        ..sign::ALICE
    };
    let request = sign::request(session, "POST", "/prod/mine", &[], &PayloadHash::of(b""));
    let sent = gateway(None).exchange(&request, ok).sent;
    assert!(sent.contains("\r\nX-Amz-Security-Token: session-token\r\n"), "{sent}");
    let nobodys = gateway(Some(None)).exchange("POST /prod/nobodys HTTP/1.1\nHost: a", Origin::Uncalled);
    assert!(nobodys.answered.starts_with("HTTP/1.1 500 "), "{}", nobodys.answered);
}

#[test]
fn without_good_credentials_nobody_is_called() {
    for issued in [None, Some(Some(NOW_S))] {
        let request = "POST /prod/queue/q HTTP/1.1\nHost: a\nContent-Length: 1\n\nx";
        let exchanged = gateway(issued).exchange(request, Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 500 ") && exchanged.call.is_none());
        assert!(exchanged.answered.ends_with("\r\n\r\n{\"message\": \"Internal server error\"}"));
        assert_eq!(exchanged.logged, format!("{ID} 500 API_CONFIGURATION_ERROR\n"));
    }
    let request = "POST /prod/queue/q HTTP/1.1\nHost: a\nContent-Length: 1\n\nx";
    let good = gateway(Some(Some(NOW_S + 1))).exchange(request, Origin::Answers("HTTP/1.1 204 No\n\n"));
    assert!(good.answered.starts_with("HTTP/1.1 200 "));
}

/// Fact 98.
#[test]
fn some_mappings_fail_every_call() {
    let exchanged = gateway(Some(None)).exchange("POST /prod/fails HTTP/1.1\nHost: a", Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 500 "));
}
