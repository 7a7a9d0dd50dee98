//! The canonical request: the one text that both sides of a signature write.
//!
//! AWS: "Create a signed AWS API request", step 1. Where that page and the signing libraries differ, the libraries (and
//! AWS's test suite) are followed: the path as sent is encoded once more, for all services but S3.

use super::payload::PayloadHash;
use crate::http1::RequestHead;
use crate::span::Span;

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// The method as sent.
    pub method: &'a [u8],
    /// The path as sent, without query.
    pub path: &'a [u8],
    /// The query as sent, without `?`.
    pub query: &'a [u8],
    /// The header fields.
    pub headers: Headers<'a>,
}

/// Header fields to sign, or to check.
#[derive(Clone, Copy, Debug)]
pub enum Headers<'a> {
    /// Those of a request received.
    Head(&'a RequestHead),
    /// (Name, value), in any order and case.
    List(&'a [(&'a [u8], &'a [u8])]),
}

/// How a service writes the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathStyle {
    /// `.`, `..` and empty segments resolved, then encoded once more: all services but S3.
    #[default]
    Normalized,
    /// Encoded once more as it is.
    Verbatim,
    /// Encoded once, as it is: S3.
    EncodedOnce,
}

/// The buffers that canonical requests are written to; used again, so that writing allocates only while they grow.
#[derive(Debug, Default)]
pub struct Canonical {
    text: Vec<u8>,
    /// Encoded names and values of query parameters.
    encoded: Vec<u8>,
    /// Where in `encoded` they lie.
    parameters: Vec<(Span, Span)>,
}

/// A signed header that the request does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderMissing;

impl<'a> Signable<'a> {
    /// The parts of a request received.
    pub fn of(request: &'a RequestHead) -> Self {
        Self {
            method: request.method(),
            path: request.path(),
            query: request.query().unwrap_or_default(),
            headers: Headers::Head(request),
        }
    }
}

impl Headers<'_> {
    /// Calls `each` with the values of the field, in the order in which they stand; false when there is none.
    fn each_value(self, name: &[u8], mut each: impl FnMut(&[u8])) -> bool {
        let mut any = false;
        let mut visit = |value: &[u8]| {
            any = true;
            each(value);
        };
        match self {
            Self::Head(head) => head.find(name).for_each(visit),
            Self::List(list) => {
                list.iter()
                    .filter(|field| field.0.eq_ignore_ascii_case(name))
                    .for_each(|field| visit(field.1));
            }
        }
        any
    }
}

impl Canonical {
    /// Writes the canonical request. `signed_headers` are lower-case names in order, separated by `;`; the query
    /// parameter `left_out`, the signature itself, is not covered.
    pub fn write(
        &mut self,
        request: &Signable<'_>,
        style: PathStyle,
        signed_headers: &[u8],
        left_out: Option<&[u8]>,
        payload: &PayloadHash,
    ) -> Result<&[u8], HeaderMissing> {
        self.text.clear();
        self.text.extend_from_slice(request.method);
        self.text.push(b'\n');
        self.write_path(request.path, style);
        self.text.push(b'\n');
        self.write_query(request.query, left_out);
        self.text.push(b'\n');
        for name in signed_headers.split(|&byte| byte == b';') {
            self.write_header(name, request.headers)?;
        }
        self.text.push(b'\n');
        self.text.extend_from_slice(signed_headers);
        self.text.push(b'\n');
        self.text.extend_from_slice(payload.as_bytes());
        Ok(&self.text)
    }

    fn write_path(&mut self, path: &[u8], style: PathStyle) {
        match style {
            PathStyle::Normalized if !is_normal(path) => {
                self.encoded.clear();
                normalize(path, &mut self.encoded);
                encode(&self.encoded, b"/", &mut self.text);
            }
            PathStyle::Normalized | PathStyle::Verbatim => encode(path, b"/", &mut self.text),
            PathStyle::EncodedOnce => reencode(path, Plus::IsPlus, b"/", &mut self.text),
        }
    }

