//! The field lines of a head, and what they say about its framing.

use super::scan::Kind;
use super::{BodyFraming, HeadError, KnownField, KnownFields, Version, codings};
use crate::span::Span;

/// One field line: where its name and its value lie in the head, and which field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as sent.
    pub name: Span,
    /// The value without the white space around it.
    pub value: Span,
    /// The name, classified.
    pub known: KnownField,
}

/// The field lines of one head, in the order received, and the set of the known ones.
///
/// `Host` and `Content-Length` occur at most once: `fill` refuses the rest.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    list: Vec<Field>,
    present: KnownFields,
}

impl Fields {
    /// Empties the list and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.present = KnownFields::default();
    }

    /// Takes over what httparse found in `bytes`.
    pub(super) fn fill(&mut self, bytes: &[u8], headers: &[httparse::Header<'_>]) -> Result<(), HeadError> {
        self.clear();
        self.list.reserve(headers.len());
        for header in headers {
            let name = header.name.as_bytes();
            self.push(name, Span::within(bytes, name), Span::within(bytes, header.value))?;
        }
        Ok(())
    }

    /// Takes over one more, whose name and value lie there.
    #[inline]
    pub(super) fn push(&mut self, name: &[u8], name_at: Span, value_at: Span) -> Result<(), HeadError> {
        let known = KnownField::of(name);
        if !self.present.insert(known) {
            refuse_repeated(known)?;
        }
        if known == KnownField::Other && is_lookalike(name) {
            return Err(HeadError::FieldNameLookalike);
        }
        self.list.push(Field { name: name_at, value: value_at, known });
        Ok(())
    }

    /// All of them, in the order received.
    pub fn list(&self) -> &[Field] {
        &self.list
    }

    /// Which of the known fields occur.
    pub fn present(&self) -> KnownFields {
        self.present
    }

    /// Where the value of the first field `known` lies.
    pub fn first(&self, known: KnownField) -> Option<Span> {
        if !self.present.contains(known) {
            return None;
        }
        self.list.iter().find(|field| field.known == known).map(|field| field.value)
    }

    /// The whole line of a field with its line break, if it is written `name: value` and nothing more: a line that
    /// passes can then be copied at once.
    pub(super) fn line<'a>(bytes: &'a [u8], field: &Field) -> Option<&'a [u8]> {
        let line = bytes.get(field.name.start()..field.value.end() + 2)?;
        let plain = field.value.start() == field.name.end() + 2
            && line[field.name.len()..].starts_with(b": ")
            && line.ends_with(b"\r\n");
        plain.then_some(line)
    }

    /// The values of all fields with this name, ASCII case ignored.
    pub(super) fn find<'a>(&'a self, bytes: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let known = KnownField::of(name);
        let same = move |field: &&Field| {
            field.known == known
                && (known != KnownField::Other || field.name.of(bytes).eq_ignore_ascii_case(name))
        };
        self.list.iter().filter(same).map(|field| field.value.of(bytes))
    }

    /// True when a member of the list in field `known` is `token`, ASCII case ignored.
    pub(super) fn list_has(&self, bytes: &[u8], known: KnownField, token: &[u8]) -> bool {
        self.present.contains(known)
            && (self.list.iter())
                .filter(|field| field.known == known)
                .flat_map(|field| field.value.of(bytes).split(|&byte| byte == b','))
                .any(|member| member.trim_ascii().eq_ignore_ascii_case(token))
    }

    /// True when the connection outlives the message (RFC 9112 section 9.3).
    pub(super) fn keep_alive(&self, bytes: &[u8], version: Version) -> bool {
        if self.list_has(bytes, KnownField::Connection, b"close") {
            return false;
        }
        match version {
            Version::Http11 | Version::Http2 => true,
            Version::Http10 => self.list_has(bytes, KnownField::Connection, b"keep-alive"),
        }
    }

    /// The body that the fields of such a message declare; [`BodyFraming::None`] when they are silent about it.
    pub(super) fn framing(
        &self,
        bytes: &[u8],
        kind: Kind,
        version: Version,
    ) -> Result<BodyFraming, HeadError> {
        let has_codings = self.present.contains(KnownField::TransferEncoding);
        match (self.first(KnownField::ContentLength), has_codings) {
            (None, false) => Ok(BodyFraming::None),
            (Some(length), false) => content_length(length.of(bytes)).map(BodyFraming::Length),
            (None, true) => self.chunked(bytes, kind, version),
            // What is wrong with the coding is the more telling reason.
            (Some(_), true) => self.chunked(bytes, kind, version).and(Err(HeadError::LengthAndEncoding)),
        }
    }

    fn chunked(&self, bytes: &[u8], kind: Kind, version: Version) -> Result<BodyFraming, HeadError> {
        if version == Version::Http10 {
            return Err(HeadError::TransferEncodingVersion);
        }
        let values = self.find(bytes, b"transfer-encoding");
        match kind {
            Kind::Request => codings::check_request(values)?,
            Kind::Response => codings::check_response(values)?,
        }
        Ok(BodyFraming::Chunked)
    }
}

fn refuse_repeated(known: KnownField) -> Result<(), HeadError> {
    match known {
        KnownField::Host => Err(HeadError::HostRepeated),
        KnownField::ContentLength => Err(HeadError::ContentLengthRepeated),
        _ => Ok(()),
    }
}

/// Digits only, no list, no sign. No leading zero either: some peers read octal.
fn content_length(value: &[u8]) -> Result<u64, HeadError> {
    if value.is_empty() || (value.len() > 1 && value[0] == b'0') {
        return Err(HeadError::ContentLength);
    }
    let mut length: u64 = 0;
    for &byte in value {
        if !byte.is_ascii_digit() {
            return Err(HeadError::ContentLength);
        }
        let digit = u64::from(byte - b'0');
        length = length
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(digit))
            .ok_or(HeadError::ContentLength)?;
    }
    Ok(length)
}

/// True for names like `Transfer_Encoding` and `content--length`: CGI-like peers map them to the framing fields.
fn is_lookalike(name: &[u8]) -> bool {
    // The shortest one has only letters: `contentlength`.
    name.len() >= 13 && (letters_are(name, b"contentlength") || letters_are(name, b"transferencoding"))
}

fn letters_are(name: &[u8], lowercase: &[u8]) -> bool {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    letters.eq(lowercase.iter().copied())
}
