//! What a signature says about the body.

use ring::digest;

use super::key::hex;

/// What ends the canonical request: the body's digest, or that it is not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// SHA-256 in lower-case hexadecimal.
    Sha256([u8; 64]),
    /// `UNSIGNED-PAYLOAD`
    Unsigned,
}

impl PayloadHash {
    /// The hash of `body`.
    pub fn of(body: &[u8]) -> Self {
        Self::Sha256(hex(digest::digest(&digest::SHA256, body).as_ref()))
    }

    /// Reads `x-amz-content-sha256`. `None`: something else, as the `STREAMING-…` of S3.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text == b"UNSIGNED-PAYLOAD" {
            return Some(Self::Unsigned);
        }
        let hash: [u8; 64] = text.try_into().ok()?;
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        hash.iter().all(is_hex).then_some(Self::Sha256(hash))
    }

    /// As it stands in the canonical request.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(hash) => hash,
            Self::Unsigned => b"UNSIGNED-PAYLOAD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn hashes() {
        assert_eq!(PayloadHash::of(b"").as_bytes(), EMPTY);
        assert_eq!(PayloadHash::parse(EMPTY), Some(PayloadHash::of(b"")));
        assert_eq!(PayloadHash::parse(b"UNSIGNED-PAYLOAD"), Some(PayloadHash::Unsigned));
        assert_eq!(PayloadHash::parse(&EMPTY.to_ascii_uppercase()), None);
        assert_eq!(PayloadHash::parse(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), None);
        assert_eq!(PayloadHash::parse(b""), None);
    }
}
