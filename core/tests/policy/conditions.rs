//! Every operator, on keys that the request has and on keys that it has not.

use tidegate_core::auth::policy::Decision;

use crate::request::{Request, policy};

/// Whether a statement with this condition applies to a request.
#[track_caller]
fn holds(request: &Request, condition: &str) -> bool {
    let json = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}}}"#
    );
    request.decide(&policy(&json, None)) != Decision::Silent
}

/// Rows of (operator, key, values, of the anonymous request, of the signed one).
#[track_caller]
fn check(rows: &[(&str, &str, &str, bool, bool)]) {
    let (anonymous, signed) = (Request::anonymous(), Request::signed());
    for (operator, key, values, want_anonymous, want_signed) in rows {
        let condition = format!(r#""{operator}":{{"{key}":{values}}}"#);
        assert_eq!(holds(&anonymous, &condition), *want_anonymous, "anonymous: {condition}");
        assert_eq!(holds(&signed, &condition), *want_signed, "signed: {condition}");
    }
}

#[test]
fn strings() {
    check(&[
        ("StringEquals", "aws:UserAgent", r#""curl/8""#, true, true),
        ("StringEquals", "aws:UserAgent", r#""CURL/8""#, false, false),
        ("StringEquals", "aws:UserAgent", r#""curl*""#, false, false),
        ("StringEquals", "aws:UserAgent", r#"["wget", "curl/8"]"#, true, true),
        ("StringEquals", "AWS:USERNAME", r#""alice""#, false, true),
        ("StringEqualsIfExists", "aws:username", r#""alice""#, true, true),
        ("StringEqualsIfExists", "aws:username", r#""bob""#, true, false),
        ("StringNotEquals", "aws:username", r#""alice""#, true, false),
        ("StringNotEquals", "aws:username", r#"["bob", "carol"]"#, true, true),
        ("StringNotEquals", "aws:username", r#"["bob", "alice"]"#, true, false),
        ("StringNotEqualsIfExists", "aws:username", r#""alice""#, true, false),
        ("StringEqualsIgnoreCase", "aws:username", r#""ALICE""#, false, true),
        ("StringNotEqualsIgnoreCase", "aws:username", r#""ALICE""#, true, false),
        ("StringLike", "aws:Referer", r#""https://example.com/*""#, true, true),
        ("StringLike", "aws:Referer", r#""https://example.com/a?b""#, true, true),
        ("StringLike", "aws:Referer", r#""http://*""#, false, false),
        ("StringLike", "aws:username", r#""al?ce""#, false, true),
        ("StringLikeIfExists", "aws:username", r#""b*""#, true, false),
        ("StringNotLike", "aws:username", r#""a*""#, true, false),
        ("StringEquals", "aws:SourceIp", r#""203.0.113.7""#, true, true),
        ("StringEquals", "aws:SecureTransport", r#""false""#, true, true),
        ("StringEquals", "aws:CurrentTime", r#""2015-08-30T12:36:00Z""#, true, true),
        ("StringEquals", "aws:RequestedRegion", r#""us-east-1""#, true, true),
        ("StringEquals", "aws:PrincipalTag/team", r#""pets""#, false, true),
        ("StringEquals", "aws:PrincipalTag/other", r#""pets""#, false, false),
        ("StringEquals", "aws:PrincipalAccount", r#""123456789012""#, false, true),
        ("StringEquals", "aws:PrincipalOrgID", r#""o-1""#, false, true),
        ("StringEquals", "aws:PrincipalType", r#""User""#, false, true),
        ("StringEquals", "aws:userid", r#""AIDAEXAMPLE""#, false, true),
        ("StringEquals", "aws:SourceArn", r#""*""#, false, false),
        ("StringEquals", "aws:SourceVpc", r#""vpc-1""#, false, false),
    ]);
}

#[test]
fn numbers_and_dates() {
    check(&[
        ("NumericEquals", "aws:EpochTime", "1440938160", true, true),
        ("NumericEquals", "aws:EpochTime", r#""1440938160.0""#, true, true),
        ("NumericNotEquals", "aws:EpochTime", "1440938160", false, false),
        ("NumericLessThan", "aws:EpochTime", "1440938160", false, false),
        ("NumericLessThanEquals", "aws:EpochTime", "1440938160", true, true),
        ("NumericGreaterThan", "aws:EpochTime", "1440938159", true, true),
        ("NumericGreaterThanEquals", "aws:EpochTime", "1440938161", false, false),
        ("NumericEquals", "aws:UserAgent", "8", false, false),
        ("NumericNotEquals", "aws:UserAgent", "8", true, true),
        ("NumericLessThanIfExists", "aws:MultiFactorAuthAge", "60", true, true),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "60", false, false),
        ("DateEquals", "aws:CurrentTime", r#""2015-08-30T12:36:00Z""#, true, true),
        ("DateNotEquals", "aws:CurrentTime", r#""2015-08-30T12:36:00Z""#, false, false),
        ("DateLessThan", "aws:CurrentTime", r#""2015-08-30T12:36:01Z""#, true, true),
        ("DateLessThan", "aws:CurrentTime", r#""2015-08-30""#, false, false),
        ("DateLessThanEquals", "aws:CurrentTime", r#""2015-08-30T14:36:00+02:00""#, true, true),
        ("DateGreaterThan", "aws:CurrentTime", r#""2015-08-30""#, true, true),
        ("DateGreaterThanEquals", "aws:CurrentTime", "1440938161", false, false),
        ("DateGreaterThan", "aws:EpochTime", r#""2015-08-30""#, true, true),
        ("DateGreaterThan", "aws:TokenIssueTime", r#""2015-08-30""#, false, false),
    ]);
}

#[test]
fn booleans_addresses_arns_and_the_rest() {
    check(&[
        ("Bool", "aws:SecureTransport", "false", true, true),
        ("Bool", "aws:SecureTransport", r#""true""#, false, false),
        ("Bool", "aws:MultiFactorAuthPresent", "true", false, false),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", true, true),
        ("Bool", "aws:PrincipalIsAWSService", "false", false, true),
        ("Bool", "aws:ViaAWSService", "false", false, true),
        ("IpAddress", "aws:SourceIp", r#""203.0.113.0/24""#, true, true),
        ("IpAddress", "aws:SourceIp", r#"["10.0.0.0/8", "203.0.113.7"]"#, true, true),
        ("IpAddress", "aws:SourceIp", r#""10.0.0.0/8""#, false, false),
        ("NotIpAddress", "aws:SourceIp", r#""203.0.113.0/24""#, false, false),
        ("NotIpAddress", "aws:SourceIp", r#"["10.0.0.0/8", "::/0"]"#, true, true),
        ("NotIpAddress", "aws:SourceIp", r#"["0.0.0.0/0", "::/0"]"#, false, false),
        ("IpAddress", "aws:SourceIp", r#"["10.0.0.0/8", "::/0"]"#, false, false),
        ("NotIpAddress", "aws:SourceIp", r#"["10.0.0.0/8", "2001:db8::/32"]"#, true, true),
        ("IpAddress", "aws:UserAgent", r#""0.0.0.0/0""#, false, false),
        ("IpAddress", "aws:VpcSourceIp", r#""0.0.0.0/0""#, false, false),
        ("ArnEquals", "aws:PrincipalArn", r#""arn:aws:iam::123456789012:user/team/alice""#, false, true),
        ("ArnEquals", "aws:PrincipalArn", r#""arn:aws:iam::*:user/team/*""#, false, true),
        ("ArnLike", "aws:PrincipalArn", r#""arn:*:iam::123456789012:user/*""#, false, true),
        ("ArnLike", "aws:PrincipalArn", r#""arn:aws:*:user/*:x:y""#, false, false),
        ("ArnNotEquals", "aws:PrincipalArn", r#""arn:aws:iam::123456789012:user/team/alice""#, true, false),
        ("ArnNotLike", "aws:PrincipalArn", r#""arn:aws:iam::123456789012:role/*""#, true, true),
        ("ArnLikeIfExists", "aws:SourceArn", r#""arn:aws:s3:::a""#, true, true),
        ("BinaryEquals", "aws:username", r#""YWxpY2U=""#, false, true),
        ("Null", "aws:username", "true", true, false),
        ("Null", "aws:username", "false", false, true),
        ("Null", "aws:TokenIssueTime", r#""true""#, true, true),
    ]);
}

#[test]
fn keys_with_many_values() {
    let path = |values: &str| format!(r#"{{"aws:PrincipalOrgPaths":{values}}}"#);
    let (a, b) = (r#""o-1/r-1/ou-a/""#, r#""o-1/r-1/ou-b/""#);
    for (operator, values, anonymous, signed) in [
        ("ForAnyValue:StringEquals", a.to_owned(), false, true),
        ("ForAnyValue:StringLike", r#""o-1/*""#.to_owned(), false, true),
        ("ForAnyValue:StringEquals", r#""o-2/""#.to_owned(), false, false),
        ("ForAllValues:StringEquals", a.to_owned(), true, false),
        ("ForAllValues:StringEquals", format!("[{a},{b}]"), true, true),
        ("ForAllValues:StringLike", r#""o-1/*""#.to_owned(), true, true),
        ("ForAnyValue:StringNotEquals", a.to_owned(), false, true),
        ("ForAnyValue:StringNotEquals", format!("[{a},{b}]"), false, false),
        ("ForAllValues:StringNotEquals", r#""o-2/""#.to_owned(), true, true),
        ("ForAllValues:StringNotEquals", a.to_owned(), true, false),
        ("ForAnyValue:StringEqualsIfExists", r#""o-2/""#.to_owned(), true, false),
        ("StringEquals", a.to_owned(), false, true),
        ("StringNotEquals", a.to_owned(), true, false),
    ] {
        let condition = format!(r#""{operator}":{}"#, path(&values));
        assert_eq!(holds(&Request::anonymous(), &condition), anonymous, "anonymous: {condition}");
        assert_eq!(holds(&Request::signed(), &condition), signed, "signed: {condition}");
    }
    assert!(holds(&Request::signed(), r#""ForAnyValue:StringEquals":{"aws:username":"alice"}"#));
    assert!(!holds(&Request::signed(), r#""ForAllValues:StringEquals":{"aws:username":"bob"}"#));
}

#[test]
fn sessions() {
    let session = Request::in_session();
    for (condition, want) in [
        (r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#, true),
        (r#""NumericLessThan":{"aws:MultiFactorAuthAge":"61"}"#, true),
        (r#""NumericLessThan":{"aws:MultiFactorAuthAge":"60"}"#, false),
        (r#""DateLessThan":{"aws:TokenIssueTime":"2015-08-30T12:27:00Z"}"#, true),
        (r#""DateLessThan":{"aws:TokenIssueTime":"2015-08-30T12:26:00Z"}"#, false),
        (r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/ci"}"#, true),
        (r#""StringEquals":{"aws:PrincipalType":"AssumedRole"}"#, true),
        (r#""StringLike":{"aws:userid":"AROAEXAMPLE:*"}"#, true),
        (r#""Null":{"aws:username":"true"}"#, true),
    ] {
        assert_eq!(holds(&session, condition), want, "{condition}");
    }
}

/// AWS: what comes through a VPC endpoint has no `aws:SourceIp`.
#[test]
fn private_networks() {
    let private = Request::private();
    for (condition, want) in [
        (r#""StringEquals":{"aws:SourceVpc":"vpc-1"}"#, true),
        (r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#, false),
        (r#""StringEquals":{"aws:SourceVpce":"vpce-2"}"#, false),
        (r#""IpAddress":{"aws:VpcSourceIp":"203.0.113.0/24"}"#, true),
        (r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, false),
        (r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, true),
    ] {
        assert_eq!(holds(&private, condition), want, "{condition}");
    }
}

#[test]
fn all_conditions_of_a_statement_have_to_hold() {
    let (yes, no) =
        (r#""StringEquals":{"aws:UserAgent":"curl/8"}"#, r#""Bool":{"aws:SecureTransport":"true"}"#);
    let both = r#""StringLike":{"aws:UserAgent":"curl*","aws:Referer":"https:*"}"#;
    let half = r#""StringLike":{"aws:UserAgent":"curl*","aws:Referer":"http:*"}"#;
    for (condition, want) in [(yes, true), (no, false), (both, true), (half, false)] {
        assert_eq!(holds(&Request::anonymous(), condition), want, "{condition}");
    }
    assert!(!holds(&Request::anonymous(), &format!("{yes},{no}")));
}
