//! Answers that are too old, for when the integration fails.

use tidegate_core::exchange::{CallFailure, InvokeFailure};

use crate::carrier::{Exchanged, Gateway, ID, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /function:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
"#;

fn gateway(settings: &str) -> Gateway {
    let stage = format!("cache = {{ size = \"4 MiB\", ttl = 10, {settings} }}");
    let format = "$context.requestId $context.status $context.integrationStatus $context.error.responseType";
    Gateway::with(DOCUMENT, format, Settings { stage: &stage, ..Settings::default() })
}

const STALE: &str = "stale_on_error = 60";
const TIMEOUT: Origin<'_> = Origin::Fails(CallFailure::Timeout);

fn ask(gateway: &mut Gateway, fields: &str, origin: Origin<'_>) -> Exchanged {
    gateway.exchange(&format!("GET /prod/x HTTP/1.1\nHost: a\n{fields}\n"), origin)
}

/// A gateway that has been answered so, some seconds ago.
fn answered(settings: &str, fields: &str, ago_s: u64) -> Gateway {
    let mut gateway = gateway(settings);
    let line = if fields.is_empty() { "" } else { "\n" };
    let answer = format!("HTTP/1.1 200 OK\nContent-Length: 3{line}{fields}\n\nold");
    assert!(ask(&mut gateway, "", Origin::Answers(&answer)).call.is_some());
    gateway.wait(ago_s * 1_000);
    gateway
}

/// Whether the old answer is given when the integration fails after so many seconds.
fn is_given(settings: &str, fields: &str, ago_s: u64, asked: &str) -> bool {
    let exchanged = ask(&mut answered(settings, fields, ago_s), asked, TIMEOUT);
    assert!(exchanged.call.is_some(), "it is asked");
    let is_given = exchanged.answered.ends_with("\r\n\r\nold");
    assert!(is_given || exchanged.answered.starts_with("HTTP/1.1 504"), "{}", exchanged.answered);
    is_given
}

#[test]
fn for_a_bounded_time() {
    assert!(is_given(STALE, "", 10, "") && is_given(STALE, "", 69, ""));
    assert!(!is_given(STALE, "", 70, ""));
    assert!(!is_given("stale_on_error = 0", "", 10, "") && !is_given("age = true", "", 10, ""), "as AWS");
}

#[test]
fn what_a_failure_is() {
    let given = |origin: Origin<'_>| ask(&mut answered(STALE, "", 20), "", origin).answered.ends_with("old");
    for failure in [CallFailure::Timeout, CallFailure::Network, CallFailure::Unresolvable] {
        assert!(given(Origin::Fails(failure)), "{failure:?}");
    }
    for (status, want) in [(500, true), (502, true), (503, true), (504, true), (501, false), (404, false)] {
        let short = format!("HTTP/1.1 {status} X\nContent-Length: 3\n\nnew");
        assert_eq!(given(Origin::Answers(&short)), want, "{status}");
        let large = format!("HTTP/1.1 {status} X\nContent-Length: 1048577\n\n{}", "x".repeat(1_048_577));
        assert_eq!(given(Origin::Answers(&large)), want, "{status}");
    }
}

/// As it was, with the log of what has failed; and the next ones do not wait for the failure.
#[test]
fn how_it_is_given() {
    let mut gateway = answered("stale_on_error = 60, age = true", "", 20);
    let failed = ask(&mut gateway, "", Origin::Answers("HTTP/1.1 503 X\nContent-Length: 3\n\nnew"));
    assert!(
        failed.answered.starts_with("HTTP/1.1 200 OK\r\n") && failed.answered.contains("\r\nAge: 20\r\n")
    );
    assert_eq!(failed.logged, format!("{ID} 200 503 -\n"));
    assert!(ask(&mut gateway, "", Origin::Uncalled).answered.ends_with("old"), "within a second");
    gateway.wait(1_000);
    let refused = ask(&mut gateway, "", TIMEOUT);
    assert!(refused.answered.ends_with("old"));
    assert_eq!(refused.logged, format!("{ID} 200 - -\n"));
    gateway.wait(1_000);
    let new = ask(&mut gateway, "", Origin::Answers("HTTP/1.1 200 X\nContent-Length: 3\n\nnew"));
    assert!(new.answered.ends_with("new"));
    assert!(ask(&mut gateway, "", Origin::Uncalled).answered.ends_with("new"));
    let counters = gateway.shard.caches.report()[0].counters[0];
    assert_eq!((counters.stale, counters.misses, counters.hits), (2, 4, 2));
    assert!(gateway.shard.caches.fills().is_empty());
}

/// RFC 9111 section 4.2.4, RFC 5861 section 4.
#[test]
fn what_the_origin_says() {
    for forbids in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10"] {
        assert!(!is_given(STALE, &format!("Cache-Control: {forbids}"), 20, ""), "{forbids}");
    }
    let for_30 = "Cache-Control: stale-if-error=30";
    assert!(is_given(STALE, for_30, 39, "") && !is_given(STALE, for_30, 40, ""));
    assert!(!is_given(STALE, "Cache-Control: stale-if-error=600", 70, ""), "no longer than is set");
    assert!(!is_given(STALE, "Cache-Control: stale-if-error=0", 10, ""));
    let by_origin = "stale_on_error = 60, origin_freshness = \"EXPLICIT\"";
    assert!(is_given(by_origin, "Cache-Control: max-age=5", 64, ""));
    assert!(!is_given(by_origin, "Cache-Control: max-age=5", 65, ""));
    assert!(is_given(by_origin, "", 59, ""), "was never fresh");
    assert!(!is_given(by_origin, "Cache-Control: no-store, max-age=5", 6, ""));
    assert!(is_given(by_origin, "Cache-Control: max-age=5", 20, "Cache-Control: stale-if-error=16\n"));
    assert!(!is_given(by_origin, "Cache-Control: max-age=5", 20, "Cache-Control: stale-if-error=14\n"));
}

