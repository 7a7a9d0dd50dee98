//! Writes the head of the answer that goes to the client, and the bodies that the gateway makes itself.

use std::borrow::Cow;

use crate::compression::Coding;
use crate::context::{self, View};
use crate::gateway_response::Custom;
use crate::http1::{BodyFraming, Field, KnownField, ResponseHead, Version, encode};
use crate::integration::IntegrationResponse;
use crate::limit::Standing;
use crate::mapping::Mapped;
use crate::reject::{Refusal, Voice};
use crate::transform::pass::{self, Passage};
use crate::values::Values;

/// What every answer of one request shares.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The `Date` value.
    pub date: &'a [u8; 29],
    /// Whether the connection stays open.
    pub keep_alive: bool,
    /// A HEAD request's answer has no content.
    pub is_head: bool,
    /// The client's version.
    pub version: Version,
    /// Where the caller stands with its limits.
    pub standing: Standing,
    /// Length of the backend's content, when it has been read whole.
    pub whole_bytes: Option<u64>,
}

/// The answer of an HTTP_PROXY backend, passed on, with its content if that was read, of whose length the frame tells. Returns
/// how content that follows is framed for the client.
pub fn write_proxy(
    values: &Values<'_>,
    response: &ResponseHead,
    coded: Option<Coded<'_>>,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) -> BodyFraming {
    let announced = announced(response, response.status(), frame);
    let (follows, frame) = following(announced, frame);
    write_start(response.status(), frame, out);
    if response.first(KnownField::ContentType).is_none() {
        out.extend_from_slice(b"Content-Type: application/json\r\n");
    }
    write_coding(coded.as_ref().and_then(|coded| coded.coding), out);
    write_framing(announced, frame, out);
    write_connection(frame, out);
    write_ids(&values.view, out);
    let options = response.field_set().present().contains(KnownField::Connection)
        && pass::has_connection_options(response.find(b"connection"));
    for field in response.fields() {
        if options && pass::is_connection_option(response.find(b"connection"), response.name(field)) {
            continue;
        }
        write_passing(response, field, out);
    }
    out.extend_from_slice(b"\r\n");
    match coded {
        Some(coded) if follows != BodyFraming::None => {
            out.extend_from_slice(&coded.content);
            BodyFraming::None
        }
        _ => follows,
    }
}

/// Content that was read whole, and how it is coded now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded<'a> {
    /// The content.
    pub content: Cow<'a, [u8]>,
    /// Its coding; none: as it came.
    pub coding: Option<Coding>,
}

pub(crate) fn write_coding(coding: Option<Coding>, out: &mut Vec<u8>) {
    if let Some(coding) = coding {
        encode::field(b"Content-Encoding", coding.name(), out);
    }
}

/// How the backend's content is announced to the client under `status`. The client's method and the backend's may
/// differ, so either may be HEAD without the other. HTTP/1.0 knows no chunks (RFC 9112 section 6.1).
fn announced(response: &ResponseHead, status: u16, frame: Frame<'_>) -> BodyFraming {
    match (response.framing(), frame.version) {
        _ if is_bodiless(status) => BodyFraming::None,
        _ if let Some(bytes) = frame.whole_bytes => BodyFraming::Length(bytes),
        (BodyFraming::None, _) if frame.is_head => {
            declared_length(response).map_or(BodyFraming::None, BodyFraming::Length)
        }
        (BodyFraming::None, _) => BodyFraming::Length(0),
        (BodyFraming::Length(length), _) => BodyFraming::Length(length),
        (BodyFraming::Chunked | BodyFraming::UntilClose, Version::Http11 | Version::Http2) => {
            BodyFraming::Chunked
        }
        (BodyFraming::Chunked | BodyFraming::UntilClose, Version::Http10) => BodyFraming::UntilClose,
    }
}

/// How content is announced that a function streams; `bytes` is its length, if it is known.
pub(crate) fn announced_stream(status: u16, bytes: Option<u64>, frame: Frame<'_>) -> BodyFraming {
    match (bytes, frame.version) {
        _ if is_bodiless(status) => BodyFraming::None,
        (Some(bytes), _) => BodyFraming::Length(bytes),
        (None, Version::Http11 | Version::Http2) => BodyFraming::Chunked,
        (None, Version::Http10) => BodyFraming::UntilClose,
    }
}

/// What a response to HEAD says about the content that it would have; a head with an invalid length is never parsed.
fn declared_length(response: &ResponseHead) -> Option<u64> {
    std::str::from_utf8(response.first(KnownField::ContentLength)?).ok()?.parse().ok()
}

