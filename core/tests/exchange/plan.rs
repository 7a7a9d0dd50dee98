//! Plans from documents, with an API key. Nothing here knows an exchange; `../allocations.rs` and the bench use it too.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_core::plan::Plan;

/// The callers that may sign, and what they may do.
const PRINCIPALS: &str = r#"
[[principal]]
access_key_id = "AKIDALICEALICEALICE"
secret_access_key = "alice-secret-alice-secret-alice"
arn = "arn:aws:iam::123456789012:user/alice"
user_id = "AIDAALICE"
policy = "alice.json"
organization = { id = "o-1" }
[[principal]]
access_key_id = "AKIDBOBBOBBOBBOBBOB"
secret_access_key = "bob-secret-bob-secret-bob-secret"
arn = "arn:aws:iam::123456789012:user/bob"
policy = "bob.json"
[[principal]]
access_key_id = "AKIDOTHEROTHEROTHER"
secret_access_key = "other-secret-other-secret-other"
arn = "arn:aws:iam::210987654321:user/carol"
policy = "alice.json"
[[principal]]
access_key_id = "AKIDOPERATOROPERATOR"
secret_access_key = "operator-secret-operator-secret"
arn = "arn:aws:iam::123456789012:user/operator"
policy = "operator.json"
[[principal]]
access_key_id = "ASIASESSIONSESSION"
secret_access_key = "session-secret-session-secret"
arn = "arn:aws:sts::123456789012:assumed-role/ci/job-7"
user_id = "AROACI:job-7"
policy = "alice.json"
session = { token = "session-token", expires = "1994-11-06T09:00:00Z" }
[[principal]]
access_key_id = "ASIAEXPIREDEXPIRED"
secret_access_key = "expired-secret-expired-secret"
arn = "arn:aws:sts::123456789012:assumed-role/ci/job-8"
policy = "alice.json"
session = { token = "expired-token", expires = "1994-11-06T08:49:37Z" }
"#;

/// Everything of the API.
const ALICE_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:api/*"}}"#;

/// Everything of the API, and of its cache.
const OPERATOR_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Action": "execute-api:*", "Resource": "arn:aws:execute-api:*:*:api/*"}}"#;

/// Only pets, and never number 13.
const BOB_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/pets/*"},
    {"Sid": "Thirteen", "Effect": "Deny", "Action": "*", "Resource": "arn:aws:execute-api:us-east-1:123456789012:api/prod/*/13"}]}"#;
/// More lines of `tidegate.toml`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Settings<'a> {
    pub(crate) node: &'a str,
    pub(crate) limits: &'a str,
    pub(crate) listener: &'a str,
    pub(crate) stage: &'a str,
    pub(crate) usage_plan: &'a str,
    pub(crate) usage_plan_stage: &'a str,
    pub(crate) api: &'a str,
    /// What stands in `canary.yaml`, from `paths:` on.
    pub(crate) canary: &'a str,
    /// Further sections.
    pub(crate) more: &'a str,
}

/// The plan of an OpenAPI document, given from `paths:` on, as API `api` in the stage `prod`. The key
/// `alice-0123456789abcdef` is good there.
#[track_caller]
pub(crate) fn plan(document: &str, log_format: &str, settings: Settings<'_>) -> Plan {
    let Settings { node, limits, listener, stage, usage_plan, usage_plan_stage, api, canary, more } =
        settings;
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("exchange-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let toml = format!(
        "[node]\n{node}\n[limits]\n{limits}\n[[listener]]\naddress = \"127.0.0.1:0\"\n{listener}\n[[api]]\nid = \"api\"\ndefinition = \"api.yaml\"\n{api}\n\
         [[api.stage]]\nname = \"prod\"\nvariables = {{ tier = \"gold\", colour = \"blue\" }}\n\
         access_log = {{ format = '''{log_format}''' }}\n{stage}\n\
         [[domain]]\nname = \"mapped.test\"\nmapping = [{{ path = \"v1\", api = \"api\", stage = \"prod\" }}]\n\
         [[function]]\nname = \"pets\"\ncommand = [\"pets\"]\n[[function]]\nname = \"pets:blue\"\ncommand = [\"pets\"]\n\
         [[api_key]]\nname = \"alice\"\nvalue = \"alice-0123456789abcdef\"\n\
         [[api_key]]\nname = \"bob\"\nvalue = \"bob-0123456789abcdefgh\"\nenabled = false\n\
         [[usage_plan]]\nname = \"basic\"\nkeys = [\"alice\", \"bob\"]\n\
         {usage_plan}\n[[usage_plan.stage]]\napi = \"api\"\nstage = \"prod\"\n\
         {usage_plan_stage}\n{PRINCIPALS}{more}"
    );
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("tidegate.toml"), toml).expect("a file");
    std::fs::write(folder.join("alice.json"), ALICE_POLICY).expect("a file");
    std::fs::write(folder.join("operator.json"), OPERATOR_POLICY).expect("a file");
    std::fs::write(folder.join("deny.json"), ALICE_POLICY.replace("Allow", "Deny")).expect("a file");
    std::fs::write(folder.join("bob.json"), BOB_POLICY).expect("a file");
    std::fs::write(folder.join("api.yaml"), format!("openapi: 3.0.1\n{document}")).expect("a file");
    if !canary.is_empty() {
        std::fs::write(folder.join("canary.yaml"), format!("openapi: 3.0.1\n{canary}")).expect("a file");
    }
    let loaded = tidegate_config::load(&folder.join("tidegate.toml"), "host");
    std::fs::remove_dir_all(&folder).expect("removed");
    loaded.unwrap_or_else(|findings| panic!("{findings}")).plan
}
