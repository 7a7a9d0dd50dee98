//! Writes the head of the answer that goes to the client, and the bodies that the gateway makes itself.

use crate::context::View;
use crate::gateway_response::Custom;
use crate::http1::{BodyFraming, KnownField, ResponseHead, Version, encode};
use crate::integration::{IntegrationResponse, ResponseBody};
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
}

/// The answer of an HTTP_PROXY backend, passed on. Returns how its content is framed for the client.
pub fn write_proxy(
    values: &Values<'_>,
    response: &ResponseHead,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) -> BodyFraming {
    let framing = client_framing(response.framing(), frame.version);
    let frame = Frame { keep_alive: frame.keep_alive && framing != BodyFraming::UntilClose, ..frame };
    write_start(response.status(), frame, out);
    if response.first(KnownField::ContentType).is_none() {
        out.extend_from_slice(b"Content-Type: application/json\r\n");
    }
    write_framing(framing, response, frame, out);
    write_connection(frame, out);
    write_ids(&values.view, out);
    for field in response.fields() {
        let passage = pass::from_proxy(field.known);
        write_passing(passage, response.name(field), response.value(field), out);
    }
    out.extend_from_slice(b"\r\n");
    framing
}

/// HTTP/1.0 knows no chunks (RFC 9112 section 6.1).
fn client_framing(framing: BodyFraming, version: Version) -> BodyFraming {
    match (framing, version) {
        (BodyFraming::Chunked | BodyFraming::UntilClose, Version::Http11) => BodyFraming::Chunked,
        (BodyFraming::Chunked | BodyFraming::UntilClose, Version::Http10) => BodyFraming::UntilClose,
        (BodyFraming::None | BodyFraming::Length(_), _) => framing,
    }
}

fn write_framing(framing: BodyFraming, response: &ResponseHead, frame: Frame<'_>, out: &mut Vec<u8>) {
    match framing {
        BodyFraming::Length(length) => write_length(length, out),
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyFraming::UntilClose => {}
        BodyFraming::None if frame.is_head => {
            if let Some(length) = response.first(KnownField::ContentLength) {
                write_field(b"Content-Length", length, out);
            }
        }
        BodyFraming::None => {}
    }
}

/// The answer that an integration response makes, whose content is the backend's (framed like `backend`) or a
/// template's output. Returns how content that follows is framed; `None` when there is none to follow.
pub fn write_mapped(
    chosen: &IntegrationResponse,
    values: &Values<'_>,
    backend: BodyFraming,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) -> BodyFraming {
    let body = chosen.body(values.view.request.first(KnownField::Accept));
    let empty = frame.is_head || is_bodiless(chosen.status);
    let framing = match body {
        ResponseBody::Passthrough if !empty => client_framing(backend, frame.version),
        ResponseBody::Passthrough | ResponseBody::Template(..) => BodyFraming::None,
    };
    let frame = Frame { keep_alive: frame.keep_alive && framing != BodyFraming::UntilClose, ..frame };
    write_start(chosen.status, frame, out);
    if !maps(&chosen.headers, "content-type", values) {
        let media_type = if let ResponseBody::Template(_, name) = body { name } else { "application/json" };
        write_field(b"Content-Type", media_type.as_bytes(), out);
    }
    let text = if let ResponseBody::Template(text, _) = body { text } else { "" };
    match framing {
        BodyFraming::Length(length) => write_length(length, out),
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyFraming::UntilClose => {}
        BodyFraming::None if is_bodiless(chosen.status) => {}
        BodyFraming::None => write_length(text.len() as u64, out),
    }
    write_connection(frame, out);
    write_ids(&values.view, out);
    write_mapped_fields(&chosen.headers, values, out);
    if values.response.is_some() {
        write_trace(&values.view, out);
    }
    out.extend_from_slice(b"\r\n");
    if !empty {
        out.extend_from_slice(text.as_bytes());
    }
    framing
}

/// Answers that never have content (RFC 9110 section 6.4.1).
fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

fn maps(headers: &[Mapped], name: &str, values: &Values<'_>) -> bool {
    headers
        .iter()
        .any(|mapped| mapped.name.eq_ignore_ascii_case(name) && values.write(&mapped.source, &mut Vec::new()))
}

fn write_mapped_fields(headers: &[Mapped], values: &Values<'_>, out: &mut Vec<u8>) {
    for mapped in headers {
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
    let mut body = Vec::new();
    let media_type = write_refusal_body(refusal, custom, values, limit_bytes, &mut body);
    let headers = custom.map_or([].as_slice(), |custom| &custom.headers);
    write_start(custom.and_then(|custom| custom.status).unwrap_or(refusal.status), frame, out);
    if !maps(headers, "content-type", values) {
        write_field(b"Content-Type", media_type.as_bytes(), out);
    }
    write_length(body.len() as u64, out);
    write_connection(frame, out);
    if refusal.voice != Voice::PlainText {
        write_field(b"x-amzn-RequestId", values.view.arrival.request_id(), out);
        write_field(b"x-amzn-ErrorType", refusal.error_type.as_bytes(), out);
        write_field(b"x-amz-apigw-id", &values.view.arrival.extended_request_id, out);
    }
    write_mapped_fields(headers, values, out);
    out.extend_from_slice(b"\r\n");
    if !frame.is_head {
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
    let message = refusal.message.as_bytes();
    match refusal.voice {
        Voice::PlainText => {
            out.extend_from_slice(message);
            out.push(b' ');
            out.extend_from_slice(itoa::Buffer::new().format(limit_bytes).as_bytes());
            out.extend_from_slice(b" bytes.");
            return "text; charset=utf-8";
        }
        Voice::FrontDoor => out.extend_from_slice(br#"{"message":""#),
        Voice::Execution => out.extend_from_slice(br#"{"message": ""#),
    }
    out.extend_from_slice(message);
    out.extend_from_slice(br#""}"#);
    "application/json"
}

const REMAPPED: &[u8] = b"x-amzn-Remapped-";

fn write_passing(passage: Passage, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    match passage {
        Passage::Drop => return,
        Passage::Remap => out.extend_from_slice(REMAPPED),
        Passage::Pass => {}
    }
    write_field(name, value, out);
}

fn write_start(status: u16, frame: Frame<'_>, out: &mut Vec<u8>) {
    encode::status_line(status, out);
    write_field(b"Date", frame.date, out);
}

fn write_connection(frame: Frame<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(if frame.keep_alive {
        b"Connection: keep-alive\r\n"
    } else {
        b"Connection: close\r\n"
    });
}

fn write_ids(view: &View<'_>, out: &mut Vec<u8>) {
    write_field(b"x-amzn-RequestId", view.arrival.request_id(), out);
    write_field(b"x-amz-apigw-id", &view.arrival.extended_request_id, out);
}

fn write_trace(view: &View<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"X-Amzn-Trace-Id: ");
    view.arrival.write_trace(view.request, out);
    out.extend_from_slice(b"\r\n");
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    write_field(b"Content-Length", itoa::Buffer::new().format(length).as_bytes(), out);
}

fn write_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
