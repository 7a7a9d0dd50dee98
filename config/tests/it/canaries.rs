//! Canaries of stages in `tidegate.toml`: what is wrong with them, and what becomes of them in a plan.

use tidegate_config::routes_table;
use tidegate_core::plan::LogDestination;
use tidegate_core::release::Release;

use crate::{Folder, MOCK, TOML, describe, file_findings};

#[track_caller]
fn check_file(canary: &str, want: &str) {
    assert_eq!(file_findings(&format!("{TOML}{canary}\n")), want, "{canary}");
}

#[test]
fn what_is_wrong_with_settings() {
    check_file("canary = 5", "10:10: error: `canary` must be a map of keys, not a number");
    check_file("canary = {}", "10:10: error: `percent_traffic` is missing");
    check_file("canary = { percent_traffic = 100.1 }", "10:30: error: expected a number from 0 to 100");
    check_file("canary = { percent_traffic = -1 }", "10:30: error: expected a number from 0 to 100");
    check_file("canary = { percent_traffic = \"some\" }", "10:30: error: expected a number from 0 to 100");
    check_file("canary = { percent_traffic = nan }", "10:30: error: expected a number from 0 to 100");
    check_file(
        "canary = { percent_traffic = 5, percent_trafic = 5 }",
        "10:33: error: unknown key `percent_trafic` | did you mean `percent_traffic`?",
    );
    check_file(
        "canary = { percent_traffic = 5, use_stage_cache = 1 }",
        "10:51: error: expected true or false, not a number",
    );
    check_file(
        "canary = { percent_traffic = 5, variables = { \"a-b\" = \"1\" } }",
        "10:47: error: the name of a stage variable has 1 to 64 of the characters A-Z a-z 0-9 _",
    );
    check_file(
        "canary = { percent_traffic = 5, definition = 1 }",
        "10:46: error: expected a text, not a number",
    );
    check_file("canary = { percent_traffic = 0.5 }", "");
}

#[test]
fn what_the_stage_has_to_have() {
    check_file(
        "canary = { percent_traffic = 5, use_stage_cache = true }",
        "10:10: warning: `use_stage_cache` has no effect: the stage has no cache",
    );
    check_file(
        "cache = { size = \"1 MiB\" }\ncanary = { percent_traffic = 5, use_stage_cache = true, variables = { a = \"1\" } }",
        "11:10: warning: the stage and its canary give each other's answers from the cache, whatever `variables` says \
         | as with AWS, since both are the same deployment; leave out use_stage_cache, or give the canary another definition",
    );
    // Settings of methods that the stage has nothing for are reported once, of the stage.
    check_file(
        "method.\"GET /\".cache = { ttl = 1 }\ncanary = { percent_traffic = 5 }",
        "10:16: error: the stage has no cache | give it one: cache = { size = \"64 MiB\" } in [[api.stage]]",
    );
}

const CHANGED: &str = r#"
openapi: 3.0.1
paths:
  /new:
    get:
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://${stageVariables.host}/
  /:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 201}' }
        responses: { default: { statusCode: 201 } }
"#;

const APART: &str =
    "canary = { percent_traffic = 12.5, definition = \"canary.yaml\", use_stage_cache = true }\n";

fn folder(stage: &str, canary: &str) -> Folder {
    Folder::new(&[("tidegate.toml", &format!("{TOML}{stage}")), ("api.yaml", MOCK), ("canary.yaml", canary)])
}

#[track_caller]
fn check(stage: &str, canary: &str, file: &str, want: &str) {
    let folder = folder(stage, canary);
    assert_eq!(describe(&folder, folder.load(), file), want, "{stage}");
}

#[test]
fn what_is_wrong_with_definitions() {
    let cache = format!("cache = {{ size = \"1 MiB\" }}\n{APART}");
    check(&cache, CHANGED, "tidegate.toml:", "");
    let missing = APART.replace("canary.yaml", "gone.yaml");
    let unreadable = folder(&format!("cache = {{ size = \"1 MiB\" }}\n{missing}"), CHANGED);
    let findings = describe(&unreadable, unreadable.load(), "tidegate.toml:");
    assert!(
        findings.starts_with("11:49: error: cannot read ") && findings.contains("gone.yaml"),
        "{findings}"
    );
    // An error in it is shown in its own file.
    let wrong = folder(&cache, &CHANGED.replace("type: mock", "type: mokc"));
    let findings = describe(&wrong, wrong.load(), "canary.yaml:");
    assert!(findings.starts_with("13:15: error: unknown value `mokc`"), "{findings}");
}

