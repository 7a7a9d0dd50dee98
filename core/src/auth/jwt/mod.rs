//! JSON Web Tokens (RFC 7519), signed (RFC 7515): whose they are, if they are anybody's.
//!
//! The algorithm is that of the key, never that of the token: `none`, and a public key taken for a secret, are refused.
//!
//! - [`token`]: a token taken apart, of which nothing is proved
//! - [`keys`]: the keys of an issuer (RFC 7517), each with its algorithm
//! - [`claims`]: what a token says, once that is proved
//! - `provider`: the cryptography that `jsonwebtoken` runs on, which is ring's

pub mod claims;
pub mod keys;
mod provider;
pub mod token;

pub use self::claims::Claims;
pub use self::keys::{KeySet, KeySetError};
pub use self::token::Token;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Not three parts of base64url with JSON in the first two.
    Malformed,
    /// Its header asks for something that must be understood and is not (RFC 7515 section 4.1.11).
    Critical,
    /// Of an issuer that is not asked for.
    Issuer,
    /// Its key is not among the issuer's.
    UnknownKey,
    /// Its algorithm is not that of its key.
    Algorithm,
    /// Its signature is not that of its key.
    Signature,
    /// It does not say until when it is good.
    NoExpiry,
    /// It was good until a moment ago, or longer.
    Expired,
    /// It is not good yet.
    NotYet,
    /// An access token where an ID token is asked for, or the other way round.
    Use,
    /// Its audience is not the one that is asked for.
    Audience,
    /// It has none of the scopes.
    Scope,
}

impl TokenError {
    /// What is wrong, for logs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Malformed => "the token is malformed",
            Self::Critical => "the token has critical header parameters",
            Self::Issuer => "the token is of another issuer",
            Self::UnknownKey => "the token's key is not known",
            Self::Algorithm => "the token's algorithm is not that of its key",
            Self::Signature => "the token's signature is wrong",
            Self::NoExpiry => "the token does not say when it expires",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not good yet",
            Self::Use => "the token is of the wrong kind",
            Self::Audience => "the token's audience does not match",
            Self::Scope => "the token has none of the scopes",
        }
    }
}
