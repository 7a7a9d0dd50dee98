//! One request and its answer: the stages of API Gateway, strung together.
//!
//! [`Exchange::advance`] runs until it needs the outside, says what it needs, and is called again with what came of
//! it. It does not know whether HTTP/1, HTTP/2 or a test carries it.

mod access;
mod function;

use std::rc::Rc;

pub use self::function::{Invoke, InvokeFailure};

use crate::arrival::{Arrival, Entropy, Peer};
use crate::auth::principal::PrincipalId;
use crate::clock::Now;
use crate::context::{ErrorFacts, Outcome, View};
use crate::hosts::Place;
use crate::http1::{BodyFraming, HeadError, KnownField, RequestHead, ResponseHead};
use crate::integration::{
    Http, HttpKind, Integration, IntegrationResponse, Mock, RequestBody, ResponseBody, Responses, Template,
    UnsupportedMediaType,
};
use crate::limit::{self, Caller, Denied, MeterId, Meters, StageId, Standing};
use crate::method::Method;
use crate::mock;
use crate::plan::{Api, LogDestination, OriginId, Plan, Stage};
use crate::reject::{Reject, Reuse};
use crate::route::{PathParameters, RouteId};
use crate::shard::{Shard, SharedPlan};
use crate::span::Span;
use crate::transform::answer::{self, Content, Frame};
use crate::transform::request::{self, Body};
use crate::transform::template;
use crate::values::{PathValues, Values};
use crate::velocity::{self, Arena, Overrides};

/// One request and its answer. Used again for every request of a connection, so that its buffers are allocated once.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The request; whoever carries the exchange fills it before [`Event::Request`].
    pub request: RequestHead,
    /// The backend's answer; filled before [`Event::Response`].
    pub response: ResponseHead,
    /// What is to be sent next: the request to the backend, or the answer to the client.
    pub out: Vec<u8>,
    plan: Option<SharedPlan>,
    arrival: Arrival,
    place: Option<Place>,
    routed: Option<Routed>,
    principal: Option<PrincipalId>,
    identified: Option<Identified>,
    caller: Option<Caller>,
    /// The caller for whom the request was counted.
    counted: Option<MeterId>,
    parameters: PathParameters,
    standing: Standing,
    called: Option<Now>,
    /// Set while the client's body is read to see whether it is what the client has signed.
    unproved: Option<Routed>,
    /// The client's body, when it had to be read before its turn.
    body: Option<Vec<u8>>,
    /// What denied the request, for the log; empty when nothing did.
    denial: Vec<u8>,
    /// Whether the client's body was called for: then a client that waits for `100 Continue` is told to go on.
    body_wanted: bool,
    outcome: Outcome,
    /// What the templates of this exchange have set.
    overrides: Overrides,
    arena: Arena,
    /// What the last template gave.
    rendered: Vec<u8>,
}

/// Proof that a request has a method to run.
#[derive(Clone, Copy, Debug)]
struct Routed {
    place: Place,
    route: RouteId,
    method: Method,
}

/// Proof that the caller of a request may call its method: it has signed, if the method asks for that, and policies
/// allow it.
#[derive(Clone, Copy, Debug)]
struct Authorised {
    routed: Routed,
}

/// Proof that a request came with the API key that its method needs.
#[derive(Clone, Copy, Debug)]
struct Identified {
    routed: Routed,
}

/// Proof that a request may call its method: no throttle and no quota is against it.
#[derive(Clone, Copy, Debug)]
struct Metered {
    routed: Routed,
}

