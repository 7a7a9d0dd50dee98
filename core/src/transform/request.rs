//! Writes the head of the request that goes to an HTTP backend.

use crate::http1::{BodyFraming, Field, KnownField, KnownFields, RequestHead, encode};
use crate::integration::{Http, HttpKind, Piece, Pieces, Placeholder};
use crate::mapping::{Mapped, Source};
use crate::method::Method;
use crate::transform::pass;
use crate::values::{self, Values};

/// The body that goes with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The client's, framed like this, which follows.
    Client(BodyFraming),
    /// The client's, whole.
    Whole(&'a [u8]),
    /// A template's output.
    Template(&'a [u8]),
}

/// Writes the whole head, and behind it the body that is there already.
pub fn write(http: &Http, method: Method, body: Body<'_>, values: &Values<'_>, out: &mut Vec<u8>) {
    write_fields(http, method, body, values, out);
    write_framing(method, body, values.view.request, out);
}

/// Writes the start line and all fields but those of framing.
pub fn write_fields(http: &Http, method: Method, body: Body<'_>, values: &Values<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(method.name().as_bytes());
    out.push(b' ');
    write_target(http, values, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    match &http.kind {
        HttpKind::Proxy => write_proxy_fields(http, values, out),
        HttpKind::Custom(_) => write_custom_fields(http, method, body, values, out),
    }
    write_gateway_fields(values, out);
}

fn write_target(http: &Http, values: &Values<'_>, out: &mut Vec<u8>) {
    write_pieces(http.target.path(), values, out, |source, out| values.write_path_value(source, out));
    let query = out.len();
    out.push(b'?');
    write_pieces(http.target.query(), values, out, |source, out| values.write_query_value(source, out));
    if matches!(http.kind, HttpKind::Proxy)
        && let Some(sent) = values.view.request.query().filter(|sent| !sent.is_empty())
    {
        separate(out, query);
        values::write_sent(sent, out);
    }
    for mapped in &http.query {
        if !is_overridden(values, "querystring", &mapped.name) {
            values.write_query(&mapped.name, &mapped.source, out);
        }
    }
    for (name, value) in values.overrides.request("querystring") {
        Values::write_query_text(name, value, out);
    }
    tidy_query(out, query);
}

/// A `&` behind what the query has so far.
fn separate(out: &mut Vec<u8>, query: usize) {
    if out.len() > query + 1 {
        out.push(b'&');
    }
}

/// Drops the `?` of an empty query and the `&` at the start of one that has only mapped parameters.
fn tidy_query(out: &mut Vec<u8>, query: usize) {
    if out.len() == query + 1 {
        out.pop();
    } else if out[query + 1] == b'&' {
        out.remove(query + 1);
    }
}

fn write_pieces(
    pieces: Pieces<'_>,
    values: &Values<'_>,
    out: &mut Vec<u8>,
    write_value: impl Fn(&Source, &mut Vec<u8>),
) {
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Placeholder(Placeholder { name, source, .. }) => {
                match values.overrides.request("path").find(|(overridden, _)| *overridden == &**name) {
                    Some((_, value)) => Values::write_path_text(value, out),
                    None => write_value(source, out),
                }
            }
        }
    }
}

/// Whether a template has set a parameter in place of its mapping.
fn is_overridden(values: &Values<'_>, part: &str, name: &str) -> bool {
    values.overrides.request(part).any(|(overridden, _)| overridden.eq_ignore_ascii_case(name))
}

/// The client's fields that pass, the mapped ones in place of those of the same name, and the defaults.
fn write_proxy_fields(http: &Http, values: &Values<'_>, out: &mut Vec<u8>) {
    let request = values.view.request;
    let mut written = KnownFields::default();
    write_mapped(&http.headers, values, &mut written, out);
    write_host(http, written, out);
    let options = request.field_set().present().contains(KnownField::Connection)
        && pass::has_connection_options(request.find(b"connection"));
    for (position, field) in request.fields().iter().enumerate() {
        if pass::NOT_TO_PROXY.contains(field.known)
            || (field.known == KnownField::Authorization && pass::is_signature(request.value(field)))
            || is_replaced(&http.headers, field, values, out)
        {
            continue;
        }
        if options && pass::is_connection_option(request.find(b"connection"), request.name(field)) {
            continue;
        }
        written.insert(field.known);
        write_client_field(request, position, field, out);
    }
    write_defaults(values, written, out);
    write_forwarded(values, written, out);
}

