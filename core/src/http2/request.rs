//! The head of a request, from its fields.

use crate::http1::{HeadError, HeadLimits, KnownField, RequestHead};

/// What stands before the fields (RFC 9113 section 8.3.1).
#[derive(Clone, Copy, Debug)]
pub struct Pseudo<'a> {
    /// `:method`
    pub method: &'a [u8],
    /// `:scheme`, if it is known.
    pub scheme: Option<&'a [u8]>,
    /// `:authority`
    pub authority: Option<&'a [u8]>,
    /// `:path`
    pub path: &'a [u8],
}

/// Writes the request into `head`. `fields` gives its fields in the order received, names as sent; `has_body` says whether DATA frames
/// follow. An error is about this request alone: the connection goes on.
///
/// AWS: clients of HTTP/2 have lower-case names in events, but for `Host` and `User-Agent`. Cookies in several fields are
/// one field again (RFC 9113 section 8.2.3).
pub fn read<'a, I: Iterator<Item = (&'a [u8], &'a [u8])>>(
    pseudo: &Pseudo<'_>,
    fields: impl Fn() -> I,
    has_body: bool,
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<(), HeadError> {
    head.write_line(pseudo.method, pseudo.path, limits)?;
    check_scheme(pseudo.scheme)?;
    if let Some(host) = host(pseudo.authority, fields())? {
        head.write_field(b"Host", b"", [host].into_iter())?;
    }
    let mut had_cookies = false;
    for (name, value) in fields() {
        if name.iter().any(u8::is_ascii_uppercase) {
            return Err(HeadError::FieldName);
        }
        match KnownField::of(name) {
            KnownField::Host => {}
            KnownField::Connection
            | KnownField::KeepAlive
            | KnownField::ProxyConnection
            | KnownField::TransferEncoding
            | KnownField::Upgrade => return Err(HeadError::ConnectionField),
            KnownField::Te if !value.eq_ignore_ascii_case(b"trailers") => {
                return Err(HeadError::ConnectionField);
            }
            KnownField::UserAgent => head.write_field(b"User-Agent", b"", [value].into_iter())?,
            _ if name == COOKIE => {
                if !std::mem::replace(&mut had_cookies, true) {
                    let cookies = fields().filter(|(name, _)| *name == COOKIE).map(|(_, value)| value);
                    head.write_field(COOKIE, b"; ", cookies)?;
                }
            }
            _ => head.write_field(name, b"", [value].into_iter())?,
        }
    }
    head.write_end(has_body, limits)
}

const COOKIE: &[u8] = b"cookie";

/// The scheme of a request says nothing that the connection does not; others than these two are none of a gateway's.
fn check_scheme(scheme: Option<&[u8]>) -> Result<(), HeadError> {
    match scheme {
        None => Ok(()),
        Some(scheme) if scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https") => {
            Ok(())
        }
        Some(_) => Err(HeadError::Scheme),
    }
}

/// The host that a request is for. Two that differ are refused (RFC 9113 section 8.3.1 says that they should be).
fn host<'a: 'b, 'b>(
    authority: Option<&'b [u8]>,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<Option<&'b [u8]>, HeadError> {
    let mut hosts = fields.filter(|(name, _)| *name == b"host").map(|(_, value)| value);
    match (authority, hosts.next(), hosts.next()) {
        (_, _, Some(_)) => Err(HeadError::HostRepeated),
        (Some(authority), Some(host), None) if !host.eq_ignore_ascii_case(authority) => {
            Err(HeadError::AuthorityMismatch)
        }
        (authority, host, None) => Ok(authority.or(host)),
    }
}
