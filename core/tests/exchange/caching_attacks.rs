//! Requests that would have others get an answer that they did not ask for: each goes by the cache, both ways.

use crate::carrier::{Gateway, Origin};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /pets/{id}:
    get:
      parameters: [{ name: id, in: path }, { name: q, in: query }, { name: X-In, in: header }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/{id}
        requestParameters: { integration.request.path.id: method.request.path.id }
        cacheKeyParameters: [method.request.path.id, method.request.querystring.q, method.request.header.X-In]
    head:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: HEAD, uri: 'http://origin.test/' }
"#;

const CACHE: &str = "cache = { size = \"4 MiB\", ttl = 60 }\nmethod.\"HEAD /pets/{id}\".cache = { ttl = 60 }";

fn gateway() -> Gateway {
    Gateway::with(DOCUMENT, "$context.requestId", Settings { stage: CACHE, ..Settings::default() })
}

const GOOD: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 4\n\ngood");
const BAD: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 3\n\nbad");
const EMPTY: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 4\n\n");

/// The victim gets what is right, whether the attacker was there before or not; and the attacker gets nothing of the victim's.
#[track_caller]
fn check(attack: &str, origin: Origin<'_>, victim: &str) {
    let mut gateway = gateway();
    assert!(gateway.exchange(attack, origin).call.is_some(), "{attack}");
    let first = gateway.exchange(victim, GOOD);
    assert!(first.call.is_some() && first.answered.ends_with("\r\n\r\ngood"), "{attack}: {}", first.answered);
    assert!(gateway.exchange(attack, origin).call.is_some(), "{attack}");
    let again = gateway.exchange(victim, Origin::Uncalled);
    assert_eq!(first.answered, again.answered, "{attack}");
    assert!(gateway.shard.caches.fills().is_empty());
}

/// Both are given the same answer.
#[track_caller]
fn check_shared(request: &str, other: &str) {
    let mut gateway = gateway();
    assert!(gateway.exchange(request, GOOD).call.is_some());
    assert!(
        gateway.exchange(other, Origin::Uncalled).answered.ends_with("\r\n\r\ngood"),
        "{request} {other}"
    );
}

fn get(target: &str, fields: &str) -> String {
    format!("GET /prod/pets{target} HTTP/1.1\nHost: a\n{fields}\n")
}

#[test]
fn content_of_a_get() {
    let victim = get("/7", "");
    check(&get("/7", "Content-Length: 6\n\nid=bad"), BAD, &victim);
    check(&get("/7", "Transfer-Encoding: chunked\n\n6\nid=bad\n0\n"), BAD, &victim);
    check_shared(&get("/7", "Content-Length: 0\n"), &victim);
}

#[test]
fn a_field_that_the_backend_does_not_get() {
    let victim = get("/7", "X-In: 1\n");
    check(&get("/7", "X-In: 1\nConnection: x-in\n"), BAD, &victim);
    check(&get("/7", "X-In: 1\nConnection: keep-alive, X-In\n"), BAD, &victim);
    check(&get("/7", "X-In: 1\nConnection: keep-alive\nConnection: X-In\n"), BAD, &victim);
    // What is this hop's own anyway.
    check_shared(
        &get("/7", "X-In: 1\nConnection: TE, Keep-Alive\nTE: trailers\nKeep-Alive: timeout=5\n"),
        &victim,
    );
    check_shared(&get("/7", "X-In: 1\nConnection: X-Other\n"), &victim);
}

#[test]
fn a_query_that_is_read_in_two_ways() {
    check(&get("/7?a=1;q=2", ""), BAD, &get("/7?q=2", ""));
    check(&get("/7?q=2;a=1", ""), BAD, &get("/7?q=2", ""));
    // However it is written, it is the same parameter.
    check_shared(&get("/7?%71=2", ""), &get("/7?q=%32", ""));
    let mut gateway = gateway();
    gateway.exchange(&get("/7?q=2&%71=bad", ""), BAD);
    assert!(gateway.exchange(&get("/7?q=2", ""), GOOD).answered.ends_with("good"), "each value counts");
}

/// A HEAD that is overridden to be a GET has no content to keep, and must not be sent what is kept: the next answer would be
/// taken for the rest of it.
#[test]
fn a_method_by_half() {
    let head = |fields: &str| get("/7", fields).replace("GET ", "HEAD ");
    let overridden = head("X-HTTP-Method-Override: GET\n");
    check(&overridden, EMPTY, &get("/7", ""));
    let mut gateway = gateway();
    assert!(gateway.exchange(&get("/7", ""), GOOD).answered.ends_with("good"));
    let answered = gateway.exchange(&overridden, GOOD).answered;
    assert!(answered.ends_with("\r\n\r\n"), "no content follows a HEAD: {answered}");
    // A HEAD of its own is kept apart from GET.
    let mut gateway = self::gateway();
    gateway.exchange(&get("/7", ""), GOOD);
    assert!(gateway.exchange(&head(""), EMPTY).call.is_some());
    let again = gateway.exchange(&head(""), Origin::Uncalled).answered;
    assert!(again.ends_with("\r\n\r\n"), "{again}");
    check(&get("/7", "X-HTTP-Method-Override: HEAD\n"), EMPTY, &get("/7", ""));
}

/// No value ends where another one begins.
#[test]
fn separators_in_values() {
    let pairs = [
        ("/7?q=1&q=2", "", "/7?q=1%26q=2", ""),
        ("/7?q=1,2", "", "/7?q=1&q=2", ""),
        ("/7?q=", "", "/7", ""),
        ("/7?q=%00", "", "/7?q=", ""),
        ("/7?q=%01%02%00%00%00", "", "/7?q=%01", ""),
        ("/7%2F8", "", "/7", ""),
        ("/7", "X-In: a\nX-In: b\n", "/7", "X-In: a, b\n"),
        ("/7?q=x", "X-In: y\n", "/7?q=xy", "X-In:\n"),
    ];
    for (one, fields, other, other_fields) in pairs {
        let mut gateway = gateway();
        assert!(gateway.exchange(&get(one, fields), BAD).call.is_some());
        let answered = gateway.exchange(&get(other, other_fields), GOOD);
        assert!(answered.call.is_some(), "{one} {fields} and {other} {other_fields}");
    }
}

/// Keys as long as a head can be are kept, found, and counted with the rest.
#[test]
fn huge_keys() {
    let mut gateway = gateway();
    let long = |number: usize| get(&format!("/7?q={}{number}", "x".repeat(7_000)), "");
    for number in 0..2_000 {
        assert!(gateway.exchange(&long(number), GOOD).call.is_some());
        let report = &gateway.shard.caches.report()[0];
        assert!(report.standing.bytes <= 4 << 20, "{}", report.standing.bytes);
    }
    assert!(gateway.exchange(&long(1_999), Origin::Uncalled).answered.ends_with("good"));
}
