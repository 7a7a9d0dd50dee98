//! Routing and policies see the same path: no spelling of it reaches an integration under another method's policy, neither as
//! the gateway reads it nor as a backend may.

use std::cell::RefCell;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::carrier::{Exchanged, Gateway};
use crate::wire::{OK, get};

/// Every integration says which method it is of. The greedy one hands on the path, which a backend may decode and resolve.
const DOCUMENT: &str = r#"
paths:
  /admin: { get: { x-amazon-apigateway-integration: &here { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/fixed', requestParameters: { integration.request.header.X-Route: context.resourcePath } } } }
  /admin/{id}: { get: { x-amazon-apigateway-integration: *here } }
  /open: { get: { x-amazon-apigateway-integration: *here } }
  /open/{id}: { get: { x-amazon-apigateway-integration: *here } }
  /{proxy+}:
    get:
      parameters: [{ name: proxy, in: path, required: true, schema: { type: string } }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/{proxy}
        requestParameters:
          integration.request.path.proxy: method.request.path.proxy
          integration.request.header.X-Route: context.resourcePath
"#;

const ALL_BUT_ADMIN: &str = r#"
  { Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" },
  { Effect: Deny, Principal: "*", Action: "*", Resource: ["execute-api:/prod/GET/admin", "execute-api:/prod/GET/admin/*"] }"#;
const OPEN_ALONE: &str = r#"
  { Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: ["execute-api:/prod/GET/open", "execute-api:/prod/GET/open/*"] }"#;

fn gateway(statements: &str) -> Gateway {
    Gateway::new(&format!(
        "{DOCUMENT}x-amazon-apigateway-policy: {{ Version: '2012-10-17', Statement: [{statements}] }}\n"
    ))
}

/// A path of pieces that are, hide, or lead to what is not allowed.
fn path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "admin",
        "open",
        "7",
        "a",
        "%61dmin",
        "adm%69n",
        "%6Fpen",
        "Admin",
        "",
        ".",
        "..",
        "...",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%2f",
        "%2Fadmin",
        "admin%2f7",
        "admin%2F..%2fopen",
        "open%2f..%2Fadmin",
        "..%2fadmin",
        "%2e%2e%2fadmin",
        "%5c",
        "admin;a",
        "admin%00",
        "admin%20",
        "admin.",
        "admin%2f",
        "%2561dmin",
        "%252e%252e",
        "open%2f%2e%2e",
        "%c0%af",
        "admin%3f",
        "admin%23",
        "*",
        "%2a",
        "x%2fadmin",
        "%",
    ]);
    let slash = prop::sample::select(vec!["/", "/", "/", "//", "/./"]);
    prop::collection::vec((slash, piece), 1..6)
        .prop_map(|pieces| pieces.into_iter().map(|(slash, piece)| format!("{slash}{piece}")).collect())
}

/// The segments of a path as a backend may read it: decoded once, then resolved as browsers do.
fn segments(path: &str) -> Vec<String> {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut segments: Vec<String> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

/// Which method's integration was reached, and the path that its backend got.
fn reached(exchanged: &Exchanged) -> Option<(String, String)> {
    exchanged.call?;
    let line = exchanged.sent.lines().next().unwrap_or_default();
    let path = line.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let route = exchanged.sent.lines().find_map(|line| line.strip_prefix("X-Route: ")).unwrap_or_default();
    Some((route.to_owned(), path.to_owned()))
}

fn is_of(segments: &[String], name: &str) -> bool {
    segments.first().is_some_and(|first| first == name)
}

/// Looks at what random paths reach in an API with these statements.
fn explore(statements: &str, look: impl Fn(&str, &Exchanged, &str, &str) -> Result<(), TestCaseError>) {
    let gateway = RefCell::new(gateway(statements));
    let config = ProptestConfig { cases: 8_000, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&path(), |path| {
        let exchanged = gateway.borrow_mut().exchange(&get(&format!("/prod{path}"), ""), OK);
        match reached(&exchanged) {
            Some((route, sent)) => look(&path, &exchanged, &route, &sent),
            None => Ok(()),
        }
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn nothing_gets_to_what_is_denied() {
    explore(ALL_BUT_ADMIN, |path, exchanged, route, sent| {
        prop_assert!(!route.starts_with("/admin"), "{}: {}", path, exchanged.sent);
        prop_assert!(!is_of(&segments(sent), "admin"), "{}: {}", path, exchanged.sent);
        prop_assert!(!is_of(&segments(path), "admin"), "{}: {}", path, exchanged.sent);
        Ok(())
    });
}

#[test]
fn nothing_gets_out_of_what_is_allowed() {
    explore(OPEN_ALONE, |path, exchanged, route, sent| {
        prop_assert!(!route.starts_with("/admin"), "{}: {}", path, exchanged.sent);
        let is_open = route.starts_with("/open") || is_of(&segments(sent), "open");
        prop_assert!(is_open, "{}: {}", path, exchanged.sent);
        prop_assert!(is_of(&segments(path), "open"), "{}: {}", path, exchanged.sent);
        Ok(())
    });
}

/// What is allowed is reached, however it is spelt, so that the properties are about something.
#[test]
fn what_is_allowed_is_reached() {
    for (path, route) in
        [("/open", "/open"), ("//open/", "/open"), ("/open/admin", "/open/{id}"), ("/open/7/a", "/{proxy+}")]
    {
        for statements in [ALL_BUT_ADMIN, OPEN_ALONE] {
            let exchanged = gateway(statements).exchange(&get(&format!("/prod{path}"), ""), OK);
            assert_eq!(
                reached(&exchanged).map(|(route, _)| route).as_deref(),
                Some(route),
                "{path}: {}",
                exchanged.denial
            );
        }
    }
    let exchanged = gateway(ALL_BUT_ADMIN).exchange(&get("/prod/%6Fpen", ""), OK);
    assert_eq!(reached(&exchanged).map(|(route, _)| route).as_deref(), Some("/open"), "{}", exchanged.denial);
    for path in ["/admin", "/admin/7", "/a", "/open/../admin", "/open%2f..%2fadmin/7"] {
        let exchanged = gateway(OPEN_ALONE).exchange(&get(&format!("/prod{path}"), ""), OK);
        assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{path}: {}", exchanged.answered);
        assert!(exchanged.denial.contains("of the resource policy allows"), "{path}: {}", exchanged.denial);
    }
}
