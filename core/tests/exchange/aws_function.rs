//! AWS (non-proxy) integrations with a function: its event is the client's body, its answer is mapped.

use tidegate_core::exchange::{InvokeFailure, Wanted};

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE, wire};

const DOCUMENT: &str = r#"
paths:
  /mapped:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
        requestTemplates: { text/plain: '{"fixed":1}' }
        responses:
          ".*four hundred.*": { statusCode: 400 }
          ".+": { statusCode: 500, responseTemplates: { application/json: '{"message":"sorry"}' } }
          "200": { statusCode: 418 }
          default:
            statusCode: 200
            responseParameters:
              method.response.header.Content-Type: "'text/html'"
              method.response.header.Access-Control-Allow-Origin: "'*'"
              method.response.header.Lost: integration.response.header.Lost
  /strict:
    post:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        passthroughBehavior: never
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
        responses: { "never": { statusCode: 200 } }
  /event:
    post:
      parameters: [{ name: kind, in: query }]
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets:blue/invocations
        requestParameters: { integration.request.header.X-Amz-Invocation-Type: method.request.querystring.kind }
        responses: { default: { statusCode: 202 } }
"#;

fn exchange(request: &str, origin: Origin<'_>) -> Exchanged {
    Gateway::new(DOCUMENT).exchange(request, origin)
}

fn post(target: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /prod/{target} HTTP/1.1\nHost: a\nContent-Type: {content_type}\nContent-Length: {length}\n\n{body}"
    )
}

/// Fact 142.
#[test]
fn the_whole_answer() {
    let exchanged = exchange("GET /prod/mapped HTTP/1.1\nHost: a", Origin::Function(Ok(r#""Pass""#)));
    let want = wire(&format!(
        "HTTP/1.1 200 OK\n{DATE}\nContent-Length: 6\nConnection: keep-alive\nx-amzn-RequestId: {ID}\n\
         x-amz-apigw-id: {EXTENDED_ID}\nContent-Type: text/html\nAccess-Control-Allow-Origin: *\nX-Amzn-Trace-Id: {TRACE}\n\n\
         \"Pass\""
    ));
    assert_eq!(exchanged.answered, want);
    assert_eq!(exchanged.sent, "{}", "no body is an empty event");
}

/// Facts 137 and 138: the message chooses, never the status.
#[test]
fn responses_are_selected_by_the_error_message() {
    let document = r#"{"errorMessage":"it is four hundred","errorType":"Odd"}"#;
    let rows = [
        (Origin::Function(Ok(r#"{"errorMessage":"no error"}"#)), "200 OK", r#"{"errorMessage":"no error"}"#),
        (Origin::FunctionFails(document), "400 Bad Request", document),
        (
            Origin::FunctionFails(r#"{"errorMessage":"200"}"#),
            "500 Internal Server Error",
            r#"{"message":"sorry"}"#,
        ),
        (Origin::FunctionFails(r#"{"errorType":"none"}"#), "200 OK", r#"{"errorType":"none"}"#),
        (Origin::FunctionFails("not JSON"), "200 OK", "not JSON"),
        (
            Origin::Function(Err(InvokeFailure::Timeout)),
            "504 Gateway Timeout",
            r#"{"message": "Endpoint request timed out"}"#,
        ),
        (
            Origin::Function(Err(InvokeFailure::Throttled)),
            "500 Internal Server Error",
            r#"{"message": "Internal server error"}"#,
        ),
    ];
    for (origin, status, body) in rows {
        let answered = exchange("GET /prod/mapped HTTP/1.1\nHost: a", origin).answered;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answered}");
        assert!(answered.ends_with(&format!("\r\n\r\n{body}")), "{answered}");
    }
}

/// Fact 140.
#[test]
fn the_event_is_the_body_or_a_template() {
    let sent = |request: &str| exchange(request, Origin::Function(Ok("{}"))).sent;
    assert_eq!(sent(&post("mapped", "application/json", r#"{"a": [1]}"#)), r#"{"a": [1]}"#);
    assert_eq!(sent(&post("mapped", "application/json", "3")), "3");
    assert_eq!(sent(&post("mapped", "text/plain; charset=utf-8", "anything")), r#"{"fixed":1}"#);
}

#[test]
fn what_cannot_be_an_event_is_refused() {
    let not_json = exchange(&post("mapped", "application/json", "a=b"), Origin::Uncalled).answered;
    assert!(not_json.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{not_json}");
    assert!(not_json.ends_with("{\"message\": \"Could not parse request body into json\"}"), "{not_json}");
    let never = exchange(&post("strict", "application/json", "{}"), Origin::Uncalled).answered;
    assert!(never.starts_with("HTTP/1.1 415 "), "{never}");
}

#[test]
fn no_response_for_the_message_is_500() {
    let document = DOCUMENT.replace("passthroughBehavior: never", "passthroughBehavior: when_no_match");
    let mut gateway = Gateway::new(&document);
    let answered = gateway.exchange(&post("strict", "a/b", "{}"), Origin::Function(Ok("{}"))).answered;
    assert!(answered.starts_with("HTTP/1.1 500 "), "{answered}");
    let answered = gateway
        .exchange(&post("strict", "a/b", "{}"), Origin::FunctionFails(r#"{"errorMessage":"never"}"#))
        .answered;
    assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
}

/// Fact 144.
#[test]
fn an_asynchronous_invocation_is_not_waited_for() {
    let invoke = |kind: &str| {
        let request = post(&format!("event?kind={kind}"), "application/json", "{}");
        exchange(&request, Origin::Function(Ok("")))
    };
    let exchanged = invoke("Event");
    assert_eq!(exchanged.invoke.expect("invoked").wanted, Wanted::Nothing);
    assert!(exchanged.answered.starts_with("HTTP/1.1 202 Accepted\r\n"), "{}", exchanged.answered);
    assert!(exchanged.answered.contains("\r\nContent-Length: 0\r\n"));
    for kind in ["RequestResponse", "event", ""] {
        assert_eq!(invoke(kind).invoke.expect("invoked").wanted, Wanted::Answer, "{kind}");
    }
    let large = post("event?kind=Event", "application/json", &format!("\"{}\"", "x".repeat(1 << 20)));
    let answered = exchange(&large, Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 413 "), "{}", &answered[..200]);
}
