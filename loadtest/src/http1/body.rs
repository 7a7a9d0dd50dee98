//! Where a body ends. Bodies are counted, not kept.

use super::Malformed;

/// Hexadecimal digits of a chunk size: 15 cannot overflow.
const CHUNK_SIZE_DIGITS_MAX: u8 = 15;
/// Bytes of chunk extensions, and of trailers, of one body.
const EXTRA_BYTES_MAX: u32 = 16_384;

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// That many bytes.
    Sized {
        /// Bytes.
        left: u64,
    },
    /// Chunks (RFC 9112, 7.1).
    Chunked(Chunked),
    /// Everything until the peer closes.
    UntilClose,
}

/// How far a body has come by some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many of the bytes belong to the body and its framing.
    pub bytes: usize,
    /// Whether the body is complete.
    pub complete: bool,
}

impl Body {
    /// Takes what belongs to the body from the front of `bytes`, and shows the content to `content`.
    ///
    /// # Errors
    /// When chunks are not framed as RFC 9112 says.
    #[inline]
    pub fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<Taken, Malformed> {
        match self {
            Self::Empty => Ok(Taken { bytes: 0, complete: true }),
            Self::Sized { left } => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                content(&bytes[..taken]);
                *left -= taken as u64;
                Ok(Taken { bytes: taken, complete: *left == 0 })
            }
            Self::Chunked(chunked) => chunked.take(bytes, &mut content),
            Self::UntilClose => {
                content(bytes);
                Ok(Taken { bytes: bytes.len(), complete: false })
            }
        }
    }
}

/// Place in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunked {
    place: Place,
    extra: u32,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { place: Place::Size { value: 0, digits: 0 }, extra: 0 }
    }
}

/// The grammar of RFC 9112, 7.1, byte by byte.
///
/// ```text
/// Size ──";"──> Extension ──CR──> SizeLf ──size > 0──> Data ──> DataCr ──> DataLf ──> Size
///   └─────────────CR────────────────┘ └───size = 0──> TrailerStart ──CR──> EndLf ──> (complete)
///                                                       │    ^
///                                                       v    └─LF─┐
///                                                     Trailer ─CR─> TrailerLf
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Size { value: u64, digits: u8 },
    Extension { value: u64 },
    SizeLf { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
}

impl Chunked {
    fn take(&mut self, bytes: &[u8], content: &mut impl FnMut(&[u8])) -> Result<Taken, Malformed> {
        let mut at = 0;
        while at < bytes.len() {
            if let Place::Data { left } = self.place {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                content(&bytes[at..at + taken]);
                at += taken;
                let left = left - taken as u64;
                self.place = if left == 0 { Place::DataCr } else { Place::Data { left } };
                continue;
            }
            let Some(next) = self.step(bytes[at])? else {
                return Ok(Taken { bytes: at + 1, complete: true });
            };
            self.place = next;
            at += 1;
        }
        Ok(Taken { bytes: at, complete: false })
    }

    /// The place after one byte of framing; `None` after the last.
    fn step(&mut self, byte: u8) -> Result<Option<Place>, Malformed> {
        Ok(Some(match (self.place, byte) {
            (Place::Size { value, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if digits == CHUNK_SIZE_DIGITS_MAX {
                    return Err(Malformed::ChunkSize);
                }
                let digit = (byte as char).to_digit(16).unwrap_or(0);
                Place::Size { value: value * 16 + u64::from(digit), digits: digits + 1 }
            }
            (Place::Size { value, digits: 1.. }, b'\r') => Place::SizeLf { value },
            (Place::Size { value, digits: 1.. }, b';') => Place::Extension { value },
            (Place::Extension { value }, b'\r') => Place::SizeLf { value },
            (Place::Extension { .. }, b'\n') | (Place::Size { .. }, _) => return Err(Malformed::ChunkSize),
            (Place::Extension { value }, _) => {
                self.count_extra(Malformed::ChunkSize)?;
                Place::Extension { value }
            }
            (Place::SizeLf { value: 0 }, b'\n') => Place::TrailerStart,
            (Place::SizeLf { value }, b'\n') => Place::Data { left: value },
            (Place::SizeLf { .. }, _) => return Err(Malformed::ChunkSize),
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size { value: 0, digits: 0 },
            (Place::DataCr | Place::DataLf | Place::Data { .. }, _) => return Err(Malformed::ChunkEnd),
            (Place::TrailerStart, b'\r') => Place::EndLf,
            (Place::Trailer, b'\r') => Place::TrailerLf,
            (Place::TrailerStart | Place::Trailer, b'\n') => return Err(Malformed::Trailers),
            (Place::TrailerStart | Place::Trailer, _) => {
                self.count_extra(Malformed::Trailers)?;
                Place::Trailer
            }
            (Place::TrailerLf, b'\n') => Place::TrailerStart,
            (Place::EndLf, b'\n') => return Ok(None),
            (Place::TrailerLf | Place::EndLf, _) => return Err(Malformed::Trailers),
        }))
    }

    fn count_extra(&mut self, too_much: Malformed) -> Result<(), Malformed> {
        self.extra += 1;
        if self.extra > EXTRA_BYTES_MAX { Err(too_much) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads whole and byte by byte: both must say the same.
    #[track_caller]
    fn check(bytes: &str, want: Result<(usize, &str), Malformed>) {
        for step in [bytes.len().max(1), 1] {
            let mut body = Body::Chunked(Chunked::default());
            let mut content = Vec::new();
            let mut taken = 0;
            let mut got = Err(Malformed::Head);
            for piece in bytes.as_bytes().chunks(step) {
                match body.take(piece, |bytes| content.extend_from_slice(bytes)) {
                    Ok(part) => {
                        taken += part.bytes;
                        if part.complete {
                            got = Ok((taken, std::str::from_utf8(&content).unwrap()));
                            break;
                        }
                    }
                    Err(error) => {
                        got = Err(error);
                        break;
                    }
                }
            }
            assert_eq!(got, want, "{bytes:?} by {step}");
        }
    }

    #[test]
    fn chunked() {
        check("0\r\n\r\n", Ok((5, "")));
        check("3\r\nabc\r\n0\r\n\r\nHTTP", Ok((13, "abc")));
        check("3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n", Ok((38, "abc0123456789")));
        check("\r\n", Err(Malformed::ChunkSize));
        check("g\r\n", Err(Malformed::ChunkSize));
        check("3\nabc", Err(Malformed::ChunkSize));
        check("3 \r\nabc", Err(Malformed::ChunkSize));
        check("-3\r\nabc", Err(Malformed::ChunkSize));
        check("1000000000000000\r\n", Err(Malformed::ChunkSize));
        check("3\r\nabcd\r\n", Err(Malformed::ChunkEnd));
        check("0\r\n\n", Err(Malformed::Trailers));
        check("0\r\nx: y\n\r\n", Err(Malformed::Trailers));
    }
}
