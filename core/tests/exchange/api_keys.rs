//! Methods that need an API key: who may call, who gets 403, what backends and logs see of a key.

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin, wire};

const DOCUMENT: &str = r#"
paths:
  /keyed:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        requestParameters:
          integration.request.header.X-Key: context.identity.apiKey
          integration.request.header.X-Key-Id: context.identity.apiKeyId
        responses: { default: { statusCode: 200 } }
  /open:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
"#;

const FORMAT: &str = "$context.requestId $context.status $context.error.responseType $context.identity.apiKey \
                      $context.identity.apiKeyId";
const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");

#[test]
fn a_good_key_is_served() {
    let request = "GET /prod/keyed HTTP/1.1\nHost: a\nX-Api-Key: alice-0123456789abcdef";
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(request, OK);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK"), "{}", exchanged.answered);
    assert!(
        exchanged.sent.contains("X-Key: alice-0123456789abcdef\r\nX-Key-Id: alice\r\n"),
        "{}",
        exchanged.sent
    );
    assert_eq!(exchanged.logged, format!("{ID} 200 - ****************abcdef alice\n"));
}

#[track_caller]
fn check_forbidden(field: &str) {
    let request = format!("GET /prod/keyed HTTP/1.1\nHost: a{field}");
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(&request, Origin::Uncalled);
    let want = wire(&format!(
        "HTTP/1.1 403 Forbidden\n{DATE}\nContent-Type: application/json\nContent-Length: 23\nConnection: keep-alive\n\
         x-amzn-RequestId: {ID}\nx-amzn-ErrorType: ForbiddenException\nx-amz-apigw-id: {EXTENDED_ID}\n\n\
         {{\"message\":\"Forbidden\"}}"
    ));
    assert_eq!(exchanged.answered, want, "{field}");
    assert_eq!(exchanged.logged, format!("{ID} 403 INVALID_API_KEY - -\n"), "{field}");
}

#[test]
fn without_a_good_key_it_is_forbidden() {
    check_forbidden("");
    check_forbidden("\nx-api-key:");
    check_forbidden("\nx-api-key: alice");
    check_forbidden("\nx-api-key: alice-0123456789abcdeg");
    check_forbidden("\nx-api-key: bob-0123456789abcdefgh");
    check_forbidden("\nAuthorization: alice-0123456789abcdef");
}

#[test]
fn other_methods_need_none_and_pass_what_is_sent() {
    let request = "GET /prod/open HTTP/1.1\nHost: a\nx-api-key: whatever";
    let exchanged = Gateway::logging(DOCUMENT, FORMAT).exchange(request, OK);
    assert!(exchanged.sent.contains("\r\nx-api-key: whatever\r\n"), "{}", exchanged.sent);
    assert_eq!(exchanged.logged, format!("{ID} 200 - - -\n"));
}
