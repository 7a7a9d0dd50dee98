//! Another evaluator of policies (the crate iam-rs) beside ours, on random policies: both say the same.
//!
//! Left out is where that one is known to differ from AWS's documentation: `ArnEquals` without wildcards and `ArnLike` whose `*`
//! reaches over a colon, variables without value or in conditions, `BinaryEquals` by text, keys in another case, plain operators
//! on a key with many values, `…IfExists` together with a quantifier, and principals that mean a whole account.

use iam_rs::{
    Arn, Context, ContextValue, Decision as Theirs, IAMPolicy, IAMRequest, Principal, PrincipalId,
    evaluate_policy,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::auth::policy::Decision;

use crate::request::{METHOD, NOW_S, Request, policy};

const ALICE: &str = "arn:aws:iam::123456789012:user/team/alice";
const SIGNED_AT: &str = "2015-08-30T12:36:00Z";

const ACTIONS: &[&str] = &[
    "*",
    "execute-api:*",
    "execute-api:Invoke",
    "EXECUTE-API:invoke",
    "execute-api:Inv*",
    "execute-api:?nvoke",
    "execute-api:Invoke?",
    "execute-api:I*e*e",
    "execute-api:ManageConnections",
    "s3:*",
    "*:Invoke",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/pets/7",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/pets/8",
    "arn:aws:execute-api:us-east-1:123456789012:api1/*",
    "arn:aws:execute-api:us-east-1:123456789012:api1/*/GET/*",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/*/pets/?",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/?ET/pets/7",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/pets/7?",
    "arn:aws:execute-api:us-east-1:123456789012:*/7",
    "arn:aws:execute-api:us-east-1:123456789012:*pets*s/7",
    "arn:aws:execute-api:us-east-1:123456789012:*p*e*t*7*",
    "arn:aws:execute-api:us-east-1:210987654321:*",
    "arn:aws:execute-api:eu-west-1:123456789012:*",
    "arn:aws:execute-api:*:*:api1/prod/GET/pets/7",
    "arn:aws:execute-api:us-*-1:1234*:api1/*",
    "arn:*:execute-api:us-east-?:123456789012:api2/*",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/${aws:username, 'pets'}/7",
    "arn:aws:execute-api:us-east-1:123456789012:api1/prod/GET/pets/${aws:PrincipalTag/none, '7'}",
    "arn:aws:s3:::bucket/*",
];
const PRINCIPALS: &[&str] =
    &[ALICE, "arn:aws:iam::123456789012:user/bob", "arn:aws:iam::210987654321:role/ci"];

const STRINGS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "StringLikeIfExists",
    "StringNotLikeIfExists",
    "StringEqualsIgnoreCaseIfExists",
    "StringNotEqualsIgnoreCaseIfExists",
];
const SETS: &[&str] = &[
    "ForAllValues:StringEquals",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringLike",
    "ForAnyValue:StringLike",
    "ForAllValues:StringNotEquals",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringNotLike",
    "ForAnyValue:StringNotLike",
    "ForAllValues:StringEqualsIgnoreCase",
    "ForAnyValue:StringEqualsIgnoreCase",
];
const NUMBERS: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericEqualsIfExists",
    "NumericNotEqualsIfExists",
    "NumericLessThanIfExists",
    "NumericGreaterThanEqualsIfExists",
];
const DATES: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThanIfExists",
    "DateNotEqualsIfExists",
];
const ADDRESSES: &[&str] = &["IpAddress", "NotIpAddress", "IpAddressIfExists", "NotIpAddressIfExists"];
const ARNS: &[&str] = &["ArnLike", "ArnNotLike", "ArnLikeIfExists"];

type Texts = &'static [&'static str];

/// Operators, keys that they are asked about, and values.
const CONDITIONS: [(Texts, Texts, Texts); 9] = [
    (
        STRINGS,
        &["aws:username", "aws:UserAgent", "aws:PrincipalOrgID", "aws:SourceVpc", "aws:PrincipalTag/none"],
        &["alice", "ALICE", "al*", "?lice", "curl/8", "curl/*", "*", "bob", "pets", "o-1"],
    ),
    (
        SETS,
        &["aws:PrincipalOrgPaths", "aws:PrincipalTag/none"],
        &["o-1/r-1/ou-a/", "o-1/r-1/ou-b/", "o-1/*", "o-2/*", "O-1/R-1/OU-A/", "*"],
    ),
    (SETS, &["aws:username"], &["alice", "ALICE", "al*", "bob"]),
    (
        NUMBERS,
        &["aws:EpochTime", "aws:MultiFactorAuthAge"],
        &["1440938160", "1440938159", "1440938161.5", "0", "-7", "1e9"],
    ),
    (
        DATES,
        &["aws:CurrentTime", "aws:TokenIssueTime"],
        &[SIGNED_AT, "2015-08-30T12:36:01Z", "2015-08-30T14:36:00+02:00", "1440938160", "1440938159"],
    ),
    (&["Bool", "BoolIfExists"], &["aws:SecureTransport", "aws:MultiFactorAuthPresent"], &["true", "false"]),
    (
        ADDRESSES,
        &["aws:SourceIp", "aws:VpcSourceIp"],
        &[
            "203.0.113.7",
            "203.0.113.0/24",
            "203.0.113.9/24",
            "203.0.0.0/16",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "2001:db8::/32",
            "::/0",
            "203.0.113.8/31",
            "203.0.113.6/31",
        ],
    ),
    (
        ARNS,
        &["aws:PrincipalArn", "aws:SourceArn"],
        &[
            ALICE,
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:iam::*:user/team/alice",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::210987654321:user/*",
        ],
    ),
    (&["Null"], &["aws:username", "aws:SourceVpc"], &["true"]),
];

