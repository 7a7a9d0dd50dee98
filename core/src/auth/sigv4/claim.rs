//! What a request claims: who signed it, when, for what, and which of its headers.
//!
//! Reads the two forms of AWS: the `Authorization` field, and the parameters of a presigned URL. Strict: a part that is
//! there twice makes the request unreadable, so that nobody can read the other one.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::error::{Missing, SignatureError};
use super::key::unhex;
use super::time::AmzTime;
use super::{ALGORITHM, TERMINATOR};
use crate::http1::{KnownField, RequestHead};

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In `Authorization`.
    Header,
    /// In the query, good for this many seconds.
    Query {
        /// `X-Amz-Expires`
        expires_s: u64,
    },
}

/// What a request claims. Nothing of it is proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Where it stands.
    pub place: Place,
    /// When it was signed.
    pub time: AmzTime,
    /// `X-Amz-Security-Token`
    pub session_token: Option<Cow<'a, [u8]>>,
    pub(super) signed_headers: Cow<'a, [u8]>,
    pub(super) signature: [u8; 32],
    credential: Cow<'a, [u8]>,
}

/// Longest a presigned URL can be good for: seven days.
const EXPIRES_S_MAX: u64 = 604_800;

/// Fields that decide where a request goes, though no other part of it says so: a signature has to cover them.
const DECIDING: [(KnownField, &[u8]); 2] = [
    (KnownField::XHttpMethodOverride, b"x-http-method-override"),
    (KnownField::XApigwApiId, b"x-apigw-api-id"),
];

impl<'a> Claim<'a> {
    /// Reads what a request claims. Without any signature it is [`SignatureError::MissingToken`].
    pub fn read(request: &'a RequestHead) -> Result<Self, SignatureError> {
        let mut fields = request.find(b"authorization");
        let claim = match (fields.next(), fields.next()) {
            (Some(field), None) => Self::read_field(field, request)?,
            (Some(_), Some(_)) => return Err(SignatureError::InvalidPair),
            (None, _) => Self::read_query(request)?,
        };
        claim.check_credential()?;
        claim.check_signed_headers(request)?;
        Ok(claim)
    }

    /// `AKIA…`
    pub fn access_key_id(&self) -> &[u8] {
        self.scope_part(0)
    }

    /// `20150830`
    pub(super) fn day(&self) -> &[u8] {
        self.scope_part(1)
    }

    pub(super) fn region(&self) -> &[u8] {
        self.scope_part(2)
    }

    pub(super) fn service(&self) -> &[u8] {
        self.scope_part(3)
    }

    pub(super) fn has_terminator(&self) -> bool {
        self.scope_part(4) == TERMINATOR.as_bytes()
    }

    fn scope_part(&self, number: usize) -> &[u8] {
        self.credential.split(|&byte| byte == b'/').nth(number).unwrap_or_default()
    }

