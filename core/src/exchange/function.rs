//! Stages of an exchange whose integration is a function.

use super::streaming::Rest;
use super::{Exchange, Routed, Step, integration_of};
use crate::clock::Now;
use crate::http1::{BodyFraming, KnownField, encode};
use crate::integration::{
    Custom, FunctionPlace, Integration, Lambda, LambdaKind, RequestBody, Template, UnsupportedMediaType,
};
use crate::lambda::answer::{self, NotBase64};
use crate::lambda::result::{Malformed, ProxyResult, error_message};
use crate::lambda::{event, payload};
use crate::limits::{EVENT_ASYNCHRONOUS_BYTES_MAX, EVENT_BYTES_MAX};
use crate::plan::FunctionId;
use crate::reject::Reject;
use crate::shard::Shard;
use crate::transform::template::text;

/// An invocation of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// The function, of the plan that the exchange began with.
    pub function: FunctionId,
    /// Milliseconds to the answer; of one that is streamed, to its end.
    pub timeout_ms: u32,
    /// What is wanted of it.
    pub wanted: Wanted,
}

/// What is wanted of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The answer, whole.
    Answer,
    /// The answer from its metadata on: [`Event::InvokedBegun`](super::Event::InvokedBegun).
    Stream {
        /// Longest pause in what follows, in milliseconds.
        pause_ms: u32,
    },
    /// Nothing: once the invocation has been taken, the exchange goes on.
    Nothing,
}

/// Why an invocation had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokeFailure {
    /// No process was free, and too many invocations wait for one.
    Throttled,
    /// No answer within the integration's timeout.
    Timeout,
}

impl InvokeFailure {
    pub(super) fn reject(self) -> Reject {
        match self {
            Self::Throttled => Reject::FunctionThrottled,
            Self::Timeout => Reject::IntegrationTimeout,
        }
    }

    /// What the Lambda API would have said.
    pub(super) fn status(self) -> Option<i64> {
        match self {
            Self::Throttled => Some(429),
            Self::Timeout => None,
        }
    }
}

/// The status of the Lambda API, also when the function itself has failed.
pub(super) const INVOKED: i64 = 200;

impl Exchange {
    /// Appends the header fields by which a function's runtime learns what it is invoked as and within which trace.
    pub fn write_invocation_fields(&self, out: &mut Vec<u8>) {
        let plan = self.plan();
        let arn =
            self.asked_arn(&plan).or_else(|| match self.routed.map(|routed| integration_of(&plan, routed)) {
                Some(Integration::Lambda(lambda)) => Some(&lambda.invoked_arn),
                _ => None,
            });
        if let Some(arn) = arn {
            encode::field(b"Lambda-Runtime-Invoked-Function-Arn", arn.as_bytes(), out);
        }
        out.extend_from_slice(b"Lambda-Runtime-Trace-Id: ");
        self.arrival.write_trace(&self.request, out);
        out.extend_from_slice(b"\r\n");
    }

    pub(super) fn begin_invocation(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        lambda: &Lambda,
    ) -> Step {
        let body = match &lambda.kind {
            LambdaKind::Proxy | LambdaKind::StreamedProxy => Ok(RequestBody::Passthrough),
            LambdaKind::Custom(custom) => custom.request.select(self.request.first(KnownField::ContentType)),
        };
        let content = self.body.take();
        let has_body = self.request.framing() != BodyFraming::None;
        match body {
            Ok(RequestBody::Template(template))
                if content.is_none() && has_body && template.program().reads_input() =>
            {
                self.read_body(shard, now)
            }
            Ok(RequestBody::Template(_)) => {
                self.invoke_with_body(shard, now, routed, lambda, content.as_deref().unwrap_or_default())
            }
            Ok(RequestBody::Passthrough) if let Some(body) = content => {
                self.invoke_with_body(shard, now, routed, lambda, &body)
            }
            Ok(RequestBody::Passthrough) if self.request.framing() != BodyFraming::None => {
                self.body_wanted = true;
                Step::ReadBody { bytes_max: self.payload_bytes_max() }
            }
            Ok(RequestBody::Passthrough) => self.invoke_with_body(shard, now, routed, lambda, b""),
            Err(UnsupportedMediaType) => self.refuse(shard, now, Reject::UnsupportedMediaType),
        }
    }

    pub(super) fn invoke_with_body(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        lambda: &Lambda,
        body: &[u8],
    ) -> Step {
        match &lambda.kind {
            LambdaKind::Proxy | LambdaKind::StreamedProxy => {
                let plan = self.plan();
                let binary = &plan.apis[routed.place.api].binary_media_types;
                self.write_out("", |values, out| event::write(values, routed.method, body, binary, out));
                self.invoke(shard, now, lambda)
            }
            LambdaKind::Custom(custom) => {
                let conversion = self.request_conversion(&custom.request);
                let Ok(payload) = conversion.convert(body) else {
                    return self.refuse(shard, now, Reject::NotBase64);
                };
                match custom.request.select(self.request.first(KnownField::ContentType)) {
                    Ok(RequestBody::Template(_)) if !conversion.gives_text() => {
                        self.refuse(shard, now, Reject::TemplateFailed)
                    }
                    Ok(RequestBody::Template(template)) => {
                        self.invoke_rendered(shard, now, lambda, template, payload.bytes())
                    }
                    Ok(RequestBody::Passthrough) => self.invoke_custom(shard, now, lambda, payload.bytes()),
                    Err(UnsupportedMediaType) => self.refuse(shard, now, Reject::UnsupportedMediaType),
                }
            }
        }
    }

