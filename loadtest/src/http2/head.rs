//! Heads: what is sent is made of a request as HTTP/1.1 has it, so that every mix of requests can be sent either way.

use httlib_hpack::Decoder;
use loona_hpack::Encoder;

use super::Malformed;

/// Reads a request as HTTP/1.1 has it, and appends its header block. Returns where its body begins.
///
/// # Panics
/// When it is no request; tidegate-load makes them itself.
pub fn write(request: &[u8], scheme: &str, encoder: &mut Encoder<'_>, block: &mut Vec<u8>) -> usize {
    let end = memchr::memmem::find(request, b"\r\n\r\n").expect("a head ends") + 4;
    let mut lines = request[..end - 4].split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut line = lines.next().unwrap_or_default().split(|&byte| byte == b' ');
    let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let fields = lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii()))
    });
    let fields: Vec<(Vec<u8>, &[u8])> = fields.filter(|(name, _)| name != b"connection").collect();
    let authority = fields.iter().find(|(name, _)| name == b"host").map_or(&b""[..], |(_, value)| value);
    let scheme = scheme.as_bytes();
    let pseudo =
        [(&b":method"[..], method), (b":scheme", scheme), (b":path", path), (b":authority", authority)];
    let fields = fields.iter().filter(|(name, _)| name != b"host").map(|(name, value)| (&name[..], *value));
    // Writing to memory does not fail.
    let written = encoder.encode_into(pseudo.into_iter().chain(fields), block);
    debug_assert!(written.is_ok());
    end
}

/// The head of an answer, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// From 100 to 599.
    pub status: u16,
    /// What `content-length` says.
    pub length: Option<u64>,
}

/// Reads the header blocks of one connection.
#[derive(Default)]
pub struct HeadReader {
    decoder: Decoder<'static>,
    /// What is left of the block that is read.
    block: Vec<u8>,
    /// Names, values, and what the decoder says of them.
    fields: Vec<(Vec<u8>, Vec<u8>, u8)>,
}

impl HeadReader {
    /// Reads a header block; `None` for trailers, which have no status.
    ///
    /// # Errors
    /// When no server may send it.
    pub fn read(&mut self, block: &[u8]) -> Result<Option<Head>, Malformed> {
        self.block.clear();
        self.block.extend_from_slice(block);
        self.fields.clear();
        self.decoder.decode(&mut self.block, &mut self.fields).map_err(|_| Malformed::Block)?;
        let (mut status, mut length, mut wrong, mut behind) = (None, None, false, false);
        for (name, value, _) in &self.fields {
            if name == b":status" {
                wrong |= behind || status.is_some();
                status = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u16>().ok());
                wrong |= value.len() != 3 || status.is_none();
                continue;
            }
            behind = true;
            wrong |= is_wrong(name);
            if name == b"content-length" {
                wrong |= length.is_some();
                length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                wrong |= length.is_none();
            }
        }
        match status {
            _ if wrong => Err(Malformed::Head),
            None => Ok(None),
            Some(status @ 100..600) => Ok(Some(Head { status, length })),
            Some(_) => Err(Malformed::Head),
        }
    }
}

/// Names that no answer of HTTP/2 has (RFC 9113 sections 8.2.1, 8.2.2 and 8.3).
fn is_wrong(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 5] =
        [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
    name.is_empty() || name[0] == b':' || NAMES.contains(&name) || name.iter().any(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        Encoder::new().encode(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn requests() {
        let request = b"POST /a?b HTTP/1.1\r\nHost: x:1\r\nX-Test: y z\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
        let (mut encoder, mut decoder) = (Encoder::new(), loona_hpack::Decoder::new());
        for _ in 0..3 {
            let mut block = Vec::new();
            assert_eq!(write(request, "https", &mut encoder, &mut block), request.len() - 2);
            let fields = decoder.decode(&block).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
            let want = [
                ":method=POST",
                ":scheme=https",
                ":path=/a?b",
                ":authority=x:1",
                "x-test=y z",
                "content-length=2",
            ];
            assert_eq!(fields, want);
        }
    }

    #[track_caller]
    fn check(fields: &[(&str, &str)], want: Result<Option<Head>, Malformed>) {
        assert_eq!(HeadReader::default().read(&block(fields)), want, "{fields:?}");
    }

    #[test]
    fn answers() {
        check(&[(":status", "200")], Ok(Some(Head { status: 200, length: None })));
        check(
            &[(":status", "204"), ("content-length", "5")],
            Ok(Some(Head { status: 204, length: Some(5) })),
        );
        check(&[("x-trailer", "1")], Ok(None));
        for wrong in [
            &[(":status", "20")][..],
            &[(":status", "0200")],
            &[(":status", "999")],
            &[(":status", "200"), (":status", "200")],
            &[("a", "b"), (":status", "200")],
            &[(":status", "200"), ("connection", "close")],
            &[(":status", "200"), ("X", "y")],
            &[(":status", "200"), (":path", "/")],
            &[(":status", "200"), ("content-length", "x")],
            &[(":status", "200"), ("content-length", "1"), ("content-length", "1")],
        ] {
            check(wrong, Err(Malformed::Head));
        }
        assert_eq!(HeadReader::default().read(&[0x80]), Err(Malformed::Block));
    }
}
