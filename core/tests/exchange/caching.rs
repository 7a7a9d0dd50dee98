//! What the stage's cache answers, and what it does not.

use tidegate_core::auth::sigv4::PayloadHash;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE};
use crate::plan::Settings;
use crate::sign;

const SESSION: sign::Caller<'_> = sign::Caller {
    key: "ASIASESSIONSESSION",
    secret: "session-secret-session-secret",
    token: Some("session-token"),
    ..sign::ALICE
};

/// May have answers replaced.
const OPERATOR: sign::Caller<'_> =
    sign::Caller { key: "AKIDOPERATOROPERATOR", secret: "operator-secret-operator-secret", ..sign::ALICE };

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
    post:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: POST, uri: 'http://origin.test/' }
  /mapped:
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/
        responses:
          default: { statusCode: 200, responseParameters: { method.response.header.X-Of: integration.response.header.X-Of } }
          '404': { statusCode: 404, responseTemplates: { application/json: '{"gone": $input.json("$.a")}' } }
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
  /key:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/' }
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
"#;

const HELLO: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 5\nETag: x\n\nhello");

fn gateway(cache: &str) -> Gateway {
    let stage = format!("cache = {{ size = \"4 MiB\", {cache} }}");
    Gateway::with(
        DOCUMENT,
        "$context.requestId $context.status $context.integrationStatus $context.responseLength",
        Settings { stage: &stage, ..Settings::default() },
    )
}

fn get(path: &str, fields: &str) -> String {
    format!("GET /prod{path} HTTP/1.1\nHost: a\n{fields}\n")
}

/// Asks twice: whether the second answer comes from the cache.
#[track_caller]
fn is_kept(gateway: &mut Gateway, first: &str, origin: Origin<'_>, second: &str) -> bool {
    let answered = gateway.exchange(first, origin);
    assert!(answered.call.is_some() || answered.invoke.is_some(), "the first one is new");
    let again = gateway.exchange(second, HELLO);
    again.call.is_none() && again.invoke.is_none()
}

#[track_caller]
fn check(cache: &str, first: &str, origin: Origin<'_>, second: &str, want: bool) {
    assert_eq!(is_kept(&mut gateway(cache), first, origin, second), want, "{first} {second}");
}

#[test]
fn an_answer_is_given_again() {
    let mut gateway = gateway("ttl = 10");
    let request = get("/pets/7?q=1", "");
    let first = gateway.exchange(&request, HELLO);
    let again = gateway.exchange(&request, Origin::Uncalled);
    let want = format!(
        "HTTP/1.1 200 OK\r\n{DATE}\r\nContent-Type: application/json\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\
         x-amzn-RequestId: {ID}\r\nx-amz-apigw-id: {EXTENDED_ID}\r\nx-amzn-Remapped-Content-Length: 5\r\nETag: x\r\n\r\nhello"
    );
    assert_eq!((&first.answered, &again.answered), (&want, &want));
    assert_eq!(
        (first.logged.as_str(), again.logged.as_str()),
        (&*format!("{ID} 200 200 5\n"), &*format!("{ID} 200 - 5\n"))
    );
    let old = gateway.exchange(&request.replace("HTTP/1.1", "HTTP/1.0"), Origin::Uncalled);
    assert_eq!(old.answered, want.replace("keep-alive", "close"));
    assert!(gateway.shard.caches.fills().is_empty());
}

#[test]
fn what_an_integration_makes_is_kept_as_the_client_got_it() {
    let mut gateway = gateway("ttl = 10");
    let chunked = Origin::Answers("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nX-Of: a\n\n5\nhello\n0\n\n");
    let first = gateway.exchange(&get("/mapped", ""), chunked);
    let again = gateway.exchange(&get("/mapped", ""), Origin::Uncalled);
    assert_eq!(first.answered, again.answered);
    assert!(
        first.answered.ends_with(&format!("X-Of: a\r\nX-Amzn-Trace-Id: {TRACE}\r\n\r\nhello")),
        "{}",
        first.answered
    );
    assert!(first.answered.contains("\r\nContent-Length: 5\r\n"), "{}", first.answered);
    let payload = r#"{"statusCode": 201, "headers": {"X-A": "b"}, "body": "made"}"#;
    let first = gateway.exchange(&get("/function", ""), Origin::Function(Ok(payload)));
    assert_eq!(first.answered, gateway.exchange(&get("/function", ""), Origin::Uncalled).answered);
}