    /// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
    fn read_field(field: &'a [u8], request: &'a RequestHead) -> Result<Self, SignatureError> {
        let (scheme, pairs) = split_once(field, b' ').unwrap_or((b"", field));
        let [mut credential, mut signed_headers, mut signature] = [None; 3];
        for pair in pairs.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            let (name, value) = split_once(pair, b'=').ok_or(SignatureError::InvalidPair)?;
            let slot = match name {
                b"Credential" => &mut credential,
                b"SignedHeaders" => &mut signed_headers,
                b"Signature" => &mut signature,
                _ => continue,
            };
            fill(slot, value)?;
        }
        let date = once(request, b"x-amz-date")?.or(request.first(KnownField::Date));
        let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
            (credential, signed_headers, signature, date)
        else {
            return Err(SignatureError::Incomplete(Missing {
                algorithm: false,
                credential: credential.is_none(),
                signature: signature.is_none(),
                signed_headers: signed_headers.is_none(),
                date: date.is_none(),
                expires: false,
            }));
        };
        if scheme != ALGORITHM.as_bytes() {
            return Err(SignatureError::Algorithm);
        }
        Ok(Self {
            place: Place::Header,
            time: AmzTime::parse_date_field(date).ok_or(SignatureError::Date)?,
            session_token: once(request, b"x-amz-security-token")?.map(Cow::Borrowed),
            signed_headers: Cow::Borrowed(signed_headers),
            signature: unhex(signature).ok_or(SignatureError::Mismatch)?,
            credential: Cow::Borrowed(credential),
        })
    }

    /// `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=…`
    fn read_query(request: &'a RequestHead) -> Result<Self, SignatureError> {
        let [
            mut algorithm,
            mut credential,
            mut date,
            mut expires,
            mut signed_headers,
            mut signature,
            mut token,
        ] = [None; 7];
        for parameter in request.query().unwrap_or_default().split(|&byte| byte == b'&') {
            let (name, value) = split_once(parameter, b'=').unwrap_or((parameter, b""));
            let slot = match name {
                b"X-Amz-Algorithm" => &mut algorithm,
                b"X-Amz-Credential" => &mut credential,
                b"X-Amz-Date" => &mut date,
                b"X-Amz-Expires" => &mut expires,
                b"X-Amz-SignedHeaders" => &mut signed_headers,
                b"X-Amz-Signature" => &mut signature,
                b"X-Amz-Security-Token" => &mut token,
                _ => continue,
            };
            fill(slot, value)?;
        }
        if algorithm.is_none() && credential.is_none() && signature.is_none() {
            return Err(SignatureError::MissingToken);
        }
        let (
            Some(algorithm),
            Some(credential),
            Some(date),
            Some(expires),
            Some(signed_headers),
            Some(signature),
        ) = (algorithm, credential, date, expires, signed_headers, signature)
        else {
            return Err(SignatureError::QueryIncomplete(Missing {
                algorithm: algorithm.is_none(),
                credential: credential.is_none(),
                signature: signature.is_none(),
                signed_headers: signed_headers.is_none(),
                date: date.is_none(),
                expires: expires.is_none(),
            }));
        };
        if *decoded(algorithm) != *ALGORITHM.as_bytes() {
            return Err(SignatureError::Algorithm);
        }
        Ok(Self {
            place: Place::Query { expires_s: expires_s(&decoded(expires)).ok_or(SignatureError::Expires)? },
            time: AmzTime::parse(&decoded(date)).ok_or(SignatureError::Date)?,
            session_token: token.map(decoded),
            signed_headers: decoded(signed_headers),
            signature: unhex(&decoded(signature)).ok_or(SignatureError::Mismatch)?,
            credential: decoded(credential),
        })
    }

    fn check_credential(&self) -> Result<(), SignatureError> {
        let mut parts = self.credential.split(|&byte| byte == b'/');
        let whole = parts.by_ref().take(5).filter(|part| !part.is_empty()).count() == 5;
        if whole && parts.next().is_none() { Ok(()) } else { Err(SignatureError::Credential) }
    }

    /// AWS: names in lower case and in order, `host` among them. Which other fields a signature covers is the client's
    /// choice, but for those that decide which method of which API is called.
    fn check_signed_headers(&self, request: &RequestHead) -> Result<(), SignatureError> {
        let mut last = b"".as_slice();
        for name in self.names() {
            if name <= last || name.iter().any(u8::is_ascii_uppercase) {
                return Err(SignatureError::SignedHeaders);
            }
            last = name;
        }
        if !self.signs(b"host") {
            return Err(SignatureError::HostUnsigned);
        }
        let present = request.field_set().present();
        let unsigned = |(known, name): &(KnownField, &[u8])| present.contains(*known) && !self.signs(name);
        if DECIDING.iter().any(unsigned) { Err(SignatureError::DecidingUnsigned) } else { Ok(()) }
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.signed_headers.split(|&byte| byte == b';')
    }

    fn signs(&self, name: &[u8]) -> bool {
        self.names().any(|signed| signed == name)
    }
}

/// Borrowed when there is nothing to decode. A `+` is a plus: no value here has a space.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(text).into()
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(separator, text)?;
    Some((&text[..at], &text[at + 1..]))
}

fn fill<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Result<(), SignatureError> {
    if slot.replace(value).is_some() { Err(SignatureError::Repeated) } else { Ok(()) }
}

/// The value of a field that may be there once.
fn once<'a>(request: &'a RequestHead, name: &'a [u8]) -> Result<Option<&'a [u8]>, SignatureError> {
    let mut values = request.find(name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(SignatureError::Repeated),
        (value, None) => Ok(value),
    }
}

fn expires_s(text: &[u8]) -> Option<u64> {
    let seconds: u64 = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()?;
    (1..=EXPIRES_S_MAX).contains(&seconds).then_some(seconds)
}
