//! Caches of stages in `tidegate.toml`, and their keys in definitions.

use tidegate_config::routes_table;
use tidegate_core::cache::{Callers, Extras, Freshness, Invalidation, StageCache, Unauthorised};

use crate::{Folder, MOCK, TOML, describe, file_findings};

#[track_caller]
fn check_file(cache: &str, want: &str) {
    assert_eq!(file_findings(&format!("{TOML}{cache}\n")), want, "{cache}");
}

#[test]
fn what_is_wrong_with_settings() {
    check_file("cache = 5", "10:9: error: `cache` must be a map of keys, not a number");
    check_file("cache = { ttl = 5 }", "10:9: error: `size` is missing");
    check_file("cache = { size = 1 }", "10:18: error: expected an integer from 65536 to 1125899906842624");
    check_file(
        "cache = { size = \"1 MiB\", ttl = 3601 }",
        "10:33: error: expected an integer from 0 to 3600",
    );
    check_file(
        "cache = { size = \"1 MiB\", tll = 1 }",
        "10:27: error: unknown key `tll` | did you mean `ttl`?",
    );
    check_file(
        "cache = { size = \"1 MiB\", origin_freshness = true }",
        "10:46: error: expected a text, not a boolean",
    );
    check_file(
        "cache = { size = \"1 MiB\", stale_on_error = 604801 }",
        "10:44: error: expected an integer from 0 to 604800",
    );
    check_file(
        "cache = { size = \"1 MiB\", vary = 1 }",
        "10:34: error: expected true or false, not a number",
    );
    check_file(
        "cache = { size = \"1 MiB\", callers = \"ALONE\" }",
        "10:37: error: unknown value `ALONE` | known here: APART, TOGETHER",
    );
    check_file(
        "method.\"GET /\".cache = { ttl = 1 }",
        "10:16: error: the stage has no cache | give it one: cache = { size = \"64 MiB\" } in [[api.stage]]",
    );
    check_file(
        "cache = { size = \"1 MiB\" }\nmethod.\"GET /\".cache = { size = \"1 MiB\" }",
        "11:26: error: a method has no size: its answers lie in the stage's cache",
    );
    check_file(
        "cache = { size = \"1 MiB\" }\nmethod.\"GET /x\".cache = {}",
        "11:8: error: unknown method `GET /x` | did you mean `GET /`?",
    );
    check_file("cache = { size = \"1 MiB\", data_encrypted = true, ttl = 0 }", "");
}

const STAGE: &str = "cache = { size = \"1 MiB\", ttl = 7 }\n";

/// Findings about a document whose stage has a cache; `{}` in it is what stands in the integration.
#[track_caller]
fn check_key(more: &str, want: &str) {
    let document = format!(
        "openapi: 3.0.1\npaths:\n  /p/{{id}}:\n    get:\n      parameters: [{{ name: id, in: path }}, {{ name: q, in: query }}]\n      \
         x-amazon-apigateway-integration:\n        type: http_proxy\n        httpMethod: GET\n        uri: http://a.test/\n        \
         requestParameters: {{ integration.request.header.X: method.request.path.id, integration.request.header.Y: method.request.body }}\n        \
         {more}\n"
    );
    let folder = Folder::new(&[("tidegate.toml", &format!("{TOML}{STAGE}")), ("api.yaml", &document)]);
    let loaded = folder.load();
    assert_eq!(describe(&folder, loaded, "api.yaml:"), want, "{more}");
}