#[test]
fn errors_of_the_backend_are_kept_and_those_of_the_gateway_are_not() {
    let gone = Origin::Answers("HTTP/1.1 404 Not Found\nContent-Length: 7\n\n{\"a\":1}");
    check("ttl = 10", &get("/mapped", ""), gone, &get("/mapped", ""), true);
    check(
        "ttl = 10",
        &get("/pets/1", ""),
        Origin::Answers("HTTP/1.1 500 E\nContent-Length: 0\n\n"),
        &get("/pets/1", ""),
        true,
    );
    let timeout = Origin::Fails(tidegate_core::exchange::CallFailure::Timeout);
    check("ttl = 10", &get("/pets/1", ""), timeout, &get("/pets/1", ""), false);
}

#[test]
fn only_parameters_of_the_key_count() {
    let same = |first: &str, second: &str, want| check("ttl = 10", first, HELLO, second, want);
    same(&get("/pets/1?q=1&r=1", "X-In: a\nX-Out: a"), &get("/pets/1?r=2&q=1", "x-in: a\nX-Out: b"), true);
    same(&get("/pets/1?q=1", ""), &get("/pets/2?q=1", ""), false);
    same(&get("/pets/1?q=1", ""), &get("/pets/1?q=2", ""), false);
    same(&get("/pets/1?q=1", ""), &get("/pets/1", ""), false);
    same(&get("/pets/1?q=", ""), &get("/pets/1", ""), false);
    same(&get("/pets/1?q=%31", ""), &get("/pets/1?q=1", ""), true);
    same(&get("/pets/1?q=1&q=2", ""), &get("/pets/1?q=2", ""), false);
    same(&get("/pets/1?q=1,2", ""), &get("/pets/1?q=1&q=2", ""), false);
    same(&get("/pets/1?q=1", "X-In: a"), &get("/pets/1?q=1", "X-In: b"), false);
    same(&get("/pets/1?q=a", ""), &get("/pets/1", "X-In: a"), false);
}

#[test]
fn methods_and_times() {
    let post = "POST /prod/pets/1 HTTP/1.1\nHost: a\nContent-Length: 0\n";
    check("ttl = 10", post, HELLO, post, false);
    check("ttl = 10 }\nmethod.\"POST /pets/{id}\".cache = { ttl = 5", post, HELLO, post, true);
    check("ttl = 0", &get("/pets/1", ""), HELLO, &get("/pets/1", ""), false);
    check(
        "ttl = 10 }\nmethod.\"GET /pets/{id}\".cache = { enabled = false",
        &get("/pets/1", ""),
        HELLO,
        &get("/pets/1", ""),
        false,
    );
    check("enabled = false", &get("/pets/1", ""), HELLO, &get("/pets/1", ""), false);
    check(
        "ttl = 10 }\nmethod.\"GET /pets/{id}\".cache = { ttl = 0",
        &get("/pets/1", ""),
        HELLO,
        &get("/pets/1", ""),
        false,
    );
    let mut gateway = gateway("ttl = 1");
    assert!(is_kept(&mut gateway, &get("/pets/1", ""), HELLO, &get("/pets/1", "")));
    gateway.wait(1_000);
    assert!(gateway.exchange(&get("/pets/1", ""), HELLO).call.is_some(), "too old");
}

#[test]
fn what_is_for_one_request_is_not_kept() {
    let own = |status: &str| {
        let answer = format!("HTTP/1.1 {status} X\nContent-Length: 5\n\nhello");
        check("ttl = 10", &get("/pets/1", ""), Origin::Answers(&answer), &get("/pets/1", ""), false);
    };
    ["206", "304", "412", "416"].into_iter().for_each(own);
    let cookie = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\nSet-Cookie: a=b\n\n");
    check("ttl = 10", &get("/pets/1", ""), cookie, &get("/pets/1", ""), false);
    check("callers = \"TOGETHER\"", &get("/pets/1", ""), cookie, &get("/pets/1", ""), true);
}

