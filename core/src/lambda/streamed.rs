//! An answer that a function streams: metadata in JSON, eight NUL bytes, and the content as it comes.
//!
//! AWS: "Lambda proxy integration format for response streaming"; what a runtime says at the end of one that has failed is in
//! "Building a custom runtime" (trailers `Lambda-Runtime-Function-Error-Type` and `-Error-Body`).

use base64::Engine as _;

use super::answer::BASE64;
use super::json;
use crate::limits::STREAM_METADATA_BYTES_MAX;

/// What stands between metadata and content. JSON has no NUL byte, so the first one is where the metadata end.
const DELIMITER: [u8; 8] = [0; 8];

/// What has been received of a streamed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning<'a> {
    /// The metadata, and how much content there is already.
    Whole {
        /// JSON, if it is well-formed.
        metadata: &'a [u8],
        /// What follows the delimiter.
        content: &'a [u8],
    },
    /// The delimiter is still to come.
    Partial,
    /// It must have come by now.
    Never,
}

impl<'a> Beginning<'a> {
    /// Looks for the delimiter. AWS: it must be in the first 16 KB.
    pub fn of(received: &'a [u8]) -> Self {
        let searched = &received[..received.len().min(STREAM_METADATA_BYTES_MAX)];
        match memchr::memmem::find(searched, &DELIMITER) {
            Some(at) => Self::Whole { metadata: &received[..at], content: &received[at + DELIMITER.len()..] },
            None if received.len() < STREAM_METADATA_BYTES_MAX => Self::Partial,
            None => Self::Never,
        }
    }
}

/// The document of a function that has failed while it streamed, by the trailers of its answer; `None` if it has not.
pub fn failure(error_type: Option<&[u8]>, error_body: Option<&[u8]>) -> Option<Vec<u8>> {
    if let Some(body) = error_body {
        // AWS has it in base64; of a runtime that does not know that it is the document all the same.
        return Some(BASE64.decode(body).unwrap_or_else(|_| body.to_vec()));
    }
    let mut document = br#"{"errorType":"#.to_vec();
    json::write_string(error_type?, &mut document);
    document.push(b'}');
    Some(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(received: &[u8], want: Beginning<'_>) {
        assert_eq!(Beginning::of(received), want, "{}", received.escape_ascii());
    }

    #[test]
    fn beginnings() {
        check(b"", Beginning::Partial);
        check(b"{}\0\0\0\0\0\0\0", Beginning::Partial);
        check(b"{}\0\0\0\0\0\0\0\0", Beginning::Whole { metadata: b"{}", content: b"" });
        check(b"{}\0\0\0\0\0\0\0\0\0a", Beginning::Whole { metadata: b"{}", content: b"\0a" });
        check(b"\0\0\0\0\0\0\0\0", Beginning::Whole { metadata: b"", content: b"" });
    }

    /// The last place where the delimiter may be, and one behind it.
    #[test]
    fn metadata_have_a_limit() {
        let last = STREAM_METADATA_BYTES_MAX - DELIMITER.len();
        for (spaces, fits) in [(last, true), (last + 1, false)] {
            let mut received = vec![b' '; spaces];
            received.extend(DELIMITER);
            received.extend(b"content");
            let read = Beginning::of(&received);
            assert_eq!(matches!(read, Beginning::Whole { content: b"content", .. }), fits, "{spaces}");
            assert_eq!(read == Beginning::Never, !fits, "{spaces}");
        }
        check(&vec![b' '; STREAM_METADATA_BYTES_MAX - 1], Beginning::Partial);
    }

    #[test]
    fn failures() {
        let document = br#"{"errorMessage":"x"}"#;
        let coded = BASE64.encode(document);
        assert_eq!(failure(None, None), None);
        assert_eq!(failure(Some(b"Odd"), Some(coded.as_bytes())).as_deref(), Some(&document[..]));
        assert_eq!(failure(None, Some(document)).as_deref(), Some(&document[..]));
        assert_eq!(failure(Some(b"Odd\"s"), None).as_deref(), Some(&br#"{"errorType":"Odd\"s"}"#[..]));
    }
}
