//! What clients send never becomes another field, another parameter or another log line.

use proptest::prelude::*;

use crate::carrier::{Gateway, Origin};

const DOCUMENT: &str = r#"
paths:
  /x/{id}:
    get:
      parameters: [{ name: id, in: path }, { name: q, in: query }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/{q}/{id}?a={q}&b={id}
        requestParameters:
          integration.request.path.q: method.request.querystring.q
          integration.request.path.id: method.request.path.id
          integration.request.header.X-Last: method.request.querystring.q
          integration.request.header.X-All: method.request.multivaluequerystring.q
          integration.request.querystring.all: method.request.multivaluequerystring.q
        responses: { default: { statusCode: 200 } }
x-amazon-apigateway-gateway-responses:
  DEFAULT_5XX:
    responseParameters: { gatewayresponse.header.X-Query: method.request.querystring.q }
"#;

const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0");
const BROKEN: Origin<'_> = Origin::Fails(tidegate_core::exchange::CallFailure::Network);

#[test]
fn decoded_line_breaks_become_blanks() {
    let request = "GET /prod/x/1?q=a%0d%0aInjected:%201%00%0A&q=%0D%0A%0d%0ab%7f HTTP/1.1\nHost: a";
    let sent = Gateway::new(DOCUMENT).exchange(request, OK).sent;
    let mapped: Vec<_> = sent.lines().skip(1).take(2).collect();
    assert_eq!(mapped, ["X-Last:     b ", "X-All: a  Injected: 1  ,    b "]);
    assert_eq!(
        sent.lines().next(),
        Some(
            "GET /%0D%0A%0D%0Ab%7F/1?a=%0D%0A%0D%0Ab%7F&b=1&all=a%0D%0AInjected%3A%201%00%0A&all=%0D%0A%0D%0Ab%7F HTTP/1.1"
        )
    );
    let answered = Gateway::new(DOCUMENT).exchange(request, BROKEN).answered;
    assert!(answered.contains("\r\nX-Query:     b \r\n\r\n{"), "{answered}");
}

/// A log line stays one line, and a JSON one JSON.
#[test]
fn log_lines() {
    let format =
        r#"{"id":"$context.requestId","agent":"$context.identity.userAgent","path":"$context.path"}"#;
    let mut gateway = Gateway::logging(DOCUMENT, format);
    for (agent, want) in [
        (r#"x","admin":"yes"#, r#"x","admin":"yes"#),
        (r"back\slash\", r"back\slash\"),
        ("tab\there", "tab\there"),
        ("\u{e4}", "\u{e4}"),
        ("a%0d%0ab", "a%0d%0ab"),
    ] {
        let request = format!("GET /prod/x/%22%0a\"\\ HTTP/1.1\nHost: a\nUser-Agent: {agent}");
        let logged = gateway.exchange(&request, OK).logged;
        assert_eq!((logged.lines().count(), logged.ends_with('\n')), (1, true), "{logged}");
        let line: serde_json::Value = serde_json::from_str(&logged).expect("JSON");
        assert_eq!((line["agent"].as_str(), line["path"].as_str()), (Some(want), Some("/prod/x/%22%0a\"\\")));
        assert_eq!(line.as_object().map(serde_json::Map::len), Some(3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any query and any segment: the same fields, the same parameters, a target without blanks.
    #[test]
    fn any_target(segment in "[!-~&&[^/?]]{1,20}", query in "[!-~]{0,40}", bytes: Vec<u8>) {
        let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        let request = format!("GET /prod/x/{segment}?q={query}&q={encoded} HTTP/1.1\nHost: a");
        let mut gateway = Gateway::new(DOCUMENT);
        let sent = gateway.exchange(&request, OK).sent;
        let head = sent.strip_suffix("\r\n\r\n").expect("a head");
        let names: Vec<_> = head.split("\r\n").skip(1).map(|line| line.split(": ").next()).collect();
        let want = ["X-Last", "X-All", "Host", "Accept", "User-Agent", "X-Amzn-Apigateway-Api-Id", "X-Amzn-Trace-Id"];
        prop_assert_eq!(names, want.map(Some));
        prop_assert!(!head.replace("\r\n", "").contains(|c: char| c.is_ascii_control() && c != '\t'));
        let target = head.split(' ').nth(1).expect("a target");
        let (path, parameters) = target.split_once('?').expect("a query");
        prop_assert!(path.is_ascii() && !path.contains('#') && !parameters.contains('#'));
        let names: Vec<_> = parameters.split(['&', ';']).filter_map(|pair| pair.split('=').next()).collect();
        prop_assert_eq!(&names[..2], &["a", "b"]);
        prop_assert!(names[2..].iter().all(|name| *name == "all"), "{}", parameters);
    }
}
