//! Canary releases: who gets which deployment, and what of the stage both have in common.

use serde_json::{Value, json};

use crate::carrier::{Gateway, Origin};
use crate::plan::Settings;

/// What the stage has deployed.
pub(crate) const PRODUCTION: &str = r#"
paths:
  /facts:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses:
          default:
            statusCode: 200
            responseTemplates:
              application/json: 'v1 $context.isCanaryRequest tier=$stageVariables.tier colour=$stageVariables.colour own=$stageVariables.own'
  /old:
    get:
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' },
        responses: { default: { statusCode: 200 } } }
  /kept/{id}:
    get:
      parameters: [{ name: id, in: path }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://${stageVariables.colour}.test/v1/{id}
        requestParameters: { integration.request.path.id: method.request.path.id }
        cacheKeyParameters: [method.request.path.id]
  /keyed:
    get:
      security: [{ key: [] }]
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' },
        responses: { default: { statusCode: 200 } } }
  /function:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
components: { securitySchemes: { key: { type: apiKey, name: x-api-key, in: header } } }
"#;

/// Another version: other answers, a method more and one less, in another order, and errors of its own.
pub(crate) fn changed() -> String {
    let added = "paths:\n  /added:\n    get:\n      x-amazon-apigateway-integration: { type: mock, \
                 requestTemplates: { application/json: '{\"statusCode\": 200}' }, responses: { default: { statusCode: 200 } } }\n";
    let errors =
        "x-amazon-apigateway-gateway-responses:\n  MISSING_AUTHENTICATION_TOKEN: { statusCode: 404 }\n";
    PRODUCTION.replacen("paths:\n", added, 1).replace("  /old:\n", "  /new:\n").replace("v1", "v2") + errors
}

/// Random bits of a request that half of all go with to the canary, and of one that half go with to production.
pub(crate) const TO_CANARY: [u64; 4] = [0, 2, 0, 4];
pub(crate) const TO_PRODUCTION: [u64; 4] = [1, 2, 0, 4];

pub(crate) fn get(path: &str) -> String {
    format!("GET /prod{path} HTTP/1.1\nHost: a\nx-api-key: alice-0123456789abcdef")
}

fn gateway(stage: &str, canary: &str) -> Gateway {
    let format =
        "$context.status $context.isCanaryRequest $context.deploymentId $context.stage $context.requestId";
    Gateway::with(PRODUCTION, format, Settings { stage, canary, ..Settings::default() })
}

/// What follows the head.
fn content(answered: &str) -> &str {
    answered.split_once("\r\n\r\n").map_or("", |(_, content)| content)
}

/// Recording 90, at 0 and at 100 %.
#[track_caller]
fn check_facts(canary: &str, document: &str, want: &str, is_canary: &str) {
    let stage = format!("[api.stage.canary]\n{canary}");
    let mut gateway = gateway(&stage, document);
    let exchanged = gateway.exchange(&get("/facts"), Origin::Uncalled);
    assert_eq!(content(&exchanged.answered), want, "{canary}");
    let logged: Vec<&str> = exchanged.logged.split(' ').collect();
    assert_eq!((logged[0], logged[1], logged[3]), ("200", is_canary, "prod"), "{canary}");
    assert_eq!(logged[2].len(), 6, "{canary}");
}

#[test]
fn deployment_variables_and_context_as_recorded() {
    let v2 = "definition = \"canary.yaml\"\nvariables = { colour = \"green\", own = \"1\" }\n";
    check_facts(
        &format!("percent_traffic = 0\n{v2}"),
        &changed(),
        "v1 false tier=gold colour=blue own=",
        "false",
    );
    check_facts(
        &format!("percent_traffic = 100\n{v2}"),
        &changed(),
        "v2 true tier=gold colour=green own=1",
        "true",
    );
    check_facts("percent_traffic = 100.0", "", "v1 true tier=gold colour=blue own=", "true");
    let same = "percent_traffic = 100\nvariables = { own = \"2\" }";
    check_facts(same, "", "v1 true tier=gold colour=blue own=2", "true");
}

#[test]
fn a_stage_without_canary_knows_nothing_of_it() {
    let mut gateway = gateway("", "");
    let exchanged = gateway.exchange(&get("/facts"), Origin::Uncalled);
    assert_eq!(content(&exchanged.answered), "v1  tier=gold colour=blue own=");
    assert!(exchanged.logged.starts_with("200 - "), "{}", exchanged.logged);
}