#[test]
fn what_is_too_large_is_passed_on() {
    let large = "x".repeat(1_048_577);
    let by_length = format!("HTTP/1.1 200 OK\nContent-Length: 1048577\n\n{large}");
    let chunked = format!("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n100001\n{large}\n0\n\n");
    let until_close = format!("HTTP/1.1 200 OK\n\n{large}");
    for answer in [by_length, chunked, until_close] {
        let mut gateway = gateway("ttl = 10");
        let first = gateway.exchange(&get("/pets/1", ""), Origin::Answers(&answer));
        assert!(first.answered.contains(&large));
        assert!(gateway.exchange(&get("/pets/1", ""), HELLO).call.is_some());
    }
    let largest = "x".repeat(1_048_576);
    let answer = format!("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n100000\n{largest}\n0\n\n");
    let mut gateway = gateway("ttl = 10");
    let first = gateway.exchange(&get("/pets/1", ""), Origin::Answers(&answer));
    let again = gateway.exchange(&get("/pets/1", ""), Origin::Uncalled);
    assert!(first.answered.ends_with(&largest) && first.answered == again.answered);
}

#[test]
fn callers_are_kept_apart() {
    let signed = |who| sign::request(who, "GET", "/prod/signed", &[], &PayloadHash::of(b""));
    let (alice, other) = (signed(sign::ALICE), signed(SESSION));
    check("ttl = 10", &alice, HELLO, &alice, true);
    check("ttl = 10", &alice, HELLO, &other, false);
    check("ttl = 10, callers = \"TOGETHER\"", &alice, HELLO, &other, true);
    let (a, b) = (get("/pets/1", "Authorization: Bearer a"), get("/pets/1", "Authorization: Bearer b"));
    check("ttl = 10", &a, HELLO, &b, false);
    check("ttl = 10", &a, HELLO, &a, true);
    check("ttl = 10, callers = \"TOGETHER\"", &a, HELLO, &b, true);
}

#[test]
fn who_may_not_call_gets_nothing_from_the_cache() {
    let mut gateway = gateway("ttl = 10, callers = \"TOGETHER\"");
    let with_key = get("/key", "x-api-key: alice-0123456789abcdef");
    assert!(is_kept(&mut gateway, &with_key, HELLO, &with_key));
    assert!(gateway.exchange(&get("/key", ""), Origin::Uncalled).answered.starts_with("HTTP/1.1 403"));
    let signed = sign::request(sign::ALICE, "GET", "/prod/signed", &[], &PayloadHash::of(b""));
    assert!(is_kept(&mut gateway, &signed, HELLO, &signed));
    assert!(gateway.exchange(&get("/signed", ""), Origin::Uncalled).answered.starts_with("HTTP/1.1 403"));
}

#[test]
fn throttles_come_before_the_cache() {
    let mut gateway = gateway("ttl = 10 }\nthrottle = { rate = 0.001, burst = 2");
    assert!(is_kept(&mut gateway, &get("/pets/1", ""), HELLO, &get("/pets/1", "")));
    assert!(gateway.exchange(&get("/pets/1", ""), Origin::Uncalled).answered.starts_with("HTTP/1.1 429"));
}

const FRESH: &str = "Cache-Control: max-age=0";

