//! Writes the answer that a function gives, head and content.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::result::{Header, ProxyResult};
use crate::compression::Coding;
use crate::http1::{KnownField, encode};
use crate::media_types::BinaryMediaTypes;
use crate::transform::answer::{self, Frame};
use crate::transform::pass::{self, Passage};
use crate::values::Values;

/// Functions write base64 with and without padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The content is said to be base64 and is not: 500 (recorded fact 136).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBase64;

/// The content that the client gets: decoded only if the first media type of the request's `Accept` is binary; the
/// function's content type plays no part (recorded facts 131 to 136).
pub fn content<'a>(
    result: &'a ProxyResult<'_>,
    accept: Option<&[u8]>,
    binary: &BinaryMediaTypes,
) -> Result<Cow<'a, [u8]>, NotBase64> {
    let text = result.body.as_bytes();
    if result.is_base64_encoded && binary.matches(accept) {
        return BASE64.decode(text).map(Cow::Owned).map_err(|_| NotBase64);
    }
    Ok(Cow::Borrowed(text))
}

/// Whether the function has coded the content by itself.
pub fn is_coded(result: &ProxyResult<'_>) -> bool {
    result.headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-encoding"))
}

/// Appends the whole answer of AWS_PROXY; `content` is coded so.
pub fn write(
    result: &ProxyResult<'_>,
    content: &[u8],
    coding: Option<Coding>,
    values: &Values<'_>,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) {
    let has_content = !answer::is_bodiless(result.status);
    answer::write_start(result.status, frame, out);
    if !result.headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-type")) {
        encode::field(b"Content-Type", answer::JSON.as_bytes(), out);
    }
    if has_content {
        answer::write_coding(coding, out);
        answer::write_length(content.len() as u64, out);
    }
    answer::write_connection(frame, out);
    answer::write_ids(&values.view, out);
    result.headers.iter().for_each(|header| write_header(header, out));
    answer::write_trace(&values.view, out);
    out.extend_from_slice(b"\r\n");
    if has_content && !frame.is_head {
        out.extend_from_slice(content);
    }
}

fn write_header(header: &Header<'_>, out: &mut Vec<u8>) {
    match pass::from_function(KnownField::of(header.name.as_bytes())) {
        Passage::Drop => return,
        Passage::Remap => out.extend_from_slice(answer::REMAPPED),
        Passage::Pass => {}
    }
    encode::field(header.name.as_bytes(), header.value.trim_ascii().as_bytes(), out);
}
