//! Answers of HTTP (non-proxy) backends (facts 100, 101, 103, 104, 146, 147).

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin, TRACE, wire};

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      parameters: [{ name: Accept, in: header }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses:
          default: { statusCode: 200 }
          '4\d{2}':
            statusCode: 400
            responseTemplates: { application/json: '{"sorry": true}', text/html: <p>sorry }
          '201':
            statusCode: 202
            responseParameters:
              method.response.header.Location: integration.response.header.location
              method.response.header.All: integration.response.multivalueheader.set-cookie
              method.response.header.None: integration.response.header.none
              method.response.header.Tier: stageVariables.tier
  /names:
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses:
          default:
            statusCode: 200
            responseParameters: { PARAMETERS }
"#;

const KEPT: [&str; 12] = [
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Age",
    "Content-Encoding",
    "Content-Type",
    "Pragma",
    "Range",
    "Referer",
    "TE",
    "Via",
    "Warn",
];

const RENAMED: [&str; 14] = [
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-MD5",
    "Date",
    "Expect",
    "Host",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Server",
    "Trailer",
    "Upgrade",
    "User-Agent",
    "WWW-Authenticate",
];

#[track_caller]
fn check(request: &str, origin: &str, want: &str) {
    let names = KEPT.iter().chain(&RENAMED).chain(&["Transfer-Encoding"]);
    let parameters: Vec<_> = names.map(|name| format!("method.response.header.{name}: \"'v'\"")).collect();
    let mut gateway = Gateway::new(&DOCUMENT.replace("PARAMETERS", &parameters.join(", ")));
    let exchanged = gateway.exchange(&format!("GET /prod/{request}"), Origin::Answers(origin));
    assert_eq!(exchanged.answered, wire(want), "{request} {origin}");
}

fn ids() -> String {
    format!("Connection: keep-alive\nx-amzn-RequestId: {ID}\nx-amz-apigw-id: {EXTENDED_ID}\n")
}

#[test]
fn the_backends_fields_are_dropped_and_its_content_passes() {
    let ids = ids();
    check(
        "x HTTP/1.1\nHost: a",
        "HTTP/1.1 500 No\nContent-Type: text/plain\nContent-Length: 2\nSet-Cookie: a=b\nX-Amzn-Trace-Id: c\n\nno",
        &format!(
            "HTTP/1.1 200 OK\n{DATE}\nContent-Type: application/json\nContent-Length: 2\n{ids}X-Amzn-Trace-Id: {TRACE}\n\nno"
        ),
    );
    check(
        "x HTTP/1.1\nHost: a",
        "HTTP/1.1 200 OK\n\nuntil close",
        &format!(
            "HTTP/1.1 200 OK\n{DATE}\nContent-Type: application/json\nContent-Length: 11\n{ids}\
             X-Amzn-Trace-Id: {TRACE}\n\nuntil close"
        ),
    );
}

/// Fact 146, and templates by `Accept`.
#[test]
fn the_status_chooses_the_response() {
    let ids = ids();
    for (accept, media_type, length, body) in
        [("a/b", "application/json", 15, "{\"sorry\": true}"), ("text/html, */*", "text/html", 8, "<p>sorry")]
    {
        check(
            &format!("x HTTP/1.1\nHost: a\nAccept: {accept}"),
            "HTTP/1.1 404 No\nContent-Length: 2\n\nno",
            &format!(
                "HTTP/1.1 400 Bad Request\n{DATE}\nContent-Type: {media_type}\nContent-Length: {length}\n{ids}\
                 X-Amzn-Trace-Id: {TRACE}\n\n{body}"
            ),
        );
    }
    check(
        "x HTTP/1.1\nHost: a",
        "HTTP/1.1 201 Created\nLocation: /l\nSet-Cookie: a\nset-cookie: b\nContent-Length: 0",
        &format!(
            "HTTP/1.1 202 Accepted\n{DATE}\nContent-Type: application/json\nContent-Length: 0\n{ids}Location: /l\nAll: a,b\n\
             Tier: gold\nX-Amzn-Trace-Id: {TRACE}"
        ),
    );
}

/// Facts 100 and 101.
#[test]
fn mapped_names_are_kept_or_renamed() {
    let kept = KEPT.map(|name| format!("{name}: v\n")).concat();
    let renamed = RENAMED.map(|name| format!("x-amzn-Remapped-{name}: v\n")).concat();
    let want = format!(
        "HTTP/1.1 200 OK\n{DATE}\nContent-Length: 0\n{}{kept}{renamed}X-Amzn-Trace-Id: {TRACE}",
        ids()
    );
    check("names HTTP/1.1\nHost: a", "HTTP/1.1 200 OK\nContent-Length: 0", &want);
}
