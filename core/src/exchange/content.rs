//! Payloads on their way: codings that are taken away or put on, and conversions between text and binary.

use std::borrow::Cow;

use super::{Exchange, Metered, Reading, Step, stage_of};
use crate::clock::Now;
use crate::compression::{Coding, Undecodable, decompress};
use crate::content_handling::Conversion;
use crate::http1::{BodyFraming, KnownField};
use crate::integration::{IntegrationResponse, RequestTemplates};
use crate::mapping::Mapped;
use crate::plan::Api;
use crate::reject::Reject;
use crate::shard::Shard;
use crate::transform::answer::{self, Coded};

impl Exchange {
    /// Decompresses the client's body, which is read first, before anything looks into it.
    pub(super) fn decode(&mut self, shard: &mut Shard, now: Now, metered: Metered) -> Step {
        let is_coded = self.request.field_set().present().contains(KnownField::ContentEncoding);
        if !is_coded || self.request.framing() == BodyFraming::None {
            return self.validate(shard, now, metered);
        }
        match self.codings() {
            Ok(codings) if codings.is_empty() => self.validate(shard, now, metered),
            Ok(_) => match self.body.take() {
                Some(body) => self.decode_body(shard, now, metered, &body),
                None => {
                    self.reading = Some(Reading::Coding(metered));
                    self.read_body(shard, now)
                }
            },
            Err(_) => self.refuse(shard, now, Reject::UnsupportedMediaType),
        }
    }

    /// From here on the body is what was coded.
    pub(super) fn decode_body(&mut self, shard: &mut Shard, now: Now, metered: Metered, body: &[u8]) -> Step {
        let bytes_max = self.payload_bytes_max();
        let decoded = self.codings().and_then(|codings| decompress(&codings, body, bytes_max));
        match decoded {
            Ok(decoded) => {
                self.body = Some(decoded);
                self.validate(shard, now, metered)
            }
            Err(Undecodable::Media) => self.refuse(shard, now, Reject::UnsupportedMediaType),
            Err(Undecodable::TooLarge) => self.refuse(shard, now, Reject::PayloadTooLarge),
        }
    }

    fn codings(&self) -> Result<Vec<Coding>, Undecodable> {
        Coding::of_content(self.request.find(b"content-encoding"))
    }

    /// What becomes of the client's body in a mapped integration. AWS: without content type it counts as JSON.
    pub(super) fn request_conversion(&self, request: &RequestTemplates) -> Conversion {
        let media_type = self.request.first(KnownField::ContentType);
        let binary = self.is_binary(media_type.unwrap_or(answer::JSON.as_bytes()));
        Conversion::of_request(request.content_handling, binary)
    }

    /// What becomes of an integration's payload, by its media type and the one that the client wants.
    pub(super) fn response_conversion(&self, chosen: &IntegrationResponse) -> Conversion {
        let media_type = self.response.first(KnownField::ContentType);
        let binary = self.is_binary(media_type.unwrap_or(answer::JSON.as_bytes()));
        let wanted = self.api(|api| api.binary_media_types.matches(self.request.first(KnownField::Accept)));
        Conversion::of_response(chosen.content_handling, binary, wanted)
    }

    fn is_binary(&self, media_type: &[u8]) -> bool {
        self.api(|api| api.binary_media_types.matches(Some(media_type)))
    }

    /// Asks the API; one that is not known has nothing.
    fn api<T: Default>(&self, ask: impl FnOnce(&Api) -> T) -> T {
        let plan = self.plan();
        self.place.map_or_else(T::default, |place| ask(stage_of(&plan, place).0))
    }

    /// The coding that a content of so many bytes is to be sent in.
    pub(super) fn answer_coding(&self, bytes: usize, status: u16) -> Option<Coding> {
        let bytes_min = self.api(|api| api.compression_bytes_min)?;
        if bytes == 0 || (bytes as u64) < bytes_min || answer::is_bodiless(status) {
            return None;
        }
        self.accepted_coding()
    }

    fn accepted_coding(&self) -> Option<Coding> {
        let accepted = self.request.first(KnownField::AcceptEncoding)?;
        if self.request.method() == b"HEAD" { None } else { Coding::preferred(accepted) }
    }

    /// Whether the backend's content has to be read whole because it may be compressed.
    pub(super) fn may_be_compressed(&self) -> bool {
        let Some(bytes_min) = self.api(|api| api.compression_bytes_min) else { return false };
        let is_large = match self.response.framing() {
            BodyFraming::None => false,
            BodyFraming::Length(bytes) => bytes >= bytes_min,
            BodyFraming::Chunked | BodyFraming::UntilClose => true,
        };
        is_large
            && self.response.first(KnownField::ContentEncoding).is_none()
            && self.accepted_coding().is_some()
    }

    /// Content of a backend by HTTP_PROXY, coded if it is large enough.
    pub(super) fn code<'c>(&self, content: &'c [u8]) -> Coded<'c> {
        match self.answer_coding(content.len(), self.response.status()) {
            Some(coding) => Coded { content: Cow::Owned(coding.compress(content)), coding: Some(coding) },
            None => Coded { content: Cow::Borrowed(content), coding: None },
        }
    }

    /// Whether an integration's answer says that its content is coded already: by itself, by a mapping or by a template.
    pub(super) fn is_coded(&self, mapped: &[Mapped], body: &str) -> bool {
        let plan = self.plan();
        let values = self.values(&plan, body);
        let is_overridden =
            self.overrides.response_headers().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        values.response.is_some_and(|response| response.first(KnownField::ContentEncoding).is_some())
            || is_overridden
            || answer::maps(mapped, "content-encoding", &values, &mut Vec::new())
    }
}
