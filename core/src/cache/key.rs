//! What an answer is found by: bytes that are the same for two requests only if these share answers.
//!
//! Each part stands behind its length, so no parts of one request look like other parts of another one.

use super::settings::{Callers, MethodCache};
use crate::auth::authorizer::Grant;
use crate::auth::jwt::Claims;
use crate::compression::Coding;
use crate::http1::KnownField;
use crate::integration::Http;
use crate::mapping::Source;
use crate::method::Method;
use crate::transform::pass;
use crate::values::Values;

/// Whoever a request is authorised as.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller<'a> {
    /// The ARN of who has signed it.
    pub(crate) principal: Option<&'a str>,
    /// The certificate that it has shown.
    pub(crate) certificate: Option<&'a str>,
    /// What its authorizer has said of it.
    pub(crate) grant: Option<&'a Grant>,
    /// What its token says.
    pub(crate) claims: Option<&'a Claims>,
    /// The name of its API key.
    pub(crate) api_key: Option<&'a [u8]>,
}

/// In which forms the gateway would answer a request: the same answer in another form is none for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// How content would be compressed.
    pub(crate) coding: Option<Coding>,
    /// Whether the client wants a binary media type.
    pub(crate) binary: bool,
}

/// Writes the key of a request. AWS: namespace and parameters, nothing else. We add the method, since the answer to one
/// method is none to another, the form, and the caller where callers are kept apart.
pub(crate) fn write(
    method: Method,
    cache: &MethodCache,
    form: Form,
    values: &Values<'_>,
    caller: Caller<'_>,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.push(method as u8);
    out.push(u8::from(form.binary));
    put(form.coding.map_or(b"", Coding::name), out);
    put(cache.namespace.as_bytes(), out);
    for source in &cache.parameters {
        write_parameter(source, values, out);
        out.push(END);
    }
    match cache.callers {
        Callers::Apart => write_caller(values, caller, out),
        // Answers to requests with `Authorization` are kept only where the origin says that they are for all (RFC 9111
        // section 3.5): these do not stand in the way of the others.
        Callers::Together if cache.extras.heeds_origin() => out.push(u8::from(is_authorized(values))),
        Callers::Together => {}
    }
}

/// Whether a request came with `Authorization`, be it a signature.
pub(crate) fn is_authorized(values: &Values<'_>) -> bool {
    values.view.request.first(KnownField::Authorization).is_some()
}

/// Writes what the integration gets as a field: what is mapped to it, and what the client has sent as that.
pub(crate) fn write_selected(name: &[u8], http: Option<&Http>, values: &Values<'_>, out: &mut Vec<u8>) {
    let headers = http.map_or([].as_slice(), |http| &http.headers);
    for mapped in headers.iter().filter(|mapped| mapped.name.as_bytes().eq_ignore_ascii_case(name)) {
        write_parameter(&mapped.source, values, out);
        out.push(END);
    }
    let mut sent = values.view.request.find(name).peekable();
    if sent.peek().is_some() {
        // RFC 9110 section 5.3: several lines are the same as one list.
        put_with(out, |out| {
            for (number, value) in sent.enumerate() {
                out.extend_from_slice(if number == 0 { b"" } else { b", " });
                out.extend_from_slice(value);
            }
        });
    }
    out.push(END);
}

/// What stands before a value and behind the last one.
const VALUE: u8 = 1;
const END: u8 = 0;

/// All values of a repeated parameter count, also where a mapping reads the last one only: a backend may get them all.
fn write_parameter(source: &Source, values: &Values<'_>, out: &mut Vec<u8>) {
    match source {
        Source::Query(name, _) => {
            for value in values.query_values(name) {
                put_with(out, |out| out.extend(crate::values::decoded(value)));
            }
        }
        Source::Header(name, _) => {
            values.view.request.find(name.as_bytes()).for_each(|value| put(value, out));
        }
        source => {
            let start = out.len();
            let mut has = false;
            put_with(out, |out| has = values.write(source, out));
            if !has {
                out.truncate(start);
            }
        }
    }
}

/// The credentials that the gateway has checked, and those that only the backend knows what to do with.
fn write_caller(values: &Values<'_>, caller: Caller<'_>, out: &mut Vec<u8>) {
    let named = [caller.principal, caller.certificate].map(|part| part.map(str::as_bytes));
    for part in named.into_iter().chain([caller.api_key]) {
        part.into_iter().for_each(|part| put(part, out));
        out.push(END);
    }
    if let Some(grant) = caller.grant {
        put(grant.principal_id.as_bytes(), out);
        for (name, value) in grant.values() {
            put(name.as_bytes(), out);
            put(value.as_bytes(), out);
        }
    }
    out.push(END);
    for (name, value) in caller.claims.into_iter().flat_map(Claims::values) {
        put(name.as_bytes(), out);
        put(value.as_bytes(), out);
    }
    out.push(END);
    let request = values.view.request;
    if request.first(KnownField::Authorization).is_some() {
        // A signature is another one with each request, and its principal stands there already.
        let values = request.find(b"authorization").filter(|value| !pass::is_signature(value));
        values.for_each(|value| put(value, out));
    }
    out.push(END);
}

fn put(part: &[u8], out: &mut Vec<u8>) {
    put_with(out, |out| out.extend_from_slice(part));
}

fn put_with(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(VALUE);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let bytes = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}
