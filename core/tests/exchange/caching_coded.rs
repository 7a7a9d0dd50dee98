//! The cache beside compression: who gets which form of a kept answer.

use crate::carrier::{Exchanged, Gateway, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
x-amazon-apigateway-minimum-compression-size: 10
paths:
  /proxy:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /mapped:
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses: { default: { statusCode: 200 } }
"#;

const PLAIN: &str = "hello hello hello hello hello hello";

fn ask(gateway: &mut Gateway, path: &str, fields: &str) -> Exchanged {
    let length = PLAIN.len();
    let answer = format!("HTTP/1.1 200 OK\nContent-Length: {length}\n\n{PLAIN}");
    gateway.exchange(&format!("GET /prod{path} HTTP/1.1\nHost: a\n{fields}\n"), Origin::Answers(&answer))
}

fn is_coded(exchanged: &Exchanged, coding: &str) -> bool {
    exchanged.answered.contains(&format!("Content-Encoding: {coding}\r\n"))
}

/// Each form is kept apart, and nobody gets one that he has not asked for.
#[test]
fn a_kept_answer_has_the_form_that_was_asked_for() {
    for path in ["/proxy", "/mapped"] {
        let settings = Settings { stage: "cache = { size = \"4 MiB\" }", ..Settings::default() };
        let mut gateway = Gateway::with(DOCUMENT, "$context.requestId", settings);
        for turn in ["new", "kept"] {
            let is_new = turn == "new";
            let coded = ask(&mut gateway, path, "Accept-Encoding: gzip\n");
            assert_eq!((coded.call.is_some(), is_coded(&coded, "gzip")), (is_new, true), "{path} {turn}");
            let other = ask(&mut gateway, path, "Accept-Encoding: deflate\n");
            assert_eq!((other.call.is_some(), is_coded(&other, "deflate")), (is_new, true), "{path} {turn}");
            let plain = ask(&mut gateway, path, "");
            assert_eq!(plain.call.is_some(), is_new, "{path} {turn}");
            assert!(
                plain.answered.ends_with(PLAIN) && !plain.answered.contains("Content-Encoding"),
                "{path}"
            );
        }
    }
}
