//! Throttles and quotas in `tidegate.toml`.

use tidegate_config::routes_table;

use crate::{Folder, MOCK, TOML, file_findings};

const KEY: &str = "[[api_key]]\nname = \"alice\"\nvalue = \"0123456789abcdefghij\"\n";
const PLAN: &str = "[[usage_plan]]\nname = \"basic\"\nkeys = [\"alice\"]\n";
const STAGE: &str = "[[usage_plan.stage]]\napi = \"a\"\nstage = \"prod\"\n";

#[track_caller]
fn check_plan(limits: &str, stage: &str, want: &str) {
    let text = file_findings(&format!("{TOML}{KEY}{PLAN}{limits}\n{STAGE}{stage}\n"));
    assert_eq!(text, want, "{limits} {stage}");
}

#[test]
fn what_is_wrong_with_throttles() {
    check_plan("throttle = 5", "", "16:12: error: `throttle` must be a map of keys, not a number");
    check_plan("throttle = { rate = 5 }", "", "16:12: error: `burst` is missing");
    check_plan("throttle = { burst = 5 }", "", "16:12: error: `rate` is missing");
    check_plan(
        "throttle = { rate = -1, burst = 1 }",
        "",
        "16:21: error: expected a number from 0 to 1000000000",
    );
    check_plan(
        "throttle = { rate = nan, burst = 1 }",
        "",
        "16:21: error: expected a number from 0 to 1000000000",
    );
    check_plan(
        "throttle = { rate = 1, burst = 1.5 }",
        "",
        "16:32: error: expected an integer from 0 to 2147483647",
    );
    check_plan(
        "throttle = { rate = 1, bursts = 1 }",
        "",
        "16:12: error: `burst` is missing\n16:24: error: unknown key `bursts` | did you mean `burst`?",
    );
    check_plan(
        "",
        "method.\"GET /pet\".throttle = { rate = 1, burst = 1 }",
        "20:8: error: unknown method `GET /pet` | known here: GET /",
    );
    check_plan(
        "",
        "method.\"POST /\".throttle = { rate = 1, burst = 1 }",
        "20:8: error: unknown method `POST /` | known here: GET /",
    );
}

#[test]
fn what_is_wrong_with_quotas() {
    check_plan("quota = { limit = 1 }", "", "16:9: error: `period` is missing");
    check_plan("quota = { period = \"DAY\" }", "", "16:9: error: `limit` is missing");
    check_plan(
        "quota = { limit = -1, period = \"DAY\" }",
        "",
        "16:19: error: expected an integer from 0 to 4294967295",
    );
    check_plan(
        "quota = { limit = 5, offset = 6, period = \"DAY\" }",
        "",
        "16:31: error: expected an integer from 0 to 5",
    );
    check_plan(
        "quota = { limit = 5, period = \"YEAR\" }",
        "",
        "16:31: error: unknown value `YEAR` | known here: DAY, WEEK, MONTH",
    );
}

#[test]
fn limits_are_compiled() {
    let stage =
        "throttle = { rate = 0.5, burst = 2 }\nmethod.\"GET /\".throttle = { rate = 100, burst = 20 }\n";
    let node = "[node]\nthrottle = { rate = 5000, burst = 1000 }\nstate = \"durable\"\n";
    let plan =
        "throttle = { rate = 10, burst = 5 }\nquota = { limit = 1000, period = \"month\", offset = 10 }\n";
    let method = "[usage_plan.stage.method.\"GET /\"]\nthrottle = { rate = 1, burst = 1 }\n";
    let toml = format!("{TOML}{stage}{node}{KEY}{PLAN}{plan}{STAGE}{method}");
    let loaded = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", MOCK)]).load();
    let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.settings.state.is_absolute() && loaded.settings.state.ends_with("durable"));
    let table = routes_table(&loaded);
    assert!(table.contains("100/s burst 20"), "{table}");
    let plan = &loaded.plan;
    assert_eq!(plan.throttle.map(|(_, rate)| rate.to_string()).as_deref(), Some("5000/s burst 1000"));
    let stage = tidegate_core::limit::StageId { api: 0, stage: 0 };
    let caller = plan.usage_plans.caller(b"0123456789abcdefghij", stage).expect("a caller");
    let rate = plan.usage_plans.throttle(caller).expect("a throttle");
    assert_eq!(rate.to_string(), "10/s burst 5");
    let quota = plan.usage_plans.quota(caller.plan).expect("a quota");
    assert_eq!((quota.limit, quota.offset, quota.period.name()), (1000, 10, "MONTH"));
    let method = plan.usage_plans.method_throttle(caller, tidegate_core::route::RouteId(0));
    assert_eq!(method.map(|(_, rate)| rate.to_string()).as_deref(), Some("1/s burst 1"));
}
