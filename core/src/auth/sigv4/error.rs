//! Why a signature is refused, in AWS's words.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::key::Scope;
use super::time::{AmzTime, SKEW_S_MAX};
use crate::http1::{KnownField, RequestHead};

/// Parts that a signature needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of names, read one by one")]
pub struct Missing {
    pub algorithm: bool,
    pub credential: bool,
    pub signature: bool,
    pub signed_headers: bool,
    pub date: bool,
    pub expires: bool,
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// There is none.
    MissingToken,
    /// A part of `Authorization` is not `name=value`: another scheme's token, mostly.
    InvalidPair,
    /// `Authorization` lacks parts.
    Incomplete(Missing),
    /// The query lacks parts.
    QueryIncomplete(Missing),
    /// A part is there twice.
    Repeated,
    /// Another algorithm.
    Algorithm,
    /// The credential does not have five parts.
    Credential,
    /// The time cannot be read.
    Date,
    /// `X-Amz-Expires` is not from one second to seven days.
    Expires,
    /// `SignedHeaders` are not in order, or not in lower case.
    SignedHeaders,
    /// `host` is not signed.
    HostUnsigned,
    /// A field that decides which method or API is called is not signed.
    DecidingUnsigned,
    /// Another region.
    Region,
    /// Another service.
    Service,
    /// The scope does not end as it must.
    Terminator,
    /// The scope is of another day than the time.
    Day,
    /// Signed too long ago.
    Expired {
        /// When it was signed, in seconds since 1970.
        signed_s: u64,
        /// How long it was good for.
        good_s: u64,
        /// The time now.
        now_s: u64,
    },
    /// Signed in the future.
    NotYet {
        /// When it was signed, in seconds since 1970.
        signed_s: u64,
        /// The time now.
        now_s: u64,
    },
    /// Nobody has this access key.
    UnknownKey,
    /// The access key goes with another session token, or with none.
    Token,
    /// The session is over.
    TokenExpired,
    /// `x-amz-content-sha256` is neither a hash nor `UNSIGNED-PAYLOAD`.
    ContentHash,
    /// The signature is not that of this request.
    Mismatch,
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

impl SignatureError {
    /// Appends AWS's message.
    pub fn write_message(self, request: &RequestHead, scope: Scope<'_>, out: &mut String) {
        match self {
            Self::MissingToken => out.push_str("Missing Authentication Token"),
            Self::InvalidPair => {
                out.push_str(
                    "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded \
                     with Base64): '",
                );
                write_hashed(request, out);
                out.push_str("'.");
            }
            Self::Incomplete(missing) => {
                write_missing(missing, out);
                out.push_str(" (Hashed with SHA-256 and encoded with Base64) Authorization=");
                write_hashed(request, out);
            }
            Self::QueryIncomplete(missing) => write_query_missing(missing, out),
            Self::Expired { signed_s, good_s, now_s } => write_expired(signed_s, good_s, now_s, out),
            Self::NotYet { signed_s, now_s } => write_not_yet(signed_s, now_s, out),
            Self::Service => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "Credential should be scoped to correct service: '{}'. ", scope.service);
            }
            other => out.push_str(other.text()),
        }
    }

    /// The messages that are the same for every request, and what a log calls the others.
    pub fn text(self) -> &'static str {
        match self {
            Self::MissingToken => "Missing Authentication Token",
            Self::InvalidPair => "not a SigV4 Authorization header",
            Self::Incomplete(_) => "the Authorization header lacks parts",
            Self::QueryIncomplete(_) => "the query lacks parts of a signature",
            Self::Repeated => "A part of the signature must not be repeated.",
            Self::Algorithm => "Unsupported AWS 'algorithm'. Only 'AWS4-HMAC-SHA256' is supported.",
            Self::Credential => {
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
            }
            Self::Date => {
                "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601"
            }
            Self::Expires => "X-Amz-Expires must be a number of seconds from 1 to 604800.",
            Self::SignedHeaders => "SignedHeaders is not canonicalized.",
            Self::HostUnsigned => "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            Self::DecidingUnsigned => {
                "'x-http-method-override' and 'x-apigw-api-id' must be a 'SignedHeader' in the AWS Authorization when sent."
            }
            Self::Region => "Credential should be scoped to a valid region. ",
            Self::Service => "another service",
            Self::Terminator => "Credential should be scoped with a valid terminator: 'aws4_request'. ",
            Self::Day => {
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP. "
            }
            Self::Expired { .. } => "signature expired",
            Self::NotYet { .. } => "signature not yet current",
            Self::UnknownKey | Self::Token => "The security token included in the request is invalid.",
            Self::TokenExpired => "The security token included in the request is expired",
            Self::ContentHash => "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value.",
            Self::Mismatch => MISMATCH,
        }
    }
}

/// AWS shows a digest of the field, since it may hold somebody's secret.
fn write_hashed(request: &RequestHead, out: &mut String) {
    let field = request.first(KnownField::Authorization).unwrap_or_default();
    STANDARD.encode_string(digest::digest(&digest::SHA256, field), out);
}

fn write_missing(missing: Missing, out: &mut String) {
    let parts = [
        (missing.credential, "Authorization header requires 'Credential' parameter."),
        (missing.signature, "Authorization header requires 'Signature' parameter."),
        (missing.signed_headers, "Authorization header requires 'SignedHeaders' parameter."),
        (
            missing.date,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ),
    ];
    write_joined(parts.into_iter().filter_map(|(missing, text)| missing.then_some(text)), out);
}

fn write_query_missing(missing: Missing, out: &mut String) {
    let parts = [
        (missing.algorithm, "AWS query-string parameters must include 'X-Amz-Algorithm'."),
        (missing.credential, "AWS query-string parameters must include 'X-Amz-Credential'."),
        (missing.signature, "AWS query-string parameters must include 'X-Amz-Signature'."),
        (missing.signed_headers, "AWS query-string parameters must include 'X-Amz-SignedHeaders'."),
        (missing.date, "AWS query-string parameters must include 'X-Amz-Date'."),
        (missing.expires, "AWS query-string parameters must include 'X-Amz-Expires'."),
    ];
    let texts = parts.into_iter().filter_map(|(missing, text)| missing.then_some(text));
    write_joined(texts.chain(["Re-examine the query-string parameters."]), out);
}

fn write_joined<'a>(texts: impl Iterator<Item = &'a str>, out: &mut String) {
    for (position, text) in texts.enumerate() {
        if position > 0 {
            out.push(' ');
        }
        out.push_str(text);
    }
}

fn write_expired(signed_s: u64, good_s: u64, now_s: u64, out: &mut String) {
    let (signed, earliest, now) =
        (AmzTime::new(signed_s), AmzTime::new(now_s.saturating_sub(good_s)), AmzTime::new(now_s));
    let (signed, earliest, now) = (signed.as_str(), earliest.as_str(), now.as_str());
    let _ = write!(out, "Signature expired: {signed} is now earlier than {earliest} ({now} - ");
    let _ = match good_s {
        SKEW_S_MAX => write!(out, "5 min.)"),
        seconds => write!(out, "{seconds} sec.)"),
    };
}

fn write_not_yet(signed_s: u64, now_s: u64, out: &mut String) {
    let (signed, latest, now) =
        (AmzTime::new(signed_s), AmzTime::new(now_s + SKEW_S_MAX), AmzTime::new(now_s));
    let (signed, latest, now) = (signed.as_str(), latest.as_str(), now.as_str());
    let _ = write!(out, "Signature not yet current: {signed} is still later than {latest} ({now} + 5 min.)");
}
