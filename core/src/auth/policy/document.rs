//! Policy documents that come while the gateway runs, from authorizers: compiled once, when they come.
//!
//! What stands in configuration is read by `config`, which says where something is wrong; here nobody is there to read that,
//! so that an error is a word. Both are as strict: what cannot be understood could be a denial.

use serde_json::{Map, Value};

use super::{
    ActionSet, Condition, Effect, Key, Operator, OwnArn, Policy, ResourcePattern, ResourceSet, Statement,
    Variables,
};

/// Most bytes of a resource. AWS: 512.
const RESOURCE_BYTES_MAX: usize = 512;
/// Most statements, as in configuration.
const STATEMENTS_MAX: usize = 1_000;

/// Why a document is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// There is none.
    Missing,
    /// Not an object with `Statement`, or of an unknown `Version`.
    NoPolicy,
    /// A key that no policy or statement has, or two that exclude one another.
    Key,
    /// `Effect` is neither `Allow` nor `Deny`.
    Effect,
    /// `Action` or `NotAction` is missing or none.
    Action,
    /// `Resource` or `NotResource` is missing or none.
    Resource,
    /// An operator, key or value of `Condition` is none.
    Condition,
    /// More than 1,000 statements.
    TooMany,
}

impl DocumentError {
    /// What is wrong, for logs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "its answer has no policyDocument",
            Self::NoPolicy => "its policyDocument is no policy",
            Self::Key => "its policyDocument has an unknown key",
            Self::Effect => "its policyDocument has an Effect other than Allow and Deny",
            Self::Action => "its policyDocument has an Action that is none",
            Self::Resource => "its policyDocument has a Resource that is none",
            Self::Condition => "its policyDocument has a Condition that is none",
            Self::TooMany => "its policyDocument has too many statements",
        }
    }
}

/// Reads the policy of a caller.
pub fn read(document: &Value, own: OwnArn<'_>) -> Result<Policy, DocumentError> {
    let members = document.as_object().ok_or(DocumentError::NoPolicy)?;
    check_keys(members, &["Version", "Id", "Statement"])?;
    let variables = match members.get("Version").map(Value::as_str) {
        Some(Some("2012-10-17")) => Variables::Replaced,
        None | Some(Some("2008-10-17")) => Variables::None,
        Some(_) => return Err(DocumentError::NoPolicy),
    };
    let statements = one_or_many(members.get("Statement").ok_or(DocumentError::NoPolicy)?);
    if statements.len() > STATEMENTS_MAX {
        return Err(DocumentError::TooMany);
    }
    let statements = statements.iter().map(|statement| read_statement(statement, variables, own));
    Ok(Policy { statements: statements.collect::<Result<_, _>>()? })
}

fn read_statement(
    statement: &Value,
    variables: Variables,
    own: OwnArn<'_>,
) -> Result<Statement, DocumentError> {
    let members = statement.as_object().ok_or(DocumentError::NoPolicy)?;
    check_keys(members, &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"])?;
    let effect = match members.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(_) | None => return Err(DocumentError::Effect),
    };
    let sid = members.get("Sid").map(|sid| sid.as_str().ok_or(DocumentError::Key)).transpose()?;
    let (texts, negated) = either(members, ["Action", "NotAction"], DocumentError::Action)?;
    if !texts.iter().all(|text| is_action(text)) {
        return Err(DocumentError::Action);
    }
    let actions = if negated { ActionSet::all_but(texts) } else { ActionSet::of(texts) };
    let (texts, negated) = either(members, ["Resource", "NotResource"], DocumentError::Resource)?;
    let pattern = |text: &&str| match ResourcePattern::parse(text, variables, own, None) {
        Ok(pattern) if text.len() <= RESOURCE_BYTES_MAX => Ok(pattern),
        Ok(_) | Err(_) => Err(DocumentError::Resource),
    };
    let patterns = texts.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
    let resources = if negated {
        ResourceSet::all_but(patterns).map_err(|_| DocumentError::Resource)?
    } else {
        ResourceSet::of(patterns)
    };
    let conditions = read_conditions(members.get("Condition"), variables).ok_or(DocumentError::Condition)?;
    Ok(Statement { sid: sid.map(Into::into), effect, principals: None, actions, resources, conditions })
}

fn check_keys(members: &Map<String, Value>, known: &[&str]) -> Result<(), DocumentError> {
    if members.keys().all(|key| known.contains(&key.as_str())) { Ok(()) } else { Err(DocumentError::Key) }
}

/// The texts of the one of two keys that stands, and whether that is the second.
fn either<'v>(
    members: &'v Map<String, Value>,
    keys: [&str; 2],
    error: DocumentError,
) -> Result<(Vec<&'v str>, bool), DocumentError> {
    let (value, negated) = match keys.map(|key| members.get(key)) {
        [Some(value), None] => (value, false),
        [None, Some(value)] => (value, true),
        [None, None] => return Err(error),
        [Some(_), Some(_)] => return Err(DocumentError::Key),
    };
    let texts: Option<Vec<&str>> = one_or_many(value).iter().map(Value::as_str).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| (texts, negated)).ok_or(error)
}

