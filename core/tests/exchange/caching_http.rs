//! What HTTP has for caches and AWS does not do: each a setting.

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
"#;

const ANSWER: &str = "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Type: a/b\nETag: \"e\"\n\
    Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n\nhello";

/// What is answered to a request with these fields some seconds after `answer` has been kept.
fn again(setting: &str, answer: &str, fields: &str, after_s: u64) -> String {
    let stage = format!("cache = {{ size = \"4 MiB\", {setting} }}");
    let mut gateway =
        Gateway::with(DOCUMENT, "$context.requestId", Settings { stage: &stage, ..Settings::default() });
    let first = gateway.exchange("GET /prod/x HTTP/1.1\nHost: a\n", Origin::Answers(answer));
    assert!(!first.answered.contains("\r\nAge: ") || answer.contains("Age"), "{}", first.answered);
    gateway.wait(after_s * 1_000);
    gateway.exchange(&format!("GET /prod/x HTTP/1.1\nHost: a\n{fields}\n"), Origin::Uncalled).answered
}

#[test]
fn a_client_that_has_it() {
    let unchanged = again("conditional = true", ANSWER, "If-None-Match: W/\"e\"", 0);
    assert_eq!(
        unchanged,
        format!(
            "HTTP/1.1 304 Not Modified\r\n{DATE}\r\nConnection: keep-alive\r\nx-amzn-RequestId: {ID}\r\n\
             x-amz-apigw-id: {EXTENDED_ID}\r\nx-amzn-Remapped-Content-Length: 5\r\nContent-Type: a/b\r\nETag: \"e\"\r\n\
             Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        )
    );
    let gone = ANSWER.replace("200 OK", "404 No");
    let is_whole = |setting, answer, fields| again(setting, answer, fields, 0).ends_with("hello");
    assert!(is_whole("conditional = true", ANSWER, "If-None-Match: \"f\""));
    assert!(is_whole("conditional = true", ANSWER, "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"));
    assert!(!is_whole("conditional = true", ANSWER, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"));
    assert!(is_whole("conditional = true", &gone, "If-None-Match: \"e\""));
    assert!(is_whole("conditional = false", ANSWER, "If-None-Match: \"e\""), "as AWS");
}

#[test]
fn how_old_it_is() {
    let age = |answer: &str, after_s| {
        let answered = again("age = true", answer, "", after_s);
        let fields: Vec<&str> = answered.lines().filter_map(|line| line.strip_prefix("Age: ")).collect();
        assert_eq!(fields.len(), 1, "{answered}");
        fields[0].parse::<u64>().expect("a number")
    };
    assert_eq!(age(ANSWER, 0), 0);
    assert_eq!(age(ANSWER, 7), 7);
    assert_eq!(age(&ANSWER.replace("ETag", "Age: 20\nETag"), 7), 27);
    assert_eq!(age(&ANSWER.replace("ETag", "Age: old\nETag"), 7), 7);
    assert!(!again("ttl = 10", ANSWER, "", 7).contains("\r\nAge: "), "as AWS");
}
