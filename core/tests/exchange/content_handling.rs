//! Payloads between text and binary (facts 157 to 165; behaviour section 14), for HTTP, AWS and MOCK.

use crate::carrier::{Exchanged, Gateway, Origin};

/// Bytes that are no text, their base64, and what is left of them as text.
const GZIP: &[u8] = &[0x1f, 0x8b, 0xff, b'a'];
const BASE64: &str = "H4v/YQ==";
const LOSSY: &str = "\x1f\u{fffd}\u{fffd}a";

const INTERNAL: &str = "{\"message\": \"Internal server error\"}";

/// A document with the methods `/` (HTTP), `/templates`, `/function` and `/mock`, all with this content handling.
fn document(types: &str, request: &str, response: &str) -> String {
    let handling = |value: &str| match value {
        "" => String::new(),
        value => format!(", contentHandling: {value}"),
    };
    let (request, response) = (handling(request), handling(response));
    let function = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations";
    format!(
        r#"
x-amazon-apigateway-binary-media-types: ['{types}']
paths:
  /:
    post:
      x-amazon-apigateway-integration:
        {{ type: http, httpMethod: POST, uri: 'http://origin.test/'{request},
          responses: {{ default: {{ statusCode: 200{response} }} }} }}
  /templates:
    post:
      x-amazon-apigateway-integration:
        {{ type: http, httpMethod: POST, uri: 'http://origin.test/'{request},
          requestTemplates: {{ $default: '<$input.body>' }},
          responses: {{ default: {{ statusCode: 200{response}, responseTemplates: {{ application/json: '<$input.body>' }} }} }} }}
  /function:
    post:
      x-amazon-apigateway-integration:
        {{ type: aws, httpMethod: POST, uri: '{function}'{request}, responses: {{ default: {{ statusCode: 200{response} }} }} }}
  /mock:
    post:
      x-amazon-apigateway-integration:
        {{ type: mock{request}, requestTemplates: {{ $default: '{{"statusCode": 200}}' }},
          responses: {{ default: {{ statusCode: 200{response}, responseTemplates: {{ application/json: 'mocked' }} }} }} }}
"#
    )
}

fn content(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    &bytes[end + 4..]
}

/// What the backend gets of a body; nothing: 500, and it is not called.
#[track_caller]
fn check_request(types: &str, handling: &str, path: &str, body: &[u8], want: Option<&[u8]>) {
    let head = format!(
        "POST /prod{path} HTTP/1.1\nHost: a\nContent-Type: image/png; x=y\nContent-Length: {}\n\n",
        body.len()
    );
    let mut gateway = Gateway::new(&document(types, handling, ""));
    let origin = match want {
        Some(_) => Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        None => Origin::Uncalled,
    };
    let exchanged = gateway.exchange_bytes(&head, body, origin);
    match want {
        Some(want) => {
            let whole = format!("Content-Length: {}\r\n\r\n", want.len());
            // What is not converted follows as it comes.
            if content(&exchanged.sent_bytes).is_empty() {
                assert_eq!(body, want, "{types} {handling}");
            } else {
                assert_eq!(content(&exchanged.sent_bytes), want, "{types} {handling}: {}", exchanged.sent);
                assert!(exchanged.sent.contains(&whole), "{}", exchanged.sent);
            }
        }
        None => check_internal(&exchanged),
    }
}

#[track_caller]
fn check_internal(exchanged: &Exchanged) {
    assert!(exchanged.answered.starts_with("HTTP/1.1 500 "), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with(INTERNAL), "{}", exchanged.answered);
}

/// Facts 157 to 160.
#[test]
fn requests() {
    for types in ["no/thing", "text/*"] {
        for handling in ["", "CONVERT_TO_TEXT"] {
            check_request(types, handling, "/", GZIP, Some(LOSSY.as_bytes()));
            check_request(types, handling, "/", BASE64.as_bytes(), Some(BASE64.as_bytes()));
        }
        check_request(types, "CONVERT_TO_BINARY", "/", GZIP, None);
        check_request(types, "CONVERT_TO_BINARY", "/", BASE64.as_bytes(), Some(GZIP));
        check_request(types, "CONVERT_TO_BINARY", "/", b"a text", None);
    }
    for handling in ["", "CONVERT_TO_BINARY"] {
        check_request("image/png", handling, "/", GZIP, Some(GZIP));
        check_request("image/png", handling, "/", BASE64.as_bytes(), Some(BASE64.as_bytes()));
    }
    check_request("image/png", "CONVERT_TO_TEXT", "/", GZIP, Some(BASE64.as_bytes()));
    check_request("image/*", "CONVERT_TO_TEXT", "/", b"a text", Some(b"YSB0ZXh0"));
}

/// Fact 161: a template needs text.
#[test]
fn request_templates() {
    check_request("no/thing", "", "/templates", GZIP, Some(format!("<{LOSSY}>").as_bytes()));
    check_request("image/png", "CONVERT_TO_TEXT", "/templates", GZIP, Some(format!("<{BASE64}>").as_bytes()));
    check_request("image/png", "", "/templates", GZIP, None);
    check_request("no/thing", "CONVERT_TO_BINARY", "/templates", BASE64.as_bytes(), None);
    check_request("*/*", "", "/mock", b"", None);
}

