//! Stages of an exchange whose integration is an HTTP backend.

use super::{Call, Exchange, More, Routed, Step, integration_of};
use crate::aws::{NoCredentials, Signers};
use crate::clock::Now;
use crate::content_handling::Conversion;
use crate::http1::{BodyFraming, KnownField, RequestHead};
use crate::integration::{Http, HttpKind, Integration, RequestBody, UnsupportedMediaType};
use crate::method::Method;
use crate::reject::Reject;
use crate::shard::Shard;
use crate::transform::answer::{self, Frame};
use crate::transform::request::{self, Body};
use crate::values::Values;
use crate::velocity;

impl Exchange {
    /// Calls at once, unless a template or a mapping needs the client's body.
    pub(super) fn call(&mut self, shard: &mut Shard, now: Now, routed: Routed, http: &Http) -> Step {
        if let Some(content) = self.body.take() {
            return self.call_with(shard, now, routed, http, Some(&content));
        }
        let reads_body = match request_body(http, &self.request) {
            Ok(RequestBody::Passthrough) => {
                http.maps_body() || self.http_conversion(http) != Conversion::Keep
            }
            Ok(RequestBody::Template(template)) => http.maps_body() || template.program().reads_input(),
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        // What is signed is signed with its content.
        let needs_body = reads_body || http.service.is_some();
        if needs_body && self.request.framing() != BodyFraming::None {
            return self.read_body(shard, now);
        }
        self.call_with(shard, now, routed, http, None)
    }

    /// Content that is coded beside being chunked is no text that could be read.
    pub(super) fn read_body(&mut self, shard: &mut Shard, now: Now) -> Step {
        if self.request.transfer_codings().next().is_some() {
            return self.refuse(shard, now, Reject::UnsupportedMediaType);
        }
        self.body_wanted = true;
        Step::ReadBody { bytes_max: self.payload_bytes_max() }
    }

    pub(super) fn call_with(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        http: &Http,
        content: Option<&[u8]>,
    ) -> Step {
        let method = http.method.unwrap_or(routed.method);
        let conversion = self.http_conversion(http);
        let Ok(payload) = conversion.convert(content.unwrap_or_default()) else {
            return self.refuse(shard, now, Reject::NotBase64);
        };
        let text = payload.text();
        if http.maps_body() && velocity::is_broken_json(&text, &mut self.arena) {
            return self.refuse(shard, now, Reject::InvalidJson);
        }
        let is_rendered = match request_body(http, &self.request) {
            Ok(RequestBody::Template(_)) if !conversion.gives_text() => {
                return self.refuse(shard, now, Reject::TemplateFailed);
            }
            Ok(RequestBody::Template(template)) => match self.render(template, &text) {
                Ok(()) => true,
                Err(reject) => return self.refuse(shard, now, reject),
            },
            Ok(RequestBody::Passthrough) => false,
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        let rendered = std::mem::take(&mut self.rendered);
        let body = match content {
            _ if is_rendered => Body::Template(&rendered),
            Some(_) => Body::Whole(payload.bytes()),
            None => Body::Client(self.request.framing()),
        };
        let upload = if let Body::Client(framing) = body { framing } else { BodyFraming::None };
        let signed = self.write_out(&text, |values, out| {
            request::write_fields(http, method, body, values, out);
            let signed = sign(http, body, now, values, &mut shard.signers, out);
            request::write_framing(method, body, values.view.request, out);
            signed
        });
        self.rendered = rendered;
        if signed == Err(NoCredentials) {
            return self.refuse(shard, now, Reject::NoCredentials);
        }
        (self.called, self.body_wanted) = (Some(now), self.body_wanted || upload != BodyFraming::None);
        let is_idempotent = !matches!(method, Method::Post | Method::Patch);
        let is_head = method == Method::Head;
        Step::Call(Call { origin: http.origin, timeout_ms: http.timeout_ms, upload, is_idempotent, is_head })
    }

    pub(super) fn respond(&mut self, shard: &mut Shard, now: Now) -> Step {
        let status = self.response.status();
        self.count_integration(now, Some(i64::from(status)));
        if matches!(self.response.framing(), BodyFraming::Length(bytes) if bytes > self.payload_bytes_max()) {
            return self.refuse(shard, now, Reject::IntegrationPayloadTooLarge);
        }
        self.answer_response(shard, now, None)
    }

    /// Answers with what the backend has answered. Its content is there, or follows, or does so when it has to be read.
    pub(super) fn answer_response(&mut self, shard: &mut Shard, now: Now, content: Option<&[u8]>) -> Step {
        let status = i64::from(self.response.status());
        let plan = self.plan();
        match self.routed.map(|routed| integration_of(&plan, routed)) {
            Some(Integration::Http(http)) => match &http.kind {
                HttpKind::Proxy => self.answer_proxy(shard, now, content),
                HttpKind::Custom(custom) => {
                    self.answer_mapped(shard, now, &custom.responses, status, content)
                }
            },
            Some(Integration::Lambda(lambda)) if lambda.remote().is_some() => match content {
                Some(payload) => self.respond_invoked_body(shard, now, payload),
                None => self.respond_invoked(shard, now, lambda),
            },
            Some(Integration::Mock(_) | Integration::Lambda(_) | Integration::Misconfigured) | None => {
                self.refuse(shard, now, Reject::Misconfigured)
            }
        }
    }

    /// `content` is the backend's, where it had to be read.
    fn answer_proxy(&mut self, shard: &mut Shard, now: Now, content: Option<&[u8]>) -> Step {
        if content.is_none() {
            if self.may_be_compressed() {
                return Step::ReadResponse { bytes_max: self.payload_bytes_max(), more: More::Fails };
            }
            if let Some(step) = self.read_entry(shard, now) {
                return step;
            }
        }
        let coded = content.map(|content| self.code(content));
        self.outcome.status = self.response.status();
        let keep_alive = self.keeps_alive(shard);
        let whole_bytes = coded.as_ref().map(|coded| coded.content.len() as u64);
        let frame = Frame { whole_bytes, ..self.frame(shard.date.text(now), keep_alive) };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let plan = self.plan();
        let download = answer::write_proxy(&self.values(&plan, ""), &self.response, coded, frame, &mut out);
        self.out = out;
        self.answer(download, keep_alive)
    }
}

impl Exchange {
    /// What a proxy's backend gets and gives passes as it is.
    fn http_conversion(&self, http: &Http) -> Conversion {
        match &http.kind {
            HttpKind::Proxy => Conversion::Keep,
            HttpKind::Custom(custom) => self.request_conversion(&custom.request),
        }
    }
}

/// Signs the head in `out`, if it goes to an AWS service.
fn sign(
    http: &Http,
    body: Body<'_>,
    now: Now,
    values: &Values<'_>,
    signers: &mut Signers,
    out: &mut Vec<u8>,
) -> Result<(), NoCredentials> {
    let Some(service) = &http.service else { return Ok(()) };
    let content = match body {
        Body::Whole(content) | Body::Template(content) => content,
        // There is none: any other has been read.
        Body::Client(_) => b"",
    };
    let caller = values.view.principal.map(|principal| &principal.credentials);
    signers.sign_for(&service.signing, caller, content, now, out)
}

/// What becomes of the client's body.
fn request_body<'a>(http: &'a Http, request: &RequestHead) -> Result<RequestBody<'a>, UnsupportedMediaType> {
    match &http.kind {
        HttpKind::Proxy => Ok(RequestBody::Passthrough),
        HttpKind::Custom(custom) => custom.request.select(request.first(KnownField::ContentType)),
    }
}
