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
use crate::integration::{Http, HttpKind, Integration, Mock, RequestBody, Responses, UnsupportedMediaType};
use crate::limit::{self, Caller, Denied, MeterId, Meters, StageId, Standing};
use crate::method::Method;
use crate::mock;
use crate::plan::{Api, LogDestination, OriginId, Plan, Stage};
use crate::reject::{Reject, Reuse};
use crate::route::{PathParameters, RouteId};
use crate::shard::{Shard, SharedPlan};
use crate::span::Span;
use crate::transform::answer::{self, Frame};
use crate::transform::request::{self, Body};
use crate::values::{PathValues, Values};

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
                None => self.go_on_with_body(shard, now, body),
            },
            Event::Response => self.respond(shard, now),
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

    fn call(&mut self, shard: &mut Shard, now: Now, routed: Routed, http: &Http) -> Step {
        let method = http.method.unwrap_or(routed.method);
        let content = self.body.take();
        let body = match self.request_body(http, content.as_deref()) {
            Ok(body) => body,
            Err(UnsupportedMediaType) => return self.refuse(shard, now, Reject::UnsupportedMediaType),
        };
        let upload = if let Body::Client(framing) = body { framing } else { BodyFraming::None };
        self.write_out(|values, out| request::write(http, method, body, values, out));
        self.called = Some(now);
        self.body_wanted |= upload != BodyFraming::None;
        let is_idempotent = !matches!(method, Method::Post | Method::Patch);
        let is_head = method == Method::Head;
        Step::Call(Call { origin: http.origin, timeout_ms: http.timeout_ms, upload, is_idempotent, is_head })
    }

    fn request_body<'a>(
        &self,
        http: &'a Http,
        content: Option<&'a [u8]>,
    ) -> Result<Body<'a>, UnsupportedMediaType> {
        let client = content.map_or(Body::Client(self.request.framing()), Body::Whole);
        let HttpKind::Custom(custom) = &http.kind else { return Ok(client) };
        Ok(match custom.request.select(self.request.first(KnownField::ContentType))? {
            RequestBody::Passthrough => client,
            RequestBody::Template(literal) => Body::Template(literal.text.as_bytes()),
        })
    }

    fn mock(&mut self, shard: &mut Shard, now: Now, mock: &Mock) -> Step {
        let body = self.body.take();
        match mock.request.select(self.request.first(KnownField::ContentType)) {
            Ok(RequestBody::Template(literal)) => {
                self.mock_answer(shard, now, &mock.responses, literal.status)
            }
            Ok(RequestBody::Passthrough) if let Some(body) = body => self.go_on_with_body(shard, now, &body),
            Ok(RequestBody::Passthrough) if self.request.framing() != BodyFraming::None => {
                self.body_wanted = true;
                Step::ReadBody { bytes_max: self.payload_bytes_max() }
            }
            Ok(RequestBody::Passthrough) => self.refuse(shard, now, Reject::NoMockStatus),
            Err(UnsupportedMediaType) => self.refuse(shard, now, Reject::UnsupportedMediaType),
        }
    }

    /// A MOCK without template reads its status from the client's body; a function gets it in its event.
    fn go_on_with_body(&mut self, shard: &mut Shard, now: Now, body: &[u8]) -> Step {
        let plan = self.plan();
        match self.routed.map(|routed| (routed, integration_of(&plan, routed))) {
            Some((_, Integration::Mock(mock))) => {
                self.mock_answer(shard, now, &mock.responses, mock::status_code(body))
            }
            Some((routed, Integration::Lambda(lambda))) => {
                self.invoke_with_body(shard, now, routed, lambda, body)
            }
            Some((_, Integration::Http(_) | Integration::Misconfigured)) | None => {
                self.refuse(shard, now, Reject::Misconfigured)
            }
        }
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
        self.answer_mapped(shard, now, responses, status)
    }

    /// Selects the integration response and writes the answer.
    fn answer_mapped(&mut self, shard: &mut Shard, now: Now, responses: &Responses, status: i64) -> Step {
        let Some(chosen) = responses.select(status) else {
            return self.refuse(shard, now, Reject::NoIntegrationResponse);
        };
        self.outcome.status = chosen.status;
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let download = self.write_out(|values, out| answer::write_mapped(chosen, values, frame, out));
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
                    self.answer_mapped(shard, now, &custom.responses, i64::from(status))
                }
            },
            Some(Integration::Mock(_) | Integration::Lambda(_) | Integration::Misconfigured) | None => {
                self.refuse(shard, now, Reject::Misconfigured)
            }
        }
    }

    fn answer_proxy(&mut self, shard: &mut Shard, now: Now) -> Step {
        self.outcome.status = self.response.status();
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let plan = self.plan();
        let download = answer::write_proxy(&self.values(&plan), &self.response, frame, &mut out);
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
        self.write_out(|values, out| {
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

    /// Clears `out` and lets `write` fill it.
    fn write_out<T>(&mut self, write: impl FnOnce(&Values<'_>, &mut Vec<u8>) -> T) -> T {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let plan = self.plan();
        let written = write(&self.values(&plan), &mut out);
        self.out = out;
        written
    }

    /// The plan that the request began with. It is there from [`Exchange::begin`] to [`Exchange::finish`].
    fn plan(&self) -> SharedPlan {
        Rc::clone(self.plan.as_ref().expect("an exchange has a plan from its first event on"))
    }

    fn values<'a>(&'a self, plan: &'a Plan) -> Values<'a> {
        let path = self.routed.map_or_else(PathValues::default, |routed| PathValues {
            path: &self.request.path()[routed.place.prefix_bytes..],
            spans: self.parameters.as_slice(),
        });
        let response = self.outcome.integration_status.is_some() && self.called.is_some();
        Values { view: self.view(plan), path, response: response.then_some(&self.response) }
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
            Self::Request(reject) => reject,
        }
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
