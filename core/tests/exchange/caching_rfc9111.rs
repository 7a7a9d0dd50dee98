//! How long an answer is good when its origin says so: a row for each thing that RFC 9111 asks of a shared cache.

use tidegate_core::auth::sigv4::PayloadHash;

use crate::carrier::{Exchanged, Gateway, Origin};
use crate::plan::Settings;
use crate::sign;

const DOCUMENT: &str = r#"
paths:
  /x:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
    post:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test/' }
    options:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: OPTIONS, uri: 'http://origin.test/' }
  /y:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
  /mapped:
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses: { default: { statusCode: 200 } }
  /function:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
  /signed:
    get:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
"#;

/// Anybody may ask for fresh answers.
const ORIGIN: &str =
    "ttl = 3600, origin_freshness = \"EXPLICIT\", require_authorization_for_cache_control = false";

fn gateway(settings: &str) -> Gateway {
    let stage = format!("cache = {{ size = \"4 MiB\", {settings} }}");
    Gateway::with(DOCUMENT, "$context.requestId", Settings { stage: &stage, ..Settings::default() })
}

fn request(method: &str, path: &str, fields: &str) -> String {
    format!("{method} /prod/{path} HTTP/1.1\nHost: a\n{fields}\n")
}

fn answer(fields: &str) -> String {
    let line = if fields.is_empty() { "" } else { "\n" };
    format!("HTTP/1.1 200 OK\nContent-Length: 5{line}{fields}\n\nhello")
}

fn ask(gateway: &mut Gateway, path: &str, fields: &str, said: &str) -> Exchanged {
    gateway.exchange(&request("GET", path, fields), Origin::Answers(&answer(said)))
}

/// Whether an answer with these fields is given again after so many seconds to a request with those.
fn is_given(settings: &str, said: &str, after_s: u64, fields: &str) -> bool {
    let mut gateway = gateway(settings);
    assert!(ask(&mut gateway, "x", "", said).call.is_some());
    gateway.wait(after_s * 1_000);
    ask(&mut gateway, "x", fields, said).call.is_none()
}

#[track_caller]
fn check(said: &str, after_s: u64, want: bool) {
    assert_eq!(is_given(ORIGIN, said, after_s, ""), want, "{said}");
}

const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

/// Section 4.2.1.
#[test]
fn how_long_the_origin_says() {
    for (said, lifetime_s) in [
        ("Cache-Control: max-age=60", 60),
        ("Cache-Control: s-maxage=60, max-age=600", 60),
        ("Cache-Control: max-age=600\nCache-Control: s-maxage=60", 60),
        ("Cache-Control: max-age=60\nExpires: Sun, 06 Nov 1994 09:49:37 GMT", 60),
        ("Expires: Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Date: Sun, 06 Nov 1994 08:49:38 GMT\nExpires: Sunday, 06-Nov-94 08:50:38 GMT", 60),
        ("Date: whenever\nExpires: Sun Nov  6 08:50:37 1994", 60),
        // The operator's TTL is the most.
        ("Cache-Control: max-age=86400", 3_600),
    ] {
        check(said, lifetime_s - 1, true);
        check(said, lifetime_s, false);
    }
    check("", 0, false);
    check("Cache-Control: max-age=0", 0, false);
    check("Cache-Control: max-age=soon", 0, false);
    check("Cache-Control: s-maxage=0, max-age=60", 0, false);
    check("Expires: 0", 0, false);
    check("Expires: Sun, 06 Nov 1994 08:49:36 GMT", 0, false);
    check("Pragma: no-cache\nCache-Control: max-age=60", 0, true);
    assert!(is_given("ttl = 60", "Cache-Control: no-store", 59, ""), "AWS does not ask the origin");
}

/// Section 4.2.3.
#[test]
fn how_old_it_is_when_it_comes() {
    let old = |fields: &str| format!("Cache-Control: max-age=60\n{fields}");
    check(&old("Age: 50"), 9, true);
    check(&old("Age: 50"), 10, false);
    check(&old("Age: 60"), 0, false);
    check(&old("Age: 5, 600"), 50, true);
    check(&old("Age: x"), 59, true);
    check(&old("Date: Sun, 06 Nov 1994 08:48:47 GMT"), 9, true);
    check(&old("Date: Sun, 06 Nov 1994 08:48:47 GMT"), 10, false);
    check(&old("Date: Sun, 06 Nov 1994 08:48:47 GMT\nAge: 55"), 5, false);
    check("Date: Sun, 06 Nov 1994 08:48:37 GMT\nExpires: Sun, 06 Nov 1994 08:50:27 GMT\nAge: 70", 39, true);
    check("Date: Sun, 06 Nov 1994 08:48:37 GMT\nExpires: Sun, 06 Nov 1994 08:50:27 GMT\nAge: 70", 40, false);
}

