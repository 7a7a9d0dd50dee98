//! `[[principal]]`, `[[network]]`, methods with AWS_IAM and resource policies.

use tidegate_config::routes_table;
use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::principal::PrincipalKind;

use crate::{Folder, MOCK, TOML, describe, file_findings, indent};

const KEY: &str = "access_key_id = \"AKIDEXAMPLEEXAMPLE\"";
const SECRET: &str = "secret-0123456789";
const ARN: &str = "arn = \"arn:aws:iam::123456789012:user/alice\"";

/// A document whose only method is signed.
fn signed() -> String {
    MOCK.replace("    get:\n", "    get:\n      x-amazon-apigateway-auth: { type: AWS_IAM }\n")
}

fn folder(more: &str, document: &str) -> Folder {
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Folder::new(&[
        ("tidegate.toml", &format!("{TOML}{more}")),
        ("api.yaml", document),
        ("secret", &format!("{SECRET}\n")),
        ("policy.json", policy),
        ("broken.json", &policy.replace("Allow", "Alow")),
    ])
}

#[test]
fn a_principal() {
    let more = format!(
        "[[principal]]\n{KEY}\nsecret_access_key_file = \"secret\"\narn = \"arn:aws:sts::123456789012:assumed-role/ci/job\"\n\
         policy = \"policy.json\"\nuser_id = \"AROA:job\"\norganization = {{ id = \"o-1\", paths = [\"o-1/r-1/\"] }}\n\
         tags = {{ team = \"pets\" }}\n\
         session = {{ token = \"token-0123456789\", issued = \"2026-01-01T00:00:00Z\", expires = \"2026-01-01\", mfa = \"2026-01-01\" }}\n"
    );
    let folder = folder(&more, &signed());
    let loaded = folder.load().unwrap_or_else(|findings| panic!("{}", folder.text(&findings)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let principals = &loaded.plan.principals;
    let principal = principals.principal(principals.find(b"AKIDEXAMPLEEXAMPLE").expect("it is there"));
    assert_eq!(principal.credentials.secret_access_key.reveal(), SECRET.as_bytes());
    assert_eq!((principal.arn.kind(), &*principal.user_id), (PrincipalKind::AssumedRole, "AROA:job"));
    assert_eq!(principal.policy.statements.len(), 1);
    assert_eq!(
        principal.session.map(|session| (session.issued_s, session.mfa_s)),
        Some((Some(1_767_225_600), Some(1_767_225_600)))
    );
    assert_eq!((principal.organization_id.as_deref(), principal.tag("Team")), (Some("o-1"), Some("pets")));
    assert_eq!(loaded.plan.apis[0].authorization, [Authorization::Iam]);
    let table = routes_table(&loaded);
    assert!(table.contains("AWS_IAM"), "{table}");
    let shown = format!("{table}{:?}", loaded.plan);
    assert!(!shown.contains(SECRET) && !shown.contains("token-0123456789"), "{shown}");
}

/// The findings about one principal, which never show its secrets.
#[track_caller]
fn check(lines: &str, want: &str) {
    let text = file_findings(&format!("{TOML}[[principal]]\n{lines}"));
    assert_eq!(text, want);
}

#[test]
fn what_is_wrong_with_principals() {
    let secret = format!("secret_access_key = \"{SECRET}\"");
    check(&format!("{secret}\n{ARN}"), "10:1: error: `access_key_id` is missing");
    check(
        &format!("{KEY}\n{ARN}"),
        "10:1: error: `secret_access_key` is missing | or `secret_access_key_file`, or `secret_access_key_env`",
    );
    check(&format!("{KEY}\n{secret}"), "10:1: error: `arn` is missing");
    check(
        &format!("access_key_id = \"short\"\n{secret}\n{ARN}"),
        "11:17: error: an access key id has 16 to 128 of the characters A-Z a-z 0-9 _",
    );
    check(
        &format!("{KEY}\n{secret}\narn = \"alice\""),
        "13:7: error: `alice` is not the ARN of a caller | arn:aws:iam::{account}:user/{name} or \
         arn:aws:sts::{account}:assumed-role/{role}/{session}",
    );
    check(
        &format!("{KEY}\n{secret}\n{ARN}\nsession = {{ expires = \"soon\", token = \"x\" }}"),
        "14:23: error: `soon` is not a time | for example \"2026-01-31T12:00:00Z\"",
    );
    check(
        &format!("{KEY}\n{secret}\n{ARN}\nsession = {{}}"),
        "14:11: error: `token` is missing | or `token_file`, or `token_env`",
    );
    check(
        &format!("{KEY}\n{secret}\n{ARN}\npolcy = \"x\""),
        "14:1: error: unknown key `polcy` | did you mean `policy`?",
    );
    let twice = format!("{KEY}\n{secret}\n{ARN}\n");
    check(
        &format!("{twice}[[principal]]\n{twice}"),
        "15:17: error: the access key `AKIDEXAMPLEEXAMPLE` stands twice",
    );
}

#[test]
fn findings_do_not_show_secrets() {
    let session = format!("session = {{ token = \"{SECRET}\", expirse = \"{SECRET}\" }}");
    for line in [
        format!("secret_acces_key = \"{SECRET}\""),
        format!("secret_access_key = [\"{SECRET}\"]"),
        session.clone(),
        format!("token = \"{SECRET}\""),
    ] {
        let folder = folder(&format!("[[principal]]\n{KEY}\n{ARN}\n{line}\n"), MOCK);
        let findings = folder.load().expect_err("findings");
        let shown = format!("{findings}{}", findings.render(false));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn a_policy_is_read_where_it_stands() {
    let with = |policy: &str| {
        let more =
            format!("[[principal]]\n{KEY}\nsecret_access_key = \"{SECRET}\"\n{ARN}\npolicy = \"{policy}\"\n");
        let folder = folder(&more, &signed());
        describe(&folder, folder.load(), "")
    };
    assert_eq!(with("policy.json"), "");
    assert_eq!(with("broken.json"), "broken.json:1:47: error: unknown value `Alow` | did you mean `Allow`?");
    assert!(
        with("none.json").starts_with("tidegate.toml:14:10: error: cannot read "),
        "{}",
        with("none.json")
    );
}

const MACHINES: &str = "# made by a tool\n[machine-1]\naws_access_key_id = AKIDMACHINEMACHINE1\n\
    aws_secret_access_key = secret-0123456789\nregion = us-east-1\n\n[machine-2]\naws_access_key_id=ASIAMACHINEMACHINE2\n\
    aws_secret_access_key=secret-0123456789\naws_session_token=token-0123456789\n";

fn machines(file: &str, arn: &str) -> Folder {
    let more = format!(
        "[[principal]]\ncredentials_file = \"machines\"\narn = \"{arn}\"\npolicy = \"policy.json\"\n"
    );
    let folder = folder(&more, &signed());
    std::fs::write(folder.path.join("machines"), file).expect("a file");
    folder
}

#[test]
fn a_group_of_machines() {
    let folder = machines(MACHINES, "arn:aws:iam::123456789012:user/machines/{profile}");
    let loaded = folder.load().unwrap_or_else(|findings| panic!("{}", folder.text(&findings)));
    let principals = &loaded.plan.principals;
    assert_eq!(principals.len(), 2);
    let principal = principals.principal(principals.find(b"ASIAMACHINEMACHINE2").expect("it is there"));
    assert_eq!(principal.arn.text(), "arn:aws:iam::123456789012:user/machines/machine-2");
    assert!(principal.has_token(Some(b"token-0123456789")) && !principal.has_token(None));
    assert_eq!(principal.policy.statements.len(), 1);
    assert!(!format!("{:?}", loaded.plan).contains(SECRET));
}

#[test]
fn what_is_wrong_with_a_group() {
    let check = |from: &str, to: &str, want: &str| {
        let folder = machines(&MACHINES.replacen(from, to, 1), "arn:aws:iam::123456789012:user/{profile}");
        let findings = folder.load().expect_err("findings");
        let shown = format!("{}{}", folder.text(&findings), findings.render(false));
        assert!(shown.contains(want), "{shown}");
        assert!(!shown.contains(SECRET) && !shown.contains("token-0123456789"), "{shown}");
    };
    check("[machine-2]", "[machine 2]", "machines:7:1: error: the name of a profile is that of a user");
    check("aws_secret_access_key", "aws_secret", "machines:2:1: error: `aws_secret_access_key` is missing");
    check(
        "ASIAMACHINEMACHINE2",
        "AKIDMACHINEMACHINE1",
        "machines:7:1: error: the access key of this profile stands twice",
    );
    check("ASIAMACHINEMACHINE2", "short", "machines:7:1: error: an access key id has 16 to 128");
    check("[machine-1]\n", "", "machines:2:1: error: expected a profile before this line");
    check("region = us-east-1", "secret-0123456789", "machines:5:1: error: expected `key = value`");
    check(
        "region = us-east-1",
        "aws_access_key_id = x",
        "machines:5:1: error: `aws_access_key_id` of the profile `machine-1` stands twice",
    );
    let folder = machines(MACHINES, "arn:aws:iam::123456789012:user/x");
    assert!(
        folder.load().expect_err("findings").to_string().contains("is not the ARN of a group of callers")
    );
}

#[test]
fn nobody_can_call() {
    let folder = folder("", &signed());
    let text = describe(&folder, folder.load(), "tidegate.toml:");
    assert_eq!(
        text,
        "7:1: warning: there is no principal: methods with AWS_IAM answer 403 | add [[principal]] with access_key_id, \
         secret_access_key_file and arn"
    );
}

#[test]
fn a_resource_policy() {
    let document = |policy: &str| format!("{MOCK}x-amazon-apigateway-policy:\n{}", indent(policy, 2));
    let allow = "Statement: { Effect: Allow, Principal: '*', Action: 'execute-api:Invoke', Resource: 'execute-api:/*' }";
    let folder_of = |policy: &str| folder("", &document(policy));
    let loaded = folder_of(allow).load().unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(loaded.plan.apis[0].policy.as_ref().map(|policy| policy.statements.len()), Some(1));
    assert!(routes_table(&loaded).contains("(REGIONAL, resource policy)"));
    let wrong = folder_of(&allow.replace("Allow", "allow"));
    assert!(describe(&wrong, wrong.load(), "").contains("unknown value `allow`"));
    let empty = folder_of("Statement: []");
    assert!(
        describe(&empty, empty.load(), "")
            .contains("warning: the policy has no statement: every request is denied")
    );
}

#[test]
fn private_apis_and_networks() {
    let private = TOML.replace("id = \"a\"", "id = \"a\"\nendpoint = \"PRIVATE\"");
    let text = file_findings(&private);
    assert!(
        text.contains("warning: the API is PRIVATE and has no resource policy: every request is denied"),
        "{text}"
    );
    let check = |more: &str, want: &str| assert_eq!(file_findings(&format!("{TOML}{more}")), want);
    check("[[network]]\naddresses = [\"10.0.0.0/8\"]\nvpc = \"vpc-1\"\nvpce = \"vpce-1\"", "");
    check(
        "[[network]]\naddresses = [\"10.0.0.0/8\"]",
        "10:1: error: a network has a `vpc`, a `vpce` or both",
    );
    check("[[network]]\nvpc = \"vpc-1\"", "10:1: error: `addresses` is missing");
    check(
        "[[network]]\naddresses = [\"10.0.0.0/33\"]\nvpc = \"vpc-1\"",
        "11:14: error: `10.0.0.0/33` is no address or range of addresses | for example \"10.0.0.0/8\" or \"2001:db8::/32\"",
    );
    check(
        "[[network]]\naddresses = []\nvpc = \"my net\"",
        "12:7: error: `my net` does not look like vpc-0a1b2c3d",
    );
    check("[node]\ntrusted_proxies = [\"10.0.0.1\"]", "");
    check(
        "[node]\ntrusted_proxies = [\"proxy\"]",
        "11:20: error: `proxy` is no address or range of addresses | for example \"10.0.0.0/8\" or \"2001:db8::/32\"",
    );
    let types = format!("{MOCK}x-amazon-apigateway-endpoint-configuration: {{ types: [PRIVATE] }}");
    let folder = folder("", &types);
    let text = describe(&folder, folder.load(), "");
    assert!(text.contains("error: the document says PRIVATE, and `tidegate.toml` does not"), "{text}");
}