/// A mapping replaces the client's field of the same name when it has a value. `out` comes back as it was.
fn is_replaced(mapped: &[Mapped], field: &Field, values: &Values<'_>, out: &mut Vec<u8>) -> bool {
    let name = values.view.request.name(field);
    mapped
        .iter()
        .any(|mapped| mapped.name.as_bytes().eq_ignore_ascii_case(name) && values.has(&mapped.source, out))
}

/// A field once, with all its values joined by commas where it first stands, as AWS sends repeated fields.
fn write_client_field(request: &RequestHead, position: usize, field: &Field, out: &mut Vec<u8>) {
    let name = request.name(field);
    let same = |other: &&Field| {
        other.known == field.known
            && other.name.len() == field.name.len()
            && request.name(other).eq_ignore_ascii_case(name)
    };
    if request.fields()[..position].iter().any(|other| same(&other)) {
        return;
    }
    let mut others = request.fields()[position + 1..].iter().filter(same).peekable();
    if let Some(line) = request.line(field).filter(|_| others.peek().is_none()) {
        return out.extend_from_slice(line);
    }
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(request.value(field));
    for other in others {
        out.push(b',');
        out.extend_from_slice(request.value(other));
    }
    out.extend_from_slice(b"\r\n");
}

/// A non-proxy integration gets the defaults and what is mapped, nothing of the client (recorded fact 93).
fn write_custom_fields(http: &Http, method: Method, body: Body<'_>, values: &Values<'_>, out: &mut Vec<u8>) {
    let mut written = KnownFields::default();
    write_mapped(&http.headers, values, &mut written, out);
    write_overridden(values, &mut written, out);
    write_host(http, written, out);
    if has_content(method, body) && !written.contains(KnownField::ContentType) {
        let of_service = http.service.as_ref().and_then(|service| service.content_type).map(str::as_bytes);
        let content_type = of_service.or(values.view.request.first(KnownField::ContentType));
        encode::field(b"Content-Type", content_type.unwrap_or(b"application/json"), out);
    }
    if let Some(target) = http.service.as_ref().and_then(|service| service.target.as_ref())
        && !sets_target(http, values, out)
    {
        encode::field(TARGET, target.as_bytes(), out);
    }
    write_defaults(values, written, out);
}

const TARGET: &[u8] = b"X-Amz-Target";

/// Whether a mapping or a template sets the service's operation. `out` comes back as it was.
fn sets_target(http: &Http, values: &Values<'_>, out: &mut Vec<u8>) -> bool {
    let is_target = |name: &str| name.as_bytes().eq_ignore_ascii_case(TARGET);
    values.overrides.request("header").any(|(name, _)| is_target(name))
        || http.headers.iter().any(|mapped| is_target(&mapped.name) && values.has(&mapped.source, out))
}

/// AWS sends no content type with these.
fn has_content(method: Method, body: Body<'_>) -> bool {
    !matches!(method, Method::Get | Method::Head | Method::Options) && body != Body::Client(BodyFraming::None)
}

