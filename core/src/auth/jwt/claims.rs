//! What a token says, as API Gateway passes it on: texts.

use serde_json::{Map, Value};

use super::TokenError;
use crate::clock;

/// The claims of a token whose signature is good.
#[derive(Debug, PartialEq, Eq)]
pub struct Claims {
    /// Names and values as texts, sorted by name.
    values: Box<[(Box<str>, Box<str>)]>,
    /// Which kind of token it is; only a text says that.
    token_use: Option<Box<str>>,
    /// Who it is for; several where it is a list.
    audience: Box<[Box<str>]>,
    expires_s: Option<u64>,
    not_before_s: Option<u64>,
}

impl Claims {
    pub(super) fn new(payload: Map<String, Value>) -> Self {
        let expires_s = payload.get("exp").and_then(seconds);
        // One that cannot be read is never reached.
        let not_before_s = payload.get("nbf").map(|moment| seconds(moment).unwrap_or(u64::MAX));
        let audience = match payload.get("aud") {
            Some(Value::String(one)) => Box::from([one.as_str().into()]),
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(Into::into).collect(),
            Some(_) | None => Box::default(),
        };
        let token_use = payload.get("token_use").and_then(Value::as_str).map(Into::into);
        let mut values: Vec<(Box<str>, Box<str>)> = payload
            .into_iter()
            .map(|(name, value)| (name.as_str().into(), text(&name, &value).into()))
            .collect();
        values.sort();
        Self { values: values.into(), token_use, audience, expires_s, not_before_s }
    }

    /// The value of a claim.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.values.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.values[found].1)
    }

    /// Names and values.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Which kind of token of a user pool it is: `id` or `access`.
    pub fn token_use(&self) -> Option<&str> {
        self.token_use.as_deref()
    }

    /// Who it is for.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.audience.iter().map(|one| &**one)
    }

    /// Whether it has one of these scopes.
    pub fn has_scope(&self, wanted: &[Box<str>]) -> bool {
        let scopes = self.value("scope").unwrap_or_default();
        scopes.split(' ').any(|scope| wanted.iter().any(|wanted| **wanted == *scope))
    }

    /// Whether it is good now.
    pub fn check_time(&self, now_s: u64) -> Result<(), TokenError> {
        if self.expires_s.ok_or(TokenError::NoExpiry)? <= now_s {
            return Err(TokenError::Expired);
        }
        if self.not_before_s.is_some_and(|not_before_s| not_before_s > now_s) {
            return Err(TokenError::NotYet);
        }
        Ok(())
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.values.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        size_of::<Self>() + texts + self.audience.iter().map(|one| one.len() + 24).sum::<usize>()
    }
}

/// RFC 7519 section 2: seconds since 1970, with or without a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let fraction = |seconds: f64| (0.0..=9e15).contains(&seconds).then_some(seconds as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(fraction))
}

/// As API Gateway writes it: moments as Java does, lists with commas between.
fn text(name: &str, value: &Value) -> String {
    match (name, value) {
        ("exp" | "iat" | "nbf", moment) if let Some(unix_s) = seconds(moment) => clock::java_date(unix_s),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => String::new(),
        (_, Value::Array(items)) => items.iter().map(|item| text("", item)).collect::<Vec<_>>().join(","),
        (_, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(payload: Value) -> Claims {
        Claims::new(payload.as_object().expect("an object").clone())
    }

    #[test]
    fn values_are_texts() {
        let claims = claims(json!({
            "sub": "u1", "email_verified": true, "auth_time": 1_500_009_400, "exp": 1_500_013_000, "iat": 1_500_009_400.5,
            "cognito:groups": ["a", "b"], "custom:o": {"x": 1}, "none": null, "aud": "client", "scope": "a/read openid",
        }));
        for (name, want) in [
            ("sub", "u1"),
            ("email_verified", "true"),
            ("auth_time", "1500009400"),
            ("exp", "Fri Jul 14 06:16:40 UTC 2017"),
            ("iat", "Fri Jul 14 05:16:40 UTC 2017"),
            ("cognito:groups", "a,b"),
            ("custom:o", "{\"x\":1}"),
            ("none", ""),
        ] {
            assert_eq!(claims.value(name), Some(want), "{name}");
        }
        assert_eq!(claims.value("subject"), None);
        assert_eq!(claims.audience().collect::<Vec<_>>(), ["client"]);
        assert!(claims.has_scope(&["openid".into()]) && claims.has_scope(&["x".into(), "a/read".into()]));
        assert!(
            !claims.has_scope(&["read".into()]) && !claims.has_scope(&[]) && !claims.has_scope(&["a".into()])
        );
    }

    #[test]
    fn times() {
        let check =
            |payload: Value, want| assert_eq!(claims(payload.clone()).check_time(100), want, "{payload}");
        check(json!({"exp": 101}), Ok(()));
        check(json!({"exp": 101.9, "nbf": 100}), Ok(()));
        check(json!({"exp": 100}), Err(TokenError::Expired));
        check(json!({"exp": 1e300}), Err(TokenError::NoExpiry));
        check(json!({"exp": "101"}), Err(TokenError::NoExpiry));
        check(json!({"exp": -1}), Err(TokenError::NoExpiry));
        check(json!({}), Err(TokenError::NoExpiry));
        check(json!({"exp": 200, "nbf": 101}), Err(TokenError::NotYet));
        check(json!({"exp": 200, "nbf": "x"}), Err(TokenError::NotYet));
    }
}
