//! Whether the client has a kept answer already (RFC 9110 section 13). AWS does not ask; it is a setting.

use crate::http_date;
use crate::http1::RequestHead;

/// Whether a request is answered with 304, when the answer to it has this `ETag` and `Last-Modified`.
///
/// RFC 9110 section 13.2.2: `If-None-Match` alone counts where it stands, by the weak comparison.
pub(super) fn is_unchanged(
    request: &RequestHead,
    etag: Option<&[u8]>,
    modified: Option<&[u8]>,
    now_s: u64,
) -> bool {
    if !matches!(request.method(), b"GET" | b"HEAD") {
        return false;
    }
    let mut tags = request.find(b"if-none-match").peekable();
    if tags.peek().is_some() {
        return tags.any(|list| list == b"*" || etag.is_some_and(|etag| has_tag(list, opaque(etag))));
    }
    let mut since = request.find(b"if-modified-since");
    match (since.next(), since.next(), modified) {
        (Some(since), None, Some(modified)) => {
            since == modified
                || http_date::read(since, now_s)
                    .zip(http_date::read(modified, now_s))
                    .is_some_and(|(since, at)| at <= since)
        }
        _ => false,
    }
}

/// An entity tag without what makes it weak.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether a list has an entity tag. Commas may stand in one.
fn has_tag(mut list: &[u8], wanted: &[u8]) -> bool {
    while let Some(start) = memchr::memchr(b'"', list) {
        let Some(end) = memchr::memchr(b'"', &list[start + 1..]) else { return false };
        let (tag, rest) = list[start..].split_at(end + 2);
        if tag == wanted {
            return true;
        }
        list = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::HeadLimits;

    const ETAG: &[u8] = b"\"a,b\"";
    const MODIFIED: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";

    #[track_caller]
    fn check(method: &str, fields: &str, want: bool) {
        let mut head = RequestHead::new();
        let text = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        head.buffer_mut().extend_from_slice(text.as_bytes());
        assert!(head.parse(&HeadLimits::default()).expect("a head").is_some());
        assert_eq!(is_unchanged(&head, Some(ETAG), Some(MODIFIED), 0), want, "{fields}");
        assert!(!is_unchanged(&head, None, None, 0) || fields.ends_with('*'), "{fields}");
    }

    #[test]
    fn entity_tags() {
        check("GET", "If-None-Match: \"a,b\"", true);
        check("GET", "If-None-Match: W/\"a,b\"", true);
        check("GET", "If-None-Match: \"x\", W/\"a,b\"", true);
        check("GET", "If-None-Match: \"x\"\r\nIf-None-Match: \"a,b\"", true);
        check("GET", "If-None-Match: *", true);
        check("HEAD", "If-None-Match: \"a,b\"", true);
        check("POST", "If-None-Match: \"a,b\"", false);
        check("GET", "If-None-Match: \"a\"", false);
        check("GET", "If-None-Match: a,b", false);
        check("GET", "If-None-Match: \"a,b", false);
        check("GET", "If-None-Match:", false);
    }

    #[test]
    fn dates() {
        check("GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", true);
        check("GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT", true);
        check("GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", false);
        check("GET", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", true);
        check("GET", "If-Modified-Since: Sun Nov  6 08:49:36 1994", false);
        check("GET", "If-Modified-Since: yesterday", false);
        check("GET", "If-Modified-Since: Sun, 06 Foo 1994 08:49:37 GMT", false);
        // The tag alone counts.
        check("GET", "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", false);
    }
}
