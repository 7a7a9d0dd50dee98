//! Stages of an exchange whose integration is MOCK.

use super::{Exchange, Step};
use crate::clock::Now;
use crate::http1::{BodyFraming, KnownField};
use crate::integration::{Mock, RequestBody, Responses, UnsupportedMediaType};
use crate::mock;
use crate::reject::Reject;
use crate::shard::Shard;

impl Exchange {
    /// Answers at once, unless the template needs the client's body.
    pub(super) fn mock(&mut self, shard: &mut Shard, now: Now, mock: &Mock) -> Step {
        if let Some(body) = self.body.take() {
            return self.mock_with(shard, now, mock, &body);
        }
        let has_body = self.request.framing() != BodyFraming::None;
        let gives_text = self.request_conversion(&mock.request).gives_text();
        match mock.request.select(self.request.first(KnownField::ContentType)) {
            Ok(RequestBody::Template(_)) if !gives_text => self.refuse(shard, now, Reject::TemplateFailed),
            Ok(RequestBody::Template(template)) => match template.mock_status() {
                Some(status) => self.mock_answer(shard, now, &mock.responses, status),
                None if has_body && template.program().reads_input() => self.read_body(shard, now),
                None => self.mock_with(shard, now, mock, b""),
            },
            Ok(RequestBody::Passthrough) if has_body => self.read_body(shard, now),
            Ok(RequestBody::Passthrough) => self.refuse(shard, now, Reject::NoMockStatus),
            Err(UnsupportedMediaType) => self.refuse(shard, now, Reject::UnsupportedMediaType),
        }
    }

    /// A MOCK reads its status from what its template gives, or without template from the client's body.
    pub(super) fn mock_with(&mut self, shard: &mut Shard, now: Now, mock: &Mock, body: &[u8]) -> Step {
        let conversion = self.request_conversion(&mock.request);
        let Ok(payload) = conversion.convert(body) else {
            return self.refuse(shard, now, Reject::NotBase64);
        };
        let status = match mock.request.select(self.request.first(KnownField::ContentType)) {
            Ok(RequestBody::Template(_)) if !conversion.gives_text() => {
                return self.refuse(shard, now, Reject::TemplateFailed);
            }
            Ok(RequestBody::Template(template)) => match self.render(template, &payload.text()) {
                Ok(()) => mock::status_code(&self.rendered),
                Err(reject) => return self.refuse(shard, now, reject),
            },
            Ok(RequestBody::Passthrough) => mock::status_code(payload.bytes()),
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        self.mock_answer(shard, now, &mock.responses, status)
    }

    pub(super) fn mock_answer(
        &mut self,
        shard: &mut Shard,
        now: Now,
        responses: &Responses,
        status: Option<i64>,
    ) -> Step {
        let Some(status) = status else { return self.refuse(shard, now, Reject::NoMockStatus) };
        self.outcome.integration_status = Some(status);
        self.answer_mapped(shard, now, responses, status, Some(b""))
    }
}