/// `*` or `service:pattern`.
fn is_action(text: &str) -> bool {
    let whole = |(service, action): (&str, &str)| !service.is_empty() && !action.is_empty();
    text == "*" || text.split_once(':').is_some_and(whole)
}

fn read_conditions(conditions: Option<&Value>, variables: Variables) -> Option<Vec<Condition>> {
    let mut read = Vec::new();
    let Some(conditions) = conditions else { return Some(read) };
    for (operator, keys) in conditions.as_object()? {
        let operator = Operator::parse(operator).ok()?;
        for (key, values) in keys.as_object()? {
            let texts: Option<Vec<String>> = one_or_many(values).iter().map(text).collect();
            let texts = texts?;
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            read.push(Condition::compile(operator, Key::parse(key)?, &texts, variables).ok()?);
        }
    }
    Some(read)
}

/// A text; AWS also takes numbers and booleans.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: OwnArn<'_> = OwnArn { region: "eu-west-1", account: "123456789012" };

    #[track_caller]
    fn check(text: &str, want: Result<usize, DocumentError>) {
        let document = serde_json::from_str(text).expect("JSON");
        assert_eq!(read(&document, OWN).map(|policy| policy.statements.len()), want, "{text}");
    }

    /// With these members of the one statement, which is whole but for them.
    #[track_caller]
    fn check_statement(members: &str, want: Result<usize, DocumentError>) {
        check(&format!(r#"{{"Version":"2012-10-17","Statement":{{{members}}}}}"#), want);
    }

    #[test]
    fn documents() {
        check(r#"{"Statement":[]}"#, Ok(0));
        check(r#"{"Version":"2008-10-17","Id":"x","Statement":[]}"#, Ok(0));
        for text in [
            "[]",
            "\"x\"",
            "{}",
            r#"{"Version":"2020-01-01","Statement":[]}"#,
            r#"{"Version":7,"Statement":[]}"#,
            r#"{"Statement":["x"]}"#,
        ] {
            check(text, Err(DocumentError::NoPolicy));
        }
        check(r#"{"Statement":[],"statement":[]}"#, Err(DocumentError::Key));
        let many = vec!["{}"; STATEMENTS_MAX + 1].join(",");
        check(&format!(r#"{{"Statement":[{many}]}}"#), Err(DocumentError::TooMany));
    }

    #[test]
    fn statements() {
        const WHOLE: &str = r#""Effect":"Allow","Action":"execute-api:Invoke","Resource":"*""#;
        check_statement(WHOLE, Ok(1));
        check_statement(
            r#""Effect":"Deny","NotAction":["s3:*"],"NotResource":["arn:aws:execute-api:*:*:api1/*"]"#,
            Ok(1),
        );
        check_statement(&WHOLE.replace("Allow", "allow"), Err(DocumentError::Effect));
        check_statement(&WHOLE.replace(r#""Effect":"Allow","#, ""), Err(DocumentError::Effect));
        check_statement(&WHOLE.replace("execute-api:Invoke", "Invoke"), Err(DocumentError::Action));
        check_statement(&WHOLE.replace(r#""execute-api:Invoke""#, "[]"), Err(DocumentError::Action));
        check_statement(&WHOLE.replace(r#""execute-api:Invoke""#, "[7]"), Err(DocumentError::Action));
        check_statement(&WHOLE.replace('*', "execute-api:/prod/GET/x"), Err(DocumentError::Resource));
        check_statement(
            &WHOLE.replace('*', "arn:aws:execute-api:${aws:username}:1:*"),
            Err(DocumentError::Resource),
        );
        let long = format!("arn:aws:execute-api:*:*:{}", "x".repeat(RESOURCE_BYTES_MAX));
        check_statement(&WHOLE.replace('*', &long), Err(DocumentError::Resource));
        check_statement(&format!(r#"{WHOLE},"NotResource":"*""#), Err(DocumentError::Key));
        check_statement(&format!(r#"{WHOLE},"Principal":"*""#), Err(DocumentError::Key));
        check_statement(&format!(r#"{WHOLE},"Condtion":{{}}"#), Err(DocumentError::Key));
    }

    #[test]
    fn conditions() {
        let check = |condition: &str, want| {
            let start = r#""Effect":"Allow","Action":"*","Resource":"*","Condition":"#;
            check_statement(&format!("{start}{condition}"), want);
        };
        check(
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","::1"]},"Bool":{"aws:SecureTransport":true}}"#,
            Ok(1),
        );
        check(r#"{"NumericLessThan":{"aws:EpochTime":17}}"#, Ok(1));
        for condition in [
            "[]",
            r#"{"IpAddres":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            r#"{"IpAddress":{"aws:SourceIpp":"10.0.0.0/8"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":null}}"#,
            r#"{"IpAddress":"10.0.0.0/8"}"#,
        ] {
            check(condition, Err(DocumentError::Condition));
        }
    }
}
