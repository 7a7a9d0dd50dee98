//! One request and its answer: the stages of API Gateway, strung together.
//!
//! [`Exchange::advance`] runs until it needs the outside, says what it needs, and is called again with what came of
//! it. It does not know whether HTTP/1, HTTP/2 or a test carries it.
//!
//! Here are events, steps, the proofs that one stage hands to the next, and the order of the stages. Behind it, in that
//! order: `access` (policies and signatures; with `authorizer` and `cognito`), `metering` (keys, throttles, quotas), `content`
//! (codings and conversions of bodies), `validation` (parameters and bodies), `caching` (answers that are there already),
//! `backend`, `function`, `streaming`, `invocation` and `mock` (the integrations), `answer` (what the client gets); `redirect` is before
//! all of them.

mod access;
mod answer;
mod authorizer;
mod backend;
mod caching;
mod cognito;
mod content;
mod function;
mod invocation;
mod metering;
mod mock;
mod mutual;
mod redirect;
mod streaming;
mod validation;

use std::rc::Rc;
use std::sync::Arc;

use self::authorizer::Authorizing;
pub use self::function::{Invoke, InvokeFailure, Wanted};

use self::caching::Caching;

use crate::arrival::{Arrival, Entropy, Peer};
use crate::auth::authorizer::FlightId;
use crate::auth::principal::PrincipalId;
use crate::cache::{Content, FillId};
use crate::clock::Now;
use crate::context::{Attested, Outcome, View};
use crate::hosts::Place;
use crate::http1::{BodyFraming, KnownField, RequestHead, ResponseHead};
use crate::integration::Integration;
use crate::limit::{Caller, MeterId, Meters, Standing};
use crate::method::Method;
use crate::plan::{Api, LogDestination, OriginId, Plan, Stage};
use crate::reject::Reject;
use crate::route::{PathParameters, RouteId};
use crate::shard::{Shard, SharedPlan};
use crate::span::Span;
use crate::values::{PathValues, Values};
use crate::velocity::{Arena, Overrides};

/// One request and its answer. Used again for every request of a connection, so that its buffers are allocated once.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The request; whoever carries the exchange fills it before [`Event::Request`].
    pub request: RequestHead,
    /// The backend's answer; filled before [`Event::Response`].
    pub response: ResponseHead,
    /// What is to be sent next: the request to the backend, or the answer to the client.
    pub out: Vec<u8>,
    /// What is sent to the client behind it: the content of a cached answer, where it lies.
    pub content: Option<Content>,
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
    caching: Caching,
    /// Why the gateway answers by itself, if it does.
    refused: Option<Reject>,
    /// What its authorizer has to do with it.
    authorizing: Authorizing,
    /// What names its caller to that.
    identity: Vec<u8>,
    /// Set while the client's body is read before its turn.
    reading: Option<Reading>,
    /// The client's body, when it had to be read before its turn.
    body: Option<Vec<u8>>,
    /// What denied the request, for the log; empty when nothing did.
    denial: Vec<u8>,
    /// What its model says against the client's body.
    invalid: Option<String>,
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

/// Proof that a request is as its method asks: required parameters are there, and the body fits its model.
#[derive(Clone, Copy, Debug)]
struct Validated {
    routed: Routed,
}