/// Section 5.1: an answer from the cache says its age; it is not said twice.
#[test]
fn an_age_is_given() {
    let mut gateway = gateway(ORIGIN);
    let said = format!("{DATE}\nCache-Control: max-age=60\nAge: 7\nAge: 9\nETag: \"e\"");
    assert!(!ask(&mut gateway, "x", "", &said).answered.contains("Age: 8"));
    gateway.wait(4_000);
    let again = ask(&mut gateway, "x", "", &said);
    assert!(again.call.is_none());
    let ages: Vec<&str> = again.answered.lines().filter(|line| line.starts_with("Age: ")).collect();
    assert_eq!(ages, ["Age: 11"], "{}", again.answered);
}

/// Sections 3 and 5.2.2.
#[test]
fn what_the_origin_forbids() {
    let fresh = |more: &str| format!("Cache-Control: max-age=60{more}");
    for more in [
        ", no-store",
        ", No-Store",
        ", no-cache",
        ", no-cache=\"Set-Cookie\"",
        ", private",
        ", private=\"X-Of\"",
        "\nCache-Control: no-store",
        ", ext=\"a\", no-store",
    ] {
        check(&fresh(more), 0, false);
    }
    check(&fresh(", ext=\"no-store, private\""), 0, true);
    check(&fresh(", must-revalidate, proxy-revalidate, public"), 59, true);
    check(&fresh(", must-revalidate"), 60, false);
    check(&fresh(", no-store, must-understand"), 0, true);
    let strange = "HTTP/1.1 599 X\nContent-Length: 0\nCache-Control: max-age=60, must-understand\n\n";
    let mut gateway = gateway(ORIGIN);
    gateway.exchange(&request("GET", "x", ""), Origin::Answers(strange));
    assert!(ask(&mut gateway, "x", "", "").call.is_some(), "599 is not understood");
}

/// Section 4.2.2.
#[test]
fn a_guess_only_where_it_is_wanted() {
    let guess = "ttl = 3600, origin_freshness = \"HEURISTIC\"";
    let unchanged = "Last-Modified: Sun, 06 Nov 1994 08:39:37 GMT";
    assert!(is_given(guess, unchanged, 59, "") && !is_given(guess, unchanged, 60, ""));
    assert!(!is_given(guess, "", 0, ""), "nothing to guess by");
    assert!(!is_given(
        guess,
        "Cache-Control: max-age=0\nLast-Modified: Sun, 06 Nov 1994 08:39:37 GMT",
        0,
        ""
    ));
    assert!(!is_given(ORIGIN, unchanged, 0, ""));
    for (status, public, want) in [
        (201, "", false),
        (403, "", false),
        (503, "", false),
        (404, "", true),
        (599, "Cache-Control: public\n", true),
    ] {
        let mut gateway = gateway(guess);
        let said = format!("HTTP/1.1 {status} X\nContent-Length: 0\n{public}{unchanged}\n\n");
        gateway.exchange(&request("GET", "x", ""), Origin::Answers(&said));
        assert_eq!(ask(&mut gateway, "x", "", "").call.is_none(), want, "{status}");
    }
}

/// Section 3.5: answers to who has shown credentials are for others only where the origin says so.
#[test]
fn who_has_shown_credentials() {
    let together = format!("{ORIGIN}, callers = \"TOGETHER\"");
    let bearer = "Authorization: Bearer a\n";
    for (settings, said, want) in [
        (&together, "max-age=60", false),
        (&together, "max-age=60, public", true),
        (&together, "max-age=60, must-revalidate", true),
        (&together, "s-maxage=60", true),
        (&ORIGIN.to_owned(), "max-age=60", false),
        (&ORIGIN.to_owned(), "max-age=60, public", true),
    ] {
        let mut gateway = gateway(settings);
        let said = format!("Cache-Control: {said}");
        assert!(ask(&mut gateway, "x", bearer, &said).call.is_some());
        assert_eq!(ask(&mut gateway, "x", bearer, &said).call.is_none(), want, "{settings} {said}");
        // Whoever shows none is not kept from its own.
        assert!(ask(&mut gateway, "x", "", &said).call.is_some());
        assert!(ask(&mut gateway, "x", "", &said).call.is_none());
    }
}

/// Section 5.2.1.
#[test]
fn what_a_request_asks() {
    let said = "Cache-Control: max-age=60";
    let given = |directive: &str| is_given(ORIGIN, said, 20, &format!("Cache-Control: {directive}\n"));
    assert!(given("max-age=25") && given("min-fresh=30") && given("max-stale=5") && given("no-store"));
    assert!(given("no-transform, unheard-of, max-age=100"));
    assert!(!given("max-age=0") && !given("max-age=19") && !given("no-cache") && !given("min-fresh=40"));
    assert!(!is_given(ORIGIN, said, 20, "Pragma: no-cache\n"));
    // What only some may ask for is nothing for others.
    let guarded = "ttl = 60, origin_freshness = \"EXPLICIT\"";
    for directive in ["no-cache", "max-age=0", "max-age=10", "min-fresh=50"] {
        assert!(is_given(guarded, said, 20, &format!("Cache-Control: {directive}\n")), "{directive}");
    }
    let signed = sign::request(
        sign::ALICE,
        "GET",
        "/prod/signed",
        &[("Cache-Control", "no-cache")],
        &PayloadHash::of(b""),
    );
    let strict = format!("{guarded}, unauthorized_cache_control_header_strategy = \"FAIL_WITH_403\"");
    assert!(gateway(&strict).exchange(&signed, Origin::Uncalled).answered.starts_with("HTTP/1.1 403"));
}

