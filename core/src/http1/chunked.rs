//! The chunked transfer coding (RFC 9112 section 7.1), read strictly.
//!
//! ```text
//! SizeStart ─► Size ────────► SizeLf ── size > 0 ──► Data ─► DataCr ─► DataLf ─► SizeStart
//!               └► Extension ──┘ └───── size = 0 ──► Trailer ─► Done
//! ```

use super::body::{Decoded, at_most};
use super::{BodyError, Trailers};

/// Most bytes of all chunk extensions of one body together. Nobody uses them; attackers did (CVE-2023-39326).
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 4096;

/// Digits that fit 64 bits; more are refused even if they are zeros.
const SIZE_DIGITS_MAX: u8 = 16;

/// Where in a chunked body the decoder is.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunked {
    state: State,
    /// At most [`CHUNK_EXTENSION_BYTES_MAX`].
    extension_bytes: usize,
}

/// Whether more of the body is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    More,
    Last,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    SizeStart,
    Size {
        size: u64,
        digits: u8,
    },
    /// Inside a chunk extension.
    Extension {
        size: u64,
        part: Extension,
    },
    /// Behind the CR of a size line.
    SizeLf {
        size: u64,
    },
    Data {
        remaining: u64,
    },
    DataCr,
    DataLf,
    /// Inside the trailer section.
    Trailer(Trailer),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    NameStart,
    Name,
    ValueStart,
    Token,
    Quoted,
    Escaped,
    QuotedEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trailer {
    LineStart,
    Name,
    Value,
    LineLf,
    EndLf,
}

impl Chunked {
    /// Consumes framing, then one run of data. Behind the last run come the trailers.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        trailers: &mut Trailers,
    ) -> Result<(Decoded, Piece), BodyError> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if let State::Data { remaining } = self.state {
                let length = at_most(input.len() - at, remaining);
                self.state = match remaining - length as u64 {
                    0 => State::DataCr,
                    remaining => State::Data { remaining },
                };
                return Ok((Decoded { consumed: at + length, content: at..at + length }, Piece::More));
            }
            at += 1;
            self.state = self.step(byte, trailers)?;
            if self.state == State::Done {
                return Ok((Decoded { consumed: at, content: at..at }, Piece::Last));
            }
        }
        Ok((Decoded { consumed: at, content: at..at }, Piece::More))
    }

    /// Takes one byte that is not data.
    fn step(&mut self, byte: u8, trailers: &mut Trailers) -> Result<State, BodyError> {
        match (self.state, byte) {
            (State::SizeStart, _) => add_digit(0, 0, byte),
            (State::Size { size, .. }, b'\r') => Ok(State::SizeLf { size }),
            (State::Size { size, .. }, b';') => self.extension(size, Extension::NameStart),
            (State::Size { size, digits }, _) => add_digit(size, digits, byte),
            (State::Extension { size, part }, _) => self.extension_byte(size, part, byte),
            (State::SizeLf { size: 0 }, b'\n') => Ok(State::Trailer(Trailer::LineStart)),
            (State::SizeLf { size }, b'\n') => Ok(State::Data { remaining: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataCr, _) => Err(BodyError::ChunkDataEnd),
            (State::DataLf, b'\n') => Ok(State::SizeStart),
            (State::SizeLf { .. } | State::DataLf, _) => Err(BodyError::ChunkLineEnd),
            (State::Trailer(part), _) => trailer_byte(part, byte, trailers),
            (State::Data { .. } | State::Done, _) => unreachable!("taken by decode"),
        }
    }

    fn extension(&mut self, size: u64, part: Extension) -> Result<State, BodyError> {
        self.extension_bytes += 1;
        if self.extension_bytes > CHUNK_EXTENSION_BYTES_MAX {
            return Err(BodyError::ChunkExtensionsTooLong);
        }
        Ok(State::Extension { size, part })
    }

    /// `*( ";" name [ "=" ( token / quoted-string ) ] )`. The white space that RFC 9112 section 7.1.1 calls bad is
    /// refused: no current sender writes it, and readers differ about it.
    fn extension_byte(&mut self, size: u64, part: Extension, byte: u8) -> Result<State, BodyError> {
        use Extension::{Escaped, Name, NameStart, Quoted, QuotedEnd, Token, ValueStart};
        let part = match (part, byte) {
            (Name | Token | QuotedEnd, b'\r') => return Ok(State::SizeLf { size }),
            (Name | Token | QuotedEnd, b';') => NameStart,
            (Name, b'=') => ValueStart,
            (NameStart | Name, _) if is_token_byte(byte) => Name,
            (ValueStart, b'"') => Quoted,
            (ValueStart | Token, _) if is_token_byte(byte) => Token,
            (Quoted, b'"') => QuotedEnd,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, _) if is_field_byte(byte) => Quoted,
            (_, b'\n' | b'\r') => return Err(BodyError::ChunkLineEnd),
            (NameStart | Name | ValueStart | Token | Quoted | Escaped | QuotedEnd, _) => {
                return Err(BodyError::ChunkExtension);
            }
        };
        self.extension(size, part)
    }
}

/// Field lines and the empty line behind them.
fn trailer_byte(part: Trailer, byte: u8, trailers: &mut Trailers) -> Result<State, BodyError> {
    let part = match (part, byte) {
        (Trailer::LineStart, b'\r') => return Ok(State::Trailer(Trailer::EndLf)),
        (Trailer::LineStart, _) if is_token_byte(byte) => {
            trailers.begin_field()?;
            Trailer::Name
        }
        (Trailer::Name, b':') => Trailer::Value,
        (Trailer::Name, _) if is_token_byte(byte) => Trailer::Name,
        (Trailer::Value, b'\r') => Trailer::LineLf,
        (Trailer::Value, _) if is_field_byte(byte) => Trailer::Value,
        (Trailer::LineLf, b'\n') => Trailer::LineStart,
        (Trailer::EndLf, b'\n') => return Ok(State::Done),
        (Trailer::LineLf | Trailer::EndLf, _) | (_, b'\n') => return Err(BodyError::ChunkLineEnd),
        (Trailer::LineStart | Trailer::Name | Trailer::Value, _) => return Err(BodyError::Trailer),
    };
    trailers.push_byte(byte)?;
    Ok(State::Trailer(part))
}

fn add_digit(size: u64, digits: u8, byte: u8) -> Result<State, BodyError> {
    if byte == b'\n' {
        return Err(BodyError::ChunkLineEnd);
    }
    let digit = char::from(byte).to_digit(16).ok_or(BodyError::ChunkSize)?;
    if digits == SIZE_DIGITS_MAX {
        return Err(BodyError::ChunkSize);
    }
    Ok(State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 })
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// A byte that a field value or a quoted string may hold (RFC 9110 section 5.5).
pub(super) fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}
