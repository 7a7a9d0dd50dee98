//! What functions of authorizers answer: it is read or it is not, without panic, and a policy that comes so is the one that
//! configuration would have made of it, or is refused by both.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tidegate_config::policy_document;
use tidegate_core::auth::authorizer::Grant;
use tidegate_core::auth::policy::OwnArn;

fuzz_target!(|input: &[u8]| {
    let own = OwnArn { region: "us-east-1", account: "123456789012" };
    let Ok(grant) = Grant::read(input, own) else { return };
    for (name, value) in grant.values() {
        assert_eq!(grant.value(name), Some(value));
    }
    let answer: Value = serde_json::from_slice(input).expect("JSON");
    let document = answer["policyDocument"].to_string();
    // Configuration is read as YAML, which has some words of its own for numbers and truths.
    if let Ok(policy) = policy_document(&document, own, None) {
        assert_eq!(policy.statements.len(), grant.policy.statements.len());
    }
});
