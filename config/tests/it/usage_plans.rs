//! `[[api_key]]`, `[[usage_plan]]` and methods that need a key.

use tidegate_config::routes_table;
use tidegate_core::limit::StageId;

use crate::{Folder, MOCK, TOML, describe, file_findings};

const VALUE: &str = "0123456789abcdefghij";
const PLAN: &str =
    "[[usage_plan]]\nname = \"basic\"\nkeys = [\"alice\"]\nstage = [{ api = \"a\", stage = \"prod\" }]\n";

/// A document whose only method needs a key.
fn keyed() -> String {
    let scheme = "components: { securitySchemes: { key: { type: apiKey, name: X-Api-Key, in: header } } }";
    format!("{}{scheme}", MOCK.replace("    get:\n", "    get:\n      security: [{ key: [] }]\n"))
}

fn key(name: &str, value: &str) -> String {
    format!("[[api_key]]\nname = \"{name}\"\n{value}\n")
}

fn folder(more: &str) -> Folder {
    let toml = format!("{TOML}{more}");
    Folder::new(&[("tidegate.toml", &toml), ("api.yaml", &keyed()), ("key", &format!("{VALUE}\r\n"))])
}

#[test]
fn a_value_stands_here_or_in_a_file() {
    for text in [format!("value = \"{VALUE}\""), "value_file = \"key\"".to_owned()] {
        let loaded = folder(&format!("{}{PLAN}", key("alice", &text))).load();
        let loaded = loaded.unwrap_or_else(|findings| panic!("{text}: {findings}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        let caller = loaded.plan.usage_plans.caller(VALUE.as_bytes(), StageId { api: 0, stage: 0 });
        assert!(caller.is_some(), "{text}");
        assert!(loaded.plan.apis[0].api_key_required[0]);
        let table = routes_table(&loaded);
        assert!(table.contains("API_KEY") && !table.contains(VALUE), "{table}");
        assert!(!format!("{:?}", loaded.plan).contains(VALUE));
    }
}

/// The one finding about a key, which never shows its value.
#[track_caller]
fn check(key_lines: &str, want: &str) {
    let text = file_findings(&format!("{TOML}[[api_key]]\n{key_lines}"));
    assert_eq!(text, want);
}

#[test]
fn what_is_wrong_with_keys() {
    check(&format!("value = \"{VALUE}\""), "10:1: error: `name` is missing");
    check("name = \"a\"", "10:1: error: `value` is missing | or `value_file`, or `value_env`");
    check(
        &format!("name = \"a\"\nvalue = \"{VALUE}\"\nvalue_env = \"X\""),
        "13:1: error: only one of `value`, `value_file` and `value_env` may stand",
    );
    check("name = \"a\"\nvalue = \"short\"", "12:1: error: API Key value should be at least 20 characters");
    check(
        &format!("name = \"a\"\nvalue = \"{}\"", "x".repeat(129)),
        "12:1: error: API Key value exceeds maximum size of 128 characters",
    );
    check(
        "name = \"a\"\nvalue = \"0123456789 0123456789\"",
        "12:1: error: the value of an API key has visible ASCII characters only: it is sent in a header field",
    );
    check(
        "name = \"a\"\nvalue_env = \"TIDEGATE_NO_SUCH\"",
        "12:13: error: the environment variable `TIDEGATE_NO_SUCH`: environment variable not found",
    );
    check(
        &format!("name = \"\"\nvalue = \"{VALUE}\""),
        "11:8: error: the name of an API key has 1 to 1024 characters, none of them a control",
    );
    let two = |name: &str| format!("name = \"a\"\nvalue = \"{VALUE}\"\n[[api_key]]\nname = \"{name}\"\n");
    check(&format!("{}value = \"{VALUE}\"", two("b")), "15:1: error: the API key `a` has the same value");
    check(&format!("{}value = \"{VALUE}x\"", two("a")), "14:8: error: the API key `a` stands twice");
}

#[test]
fn findings_do_not_show_values() {
    for lines in [
        "name = \"a\"\nvalue = \"sesame\"",
        "name = \"a\"\nvalue = \"sesame-0123456789-0123456789\"\nvalue_env = \"X\"",
        "name = \"a\"\nvalue = [\"sesame\"]",
        "name = \"a\"\nvalu = \"sesame-0123456789-0123456789\"",
    ] {
        let folder =
            Folder::new(&[("tidegate.toml", &format!("{TOML}[[api_key]]\n{lines}")), ("api.yaml", MOCK)]);
        let findings = folder.load().expect_err("an error");
        let rendered = findings.render(false);
        assert!(!rendered.contains("sesame"), "{rendered}");
    }
}

/// A table instead of a list of tables.
#[test]
fn a_finding_about_the_section_does_not_show_the_value() {
    let toml = TOML.replacen("[[api]]", "api_key = { name = \"a\", value = \"sesame\" }\n[[api]]", 1);
    let toml = toml.replacen("[[listener]]\naddress = \"127.0.0.1:0\"", "", 1);
    let folder = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", MOCK)]);
    let findings = folder.load().expect_err("an error");
    let rendered = findings.render(false);
    assert!(rendered.contains("expected a list, not a map") && !rendered.contains("sesame"), "{rendered}");
}

#[track_caller]
fn check_plans(more: &str, want: &str) {
    let folder = folder(&format!("{}{more}", key("alice", &format!("value = \"{VALUE}\""))));
    let loaded = folder.load();
    assert_eq!(describe(&folder, loaded, "tidegate.toml:"), want);
}

#[test]
fn what_is_wrong_with_plans() {
    let no_plan = "7:1: warning: no usage plan has the stage `prod`: methods that need an API key answer 403 | add \
                   [[usage_plan]] with keys = [\"…\"] and [[usage_plan.stage]]";
    check_plans("", no_plan);
    check_plans(
        "[[usage_plan]]\nname = \"basic\"",
        &format!(
            "{no_plan}\n13:1: warning: the usage plan has no stage, so its keys are good nowhere | add \
             [[usage_plan.stage]] with api = \"…\" and stage = \"…\" below it"
        ),
    );
    check_plans(PLAN, "");
    check_plans(
        &PLAN.replace("\"alice\"", "\"alicia\""),
        "15:9: error: unknown API key `alicia` | did you mean `alice`?",
    );
    check_plans(
        &PLAN.replace("\"alice\"", "\"alice\", \"alice\""),
        "15:18: error: the usage plan has the API key `alice` already",
    );
    check_plans(
        &PLAN.replace("\"prod\"", "\"prd\""),
        &format!(
            "{no_plan}\n13:1: warning: the usage plan has no stage, so its keys are good nowhere | add [[usage_plan.stage]] with api = \"…\" and stage = \"…\" below it\n16:31: error: unknown stage `prd` | did you mean `prod`?"
        ),
    );
    let second = PLAN.replace("basic", "gold");
    check_plans(
        &format!("{PLAN}{second}"),
        "19:9: error: the API key `alice` is in the usage plan `basic` for the same stage | a key can be in several plans, \
         but in one for each stage",
    );
    check_plans(
        &format!("{PLAN}{PLAN}").replacen("keys = [\"alice\"]", "keys = []", 1),
        "18:8: error: the usage plan `basic` stands twice",
    );
}