/// Who wants a fresh answer and may is told of the failure; who allows an old one gets it without a call.
#[test]
fn what_the_client_says() {
    let anybody = "stale_on_error = 60, require_authorization_for_cache_control = false";
    assert!(!is_given(anybody, "", 20, "Cache-Control: max-age=0\n"));
    let by_origin = "stale_on_error = 60, origin_freshness = \"EXPLICIT\"";
    let mut gateway = answered(by_origin, "Cache-Control: max-age=5", 20);
    assert!(ask(&mut gateway, "Cache-Control: max-stale=20\n", Origin::Uncalled).answered.ends_with("old"));
    assert!(ask(&mut gateway, "Cache-Control: max-stale\n", Origin::Uncalled).answered.ends_with("old"));
    let strict = ask(&mut gateway, "Cache-Control: max-stale=10, only-if-cached\n", Origin::Uncalled);
    assert!(strict.answered.starts_with("HTTP/1.1 504"));
}

#[test]
fn an_error_is_never_given_for_another() {
    let mut gateway = gateway(STALE);
    let error = Origin::Answers("HTTP/1.1 500 X\nContent-Length: 3\n\nold");
    assert!(ask(&mut gateway, "", error).answered.ends_with("old"));
    assert!(ask(&mut gateway, "", Origin::Uncalled).answered.ends_with("old"), "kept as by AWS");
    gateway.wait(10_000);
    assert!(ask(&mut gateway, "", TIMEOUT).answered.starts_with("HTTP/1.1 504"));
}

#[test]
fn a_function() {
    let mut gateway = gateway(STALE);
    let mut ask = |origin: Origin<'_>| {
        gateway.exchange("GET /prod/function HTTP/1.1\nHost: a\n", origin).answered.ends_with("old")
    };
    assert!(ask(Origin::Function(Ok(r#"{"statusCode": 200, "body": "old"}"#))));
    gateway.wait(20_000);
    for origin in [
        Origin::FunctionFails(r#"{"errorMessage": "no"}"#),
        Origin::Function(Err(InvokeFailure::Timeout)),
        Origin::Function(Ok("nonsense")),
        Origin::Function(Ok(r#"{"statusCode": 503, "body": "new"}"#)),
    ] {
        let exchanged = gateway.exchange("GET /prod/function HTTP/1.1\nHost: a\n", origin);
        assert!(exchanged.answered.ends_with("old") && exchanged.invoke.is_some(), "{}", exchanged.answered);
        gateway.wait(1_000);
    }
}
