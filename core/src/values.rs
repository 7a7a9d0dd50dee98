//! Evaluates mapping expressions: the value of a [`Source`] for one request.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::context::View;
use crate::gateway_response::{Template, TemplatePiece};
use crate::http1::{RequestHead, ResponseHead};
use crate::mapping::{Source, Values as Which};
use crate::span::Span;

/// What stays as it is in a query value: the unreserved characters (RFC 3986 section 2.3).
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stays as it is when a value fills a placeholder of a URI path.
const PATH_VALUE: &AsciiSet =
    &QUERY_VALUE.remove(b'/').remove(b':').remove(b'@').remove(b',').remove(b';').remove(b'=');

/// What the client may have sent in its target and no URI holds: besides this, bytes outside ASCII.
const NOT_IN_TARGET: &AsciiSet = &CONTROLS.add(b'#');

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
}

impl Values<'_> {
    /// Appends a value for a header field or a text, decoded. False, and nothing appended, when the source has none.
    pub fn write(&self, source: &Source, out: &mut Vec<u8>) -> bool {
        match source {
            Source::Static(text) => put(out, Some(text.as_bytes())),
            Source::Path(position) => put(out, self.path.value(*position)),
            Source::NamedPath(name) => put(out, self.named_path(name)),
            Source::Query(name, which) => write_joined(out, *which, query_values(self.view.request, name)),
            Source::Header(name, which) => self.write_header(out, name, *which),
            Source::StageVariable(name) => {
                put(out, self.view.stage.and_then(|(_, stage)| stage.variable(name)).map(str::as_bytes))
            }
            Source::Context(variable) => self.view.write(*variable, out),
            Source::IntegrationHeader(name, which) => self.write_integration_header(out, name, *which),
        }
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
        let parameter = |out: &mut Vec<u8>, value: &[u8]| {
            out.push(b'&');
            out.extend(percent_encode(name.as_bytes(), QUERY_VALUE).flat_map(str::bytes));
            out.push(b'=');
            out.extend(percent_encode(value, QUERY_VALUE).flat_map(str::bytes));
        };
        if let Source::Query(from, Which::All) = source {
            query_values(self.view.request, from).for_each(|value| parameter(out, &value));
        } else {
            let mut value = Vec::new();
            if self.write(source, &mut value) {
                parameter(out, &value);
            }
        }
    }

    /// Appends a value into the path or query of a URI: path parameters as [`write_sent`] does, all else encoded.
    pub fn write_uri(&self, source: &Source, out: &mut Vec<u8>) {
        if let Source::Path(position) = source {
            write_sent(self.path.value(*position).unwrap_or_default(), out);
            return;
        }
        let mut value = Vec::new();
        self.write(source, &mut value);
        out.extend(percent_encode(&value, PATH_VALUE).flat_map(str::bytes));
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

    fn named_path(&self, name: &str) -> Option<&[u8]> {
        let (_, resource) = self.view.route?;
        self.path.value(resource.parameters.iter().position(|known| known == name)?)
    }

    /// AWS compares header names with case when mapping; clients do not, and HTTP/2 cannot. We compare without.
    fn write_header(&self, out: &mut Vec<u8>, name: &str, which: Which) -> bool {
        let values = self.view.request.find(name.as_bytes()).map(<[u8]>::to_vec);
        write_joined(out, which, values)
    }

    fn write_integration_header(&self, out: &mut Vec<u8>, name: &str, which: Which) -> bool {
        let Some(response) = self.response else { return false };
        write_joined(out, which, response.find(name.as_bytes()).map(<[u8]>::to_vec))
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
fn write_joined(out: &mut Vec<u8>, which: Which, values: impl Iterator<Item = Vec<u8>>) -> bool {
    match which {
        Which::Last => put(out, values.last().as_deref()),
        Which::All => {
            let mut any = false;
            for value in values {
                if any {
                    out.push(b',');
                }
                out.extend_from_slice(&value);
                any = true;
            }
            any
        }
    }
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) -> bool {
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

/// The decoded values of a query parameter. AWS: `;` separates like `&`, `+` is a space.
fn query_values<'a>(request: &'a RequestHead, name: &'a str) -> impl Iterator<Item = Vec<u8>> + 'a {
    let pairs = request.query().unwrap_or_default().split(|byte| matches!(byte, b'&' | b';'));
    pairs.filter(|pair| !pair.is_empty()).filter_map(move |pair| {
        let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (key, value) = (&pair[..at], pair.get(at + 1..).unwrap_or_default());
        (decode(key) == name.as_bytes()).then(|| decode(value))
    })
}

fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}
