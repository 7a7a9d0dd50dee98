//! `contentHandling`: payloads between text and binary, for integrations that are mapped (not proxies).
//!
//! AWS: "Content type conversions in API Gateway"; recorded facts 157 to 165. A payload is binary when its media type is
//! one of the API's binary media types. Text that is not UTF-8 gets U+FFFD in its place. Templates need text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::lambda::answer::{BASE64, NotBase64};

/// `contentHandling` of an integration or an integration response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentHandling {
    /// `CONVERT_TO_TEXT`
    ToText,
    /// `CONVERT_TO_BINARY`
    ToBinary,
}

/// What becomes of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// Read as UTF-8.
    ReadText,
    /// Left as it is: binary.
    Keep,
    /// Made a text of base64.
    Encode,
    /// Made binary from a text of base64.
    Decode,
}

/// A payload, converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes, which no template can read.
    Binary(Cow<'a, [u8]>),
}

impl Conversion {
    /// For the request of an integration. `binary`: whether the client's content type is.
    pub fn of_request(handling: Option<ContentHandling>, binary: bool) -> Self {
        match (handling, binary) {
            (None | Some(ContentHandling::ToText), false) => Self::ReadText,
            (Some(ContentHandling::ToBinary), false) => Self::Decode,
            (Some(ContentHandling::ToText), true) => Self::Encode,
            (None | Some(ContentHandling::ToBinary), true) => Self::Keep,
        }
    }

    /// For an integration's answer. `binary`: whether its content type is; `wanted`: whether the first media type of the
    /// client's `Accept` is, which matters only where nothing is said.
    pub fn of_response(handling: Option<ContentHandling>, binary: bool, wanted: bool) -> Self {
        match (handling, binary, wanted) {
            (None, false, false) | (Some(ContentHandling::ToText), false, _) => Self::ReadText,
            (None, false, true) | (Some(ContentHandling::ToBinary), false, _) => Self::Decode,
            (None, true, false) | (Some(ContentHandling::ToText), true, _) => Self::Encode,
            (None, true, true) | (Some(ContentHandling::ToBinary), true, _) => Self::Keep,
        }
    }

    /// Whether it gives text, which is what a template needs.
    pub fn gives_text(self) -> bool {
        matches!(self, Self::ReadText | Self::Encode)
    }

    /// Converts a payload.
    pub fn convert(self, payload: &[u8]) -> Result<Payload<'_>, NotBase64> {
        Ok(match self {
            Self::ReadText => Payload::Text(String::from_utf8_lossy(payload)),
            Self::Keep => Payload::Binary(Cow::Borrowed(payload)),
            Self::Encode => Payload::Text(Cow::Owned(BASE64_STANDARD.encode(payload))),
            Self::Decode => {
                Payload::Binary(Cow::Owned(BASE64.decode(payload.trim_ascii()).map_err(|_| NotBase64)?))
            }
        })
    }
}

impl Payload<'_> {
    /// As bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// As text, for mappings.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Binary(bytes) => String::from_utf8_lossy(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GZIP: &[u8] = &[0x1f, 0x8b, 0xff, b'a'];

    /// What becomes of bytes that are no text, of their base64, and of a text.
    #[track_caller]
    fn check(conversion: Conversion, want: [Option<&[u8]>; 3]) {
        for (payload, want) in [GZIP, b"H4v/YQ==", b"a text"].into_iter().zip(want) {
            let got = conversion.convert(payload).ok();
            assert_eq!(got.as_ref().map(Payload::bytes), want, "{conversion:?}");
        }
    }

    /// AWS's table of requests (facts 157 to 160), row by row.
    #[test]
    fn requests() {
        use ContentHandling::{ToBinary, ToText};
        let text: [Option<&[u8]>; 3] =
            [Some("\x1f\u{fffd}\u{fffd}a".as_bytes()), Some(b"H4v/YQ=="), Some(b"a text")];
        for handling in [None, Some(ToText)] {
            check(Conversion::of_request(handling, false), text);
        }
        check(Conversion::of_request(Some(ToBinary), false), [None, Some(GZIP), None]);
        for handling in [None, Some(ToBinary)] {
            check(Conversion::of_request(handling, true), [Some(GZIP), Some(b"H4v/YQ=="), Some(b"a text")]);
        }
        let encoded: [Option<&[u8]>; 3] = [Some(b"H4v/YQ=="), Some(b"SDR2L1lRPT0="), Some(b"YSB0ZXh0")];
        check(Conversion::of_request(Some(ToText), true), encoded);
    }

    /// AWS's table of responses (facts 162 to 164).
    #[test]
    fn responses() {
        use ContentHandling::{ToBinary, ToText};
        use Conversion::{Decode, Encode, Keep, ReadText};
        for (handling, want) in [
            (None, [ReadText, Decode, Encode, Keep]),
            (Some(ToBinary), [Decode, Decode, Keep, Keep]),
            (Some(ToText), [ReadText, ReadText, Encode, Encode]),
        ] {
            let cases = [(false, false), (false, true), (true, false), (true, true)];
            let got = cases.map(|(binary, wanted)| Conversion::of_response(handling, binary, wanted));
            assert_eq!(got, want, "{handling:?}");
        }
    }
}
