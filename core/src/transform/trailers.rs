//! Which trailers pass, in either direction.
//!
//! A trailer comes when everything has been decided: a peer that puts it among the header fields takes it for one of those that
//! somebody has looked at. So no field passes that frames, routes, authenticates, controls or describes a message
//! (RFC 9110 section 6.5.1), nor one that the gateway writes or judges itself.

use crate::http1::KnownField;

/// Names without their punctuation. Beside them, no [`KnownField`] passes.
const NEVER: [&[u8]; 39] = [
    // authentication and state
    b"authenticationinfo",
    b"cookie",
    b"cookie2",
    b"setcookie",
    b"setcookie2",
    // controls and conditions
    b"cachecontrol",
    b"cdncachecontrol",
    b"expires",
    b"ifmatch",
    b"ifmodifiedsince",
    b"ifnonematch",
    b"ifrange",
    b"ifunmodifiedsince",
    b"lastmodified",
    b"location",
    b"prefer",
    b"refresh",
    b"retryafter",
    b"vary",
    b"warning",
    b"http2settings",
    b"stricttransportsecurity",
    b"upgradeinsecurerequests",
    // what content is
    b"contentdisposition",
    b"contentlanguage",
    b"contentlocation",
    b"contentrange",
    b"contentsecuritypolicy",
    b"contenttransferencoding",
    b"acceptranges",
    // who asks, by the words of those in between
    b"cfconnectingip",
    b"fastlyclientip",
    b"forwarded",
    b"from",
    b"origin",
    b"trueclientip",
    b"xclientip",
    b"xclusterclientip",
    b"xmethodoverride",
];

/// What such names begin with.
const NEVER_BEGINNINGS: [&[u8]; 10] = [
    b"access-control-",
    b"proxy-",
    b"sec-",
    b"x-amz",
    b"x-apigw-",
    b"x-forwarded-",
    b"x-http-method",
    b"x-original-",
    b"x-real-",
    b"x-rewrite-",
];

/// Whether a trailer may pass, by its name. Punctuation does not count, since to some peers `-` and `_` are one.
pub fn may_pass(name: &[u8]) -> bool {
    let is = |never: &[u8]| letters(name).eq(never.iter().copied());
    let begins = |never: &&[u8]| hyphenated(name).take(never.len()).eq(never.iter().copied());
    !NEVER.into_iter().any(is)
        && !NEVER_BEGINNINGS.iter().any(begins)
        // The last one is `Other`, whose name is empty, as are the letters of punctuation alone.
        && !KnownField::ALL.iter().any(|known| is_alike(known.name().as_bytes(), name))
}

/// Whether two names are one to a peer that does not look at punctuation.
pub fn is_alike(name: &[u8], other: &[u8]) -> bool {
    letters(name).eq(letters(other))
}

fn hyphenated(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter().map(|byte| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' })
}

fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_the_content_passes() {
        for name in [
            "grpc-status",
            "Grpc-Message",
            "grpc-status-details-bin",
            "X-Checksum",
            "Digest",
            "Content-Digest",
            "Repr-Digest",
            "Server-Timing",
            "ETag",
            "Signature",
            "x-a-m",
            "second",
            "x",
            "1",
        ] {
            assert!(may_pass(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_decides_does_not() {
        for known in KnownField::ALL {
            assert!(!may_pass(known.name().as_bytes()), "{known:?}");
            assert!(!may_pass(known.name().replace('-', "_").to_ascii_uppercase().as_bytes()), "{known:?}");
        }
        for name in [
            "Set-Cookie",
            "set_cookie",
            "Cookie",
            "Cache-Control",
            "X-Forwarded-Host",
            "X-FORWARDED_anything",
            "x-amzn-anything",
            "X-Amz-Date",
            "If-None-Match",
            "Proxy-Authorization",
            "Sec-WebSocket-Key",
            "Content-Length-",
            "content--length",
            "Transfer.Encoding",
            "X-HTTP-Method",
            "X-Original-URL",
            "X-Real-IP",
            "Access-Control-Allow-Origin",
            "--",
            "_",
        ] {
            assert!(!may_pass(name.as_bytes()), "{name}");
        }
    }
}