fn write_mapped(mapped: &[Mapped], values: &Values<'_>, written: &mut KnownFields, out: &mut Vec<u8>) {
    for mapped in mapped {
        let known = KnownField::of(mapped.name.as_bytes());
        if pass::LOST_WHEN_MAPPED.contains(known) || is_overridden(values, "header", &mapped.name) {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(mapped.name.as_bytes());
        out.extend_from_slice(b": ");
        if values.write_field_value(&mapped.source, out) {
            out.extend_from_slice(b"\r\n");
            written.insert(known);
        } else {
            out.truncate(start);
        }
    }
}

/// What templates have set; what fields there may be was looked at when the template had run.
fn write_overridden(values: &Values<'_>, written: &mut KnownFields, out: &mut Vec<u8>) {
    for (name, value) in values.overrides.request("header") {
        let known = KnownField::of(name.as_bytes());
        if !pass::LOST_WHEN_MAPPED.contains(known) {
            encode::field_value(name.as_bytes(), value.as_bytes(), out);
            written.insert(known);
        }
    }
}

fn write_host(http: &Http, written: KnownFields, out: &mut Vec<u8>) {
    if !written.contains(KnownField::Host) {
        encode::field(b"Host", http.host.as_bytes(), out);
    }
}

fn write_defaults(values: &Values<'_>, written: KnownFields, out: &mut Vec<u8>) {
    if !written.contains(KnownField::Accept) {
        out.extend_from_slice(b"Accept: application/json\r\n");
    }
    if !written.contains(KnownField::UserAgent) {
        out.extend_from_slice(b"User-Agent: AmazonAPIGateway_");
        out.extend_from_slice(api_id(values));
        out.extend_from_slice(b"\r\n");
    }
}

/// Who the client is, unless a mapping has said so.
fn write_forwarded(values: &Values<'_>, written: KnownFields, out: &mut Vec<u8>) {
    let arrival = values.view.arrival;
    if !written.contains(KnownField::XForwardedFor) {
        out.extend_from_slice(b"X-Forwarded-For: ");
        for address in values.view.request.find(b"x-forwarded-for") {
            out.extend_from_slice(address);
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(arrival.peer_ip.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if !written.contains(KnownField::XForwardedPort) {
        let mut port = itoa::Buffer::new();
        encode::field(b"X-Forwarded-Port", port.format(arrival.listener_port).as_bytes(), out);
    }
    if !written.contains(KnownField::XForwardedProto) {
        encode::field(b"X-Forwarded-Proto", if arrival.is_secure { b"https" } else { b"http" }, out);
    }
}

/// What every call that maps nothing says of itself.
pub fn write_own_fields(values: &Values<'_>, out: &mut Vec<u8>) {
    write_defaults(values, KnownFields::default(), out);
    write_gateway_fields(values, out);
}

fn write_gateway_fields(values: &Values<'_>, out: &mut Vec<u8>) {
    encode::field(b"X-Amzn-Apigateway-Api-Id", api_id(values), out);
    out.extend_from_slice(b"X-Amzn-Trace-Id: ");
    values.view.arrival.write_trace(values.view.request, out);
    out.extend_from_slice(b"\r\n");
}

fn api_id<'a>(values: &Values<'a>) -> &'a [u8] {
    values.view.stage.map_or(b"".as_slice(), |(api, _)| api.id.as_bytes())
}

/// The framing field, the empty line, and the body that is there already. A method that usually has content says when it has none
/// (RFC 9110 section 8.6). The codings that the client's content still has are passed on (RFC 9112 section 6.1);
/// `chunked` is our own.
pub fn write_framing(method: Method, body: Body<'_>, request: &RequestHead, out: &mut Vec<u8>) {
    match body {
        Body::Client(BodyFraming::None) if matches!(method, Method::Post | Method::Put | Method::Patch) => {
            out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        }
        Body::Client(BodyFraming::None | BodyFraming::UntilClose) => out.extend_from_slice(b"\r\n"),
        Body::Client(BodyFraming::Chunked) => {
            out.extend_from_slice(b"Transfer-Encoding: ");
            for coding in request.transfer_codings() {
                out.extend_from_slice(coding);
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(b"chunked\r\n\r\n");
        }
        Body::Client(BodyFraming::Length(length)) => write_length(length, out),
        // Codings below `chunked` are still in the content, and only chunks can say so.
        Body::Whole(content) if request.transfer_codings().next().is_some() => {
            write_framing(method, Body::Client(BodyFraming::Chunked), request, out);
            if !content.is_empty() {
                encode::chunk_head(content.len(), out);
                out.extend_from_slice(content);
                out.extend_from_slice(encode::CHUNK_END);
            }
            out.extend_from_slice(encode::LAST_CHUNK);
        }
        Body::Whole(text) | Body::Template(text) => {
            write_length(text.len() as u64, out);
            out.extend_from_slice(text);
        }
    }
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
}
