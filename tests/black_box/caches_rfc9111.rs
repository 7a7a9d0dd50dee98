//! The running gateway beside http-cache-tests, with everything on that HTTP has for caches.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::document::{Document, http_proxy};
use crate::support::setup::Setup;

/// Everything, as a shared cache; anybody may ask for fresh answers.
const CACHE: &str = "cache = { size = \"16 MiB\", ttl = 3600, origin_freshness = \"HEURISTIC\", vary = true, \
    conditional = true, stale_on_error = 60, callers = \"TOGETHER\", require_authorization_for_cache_control = false }";

/// What is required and not so, and why.
const REQUIRED: &[(&str, &[&str])] = &[
    (
        "RFC 9111 section 5.1, which is younger than the suite: of a list the first member counts, and what is no number is \
         ignored",
        &[
            "age-parse-nonnumeric",
            "age-parse-negative",
            "age-parse-float",
            "age-parse-prefix-twoline",
            "age-parse-dup-0",
            "age-parse-dup-0-twoline",
            "age-parse-dup-old",
            "age-parse-parameter",
            "age-parse-numeric-parameter",
        ],
    ),
    (
        "the cache does not validate",
        &["conditional-etag-vary-headers", "304-lm-use-stored-Test-Header", "cc-resp-must-revalidate-stale"],
    ),
    (
        "it is our own 504, which has no field of the origin's; core/tests/exchange/caching_stale.rs has these",
        &[
            "stale-close-must-revalidate",
            "stale-close-proxy-revalidate",
            "stale-close-no-cache",
            "stale-close-s-maxage=2",
        ],
    ),
    (
        "RFC 9111 section 4.4: other URIs may be put out, and once had to be",
        &[
            "invalidate-POST-location",
            "invalidate-PUT-location",
            "invalidate-DELETE-location",
            "invalidate-M-SEARCH-location",
            "invalidate-POST-cl",
            "invalidate-PUT-cl",
            "invalidate-DELETE-cl",
        ],
    ),
    ("API Gateway has no such method", &["invalidate-M-SEARCH", "invalidate-M-SEARCH-cl"]),
    ("the origin's framing is broken", &["headers-store-Transfer-Encoding"]),
    ("API Gateway writes the date of each answer itself", &["other-date-update"]),
];

/// What the suite calls optimal and is not so, and why.
const OPTIMAL: &[(&str, &[&str])] = &[
    (
        "the cache does not validate",
        &[
            "conditional-etag-strong-generate",
            "conditional-etag-weak-generate-weak",
            "cc-resp-no-cache-revalidate",
            "cc-resp-no-cache-revalidate-fresh",
        ],
    ),
    ("an answer without Last-Modified is not compared with a date", &["conditional-lm-fresh-no-lm"]),
    (
        "fields are compared as they are",
        &[
            "vary-normalise-lang-order",
            "vary-normalise-lang-case",
            "vary-normalise-lang-space",
            "vary-normalise-lang-select",
            "vary-normalise-space",
        ],
    ),
    (
        "parts of answers are neither kept nor made",
        &[
            "partial-store-partial-reuse-partial",
            "partial-store-complete-reuse-partial",
            "partial-store-complete-reuse-partial-no-last",
            "partial-store-complete-reuse-partial-suffix",
            "partial-store-partial-reuse-partial-byterange",
            "partial-store-partial-reuse-partial-absent",
            "partial-store-partial-reuse-partial-suffix",
            "partial-store-partial-complete",
        ],
    ),
    (
        "who shows credentials shares with others who do, and nobody else",
        &["other-authorization-public", "other-authorization-must-revalidate", "other-authorization-smaxage"],
    ),
    ("methods have answers of their own", &["method-POST"]),
];

/// The suite, running.
struct Suite(Child);

impl Drop for Suite {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Suite {
    fn start() -> (Self, BufReader<std::process::ChildStdout>) {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new("node")
            .arg("--no-warnings")
            .arg(format!("{root}/tests/black_box/http_cache_driver.mjs"))
            .arg(format!("{root}/.venv/http-cache-tests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}; .ci/run installs it"));
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        (Self(child), lines)
    }
}

/// What came of one test.
struct Outcome {
    kind: String,
    needs: Vec<String>,
    failure: Option<String>,
}

fn outcome(line: &str) -> (String, Outcome) {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let needs = line["needs"].as_array().expect("a list").iter().map(text).collect();
    let failure = (line["result"] != true).then(|| line["result"].to_string());
    (text(&line["id"]), Outcome { kind: text(&line["kind"]), needs, failure })
}

fn run() -> BTreeMap<String, Outcome> {
    let (mut suite, mut lines) = Suite::start();
    let mut port = String::new();
    lines.read_line(&mut port).expect("a port");
    let port: u16 =
        port.trim().parse().unwrap_or_else(|error| panic!("{error}: {port:?}; .ci/run installs it"));
    let pass = |method: &str, path: &str| {
        let mut integration = http_proxy(method, format!("http://127.0.0.1:{port}/{path}"));
        integration["requestParameters"] = json!({"integration.request.path.rest": "method.request.path.rest",
            "integration.request.querystring.test": "method.request.querystring.test"});
        integration["cacheKeyParameters"] =
            json!(["method.request.path.rest", "method.request.querystring.test"]);
        integration
    };
    let document = Document::new()
        .method("GET", "/test/{rest+}", pass("GET", "test/{rest}"))
        .method("ANY", "/test/{rest+}", pass("ANY", "test/{rest}"))
        .method("ANY", "/{rest+}", pass("ANY", "{rest}"));
    let gateway = Setup::new(&document).stage(CACHE).start();
    let orders = suite.0.stdin.as_mut().expect("piped");
    writeln!(orders, "http://{}/test", gateway.address).expect("it reads");
    lines.lines().map(|line| outcome(&line.expect("a line"))).collect()
}

/// Those of a kind that failed, and do not need one that failed.
fn failures<'o>(outcomes: &'o BTreeMap<String, Outcome>, kind: &str) -> BTreeMap<&'o str, &'o str> {
    let has_failed = |id: &String| outcomes.get(id).is_some_and(|outcome| outcome.failure.is_some());
    let of_kind =
        outcomes.iter().filter(|(_, outcome)| outcome.kind == kind && !outcome.needs.iter().any(has_failed));
    of_kind.filter_map(|(id, outcome)| Some((id.as_str(), outcome.failure.as_deref()?))).collect()
}

#[test]
fn http_cache_tests() {
    let outcomes = run();
    assert!(outcomes.len() > 300, "{} tests", outcomes.len());
    for (kind, known) in [("required", REQUIRED), ("optimal", OPTIMAL)] {
        let failures = failures(&outcomes, kind);
        let known: Vec<&str> = known.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let new: Vec<_> = failures.iter().filter(|(id, _)| !known.contains(id)).collect();
        let gone: Vec<_> = known.iter().filter(|id| !failures.contains_key(*id)).collect();
        assert!(new.is_empty() && gone.is_empty(), "{kind}: failed {new:#?}, passed {gone:?}");
    }
}
