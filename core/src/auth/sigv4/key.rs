//! Scopes, and the keys that are derived for them.

use std::fmt;

use ring::{digest, hmac};

use super::credentials::Secret;
use super::time::AmzTime;
use super::{ALGORITHM, TERMINATOR};

/// For which service in which region a signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// `us-east-1`
    pub region: &'a str,
    /// `execute-api`
    pub service: &'a str,
}

impl Scope<'_> {
    /// Appends `20150830/us-east-1/service/aws4_request`.
    pub(super) fn write(&self, day: &[u8; 8], out: &mut Vec<u8>) {
        out.extend_from_slice(day);
        for part in [self.region, self.service, TERMINATOR] {
            out.push(b'/');
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// What signs for one day and one scope; the secret cannot be had from it.
#[derive(Clone)]
pub struct SigningKey {
    day: [u8; 8],
    key: hmac::Key,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Four HMACs; keep the key for the day.
    pub fn derive(secret: &Secret, day: &[u8; 8], scope: Scope<'_>) -> Self {
        let first = [b"AWS4", secret.reveal()].concat();
        let parts =
            [day.as_slice(), scope.region.as_bytes(), scope.service.as_bytes(), TERMINATOR.as_bytes()];
        let key = parts.iter().fold(hmac::Key::new(hmac::HMAC_SHA256, &first), |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part).as_ref())
        });
        Self { day: *day, key }
    }

    /// The day that it is good for.
    pub fn day(&self) -> &[u8; 8] {
        &self.day
    }

    /// The signature of a string to sign, in hexadecimal.
    pub(super) fn sign(&self, string_to_sign: &[u8]) -> [u8; 64] {
        hex(hmac::sign(&self.key, string_to_sign).as_ref())
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, string_to_sign: &[u8], signature: &[u8; 32]) -> bool {
        hmac::verify(&self.key, string_to_sign, signature).is_ok()
    }
}

/// Appends the string to sign for a canonical request.
pub(super) fn write_string_to_sign(time: &AmzTime, scope: Scope<'_>, canonical: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(ALGORITHM.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(time.as_bytes());
    out.push(b'\n');
    scope.write(time.day(), out);
    out.push(b'\n');
    out.extend_from_slice(&hex(digest::digest(&digest::SHA256, canonical).as_ref()));
}

/// 32 bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> [u8; 64] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    debug_assert_eq!(bytes.len(), 32);
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    text
}

/// Reads 64 lower-case hexadecimal digits.
pub(super) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    let text: &[u8; 64] = text.try_into().ok()?;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        let bytes: [u8; 32] = std::array::from_fn(|place| (place * 37) as u8);
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex(&hex(&bytes).to_ascii_uppercase()), None);
        assert_eq!(unhex(&hex(&bytes)[1..]), None);
        assert_eq!(unhex(&[b'g'; 64]), None);
    }

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::new("wJalrXUtnFEMI");
        let key = SigningKey::derive(&secret, b"20150830", Scope { region: "r", service: "s" });
        assert_eq!(format!("{secret:?} {key:?}"), "*** SigningKey { .. }");
    }
}
