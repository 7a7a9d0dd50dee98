//! Throttles and quotas: in which order, what the client is told, what is counted. Every request takes 10 ms here.

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin, wire};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /keyed:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' },
        responses: { default: { statusCode: 200 } } }
  /other:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' },
        responses: { default: { statusCode: 200 } } }
  /open:
    get:
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' },
        responses: { default: { statusCode: 200 } } }
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
"#;

const FORMAT: &str = "$context.status $context.error.responseType $context.error.message $context.identity.apiKeyId $context.requestId";

fn request(path: &str) -> String {
    format!("GET /prod{path} HTTP/1.1\nHost: a\nx-api-key: alice-0123456789abcdef")
}

/// The statuses of requests for these paths, one after the other.
#[track_caller]
fn check(settings: Settings<'_>, rows: &[(&str, &str)]) {
    let mut gateway = Gateway::with(DOCUMENT, FORMAT, settings);
    for (row, (path, want)) in rows.iter().enumerate() {
        let exchanged = gateway.exchange(&request(path), Origin::Uncalled);
        let logged = exchanged.logged.trim_end();
        assert!(logged.starts_with(want), "row {row}, {path}: {logged}");
    }
}

const THROTTLED: &str = "429 THROTTLED Too Many Requests";
const EXCEEDED: &str = "429 QUOTA_EXCEEDED Limit Exceeded";

#[test]
fn a_stage_gives_each_method_its_own_throttle() {
    check(
        Settings { stage: "throttle = { rate = 0.001, burst = 2 }", ..Settings::default() },
        &[
            ("/open", "200"),
            ("/open", "200"),
            ("/open", THROTTLED),
            ("/keyed", "200"),
            ("/keyed", "200"),
            ("/keyed", THROTTLED),
            ("/none", "403"),
        ],
    );
}

#[test]
fn a_method_has_its_own_settings() {
    let stage =
        "throttle = { rate = 0.001, burst = 1 }\nmethod.\"GET /open\".throttle = { rate = 0.001, burst = 3 }";
    check(
        Settings { stage, ..Settings::default() },
        &[
            ("/open", "200"),
            ("/open", "200"),
            ("/open", "200"),
            ("/open", THROTTLED),
            ("/other", "200"),
            ("/other", THROTTLED),
        ],
    );
}

#[test]
fn the_account_has_one_for_all() {
    check(
        Settings { node: "throttle = { rate = 0.001, burst = 3 }", ..Settings::default() },
        &[
            ("/open", "200"),
            ("/keyed", "200"),
            ("/other", "200"),
            ("/open", THROTTLED),
            ("/keyed", THROTTLED),
        ],
    );
}

#[test]
fn a_caller_has_one_for_all_methods_and_some_for_each() {
    let usage_plan = "throttle = { rate = 0.001, burst = 3 }";
    let usage_plan_stage = "method.\"GET /keyed\".throttle = { rate = 0.001, burst = 1 }";
    check(
        Settings { usage_plan, usage_plan_stage, ..Settings::default() },
        &[
            ("/keyed", "200 - - alice"),
            // Refused by the method's throttle: nothing is taken from the caller's.
            ("/keyed", THROTTLED),
            ("/keyed", THROTTLED),
            ("/other", "200"),
            ("/other", "200"),
            ("/other", THROTTLED),
            ("/open", "200 - - -"),
        ],
    );
}

#[test]
fn tokens_come_back() {
    check(
        Settings { stage: "throttle = { rate = 101, burst = 1 }", ..Settings::default() },
        &[("/open", "200"), ("/open", "200"), ("/open", "200"), ("/open", "200")],
    );
    check(
        Settings { stage: "throttle = { rate = 51, burst = 1 }", ..Settings::default() },
        &[("/open", "200"), ("/open", THROTTLED), ("/open", "200"), ("/open", THROTTLED)],
    );
}

#[test]
fn zero_lets_nothing_through() {
    check(
        Settings { stage: "method.\"GET /open\".throttle = { rate = 0, burst = 0 }", ..Settings::default() },
        &[("/open", THROTTLED), ("/keyed", "200")],
    );
    check(
        Settings { usage_plan: "quota = { limit = 0, period = \"DAY\" }", ..Settings::default() },
        &[("/keyed", EXCEEDED), ("/open", "200")],
    );
}

