//! MOCK integrations (facts 79, 85, 86, 89).

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin, wire};

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{statusCode: 204,}', text/plain: '{"statusCode": 500}', text/bad: '{}' }
        responses:
          '2\d{2}': { statusCode: 201 }
          '5\d{2}':
            statusCode: 503
            responseParameters: { method.response.header.Retry-After: "'5'", method.response.header.Content-Type: "'a/b'" }
            responseTemplates: { application/json: 'later' }
    post:
      x-amazon-apigateway-integration:
        { type: mock, responses: { '201': { statusCode: 201 } } }
"#;

#[track_caller]
fn check(request: &str, status: &str, fields: &str, behind: &str) {
    let exchanged = Gateway::new(DOCUMENT).exchange(request, Origin::Uncalled);
    let want = format!(
        "HTTP/1.1 {status}\n{DATE}\n{fields}Connection: keep-alive\nx-amzn-RequestId: {ID}\nx-amz-apigw-id: {EXTENDED_ID}{behind}"
    );
    assert_eq!(exchanged.answered, wire(&want), "{request}");
}

#[test]
fn a_pattern_selects_by_the_templates_status() {
    let empty = "Content-Type: application/json\nContent-Length: 0\n";
    check("GET /prod/x HTTP/1.1\nHost: a\nX-Amzn-Trace-Id: Root=1-a-b", "201 Created", empty, "");
    check(
        "GET /prod/x HTTP/1.1\nHost: a\nContent-Type: text/plain",
        "503 Service Unavailable",
        "Content-Length: 5\n",
        "\nRetry-After: 5\nContent-Type: a/b\n\nlater",
    );
}

#[test]
fn without_template_the_body_names_the_status() {
    let empty = "Content-Type: application/json\nContent-Length: 0\n";
    check(
        "POST /prod/x HTTP/1.1\nHost: a\nContent-Length: 18\n\n{\"statusCode\":201}",
        "201 Created",
        empty,
        "",
    );
    check(
        "POST /prod/x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n9\n{\"statusC\n9\node\":201}\n0\n\n",
        "201 Created",
        empty,
        "",
    );
}

#[test]
fn without_status_or_response_it_is_500() {
    for request in [
        "GET /prod/x HTTP/1.1\nHost: a\nContent-Type: text/bad",
        "POST /prod/x HTTP/1.1\nHost: a",
        "POST /prod/x HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
        "POST /prod/x HTTP/1.1\nHost: a\nContent-Length: 18\n\n{\"statusCode\":202}",
    ] {
        let answered = Gateway::new(DOCUMENT).exchange(request, Origin::Uncalled).answered;
        assert!(answered.starts_with("HTTP/1.1 500 "), "{request}: {answered}");
        assert!(answered.ends_with("{\"message\": \"Internal server error\"}"), "{request}: {answered}");
    }
}
