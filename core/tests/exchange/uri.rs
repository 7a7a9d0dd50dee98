//! Paths and query strings for backends (facts 150 to 154).

use crate::carrier::{Gateway, Origin};

const DOCUMENT: &str = r#"
paths:
  /{pathVar}:
    get:
      parameters:
        - { name: pathVar, in: path }
        - { name: testVar, in: query }
        - { name: testQueryString, in: query }
        - { name: none, in: query }
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/?testVar={pathVar}&testQs={qsVar}
        requestParameters:
          integration.request.path.pathVar: method.request.path.pathVar
          integration.request.path.qsVar: method.request.querystring.testVar
          integration.request.querystring.queryString: method.request.querystring.testQueryString
          integration.request.querystring.testQs: method.request.querystring.testQueryString
          integration.request.querystring.none: method.request.querystring.none
  /all/{path+}:
    get:
      parameters: [{ name: path, in: path }, { name: q, in: query }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/a/{path}/{q}/b
        requestParameters:
          integration.request.path.path: method.request.path.path
          integration.request.path.q: method.request.querystring.q
          integration.request.querystring.all: method.request.multivaluequerystring.q
          integration.request.querystring.tier: stageVariables.tier
  /custom/{path}:
    get:
      parameters: [{ name: path, in: path }, { name: q, in: query }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test?path={path}&q={q}&last
        requestParameters:
          integration.request.path.path: method.request.path.path
          integration.request.path.q: method.request.multivaluequerystring.q
        responses: { default: { statusCode: 200 } }
  /only/mapped:
    get:
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test
        requestParameters: { integration.request.querystring.a: "'b&c=d e'" }
"#;

/// (target of the client, target for the backend)
#[track_caller]
fn check(rows: &[(&str, &str)]) {
    let mut gateway = Gateway::new(DOCUMENT);
    for (client, want) in rows {
        let exchanged = gateway.exchange(
            &format!("GET /prod{client} HTTP/1.1\nHost: a"),
            Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0"),
        );
        let line = exchanged.sent.lines().next().expect("a request line");
        assert_eq!(line, format!("GET {want} HTTP/1.1"), "{client}");
    }
}

/// The client's query string stays as it was sent; the mapped parameters come in the order of the document.
#[test]
fn as_recorded() {
    check(&[
        (
            "/foobar?testQueryString=foo&testVar=bar",
            "/?testVar=foobar&testQs=bar&testQueryString=foo&testVar=bar&queryString=foo&testQs=foo",
        ),
        ("/foobar", "/?testVar=foobar&testQs="),
    ]);
}

#[test]
fn values_in_paths_and_mapped_queries_are_encoded() {
    check(&[
        ("/all/x/y%2Fz?q=1", "/a/x/y%2Fz/1/b?q=1&all=1&tier=gold"),
        (
            "/all/x?q=%2F%3F%23%26%25&q=a+b%2B",
            "/a/x/a%20b%2B/b?q=%2F%3F%23%26%25&q=a+b%2B&all=%2F%3F%23%26%25&all=a%20b%2B&tier=gold",
        ),
        ("/all/x?q=1;q=2", "/a/x/2/b?q=1;q=2&all=1&all=2&tier=gold"),
        ("/all/x?q&q=&%71=3", "/a/x/3/b?q&q=&%71=3&all=&all=&all=3&tier=gold"),
        ("/all/x?", "/a/x//b?tier=gold"),
        ("/only/mapped", "/?a=b%26c%3Dd%20e"),
        ("/only/mapped?x&&y=", "/?x&&y=&a=b%26c%3Dd%20e"),
        ("/all/x?q=%26", "/a/x/%26/b?q=%26&all=%26&tier=gold"),
    ]);
}

/// Nothing that a client sends makes another parameter of a URI's query.
#[test]
fn values_in_queries_stay_one_value() {
    check(&[
        ("/custom/plain", "/?path=plain&q=&last"),
        (
            "/custom/a&b=c;d+e%26=f?q=1%26x=2%3By&q=%2B",
            "/?path=a%26b=c%3Bd%2Be%26=f&q=1%26x%3D2%3By%2C%2B&last",
        ),
    ]);
}

/// Fact 152: the resource's own path parameter does not fill a placeholder. Fact 154: nor does a missing variable.
#[test]
fn what_config_cannot_fill_is_500() {
    let mut gateway = Gateway::new(
        "paths: { /x: { get: { x-amazon-apigateway-integration:\n  { type: http_proxy, httpMethod: GET, uri: 'http://${stageVariables.none}/' } } } }",
    );
    let answered = gateway.exchange("GET /prod/x HTTP/1.1\nHost: a", Origin::Uncalled).answered;
    assert!(
        answered.starts_with("HTTP/1.1 500 ")
            && answered.ends_with("{\"message\": \"Internal server error\"}")
    );
}