#[test]
fn a_quota_is_of_all_methods() {
    check(
        Settings { usage_plan: "quota = { limit = 3, period = \"MONTH\" }", ..Settings::default() },
        &[
            ("/keyed", "200"),
            ("/other", "200"),
            ("/open", "200"),
            ("/keyed", "200"),
            ("/keyed", EXCEEDED),
            ("/other", EXCEEDED),
            ("/open", "200"),
        ],
    );
}

#[test]
fn a_throttled_request_uses_no_quota() {
    let settings = Settings {
        stage: "method.\"GET /keyed\".throttle = { rate = 0.001, burst = 1 }",
        usage_plan: "quota = { limit = 2, period = \"WEEK\" }",
        ..Settings::default()
    };
    check(
        settings,
        &[
            ("/keyed", "200"),
            ("/keyed", THROTTLED),
            ("/keyed", THROTTLED),
            ("/other", "200"),
            ("/other", EXCEEDED),
            // Throttles come first.
            ("/keyed", THROTTLED),
        ],
    );
}

#[track_caller]
fn check_answer(settings: Settings<'_>, error_type: &str, message: &str) {
    let mut gateway = Gateway::with(DOCUMENT, FORMAT, settings);
    let exchanged = gateway.exchange(&request("/keyed"), Origin::Uncalled);
    let body = format!("{{\"message\":\"{message}\"}}");
    let want = wire(&format!(
        "HTTP/1.1 429 Too Many Requests\n{DATE}\nContent-Type: application/json\nContent-Length: {}\n\
         Connection: keep-alive\nx-amzn-RequestId: {ID}\nx-amzn-ErrorType: {error_type}\n\
         x-amz-apigw-id: {EXTENDED_ID}\n\n{body}",
        body.len()
    ));
    assert_eq!(exchanged.answered, want);
}

#[test]
fn answers() {
    let nothing = Settings { usage_plan: "throttle = { rate = 0, burst = 0 }", ..Settings::default() };
    check_answer(nothing, "TooManyRequestsException", "Too Many Requests");
    let nothing = Settings { usage_plan: "quota = { limit = 0, period = \"DAY\" }", ..Settings::default() };
    check_answer(nothing, "LimitExceededException", "Limit Exceeded");
}

/// Fields of the answers to requests for these paths, from `Retry-After` on to `RateLimit`.
#[track_caller]
fn check_fields(settings: Settings<'_>, rows: &[(&str, &str)]) {
    let mut gateway =
        Gateway::with(DOCUMENT, FORMAT, Settings { limits: "rate_limit_fields = true", ..settings });
    for (row, (path, want)) in rows.iter().enumerate() {
        let answered = gateway.exchange(&request(path), Origin::Uncalled).answered;
        let fields = answered.lines().filter(|line| line.starts_with("R"));
        assert_eq!(fields.collect::<Vec<_>>().join(" | "), *want, "row {row}, {path}");
    }
}

#[test]
fn a_caller_can_be_told_where_it_stands() {
    check_fields(
        Settings {
            usage_plan: "throttle = { rate = 0.1, burst = 2 }\nquota = { limit = 50, period = \"DAY\" }",
            ..Settings::default()
        },
        &[
            (
                "/keyed",
                "RateLimit-Policy: \"throttle\";q=2;w=20, \"quota\";q=50;w=86400 | \
                 RateLimit: \"throttle\";r=1;t=10, \"quota\";r=49;t=54623",
            ),
            (
                "/keyed",
                "RateLimit-Policy: \"throttle\";q=2;w=20, \"quota\";q=50;w=86400 | \
                 RateLimit: \"throttle\";r=0;t=20, \"quota\";r=48;t=54623",
            ),
            (
                "/keyed",
                "Retry-After: 10 | RateLimit-Policy: \"throttle\";q=2;w=20, \"quota\";q=50;w=86400 | \
                 RateLimit: \"throttle\";r=0;t=20, \"quota\";r=48;t=54623",
            ),
            ("/open", ""),
            ("/none", ""),
        ],
    );
    check_fields(
        Settings { stage: "throttle = { rate = 0.001, burst = 1 }", ..Settings::default() },
        &[("/open", ""), ("/open", "Retry-After: 1000")],
    );
}