/// How what follows the head is framed, and the frame with what that means for the connection.
pub(crate) fn following(announced: BodyFraming, frame: Frame<'_>) -> (BodyFraming, Frame<'_>) {
    let follows = if frame.is_head { BodyFraming::None } else { announced };
    (follows, Frame { keep_alive: frame.keep_alive && follows != BodyFraming::UntilClose, ..frame })
}

pub(crate) fn write_framing(announced: BodyFraming, frame: Frame<'_>, out: &mut Vec<u8>) {
    match announced {
        BodyFraming::Length(length) => write_length(length, out),
        // In HTTP/2 frames tell.
        BodyFraming::Chunked if frame.version == Version::Http2 => {}
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyFraming::None | BodyFraming::UntilClose => {}
    }
}

/// The content of an answer that an integration response makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// The backend's, which follows (of a MOCK: nothing).
    Passthrough,
    /// What is there already: a template's output, or the backend's content where a mapping had to read it.
    Whole {
        /// The content.
        content: &'a [u8],
        /// Its type, when no mapping sets one.
        media_type: &'a str,
        /// How it is coded.
        coding: Option<Coding>,
    },
}

/// The answer that an integration response makes, under this status, with a trace if somebody was
/// called. Returns how content that follows is framed; `None`
/// when there is none to follow.
pub fn write_mapped(
    chosen: &IntegrationResponse,
    status: u16,
    content: Content<'_>,
    is_called: bool,
    values: &Values<'_>,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) -> BodyFraming {
    let (announced, media_type) = match (content, values.response) {
        (Content::Whole { content, media_type, .. }, _) => {
            (BodyFraming::Length(content.len() as u64), media_type)
        }
        (Content::Passthrough, Some(response)) => (announced(response, status, frame), JSON),
        (Content::Passthrough, None) => (BodyFraming::Length(0), JSON),
    };
    let announced = if is_bodiless(status) { BodyFraming::None } else { announced };
    let (follows, frame) = following(announced, frame);
    write_start(status, frame, out);
    let is_overridden = values.overrides.response_headers().any(|(name, _)| is_content_type(name));
    if !is_overridden && !maps(&chosen.headers, "content-type", values, out) {
        encode::field(b"Content-Type", media_type.as_bytes(), out);
    }
    if let Content::Whole { coding, .. } = content {
        write_coding(coding, out);
    }
    write_framing(announced, frame, out);
    write_connection(frame, out);
    write_ids(&values.view, out);
    write_mapped_fields(&chosen.headers, values, out);
    write_overridden_fields(values, out);
    if is_called {
        write_trace(&values.view, out);
    }
    out.extend_from_slice(b"\r\n");
    match content {
        Content::Passthrough => follows,
        Content::Whole { content, .. } => {
            if follows != BodyFraming::None {
                out.extend_from_slice(content);
            }
            BodyFraming::None
        }
    }
}

fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-type")
}

/// What an answer is when nothing says otherwise. AWS: "`Content-Type` … default `application/json`".
pub const JSON: &str = "application/json";

/// Answers that never have content (RFC 9110 section 6.4.1).
pub(crate) fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// Whether a mapping gives the field a value. `out` comes back as it was.
pub(crate) fn maps(headers: &[Mapped], name: &str, values: &Values<'_>, out: &mut Vec<u8>) -> bool {
    headers.iter().any(|mapped| mapped.name.eq_ignore_ascii_case(name) && values.has(&mapped.source, out))
}

pub(crate) fn write_mapped_fields(headers: &[Mapped], values: &Values<'_>, out: &mut Vec<u8>) {
    let overridden = |name: &str| {
        values.overrides.response_headers().any(|(overridden, _)| overridden.eq_ignore_ascii_case(name))
    };
    for mapped in headers.iter().filter(|mapped| !overridden(&mapped.name)) {
        let start = out.len();
        let name = mapped.name.as_bytes();
        match pass::mapped_to_client(KnownField::of(name)) {
            Passage::Drop => continue,
            Passage::Remap => out.extend_from_slice(REMAPPED),
            Passage::Pass => {}
        }
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        if values.write_field_value(&mapped.source, out) {
            out.extend_from_slice(b"\r\n");
        } else {
            out.truncate(start);
        }
    }
}

/// What templates have set; that the names are names was looked at when the template had run.
fn write_overridden_fields(values: &Values<'_>, out: &mut Vec<u8>) {
    for (name, value) in values.overrides.response_headers() {
        match pass::mapped_to_client(KnownField::of(name.as_bytes())) {
            Passage::Drop => continue,
            Passage::Remap => out.extend_from_slice(REMAPPED),
            Passage::Pass => {}
        }
        encode::field_value(name.as_bytes(), value.as_bytes(), out);
    }
}

