//! Decompression of requests and compression of answers (behaviour section 15).

use tidegate_core::compression::Coding;
use tidegate_core::http1::BodyFraming;

use crate::carrier::{Exchanged, Gateway, Origin};

/// `{"name":"a"}`, coded by gzip and zlib.
const PLAIN: &str = "{\"name\":\"a\"}";
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\x4a\x54\xaa\x05\x00\x96\x2b\x76\x8d\x0c\x00\x00\x00";
const DEFLATE: &[u8] = b"\x78\x9c\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\x4a\x54\xaa\x05\x00\x19\x80\x03\xbd";

const DOCUMENT: &str = r##"
x-amazon-apigateway-minimum-compression-size: 100
x-amazon-apigateway-request-validators: { body: { validateRequestBody: true } }
paths:
  /proxy:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/' }
  /custom:
    post:
      x-amazon-apigateway-request-validator: body
      requestBody: { content: { application/json: { schema: { required: [name] } } } }
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://origin.test/
        requestTemplates: { application/json: "$input.path('$.name')" }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: '<$input.body>' } } }
  /coded:
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses:
          default: { statusCode: 200, responseParameters: { method.response.header.Content-Encoding: "'br'" } }
  /mock:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses:
          default: { statusCode: 200, responseTemplates: { application/json: "#foreach($i in [1..200])$i,#end" } }
  /function:
    post:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
"##;

const ANSWER: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 2\n\nok");

#[track_caller]
fn send(path: &str, coding: &str, body: &[u8], origin: Origin<'_>) -> Exchanged {
    let head = format!(
        "POST /prod{path} HTTP/1.1\nHost: a\nContent-Encoding: {coding}\nContent-Length: {}\n\n",
        body.len()
    );
    Gateway::new(DOCUMENT).exchange_bytes(&head, body, origin)
}

#[test]
fn requests_are_decompressed() {
    for (coding, body) in [("gzip", GZIP), ("GZip", GZIP), ("x-gzip", GZIP), ("deflate", DEFLATE)] {
        let exchanged = send("/proxy", coding, body, ANSWER);
        assert!(
            exchanged.sent.ends_with(&format!("\r\nContent-Length: 12\r\n\r\n{PLAIN}")),
            "{}",
            exchanged.sent
        );
        assert!(!exchanged.sent.to_ascii_lowercase().contains("content-encoding"), "{}", exchanged.sent);
        let exchanged = send("/custom", coding, body, ANSWER);
        assert!(exchanged.sent.ends_with("\r\n\r\na"), "validated and mapped: {}", exchanged.sent);
    }
    let exchanged = send("/proxy", "identity", PLAIN.as_bytes(), ANSWER);
    assert_eq!(exchanged.call.map(|call| call.upload), Some(BodyFraming::Length(12)), "it streams");
    let exchanged = send("/function", "gzip", GZIP, Origin::Function(Ok("{}")));
    assert!(exchanged.sent.contains(r#""body":"{\"name\":\"a\"}""#), "{}", exchanged.sent);
    let none =
        Gateway::new(DOCUMENT).exchange("GET /prod/proxy HTTP/1.1\nHost: a\nContent-Encoding: br", ANSWER);
    assert!(none.answered.starts_with("HTTP/1.1 200 "), "nothing is coded: {}", none.answered);
}

#[test]
fn what_cannot_be_decompressed_is_415() {
    for (coding, body) in [
        ("br", GZIP),
        ("gzip", PLAIN.as_bytes()),
        ("gzip", &GZIP[..20]),
        ("deflate", GZIP),
        ("gzip, br", GZIP),
    ] {
        for path in ["/proxy", "/custom", "/mock", "/function"] {
            let answered = send(path, coding, body, Origin::Uncalled).answered;
            assert!(answered.starts_with("HTTP/1.1 415 "), "{coding}: {answered}");
            assert!(answered.ends_with("{\"message\": \"Unsupported Media Type\"}"), "{answered}");
        }
    }
}

#[test]
fn a_bomb_is_413() {
    let bomb = Coding::Gzip.compress(&vec![0; 11 << 20]);
    assert!(bomb.len() < 200_000);
    let exchanged = send("/proxy", "gzip", &bomb, Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 413 "), "{}", exchanged.answered);
    assert!(
        exchanged.answered.ends_with("HTTP content length exceeded 10485760 bytes."),
        "{}",
        exchanged.answered
    );
}

/// Asks with this `Accept-Encoding`; returns the head of the answer and its content, decoded.
#[track_caller]
fn receive(document: &str, line: &str, accepted: &str, origin: Origin<'_>) -> (String, Vec<u8>) {
    let request = format!("{line} HTTP/1.1\nHost: a\n{accepted}Content-Length: 0");
    let exchanged = Gateway::new(document).exchange(&request, origin);
    assert_eq!(exchanged.answer.download, BodyFraming::None, "{}", exchanged.answered);
    let bytes = exchanged.answered_bytes;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let (head, content) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end..]);
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", content.len())), "{head}");
    let content = match head.lines().find_map(|line| line.strip_prefix("Content-Encoding: ")) {
        Some("gzip") => Coding::Gzip.decompress(content, 1 << 24).expect("gzip"),
        Some("deflate") => Coding::Deflate.decompress(content, 1 << 24).expect("zlib"),
        _ => content.to_vec(),
    };
    (head, content)
}

fn coding_of(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("Content-Encoding: ")).unwrap_or_default()
}

