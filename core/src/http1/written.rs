//! Heads that do not arrive as text but in parts, as those of HTTP/2 do: written down as HTTP/1.1 would send them.
//!
//! Whatever reads heads reads these too. Their text is one that [`RequestHead::parse`] reads as the same head: each part
//! is looked at as strictly here as there.

use super::chunked::{is_field_byte, is_token_byte};
use super::codings::is_token;
use super::scan::{Kind, METHOD_BYTES_MAX, Progress};
use super::target::{self, Target};
use super::{BodyFraming, FIELDS_MAX, HeadError, HeadLimits, KnownField, RequestHead, Version};
use crate::span::Span;

impl RequestHead {
    /// Begins a head with this method and this target, which is in origin-form, or `*` for OPTIONS.
    pub(crate) fn write_line(
        &mut self,
        method: &[u8],
        target: &[u8],
        limits: &HeadLimits,
    ) -> Result<(), HeadError> {
        self.clear();
        if !is_token(method) || method.len() > METHOD_BYTES_MAX {
            return Err(HeadError::Method);
        }
        if target.len() > limits.target_bytes_max {
            return Err(HeadError::TargetTooLong);
        }
        let parts = Target::parse(method, target)?;
        if target.is_empty() || parts.authority.is_some() {
            return Err(HeadError::TargetForm);
        }
        let at = |part: &[u8]| {
            let span = Span::within(target, part);
            Span::new(method.len() + 1 + span.start(), method.len() + 1 + span.end())
        };
        self.method = Span::new(0, method.len());
        (self.path, self.query) = (at(parts.path), parts.query.map(at));
        self.bytes.extend_from_slice(method);
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(target);
        self.bytes.extend_from_slice(b" HTTP/1.1\r\n");
        Ok(())
    }

    /// Appends a field with a value that is in pieces, which `separator` joins.
    pub(crate) fn write_field<'a>(
        &mut self,
        name: &[u8],
        separator: &[u8],
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), HeadError> {
        if name.is_empty() {
            return Err(HeadError::FieldNameEmpty);
        }
        if !name.iter().copied().all(is_token_byte) {
            return Err(HeadError::FieldName);
        }
        let start = self.bytes.len();
        let value_start = start + name.len() + 2;
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        for piece in pieces {
            if self.bytes.len() > value_start {
                self.bytes.extend_from_slice(separator);
            }
            self.bytes.extend_from_slice(piece);
        }
        let value = Span::new(value_start, self.bytes.len());
        if !is_value(value.of(&self.bytes)) {
            return Err(HeadError::FieldValue);
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.fields.push(name, Span::new(start, start + name.len()), value)
    }

    /// Ends the head. A body without a length is one of unknown length, `None` where there is none.
    pub(crate) fn write_end(&mut self, has_body: bool, limits: &HeadLimits) -> Result<(), HeadError> {
        self.check_limits(limits)?;
        self.bytes.extend_from_slice(b"\r\n");
        self.version = Version::Http2;
        self.framing = match (self.fields.framing(&self.bytes, Kind::Request, Version::Http2)?, has_body) {
            (BodyFraming::None, true) => BodyFraming::Chunked,
            (BodyFraming::Length(length), false) if length > 0 => return Err(HeadError::ContentLength),
            (framing, _) => framing,
        };
        let host = self.fields.first(KnownField::Host);
        target::host(Version::Http2, host.map(|host| host.of(&self.bytes)), None)?;
        self.host = host.unwrap_or_default();
        self.progress = Progress::Complete { end: self.bytes.len() };
        Ok(())
    }

    fn check_limits(&self, limits: &HeadLimits) -> Result<(), HeadError> {
        let fields = self.fields.list();
        let start = fields.first().map_or(self.bytes.len(), |field| field.name.start());
        if self.bytes.len() - start > limits.fields_bytes_max {
            return Err(HeadError::FieldsTooLarge);
        }
        if fields.len() > limits.fields_max.min(FIELDS_MAX) {
            return Err(HeadError::TooManyFields);
        }
        Ok(())
    }
}

/// No control bytes, and no white space around it (RFC 9113 section 8.2.1).
fn is_value(value: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !is_blank(value.first())
        && !is_blank(value.last())
        && value.iter().fold(true, |valid, &byte| valid & is_field_byte(byte))
}
