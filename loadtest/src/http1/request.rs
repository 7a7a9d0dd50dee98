//! Heads of requests, as the origin reads them.

use std::mem::MaybeUninit;

use super::{Body, FIELDS_MAX, Malformed, framing};

/// A complete head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whether the method is HEAD: the answer has no body.
    pub is_head: bool,
    /// Length of the head, with its empty line.
    pub bytes: usize,
    /// What follows.
    pub body: Body,
    /// Whether the connection may be used again afterwards.
    pub keeps_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Reads a head at the front of `bytes`; `None` when more is needed.
///
/// # Errors
/// When no further bytes can make this an HTTP/1.1 request whose end is clear.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_request_with_uninit_headers(&mut request, bytes, &mut fields)
        .map_err(framing::head_error)?;
    let httparse::Status::Complete(head_bytes) = parsed else { return framing::incomplete(bytes) };
    framing::lines_end_in_crlf(&bytes[..head_bytes])?;
    let version = request.version.ok_or(Malformed::Head)?;
    let framing = framing::read(request.headers, version)?;
    Ok(Some(Head {
        is_head: request.method == Some("HEAD"),
        bytes: head_bytes,
        // RFC 9112, 6.3: a request without a length has no body.
        body: framing.length.body(Body::Empty),
        keeps_alive: framing.connection.keeps_alive(version),
        expects_continue: framing.expects_continue,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_needs() {
        let text = b"HEAD /a HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi";
        let got = head(text).unwrap().unwrap();
        let want = Head {
            is_head: true,
            bytes: text.len() - 2,
            body: Body::Sized { left: 2 },
            keeps_alive: true,
            expects_continue: true,
        };
        assert_eq!(got, want);
        assert_eq!(head(b"GET / HTTP/1.1\r\nHost: b"), Ok(None));
        assert_eq!(head(b"GET / HTTP/1.1\nHost: b\n\n"), Err(Malformed::BareLineFeed));
        assert_eq!(head(b"GET /\x00 HTTP/1.1\r\n"), Err(Malformed::Head));
    }
}
