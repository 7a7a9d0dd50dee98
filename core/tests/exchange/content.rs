//! Which answers have content, and how a client finds its end, whatever methods and versions the two sides speak.

use tidegate_core::http1::BodyFraming;

use crate::carrier::{Gateway, Origin};

const DOCUMENT: &str = r#"
paths:
  /any:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/' }
  /by-get:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /by-head:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: HEAD, uri: 'http://origin.test/' }
  /custom:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: ANY
        uri: http://origin.test/
        responses:
          default: { statusCode: 200 }
          '202': { statusCode: 204 }
          '203': { statusCode: 204, responseTemplates: { application/json: text } }
          '404': { statusCode: 404, responseTemplates: { application/json: text } }
  /custom-by-get:
    head:
      x-amazon-apigateway-integration:
        { type: http, httpMethod: GET, uri: 'http://origin.test/', responses: { default: { statusCode: 200 } } }
  /mock:
    head:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: text } } }
"#;

const LENGTH: &str = "Content-Length: 2\n\nok";
const CHUNKED: &str = "Transfer-Encoding: chunked\n\n2\nok\n0\n\n";
const UNTIL_CLOSE: &str = "X: y\n\nok";

/// (request, the backend's status and rest) and (what follows, the framing field, the content as sent).
type Row<'a> = (&'a str, &'a str, &'a str, BodyFraming, &'a str, &'a str);

#[track_caller]
fn check(rows: &[Row<'_>]) {
    let mut gateway = Gateway::new(DOCUMENT);
    for &(request, status, origin, follows, field, content) in rows {
        let origin = format!("HTTP/1.1 {status} x\n{origin}");
        let (line, fields) = request.split_once('\n').unwrap_or((request, "Host: a"));
        let exchanged = gateway.exchange(&format!("{line}\n{fields}"), Origin::Answers(&origin));
        let (head, rest) = exchanged.answered.split_once("\r\n\r\n").expect("a head");
        let is_framing = |line: &&str| line.starts_with("Content-Length") || line.starts_with("Transfer-");
        let framing: Vec<_> = head.lines().filter(is_framing).collect();
        let found = (exchanged.answer.download, framing.join("\n"), rest);
        assert_eq!(found, (follows, field.to_owned(), &*content.replace('\n', "\r\n")), "{request} {origin}");
    }
}

use BodyFraming::{Chunked, Length, None, UntilClose};

#[test]
fn with_content() {
    check(&[
        ("GET /prod/any HTTP/1.1", "200", LENGTH, Length(2), "Content-Length: 2", "ok"),
        ("GET /prod/any HTTP/1.1", "200", CHUNKED, Chunked, "Transfer-Encoding: chunked", "2\nok\n0\n\n"),
        ("GET /prod/any HTTP/1.1", "200", UNTIL_CLOSE, Chunked, "Transfer-Encoding: chunked", "2\nok\n0\n\n"),
        ("GET /prod/any HTTP/1.0\nX: y", "200", LENGTH, Length(2), "Content-Length: 2", "ok"),
        ("GET /prod/any HTTP/1.0\nX: y", "200", CHUNKED, UntilClose, "", "ok"),
        ("GET /prod/any HTTP/1.0\nX: y", "200", UNTIL_CLOSE, UntilClose, "", "ok"),
        ("GET /prod/custom HTTP/1.0\nX: y", "200", CHUNKED, None, "Content-Length: 2", "ok"),
        ("GET /prod/custom HTTP/1.1", "404", CHUNKED, None, "Content-Length: 4", "text"),
        ("GET /prod/any HTTP/1.1", "200", "Content-Length: 0", None, "Content-Length: 0", ""),
    ]);
}

/// An answer to HEAD says what GET's would, and nothing follows it, even if the backend was asked by GET.
#[test]
fn head() {
    check(&[
        ("HEAD /prod/any HTTP/1.1", "200", "Content-Length: 1234", None, "Content-Length: 1234", ""),
        ("HEAD /prod/any HTTP/1.1", "200", "X: y", None, "", ""),
        ("HEAD /prod/any HTTP/1.1", "200", "Transfer-Encoding: chunked", None, "", ""),
        ("HEAD /prod/by-get HTTP/1.1", "200", LENGTH, None, "Content-Length: 2", ""),
        ("HEAD /prod/by-get HTTP/1.1", "200", CHUNKED, None, "Transfer-Encoding: chunked", ""),
        ("HEAD /prod/by-get HTTP/1.0\nX: y", "200", CHUNKED, None, "", ""),
        (
            "HEAD /prod/any HTTP/1.1\nHost: a\nX-HTTP-Method-Override: GET",
            "200",
            LENGTH,
            None,
            "Content-Length: 2",
            "",
        ),
        ("HEAD /prod/custom HTTP/1.1", "200", "Content-Length: 1234", None, "Content-Length: 1234", ""),
        ("HEAD /prod/custom HTTP/1.1", "200", "X: y", None, "", ""),
        ("HEAD /prod/custom HTTP/1.1", "404", "Content-Length: 1234", None, "Content-Length: 4", ""),
        ("HEAD /prod/custom-by-get HTTP/1.1", "200", LENGTH, None, "Content-Length: 2", ""),
        ("HEAD /prod/mock HTTP/1.1", "", "", None, "Content-Length: 4", ""),
        ("HEAD /prod/none HTTP/1.1", "", "", None, "Content-Length: 42", ""),
    ]);
}

/// The backend was asked by HEAD, so it sends no content, whatever it announces; the client waits for some end.
#[test]
fn a_backend_asked_by_head() {
    check(&[
        ("GET /prod/by-head HTTP/1.1", "200", "Content-Length: 1234", None, "Content-Length: 0", ""),
        ("GET /prod/by-head HTTP/1.1", "200", "Transfer-Encoding: chunked", None, "Content-Length: 0", ""),
        (
            "POST /prod/any HTTP/1.1\nHost: a\nX-HTTP-Method-Override: HEAD",
            "200",
            "X: y",
            None,
            "Content-Length: 0",
            "",
        ),
    ]);
}

#[test]
fn statuses_without_content() {
    check(&[
        ("GET /prod/any HTTP/1.1", "204", "X: y", None, "", ""),
        ("GET /prod/any HTTP/1.1", "304", "Content-Length: 5", None, "", ""),
        ("HEAD /prod/any HTTP/1.1", "204", "Content-Length: 5", None, "", ""),
        ("GET /prod/any HTTP/1.0\nConnection: keep-alive", "204", "X: y", None, "", ""),
        ("GET /prod/custom HTTP/1.1", "204", "X: y", None, "Content-Length: 0", ""),
        ("GET /prod/custom HTTP/1.1", "202", LENGTH, None, "", ""),
        ("GET /prod/custom HTTP/1.0\nX: y", "202", CHUNKED, None, "", ""),
        ("GET /prod/custom HTTP/1.1", "203", LENGTH, None, "", ""),
    ]);
}
