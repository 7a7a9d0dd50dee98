//! The keys of an issuer: a JSON Web Key Set (RFC 7517), each key with the one algorithm that it is for.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::provider;
use crate::limits::{KEY_SET_BYTES_MAX, KEYS_MAX};

/// Public keys by their ids.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// A public key.
pub struct Key {
    id: Box<str>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// More than [`KEY_SET_BYTES_MAX`] bytes.
    TooLarge,
    /// More than [`KEYS_MAX`] keys.
    TooMany,
    /// Not a JSON Web Key Set.
    Malformed,
    /// It has no key that could be used.
    Empty,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "a key set has at most {KEY_SET_BYTES_MAX} bytes"),
            Self::TooMany => write!(f, "a key set has at most {KEYS_MAX} keys"),
            Self::Malformed => f.write_str("not a JSON Web Key Set"),
            Self::Empty => f.write_str("the key set has no key that could be used"),
        }
    }
}

impl KeySet {
    /// Reads a key set. Keys that are not for signatures, or of a kind that is not known, are left out.
    pub fn read(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let set: JwkSet = serde_json::from_slice(document).map_err(|_| KeySetError::Malformed)?;
        if set.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<Key> = set.keys.iter().filter_map(Key::read).collect();
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self { keys }) }
    }

    /// The key with this id.
    pub fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| *key.id == *id)
    }
}

impl Key {
    fn read(jwk: &Jwk) -> Option<Self> {
        provider::install();
        let id = jwk.common.key_id.as_deref().unwrap_or_default();
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let algorithm = algorithm(jwk)?;
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: id.into(), algorithm, key })
    }

    /// As a token names it.
    pub(super) fn algorithm_name(&self) -> &'static str {
        provider::name(self.algorithm)
    }

    /// Whether the signature, in base64url, is of this key.
    pub fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The one algorithm of a key: what it says, if that is one for its kind; else its kind's own. A secret is no key here,
/// and of a key's kind, not of the token, it depends what a signature is.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let said = jwk.common.key_algorithm;
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => match said {
            None | Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
            Some(KeyAlgorithm::RS384) => Some(Algorithm::RS384),
            Some(KeyAlgorithm::RS512) => Some(Algorithm::RS512),
            Some(KeyAlgorithm::PS256) => Some(Algorithm::PS256),
            Some(KeyAlgorithm::PS384) => Some(Algorithm::PS384),
            Some(KeyAlgorithm::PS512) => Some(Algorithm::PS512),
            Some(_) => None,
        },
        AlgorithmParameters::EllipticCurve(parameters) => match (&parameters.curve, said) {
            (EllipticCurve::P256, None | Some(KeyAlgorithm::ES256)) => Some(Algorithm::ES256),
            (EllipticCurve::P384, None | Some(KeyAlgorithm::ES384)) => Some(Algorithm::ES384),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(parameters) => match (&parameters.curve, said) {
            (EllipticCurve::Ed25519, None | Some(KeyAlgorithm::EdDSA)) => Some(Algorithm::EdDSA),
            _ => None,
        },
        // Secrets, and whatever comes to be known.
        _ => None,
    }
}
