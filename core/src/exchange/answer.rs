//! What the client is answered with: an integration response or a refusal.

use super::{Answer, Exchange, More, Step};
use crate::clock::Now;
use crate::content_handling::Conversion;
use crate::context::ErrorFacts;
use crate::http1::{BodyFraming, HeadError, KnownField};
use crate::integration::{IntegrationResponse, ResponseBody, Responses, Template};
use crate::plan::Plan;
use crate::reject::{Reject, Reuse};
use crate::shard::Shard;
use crate::transform::answer::{self, Content, Frame};
use crate::transform::template;
use crate::velocity;

impl Exchange {
    /// Runs a template on a body.
    pub(super) fn render(&mut self, template: &Template, body: &str) -> Result<(), Reject> {
        let plan = self.plan();
        let mut overrides = std::mem::take(&mut self.overrides);
        let mut arena = std::mem::take(&mut self.arena);
        let mut rendered = std::mem::take(&mut self.rendered);
        let around = template::Around { values: self.values(&plan, body), body };
        let done = template::render(template, &around, &mut overrides, &mut arena, &mut rendered);
        (self.overrides, self.arena, self.rendered) = (overrides, arena, rendered);
        done.map_err(|why| {
            self.note_fault(|| why.to_string());
            Reject::TemplateFailed
        })
    }

    /// Selects the integration response and answers, or asks for the backend's content where that is needed first.
    /// A MOCK has none.
    pub(super) fn answer_mapped(
        &mut self,
        shard: &mut Shard,
        now: Now,
        responses: &Responses,
        status: i64,
        content: Option<&[u8]>,
    ) -> Step {
        let Some(chosen) = responses.select(status) else {
            return self.refuse(shard, now, Reject::NoIntegrationResponse);
        };
        let body = chosen.body(self.request.first(KnownField::Accept));
        let conversion = self.response_conversion(chosen);
        if content.is_none() && self.response.framing() != BodyFraming::None {
            let needs_content = chosen.maps_body()
                || match body {
                    ResponseBody::Template(template, _) => template.program().reads_input(),
                    ResponseBody::Passthrough => conversion != Conversion::Keep || self.may_be_compressed(),
                };
            if needs_content {
                return Step::ReadResponse { bytes_max: self.payload_bytes_max(), more: More::Fails };
            }
            if let Some(step) = self.read_entry(shard, now) {
                return step;
            }
        }
        self.answer_chosen(shard, now, chosen, body, conversion, content)
    }

    pub(super) fn answer_chosen(
        &mut self,
        shard: &mut Shard,
        now: Now,
        chosen: &IntegrationResponse,
        body: ResponseBody<'_>,
        conversion: Conversion,
        content: Option<&[u8]>,
    ) -> Step {
        let is_empty = content.map_or(self.response.framing() == BodyFraming::None, <[u8]>::is_empty);
        if matches!(body, ResponseBody::Template(..)) && !is_empty && !conversion.gives_text() {
            return self.refuse(shard, now, Reject::TemplateFailed);
        }
        let Ok(payload) = conversion.convert(content.unwrap_or_default()) else {
            return self.refuse(shard, now, Reject::NotBase64);
        };
        let text = payload.text();
        if chosen.maps_body() && velocity::is_broken_json(&text, &mut self.arena) {
            return self.refuse(shard, now, Reject::TemplateFailed);
        }
        if let ResponseBody::Template(template, _) = body
            && let Err(reject) = self.render(template, &text)
        {
            return self.refuse(shard, now, reject);
        }
        let status = self.overrides.status().unwrap_or(chosen.status);
        self.outcome.status = status;
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let rendered = std::mem::take(&mut self.rendered);
        let whole = match (body, content) {
            (ResponseBody::Template(_, media_type), _) => Some((rendered.as_slice(), media_type)),
            (ResponseBody::Passthrough, Some(_)) => Some((payload.bytes(), answer::JSON)),
            (ResponseBody::Passthrough, None) => None,
        };
        let coding = whole.and_then(|(content, _)| self.answer_coding(content.len(), status));
        let coding = coding.filter(|_| !self.is_coded(&chosen.headers, &text));
        let coded = coding.zip(whole).map(|(coding, (content, _))| coding.compress(content));
        let content = whole.map_or(Content::Passthrough, |(content, media_type)| Content::Whole {
            content: coded.as_deref().unwrap_or(content),
            media_type,
            coding,
        });
        let is_called = self.called.is_some();
        let download = self.write_out(&text, |values, out| {
            answer::write_mapped(chosen, status, content, is_called, values, frame, out)
        });
        self.rendered = rendered;
        self.answer(download, keep_alive)
    }

