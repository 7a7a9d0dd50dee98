//! `headers` and `multiValueHeaders` of an event.

use super::json::{escape_behind, write_string};
use crate::http1::{Field, KnownField, KnownFields, RequestHead};
use crate::transform::pass;
use crate::values::Values;

/// Fields of a client that are not in the event: those that AWS takes away from every request (recorded fact 91), those
/// of this hop alone, and those that the gateway writes.
const NOT_IN_EVENT: KnownFields = pass::STRIPPED.with(KnownFields::of(&[
    KnownField::KeepAlive,
    KnownField::ProxyConnection,
    KnownField::XAmznTraceId,
    KnownField::XForwardedFor,
    KnownField::XForwardedPort,
    KnownField::XForwardedProto,
]));

/// Appends both members. A single value is the last one.
pub(super) fn write(values: &Values<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","headers":{"#);
    write_client_fields(values.view.request, out, write_last);
    write_gateway_fields(values, out, ["", ""]);
    out.extend_from_slice(br#"},"multiValueHeaders":{"#);
    write_client_fields(values.view.request, out, write_all);
    write_gateway_fields(values, out, ["[", "]"]);
    out.push(b'}');
}

/// Each name once, as the client spelt it first, and a comma behind each.
fn write_client_fields(
    request: &RequestHead,
    out: &mut Vec<u8>,
    write_values: impl Fn(&RequestHead, &[Field], &mut Vec<u8>),
) {
    for (position, field) in request.fields().iter().enumerate() {
        let is_signature =
            field.known == KnownField::Authorization && pass::is_signature(request.value(field));
        let passes = !is_signature && !NOT_IN_EVENT.contains(field.known);
        if !passes || request.fields()[..position].iter().any(|other| same_name(request, field, other)) {
            continue;
        }
        write_string(spelling(request, field), out);
        out.push(b':');
        write_values(request, &request.fields()[position..], out);
        out.push(b',');
    }
}

/// These two are always spelt so (recorded fact 112).
fn spelling<'a>(request: &'a RequestHead, field: &Field) -> &'a [u8] {
    match field.known {
        KnownField::Authorization => b"Authorization",
        KnownField::UserAgent => b"User-Agent",
        _ => request.name(field),
    }
}

fn same_name(request: &RequestHead, field: &Field, other: &Field) -> bool {
    other.known == field.known
        && other.name.len() == field.name.len()
        && (field.known != KnownField::Other || request.name(other).eq_ignore_ascii_case(request.name(field)))
}

/// The last value of the first of these fields.
fn write_last(request: &RequestHead, fields: &[Field], out: &mut Vec<u8>) {
    let last = fields.iter().rev().find(|other| same_name(request, &fields[0], other));
    write_string(request.value(last.unwrap_or(&fields[0])), out);
}

/// All values of the first of these fields.
fn write_all(request: &RequestHead, fields: &[Field], out: &mut Vec<u8>) {
    out.push(b'[');
    for field in fields.iter().filter(|other| same_name(request, &fields[0], other)) {
        if !out.ends_with(b"[") {
            out.push(b',');
        }
        write_string(request.value(field), out);
    }
    out.push(b']');
}

/// What the gateway knows of the way that the request has come (recorded fact 95).
fn write_gateway_fields(values: &Values<'_>, out: &mut Vec<u8>, [open, close]: [&str; 2]) {
    let (request, arrival) = (values.view.request, values.view.arrival);
    let mut member = |name: &str, write: &dyn Fn(&mut Vec<u8>)| {
        write_string(name.as_bytes(), out);
        out.push(b':');
        out.extend_from_slice(open.as_bytes());
        out.push(b'"');
        let start = out.len();
        write(out);
        escape_behind(start, out);
        out.push(b'"');
        out.extend_from_slice(close.as_bytes());
        out.push(b',');
    };
    member("X-Amzn-Trace-Id", &|out| arrival.write_trace(request, out));
    member("X-Forwarded-For", &|out| {
        for address in request.find(b"x-forwarded-for") {
            out.extend_from_slice(address);
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(arrival.source_ip.as_bytes());
    });
    member("X-Forwarded-Port", &|out| {
        out.extend_from_slice(itoa::Buffer::new().format(arrival.listener_port).as_bytes());
    });
    let scheme: &[u8] = if arrival.is_secure { b"https" } else { b"http" };
    member("X-Forwarded-Proto", &|out| out.extend_from_slice(scheme));
    out.pop();
}
