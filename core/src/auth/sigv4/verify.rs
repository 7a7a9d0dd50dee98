//! Checks what clients signed.

use super::canonical::{Canonical, PathStyle, Signable};
use super::claim::{Claim, Place};
use super::error::SignatureError;
use super::key::{Scope, SigningKey, write_string_to_sign};
use super::payload::PayloadHash;
use super::time::SKEW_S_MAX;

/// Whether the claim is for this service in this region, and for the day that it was made on.
pub fn check_scope(claim: &Claim<'_>, scope: Scope<'_>) -> Result<(), SignatureError> {
    if claim.region() != scope.region.as_bytes() {
        Err(SignatureError::Region)
    } else if claim.service() != scope.service.as_bytes() {
        Err(SignatureError::Service)
    } else if !claim.has_terminator() {
        Err(SignatureError::Terminator)
    } else if claim.day() != claim.time.day() {
        Err(SignatureError::Day)
    } else {
        Ok(())
    }
}

/// Whether the claim is still good, and already.
pub fn check_time(claim: &Claim<'_>, now_s: u64) -> Result<(), SignatureError> {
    let good_s = match claim.place {
        Place::Header => SKEW_S_MAX,
        Place::Query { expires_s } => expires_s,
    };
    let signed_s = claim.time.unix_s;
    if signed_s.saturating_add(good_s) < now_s {
        Err(SignatureError::Expired { signed_s, good_s, now_s })
    } else if signed_s > now_s + SKEW_S_MAX {
        Err(SignatureError::NotYet { signed_s, now_s })
    } else {
        Ok(())
    }
}

/// The buffers that signatures are checked in; used again for every request.
#[derive(Debug, Default)]
pub struct Verifier {
    canonical: Canonical,
    string_to_sign: Vec<u8>,
}

impl Verifier {
    /// Whether the signature is that of this request, by the owner of `key`. Scope and time are checked elsewhere.
    pub fn verify(
        &mut self,
        request: &Signable<'_>,
        style: PathStyle,
        claim: &Claim<'_>,
        (key, scope): (&SigningKey, Scope<'_>),
        payload: &PayloadHash,
    ) -> Result<(), SignatureError> {
        debug_assert_eq!(key.day(), claim.time.day());
        let left_out: Option<&[u8]> = match claim.place {
            Place::Header => None,
            Place::Query { .. } => Some(b"X-Amz-Signature"),
        };
        let canonical = (self.canonical)
            .write(request, style, &claim.signed_headers, left_out, payload)
            .map_err(|_| SignatureError::Mismatch)?;
        self.string_to_sign.clear();
        write_string_to_sign(&claim.time, scope, canonical, &mut self.string_to_sign);
        if key.verify(&self.string_to_sign, &claim.signature) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}
