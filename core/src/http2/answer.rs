//! The head of an answer. It is written once, as HTTP/1.1 has it; for HTTP/2 it is read again.

use memchr::memchr;
use memchr::memmem;

use crate::http1::KnownField;

/// A head that [`Exchange::out`](crate::exchange::Exchange::out) begins with.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    /// The status.
    pub status: u16,
    /// How many bytes the head has; content follows.
    pub bytes: usize,
    lines: &'a [u8],
}

impl<'a> AnswerHead<'a> {
    /// Reads the head of what the gateway has written itself; `None` if it is none.
    pub fn read(out: &'a [u8]) -> Option<Self> {
        let end = memmem::find(out, b"\r\n\r\n")?;
        let head = &out[..end + 2];
        let (line, lines) = head.split_at(memchr(b'\n', head)? + 1);
        let status = std::str::from_utf8(line.get(9..12)?).ok()?.parse().ok()?;
        Some(Self { status, bytes: end + 4, lines })
    }

    /// The fields that HTTP/2 has too, names as written: what tells about one connection of HTTP/1.1 is left out
    /// (RFC 9113 section 8.2.2).
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.lines.split(|&byte| byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r")?;
            let (name, value) = line.split_at(memchr(b':', line)?);
            is_passed(KnownField::of(name)).then(|| (name, value[1..].trim_ascii()))
        })
    }
}

fn is_passed(field: KnownField) -> bool {
    !matches!(
        field,
        KnownField::Connection
            | KnownField::KeepAlive
            | KnownField::ProxyConnection
            | KnownField::Te
            | KnownField::TransferEncoding
            | KnownField::Upgrade
    )
}
