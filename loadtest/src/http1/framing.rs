//! The fields that frame a body.

use httparse::Header;

use super::{Body, Malformed};
use crate::http1::body::Chunked;

/// What a head's fields say about the body and the connection.
pub(super) struct Framing {
    pub(super) length: Length,
    pub(super) connection: Connection,
    pub(super) expects_continue: bool,
}

/// How the body's end is told.
#[derive(Clone, Copy)]
pub(super) enum Length {
    Absent,
    Sized(u64),
    Chunked,
}

/// What `Connection` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Default,
    KeepAlive,
    Close,
}

impl Connection {
    /// Whether the connection may serve another message (RFC 9112, 9.3).
    pub(super) fn keeps_alive(self, version: u8) -> bool {
        match self {
            Self::Close => false,
            Self::KeepAlive => true,
            Self::Default => version == 1,
        }
    }
}

impl Length {
    pub(super) fn body(self, absent: Body) -> Body {
        match self {
            Self::Absent => absent,
            Self::Sized(0) => Body::Empty,
            Self::Sized(left) => Body::Sized { left },
            Self::Chunked => Body::Chunked(Chunked::default()),
        }
    }
}

pub(super) fn read(fields: &[Header<'_>], version: u8) -> Result<Framing, Malformed> {
    let mut framing =
        Framing { length: Length::Absent, connection: Connection::Default, expects_continue: false };
    for field in fields {
        // By length first: nearly every field of nearly every head is none of these.
        match field.name.len() {
            6 if field.name.eq_ignore_ascii_case("expect") => {
                framing.expects_continue = field.value.eq_ignore_ascii_case(b"100-continue");
            }
            10 if field.name.eq_ignore_ascii_case("connection") => {
                framing.connection = connection(field.value, framing.connection);
            }
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                framing.length = content_length(field.value, framing.length)?;
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                framing.length = transfer_encoding(field.value, framing.length, version)?;
            }
            _ => {}
        }
    }
    Ok(framing)
}

fn connection(value: &[u8], so_far: Connection) -> Connection {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).fold(so_far, |so_far, option| {
        if option.eq_ignore_ascii_case(b"close") {
            Connection::Close
        } else if option.eq_ignore_ascii_case(b"keep-alive") && so_far == Connection::Default {
            Connection::KeepAlive
        } else {
            so_far
        }
    })
}

fn content_length(value: &[u8], so_far: Length) -> Result<Length, Malformed> {
    if !matches!(so_far, Length::Absent) {
        return Err(Malformed::TwoLengths);
    }
    // 18 digits cannot overflow; more is no length that anyone sends.
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::ContentLength);
    }
    Ok(Length::Sized(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))))
}

fn transfer_encoding(value: &[u8], so_far: Length, version: u8) -> Result<Length, Malformed> {
    match so_far {
        Length::Absent if version == 1 && value.eq_ignore_ascii_case(b"chunked") => Ok(Length::Chunked),
        Length::Absent | Length::Chunked => Err(Malformed::TransferEncoding),
        Length::Sized(_) => Err(Malformed::TwoLengths),
    }
}

/// Length of the head in bytes if it is complete: httparse takes a bare LF for a line end, RFC 9112 only lets it.
pub(super) fn lines_end_in_crlf(head: &[u8]) -> Result<(), Malformed> {
    let bare = memchr::memchr_iter(b'\n', head).any(|at| at == 0 || head[at - 1] != b'\r');
    if bare { Err(Malformed::BareLineFeed) } else { Ok(()) }
}

/// What httparse says, in our words.
pub(super) fn head_error(error: httparse::Error) -> Malformed {
    match error {
        httparse::Error::TooManyHeaders => Malformed::HeadTooLarge,
        _ => Malformed::Head,
    }
}

/// `None` while more bytes may still make a head of these.
pub(super) fn incomplete<T>(bytes: &[u8]) -> Result<Option<T>, Malformed> {
    if bytes.len() >= super::HEAD_BYTES_MAX { Err(Malformed::HeadTooLarge) } else { Ok(None) }
}