    /// The parameters, decoded and encoded again, in the order of their encoded names and values.
    fn write_query(&mut self, query: &[u8], left_out: Option<&[u8]>) {
        self.encoded.clear();
        self.parameters.clear();
        for parameter in query.split(|&byte| byte == b'&').filter(|parameter| !parameter.is_empty()) {
            let at = memchr::memchr(b'=', parameter).unwrap_or(parameter.len());
            let (name, value) = (&parameter[..at], parameter.get(at + 1..).unwrap_or_default());
            if left_out != Some(name) {
                let name = reencoded(name, &mut self.encoded);
                self.parameters.push((name, reencoded(value, &mut self.encoded)));
            }
        }
        let Self { text, encoded, parameters } = self;
        parameters.sort_unstable_by(|a, b| {
            (a.0.of(encoded), a.1.of(encoded)).cmp(&(b.0.of(encoded), b.1.of(encoded)))
        });
        for (position, (name, value)) in parameters.iter().enumerate() {
            if position > 0 {
                text.push(b'&');
            }
            text.extend_from_slice(name.of(encoded));
            text.push(b'=');
            text.extend_from_slice(value.of(encoded));
        }
    }

    fn write_header(&mut self, name: &[u8], headers: Headers<'_>) -> Result<(), HeaderMissing> {
        let text = &mut self.text;
        text.extend_from_slice(name);
        let mut separator = b':';
        let any = headers.each_value(name, |value| {
            text.push(separator);
            separator = b',';
            write_trimmed(value, text);
        });
        text.push(b'\n');
        if any { Ok(()) } else { Err(HeaderMissing) }
    }
}

/// A value without white space around it, and with single spaces in it.
fn write_trimmed(value: &[u8], out: &mut Vec<u8>) {
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    out.extend_from_slice(words.next().unwrap_or_default());
    for word in words {
        out.push(b' ');
        out.extend_from_slice(word);
    }
}

/// Whether [`normalize`] would leave the path as it is.
pub fn is_normal(path: &[u8]) -> bool {
    memchr::memmem::find(path, b"//").is_none()
        && (memchr::memmem::find(path, b"/.").is_none()
            || path.split(|&byte| byte == b'/').all(|segment| segment != b"." && segment != b".."))
}

/// Appends the path with `.`, `..` and empty segments resolved (RFC 3986 section 5.2.4). A dot segment at the end leaves
/// its slash, as in AWS's signers for Java and Rust; that for Python drops it.
pub fn normalize(path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', &out[start..]).unwrap_or_default();
                out.truncate(start + parent);
            }
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
            }
        }
    }
    if out.len() == start || [b"/".as_slice(), b"/.", b"/.."].iter().any(|end| path.ends_with(end)) {
        out.push(b'/');
    }
}

fn reencoded(text: &[u8], out: &mut Vec<u8>) -> Span {
    let start = out.len();
    reencode(text, Plus::IsSpace, b"", out);
    Span::new(start, out.len())
}

/// What `+` means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    IsPlus,
    IsSpace,
}

