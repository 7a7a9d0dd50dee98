//! Evaluates mapping expressions: the value of a [`Source`] for one request.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::context::View;
use crate::gateway_response::{Template, TemplatePiece};
use crate::http1::{KnownField, ResponseHead};
use crate::mapping::{BodyPath, Source, Values as Which};
use crate::span::Span;
use crate::transform::pass;
use crate::velocity::{Arena, Overrides};

/// What stays as it is in a query value: the unreserved characters (RFC 3986 section 2.3).
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stays as it is when a value fills a placeholder of a URI path.
const PATH_VALUE: &AsciiSet =
    &QUERY_VALUE.remove(b'/').remove(b':').remove(b'@').remove(b',').remove(b';').remove(b'=');

/// What the client may have sent in its target and no URI holds: besides this, bytes outside ASCII.
const NOT_IN_TARGET: &AsciiSet = &CONTROLS.add(b'#');
/// What a part of the client's path may hold and what would end a query value, or mean a space in it.
const NOT_IN_QUERY_VALUE: &AsciiSet = &NOT_IN_TARGET.add(b'&').add(b';').add(b'+');

/// The path parameters of a routed request.
#[derive(Clone, Copy, Default)]
pub struct PathValues<'a> {
    /// The path that was routed; the spans lie in it.
    pub path: &'a [u8],
    /// The values, in the order in which the parameters stand in the resource path.
    pub spans: &'a [Span],
}

impl<'a> PathValues<'a> {
    fn value(self, position: usize) -> Option<&'a [u8]> {
        self.spans.get(position).map(|span| span.of(self.path))
    }
}

/// Everything that a source may read.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// Request, ids, API, stage.
    pub view: View<'a>,
    /// Path parameters.
    pub path: PathValues<'a>,
    /// The integration's response, once there is one.
    pub response: Option<&'a ResponseHead>,
    /// The body that mappings may read: the client's, then the integration's.
    pub body: Option<&'a str>,
    /// What templates have overridden.
    pub overrides: &'a Overrides,
}

impl Values<'_> {
    /// Appends a value for a header field or a text, decoded. False, and nothing appended, when the source has none.
    pub fn write(&self, source: &Source, out: &mut Vec<u8>) -> bool {
        match source {
            Source::Static(text) => put(out, Some(text.as_bytes())),
            Source::Path(position) => put(out, self.path.value(*position)),
            Source::NamedPath(name) => put(out, self.named_path(name)),
            Source::Query(name, which) => {
                write_joined(out, *which, self.query_values(name), |out, value| out.extend(decoded(value)))
            }
            Source::Header(name, which) => self.write_header(out, name, *which),
            Source::StageVariable(name) => {
                put(out, self.view.stage.and_then(|(_, stage)| stage.variable(name)).map(str::as_bytes))
            }
            Source::Context(variable) => self.view.write(variable, out),
            Source::IntegrationHeader(name, which) => self.write_integration_header(out, name, *which),
            Source::Body(path) => self.write_body(path.as_ref(), out),
        }
    }

    /// Whether the source has a value. `scratch` comes back as it was.
    pub fn has(&self, source: &Source, scratch: &mut Vec<u8>) -> bool {
        let start = scratch.len();
        let has = self.write(source, scratch);
        scratch.truncate(start);
        has
    }

    /// Appends a header field value: as [`Values::write`], with control bytes, which no field may hold, as spaces.
    pub fn write_field_value(&self, source: &Source, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let written = self.write(source, out);
        for byte in &mut out[start..] {
            if byte.is_ascii_control() && *byte != b'\t' {
                *byte = b' ';
            }
        }
        written
    }

    /// Appends `&name=value` for each value, percent-encoded.
    pub fn write_query(&self, name: &str, source: &Source, out: &mut Vec<u8>) {
        if let Source::Query(from, Which::All) = source {
            for value in self.query_values(from) {
                write_parameter_name(name, out);
                let start = out.len();
                out.extend(decoded(value));
                encode_behind(start, QUERY_VALUE, out);
            }
            return;
        }
        let parameter = out.len();
        write_parameter_name(name, out);
        let start = out.len();
        if self.write(source, out) {
            encode_behind(start, QUERY_VALUE, out);
        } else {
            out.truncate(parameter);
        }
    }

    /// Appends `&name=value` for a value that a template has set.
    pub fn write_query_text(name: &str, value: &str, out: &mut Vec<u8>) {
        write_parameter_name(name, out);
        percent_encode(value.as_bytes(), QUERY_VALUE).for_each(|run| out.extend_from_slice(run.as_bytes()));
    }

    /// Appends a value that a template has set into the path of a URI.
    pub fn write_path_text(value: &str, out: &mut Vec<u8>) {
        percent_encode(value.as_bytes(), PATH_VALUE).for_each(|run| out.extend_from_slice(run.as_bytes()));
    }

    /// Appends a value into the path of a URI: path parameters as [`write_sent`] does, all else encoded.
    pub fn write_path_value(&self, source: &Source, out: &mut Vec<u8>) {
        if let Source::Path(position) = source {
            return write_sent(self.path.value(*position).unwrap_or_default(), out);
        }
        let start = out.len();
        self.write(source, out);
        encode_behind(start, PATH_VALUE, out);
    }

    /// Appends a value into the query of a URI: path parameters as sent but for what would end the value there, all
    /// else encoded.
    pub fn write_query_value(&self, source: &Source, out: &mut Vec<u8>) {
        let encoded = if matches!(source, Source::Path(_)) { NOT_IN_QUERY_VALUE } else { QUERY_VALUE };
        let start = out.len();
        self.write(source, out);
        encode_behind(start, encoded, out);
    }

    /// Appends the text of a template; a source without value is the empty text.
    pub fn write_template(&self, template: &Template, out: &mut Vec<u8>) {
        for piece in &template.pieces {
            match piece {
                TemplatePiece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                TemplatePiece::Source(source) => {
                    self.write(source, out);
                }
            }
        }
    }

    /// AWS: an empty body is `{}`. Whether a body is JSON was asked before anything is written.
    fn write_body(&self, path: Option<&BodyPath>, out: &mut Vec<u8>) -> bool {
        let body = self.body.filter(|body| !body.is_empty()).unwrap_or("{}");
        match path {
            None => put(out, Some(body.as_bytes())),
            Some(path) => path.path().write(body, &mut Arena::default(), out).unwrap_or(false),
        }
    }

    fn named_path(&self, name: &str) -> Option<&[u8]> {
        let resource = self.view.resource()?;
        self.path.value(resource.parameters.iter().position(|known| known == name)?)
    }

    /// AWS compares header names with case when mapping; clients do not, and HTTP/2 cannot. We compare without.
    fn write_header(&self, out: &mut Vec<u8>, name: &str, which: Which) -> bool {
        if pass::STRIPPED.contains(KnownField::of(name.as_bytes())) {
            return false;
        }
        let values = self.view.request.find(name.as_bytes());
        write_joined(out, which, values, Vec::extend_from_slice)
    }

    fn write_integration_header(&self, out: &mut Vec<u8>, name: &str, which: Which) -> bool {
        let Some(response) = self.response else { return false };
        let values = response.find(name.as_bytes());
        write_joined(out, which, values, Vec::extend_from_slice)
    }

    /// The values of a query parameter, still encoded. AWS: `;` separates like `&`.
    pub(crate) fn query_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.query_pairs().filter_map(|(key, value)| decoded(key).eq(name.bytes()).then_some(value))
    }

    /// All query parameters, still encoded.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let query = self.view.request.query().unwrap_or_default();
        let pairs = query.split(|byte| matches!(byte, b'&' | b';')).filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            (&pair[..at], pair.get(at + 1..).unwrap_or_default())
        })
    }
}

