//! `[[api_key_file]]`: keys in AWS's CSV format.

use tidegate_core::limit::StageId;

use crate::{Folder, MOCK, TOML, describe};

const PLANS: &str = "[[usage_plan]]\nname = \"gold\"\nkeys = [\"alice\"]\n[[usage_plan.stage]]\napi = \"a\"\nstage = \"prod\"\n\
                     [[usage_plan]]\nname = \"other\"\n[[usage_plan.stage]]\napi = \"a\"\nstage = \"prod\"\n";
const FILE: &str = "[[api_key_file]]\npath = \"keys.csv\"\n";

fn folder(csv: &str) -> Folder {
    let toml = format!("{TOML}{FILE}{PLANS}");
    Folder::new(&[("tidegate.toml", &toml), ("api.yaml", MOCK), ("keys.csv", csv)])
}

#[test]
fn the_columns_of_aws() {
    let csv = "\u{feff}Name,key,description,Enabled,usageplanIds\r\n\
               alice,apikeyvalue-0000000000000000001,\"first, and foremost\",TRUE,\r\n\
               bob,apikeyvalue-0000000000000000002,,true,\"gold\"\r\n\
               carol,apikeyvalue-0000000000000000003,,FALSE,gold\r\n\
               dave,apikeyvalue-0000000000000000004,,,\"other , \"\r\n";
    let loaded = folder(csv).load().unwrap_or_else(|findings| panic!("{findings}"));
    let plans = &loaded.plan.usage_plans;
    let plan = |last: u32| {
        let value = format!("apikeyvalue-000000000000000000{last}");
        let caller = plans.caller(value.as_bytes(), StageId { api: 0, stage: 0 })?;
        Some(plans.plan_name(caller.plan).to_owned())
    };
    assert_eq!(plan(1).as_deref(), Some("gold"));
    assert_eq!(plan(2).as_deref(), Some("gold"));
    assert_eq!(plan(3), None, "it is disabled");
    assert_eq!(plan(4).as_deref(), Some("other"));
    assert_eq!(plans.accounts().count(), 4);
}

fn findings(csv: &str) -> String {
    let folder = folder(csv);
    let loaded = folder.load();
    describe(&folder, loaded, "tidegate.toml:")
}

#[track_caller]
fn check(csv: &str, want: &[&str]) {
    let text = findings(csv);
    assert!(!text.contains("secretvalue"), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("keys.csv")).collect();
    assert_eq!(lines.len(), want.len(), "{text}");
    for (line, want) in lines.iter().zip(want) {
        assert!(line.starts_with("11:8: error: ") && line.ends_with(want), "{line}");
    }
}

#[test]
fn what_is_wrong_with_files() {
    check("", &["line 1: there is no column `name`"]);
    check("name,description\na,b", &["line 1: there is no column `key`"]);
    check(
        "name,key,enabled\nalice,secretvalue-short,true\n,secretvalue-00000000000000001,true\nb,secretvalue-00000000000000001,maybe\n",
        &[
            "line 2: API Key value should be at least 20 characters",
            "line 3: the name of an API key has 1 to 1024 characters, none of them a control",
            "line 4: `enabled` is TRUE or FALSE",
        ],
    );
    check(
        "name,key\nalice,secretvalue-00000000000000001\nbob,secretvalue-00000000000000001\nalice,secretvalue-00000000000000002\n",
        &["line 3: the API key `alice` has the same value", "line 4: the API key `alice` stands twice"],
    );
    check(
        "name,key\nalice,secretvalue-0000000 000000001",
        &["line 2: the value of an API key has visible ASCII characters only: it is sent in a header field"],
    );
    let many = (0..1000).map(|number| format!("{number},secretvalue\n")).collect::<String>();
    check(&format!("name,key\n{many}"), &["characters"; 20]);
}

#[test]
fn plans_that_are_not_there() {
    let csv = "name,key,usageplanIds\nalice,apikeyvalue-0000000000000000001,glod\n";
    let text = findings(csv);
    assert_eq!(text, "11:8: error: unknown usage plan `glod` | did you mean `gold`?");
}

#[test]
fn a_key_in_two_plans_for_one_stage() {
    let csv = "name,key,usageplanIds\nalice,apikeyvalue-0000000000000000001,other\n";
    let text = findings(csv);
    assert_eq!(
        text,
        "11:8: error: the API key `alice` is in the usage plan `gold` for the same stage | a key can be in several plans, \
         but in one for each stage"
    );
}