#[test]
fn answers_are_compressed_for_those_who_ask() {
    let numbers: String = (1..=200).map(|number| format!("{number},")).collect();
    for (accepted, want) in [
        ("Accept-Encoding: gzip\n", "gzip"),
        ("Accept-Encoding: deflate, gzip;q=0.5\n", "deflate"),
        ("Accept-Encoding: gzip, deflate, br\n", "gzip"),
        ("Accept-Encoding: br\n", ""),
        ("Accept-Encoding: identity, gzip;q=0.5\n", ""),
        ("Accept-Encoding: *\n", ""),
        ("Accept-Encoding:\n", ""),
        ("", ""),
    ] {
        let (head, content) = receive(DOCUMENT, "POST /prod/mock", accepted, Origin::Uncalled);
        assert_eq!((coding_of(&head), content.as_slice()), (want, numbers.as_bytes()), "{accepted}");
    }
    let without = DOCUMENT.replace("x-amazon-apigateway-minimum-compression-size: 100", "");
    let (head, _) = receive(&without, "POST /prod/mock", "Accept-Encoding: gzip\n", Origin::Uncalled);
    assert_eq!(coding_of(&head), "");
}

#[test]
fn by_size_behind_the_template() {
    let text = |bytes: usize| format!("HTTP/1.1 200 OK\nContent-Length: {bytes}\n\n{}", "x".repeat(bytes));
    let body = "{\"name\":1}";
    let ask = |bytes: usize| {
        let request = format!(
            "POST /prod/custom HTTP/1.1\nHost: a\nAccept-Encoding: gzip\nContent-Length: {}\n\n{body}",
            body.len()
        );
        let exchanged = Gateway::new(DOCUMENT).exchange(&request, Origin::Answers(&text(bytes)));
        exchanged.answered.contains("\r\nContent-Encoding: gzip\r\n")
    };
    assert!(!ask(97), "99 with the template");
    assert!(ask(98));
}

