//! Answers that differ by fields of the request, where the cache keeps them apart.

use crate::carrier::{Exchanged, Gateway, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /mapped:
    get:
      parameters: [{ name: lang, in: query }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        requestParameters: { integration.request.header.X-Lang: method.request.querystring.lang }
        responses: { default: { statusCode: 200 } }
"#;

fn gateway(settings: &str) -> Gateway {
    let stage = format!("cache = {{ size = \"4 MiB\", {settings} }}");
    Gateway::with(DOCUMENT, "$context.requestId", Settings { stage: &stage, ..Settings::default() })
}

/// Asks with these fields; the answer is `content`, and differs by `vary`.
fn ask(gateway: &mut Gateway, path: &str, fields: &str, vary: &str, content: &str) -> Exchanged {
    let request = format!("GET /prod/{path} HTTP/1.1\nHost: a\n{fields}\n");
    let line = if vary.is_empty() { "" } else { "\n" };
    let answer = format!("HTTP/1.1 200 OK\nContent-Length: {}{line}{vary}\n\n{content}", content.len());
    gateway.exchange(&request, Origin::Answers(&answer))
}

/// Whether a request with these fields has the answer that was given to one with those.
#[track_caller]
fn check(vary: &str, first: &str, second: &str, want: bool) {
    let mut gateway = gateway("vary = true");
    assert!(ask(&mut gateway, "x", first, vary, "a").call.is_some());
    let again = ask(&mut gateway, "x", second, vary, "b");
    assert_eq!(
        (again.call.is_none(), again.answered.ends_with('a')),
        (want, want),
        "{vary} {first} {second}"
    );
}

#[test]
fn by_what_answers_differ() {
    let foo = "Vary: Foo";
    check(foo, "Foo: 1\n", "foo: 1\nBar: 2\n", true);
    check(foo, "Foo: 1\n", "Foo: 2\n", false);
    check(foo, "Foo: 1\n", "", false);
    check(foo, "", "Foo: 1\n", false);
    check(foo, "", "Foo:\n", false);
    check(foo, "", "Bar: 1\n", true);
    check(foo, "Foo: 1, 2\n", "Foo: 1\nFoo: 2\n", true);
    check("Vary: foo, BAR", "Foo: 1\nBar: 2\n", "Bar: 2\nFoo: 1\n", true);
    check("Vary: foo\nVary: bar", "Foo: 1\nBar: 2\n", "Foo: 1\nBar: 3\n", false);
    check("Vary: foo, bar", "Foo: 1\nBar: 2\n", "Foo: 12\n", false);
    check("Vary: ,, foo,", "Foo: 1\n", "Foo: 1\n", true);
    check("", "Foo: 1\n", "Foo: 2\n", true);
}

#[test]
fn what_nobody_can_tell_apart() {
    for vary in ["*", "*, Foo", "Foo, *", ", *", "X-Forwarded-For", "x-amzn-trace-id"] {
        check(&format!("Vary: {vary}"), "", "", false);
    }
    let many: Vec<String> = (0..9).map(|number| format!("f{number}")).collect();
    check(&format!("Vary: {}", many[..8].join(",")), "", "", true);
    check(&format!("Vary: {}", many.join(",")), "", "", false);
    let long = format!("Foo: {}\n", "x".repeat(3_000));
    check("Vary: Foo", &long, &long, false);
}

#[test]
fn as_aws_it_is_not_asked() {
    let mut gateway = gateway("ttl = 10");
    ask(&mut gateway, "x", "Foo: 1\n", "Vary: Foo", "a");
    assert!(ask(&mut gateway, "x", "Foo: 2\n", "Vary: Foo", "b").answered.ends_with('a'));
}

/// Each has its own, however many come between; only so many are kept.
#[test]
fn many_variants() {
    let mut gateway = gateway("vary = true");
    let mut ask = |number: usize| {
        let value = format!("value-{number}");
        let exchanged = ask(&mut gateway, "x", &format!("Foo: {number}\n"), "Vary: Foo", &value);
        assert!(exchanged.answered.ends_with(&format!("\r\n{value}")), "{number}: {}", exchanged.answered);
        exchanged.call.is_some()
    };
    assert!((0..16).all(&mut ask), "all are new");
    assert!((0..16).all(|number| !ask(number)), "all are there");
    assert!(ask(16), "one more");
    assert!(ask(0), "for which the first one went");
    assert!((2..16).all(|number| !ask(number)));
    let caches = &mut gateway.shard.caches;
    let cache = gateway.shard.plan.apis[0].stages[0].cache.as_ref().expect("a cache").id;
    assert_eq!(caches.slice(cache).expect("a slice").len(), 17, "16 and what they differ by");
}

/// Fields are collected: what was kept by fewer is asked for again.
#[test]
fn an_origin_that_changes_its_mind() {
    let mut gateway = gateway("vary = true");
    assert!(ask(&mut gateway, "x", "Foo: 1\nBar: 1\n", "", "plain").call.is_some());
    assert!(ask(&mut gateway, "x", "Foo: 2\nBar: 2\n", "Vary: Foo", "").call.is_none());
    gateway.wait(300_000);
    assert!(ask(&mut gateway, "x", "Foo: 1\nBar: 1\n", "Vary: Foo", "1").call.is_some());
    assert!(ask(&mut gateway, "x", "Foo: 2\nBar: 1\n", "Vary: Bar", "21").call.is_some());
    assert!(ask(&mut gateway, "x", "Foo: 1\nBar: 1\n", "", "11").call.is_some(), "by both now");
    assert!(ask(&mut gateway, "x", "Foo: 2\nBar: 1\n", "", "").answered.ends_with("21"));
    assert!(ask(&mut gateway, "x", "Foo: 1\nBar: 1\n", "", "").answered.ends_with("11"));
    assert!(ask(&mut gateway, "x", "Foo: 1\nBar: 2\n", "", "").call.is_some());
}

/// What the backend gets counts, wherever it comes from.
#[test]
fn a_mapped_field() {
    let mut gateway = gateway("vary = true");
    let mut ask = |path: &str, content: &str| ask(&mut gateway, path, "", "Vary: X-Lang", content).answered;
    assert!(ask("mapped?lang=de", "hallo").ends_with("hallo"));
    assert!(ask("mapped?lang=en", "hello").ends_with("hello"));
    assert!(ask("mapped?lang=de", "").ends_with("hallo") && ask("mapped?lang=en", "").ends_with("hello"));
    assert!(ask("mapped", "none").ends_with("none"));
}

#[test]
fn a_flush_forgets_variants() {
    let mut gateway = gateway("vary = true");
    ask(&mut gateway, "x", "Foo: 1\n", "Vary: Foo", "a");
    let cache = gateway.shard.plan.apis[0].stages[0].cache.as_ref().expect("a cache").id;
    gateway.shard.caches.flush(cache);
    assert!(ask(&mut gateway, "x", "Foo: 1\n", "Vary: Foo", "b").call.is_some());
}