#[test]
fn what_is_wrong_with_keys() {
    let same = "whatever {id} is, the answer is the same one from the cache | as with AWS; add method.request.path.id to cacheKeyParameters";
    check_key("cacheKeyParameters: [method.request.path.id]", "");
    check_key("cacheKeyParameters: [integration.request.header.X]", "");
    check_key("cacheNamespace: x", &format!("7:9: warning: {same}"));
    check_key("cacheKeyParameters: [method.request.querystring.q]", &format!("11:9: warning: {same}"));
    check_key(
        "cacheKeyParameters: [method.request.path.id, method.request.querystring.r]",
        "11:54: error: Invalid mapping expression parameter specified: method.request.querystring.r | declare it: parameters: [{ name: r, in: query }]",
    );
    let only = "a key is made of method.request.path.N, querystring.N and header.N, and of integration.request.* that are mapped";
    for wrong in ["method.request.body", "integration.request.header.Y", "context.requestId"] {
        check_key(
            &format!("cacheKeyParameters: [method.request.path.id, {wrong}]"),
            &format!("11:54: error: Invalid cache key parameter specified: {wrong} | {only}"),
        );
    }
    check_key(
        "cacheKeyParameters: [method.request.path.id, integration.request.header.Z]",
        "11:54: error: Invalid cache key parameter specified: integration.request.header.Z | nothing is mapped to it: add it to requestParameters",
    );
    check_key(
        "cacheKeyParameters: x",
        &format!("11:9: warning: {same}\n11:29: error: expected a list, not a text"),
    );
}

fn cache(settings: &str) -> (StageCache, String) {
    let document = format!(
        "{MOCK}        cacheNamespace: ns\n    x-amazon-apigateway-any-method:\n      x-amazon-apigateway-integration: {{ type: mock, requestTemplates: {{ application/json: '{{\"statusCode\": 200}}' }}, responses: {{ default: {{ statusCode: 200 }} }} }}\n"
    );
    let folder = Folder::new(&[("tidegate.toml", &format!("{TOML}{settings}")), ("api.yaml", &document)]);
    let loaded = folder.load().unwrap_or_else(|findings| panic!("{findings}"));
    let table = routes_table(&loaded);
    (*loaded.plan.apis[0].stages[0].cache.clone().expect("a cache"), table)
}

#[test]
fn what_is_compiled() {
    let (cache, table) = cache(STAGE);
    assert_eq!(cache.bytes, 1 << 20);
    let get = cache.methods[0].as_ref().expect("GET is cached");
    assert_eq!((get.ttl_ms, &*get.namespace, get.callers), (7_000, "ns", Callers::Apart));
    assert_eq!(get.invalidation, Invalidation::Authorised(Unauthorised::SucceedWithResponseHeader));
    assert!(cache.methods[1].is_none(), "ANY is not");
    assert!(table.contains("GET     /     NONE  none    7 s    MOCK"), "{table}");
}

#[test]
fn methods_have_settings_of_their_own() {
    let more = "method.\"ANY /\".cache = { callers = \"TOGETHER\", require_authorization_for_cache_control = false }\n\
        method.\"GET /\".cache = { enabled = false }\n";
    let (cache, table) = cache(&format!("{STAGE}{more}"));
    assert!(cache.methods[0].is_none());
    let any = cache.methods[1].as_ref().expect("asked for");
    assert_eq!(
        (any.ttl_ms, any.callers, any.invalidation),
        (7_000, Callers::Together, Invalidation::Anybody)
    );
    assert!(table.contains("7 s for all callers"), "{table}");
}

/// What AWS does not do is off, and of a method as the stage has it.
#[test]
fn what_http_has() {
    let extras = |settings: &str| cache(settings).0.methods[0].as_ref().expect("GET is cached").extras;
    assert_eq!(extras(STAGE), Extras::default());
    let stage = "cache = { size = \"1 MiB\", origin_freshness = \"EXPLICIT\", stale_on_error = 60 }\n";
    let want = Extras { freshness: Freshness::Origin, stale_ms: 60_000, ..Extras::default() };
    assert_eq!(extras(stage), want);
    let method = "method.\"GET /\".cache = { vary = true, origin_freshness = \"HEURISTIC\", age = true, \
        conditional = true, stale_on_error = 0 }\n";
    let freshness = Freshness::Heuristic;
    let want = Extras { conditional: true, age: true, vary: true, freshness, stale_ms: 0 };
    assert_eq!(extras(&format!("{stage}{method}")), want);
}

#[test]
fn a_cache_is_named_by_what_is_deployed() {
    let id = |settings: &str| cache(settings).0.id;
    assert_eq!(id(STAGE), id("cache = { size = \"2 MiB\", ttl = 9 }\n"));
}
