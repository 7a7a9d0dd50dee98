//! What signs: an access key, its secret, and the token of a session.

use std::fmt;

/// A text that nobody may read in a log: its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self(text.into().into())
    }

    /// The text.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a signer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA…`, or `ASIA…` for a session.
    pub access_key_id: Box<str>,
    /// Its secret.
    pub secret_access_key: Secret,
    /// `X-Amz-Security-Token`, of a session.
    pub session_token: Option<Secret>,
}