/// What happened outside.
#[derive(Debug)]
pub enum Event<'a> {
    /// [`Exchange::request`] holds a whole head.
    Request(&'a Peer, Entropy),
    /// The request cannot be read, or its body could not while it was needed or sent on.
    Refused(&'a Peer, Entropy, Reject),
    /// The ledger has answered [`Step::AskLedger`].
    LedgerAnswered,
    /// It has not, in time.
    LedgerSilent,
    /// The request body, whole.
    Body(&'a [u8]),
    /// [`Exchange::response`] holds a whole head that is not interim.
    Response,
    /// The content behind that head, whole.
    ResponseBody(&'a [u8]),
    /// The call had no answer.
    CallFailed(CallFailure),
    /// The function has answered with this payload; empty for an asynchronous invocation that has been taken.
    Invoked(&'a [u8]),
    /// The function has failed; this document says how.
    FunctionFailed(&'a [u8]),
    /// The invocation had no answer.
    InvokeFailed(InvokeFailure),
}

/// Why a call had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The origin's host name has no address.
    Unresolvable,
    /// No connection, a broken one, or not HTTP.
    Network,
    /// No answer in time.
    Timeout,
    /// More content than the limit on payloads, where it was needed whole.
    TooLarge,
    /// The client's body broke off, broke its framing or a limit while it was sent on.
    Request(Reject),
}

/// What the exchange needs next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The ledger's answer about this limit, which stands in the outbox of [`Shard::meters`].
    AskLedger(MeterId),
    /// The whole request body, at most this many bytes.
    ReadBody {
        /// More is [`Reject::PayloadTooLarge`].
        bytes_max: u64,
    },
    /// [`Exchange::out`] sent to this origin, and its answer.
    Call(Call),
    /// The content of that answer, whole, at most this many bytes.
    ReadResponse {
        /// More is [`CallFailure::TooLarge`].
        bytes_max: u64,
    },
    /// The function invoked with the event in [`Exchange::out`].
    Invoke(Invoke),
    /// [`Exchange::out`] sent to the client.
    Answer(Answer),
}

/// A call to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The backend.
    pub origin: OriginId,
    /// Milliseconds to the response head, and between pieces of the response.
    pub timeout_ms: u32,
    /// How the client's body follows the head; `None` when nothing follows.
    pub upload: BodyFraming,
    /// Whether the method may be sent twice (RFC 9110 section 9.2.2).
    pub is_idempotent: bool,
    /// Whether the method is HEAD, whose answers have no content.
    pub is_head: bool,
}

/// An answer to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How the backend's content follows; `None` when nothing follows.
    pub download: BodyFraming,
    /// Content bytes that are in [`Exchange::out`] already.
    pub inline_bytes: u64,
    /// Whether the connection is to be used again, as the answer says.
    pub keep_alive: bool,
}

impl Exchange {
    /// Goes on with what happened, until the outside is needed again.
    pub fn advance(&mut self, shard: &mut Shard, now: Now, event: Event<'_>) -> Step {
        match event {
            Event::Request(peer, entropy) => {
                self.begin(shard, now, peer, entropy);
                match self.route() {
                    Ok(routed) => self.authorise(shard, now, routed),
                    Err(reject) => self.refuse(shard, now, reject),
                }
            }
            Event::LedgerAnswered => match self.identified {
                Some(identified) => self.meter(shard, now, identified),
                None => self.refuse(shard, now, Reject::Misconfigured),
            },
            // More than is allowed must not pass, whatever keeps the ledger from answering.
            Event::LedgerSilent => self.refuse(shard, now, Reject::LedgerSilent),
            Event::Refused(peer, entropy, reject) => {
                self.begin(shard, now, peer, entropy);
                self.refuse(shard, now, reject)
            }
            Event::Body(body) => match self.unproved.take() {
                Some(routed) => {
                    self.body = Some(body.to_vec());
                    self.authorise(shard, now, routed)
                }
                None => self.integrate_body(shard, now, body),
            },
            Event::Response => self.respond(shard, now),
            Event::ResponseBody(body) => self.respond_body(shard, now, body),
            Event::CallFailed(failure) => {
                self.count_integration(now, None);
                self.refuse(shard, now, failure.reject())
            }
            Event::Invoked(payload) => self.answer_invoked(shard, now, payload),
            Event::FunctionFailed(document) => self.answer_failed(shard, now, document),
            Event::InvokeFailed(failure) => {
                self.count_integration(now, failure.status());
                self.refuse(shard, now, failure.reject())
            }
        }
    }

    /// The API's limit on payloads, in bytes.
    pub fn payload_bytes_max(&self) -> u64 {
        self.plan.as_ref().map_or(crate::limits::PAYLOAD_BYTES_MAX, |plan| plan.limits.payload_bytes_max)
    }

    /// Ends the exchange: appends its access log line to the buffer that `buffer_for` names for its destination.
    /// `response_bytes` is the content that the client was sent.
    pub fn finish<'b>(
        &mut self,
        meters: &mut Meters,
        now: Now,
        response_bytes: u64,
        buffer_for: impl FnOnce(&LogDestination) -> &'b mut Vec<u8>,
    ) {
        self.outcome.response_bytes = response_bytes;
        if let Some(caller) = self.counted {
            meters.sent(caller, response_bytes);
        }
        self.outcome.latency_ms = now.since_ms(self.arrival.now);
        if let Some(plan) = self.plan.take()
            && let Some(log) = self.place.and_then(|place| stage_of(&plan, place).1.access_log.as_ref())
        {
            log.format.write(&self.view(&plan), buffer_for(&log.destination));
        }
    }

    fn begin(&mut self, shard: &Shard, now: Now, peer: &Peer, entropy: Entropy) {
        self.plan = Some(Rc::clone(&shard.plan));
        self.arrival.name(&self.request, peer, now, entropy);
        if !shard.plan.networks.trusted_proxies.is_empty() {
            self.arrival.look_behind(&self.request, &shard.plan.networks.trusted_proxies);
        }
        (self.place, self.routed, self.principal) = (None, None, None);
        (self.identified, self.caller, self.counted, self.called) = (None, None, None, None);
        (self.body_wanted, self.unproved, self.body) = (false, None, None);
        self.denial.clear();
        (self.outcome, self.standing) = (Outcome::default(), Standing::default());
        self.overrides.clear();
        self.out.clear();
    }

    fn route(&mut self) -> Result<Routed, Reject> {
        let plan = self.plan();
        let path = self.request.path();
        let api_id = self.request.first(KnownField::XApigwApiId);
        let place = plan.hosts.find(self.request.host(), api_id, path).ok_or(Reject::UnknownApi)?;
        self.place = Some(place);
        if self.is_out_of_reach(&plan, place) {
            return Err(Reject::UnknownApi);
        }
        if matches!(self.request.framing(), BodyFraming::Length(bytes) if bytes > plan.limits.payload_bytes_max)
        {
            return Err(Reject::PayloadTooLarge);
        }
        let name = self.request.first(KnownField::XHttpMethodOverride).unwrap_or(self.request.method());
        let method = Method::parse(name).ok_or_else(|| self.no_route())?;
        let router = &plan.apis[place.api].router;
        let route = router.find(method, &path[place.prefix_bytes..], &mut self.parameters);
        let route = route.ok_or_else(|| self.no_route())?;
        let routed = Routed { place, route, method };
        self.routed = Some(routed);
        Ok(routed)
    }

    /// AWS: a missing, unknown or disabled key, and one of no plan with this stage, are all the same to the client.
    fn identify(&mut self, Authorised { routed }: Authorised) -> Result<Identified, Reject> {
        let plan = self.plan();
        let Place { api, stage, .. } = routed.place;
        if plan.apis[api].api_key_required[routed.route.0 as usize] {
            let stage = StageId { api: api as u32, stage: stage as u32 };
            let value = self.request.first(KnownField::XApiKey);
            let caller = value.and_then(|value| plan.usage_plans.caller(value, stage));
            self.caller = Some(caller.ok_or(Reject::InvalidApiKey)?);
        }
        let identified = Identified { routed };
        self.identified = Some(identified);
        Ok(identified)
    }

    /// Throttles and the quota. What the shard does not have is asked of the ledger.
    fn meter(&mut self, shard: &mut Shard, now: Now, Identified { routed }: Identified) -> Step {
        let plan = self.plan();
        let (_, stage) = stage_of(&plan, routed.place);
        let now_ns = now.monotonic_ns;
        let admitted = limit::admit(&mut shard.meters, &plan, stage, routed.route, self.caller, now_ns);
        let (reject, retry_after_ns) = match admitted {
            Ok(()) => (None, None),
            Err(Denied::Wait(meter)) => return Step::AskLedger(meter),
            Err(Denied::Throttled { retry_after_ns }) => (Some(Reject::Throttled), Some(retry_after_ns)),
            Err(Denied::QuotaExceeded { retry_after_ns }) => {
                (Some(Reject::QuotaExceeded), Some(retry_after_ns))
            }
        };
        self.standing = limit::standing(&shard.meters, &plan, self.caller, retry_after_ns, now_ns);
        match reject {
            None => {
                self.counted = self.caller.map(|caller| caller.meter);
                self.integrate(shard, now, Metered { routed })
            }
            Some(reject) => self.refuse(shard, now, reject),
        }
    }

    fn integrate(&mut self, shard: &mut Shard, now: Now, Metered { routed }: Metered) -> Step {
        let plan = self.plan();
        match integration_of(&plan, routed) {
            Integration::Http(http) => self.call(shard, now, routed, http),
            Integration::Mock(mock) => self.mock(shard, now, mock),
            Integration::Lambda(lambda) => self.begin_invocation(shard, now, routed, lambda),
            Integration::Misconfigured => self.refuse(shard, now, Reject::Misconfigured),
        }
    }

    /// Calls at once, unless a template or a mapping needs the client's body.
    fn call(&mut self, shard: &mut Shard, now: Now, routed: Routed, http: &Http) -> Step {
        if let Some(content) = self.body.take() {
            return self.call_with(shard, now, routed, http, Some(&content));
        }
        let needs_body = match request_body(http, &self.request) {
            Ok(RequestBody::Passthrough) => http.maps_body(),
            Ok(RequestBody::Template(template)) => http.maps_body() || template.program().reads_input(),
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        if needs_body && self.request.framing() != BodyFraming::None {
            return self.read_body(shard, now);
        }
        self.call_with(shard, now, routed, http, None)
    }

    /// Content that is coded beside being chunked is no text that could be read.
    fn read_body(&mut self, shard: &mut Shard, now: Now) -> Step {
        if self.request.transfer_codings().next().is_some() {
            return self.refuse(shard, now, Reject::UnsupportedMediaType);
        }
        self.body_wanted = true;
        Step::ReadBody { bytes_max: self.payload_bytes_max() }
    }

    fn integrate_body(&mut self, shard: &mut Shard, now: Now, body: &[u8]) -> Step {
        let plan = self.plan();
        let Some(routed) = self.routed else { return self.refuse(shard, now, Reject::Misconfigured) };
        match integration_of(&plan, routed) {
            Integration::Http(http) => self.call_with(shard, now, routed, http, Some(body)),
            Integration::Mock(mock) => self.mock_with(shard, now, mock, body),
            Integration::Lambda(lambda) => self.invoke_with_body(shard, now, routed, lambda, body),
            Integration::Misconfigured => self.refuse(shard, now, Reject::Misconfigured),
        }
    }

    fn call_with(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        http: &Http,
        content: Option<&[u8]>,
    ) -> Step {
        let method = http.method.unwrap_or(routed.method);
        let text = template::text(content.unwrap_or_default());
        if http.maps_body() && velocity::is_broken_json(&text, &mut self.arena) {
            return self.refuse(shard, now, Reject::InvalidJson);
        }
        let is_rendered = match request_body(http, &self.request) {
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
            Some(content) => Body::Whole(content),
            None => Body::Client(self.request.framing()),
        };
        let upload = if let Body::Client(framing) = body { framing } else { BodyFraming::None };
        self.write_out(&text, |values, out| request::write(http, method, body, values, out));
        self.rendered = rendered;
        (self.called, self.body_wanted) = (Some(now), self.body_wanted || upload != BodyFraming::None);
        let is_idempotent = !matches!(method, Method::Post | Method::Patch);
        let is_head = method == Method::Head;
        Step::Call(Call { origin: http.origin, timeout_ms: http.timeout_ms, upload, is_idempotent, is_head })
    }

    /// Runs a template on a body.
    fn render(&mut self, template: &Template, body: &str) -> Result<(), Reject> {
        let plan = self.plan();
        let mut overrides = std::mem::take(&mut self.overrides);
        let mut arena = std::mem::take(&mut self.arena);
        let mut rendered = std::mem::take(&mut self.rendered);
        let around = template::Around { values: self.values(&plan, body), body };
        let done = template::render(template, &around, &mut overrides, &mut arena, &mut rendered);
        (self.overrides, self.arena, self.rendered) = (overrides, arena, rendered);
        done.map_err(|_| Reject::TemplateFailed)
    }

    /// Answers at once, unless the template needs the client's body.
    fn mock(&mut self, shard: &mut Shard, now: Now, mock: &Mock) -> Step {
        if let Some(body) = self.body.take() {
            return self.mock_with(shard, now, mock, &body);
        }
        let has_body = self.request.framing() != BodyFraming::None;
        match mock.request.select(self.request.first(KnownField::ContentType)) {
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
    fn mock_with(&mut self, shard: &mut Shard, now: Now, mock: &Mock, body: &[u8]) -> Step {
        let status = match mock.request.select(self.request.first(KnownField::ContentType)) {
            Ok(RequestBody::Template(template)) => match self.render(template, &template::text(body)) {
                Ok(()) => mock::status_code(&self.rendered),
                Err(reject) => return self.refuse(shard, now, reject),
            },
            Ok(RequestBody::Passthrough) => mock::status_code(body),
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        self.mock_answer(shard, now, &mock.responses, status)
    }

    fn mock_answer(
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

    /// Selects the integration response and answers, or asks for the backend's content where that is needed first.
    /// A MOCK has none.
    fn answer_mapped(
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
        let needs_content = match body {
            ResponseBody::Template(template, _) => template.program().reads_input() || chosen.maps_body(),
            ResponseBody::Passthrough => chosen.maps_body(),
        };
        if needs_content && content.is_none() && self.response.framing() != BodyFraming::None {
            return Step::ReadResponse { bytes_max: self.payload_bytes_max() };
        }
        self.answer_chosen(shard, now, chosen, body, content)
    }

    fn answer_chosen(
        &mut self,
        shard: &mut Shard,
        now: Now,
        chosen: &IntegrationResponse,
        body: ResponseBody<'_>,
        content: Option<&[u8]>,
    ) -> Step {
        let text = template::text(content.unwrap_or_default());
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
        let content = match (body, content) {
            (ResponseBody::Template(_, media_type), _) => Content::Whole { text: &rendered, media_type },
            (ResponseBody::Passthrough, Some(text)) => Content::Whole { text, media_type: answer::JSON },
            (ResponseBody::Passthrough, None) => Content::Passthrough,
        };
        let is_called = self.called.is_some();
        let download = self.write_out(&text, |values, out| {
            answer::write_mapped(chosen, status, content, is_called, values, frame, out)
        });
        self.rendered = rendered;
        self.answer(download, keep_alive)
    }

    fn respond(&mut self, shard: &mut Shard, now: Now) -> Step {
        let status = self.response.status();
        self.count_integration(now, Some(i64::from(status)));
        if matches!(self.response.framing(), BodyFraming::Length(bytes) if bytes > self.payload_bytes_max()) {
            return self.refuse(shard, now, Reject::IntegrationPayloadTooLarge);
        }
        let plan = self.plan();
        match self.routed.map(|routed| integration_of(&plan, routed)) {
            Some(Integration::Http(http)) => match &http.kind {
                HttpKind::Proxy => self.answer_proxy(shard, now),
                HttpKind::Custom(custom) => {
                    self.answer_mapped(shard, now, &custom.responses, i64::from(status), None)
                }
            },
            Some(Integration::Mock(_) | Integration::Lambda(_) | Integration::Misconfigured) | None => {
                self.refuse(shard, now, Reject::Misconfigured)
            }
        }
    }

    fn respond_body(&mut self, shard: &mut Shard, now: Now, body: &[u8]) -> Step {
        let plan = self.plan();
        let integration = self.routed.map(|routed| integration_of(&plan, routed));
        let Some(Integration::Http(http)) = integration else {
            return self.refuse(shard, now, Reject::Misconfigured);
        };
        match &http.kind {
            HttpKind::Custom(custom) => {
                let status = i64::from(self.response.status());
                self.answer_mapped(shard, now, &custom.responses, status, Some(body))
            }
            HttpKind::Proxy => self.refuse(shard, now, Reject::Misconfigured),
        }
    }

    fn answer_proxy(&mut self, shard: &mut Shard, now: Now) -> Step {
        self.outcome.status = self.response.status();
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let plan = self.plan();
        let download = answer::write_proxy(&self.values(&plan, ""), &self.response, frame, &mut out);
        self.out = out;
        self.answer(download, keep_alive)
    }

    fn answer(&self, download: BodyFraming, keep_alive: bool) -> Step {
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
    fn inline_bytes(&self) -> u64 {
        let head = memchr::memmem::find(&self.out, b"\r\n\r\n").map_or(self.out.len(), |end| end + 4);
        (self.out.len() - head) as u64
    }

    fn refuse(&mut self, shard: &mut Shard, now: Now, reject: Reject) -> Step {
        let plan = self.plan();
        let mut refusal = reject.refusal();
        if let Some(message) = self.own_words(&plan, &shard.method_names, reject) {
            refusal.message = message.into();
        }
        self.note_denial(&plan, reject, &refusal);
        let api = self.place.map(|place| &plan.apis[place.api]);
        let custom = api.and_then(|api| api.gateway_responses.custom(refusal.response_type, refusal.status));
        let custom = custom.filter(|_| refusal.voice != crate::reject::Voice::PlainText);
        self.outcome.status = custom.and_then(|custom| custom.status).unwrap_or(refusal.status);
        self.outcome.error = Some(ErrorFacts {
            message: refusal.message.clone(),
            response_type: refusal.response_type.name(),
            of_integration: reject.of_integration(),
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
    fn keeps_alive(&self, shard: &Shard) -> bool {
        let unread_expectation = !self.body_wanted && self.request.expects_continue();
        self.request.keeps_alive() && !shard.draining && !unread_expectation
    }

    fn frame<'a>(&self, date: &'a [u8; 29], keep_alive: bool) -> Frame<'a> {
        Frame {
            date,
            keep_alive,
            is_head: self.request.method() == b"HEAD",
            version: self.request.version(),
            standing: self.standing,
        }
    }

    fn count_integration(&mut self, now: Now, status: Option<i64>) {
        self.outcome.integration_latency_ms = self.called.map(|called| now.since_ms(called));
        self.outcome.integration_status = status;
    }

    /// Clears `out` and lets `write` fill it; `body` is what mappings may read.
    fn write_out<T>(&mut self, body: &str, write: impl FnOnce(&Values<'_>, &mut Vec<u8>) -> T) -> T {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let plan = self.plan();
        let written = write(&self.values(&plan, body), &mut out);
        self.out = out;
        written
    }

    /// The plan that the request began with. It is there from [`Exchange::begin`] to [`Exchange::finish`].
    fn plan(&self) -> SharedPlan {
        Rc::clone(self.plan.as_ref().expect("an exchange has a plan from its first event on"))
    }

    fn values<'a>(&'a self, plan: &'a Plan, body: &'a str) -> Values<'a> {
        let path = self.routed.map_or_else(PathValues::default, |routed| PathValues {
            path: &self.request.path()[routed.place.prefix_bytes..],
            spans: self.parameters.as_slice(),
        });
        let response = self.outcome.integration_status.is_some() && self.called.is_some();
        Values {
            view: self.view(plan),
            path,
            response: response.then_some(&self.response),
            body: Some(body),
            overrides: &self.overrides,
        }
    }

    fn view<'a>(&'a self, plan: &'a Plan) -> View<'a> {
        let base_path = |place: &Place| Span::new(0, place.prefix_bytes).of(self.request.path());
        View {
            node: &plan.node,
            request: &self.request,
            arrival: &self.arrival,
            stage: self.place.map(|place| stage_of(plan, place)),
            route: self.routed.map(|routed| routed.route),
            base_path: self.place.as_ref().filter(|place| place.mapped).map(base_path),
            principal: self.principal.map(|id| plan.principals.principal(id)),
            network: plan.networks.of(self.arrival.listener, self.arrival.source_ip.address()),
            api_key: self.caller.map(|caller| plan.usage_plans.key_name(caller.key)),
            outcome: &self.outcome,
        }
    }
}

impl CallFailure {
    fn reject(self) -> Reject {
        match self {
            Self::Unresolvable => Reject::UnresolvableHost,
            Self::Network => Reject::NetworkError,
            Self::Timeout => Reject::IntegrationTimeout,
            Self::TooLarge => Reject::IntegrationPayloadTooLarge,
            Self::Request(reject) => reject,
        }
    }
}

/// What becomes of the client's body.
fn request_body<'a>(http: &'a Http, request: &RequestHead) -> Result<RequestBody<'a>, UnsupportedMediaType> {
    match &http.kind {
        HttpKind::Proxy => Ok(RequestBody::Passthrough),
        HttpKind::Custom(custom) => custom.request.select(request.first(KnownField::ContentType)),
    }
}

fn stage_of(plan: &Plan, place: Place) -> (&Api, &Stage) {
    let api = &plan.apis[place.api];
    (api, &api.stages[place.stage])
}

fn integration_of(plan: &Plan, routed: Routed) -> &Integration {
    &stage_of(plan, routed.place).1.integrations[routed.route.0 as usize]
}

/// The limit that a plain text about a size names.
fn limit_bytes(plan: &Plan, reject: Reject) -> u64 {
    match reject {
        Reject::Head(HeadError::FieldsTooLarge) => plan.limits.header_bytes_max as u64,
        _ => plan.limits.payload_bytes_max,
    }
}