/// One of these, or a list of some.
fn one_or_many(values: Texts) -> BoxedStrategy<Value> {
    let one = prop::sample::select(values);
    let many = prop::collection::vec(one.clone(), 1..4);
    prop_oneof![one.prop_map(|one| json!(one)), many.prop_map(|many| json!(many))].boxed()
}

fn principal() -> BoxedStrategy<Value> {
    let named = one_or_many(PRINCIPALS).prop_map(|arns| json!({"AWS": arns}));
    prop_oneof![Just(json!("*")), Just(json!({"AWS": "*"})), named].boxed()
}

/// An operator, a key and values.
fn condition() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    prop::sample::select(&CONDITIONS[..]).prop_flat_map(|(operators, keys, values)| {
        let values =
            if operators[0] == "Null" { Just(json!(values[0])).boxed() } else { one_or_many(values) };
        (prop::sample::select(operators), prop::sample::select(keys), values)
    })
}

fn statement(of_resource: bool) -> impl Strategy<Value = Value> {
    let seldom = || prop::bool::weighted(0.2);
    let conditions = prop::collection::vec(condition(), 0..3);
    let parts = (seldom(), seldom(), one_or_many(ACTIONS), seldom(), one_or_many(RESOURCES));
    (parts, seldom(), principal(), conditions).prop_map(
        move |(parts, not_principal, principal, conditions)| {
            let (denies, not_action, action, not_resource, resource) = parts;
            let mut statement = json!({"Effect": if denies { "Deny" } else { "Allow" }});
            statement[if not_action { "NotAction" } else { "Action" }] = action;
            // What a variable means in NotResource is not clear, and is refused.
            let not_resource = not_resource && !resource.to_string().contains('$');
            statement[if not_resource { "NotResource" } else { "Resource" }] = resource;
            if of_resource {
                // Everybody cannot be excepted.
                let not_principal = not_principal && !principal.to_string().contains('*');
                statement[if not_principal { "NotPrincipal" } else { "Principal" }] = principal;
            }
            for (operator, key, values) in conditions {
                statement["Condition"][operator][key] = values;
            }
            statement
        },
    )
}

fn document(of_resource: bool) -> impl Strategy<Value = Value> {
    let statements = prop::collection::vec(statement(of_resource), 1..6);
    statements.prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// What the signed request has for each key, said in their way.
fn context() -> Context {
    let mut context = Context::new()
        .with_string("aws:CurrentTime", SIGNED_AT)
        .with_number("aws:EpochTime", NOW_S as f64)
        .with_string("aws:SourceIp", "203.0.113.7")
        .with_boolean("aws:SecureTransport", false)
        .with_string("aws:UserAgent", "curl/8")
        .with_string("aws:username", "alice")
        .with_string("aws:PrincipalArn", ALICE)
        .with_string("aws:PrincipalOrgID", "o-1");
    let paths = ["o-1/r-1/ou-a/", "o-1/r-1/ou-b/"].map(str::to_owned).into();
    context.insert("aws:PrincipalOrgPaths".to_owned(), ContextValue::StringList(paths));
    context
}

fn theirs(json: &str) -> Theirs {
    let policy = IAMPolicy::from_json(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{METHOD}");
    let caller = Principal::Aws(PrincipalId::String(ALICE.to_owned()));
    let resource = Arn::parse(&arn).expect("an ARN");
    let request = IAMRequest::new_with_context(caller, "execute-api:Invoke", resource, context());
    evaluate_policy(&policy, &request).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn check(document: &Value, api: Option<&str>) -> Result<(), TestCaseError> {
    let json = document.to_string();
    let ours = match Request::signed().decide(&policy(&json, api)) {
        Decision::Allow { .. } => Theirs::Allow,
        Decision::Deny { .. } => Theirs::Deny,
        Decision::Silent => Theirs::NotApplicable,
    };
    prop_assert_eq!(ours, theirs(&json), "{}", json);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn policies_of_callers(document in document(false)) {
        check(&document, None)?;
    }

    #[test]
    fn policies_of_apis(document in document(true)) {
        check(&document, Some("api1"))?;
    }
}
