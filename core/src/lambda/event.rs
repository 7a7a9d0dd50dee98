//! The event that a function gets by AWS_PROXY: format 1.0 of a REST API.
//!
//! AWS: "Input format of a Lambda function for proxy integration"; recorded facts 109 to 121. What is absent is `null`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{write_optional, write_string};
use super::parameters::Nothing;
use super::{context, fields, parameters};
use crate::http1::KnownField;
use crate::media_types::BinaryMediaTypes;
use crate::method::Method;
use crate::values::Values;

/// Appends the event of a routed request with this content.
pub fn write(
    values: &Values<'_>,
    method: Method,
    content: &[u8],
    binary: &BinaryMediaTypes,
    out: &mut Vec<u8>,
) {
    out.reserve(2048 + content.len());
    out.push(b'{');
    write_request(values, method, Nothing::Null, out);
    write_body(values, content, binary, out);
    out.push(b'}');
}

/// Appends the members that tell of a request, all but its body. `nothing` stands where there are no parameters.
pub(super) fn write_request(values: &Values<'_>, method: Method, nothing: Nothing, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""resource":"#);
    write_string(values.view.resource().map_or("", |resource| &resource.path).as_bytes(), out);
    out.extend_from_slice(br#","path":"#);
    write_string(path(values), out);
    out.extend_from_slice(br#","httpMethod":"#);
    write_string(method.name().as_bytes(), out);
    fields::write(values, out);
    parameters::write_query(values, nothing, out);
    out.extend_from_slice(br#","pathParameters":"#);
    parameters::write_path(values, nothing, out);
    out.extend_from_slice(br#","stageVariables":"#);
    parameters::write_stage(values, nothing, out);
    context::write(values, method, out);
}

/// The path without the stage; with the base path of a custom domain. Slashes that were doubled at its start are one, as
/// routing took them (fact 117).
pub(super) fn path<'a>(values: &Values<'a>) -> &'a [u8] {
    let path = if values.view.base_path.is_some() { values.view.request.path() } else { values.path.path };
    single_slash(path)
}

/// The path from the last slash of its first run of them.
pub(super) fn single_slash(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    if slashes == 0 { b"/" } else { &path[slashes - 1..] }
}

/// A text, or base64 if the content type is one of the binary ones.
fn write_body(values: &Values<'_>, content: &[u8], binary: &BinaryMediaTypes, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","body":"#);
    if content.is_empty() {
        out.extend_from_slice(br#"null,"isBase64Encoded":false"#);
    } else if binary.matches(values.view.request.first(KnownField::ContentType)) {
        out.push(b'"');
        write_base64(content, out);
        out.extend_from_slice(br#"","isBase64Encoded":true"#);
    } else {
        write_optional(Some(content), out);
        out.extend_from_slice(br#","isBase64Encoded":false"#);
    }
}

fn write_base64(content: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + content.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(content, &mut out[start..]);
    debug_assert_eq!(written, Ok(out.len() - start), "base64 has four characters for three bytes");
}
