//! Requests to HTTP (non-proxy) backends: defaults and what is mapped, nothing else (facts 93, 96).

use tidegate_core::http1::BodyFraming;

use crate::carrier::{Exchanged, Gateway, Origin, TRACE, wire};

const DOCUMENT: &str = r#"
paths:
  /plain:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        { type: http, httpMethod: ANY, uri: 'http://origin.test/x?y=z', responses: { default: { statusCode: 200 } } }
  /mapped:
    post:
      parameters: [{ name: q, in: query }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: PUT
        uri: http://origin.test/
        passthroughBehavior: WHEN_NO_TEMPLATES
        requestTemplates: { text/plain: fixed }
        requestParameters:
          integration.request.querystring.p: method.request.querystring.q
          integration.request.header.Accept: "'1'"
          integration.request.header.Accept-Charset: "'2'"
          integration.request.header.Accept-Encoding: "'3'"
          integration.request.header.Age: "'4'"
          integration.request.header.Authorization: "'5'"
          integration.request.header.Connection: "'6'"
          integration.request.header.Content-Encoding: "'7'"
          integration.request.header.Content-MD5: "'8'"
          integration.request.header.Content-Type: "'9'"
          integration.request.header.Date: "'10'"
          integration.request.header.Expect: "'11'"
          integration.request.header.Host: "'12'"
          integration.request.header.Max-Forwards: "'13'"
          integration.request.header.Pragma: "'14'"
          integration.request.header.Proxy-Authenticate: "'15'"
          integration.request.header.Range: "'16'"
          integration.request.header.Referer: "'17'"
          integration.request.header.Server: "'18'"
          integration.request.header.TE: "'19'"
          integration.request.header.Trailer: "'20'"
          integration.request.header.Upgrade: "'21'"
          integration.request.header.User-Agent: "'22'"
          integration.request.header.Via: "'23'"
          integration.request.header.Warn: "'24'"
          integration.request.header.WWW-Authenticate: "'25'"
        responses: { default: { statusCode: 200 } }
"#;

#[track_caller]
fn forward(request: &str) -> Exchanged {
    Gateway::new(DOCUMENT).exchange(request, Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0"))
}

fn gateway_fields() -> String {
    format!("X-Amzn-Apigateway-Api-Id: api\nX-Amzn-Trace-Id: {TRACE}\n")
}

/// Fact 93.
#[test]
fn nothing_of_the_client_passes_but_body_and_content_type() {
    let own = gateway_fields();
    let head = "Host: a\nAccept: application/xml\nUser-Agent: me\nX-Custom: 1\nX-Forwarded-For: 1.1.1.1\nCookie: a=b";
    let defaults = "Accept: application/json\nUser-Agent: AmazonAPIGateway_api\n";
    let check = |request: &str, want: &str, upload| {
        let exchanged = forward(request);
        assert_eq!(exchanged.sent, wire(want.trim_end()), "{request}");
        assert_eq!(exchanged.call.expect("a call").upload, upload);
    };
    check(
        &format!("GET /prod/plain?a=b HTTP/1.1\n{head}\nContent-Type: text/xml"),
        &format!("GET /x?y=z HTTP/1.1\nHost: origin.test\n{defaults}{own}"),
        BodyFraming::None,
    );
    check(
        &format!("POST /prod/plain HTTP/1.1\n{head}\nContent-Type: text/xml\nContent-Length: 2\n\nab"),
        &format!(
            "POST /x?y=z HTTP/1.1\nHost: origin.test\nContent-Type: text/xml\n{defaults}{own}Content-Length: 2\n\nab"
        ),
        BodyFraming::None,
    );
    check(
        &format!("PUT /prod/plain HTTP/1.1\n{head}\nTransfer-Encoding: chunked\n\n0\n\n"),
        &format!(
            "PUT /x?y=z HTTP/1.1\nHost: origin.test\nContent-Type: application/json\n{defaults}{own}Content-Length: 0"
        ),
        BodyFraming::None,
    );
    check(
        &format!("DELETE /prod/plain HTTP/1.1\n{head}\nContent-Type: text/xml"),
        &format!("DELETE /x?y=z HTTP/1.1\nHost: origin.test\n{defaults}{own}"),
        BodyFraming::None,
    );
}

/// Fact 96, and a template's output instead of the body.
#[test]
fn mapped_fields_and_a_template() {
    let exchanged = forward(
        "POST /prod/mapped?q=a%26 HTTP/1.1\nHost: a\nContent-Type: Text/Plain;charset=x\nContent-Length: 2\n\nab",
    );
    let want = format!(
        "PUT /?p=a%26 HTTP/1.1\nAccept: 1\nAccept-Charset: 2\nAccept-Encoding: 3\nAge: 4\nAuthorization: 5\n\
         Content-Encoding: 7\nContent-MD5: 8\nContent-Type: 9\nDate: 10\nHost: 12\nMax-Forwards: 13\nPragma: 14\nRange: 16\n\
         Referer: 17\nServer: 18\nTrailer: 20\nUpgrade: 21\nUser-Agent: 22\nWarn: 24\nWWW-Authenticate: 25\n{}Content-Length: 5\n\nfixed",
        gateway_fields()
    );
    assert_eq!(exchanged.sent, wire(&want));
    assert_eq!(exchanged.call.expect("a call").upload, BodyFraming::None, "the client's body stays here");
}

#[test]
fn a_body_without_template_is_415() {
    let request = "POST /prod/mapped HTTP/1.1\nHost: a\nContent-Type: text/xml\nContent-Length: 2\n\nab";
    let answered = Gateway::new(DOCUMENT).exchange(request, Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 415 "), "{answered}");
}
