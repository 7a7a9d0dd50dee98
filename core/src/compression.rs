//! Content codings: gzip and deflate.
//!
//! AWS: "Payload compression for REST APIs". Requests are always decompressed; answers are compressed for APIs that say so
//! (`minimumCompressionSize`) and clients that ask for it.

use std::io::Read as _;

use flate2::Compression;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use flate2::read::{GzEncoder, ZlibEncoder};

/// A coding that is supported beside `identity` (RFC 9110 section 8.4.1). `deflate` is the zlib format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, also called `x-gzip`.
    Gzip,
    /// `deflate`.
    Deflate,
}

/// Why a payload cannot be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// It is not of the coding that its header names, or this coding is not supported: 415.
    Media,
    /// It is larger than the limit on payloads: 413.
    TooLarge,
}

/// Level 1: on a shard, time is more than bytes. Level 6 takes three to four times as long for a tenth fewer bytes.
const LEVEL: Compression = Compression::fast();

impl Coding {
    fn parse(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") {
            Some(Self::Gzip)
        } else if name.eq_ignore_ascii_case(b"deflate") {
            Some(Self::Deflate)
        } else {
            None
        }
    }

    /// The coding's name, as `Content-Encoding` has it.
    pub fn name(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"gzip",
            Self::Deflate => b"deflate",
        }
    }

    /// The codings that `Content-Encoding` values name, the outermost last; `identity` is none.
    pub fn of_content<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Self>, Undecodable> {
        let names = values.flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
        let names = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
        names.map(|name| Self::parse(name).ok_or(Undecodable::Media)).collect()
    }

    /// The coding that an `Accept-Encoding` value prefers: the first supported one among those of the highest weight.
    /// AWS: without it, or with `*` alone, nothing is compressed, nor when the highest priority is not supported.
    pub fn preferred(accepted: &[u8]) -> Option<Self> {
        let mut best: Option<(u16, Option<Self>)> = None;
        for entry in accepted.split(|&byte| byte == b',') {
            let mut parts = entry.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(weight).unwrap_or(1000);
            if name.is_empty() || weight == 0 {
                continue;
            }
            let coding = Self::parse(name);
            match &mut best {
                Some((highest, found)) if weight == *highest => *found = found.or(coding),
                Some((highest, _)) if weight < *highest => {}
                _ => best = Some((weight, coding)),
            }
        }
        best?.1
    }

    /// Compresses.
    pub fn compress(self, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(content.len() / 4 + 64);
        let read = match self {
            Self::Gzip => GzEncoder::new(content, LEVEL).read_to_end(&mut out),
            Self::Deflate => ZlibEncoder::new(content, LEVEL).read_to_end(&mut out),
        };
        // Reading from a slice does not fail.
        debug_assert!(read.is_ok());
        out
    }

    /// Decompresses; what follows the end is an error.
    pub fn decompress(self, content: &[u8], bytes_max: u64) -> Result<Vec<u8>, Undecodable> {
        let (mut rest, mut out) = (content, Vec::new());
        let limit = bytes_max.saturating_add(1);
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(&mut rest).take(limit).read_to_end(&mut out),
            Self::Deflate => ZlibDecoder::new(&mut rest).take(limit).read_to_end(&mut out),
        };
        match read {
            _ if out.len() as u64 > bytes_max => Err(Undecodable::TooLarge),
            Ok(_) if rest.is_empty() => Ok(out),
            Ok(_) | Err(_) => Err(Undecodable::Media),
        }
    }
}

/// Decompresses a payload by its codings, the outermost first.
pub fn decompress(codings: &[Coding], content: &[u8], bytes_max: u64) -> Result<Vec<u8>, Undecodable> {
    let mut decoded: Option<Vec<u8>> = None;
    for coding in codings.iter().rev() {
        decoded = Some(coding.decompress(decoded.as_deref().unwrap_or(content), bytes_max)?);
    }
    Ok(decoded.unwrap_or_else(|| content.to_vec()))
}

/// `q=0.5` in thousandths (RFC 9110 section 12.4.2); what is no weight is none.
fn weight(parameter: &[u8]) -> Option<u16> {
    let (b'q' | b'Q', value) = parameter.split_first().map(|(name, rest)| (*name, rest.trim_ascii()))? else {
        return None;
    };
    let value = value.strip_prefix(b"=")?.trim_ascii();
    let value: f32 = std::str::from_utf8(value).ok()?.parse().ok()?;
    (0.0..=1.0).contains(&value).then_some((value * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_codings() {
        for (accepted, want) in [
            ("gzip", Some(Coding::Gzip)),
            ("deflate", Some(Coding::Deflate)),
            ("GZIP, deflate", Some(Coding::Gzip)),
            ("gzip;q=0.5, deflate", Some(Coding::Deflate)),
            ("gzip;q=0.5, deflate ; q=0.4", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Gzip)),
            ("br, gzip", Some(Coding::Gzip)),
            ("br, gzip;q=0.9", None),
            ("x-gzip", Some(Coding::Gzip)),
            ("identity, gzip;q=0.5", None),
            ("gzip;q=0", None),
            ("gzip;q=x", Some(Coding::Gzip)),
            ("*", None),
            ("", None),
            (" , ;", None),
        ] {
            assert_eq!(Coding::preferred(accepted.as_bytes()), want, "{accepted}");
        }
    }

    #[test]
    fn content_codings() {
        let of = |values: &[&str]| Coding::of_content(values.iter().map(|value| value.as_bytes()));
        assert_eq!(of(&[]), Ok(vec![]));
        assert_eq!(of(&["identity", ""]), Ok(vec![]));
        assert_eq!(of(&["deflate, GZIP"]), Ok(vec![Coding::Deflate, Coding::Gzip]));
        assert_eq!(of(&["deflate", "gzip"]), Ok(vec![Coding::Deflate, Coding::Gzip]));
        assert_eq!(of(&["br"]), Err(Undecodable::Media));
    }

    #[test]
    fn there_and_back() {
        let text = "a text that repeats, ".repeat(1_000);
        let max = text.len() as u64;
        for coding in [Coding::Gzip, Coding::Deflate] {
            for text in [text.as_bytes(), b"", b"x"] {
                let small = coding.compress(text);
                assert_eq!(coding.decompress(&small, max).as_deref(), Ok(text));
                assert!(text.len() < 100 || small.len() * 10 < text.len());
            }
            let small = coding.compress(text.as_bytes());
            assert_eq!(coding.decompress(&small, max - 1), Err(Undecodable::TooLarge));
            assert_eq!(coding.decompress(&small[..small.len() - 1], max), Err(Undecodable::Media));
            assert_eq!(coding.decompress(&[&small[..], b"x"].concat(), max), Err(Undecodable::Media));
            assert_eq!(coding.decompress(text.as_bytes(), max), Err(Undecodable::Media));
            assert_eq!(coding.decompress(b"", max), Err(Undecodable::Media));
        }
        let twice = Coding::Gzip.compress(&Coding::Deflate.compress(text.as_bytes()));
        assert_eq!(decompress(&[Coding::Deflate, Coding::Gzip], &twice, max).as_deref(), Ok(text.as_bytes()));
    }

    /// Ten megabytes of zeros in ten kilobytes: it ends at the limit.
    #[test]
    fn a_bomb() {
        let bomb = Coding::Gzip.compress(&vec![0; 100 << 20]);
        assert_eq!(Coding::Gzip.decompress(&bomb, 10 << 20), Err(Undecodable::TooLarge));
    }
}