/// Appends a part of the client's path or query to a URI: as sent, but for `#` and bytes outside ASCII, which are
/// percent-encoded. A backend that took `#` for the start of a fragment would see another target than we have routed.
pub fn write_sent(part: &[u8], out: &mut Vec<u8>) {
    // Without an early way out the loop is vectorised.
    if part.iter().fold(true, |fits, &byte| fits & byte.is_ascii() & (byte != b'#')) {
        out.extend_from_slice(part);
    } else {
        percent_encode(part, NOT_IN_TARGET).for_each(|run| out.extend_from_slice(run.as_bytes()));
    }
}

/// Appends the last value, or all with commas between.
fn write_joined<'a>(
    out: &mut Vec<u8>,
    which: Which,
    values: impl Iterator<Item = &'a [u8]>,
    write: impl Fn(&mut Vec<u8>, &'a [u8]),
) -> bool {
    let mut any = false;
    match which {
        Which::Last => {
            if let Some(value) = values.last() {
                write(out, value);
                any = true;
            }
        }
        Which::All => {
            for value in values {
                if any {
                    out.push(b',');
                }
                write(out, value);
                any = true;
            }
        }
    }
    any
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) -> bool {
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

fn write_parameter_name(name: &str, out: &mut Vec<u8>) {
    out.push(b'&');
    percent_encode(name.as_bytes(), QUERY_VALUE).for_each(|run| out.extend_from_slice(run.as_bytes()));
    out.push(b'=');
}

/// Percent-encodes what stands behind `start`. Allocates only when there is something to encode.
fn encode_behind(start: usize, encoded: &'static AsciiSet, out: &mut Vec<u8>) {
    let bytes: usize = percent_encode(&out[start..], encoded).map(str::len).sum();
    if bytes > out.len() - start {
        let value = out.split_off(start);
        percent_encode(&value, encoded).for_each(|run| out.extend_from_slice(run.as_bytes()));
    }
}

/// A part of a query, decoded. AWS: `+` is a space.
pub(crate) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let parts = text.split(|&byte| byte == b'+').enumerate();
    parts.flat_map(|(position, part)| (position > 0).then_some(b' ').into_iter().chain(percent_decode(part)))
}
