//! `Transfer-Encoding`: which codings a body has been given (RFC 9112 sections 6.1 and 7).
//!
//! Tidegate undoes and applies `chunked` only. The codings below it belong to the content as it is passed on, so a
//! request that has some keeps them; a response has none, because Tidegate never asks for any with `TE`.

use super::HeadError;
use super::chunked::is_token_byte;

/// Accepts the codings of a request: a list, over all field lines, that ends with `chunked` and has it only there.
/// Only then does `chunked` say where the body ends, and every reader of the list agrees that it does.
pub(super) fn check_request<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<(), HeadError> {
    let mut ends_chunked = false;
    for coding in members(values) {
        let name = name(coding).filter(|name| is_registered(name)).ok_or(HeadError::TransferEncoding)?;
        if ends_chunked {
            return Err(HeadError::TransferEncoding);
        }
        ends_chunked = name.eq_ignore_ascii_case(b"chunked");
    }
    if ends_chunked { Ok(()) } else { Err(HeadError::TransferEncoding) }
}

/// The codings of the IANA registry, and `identity`, which RFC 2616 still had.
fn is_registered(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"chunked", b"compress", b"deflate", b"gzip", b"identity", b"x-compress", b"x-gzip"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Accepts the codings of a response: `chunked` in a single field line and nothing else. RFC 9112 section 7.4 forbids
/// an origin to apply what the request did not list in `TE`, and the client behind could not undo it.
pub(super) fn check_response<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<(), HeadError> {
    match (values.next(), values.next()) {
        (Some(only), None) if only.eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(HeadError::TransferEncoding),
    }
}

/// The codings below `chunked`, of values that [`check_request`] has accepted, in the order applied.
pub(super) fn below_chunked<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    members(values).filter(|coding| name(coding).is_some_and(|name| !name.eq_ignore_ascii_case(b"chunked")))
}

/// The members of the list, with nothing behind them: an `;` without a parameter is dropped, so that what is passed on
/// follows the grammar. A list has no empty members here, though RFC 9110 section 5.6.1 would let a few pass.
fn members<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    values.flat_map(|value| value.split(|&byte| byte == b',')).map(|member| {
        let member = trim(member);
        member.strip_suffix(b";").map_or(member, trim)
    })
}

/// The name of a coding, `token *( OWS ";" OWS token [ "=" token ] )`, if it is one.
///
/// Narrower than RFC 9112 section 7: no white space around `=` and no quoted string, in which a comma or a semicolon
/// would mislead whoever only splits. Wider: a parameter may lack its value, as in http_desync_guardian.
fn name(coding: &[u8]) -> Option<&[u8]> {
    let (name, parameters) = match memchr::memchr(b';', coding) {
        Some(end) => (trim(&coding[..end]), Some(&coding[end + 1..])),
        None => (coding, None),
    };
    let mut parameters = parameters.into_iter().flat_map(|list| list.split(|&byte| byte == b';'));
    (is_token(name) && parameters.all(|parameter| is_parameter(trim(parameter)))).then_some(name)
}

fn is_parameter(parameter: &[u8]) -> bool {
    match memchr::memchr(b'=', parameter) {
        Some(equals) => is_token(&parameter[..equals]) && is_token(&parameter[equals + 1..]),
        None => is_token(parameter),
    }
}

/// `token` of RFC 9110 section 5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// Without the optional white space of RFC 9110 section 5.6.3, which is less than that of ASCII.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
