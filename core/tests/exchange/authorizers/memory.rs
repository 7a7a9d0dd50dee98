//! What is remembered of the answers of authorizers, and of whom.

use serde_json::json;

use super::{DENIED, DENIED_BY, allow, check_denied, document, gateway, policy, with_token};
use crate::carrier::{Function, Gateway, ID, Origin};
use crate::wire::{get, served};

#[test]
fn an_answer_is_remembered_and_judged_anew_for_each_method() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("GET/pets/*"));
    served(&mut gateway, &with_token("/prod/pets/7"));
    let again = served(&mut gateway, &with_token("/prod/pets/8"));
    assert_eq!(again.logged, format!("{ID} 200 user-1 gold 200 - 0 - 200\n"));
    let denied = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    check_denied(&denied, DENIED, "no statement of the policy that the authorizer gave allows");
    let denied = gateway.exchange(&with_token("/prod/pets/8").replace("GET", "PUT"), Origin::Uncalled);
    check_denied(&denied, DENIED, "no statement of the policy that the authorizer gave allows");
    assert_eq!(gateway.asked.len(), 1);
    gateway.authorizers.push_back(Function::Answers(policy("Deny", "*")));
    let other = with_token("/prod/pets/7").replace("abc", "abd");
    gateway.exchange(&other, Origin::Uncalled);
    check_denied(
        &gateway.exchange(&other, Origin::Uncalled),
        DENIED_BY,
        "statement 1 (One) of the policy that the authorizer gave denies",
    );
    assert_eq!(gateway.asked.len(), 2, "another token, and its denial is remembered, too");
}

#[test]
fn an_answer_is_forgotten_in_time() {
    let mut gateway = gateway();
    let request = get("/prod/all?who=me", "X-Who: me\n");
    gateway.authorizers.extend([allow("*"), allow("*")]);
    served(&mut gateway, &request);
    gateway.wait(9_900);
    served(&mut gateway, &request);
    assert_eq!(gateway.asked.len(), 1);
    gateway.wait(200);
    served(&mut gateway, &request);
    assert_eq!(gateway.asked.len(), 2);
    for other in [
        get("/prod/all?who=me2", "X-Who: me\n"),
        get("/prod/all?who=me", "X-Who: me2\n"),
        get("/prod/all?who=e", "X-Who: mem\n"),
    ] {
        gateway.authorizers.push_back(allow("*"));
        served(&mut gateway, &other);
    }
    assert_eq!(gateway.asked.len(), 5, "each identity source counts");
    for _ in 0..2 {
        gateway.authorizers.push_back(allow("*"));
        served(&mut gateway, &get("/prod/fresh", ""));
    }
    assert_eq!(gateway.asked.len(), 7, "nothing is remembered without time to live");
}

#[test]
fn failures_are_not_remembered() {
    let mut gateway = gateway();
    let unauthorized = r#"{"errorMessage":"Unauthorized"}"#.to_owned();
    gateway.authorizers.extend([
        Function::Fails(unauthorized),
        Function::Answers("{}".to_owned()),
        allow("*"),
    ]);
    gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    served(&mut gateway, &with_token("/prod/admin"));
    assert_eq!(gateway.asked.len(), 3);
}

#[test]
fn authorizers_do_not_share_what_they_remember() {
    let mut gateway = Gateway::new(&document("").replace(
        "identitySource: method.request.header.X-Who, method.request.querystring.who, stageVariables.tier, context.identity.sourceIp",
        "identitySource: method.request.header.Authorization",
    ));
    gateway.authorizers.extend([allow("*"), allow("*")]);
    served(&mut gateway, &with_token("/prod/admin"));
    served(&mut gateway, &with_token("/prod/all"));
    assert_eq!(gateway.asked.len(), 2);
}

#[test]
fn a_remembered_policy_cannot_be_tricked_by_spelling() {
    let rules = json!({
        "principalId": "user-1",
        "policyDocument": { "Version": "2012-10-17", "Statement": [
            { "Action": "*", "Effect": "Allow", "Resource": "*" },
            { "Action": "*", "Effect": "Deny", "Resource": "arn:aws:execute-api:*:*:api/prod/*/pets/secret" },
        ] },
    });
    let mut gateway = gateway();
    gateway.authorizers.push_back(Function::Answers(rules.to_string()));
    served(&mut gateway, &with_token("/prod/pets/7"));
    for path in [
        "/pets/secret",
        "/pets/secret/",
        "//pets/secret",
        "/pets/%73ecret",
        "/pets/secre%74",
        "/pets/%2e%2fsecret",
        "/pets/x%2f..%2fsecret",
        "/pets/secret%2f",
        "/pets/secret%2F%2e",
        "/pets/.%2Fsecret",
        "/pets/%2Fsecret",
    ] {
        let exchanged = gateway.exchange(&with_token(&format!("/prod{path}")), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{path}: {}", exchanged.answered);
    }
    assert_eq!(gateway.asked.len(), 1);
}