/// Why the client's body is read before its turn.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// To see whether it is what the client has signed.
    Signature(Routed),
    /// To decompress it.
    Coding(Metered),
    /// To see whether it fits its model.
    Validation(Metered),
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
    /// The keys that [`Step::AwaitKeys`] waits for have come, or will not.
    KeysEnded,
    /// What [`Step::AwaitAuthorizer`] waits for has ended.
    AuthorizerEnded,
    /// The request body, whole.
    Body(&'a [u8]),
    /// [`Exchange::response`] holds a whole head that is not interim.
    Response,
    /// The content behind that head, whole.
    ResponseBody(&'a [u8]),
    /// More content than [`Step::ReadResponse`] asked for: its beginning. The rest follows when the answer is sent.
    ResponseBegun(&'a [u8]),
    /// What [`Step::AwaitFill`] waits for has ended.
    FillEnded,
    /// It has not, in time.
    FillSlow,
    /// The call had no answer.
    CallFailed(CallFailure),
    /// The function has answered with this payload; empty for an asynchronous invocation that has been taken.
    Invoked(&'a [u8]),
    /// The function streams its answer, of which this is the beginning, at least to the end of its metadata. The rest follows
    /// when the answer is sent.
    InvokedBegun(&'a [u8]),
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
    /// News of the key set there, for which [`Shard::key_sets`] asks.
    AwaitKeys(Arc<str>),
    /// Another exchange's question to an authorizer ended.
    AwaitAuthorizer(FlightId),
    /// The whole request body, at most this many bytes.
    ReadBody {
        /// More is [`Reject::PayloadTooLarge`].
        bytes_max: u64,
    },
    /// [`Exchange::out`] sent to this origin, and its answer.
    Call(Call),
    /// The content of that answer, whole, at most this many bytes.
    ReadResponse {
        /// How many.
        bytes_max: u64,
        /// What becomes of more.
        more: More,
    },
    /// The beginning of what a function at AWS streams, at least to the end of its metadata, out of the event stream that the
    /// Lambda API answers with: [`Event::InvokedBegun`], or [`Event::Invoked`] if that was all.
    ReadBegun {
        /// Milliseconds to the end of the answer.
        timeout_ms: u32,
        /// Longest pause in it, in milliseconds.
        pause_ms: u32,
    },
    /// The end of another exchange's fill, for so many milliseconds; it will stand in the outbox of [`Shard::caches`].
    AwaitFill {
        /// Which one.
        fill: FillId,
        /// How long.
        timeout_ms: u64,
    },
    /// The function invoked with the event in [`Exchange::out`].
    Invoke(Invoke),
    /// [`Exchange::out`] sent to the client.
    Answer(Answer),
}

/// What becomes of more content than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// It is [`CallFailure::TooLarge`].
    Fails,
    /// It follows what has been read: [`Event::ResponseBegun`].
    Follows,
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
    /// Content bytes that are in [`Exchange::out`] or [`Exchange::content`] already.
    pub inline_bytes: u64,
    /// Whether the connection is to be used again, as the answer says.
    pub keep_alive: bool,
}

impl Exchange {
    /// Goes on with what happened, until the outside is needed again.
    pub fn advance(&mut self, shard: &mut Shard, now: Now, event: Event<'_>) -> Step {
        let mut step = self.proceed(shard, now, event);
        self.settle_cache(shard, now, &mut step);
        step
    }

    fn proceed(&mut self, shard: &mut Shard, now: Now, event: Event<'_>) -> Step {
        match event {
            Event::Request(peer, entropy) => {
                self.begin(shard, now, peer, entropy);
                if let Some(port) = self.https_port() {
                    return self.redirect(shard, now, port);
                }
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
            Event::Body(body) => match self.reading.take() {
                Some(Reading::Signature(routed)) => {
                    self.body = Some(body.to_vec());
                    self.authorise(shard, now, routed)
                }
                Some(Reading::Coding(metered)) => self.decode_body(shard, now, metered, body),
                Some(Reading::Validation(metered)) => self.validate_body(shard, now, metered, body),
                None => self.integrate_body(shard, now, body),
            },
            Event::KeysEnded => self.keys_ended(shard, now),
            Event::AuthorizerEnded => self.authorizer_ended(shard, now),
            Event::Response if self.is_asking() => self.told_head(shard, now),
            Event::ResponseBody(payload) if self.is_asking() => self.told_by_api(shard, now, payload),
            Event::CallFailed(failure) if self.is_asking() => self.told_nothing_by_api(shard, now, failure),
            Event::Response => self.respond(shard, now),
            Event::ResponseBody(body) => self.answer_response(shard, now, Some(body)),
            Event::ResponseBegun(begun) => self.respond_begun(shard, now, begun),
            Event::FillEnded => self.follow(shard, now),
            Event::FillSlow => self.stop_following(shard, now),
            Event::CallFailed(failure) => {
                self.count_integration(now, None);
                self.refuse(shard, now, failure.reject())
            }
            Event::Invoked(payload) if self.is_asking() => self.told(shard, now, payload),
            Event::FunctionFailed(document) if self.is_asking() => self.told_failure(shard, now, document),
            Event::InvokeFailed(failure) if self.is_asking() => self.told_nothing(shard, now, failure),
            Event::Invoked(payload) => self.answer_invoked(shard, now, payload),
            Event::InvokedBegun(begun) => {
                self.count_integration(now, Some(function::INVOKED));
                self.answer_streamed(shard, now, begun, streaming::Rest::Content)
            }
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

    /// Whether it has ended, or has not begun.
    pub fn is_over(&self) -> bool {
        self.plan.is_none()
    }

    fn begin(&mut self, shard: &Shard, now: Now, peer: &Peer, entropy: Entropy) {
        self.plan = Some(Rc::clone(&shard.plan));
        self.arrival.name(&self.request, peer, now, entropy);
        if !shard.plan.networks.trusted_proxies.is_empty() {
            self.arrival.look_behind(&self.request, &shard.plan.networks.trusted_proxies);
        }
        (self.place, self.routed, self.principal) = (None, None, None);
        (self.identified, self.caller, self.counted, self.called) = (None, None, None, None);
        (self.body_wanted, self.reading, self.body, self.refused) = (false, None, None, None);
        self.begin_caching();
        self.authorizing = Authorizing::No;
        self.denial.clear();
        self.invalid = None;
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
        self.check_certificate(&plan)?;
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

    fn integrate(&mut self, shard: &mut Shard, now: Now, Validated { routed }: Validated) -> Step {
        let plan = self.plan();
        match integration_of(&plan, routed) {
            Integration::Http(http) => self.call(shard, now, routed, http),
            Integration::Mock(mock) => self.mock(shard, now, mock),
            Integration::Lambda(lambda) => self.begin_invocation(shard, now, routed, lambda),
            Integration::Misconfigured => self.refuse(shard, now, Reject::Misconfigured),
        }
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
        let attested = match &self.authorizing {
            Authorizing::Granted { grant, latency_ms } => {
                Some(Attested::Granted { grant, latency_ms: *latency_ms })
            }
            Authorizing::Claimed(claims) => Some(Attested::Claimed(claims)),
            _ => None,
        };
        View {
            node: &plan.node,
            request: &self.request,
            arrival: &self.arrival,
            stage: self.place.map(|place| stage_of(plan, place)),
            route: self.routed.map(|routed| routed.route),
            base_path: self.place.as_ref().filter(|place| place.mapped).map(base_path),
            principal: self.principal.map(|id| plan.principals.principal(id)),
            network: plan.networks.of(self.arrival.listener, self.arrival.source_ip.address()),
            api_key: self.caller.map(|caller| plan.usage_plans.name_of(caller.key)),
            api_key_source: self.place.map(|place| plan.apis[place.api].api_key_source).unwrap_or_default(),
            attested,
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

fn stage_of(plan: &Plan, place: Place) -> (&Api, &Stage) {
    let api = &plan.apis[place.api];
    (api, &api.stages[place.stage])
}

fn integration_of(plan: &Plan, routed: Routed) -> &Integration {
    &stage_of(plan, routed.place).1.integrations[routed.route.0 as usize]
}
