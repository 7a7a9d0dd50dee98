//! The request target and the host (RFC 9112 section 3.2, RFC 3986).

use super::{HeadError, Version};

/// A target taken apart; slices of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Of absolute-form only.
    pub(super) authority: Option<&'a [u8]>,
    /// Empty for an empty target and for absolute-form without path; `*` for asterisk-form.
    pub(super) path: &'a [u8],
    pub(super) query: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Reads the target of a request with this method.
    pub(super) fn parse(method: &[u8], target: &'a [u8]) -> Result<Self, HeadError> {
        if !has_valid_bytes(target) {
            return Err(HeadError::TargetByte);
        }
        if method == b"CONNECT" {
            return Err(HeadError::Connect);
        }
        match target {
            // http_desync_guardian calls an empty target compliant; like an absolute-form without path it means `/`.
            [] | [b'/', ..] => Ok(Self::split_query(None, target)),
            b"*" if method == b"OPTIONS" => Ok(Self { authority: None, path: target, query: None }),
            _ => Self::parse_absolute(target),
        }
    }

    fn parse_absolute(target: &'a [u8]) -> Result<Self, HeadError> {
        let rest = (strip_prefix_ignoring_case(target, b"http://"))
            .or_else(|| strip_prefix_ignoring_case(target, b"https://"))
            .ok_or(HeadError::TargetForm)?;
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        Ok(Self::split_query(Some(authority), rest))
    }

    fn split_query(authority: Option<&'a [u8]>, rest: &'a [u8]) -> Self {
        match memchr::memchr(b'?', rest) {
            Some(mark) => Self { authority, path: &rest[..mark], query: Some(&rest[mark + 1..]) },
            None => Self { authority, path: rest, query: None },
        }
    }
}

/// All but the control bytes and the space. More than RFC 3986 allows, as AWS and browsers do: `"<>\^`{|}`, and what
/// is percent-encoded when it goes to a backend, bytes outside ASCII and `#`, which starts no fragment here.
pub(super) fn has_valid_bytes(target: &[u8]) -> bool {
    // Without an early way out the loop is vectorised.
    target.iter().fold(true, |valid, &byte| valid & (byte > b' ') & (byte != 0x7f))
}

fn strip_prefix_ignoring_case<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = bytes.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The host a request is for: the value of `Host`, which an absolute-form target must repeat. Empty only for an
/// HTTP/1.0 request that names none.
///
/// RFC 9112 section 3.2.2 lets the target win over `Host`; two hosts in one request are refused here instead.
pub(super) fn host<'a>(
    version: Version,
    field: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
) -> Result<&'a [u8], HeadError> {
    let host = match (field, authority, version) {
        (Some(host), Some(authority), _) if !host.eq_ignore_ascii_case(authority) => {
            return Err(HeadError::AuthorityMismatch);
        }
        (Some(host), _, _) => host,
        (None, _, Version::Http11 | Version::Http2) => return Err(HeadError::HostMissing),
        (None, Some(authority), Version::Http10) => authority,
        (None, None, Version::Http10) => return Ok(b""),
    };
    if is_host(host) { Ok(host) } else { Err(HeadError::HostInvalid) }
}

/// `name[:port]`, `address[:port]` or `[address][:port]`.
///
/// Narrower than RFC 3986: no user information, and of the punctuation in a name only what DNS labels have in
/// practice. A comma or a percent sign there has no other use than to confuse.
fn is_host(host: &[u8]) -> bool {
    if let [b'[', rest @ ..] = host {
        let Some(end) = memchr::memchr(b']', rest) else { return false };
        let (address, port) = rest.split_at(end);
        return !address.is_empty()
            && address.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
            && is_port(&port[1..]);
    }
    let end = host.iter().position(|&byte| !is_name_byte(byte)).unwrap_or(host.len());
    end > 0 && is_port(&host[end..])
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Nothing, or a colon and up to five digits (RFC 3986 section 3.2.3 allows none).
fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
