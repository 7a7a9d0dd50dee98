//! What a client gets of a function's answer by AWS_PROXY.

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE, wire};

const DOCUMENT: &str = r#"
paths:
  /x:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
x-amazon-apigateway-binary-media-types: [image/png]
"#;

const FORMAT: &str = "$context.requestId $context.status $context.integration.status $context.responseLength $context.integration.error";

fn exchange(request: &str, payload: &str) -> Exchanged {
    Gateway::logging(DOCUMENT, FORMAT).exchange(request, Origin::Function(Ok(payload)))
}

const GET: &str = "GET /prod/x HTTP/1.1\nHost: a";

#[test]
fn the_whole_answer() {
    let payload = r#"{"statusCode":201,"headers":{"X-One":"1","Content-Type":"text/plain"},
        "multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"héllo"}"#;
    let exchanged = exchange(GET, payload);
    let want = wire(&format!(
        "HTTP/1.1 201 Created\n{DATE}\nContent-Length: 6\nConnection: keep-alive\nx-amzn-RequestId: {ID}\n\
         x-amz-apigw-id: {EXTENDED_ID}\nSet-Cookie: a=1\nSet-Cookie: b=2\nX-One: 1\nContent-Type: text/plain\n\
         X-Amzn-Trace-Id: {TRACE}\n\nhéllo"
    ));
    assert_eq!(exchanged.answered, want);
    assert_eq!(exchanged.logged, format!("{ID} 201 200 6 -\n"));
}

/// Facts 123 and 124.
#[test]
fn what_is_missing_has_defaults() {
    for payload in ["{}", r#"{"statusCode":200}"#] {
        let answered = exchange(GET, payload).answered;
        assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
        assert!(
            answered.contains("\r\nContent-Type: application/json\r\nContent-Length: 0\r\n"),
            "{answered}"
        );
    }
}

/// Facts 125 and 126.
#[test]
fn what_is_malformed_is_502() {
    for payload in
        ["", "null", r#""text""#, r#"{"wrongValue":1}"#, r#"{"statusCode":"test"}"#, r#"{"body":{}}"#]
    {
        let exchanged = exchange(GET, payload);
        let answered = &exchanged.answered;
        assert!(answered.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{payload}: {answered}");
        assert!(
            answered.ends_with("\r\n\r\n{\"message\": \"Internal server error\"}"),
            "{payload}: {answered}"
        );
        assert_eq!(exchanged.logged, format!("{ID} 502 200 36 Internal server error\n"));
    }
}

#[test]
fn fields_of_the_message_are_the_gateways_own() {
    let payload = r#"{"headers":{"Connection":"close","Content-Length":"99","Date":"today","Server":"me",
        "Transfer-Encoding":"chunked","Keep-Alive":"1","x-amzn-RequestId":"mine","X-Amzn-Trace-Id":"mine","Via":"me",
        "Upgrade":"h2c","Content-Encoding":"br","ETag":"\"1\""},"body":"x"}"#;
    let answered = exchange(GET, payload).answered;
    for line in [
        "x-amzn-Remapped-Connection: close",
        "x-amzn-Remapped-Content-Length: 99",
        "x-amzn-Remapped-Date: today",
        "x-amzn-Remapped-Server: me",
        "Content-Encoding: br",
        "ETag: \"1\"",
        "Content-Length: 1",
        "Connection: keep-alive",
    ] {
        assert!(answered.contains(&format!("\r\n{line}\r\n")), "{line}: {answered}");
    }
    for gone in ["chunked", "mine", "h2c", "Keep-Alive", "Via"] {
        assert!(!answered.contains(gone), "{gone}: {answered}");
    }
}

#[test]
fn answers_without_content() {
    let head = exchange("HEAD /prod/x HTTP/1.1\nHost: a", r#"{"body":"four"}"#);
    assert!(head.answered.contains("\r\nContent-Length: 4\r\n") && head.answered.ends_with("\r\n\r\n"));
    assert_eq!(head.answer.inline_bytes, 0);
    let empty = exchange(GET, r#"{"statusCode":204,"body":"lost"}"#).answered;
    assert!(!empty.contains("Content-Length") && empty.ends_with("\r\n\r\n"), "{empty}");
}

/// Facts 131 to 136.
#[test]
fn base64_is_decoded_for_who_accepts_binary() {
    let get = |accept: &str, body: &str| {
        let payload = format!(r#"{{"isBase64Encoded":true,"body":"{body}"}}"#);
        let answered = exchange(&format!("{GET}\nAccept: {accept}"), &payload).answered;
        let (head, body) = answered.split_once("\r\n\r\n").expect("a head");
        (head[9..12].to_owned(), body.to_owned())
    };
    let check = |accept: &str, body: &str, status: &str, want: &str| {
        assert_eq!(get(accept, body), (status.to_owned(), want.to_owned()), "{accept} {body}");
    };
    check("image/png", "YWJjZA==", "200", "abcd");
    check("image/png", "YWJjZA", "200", "abcd");
    check("image/png,image/*,*/*;q=0.8", "YWJjZA==", "200", "abcd");
    check("*/*", "YWJjZA==", "200", "YWJjZA==");
    check("image/webp,image/png", "YWJjZA==", "200", "YWJjZA==");
    check("image/png", "not base64", "500", "{\"message\": \"Internal server error\"}");
}
