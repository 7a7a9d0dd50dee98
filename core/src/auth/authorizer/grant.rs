//! What the function of an authorizer answers: who calls, a policy, and whatever else it wants to be known.
//!
//! AWS: "Output from an API Gateway Lambda authorizer".

use serde_json::{Map, Value};

use crate::auth::policy::{DocumentError, OwnArn, Policy, document};
use crate::limits::AUTHORIZER_RESULT_BYTES_MAX;

/// An answer, read once when it comes.
#[derive(Debug, PartialEq)]
pub struct Grant {
    /// Who calls.
    pub principal_id: Box<str>,
    /// What they may do.
    pub policy: Policy,
    /// `$context.authorizer.N`, as texts, sorted by name.
    context: Context,
    /// The value of an API key.
    pub usage_key: Option<Box<str>>,
    /// About how much memory it takes.
    pub bytes: usize,
}

/// Names and values.
type Context = Box<[(Box<str>, Box<str>)]>;

/// Why an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// More than [`AUTHORIZER_RESULT_BYTES_MAX`].
    TooLarge,
    /// Not a JSON object.
    NoObject,
    /// `principalId` is missing, or no text.
    PrincipalId,
    /// `policyDocument` is missing, or cannot be read.
    Policy(DocumentError),
    /// `context` is no object of texts, numbers and booleans.
    Context,
    /// `usageIdentifierKey` is no text.
    UsageKey,
}

impl Malformed {
    /// What is wrong, for logs.
    pub fn text(self) -> &'static str {
        match self {
            Self::TooLarge => "its answer is too large",
            Self::NoObject => "its answer is no JSON object",
            Self::PrincipalId => "its answer has no principalId",
            Self::Policy(error) => error.text(),
            Self::Context => "context in its answer has other values than texts, numbers and booleans",
            Self::UsageKey => "usageIdentifierKey in its answer is no text",
        }
    }
}

/// What a policy compiled takes for each byte of its document, roughly; measured with those that AWS's blueprints make.
const COMPILED_FACTOR: usize = 4;

impl Grant {
    /// Reads an answer.
    pub fn read(payload: &[u8], own: OwnArn<'_>) -> Result<Self, Malformed> {
        if payload.len() > AUTHORIZER_RESULT_BYTES_MAX {
            return Err(Malformed::TooLarge);
        }
        let mut answer: Map<String, Value> =
            serde_json::from_slice(payload).map_err(|_| Malformed::NoObject)?;
        let Some(Value::String(principal_id)) = answer.remove("principalId") else {
            return Err(Malformed::PrincipalId);
        };
        let policy = answer.get("policyDocument").ok_or(Malformed::Policy(DocumentError::Missing))?;
        let policy = document::read(policy, own).map_err(Malformed::Policy)?;
        let usage_key = match answer.remove("usageIdentifierKey") {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) => Some(key.into()),
            Some(_) => return Err(Malformed::UsageKey),
        };
        let context = read_context(answer.remove("context"))?;
        let bytes = size_of::<Self>() + payload.len() * COMPILED_FACTOR;
        Ok(Self { principal_id: principal_id.into(), policy, context, usage_key, bytes })
    }

    /// The value of a name in the context.
    pub fn value(&self, name: &str) -> Option<&str> {
        if name == "principalId" {
            return Some(&self.principal_id);
        }
        let found = self.context.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.context[found].1)
    }

    /// Names and values, but for the principal's.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.context.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// AWS: texts, numbers and booleans, all of which become texts. A null is as if it were not there.
fn read_context(context: Option<Value>) -> Result<Context, Malformed> {
    let members = match context {
        None | Some(Value::Null) => return Ok(Box::default()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Malformed::Context),
    };
    let mut values: Vec<(Box<str>, Box<str>)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let text = match value {
            Value::String(text) => text.into(),
            Value::Number(number) => number.to_string().into(),
            Value::Bool(yes) => if yes { "true" } else { "false" }.into(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => return Err(Malformed::Context),
        };
        // Who calls is said in its own place.
        if name != "principalId" {
            values.push((name.into(), text));
        }
    }
    values.sort();
    Ok(values.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: OwnArn<'_> = OwnArn { region: "eu-west-1", account: "123456789012" };
    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}"#;

    fn read(members: &str) -> Result<Grant, Malformed> {
        Grant::read(members.replace("POLICY", POLICY).as_bytes(), OWN)
    }

    #[test]
    fn an_answer_is_read() {
        let grant = read(
            r#"{"principalId":"u1","policyDocument":POLICY,"usageIdentifierKey":"k",
                "context":{"text":"a","number":1,"fraction":1.5,"yes":true,"no":false,"null":null,"principalId":"x"},"more":[]}"#,
        )
        .expect("a grant");
        assert_eq!((&*grant.principal_id, grant.usage_key.as_deref()), ("u1", Some("k")));
        let want = [("fraction", "1.5"), ("no", "false"), ("number", "1"), ("text", "a"), ("yes", "true")];
        assert_eq!(grant.values().collect::<Vec<_>>(), want);
        assert_eq!(
            (grant.value("principalId"), grant.value("number"), grant.value("null")),
            (Some("u1"), Some("1"), None)
        );
        assert!(read(r#"{"principalId":"u1","policyDocument":POLICY,"context":null}"#).is_ok());
    }

    #[test]
    fn what_is_no_answer() {
        let large = format!("{{\"principalId\":\"{}\"}}", "x".repeat(AUTHORIZER_RESULT_BYTES_MAX));
        for (members, want) in [
            ("", Malformed::NoObject),
            ("null", Malformed::NoObject),
            ("[]", Malformed::NoObject),
            ("\"Unauthorized\"", Malformed::NoObject),
            ("{}", Malformed::PrincipalId),
            (r#"{"principalId":7,"policyDocument":POLICY}"#, Malformed::PrincipalId),
            (r#"{"principalId":null,"policyDocument":POLICY}"#, Malformed::PrincipalId),
            (r#"{"principalId":"u1"}"#, Malformed::Policy(DocumentError::Missing)),
            (r#"{"principalId":"u1","policyDocument":"x"}"#, Malformed::Policy(DocumentError::NoPolicy)),
            (r#"{"principalId":"u1","policyDocument":POLICY,"context":[]}"#, Malformed::Context),
            (r#"{"principalId":"u1","policyDocument":POLICY,"context":{"a":{}}}"#, Malformed::Context),
            (r#"{"principalId":"u1","policyDocument":POLICY,"context":{"a":[1]}}"#, Malformed::Context),
            (r#"{"principalId":"u1","policyDocument":POLICY,"usageIdentifierKey":7}"#, Malformed::UsageKey),
            (&large, Malformed::TooLarge),
        ] {
            assert_eq!(read(members).expect_err("malformed"), want, "{}", &members[..members.len().min(80)]);
        }
    }
}