const HALF: &str = "[api.stage.canary]\npercent_traffic = 50\ndefinition = \"canary.yaml\"\n";

/// Methods, errors and ids are those of the deployment that the request got.
#[test]
fn each_deployment_is_whole() {
    let mut gateway = gateway(HALF, &changed());
    let mut ids = Vec::new();
    for (entropy, rows) in [
        (TO_PRODUCTION, [("/old", "200"), ("/new", "403"), ("/added", "403")]),
        (TO_CANARY, [("/old", "404"), ("/new", "200"), ("/added", "200")]),
    ] {
        gateway.entropy = entropy;
        for (path, want) in rows {
            let logged = gateway.exchange(&get(path), Origin::Uncalled).logged;
            let fields: Vec<&str> = logged.split(' ').collect();
            assert_eq!(fields[0], want, "{path} {logged}");
            ids.push(fields[2].to_owned());
        }
    }
    assert!(ids[..3].iter().all(|id| *id == ids[0]) && ids[3..].iter().all(|id| *id == ids[3]), "{ids:?}");
    assert_ne!(ids[0], ids[3], "two deployments");
}

#[test]
fn a_function_is_told() {
    let document = changed();
    for (stage, want) in [
        (HALF.replace("50", "0"), json!(false)),
        (HALF.replace("50", "100"), json!(true)),
        (String::new(), Value::Null),
    ] {
        let result = Origin::Function(Ok("{}"));
        let event = gateway(&stage, &document).exchange(&get("/function"), result).sent;
        let event: Value = serde_json::from_str(&event).expect("an event");
        assert_eq!(event["requestContext"]["isCanaryRequest"], want, "{stage}");
    }
}

/// Whom a request goes to is drawn for each, and stays with it.
#[test]
fn each_request_is_drawn() {
    let mut gateway = gateway(&HALF.replace("50", "12.5"), &changed());
    let mut random = 0x9e37_79b9_u64;
    let mut draw = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random ^ random >> 29
    };
    let mut canary = 0;
    for _ in 0..4_000 {
        gateway.entropy = [draw(), draw(), draw(), draw()];
        let exchanged = gateway.exchange(&get("/facts"), Origin::Uncalled);
        let is_canary = exchanged.logged.starts_with("200 true ");
        assert_eq!(content(&exchanged.answered).starts_with("v2 true "), is_canary);
        canary += usize::from(is_canary);
    }
    assert!((400..600).contains(&canary), "{canary} of 4,000 instead of 500");
}

/// Statuses of requests for a path that go by turns to production and canary.
fn by_turns(gateway: &mut Gateway, path: &str, count: usize) -> String {
    let turns = [TO_PRODUCTION, TO_CANARY].into_iter().cycle().take(count);
    let status = |entropy| {
        gateway.entropy = entropy;
        gateway.exchange(&get(path), Origin::Uncalled).logged[..3].to_owned()
    };
    turns.map(status).collect::<Vec<_>>().join(" ")
}

/// Throttles and quotas are the stage's, whatever the deployment: `/keyed` has another position in the two.
#[test]
fn limits_are_shared() {
    let document = changed();
    let with = |stage: &str, usage_plan, usage_plan_stage| {
        let stage = format!("{stage}{HALF}");
        let settings = Settings {
            stage: &stage,
            canary: &document,
            usage_plan,
            usage_plan_stage,
            ..Settings::default()
        };
        Gateway::with(PRODUCTION, "$context.status $context.requestId", settings)
    };
    let throttle = "throttle = { rate = 0.001, burst = 3 }\n";
    assert_eq!(by_turns(&mut with(throttle, "", ""), "/facts", 5), "200 200 200 429 429");
    let method = "method.\"GET /keyed\".throttle = { rate = 0.001, burst = 3 }\n";
    assert_eq!(by_turns(&mut with(method, "", ""), "/keyed", 5), "200 200 200 429 429");
    assert_eq!(by_turns(&mut with("", "", method), "/keyed", 5), "200 200 200 429 429");
    let quota = "quota = { limit = 3, period = \"DAY\" }";
    assert_eq!(by_turns(&mut with("", quota, ""), "/keyed", 5), "200 200 200 429 429");
    // A method that only the canary has.
    let added = "method.\"GET /added\".throttle = { rate = 0.001, burst = 1 }\n";
    assert_eq!(by_turns(&mut with(added, "", added), "/added", 4), "403 200 403 429");
}