/// What the client gets of the backend's payload; nothing: 500.
#[track_caller]
fn check_response(handling: &str, kinds: (&str, &str), path: &str, payload: &[u8], want: Option<&[u8]>) {
    let (media_type, accept) = kinds;
    let mut gateway = Gateway::new(&document("image/png", "", handling));
    let head = format!("HTTP/1.1 200 OK\nContent-Type: {media_type}\nContent-Length: {}\n\n", payload.len());
    let request = format!(
        "POST /prod{path} HTTP/1.1\nHost: a\nAccept: {accept}, text/html\nContent-Type: a/b\nContent-Length: 0"
    );
    let exchanged = gateway.exchange(&request, Origin::Gives(&head, payload));
    match want {
        Some(want) => {
            assert!(exchanged.answered.starts_with("HTTP/1.1 200 "), "{}", exchanged.answered);
            let got = content(&exchanged.answered_bytes);
            let got = if got.is_empty() { payload } else { got };
            assert_eq!(got, want, "{handling} {kinds:?}");
        }
        None => check_internal(&exchanged),
    }
}

const TEXT: &str = "text/plain";
const BINARY: &str = "image/png";

/// Facts 162 to 164, AWS's table row by row.
#[test]
fn responses() {
    for accept in [TEXT, BINARY] {
        check_response("CONVERT_TO_TEXT", (TEXT, accept), "/", GZIP, Some(LOSSY.as_bytes()));
        check_response("CONVERT_TO_TEXT", (BINARY, accept), "/", GZIP, Some(BASE64.as_bytes()));
        check_response("CONVERT_TO_BINARY", (TEXT, accept), "/", GZIP, None);
        check_response("CONVERT_TO_BINARY", (TEXT, accept), "/", BASE64.as_bytes(), Some(GZIP));
        check_response("CONVERT_TO_BINARY", (BINARY, accept), "/", GZIP, Some(GZIP));
    }
    check_response("", (TEXT, TEXT), "/", GZIP, Some(LOSSY.as_bytes()));
    check_response("", (TEXT, TEXT), "/", "ä".as_bytes(), Some("ä".as_bytes()));
    check_response("", (BINARY, BINARY), "/", GZIP, Some(GZIP));
    check_response("", (BINARY, TEXT), "/", GZIP, Some(BASE64.as_bytes()));
    check_response("", (TEXT, BINARY), "/", BASE64.as_bytes(), Some(GZIP));
    check_response("", (TEXT, BINARY), "/", b"a text", None);
}

/// Fact 165.
#[test]
fn response_templates() {
    check_response("", (TEXT, TEXT), "/templates", GZIP, Some(format!("<{LOSSY}>").as_bytes()));
    check_response(
        "CONVERT_TO_TEXT",
        (BINARY, BINARY),
        "/templates",
        GZIP,
        Some(format!("<{BASE64}>").as_bytes()),
    );
    check_response("", (BINARY, BINARY), "/templates", GZIP, None);
    check_response("CONVERT_TO_BINARY", (TEXT, TEXT), "/templates", BASE64.as_bytes(), None);
    check_response("", (BINARY, BINARY), "/templates", b"", Some(b"<{}>"));
}

#[test]
fn functions() {
    let request = |accept: &str, body: &str| {
        format!(
            "POST /prod/function HTTP/1.1\nHost: a\nAccept: {accept}\nContent-Type: image/png\nContent-Length: {}\n\n{body}",
            body.len()
        )
    };
    let mut gateway = Gateway::new(&document("image/png", "CONVERT_TO_BINARY", ""));
    let exchanged = gateway.exchange(&request(TEXT, "{\"a\":1}"), Origin::Function(Ok("\"H4v/YQ==\"")));
    assert_eq!(exchanged.sent, "{\"a\":1}");
    assert!(exchanged.answered.ends_with("\r\n\r\n\"H4v/YQ==\""), "{}", exchanged.answered);
    let exchanged = gateway.exchange(&request(BINARY, "1"), Origin::Function(Ok("H4v/YQ==")));
    assert_eq!(content(&exchanged.answered_bytes), GZIP, "{}", exchanged.answered);
    check_internal(&gateway.exchange(&request(BINARY, "1"), Origin::Function(Ok("{}"))));
    let mut gateway = Gateway::new(&document("image/png", "CONVERT_TO_TEXT", "CONVERT_TO_TEXT"));
    let exchanged = gateway.exchange(&request(BINARY, "1"), Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 400 "), "base64 is no JSON: {}", exchanged.answered);
}

/// A MOCK has no payload that could be converted.
#[test]
fn mocks() {
    let request = "POST /prod/mock HTTP/1.1\nHost: a\nAccept: image/png\nContent-Type: image/png\nContent-Length: 1\n\nx";
    let mut gateway = Gateway::new(&document("image/png", "CONVERT_TO_TEXT", ""));
    let exchanged = gateway.exchange(request, Origin::Uncalled);
    assert!(exchanged.answered.ends_with("\r\n\r\nmocked"), "{}", exchanged.answered);
    let mut gateway = Gateway::new(&document("image/png", "", ""));
    check_internal(&gateway.exchange(request, Origin::Uncalled));
}
