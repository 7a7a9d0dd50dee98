//! Effects, principals, actions, resources and variables.

use tidegate_core::auth::policy::{Action, Decision};

use crate::request::{METHOD, Request, policy, principal};

const ALLOW: Decision = Decision::Allow { statement: 0, itself: true };
const BY_ACCOUNT: Decision = Decision::Allow { statement: 0, itself: false };

#[track_caller]
fn decide(request: &Request, statements: &str) -> Decision {
    request
        .decide(&policy(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#), Some("api1")))
}

fn statement(effect: &str, principal: &str, more: &str) -> String {
    format!(r#"{{"Effect":"{effect}",{principal},"Action":"execute-api:Invoke"{more}}}"#)
}

const ANYONE: &str = r#""Principal":"*""#;
const HERE: &str = r#","Resource":"execute-api:/*""#;
const ELSEWHERE: &str = r#","Resource":"execute-api:/test/*""#;

#[test]
fn a_denial_counts_whatever_else_allows() {
    let (allow, deny) = (statement("Allow", ANYONE, HERE), statement("Deny", ANYONE, HERE));
    let other = statement("Deny", ANYONE, ELSEWHERE);
    let anonymous = Request::anonymous();
    assert_eq!(decide(&anonymous, ""), Decision::Silent);
    assert_eq!(decide(&anonymous, &allow), ALLOW);
    assert_eq!(decide(&anonymous, &deny), Decision::Deny { statement: 0 });
    assert_eq!(decide(&anonymous, &format!("{allow},{deny}")), Decision::Deny { statement: 1 });
    assert_eq!(decide(&anonymous, &format!("{deny},{allow}")), Decision::Deny { statement: 0 });
    assert_eq!(decide(&anonymous, &other), Decision::Silent);
    assert_eq!(
        decide(&anonymous, &format!("{other},{allow}")),
        Decision::Allow { statement: 1, itself: true }
    );
}

#[test]
fn principals() {
    let (anonymous, signed, session) = (Request::anonymous(), Request::signed(), Request::in_session());
    let silent = Decision::Silent;
    for (principal, wants) in [
        (r#""Principal":"*""#, [ALLOW, ALLOW, ALLOW]),
        (r#""Principal":{"AWS":"*"}"#, [ALLOW, ALLOW, ALLOW]),
        (r#""Principal":{"AWS":"123456789012"}"#, [silent, BY_ACCOUNT, BY_ACCOUNT]),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#, [silent, BY_ACCOUNT, BY_ACCOUNT]),
        (r#""Principal":{"AWS":"210987654321"}"#, [silent, silent, silent]),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/team/alice"}"#, [silent, ALLOW, silent]),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/alice"}"#, [silent, silent, silent]),
        (
            r#""Principal":{"AWS":["210987654321","arn:aws:iam::123456789012:role/ci"]}"#,
            [silent, silent, ALLOW],
        ),
        (r#""Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/ci/job-7"}"#, [silent, silent, ALLOW]),
        (
            r#""Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/ci/job-8"}"#,
            [silent, silent, silent],
        ),
        (r#""Principal":{"AWS":"AIDAEXAMPLE"}"#, [silent, ALLOW, silent]),
        (r#""Principal":{"AWS":"AROAEXAMPLE"}"#, [silent, silent, ALLOW]),
        (r#""Principal":{"Service":"apigateway.amazonaws.com"}"#, [silent, silent, silent]),
        (r#""Principal":{"Service":"a.amazonaws.com","AWS":"*"}"#, [ALLOW, ALLOW, ALLOW]),
        (r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/ci"}"#, [ALLOW, ALLOW, silent]),
        (r#""NotPrincipal":{"AWS":"123456789012"}"#, [ALLOW, silent, silent]),
        (r#""NotPrincipal":"*""#, [silent, silent, silent]),
    ] {
        for (request, want) in [&anonymous, &signed, &session].into_iter().zip(wants) {
            assert_eq!(decide(request, &statement("Allow", principal, HERE)), want, "{principal}");
        }
    }
}

#[test]
fn a_statement_about_the_caller_itself_outweighs_one_about_its_account() {
    let account = statement("Allow", r#""Principal":{"AWS":"123456789012"}"#, HERE);
    let user = statement("Allow", r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/team/alice"}"#, HERE);
    let want = Decision::Allow { statement: 1, itself: true };
    assert_eq!(decide(&Request::signed(), &format!("{account},{user}")), want);
    assert_eq!(decide(&Request::signed(), &format!("{user},{account}")), ALLOW);
}

#[test]
fn resources() {
    for (resource, want) in [
        (r#""Resource":"*""#, true),
        (r#""Resource":"execute-api:/prod/GET/pets/7""#, true),
        (r#""Resource":"execute-api:/prod/*/pets/*""#, true),
        (r#""Resource":"execute-api:/prod/GET/pets""#, false),
        (r#""Resource":"execute-api:/prod/GET/pets/77""#, false),
        (r#""Resource":["execute-api:/test/*","execute-api:/prod/*"]"#, true),
        (r#""Resource":"arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/pets/7""#, true),
        (r#""Resource":"arn:aws:execute-api:us-east-1:123456789012:api2/*""#, false),
        (r#""Resource":"arn:aws:execute-api:eu-west-1:123456789012:api1/*""#, false),
        (r#""NotResource":"execute-api:/prod/GET/pets/7""#, false),
        (r#""NotResource":"execute-api:/test/*""#, true),
        (r#""NotResource":["execute-api:/test/*","*"]"#, false),
    ] {
        let decision = decide(&Request::anonymous(), &statement("Allow", ANYONE, &format!(",{resource}")));
        assert_eq!(decision == ALLOW, want, "{resource}");
    }
}

#[test]
fn actions() {
    let request = Request::signed();
    for (action, wants) in [
        (r#""Action":"*""#, [true, true, true]),
        (r#""Action":"execute-api:*""#, [true, true, true]),
        (r#""Action":"execute-api:invoke""#, [true, false, false]),
        (r#""Action":["execute-api:ManageConnections","s3:GetObject"]"#, [false, false, true]),
        (r#""NotAction":"execute-api:Invoke""#, [false, true, true]),
        (r#""NotAction":"s3:*""#, [true, true, true]),
    ] {
        let json = format!(r#"{{"Statement":{{"Effect":"Allow",{action},"Resource":"*"}}}}"#);
        let policy = policy(&json, None);
        for (asked, want) in Action::ALL.into_iter().zip(wants) {
            let decision = policy.decide(asked, METHOD.as_bytes(), &request.facts());
            assert_eq!(decision == ALLOW, want, "{action} {asked:?}");
        }
    }
}

#[test]
fn variables() {
    let own = |resource: &str, version: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}}}"#
        )
    };
    let method = b"api1/prod/GET/users/alice/pets";
    let arn = "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/users/";
    let decide = |request: &Request, resource: &str, version: &str| {
        policy(&own(&format!("{arn}{resource}"), version), None).decide(
            Action::Invoke,
            method,
            &request.facts(),
        )
    };
    let signed = Request::signed();
    assert_eq!(decide(&signed, "${aws:username}/*", "2012-10-17"), ALLOW);
    assert_eq!(decide(&signed, "${aws:username}/*", "2008-10-17"), Decision::Silent);
    assert_eq!(decide(&signed, "${aws:PrincipalTag/team}/*", "2012-10-17"), Decision::Silent);
    assert_eq!(decide(&Request::in_session(), "${aws:username}/*", "2012-10-17"), Decision::Silent);
    assert_eq!(decide(&Request::in_session(), "${aws:username, 'alice'}/*", "2012-10-17"), ALLOW);
    assert_eq!(decide(&signed, "*/${aws:PrincipalTag/Team}", "2012-10-17"), ALLOW);
    // What a caller chooses is never a wildcard.
    let named = Request {
        principal: Some(principal("arn:aws:iam::123456789012:user/a@b", None)),
        ..Request::anonymous()
    };
    assert_eq!(decide(&named, "${aws:username}/*", "2012-10-17"), Decision::Silent);
}

#[test]
fn variables_in_conditions() {
    let condition = |value: &str| {
        format!(r#","Resource":"*","Condition":{{"StringLike":{{"aws:PrincipalArn":"{value}"}}}}"#)
    };
    let decide = |value: &str| decide(&Request::signed(), &statement("Allow", ANYONE, &condition(value)));
    assert_eq!(decide("arn:aws:iam::${aws:PrincipalAccount}:user/*/${aws:username}"), ALLOW);
    assert_eq!(decide("${aws:Referer}"), Decision::Silent);
    assert_eq!(decide("arn${*}"), Decision::Silent);
}