#[test]
fn proxies() {
    let text = "a text that repeats, ".repeat(100);
    let ask = "Accept-Encoding: gzip\n";
    let length = format!("HTTP/1.1 200 OK\nETag: \"1\"\nContent-Length: {}\n\n{text}", text.len());
    let (head, content) = receive(DOCUMENT, "POST /prod/proxy", ask, Origin::Answers(&length));
    assert_eq!((coding_of(&head), content.as_slice()), ("gzip", text.as_bytes()));
    assert!(head.contains("\r\nETag: \"1\"\r\n"), "{head}");
    let chunked = format!("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n{:x}\n{text}\n0\n\n", text.len());
    let (head, content) = receive(DOCUMENT, "POST /prod/proxy", ask, Origin::Answers(&chunked));
    assert_eq!((coding_of(&head), content.as_slice()), ("gzip", text.as_bytes()));
    assert!(!head.contains("hunked"), "{head}");
    let small = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n";
    let (head, content) = receive(DOCUMENT, "POST /prod/proxy", ask, Origin::Answers(small));
    assert_eq!((coding_of(&head), content.as_slice()), ("", b"ok".as_slice()));
}

/// What passes as it comes: what is coded already, what is small, and what nobody wants coded.
#[test]
fn what_streams() {
    let text = "x".repeat(200);
    let check = |line: &str, fields: &str| {
        let origin = format!("HTTP/1.1 200 OK\n{fields}Content-Length: 200\n\n{text}");
        let request = format!("{line} HTTP/1.1\nHost: a\nAccept-Encoding: gzip");
        let exchanged = Gateway::new(DOCUMENT).exchange(&request, Origin::Answers(&origin));
        assert_eq!(exchanged.answer.download, BodyFraming::Length(200), "{}", exchanged.answered);
    };
    check("GET /prod/proxy", "Content-Encoding: br\n");
    let origin = format!("HTTP/1.1 200 OK\nContent-Length: 200\n\n{text}");
    let exchanged =
        Gateway::new(DOCUMENT).exchange("GET /prod/proxy HTTP/1.1\nHost: a", Origin::Answers(&origin));
    assert_eq!(exchanged.answer.download, BodyFraming::Length(200));
    let small = "HTTP/1.1 200 OK\nContent-Length: 99\n\n";
    let origin = format!("{small}{}", "x".repeat(99));
    let request = "GET /prod/proxy HTTP/1.1\nHost: a\nAccept-Encoding: gzip";
    let exchanged = Gateway::new(DOCUMENT).exchange(request, Origin::Answers(&origin));
    assert_eq!(exchanged.answer.download, BodyFraming::Length(99));
    let (head, content) = receive(
        DOCUMENT,
        "GET /prod/coded",
        "Accept-Encoding: gzip\n",
        Origin::Answers(&format!("HTTP/1.1 200 OK\nContent-Length: 200\n\n{text}")),
    );
    assert_eq!((coding_of(&head), content.as_slice()), ("br", text.as_bytes()), "a mapping says that it is");
}

#[test]
fn functions() {
    let text = "x".repeat(200);
    let ask = "Accept-Encoding: gzip\n";
    let result = format!("{{\"body\":\"{text}\"}}");
    let (head, content) = receive(DOCUMENT, "POST /prod/function", ask, Origin::Function(Ok(&result)));
    assert_eq!((coding_of(&head), content.as_slice()), ("gzip", text.as_bytes()));
    let result = format!("{{\"headers\":{{\"content-encoding\":\"br\"}},\"body\":\"{text}\"}}");
    let (head, content) = receive(DOCUMENT, "POST /prod/function", ask, Origin::Function(Ok(&result)));
    assert_eq!((coding_of(&head), content.as_slice()), ("", text.as_bytes()), "{head}");
    assert!(head.contains("\r\ncontent-encoding: br\r\n"), "{head}");
}

#[test]
fn head_and_errors_are_not_compressed() {
    let exchanged = Gateway::new(DOCUMENT)
        .exchange("HEAD /prod/mock HTTP/1.1\nHost: a\nAccept-Encoding: gzip", Origin::Uncalled);
    assert!(!exchanged.answered.contains("Content-Encoding"), "{}", exchanged.answered);
    let all = DOCUMENT.replace("size: 100", "size: 0");
    let (head, _) = receive(&all, "POST /prod/none", "Accept-Encoding: gzip\n", Origin::Uncalled);
    assert_eq!(coding_of(&head), "");
}
