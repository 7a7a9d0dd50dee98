//! A token taken apart. What it says is not proved before its signature is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::TokenError;
use super::claims::Claims;
use super::keys::Key;

/// A token of three parts.
#[derive(Debug)]
pub struct Token<'a> {
    /// Which key it says to be signed with (`kid`).
    pub key_id: String,
    algorithm: String,
    /// What is signed: header and payload with the dot between.
    signed: &'a str,
    signature: &'a str,
    payload: Map<String, Value>,
}

/// The members of a header that decide anything. A repeated one is refused.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub fn read(text: &'a [u8]) -> Result<Self, TokenError> {
        let text = std::str::from_utf8(text).map_err(|_| TokenError::Malformed)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = read_json(header)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let payload = read_json(payload)?;
        Ok(Self { key_id: header.kid, algorithm: header.alg, signed, signature, payload })
    }

    /// The issuer that it says to be of.
    pub fn issuer(&self) -> Option<&str> {
        self.payload.get("iss").and_then(Value::as_str)
    }

    /// What it says, if the key has signed that.
    pub fn prove(self, key: &Key) -> Result<Claims, TokenError> {
        if self.algorithm != key.algorithm_name() {
            return Err(TokenError::Algorithm);
        }
        if !key.has_signed(self.signed.as_bytes(), self.signature) {
            return Err(TokenError::Signature);
        }
        Ok(Claims::new(self.payload))
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}
