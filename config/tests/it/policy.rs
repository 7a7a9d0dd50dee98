//! What is wrong with policies, and where.

use tidegate_config::policy_document;
use tidegate_core::auth::policy::OwnArn;

const OWN: OwnArn<'_> = OwnArn { region: "us-east-1", account: "123456789012" };

/// The findings of a policy, with their help, one a line.
fn findings(json: &str, api: Option<&str>) -> String {
    let findings = policy_document(json, OWN, api).expect_err("findings");
    let text = |finding: &tidegate_config::Diagnostic| match finding.help_text() {
        Some(help) => format!("{finding} | {help}"),
        None => finding.to_string(),
    };
    findings.iter().map(text).collect::<Vec<_>>().join("\n").replace("policy.json:", "")
}

/// A statement of an API's policy with one part replaced.
#[track_caller]
fn check(replaced: &str, by: &str, want: &str) {
    const WHOLE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}"#;
    assert!(policy_document(WHOLE, OWN, Some("api1")).is_ok());
    assert!(WHOLE.contains(replaced), "{replaced}");
    let text = findings(&WHOLE.replacen(replaced, by, 1), Some("api1"));
    assert_eq!(text, want, "{replaced} -> {by}");
}

#[test]
fn elements() {
    check("2012-10-17", "2012-10-18", "1:12: error: unknown value `2012-10-18` | did you mean `2012-10-17`?");
    check(
        r#""Statement""#,
        r#""Statements""#,
        "1:1: error: `Statement` is missing\n1:25: error: unknown key `Statements` | did you mean `Statement`?",
    );
    check("Allow", "allow", "1:48: error: unknown value `allow` | did you mean `Allow`?");
    check(r#""Effect":"Allow","#, "", "1:38: error: `Effect` is missing");
    check(r#""Principal":"*","#, "", "1:38: error: `Principal` is missing | or `NotPrincipal`");
    check(
        r#""Principal":"*""#,
        r#""Principal":"*","NotPrincipal":"*""#,
        "1:72: error: only one of `Principal` and `NotPrincipal` may stand",
    );
    check(
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"alice"}"#,
        "1:75: error: `alice` is no principal | an account, or the whole ARN of a user, role or session, without wildcards",
    );
    check(
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/*"}"#,
        "1:75: error: `arn:aws:iam::123456789012:user/*` is no principal | an account, or the whole ARN of a user, role or session, without wildcards",
    );
    check(
        r#""Principal":"*""#,
        r#""Principal":{"Aws":"*"}"#,
        "1:69: error: unknown kind of principal `Aws` | did you mean `AWS`?",
    );
    check(
        "execute-api:Invoke",
        "Invoke",
        "1:81: error: `Invoke` is not an action | for example execute-api:Invoke",
    );
    check(
        "execute-api:/*",
        "/prod/*",
        "1:113: error: `/prod/*` is no resource: not an ARN | arn:aws:execute-api:{region}:{account}:{api}/{stage}/{VERB}/{path}, with * and ?",
    );
    check(r#""execute-api:/*""#, "[]", "1:113: error: the list is empty");
}

#[test]
fn conditions() {
    check(
        "IpAddress",
        "IpAdress",
        "1:143: error: unknown condition operator `IpAdress` | did you mean `IpAddress`?",
    );
    check("IpAddress", "NullIfExists", "1:143: error: unknown condition operator `NullIfExists`");
    check(
        "aws:SourceIp",
        "aws:SourceIP2",
        "1:156: error: unknown condition key `aws:SourceIP2` | did you mean `aws:SourceIp`?",
    );
    check("203.0.113.0/24", "203.0.113.0/33", "1:171: error: not an address or range of addresses");
    check("IpAddress", "NumericEquals", "1:175: error: not a number");
    check("IpAddress", "DateLessThan", "1:174: error: not a date");
    check("IpAddress", "Bool", "1:166: error: not `true` or `false`");
    check("IpAddress", "ArnLike", "1:169: error: not an ARN");
    check(r#""203.0.113.0/24""#, "{}", "1:171: error: expected a text, a number or a boolean, not a map");
}

#[test]
fn a_principals_own_policy_names_no_principal() {
    let json = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    assert_eq!(findings(json, None), "1:32: error: a principal's own policy has no `Principal`");
    let json = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"execute-api:/*"}}"#;
    assert!(findings(json, None).contains("is no resource: not an ARN"));
}

#[test]
fn variables() {
    let policy = |version: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:*:*:${{aws:nobody}}/*"}}}}"#
        )
    };
    assert!(findings(&policy("2012-10-17"), None).contains("`aws:nobody` is no policy variable"));
    assert!(policy_document(&policy("2008-10-17"), OWN, None).is_ok());
}

#[test]
fn broken_json_is_named() {
    assert!(findings("{", None).contains("error: Invalid policy: "), "{}", findings("{", None));
    assert_eq!(findings("[]", None), "1:1: error: a policy must be a map of keys, not a list");
}
