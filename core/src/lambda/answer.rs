//! Writes the answer that a function gives, head and content.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::result::{Header, Metadata, ProxyResult};
use crate::compression::Coding;
use crate::http1::{BodyFraming, KnownField, encode};
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
    write_first(result.status, &result.headers, frame, out);
    if has_content {
        answer::write_coding(coding, out);
        answer::write_length(content.len() as u64, out);
    }
    write_rest(&result.headers, values, frame, out);
    if has_content && !frame.is_head {
        out.extend_from_slice(content);
    }
}

/// Appends the head of a streamed answer. Returns how the content behind it is framed for the client; `bytes` is how much there
/// is, if that is known.
pub fn write_streamed(
    metadata: &Metadata<'_>,
    bytes: Option<u64>,
    values: &Values<'_>,
    frame: Frame<'_>,
    out: &mut Vec<u8>,
) -> BodyFraming {
    let announced = answer::announced_stream(metadata.status, bytes, frame);
    let (follows, frame) = answer::following(announced, frame);
    write_first(metadata.status, &metadata.headers, frame, out);
    answer::write_framing(announced, frame, out);
    write_rest(&metadata.headers, values, frame, out);
    follows
}

/// What stands before the fields that frame the content.
fn write_first(status: u16, headers: &[Header<'_>], frame: Frame<'_>, out: &mut Vec<u8>) {
    answer::write_start(status, frame, out);
    if !headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-type")) {
        encode::field(b"Content-Type", answer::JSON.as_bytes(), out);
    }
}

/// What stands behind them.
fn write_rest(headers: &[Header<'_>], values: &Values<'_>, frame: Frame<'_>, out: &mut Vec<u8>) {
    answer::write_connection(frame, out);
    answer::write_ids(&values.view, out);
    headers.iter().for_each(|header| write_header(header, out));
    answer::write_trace(&values.view, out);
    out.extend_from_slice(b"\r\n");
}

fn write_header(header: &Header<'_>, out: &mut Vec<u8>) {
    match pass::from_function(KnownField::of(header.name.as_bytes())) {
        Passage::Drop => return,
        Passage::Remap => out.extend_from_slice(answer::REMAPPED),
        Passage::Pass => {}
    }
    encode::field(header.name.as_bytes(), header.value.trim_ascii().as_bytes(), out);
}
