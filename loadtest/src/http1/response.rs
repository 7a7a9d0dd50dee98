//! Heads of answers, as the load generator reads them.

use std::mem::MaybeUninit;

use super::framing::{self, Length};
use super::{Body, FIELDS_MAX, Malformed};

/// A complete head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// From 100 to 599.
    pub status: u16,
    /// Length of the head, with its empty line.
    pub bytes: usize,
    /// What follows.
    pub body: Body,
    /// Whether the connection may be used again afterwards.
    pub keeps_alive: bool,
}

/// Reads a head at the front of `bytes`; `None` when more is needed.
///
/// # Errors
/// When no further bytes can make this an HTTP/1.1 answer whose end is clear.
pub fn head(bytes: &[u8], to_head_request: bool) -> Result<Option<Head>, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut fields)
        .map_err(framing::head_error)?;
    let httparse::Status::Complete(head_bytes) = parsed else { return framing::incomplete(bytes) };
    framing::lines_end_in_crlf(&bytes[..head_bytes])?;
    let version = response.version.ok_or(Malformed::Head)?;
    let status = response.code.filter(|status| (100..600).contains(status)).ok_or(Malformed::Status)?;
    let framing = framing::read(response.headers, version)?;
    let body = body(status, to_head_request, framing.length)?;
    let keeps_alive = framing.connection.keeps_alive(version) && body != Body::UntilClose;
    Ok(Some(Head { status, bytes: head_bytes, body, keeps_alive }))
}

/// RFC 9112, 6.3: some answers have no body, whatever their fields say.
fn body(status: u16, to_head_request: bool, length: Length) -> Result<Body, Malformed> {
    match status {
        101 => Err(Malformed::Upgrade),
        100..200 | 204 | 304 => Ok(Body::Empty),
        _ if to_head_request => Ok(Body::Empty),
        _ => Ok(length.body(Body::UntilClose)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::body::Chunked;

    #[track_caller]
    fn check(fields: &str, want: Result<(u16, Body, bool), Malformed>) {
        let text = format!("{fields}\r\n\r\n");
        let got = head(text.as_bytes(), false);
        let got =
            got.map(|head| head.expect("complete")).map(|head| (head.status, head.body, head.keeps_alive));
        assert_eq!(got, want, "{fields:?}");
        for end in 0..text.len() {
            if let Ok(Some(head)) = head(&text.as_bytes()[..end], false) {
                panic!("{fields:?}: a head of {end} bytes: {head:?}");
            }
        }
    }

    #[test]
    fn framing() {
        let chunked = Body::Chunked(Chunked::default());
        check("HTTP/1.1 200 OK\r\nContent-Length: 5", Ok((200, Body::Sized { left: 5 }, true)));
        check("HTTP/1.1 200 OK\r\nContent-Length: 0", Ok((200, Body::Empty, true)));
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", Ok((200, chunked, true)));
        check(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1",
            Ok((200, Body::Sized { left: 1 }, false)),
        );
        check("HTTP/1.1 200 OK", Ok((200, Body::UntilClose, false)));
        check("HTTP/1.1 204 No", Ok((204, Body::Empty, true)));
        check("HTTP/1.1 304 No\r\nContent-Length: 9", Ok((304, Body::Empty, true)));
        check("HTTP/1.0 200 OK\r\nContent-Length: 1", Ok((200, Body::Sized { left: 1 }, false)));
        let keep = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive";
        check(keep, Ok((200, Body::Sized { left: 1 }, true)));
    }

    #[test]
    fn refusals() {
        let rows = [
            ("HTTP/1.1 200 OK\r\nContent-Length: +5", Malformed::ContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5", Malformed::ContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5", Malformed::TwoLengths),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", Malformed::TwoLengths),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5", Malformed::TwoLengths),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked", Malformed::TransferEncoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked", Malformed::TransferEncoding),
            ("HTTP/1.1 101 Switching", Malformed::Upgrade),
            ("HTTP/1.1 099 Low", Malformed::Status),
            ("HTTP/1.1 600 High", Malformed::Status),
            ("HTTP/2 200 OK", Malformed::Head),
            ("HTTP/1.1 200 OK\r\nA : b", Malformed::Head),
        ];
        for (fields, want) in rows {
            check(fields, Err(want));
        }
        assert_eq!(head(b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", false), Err(Malformed::BareLineFeed));
        assert_eq!(head(&[b'A'; 100], false), Err(Malformed::Head));
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(head(text, true).unwrap().unwrap().body, Body::Empty);
    }
}