/// What does not work in a canary says so.
#[test]
fn warnings_name_the_canary() {
    let stage = "canary = { percent_traffic = 5, definition = \"canary.yaml\", variables = { host = \"a.test:99\" } }\n";
    let folder = folder(stage, CHANGED);
    let text = describe(&folder, folder.load(), "canary.yaml:");
    assert!(
        text.contains(
            "9:14: warning: in the canary of stage `prod` this answers 500 Internal server error: "
        ),
        "{text}"
    );
}

/// A method may be in either deployment, and must be in one of them.
#[test]
fn settings_of_methods() {
    let settings = |method: &str| {
        format!(
            "method.\"{method}\".throttle = {{ rate = 1, burst = 1 }}\ncanary = {{ percent_traffic = 5, definition = \"canary.yaml\" }}\n"
        )
    };
    check(&settings("GET /"), CHANGED, "tidegate.toml:", "");
    check(&settings("GET /new"), CHANGED, "tidegate.toml:", "");
    check(
        &settings("GET /nwe"),
        CHANGED,
        "tidegate.toml:",
        "10:8: error: unknown method `GET /nwe` | did you mean `GET /new`?",
    );
}

#[test]
fn routes_are_shown_of_both() {
    let loaded =
        folder(&format!("cache = {{ size = \"1 MiB\" }}\n{APART}"), CHANGED).load().expect("no errors");
    let want = "\
API a stage prod (REGIONAL)
METHOD  PATH  AUTH  LIMITS  CACHE  INTEGRATION
GET     /     NONE  none    300 s  MOCK 200

API a stage prod canary with 12.5 % of the requests (REGIONAL)
METHOD  PATH  AUTH  LIMITS  CACHE  INTEGRATION
GET     /new  NONE  none    300 s  HTTP_PROXY GET http://a.test:8080/ timeout 29 s
GET     /     NONE  none    300 s  MOCK 201
";
    assert_eq!(routes_table(&loaded), want);
}

/// A deployment is its definition; what is the stage's is the canary's, too.
#[test]
fn a_plan_has_both() {
    let logs = "access_log = { destination = \"a.log\" }\nexecution_log = { destination = \"e\" }\n";
    let stage = format!("{logs}cache = {{ size = \"1 MiB\" }}\n{APART}");
    let folder = folder(&stage, CHANGED);
    let plan = folder.load().expect("no errors").plan;
    let (own, apart) = (&plan.apis[0], &plan.apis[1]);
    assert!(!own.is_canary() && apart.is_canary());
    assert!(own.deployment_id.len() == 6 && apart.deployment_id.len() == 6);
    assert_ne!(own.deployment_id, apart.deployment_id);
    let Release::Production(canary) = own.stages[0].release else { panic!("a canary") };
    assert_eq!((canary.api, canary.stage, canary.share.percent()), (1, 0, 12.5));
    let stage = &apart.stages[0];
    assert_eq!((stage.name.as_str(), stage.release), ("prod", Release::Canary));
    let (kept, of_canary) = (own.stages[0].cache.as_ref().expect("it"), stage.cache.as_ref().expect("it"));
    assert_ne!(kept.id, of_canary.id);
    assert_eq!((kept.bytes, of_canary.bytes), (917_504, 131_072), "an eighth");
    let file = |name: &str| folder.path.join(name).display().to_string();
    let both = |one: &str, other: &str| LogDestination::Files([file(one), file(other)]);
    let log = stage.access_log.as_ref().expect("a log");
    assert_eq!(log.destination, both("a.log", "a.canary.log"));
    let log = stage.execution_log.as_ref().expect("a log");
    assert_eq!(log.destination, both("e", "e.canary"));
    assert_eq!(plan.hosts.find(b"a", None, b"/prod/new").map(|place| (place.api, place.stage)), Some((0, 0)));
}

/// A canary of the stage's own deployment is a stage more of the same API, with the same cache.
#[test]
fn a_canary_of_the_same_deployment() {
    let stage = "cache = { size = \"1 MiB\" }\ncanary = { percent_traffic = 1, use_stage_cache = true, \
                 definition = \"canary.yaml\" }\n";
    let plan = folder(stage, MOCK).load().expect("no errors").plan;
    assert_eq!((plan.apis.len(), plan.apis[0].stages.len()), (1, 2));
    let [production, canary] = &plan.apis[0].stages[..] else { panic!("two") };
    assert_eq!(canary.release, Release::Canary);
    assert_eq!(production.cache.as_ref().expect("it").id, canary.cache.as_ref().expect("it").id);
    assert_eq!(canary.cache.as_ref().expect("it").bytes, 1 << 20);
}