#[test]
fn what_is_not_to_be_kept_is_not() {
    let mut gateway = gateway(ORIGIN);
    let said = "Cache-Control: max-age=60";
    assert!(ask(&mut gateway, "x", "Cache-Control: no-store\n", said).call.is_some());
    assert!(ask(&mut gateway, "x", "", said).call.is_some(), "not kept");
    assert!(ask(&mut gateway, "x", "Cache-Control: no-store\n", said).call.is_none(), "there is one");
}

#[test]
fn only_if_cached() {
    let mut gateway = gateway(ORIGIN);
    let only = request("GET", "x", "Cache-Control: only-if-cached\n");
    let absent = gateway.exchange(&only, Origin::Uncalled);
    assert!(
        absent.answered.starts_with("HTTP/1.1 504")
            && absent.answered.ends_with("{\"message\": \"There is no cached answer\"}"),
        "{}",
        absent.answered
    );
    ask(&mut gateway, "x", "", "Cache-Control: max-age=60");
    assert!(gateway.exchange(&only, Origin::Uncalled).answered.ends_with("hello"));
}

/// Section 4.4: what has been changed is asked for again, by whatever method it was changed, if that has succeeded.
#[test]
fn a_change_puts_out() {
    let said = "Cache-Control: max-age=60";
    let change = |method: &str, path: &str, status: u16| {
        let mut gateway = gateway(&format!("{ORIGIN} }}\nmethod.\"GET /y\".cache = {{ ttl = 60"));
        ask(&mut gateway, "x", "", said);
        ask(&mut gateway, "y", "", said);
        let answer = format!("HTTP/1.1 {status} X\nContent-Length: 0\n\n");
        gateway.exchange(&request(method, path, "Content-Length: 0\n"), Origin::Answers(&answer));
        assert!(ask(&mut gateway, "y", "", said).call.is_none(), "another path");
        ask(&mut gateway, "x", "", said).call.is_some()
    };
    assert!(change("POST", "x", 200) && change("POST", "x", 303) && change("POST", "%78?a=b", 204));
    assert!(!change("POST", "x", 400) && !change("POST", "x", 500) && !change("OPTIONS", "x", 200));
    let mut plain = gateway("ttl = 60");
    ask(&mut plain, "x", "", said);
    plain.exchange(&request("POST", "x", "Content-Length: 0\n"), Origin::Answers(&answer("")));
    assert!(ask(&mut plain, "x", "", said).call.is_none(), "AWS does not do that");
}

/// What another shard has told.
#[test]
fn a_change_elsewhere() {
    let said = "Cache-Control: max-age=60";
    let (mut here, mut there) = (gateway(ORIGIN), gateway(ORIGIN));
    ask(&mut there, "x", "", said);
    ask(&mut there, "y", "", said);
    here.exchange(&request("POST", "x", "Content-Length: 0\n"), Origin::Answers(&answer("")));
    let reports = here.shard.caches.report();
    assert_eq!(reports[0].changes.len(), 1);
    there.shard.caches.hear_changes(reports[0].cache, &reports[0].changes);
    there.wait(1_000);
    assert!(ask(&mut there, "x", "", said).call.is_some() && ask(&mut there, "y", "", said).call.is_none());
    assert!(here.shard.caches.report()[0].changes.is_empty(), "told once");
    (0..2_000).for_each(|_| {
        here.exchange(&request("POST", "x", "Content-Length: 0\n"), Origin::Answers(&answer("")));
    });
    let changes = &here.shard.caches.report()[0].changes;
    assert_eq!(changes.len(), 1_025);
    there.shard.caches.hear_changes(reports[0].cache, changes);
    there.wait(1_000);
    assert!(ask(&mut there, "y", "", said).call.is_some(), "more than was told");
}

/// The origin is who answers the gateway, whatever of that the client gets to see.
#[test]
fn who_the_origin_is() {
    let mut gateway = gateway(ORIGIN);
    ask(&mut gateway, "mapped", "", "Cache-Control: max-age=60");
    assert!(ask(&mut gateway, "mapped", "", "").call.is_none());
    let function = |fields: &str| format!(r#"{{"statusCode": 200, "headers": {{{fields}}}, "body": "a"}}"#);
    let mut invoked = |fields: &str| {
        let payload = function(fields);
        gateway.exchange(&request("GET", "function", ""), Origin::Function(Ok(&payload))).invoke.is_some()
    };
    assert!(invoked(r#""Cache-Control": "no-store""#));
    gateway.wait(10_000);
    let mut invoked = |fields: &str| {
        let payload = function(fields);
        gateway.exchange(&request("GET", "function", ""), Origin::Function(Ok(&payload))).invoke.is_some()
    };
    assert!(invoked(r#""cache-control": "max-age=60""#) && !invoked(""));
}