    fn invoke_rendered(
        &mut self,
        shard: &mut Shard,
        now: Now,
        lambda: &Lambda,
        template: &Template,
        body: &[u8],
    ) -> Step {
        if let Err(reject) = self.render(template, &text(body)) {
            return self.refuse(shard, now, reject);
        }
        let rendered = std::mem::take(&mut self.rendered);
        let step = self.invoke_custom(shard, now, lambda, &rendered);
        self.rendered = rendered;
        step
    }

    /// The client's body or a template's output is the event.
    fn invoke_custom(&mut self, shard: &mut Shard, now: Now, lambda: &Lambda, body: &[u8]) -> Step {
        self.out.clear();
        payload::write(body, &mut self.out);
        if !payload::is_json(&self.out) {
            return self.refuse(shard, now, Reject::EventNotJson);
        }
        self.invoke(shard, now, lambda)
    }

    /// Invokes with the event in `out`.
    fn invoke(&mut self, shard: &mut Shard, now: Now, lambda: &Lambda) -> Step {
        let asynchronous = self.is_asynchronous(lambda);
        let bytes_max = if asynchronous { EVENT_ASYNCHRONOUS_BYTES_MAX } else { EVENT_BYTES_MAX };
        if self.out.len() > bytes_max {
            return self.refuse(shard, now, Reject::EventTooLarge);
        }
        // Nothing may read what a backend has answered to an earlier request.
        self.response.clear();
        match &lambda.place {
            FunctionPlace::Here(function) => {
                self.called = Some(now);
                let wanted = match lambda.kind {
                    LambdaKind::StreamedProxy => Wanted::Stream { pause_ms: self.stream_pause_ms() },
                    _ if asynchronous => Wanted::Nothing,
                    LambdaKind::Proxy | LambdaKind::Custom(_) => Wanted::Answer,
                };
                Step::Invoke(Invoke { function: *function, timeout_ms: lambda.timeout_ms, wanted })
            }
            FunctionPlace::Remote(remote) => self.invoke_remote(shard, now, lambda, remote, asynchronous),
        }
    }

    /// AWS: the header `X-Amz-Invocation-Type` with the value `Event` (recorded fact 144).
    fn is_asynchronous(&self, lambda: &Lambda) -> bool {
        let plan = self.plan();
        let Some(source) = &lambda.invocation_type else { return false };
        let mut value = Vec::new();
        self.values(&plan, "").write(source, &mut value) && value.as_slice() == b"Event"
    }

    pub(super) fn answer_invoked(&mut self, shard: &mut Shard, now: Now, payload: &[u8]) -> Step {
        self.count_integration(now, Some(INVOKED));
        let plan = self.plan();
        match self.routed.map(|routed| integration_of(&plan, routed)) {
            Some(Integration::Lambda(lambda)) => match &lambda.kind {
                LambdaKind::Proxy => self.answer_result(shard, now, payload),
                LambdaKind::StreamedProxy => self.answer_streamed(shard, now, payload, Rest::Nothing),
                LambdaKind::Custom(custom) => self.answer_selected(shard, now, custom, "", payload),
            },
            _ => self.refuse(shard, now, Reject::Misconfigured),
        }
    }

    /// The function has failed. A non-proxy integration chooses its response by the message (recorded fact 137).
    pub(super) fn answer_failed(&mut self, shard: &mut Shard, now: Now, document: &[u8]) -> Step {
        self.count_integration(now, Some(INVOKED));
        let plan = self.plan();
        if let Some(Integration::Lambda(lambda)) = self.routed.map(|routed| integration_of(&plan, routed))
            && let LambdaKind::Custom(custom) = &lambda.kind
        {
            return self.answer_selected(shard, now, custom, &error_message(document), document);
        }
        self.refuse(shard, now, Reject::FunctionError)
    }

    /// The answer that an integration response makes of a payload.
    fn answer_selected(
        &mut self,
        shard: &mut Shard,
        now: Now,
        custom: &Custom,
        message: &str,
        payload: &[u8],
    ) -> Step {
        let Some(chosen) = custom.responses.select_message(message) else {
            return self.refuse(shard, now, Reject::NoIntegrationResponse);
        };
        let body = chosen.body(self.request.first(KnownField::Accept));
        let conversion = self.response_conversion(chosen);
        self.answer_chosen(shard, now, chosen, body, conversion, Some(payload))
    }

    /// The answer of a function by AWS_PROXY.
    fn answer_result(&mut self, shard: &mut Shard, now: Now, payload: &[u8]) -> Step {
        let plan = self.plan();
        let Some(api) = self.place.map(|place| &plan.apis[place.api]) else {
            return self.refuse(shard, now, Reject::Misconfigured);
        };
        let result = match ProxyResult::read(payload) {
            Ok(result) => result,
            Err(Malformed) => return self.refuse(shard, now, Reject::MalformedResult),
        };
        let accept = self.request.first(KnownField::Accept);
        let content = match answer::content(&result, accept, &api.binary_media_types) {
            Ok(content) => content,
            Err(NotBase64) => return self.refuse(shard, now, Reject::NotBase64),
        };
        let coded = match self.answer_coding(content.len(), result.status) {
            Some(coding) if !answer::is_coded(&result) => Some((coding.compress(&content), coding)),
            _ => None,
        };
        let (content, coding) = match &coded {
            Some((coded, coding)) => (coded.as_slice(), Some(*coding)),
            None => (&*content, None),
        };
        self.outcome.status = result.status;
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        self.write_out("", |values, out| answer::write(&result, content, coding, values, frame, out));
        self.answer(BodyFraming::None, keep_alive)
    }
}