    pub(super) fn answer(&self, download: BodyFraming, keep_alive: bool) -> Step {
        let download = if download == BodyFraming::Length(0) { BodyFraming::None } else { download };
        let inline_bytes = match download {
            BodyFraming::None => self.inline_bytes(),
            BodyFraming::Length(_) | BodyFraming::Chunked | BodyFraming::UntilClose => 0,
        };
        Step::Answer(Answer {
            download,
            inline_bytes,
            keep_alive: keep_alive && download != BodyFraming::UntilClose,
        })
    }

    /// Bytes behind the head in `out`.
    pub(super) fn inline_bytes(&self) -> u64 {
        let head = memchr::memmem::find(&self.out, b"\r\n\r\n").map_or(self.out.len(), |end| end + 4);
        (self.out.len() - head) as u64
    }

    pub(super) fn refuse(&mut self, shard: &mut Shard, now: Now, reject: Reject) -> Step {
        let plan = self.plan();
        let mut refusal = reject.refusal();
        let words = match reject {
            Reject::MissingParameters => self.missing_words(&plan),
            _ => self.own_words(&plan, &shard.method_names, reject),
        };
        if let Some(message) = words {
            refusal.message = Some(message.into());
        }
        self.note_denial(&plan, reject, &refusal);
        self.refused = Some(reject);
        if matches!(reject, Reject::Unauthorized(_) | Reject::Authorizer(_)) {
            self.outcome.authorizer.get_or_insert_default().status = refusal.status;
        }
        let api = self.place.map(|place| &plan.apis[place.api]);
        let custom = api.and_then(|api| api.gateway_responses.custom(refusal.response_type, refusal.status));
        let custom = custom.filter(|_| refusal.voice != crate::reject::Voice::PlainText);
        self.outcome.status = custom.and_then(|custom| custom.status).unwrap_or(refusal.status);
        self.outcome.error = Some(ErrorFacts {
            message: refusal.message.clone(),
            response_type: refusal.response_type.name(),
            of_integration: reject.of_integration(),
            validation: self.invalid.take(),
        });
        let keep_alive = refusal.reuse == Reuse::KeepAlive && self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let limit_bytes = limit_bytes(&plan, reject);
        self.write_out("", |values, out| {
            answer::write_refusal(&refusal, custom, values, limit_bytes, frame, out);
        });
        self.answer(BodyFraming::None, keep_alive)
    }

    /// A client that waits for `100 Continue` may or may not send the body after a final answer, so unless the body
    /// was called for, its connection cannot be used again.
    pub(super) fn keeps_alive(&self, shard: &Shard) -> bool {
        let unread_expectation = !self.body_wanted && self.request.expects_continue();
        self.request.keeps_alive() && !shard.draining && !unread_expectation
    }

    pub(super) fn frame<'a>(&self, date: &'a [u8; 29], keep_alive: bool) -> Frame<'a> {
        Frame {
            date,
            keep_alive,
            is_head: self.request.method() == b"HEAD",
            version: self.request.version(),
            standing: self.standing,
            whole_bytes: None,
        }
    }
}

/// The limit that a plain text about a size names.
fn limit_bytes(plan: &Plan, reject: Reject) -> u64 {
    match reject {
        Reject::Head(HeadError::FieldsTooLarge) => plan.limits.header_bytes_max as u64,
        _ => plan.limits.payload_bytes_max,
    }
}
