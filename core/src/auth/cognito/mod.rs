//! Cognito user pools: their tokens say who calls.
//!
//! AWS: "Control access to a REST API using Amazon Cognito user pools as authorizer". Nothing here fetches keys; they come
//! from outside, and are asked for when a token has one that is not known.
//!
//! - [`key_sets`]: the keys of pools, as far as a shard knows them
//! - [`tokens`]: tokens that were good when they came

pub mod key_sets;
pub mod tokens;

use std::sync::Arc;

use crate::auth::authorizer::IdentityPattern;
use crate::auth::jwt::{Claims, TokenError};
use crate::mapping::Source;

pub use self::key_sets::{Held, KeySets, Table};
pub use self::tokens::Tokens;

/// A Cognito authorizer of an API, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CognitoId(pub u32);

/// Scopes of which a method asks for one, by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopesId(pub u32);

/// A Cognito authorizer.
#[derive(Clone, Debug)]
pub struct Cognito {
    /// The name of its security scheme.
    pub name: Box<str>,
    /// Where the token stands.
    pub source: Source,
    /// What the audience of a token has to look like.
    pub audience: Option<IdentityPattern>,
    /// Whose tokens are taken.
    pub pools: Vec<UserPool>,
}

/// A user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// `iss` of its tokens.
    pub issuer: Box<str>,
    /// Where its keys are.
    pub keys_url: Arc<str>,
}

impl Cognito {
    /// The pool that a token says to be of.
    pub fn pool(&self, issuer: Option<&str>) -> Option<&UserPool> {
        self.pools.iter().find(|pool| Some(&*pool.issuer) == issuer)
    }

    /// Whether a token that is good lets a method be called: an access token with one of its scopes if it has any, else an
    /// ID token.
    pub fn admits(&self, claims: &Claims, scopes: Option<&[Box<str>]>) -> Result<(), TokenError> {
        let wanted = if scopes.is_some() { "access" } else { "id" };
        if claims.token_use() != Some(wanted) {
            return Err(TokenError::Use);
        }
        if let Some(pattern) = &self.audience
            && !claims.audience().any(|audience| pattern.fits(audience.as_bytes()))
        {
            return Err(TokenError::Audience);
        }
        if scopes.is_some_and(|scopes| !claims.has_scope(scopes)) {
            return Err(TokenError::Scope);
        }
        Ok(())
    }
}

/// The token in a header field; `Bearer` may stand before it.
pub fn bare_token(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii_start(),
        Some(_) | None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_may_stand_before_a_token() {
        for (value, want) in [
            ("a.b.c", "a.b.c"),
            ("Bearer a.b.c", "a.b.c"),
            ("bearer  a.b.c ", "a.b.c"),
            ("Bearer", "Bearer"),
            ("Bearer ", "Bearer"),
            ("Basic a", "Basic a"),
            ("", ""),
        ] {
            assert_eq!(bare_token(value.as_bytes()), want.as_bytes(), "{value}");
        }
    }
}
