//! One request and its answer: the stages of API Gateway, strung together.
//!
//! [`Exchange::advance`] runs until it needs the outside, says what it needs, and is called again with what came of
//! it. It does not know whether HTTP/1, HTTP/2 or a test carries it.
//!
//! Here are the proofs that one stage hands to the next, and the order of the stages; `step` has events and steps. Behind
//! it, in that order: `access` (policies and signatures; with `authorizer` and `cognito`), `metering` (keys, throttles,
//! quotas), `content` (codings and conversions of bodies), `validation` (parameters and bodies), `caching` (answers that are
//! there already), `backend`, `function`, `streaming`, `invocation` and `mock` (the integrations), `answer` (what the client
//! gets) and `trailers`; `redirect` is before all of them, and `execution` logs what they do.

mod access;
mod answer;
mod authorizer;
mod backend;
mod caching;
mod cognito;
mod content;
mod execution;
mod function;
mod invocation;
mod metering;
mod mock;
mod mutual;
mod redirect;
mod step;
mod streaming;
mod trailers;
mod validation;

use std::rc::Rc;

pub use self::function::{Invoke, InvokeFailure, Wanted};
pub use self::step::{Answer, Call, CallFailure, Event, More, Step};
pub use self::trailers::RequestTrailers;

use self::authorizer::Authorizing;
use self::caching::Caching;
use self::execution::Execution;
use crate::arrival::{Arrival, Entropy, Peer};
use crate::auth::principal::PrincipalId;
use crate::cache::Content;
use crate::clock::Now;
use crate::context::{Attested, Outcome, View};
use crate::hosts::Place;
use crate::http1::{BodyFraming, KnownField, RequestHead, ResponseHead};
use crate::integration::Integration;
use crate::limit::{Caller, MeterId, Meters, Standing};
use crate::method::Method;
use crate::plan::{Api, LogDestination, Plan, Stage};
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
    /// Its execution log, if its method has one.
    execution: Option<Box<Execution>>,
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
    /// To log it.
    Log(Validated),
}

impl Exchange {
    /// Goes on with what happened, until the outside is needed again.
    pub fn advance(&mut self, shard: &mut Shard, now: Now, event: Event<'_>) -> Step {
        if self.execution.is_some() {
            self.note_event(now, &event);
        }
        let mut step = self.proceed(shard, now, event);
        self.settle_cache(shard, now, &mut step);
        if self.execution.is_some() {
            self.note_step(&step);
        }
        step
    }

    fn proceed(&mut self, shard: &mut Shard, now: Now, event: Event<'_>) -> Step {
        match event {
            Event::Request(peer, entropy) => {
                self.begin(shard, now, peer, entropy);
                if let Some(port) = self.https_port() {
                    return self.redirect(shard, now, port);
                }
                match self.route(&entropy) {
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
                Some(Reading::Log(validated)) => {
                    self.body = Some(body.to_vec());
                    self.integrate(shard, now, validated)
                }
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
        (self.invalid, self.execution) = (None, None);
        (self.outcome, self.standing) = (Outcome::default(), Standing::default());
        self.overrides.clear();
        self.out.clear();
    }

    fn route(&mut self, entropy: &Entropy) -> Result<Routed, Reject> {
        let plan = self.plan();
        let path = self.request.path();
        let api_id = self.request.first(KnownField::XApigwApiId);
        let place = plan.hosts.find(self.request.host(), api_id, path).ok_or(Reject::UnknownApi)?;
        let place = *self.place.insert(stage_of(&plan, place).1.release.choose(place, entropy));
        self.check_certificate(&plan)?;
        if self.is_out_of_reach(&plan, place) {
            return Err(Reject::OutOfReach);
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
        integration_of(&plan, routed).fetch();
        self.begin_execution(&plan, routed);
        Ok(routed)
    }

    fn integrate(&mut self, shard: &mut Shard, now: Now, validated: Validated) -> Step {
        if self.execution.is_some() {
            if let Some(step) = self.read_body_for_log(validated) {
                return step;
            }
            self.note_integration();
        }
        let (plan, Validated { routed }) = (self.plan(), validated);
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

fn stage_of(plan: &Plan, place: Place) -> (&Api, &Stage) {
    let api = &plan.apis[place.api];
    (api, &api.stages[place.stage])
}

fn integration_of(plan: &Plan, routed: Routed) -> &Integration {
    &stage_of(plan, routed.place).1.integrations[routed.route.0 as usize]
}
