//! The event of a function behind an AWS (non-proxy) integration: what the client or a template says.

use serde::de::IgnoredAny;

/// Appends the event. Bytes that are not UTF-8 become U+FFFD, as in all text (recorded fact 157); nothing is an empty object.
pub fn write(body: &[u8], out: &mut Vec<u8>) {
    if body.is_empty() {
        return out.extend_from_slice(b"{}");
    }
    for chunk in body.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Whether it is JSON, which Lambda asks for.
pub fn is_json(event: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(event).is_ok()
}
