//! Names what is wrong with a head that httparse has refused; its own errors are too few for a log.
//!
//! Cold, and never the judge: the head stays refused, whatever is found here.

use super::codings::is_token;
use super::{HeadError, target};

/// The reason to refuse this request head, which ends with CR LF CR LF and has no bare LF.
#[cold]
pub(super) fn request(head: &[u8], error: httparse::Error) -> HeadError {
    name(head, request_line).unwrap_or_else(|| by_default(error, HeadError::RequestLine))
}

/// The same for a response head.
#[cold]
pub(super) fn response(head: &[u8], error: httparse::Error) -> HeadError {
    name(head, status_line).unwrap_or_else(|| by_default(error, HeadError::StatusLine))
}

fn name(head: &[u8], start_line: fn(&[u8]) -> Option<HeadError>) -> Option<HeadError> {
    if has_lone_cr(head) {
        return Some(HeadError::LoneCr);
    }
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    start_line(lines.next()?).or_else(|| lines.take_while(|line| !line.is_empty()).find_map(field_line))
}

/// What httparse says, where nothing better was found.
fn by_default(error: httparse::Error, start_line: HeadError) -> HeadError {
    match error {
        httparse::Error::HeaderName => HeadError::FieldName,
        httparse::Error::HeaderValue => HeadError::FieldValue,
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        httparse::Error::Version => HeadError::VersionMalformed,
        httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token => start_line,
    }
}

fn has_lone_cr(head: &[u8]) -> bool {
    head.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n')
}

fn request_line(line: &[u8]) -> Option<HeadError> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let method = parts.next().unwrap_or_default();
    let target = parts.next();
    if method.is_empty() {
        return Some(HeadError::RequestLine);
    }
    if !is_token(method) {
        return Some(HeadError::Method);
    }
    if !target.is_none_or(target::has_valid_bytes) {
        return Some(HeadError::TargetByte);
    }
    parts.next().map_or(Some(HeadError::RequestLine), version)
}

fn version(version: &[u8]) -> Option<HeadError> {
    match version {
        b"HTTP/1.0" | b"HTTP/1.1" => None,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Some(HeadError::VersionUnsupported),
        _ if version.contains(&b' ') => Some(HeadError::RequestLine),
        _ => Some(HeadError::VersionMalformed),
    }
}

fn status_line(line: &[u8]) -> Option<HeadError> {
    match line.split(|&byte| byte == b' ').next().and_then(version) {
        Some(HeadError::VersionUnsupported) => Some(HeadError::VersionUnsupported),
        _ => line.iter().any(|&byte| is_control(byte)).then_some(HeadError::StatusLine),
    }
}

fn field_line(line: &[u8]) -> Option<HeadError> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Some(HeadError::ObsFold);
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return Some(HeadError::FieldName) };
    let (name, value) = line.split_at(colon);
    match name.last() {
        None => Some(HeadError::FieldNameEmpty),
        Some(b' ' | b'\t') => Some(HeadError::SpaceBeforeColon),
        Some(_) if !is_token(name) => Some(HeadError::FieldName),
        Some(_) => value.iter().any(|&byte| is_control(byte)).then_some(HeadError::FieldValue),
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}