/// What a request with `max-age=0` is answered when there is an answer in the cache.
fn invalidate(cache: &str, request: &str, plain: &str) -> Exchanged {
    let mut gateway = gateway(cache);
    assert!(is_kept(&mut gateway, plain, HELLO, plain));
    let anew = gateway.exchange(request, Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 3\n\nnew"));
    let again = gateway.exchange(plain, Origin::Uncalled);
    assert_eq!(
        again.answered.ends_with("new"),
        anew.call.is_some(),
        "the answer is replaced if it was asked for"
    );
    anew
}

#[test]
fn invalidation() {
    let (fresh, plain) = (get("/pets/1", FRESH), get("/pets/1", ""));
    let anybody = invalidate("require_authorization_for_cache_control = false", &fresh, &plain);
    assert!(anybody.call.is_some());
    let warned = invalidate("ttl = 10", &fresh, &plain);
    assert!(warned.call.is_none());
    assert!(
        warned
            .answered
            .contains("\r\nWarning: 199 - \"The cache was not invalidated: not authorized\"\r\n\r\nhello")
    );
    let silent = "unauthorized_cache_control_header_strategy = \"SUCCEED_WITHOUT_RESPONSE_HEADER\"";
    let silent = invalidate(silent, &fresh, &plain);
    assert!(silent.call.is_none() && !silent.answered.contains("Warning"));
    let strict = "unauthorized_cache_control_header_strategy = \"FAIL_WITH_403\"";
    let refused = invalidate(strict, &fresh, &plain);
    assert!(refused.answered.starts_with("HTTP/1.1 403") && refused.call.is_none(), "{}", refused.answered);
    assert!(
        refused.answered.ends_with(
            "{\"Message\":\"User: anonymous is not authorized to perform: execute-api:InvalidateCache on resource: \
             arn:aws:execute-api:us-east-1:********9012:api/prod/GET/pets/1 because no identity-based policy allows the \
             execute-api:InvalidateCache action\"}"
        ),
        "{}",
        refused.answered
    );
}

/// AWS: who signs needs `execute-api:InvalidateCache` for the method.
#[test]
fn invalidation_by_policy() {
    let strict = "callers = \"TOGETHER\", unauthorized_cache_control_header_strategy = \"FAIL_WITH_403\"";
    let request = |who, fields: &[(&str, &str)]| {
        sign::request(who, "GET", "/prod/signed", fields, &PayloadHash::of(b""))
    };
    let plain = request(sign::ALICE, &[]);
    let refused = invalidate(strict, &request(sign::ALICE, &[("Cache-Control", "max-age=0")]), &plain);
    assert!(refused.answered.starts_with("HTTP/1.1 403"), "{}", refused.answered);
    assert!(refused.answered.contains(
        "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: execute-api:InvalidateCache"
    ));
    let allowed = invalidate(strict, &request(OPERATOR, &[("Cache-Control", "max-age=0")]), &plain);
    assert!(allowed.call.is_some(), "{}", allowed.answered);
}

#[test]
fn head_has_its_own_answers() {
    let cache = "ttl = 10 }\nmethod.\"POST /pets/{id}\".cache = { ttl = 5";
    let mut gateway = gateway(cache);
    assert!(is_kept(&mut gateway, &get("/pets/1", ""), HELLO, &get("/pets/1", "")));
    let post = "POST /prod/pets/1 HTTP/1.1\nHost: a\nContent-Length: 0\n";
    assert!(gateway.exchange(post, HELLO).call.is_some(), "another method");
}

#[test]
fn a_flush_forgets_and_a_new_definition_begins_anew() {
    let mut gateway = gateway("ttl = 10");
    assert!(is_kept(&mut gateway, &get("/pets/1", ""), HELLO, &get("/pets/1", "")));
    let cache = gateway.shard.plan.apis[0].stages[0].cache.as_ref().expect("a cache").id;
    gateway.shard.caches.flush(cache);
    assert!(is_kept(&mut gateway, &get("/pets/1", ""), HELLO, &get("/pets/1", "")));
    let same = std::sync::Arc::clone(&gateway.shard.plan);
    gateway.shard.install(same);
    assert!(gateway.exchange(&get("/pets/1", ""), Origin::Uncalled).call.is_none());
    let stage = "cache = { size = \"4 MiB\", ttl = 10 }";
    let newer = crate::plan::plan(
        &format!("{DOCUMENT}\ntags: []"),
        "$context.requestId",
        Settings { stage, ..Settings::default() },
    );
    gateway.shard.install(std::sync::Arc::new(newer));
    assert!(gateway.exchange(&get("/pets/1", ""), HELLO).call.is_some());
}