/// A refusal, as the API's gateway responses have it or as AWS's defaults are. `limit_bytes` is named by the plain
/// texts about sizes.
pub fn write_refusal(
    refusal: &Refusal,
    custom: Option<&Custom>,
    values: &Values<'_>,
    limit_bytes: u64,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) {
    // Behind the head stands the body, whose length the head tells. Ours are seldom longer than this.
    let mut body = Vec::with_capacity(refusal.message.as_ref().map_or(0, |message| message.len()) + 64);
    let media_type = write_refusal_body(refusal, custom, values, limit_bytes, &mut body);
    let headers = custom.map_or([].as_slice(), |custom| &custom.headers);
    let status = custom.and_then(|custom| custom.status).unwrap_or(refusal.status);
    write_start(status, frame, out);
    if !maps(headers, "content-type", values, out) {
        encode::field(b"Content-Type", media_type.as_bytes(), out);
    }
    if !is_bodiless(status) {
        write_length(body.len() as u64, out);
    }
    write_connection(frame, out);
    if refusal.voice != Voice::PlainText {
        encode::field(b"x-amzn-RequestId", values.view.arrival.request_id(), out);
        encode::field(b"x-amzn-ErrorType", refusal.error_type.as_bytes(), out);
        encode::field(b"x-amz-apigw-id", &values.view.arrival.extended_request_id, out);
    }
    write_mapped_fields(headers, values, out);
    out.extend_from_slice(b"\r\n");
    if !frame.is_head && !is_bodiless(status) {
        out.extend_from_slice(&body);
    }
}

/// Writes the content; returns its media type.
fn write_refusal_body<'a>(
    refusal: &Refusal,
    custom: Option<&'a Custom>,
    values: &Values<'_>,
    limit_bytes: u64,
    out: &mut Vec<u8>,
) -> &'a str {
    if let Some((media_type, template)) = custom.and_then(Custom::template) {
        values.write_template(template, out);
        return media_type;
    }
    let message = refusal.message.as_deref();
    match refusal.voice {
        Voice::PlainText => {
            out.extend_from_slice(message.unwrap_or_default().as_bytes());
            out.push(b' ');
            out.extend_from_slice(itoa::Buffer::new().format(limit_bytes).as_bytes());
            out.extend_from_slice(b" bytes.");
            return "text; charset=utf-8";
        }
        Voice::FrontDoor => out.extend_from_slice(br#"{"message":"#),
        Voice::Policy => out.extend_from_slice(br#"{"Message":"#),
        Voice::Execution => out.extend_from_slice(br#"{"message": "#),
    }
    if !context::put_quoted(out, message) {
        out.extend_from_slice(b"null");
    }
    out.push(b'}');
    JSON
}

pub(crate) const REMAPPED: &[u8] = b"x-amzn-Remapped-";

fn write_passing(response: &ResponseHead, field: &Field, out: &mut Vec<u8>) {
    match pass::from_proxy(field.known) {
        Passage::Drop => return,
        Passage::Remap => out.extend_from_slice(REMAPPED),
        Passage::Pass => {}
    }
    match response.line(field) {
        Some(line) => out.extend_from_slice(line),
        None => encode::field(response.name(field), response.value(field), out),
    }
}

pub(crate) fn write_start(status: u16, frame: Frame<'_>, out: &mut Vec<u8>) {
    encode::status_line(status, out);
    encode::field(b"Date", frame.date, out);
}

pub(crate) fn write_connection(frame: Frame<'_>, out: &mut Vec<u8>) {
    if frame.standing != Standing::default() {
        frame.standing.write(out);
    }
    if frame.version == Version::Http2 {
        return; // a connection is no matter of one answer
    }
    out.extend_from_slice(if frame.keep_alive {
        b"Connection: keep-alive\r\n"
    } else {
        b"Connection: close\r\n"
    });
}

pub(crate) fn write_ids(view: &View<'_>, out: &mut Vec<u8>) {
    encode::field(b"x-amzn-RequestId", view.arrival.request_id(), out);
    encode::field(b"x-amz-apigw-id", &view.arrival.extended_request_id, out);
}

pub(crate) fn write_trace(view: &View<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"X-Amzn-Trace-Id: ");
    view.arrival.write_trace(view.request, out);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_length(length: u64, out: &mut Vec<u8>) {
    encode::field(b"Content-Length", itoa::Buffer::new().format(length).as_bytes(), out);
}
