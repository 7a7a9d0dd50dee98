//! Request lines that are accepted although httparse refuses them: an empty target, and one that is not UTF-8.

use super::codings::is_token;
use super::{Version, target};
use memchr::memchr;

/// A request line (RFC 9112 section 3), taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLine<'a> {
    /// A token.
    pub(super) method: &'a [u8],
    /// Perhaps empty.
    pub(super) target: &'a [u8],
    pub(super) version: Version,
}

impl<'a> RequestLine<'a> {
    /// What httparse has read.
    pub(super) fn parsed(request: &httparse::Request<'_, 'a>) -> Self {
        Self {
            method: request.method.unwrap_or_default().as_bytes(),
            target: request.path.unwrap_or_default().as_bytes(),
            version: Version::of_minor(request.version),
        }
    }

    /// Splits `head` behind its request line: exactly `method SP target SP HTTP-version CR LF`, the target perhaps
    /// empty. So the two spaces of an empty target are no licence to put more spaces anywhere.
    #[cold]
    pub(super) fn split(head: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (line, fields) = head.split_at(memchr(b'\n', head)? + 1);
        let (method, rest) = line.split_at(memchr(b' ', line)?);
        let (target, version) = rest[1..].split_at(memchr(b' ', &rest[1..])?);
        let version = match version {
            b" HTTP/1.0\r\n" => Version::Http10,
            b" HTTP/1.1\r\n" => Version::Http11,
            _ => return None,
        };
        let line = Self { method, target, version };
        (is_token(method) && target::has_valid_bytes(target)).then_some((line, fields))
    }
}