/// Appends the text with every escape decoded, and everything but unreserved characters and `kept` encoded.
fn reencode(mut text: &[u8], plus: Plus, kept: &[u8], out: &mut Vec<u8>) {
    loop {
        let escape = text.iter().position(|&byte| byte == b'%' || (byte == b'+' && plus == Plus::IsSpace));
        encode(&text[..escape.unwrap_or(text.len())], kept, out);
        let Some(at) = escape else { return };
        let (byte, behind) = match &text[at..] {
            [b'%', high, low, behind @ ..] => match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (b'%', &text[at + 1..]),
            },
            [b'+', behind @ ..] => (b' ', behind),
            other => (b'%', &other[1..]),
        };
        encode(&[byte], if byte == b'/' { b"" } else { kept }, out);
        text = behind;
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Appends the text with everything but unreserved characters (RFC 3986 section 2.3) and `kept` as `%XX`.
pub(super) fn encode(mut text: &[u8], kept: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let stays = |byte: u8| UNRESERVED[usize::from(byte)] || kept.contains(&byte);
    loop {
        let plain = text.iter().position(|&byte| !stays(byte)).unwrap_or(text.len());
        out.extend_from_slice(&text[..plain]);
        let Some((byte, behind)) = text[plain..].split_first() else { return };
        out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        text = behind;
    }
}

const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_normal(path: &str, want: &str) {
        let mut out = b"x".to_vec();
        normalize(path.as_bytes(), &mut out);
        assert_eq!(std::str::from_utf8(&out[1..]), Ok(want), "{path}");
        assert_eq!(is_normal(path.as_bytes()), path == want, "{path}");
    }

    #[test]
    fn paths_are_normalized() {
        for (path, want) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("//", "/"),
            ("//a//b//", "/a/b/"),
            ("/a/./b", "/a/b"),
            ("/./", "/"),
            ("/.", "/"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a/../", "/"),
            ("/a/b/..", "/a/"),
            ("/a/../b", "/b"),
            ("/../../a", "/a"),
            ("/a/b/../../c/", "/c/"),
            ("/.a/..b/c.", "/.a/..b/c."),
            ("/...", "/..."),
            ("/%2e%2e/a", "/%2e%2e/a"),
        ] {
            check_normal(path, want);
        }
    }

    #[track_caller]
    fn check_query(query: &str, want: &str) {
        let mut canonical = Canonical::default();
        canonical.write_query(query.as_bytes(), Some(b"X-Amz-Signature"));
        assert_eq!(std::str::from_utf8(&canonical.text), Ok(want), "{query}");
    }

    #[test]
    fn queries() {
        check_query("", "");
        check_query("b=2&a=1&a=0", "a=0&a=1&b=2");
        check_query("a&&b=", "a=&b=");
        check_query("a=b=c", "a=b%3Dc");
        check_query("a=%c3%a9+%2B&A=%7E~", "A=~~&a=%C3%A9%20%2B");
        check_query("a=%&b=%4&c=%zz", "a=%25&b=%254&c=%25zz");
        check_query("X-Amz-Signature=1&a=1&X-Amz-Signature=2&x-amz-signature=3", "a=1&x-amz-signature=3");
        // Names are compared as encoded: `%5B` comes before `_`, though `[` does not.
        check_query("_=1&[=2", "%5B=2&_=1");
        // A name that another begins with comes first, whatever stands behind its `=`.
        check_query("ab=1&a=z", "a=z&ab=1");
    }

    #[test]
    fn paths_are_encoded_as_the_service_wants() {
        let path = |style, path: &str| {
            let mut canonical = Canonical::default();
            canonical.write_path(path.as_bytes(), style);
            String::from_utf8(canonical.text).expect("ASCII")
        };
        assert_eq!(path(PathStyle::Normalized, "/a//b%20c/../é"), "/a/%C3%A9");
        assert_eq!(path(PathStyle::Verbatim, "/a//b%20c/"), "/a//b%2520c/");
        assert_eq!(path(PathStyle::EncodedOnce, "/a//b%20c+d/%2f"), "/a//b%20c%2Bd/%2F");
    }

    #[test]
    fn header_values() {
        let list: [(&[u8], &[u8]); 3] =
            [(b"My-Header1", b"  a   b  "), (b"host", b"h"), (b"my-header1", b"\"c  d\"")];
        let mut canonical = Canonical::default();
        let headers = Headers::List(&list);
        assert_eq!(canonical.write_header(b"my-header1", headers), Ok(()));
        assert_eq!(canonical.text, b"my-header1:a b,\"c d\"\n");
        assert_eq!(canonical.write_header(b"other", headers), Err(HeaderMissing));
    }
}
