//! The trailer section of a body: fields that its sender knew only when it had sent the content (RFC 9110 section 6.5).

use super::chunked::{is_field_byte, is_token_byte};
use super::{BodyError, encode};

/// Most bytes of the trailer section of one body.
pub const TRAILER_BYTES_MAX: usize = 8192;

/// Most fields in it: a peer of HTTP/2 counts 32 bytes more for each (RFC 9113 section 6.5.2).
pub const TRAILER_FIELDS_MAX: usize = 64;

/// Fields behind a body, each of them a valid one; mostly none, which costs no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    /// At most [`TRAILER_BYTES_MAX`]; each ends with CR LF and has a colon.
    lines: Vec<u8>,
    /// At most [`TRAILER_FIELDS_MAX`].
    count: usize,
}

impl Trailers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends a field, within the limits. White space around a value is none of it.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), BodyError> {
        let is_valid = !name.is_empty()
            && name.iter().copied().all(is_token_byte)
            && value.iter().copied().all(is_field_byte);
        if !is_valid {
            return Err(BodyError::Trailer);
        }
        let value = value.trim_ascii();
        if self.lines.len() + name.len() + value.len() + 4 > TRAILER_BYTES_MAX {
            return Err(BodyError::TrailersTooLong);
        }
        self.begin_field()?;
        encode::field(name, value, &mut self.lines);
        Ok(())
    }

    /// Names and values, in the order received.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.split(|&byte| byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at(memchr::memchr(b':', line)?);
            Some((name, value[1..].trim_ascii()))
        })
    }

    /// The value of the first field with this name, ASCII case ignored.
    pub fn find(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Those whose names are wanted.
    pub fn only(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Self {
        let mut kept = Self::default();
        for (name, value) in self.fields().filter(|(name, _)| is_wanted(name)) {
            encode::field(name, value, &mut kept.lines);
            kept.count += 1;
        }
        kept
    }

    /// The chunk that ends a body, with them (RFC 9112 section 7.1.2).
    pub fn last_chunk(&self) -> Vec<u8> {
        if self.is_empty() {
            return encode::LAST_CHUNK.to_vec();
        }
        let mut out = b"0\r\n".to_vec();
        for (name, value) in self.fields() {
            encode::field(name, value, &mut out);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// One more begins.
    pub(super) fn begin_field(&mut self) -> Result<(), BodyError> {
        self.count += 1;
        if self.count > TRAILER_FIELDS_MAX { Err(BodyError::TrailersTooLong) } else { Ok(()) }
    }

    /// The next byte of a field line, which the coding has found to be one.
    pub(super) fn push_byte(&mut self, byte: u8) -> Result<(), BodyError> {
        if self.lines.len() == TRAILER_BYTES_MAX {
            return Err(BodyError::TrailersTooLong);
        }
        self.lines.push(byte);
        Ok(())
    }
}
