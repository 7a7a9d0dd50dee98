//! The stage that asks a Lambda authorizer, unless it is known what it would say.

use std::rc::Rc;

use super::invocation::{self, Invocation};
use super::{CallFailure, Exchange, Invoke, InvokeFailure, More, Routed, Step, Wanted, stage_of};
use crate::auth::authorise::deny_early;
use crate::auth::authorizer::identity::{self, Asked};
use crate::auth::authorizer::{AuthorizerId, FlightId, Grant, Grants, Input, Known, Malformed};
use crate::auth::jwt::Claims;
use crate::auth::policy::OwnArn;
use crate::aws::NoCredentials;
use crate::clock::Now;
use crate::context::{AuthorizerOutcome, Outcome};
use crate::http1::BodyFraming;
use crate::integration::FunctionPlace;
use crate::lambda::authorizer_event;
use crate::lambda::result::error_message;
use crate::limits::{AUTHORIZER_RESULT_BYTES_MAX, AUTHORIZER_TIMEOUT_MS};
use crate::plan::Plan;
use crate::reject::{AuthorizerFault, Reject, Unauthorized};
use crate::shard::Shard;

/// What a function fails with when it does not know the caller (AWS).
const UNAUTHORIZED: &str = "Unauthorized";

/// What an authorizer has to do with an exchange.
#[derive(Debug, Default)]
pub(super) enum Authorizing {
    /// Nothing, or not yet.
    #[default]
    No,
    /// The exchange waits for what another one is told.
    Waits(Routed),
    /// It waits for the keys of an issuer.
    AwaitsKeys(Routed),
    /// It has waited, and may not wait again.
    Alone,
    /// It asks.
    Asks(Question),
    /// It knows.
    Granted { grant: Rc<Grant>, latency_ms: u64 },
    /// A token says who calls.
    Claimed(Rc<Claims>),
}

/// A question to the function of an authorizer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    routed: Routed,
    authorizer: AuthorizerId,
    /// For others who wait for the answer.
    flight: Option<FlightId>,
    since: Now,
}

impl Exchange {
    /// Finds out what the authorizer says. `None`: it is known now; else after this step.
    pub(super) fn ask(
        &mut self,
        shard: &mut Shard,
        now: Now,
        routed: Routed,
        id: AuthorizerId,
    ) -> Result<Option<Step>, Reject> {
        if matches!(self.authorizing, Authorizing::Granted { .. }) {
            return Ok(None);
        }
        let plan = self.plan();
        let (api, stage) = stage_of(&plan, routed.place);
        let authorizer = &api.authorizers[id.0 as usize];
        self.name_method(shard, &plan, routed)?;
        if api.policy.is_some() {
            let early = deny_early(api, &shard.method_names, &self.facts(&plan));
            self.note_policies(early).map_err(Reject::Denied)?;
        }
        self.name_caller(&plan, routed, id, &authorizer.input)?;
        let Some(function) = &stage.authorizers[id.0 as usize] else {
            return Err(Reject::Authorizer(AuthorizerFault::Misconfigured));
        };
        let flight = match self.look(shard, now, authorizer.ttl_ms) {
            Known::Granted(grant) => {
                self.outcome.note_authorizer(200, None, 0);
                self.authorizing = Authorizing::Granted { grant, latency_ms: 0 };
                return Ok(None);
            }
            Known::Asked(flight) => {
                self.authorizing = Authorizing::Waits(routed);
                return Ok(Some(Step::AwaitAuthorizer(flight)));
            }
            Known::Nothing(flight) => flight,
            Known::Crowded => None,
        };
        self.authorizing = Authorizing::Asks(Question { routed, authorizer: id, flight, since: now });
        let method = shard.method_names.sent();
        self.write_out("", |values, out| match &authorizer.input {
            Input::Token { source, .. } => authorizer_event::write_token(values, source, method, out),
            Input::Request { .. } => authorizer_event::write_request(values, routed.method, method, out),
        });
        Ok(Some(self.invoke_authorizer(shard, now, &function.place)))
    }

    /// Asks with the event that stands in `out`.
    fn invoke_authorizer(&mut self, shard: &mut Shard, now: Now, place: &FunctionPlace) -> Step {
        match place {
            FunctionPlace::Here(function) => Step::Invoke(Invoke {
                function: *function,
                timeout_ms: AUTHORIZER_TIMEOUT_MS,
                wanted: Wanted::Answer,
            }),
            FunctionPlace::Remote(remote) => match self.write_invocation(shard, now, remote, false) {
                Ok(()) => Step::Call(invocation::call(remote, AUTHORIZER_TIMEOUT_MS)),
                Err(NoCredentials) => self.learn_fault(shard, now, None, AuthorizerFault::NoCredentials),
            },
        }
    }

    /// The key of what is remembered, if the request names its caller.
    fn name_caller(
        &mut self,
        plan: &Plan,
        routed: Routed,
        id: AuthorizerId,
        input: &Input,
    ) -> Result<(), Reject> {
        let asked = Asked {
            generation: plan.generation,
            api: routed.place.api as u32,
            stage: routed.place.stage as u32,
            authorizer: id.0,
        };
        let mut key = std::mem::take(&mut self.identity);
        let named = identity::read(input, asked, &self.values(plan, ""), &mut key);
        self.identity = key;
        named.map_err(|why| Reject::Unauthorized(Unauthorized::NoIdentity(why)))
    }

    fn look(&self, shard: &mut Shard, now: Now, ttl_ms: u64) -> Known {
        if ttl_ms == 0 {
            return Known::Nothing(None);
        }
        if matches!(self.authorizing, Authorizing::Alone) {
            return shard.grants.get(&self.identity, now).map_or(Known::Nothing(None), Known::Granted);
        }
        shard.grants.look(&self.identity, now)
    }

    /// The other exchange has been told, or will not be.
    pub(super) fn authorizer_ended(&mut self, shard: &mut Shard, now: Now) -> Step {
        match std::mem::replace(&mut self.authorizing, Authorizing::Alone) {
            Authorizing::Waits(routed) => self.authorise(shard, now, routed),
            _ => self.refuse(shard, now, Reject::Misconfigured),
        }
    }

    /// Nobody is left to answer to: others wait for what this exchange is told no more.
    pub fn leave_authorizer(&mut self, grants: &mut Grants) {
        if let Authorizing::Asks(Question { flight: Some(flight), .. }) = self.authorizing {
            self.authorizing = Authorizing::No;
            grants.land(&self.identity, flight);
        }
    }

    /// Whether what a function says is for the authorizer.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.authorizing, Authorizing::Asks(_))
    }

    /// The function has answered.
    pub(super) fn told(&mut self, shard: &mut Shard, now: Now, payload: &[u8]) -> Step {
        let plan = self.plan();
        let own = OwnArn { region: &plan.node.region, account: &plan.node.account };
        let malformed = |why| Reject::Authorizer(AuthorizerFault::Malformed(why));
        self.learn(shard, now, Some(200), Grant::read(payload, own).map_err(malformed))
    }

    /// The function has failed; this document says how.
    pub(super) fn told_failure(&mut self, shard: &mut Shard, now: Now, document: &[u8]) -> Step {
        let reject = if error_message(document) == UNAUTHORIZED {
            Reject::Unauthorized(Unauthorized::ByFunction)
        } else {
            Reject::Authorizer(AuthorizerFault::Failed)
        };
        self.learn(shard, now, Some(200), Err(reject))
    }

    /// The function has not answered.
    pub(super) fn told_nothing(&mut self, shard: &mut Shard, now: Now, failure: InvokeFailure) -> Step {
        let fault = match failure {
            InvokeFailure::Throttled => AuthorizerFault::Throttled,
            InvokeFailure::Timeout => AuthorizerFault::Timeout,
        };
        self.learn_fault(shard, now, failure.status(), fault)
    }

    /// The head of the Lambda API's answer is there. What follows is needed whole.
    pub(super) fn told_head(&mut self, shard: &mut Shard, now: Now) -> Step {
        if self.response.framing() == BodyFraming::None {
            return self.told_by_api(shard, now, b"");
        }
        Step::ReadResponse { bytes_max: AUTHORIZER_RESULT_BYTES_MAX as u64, more: More::Fails }
    }

    /// The Lambda API has answered.
    pub(super) fn told_by_api(&mut self, shard: &mut Shard, now: Now, payload: &[u8]) -> Step {
        match self.invocation() {
            Invocation::Answered => self.told(shard, now, payload),
            Invocation::Failed => self.told_failure(shard, now, payload),
            Invocation::TooLarge | Invocation::Throttled | Invocation::Refused => {
                let status = self.response.status();
                self.learn_fault(shard, now, Some(status.into()), AuthorizerFault::Refused(status))
            }
        }
    }

    /// The Lambda API has not answered.
    pub(super) fn told_nothing_by_api(&mut self, shard: &mut Shard, now: Now, failure: CallFailure) -> Step {
        let fault = match failure {
            CallFailure::Timeout => AuthorizerFault::Timeout,
            CallFailure::TooLarge => AuthorizerFault::Malformed(Malformed::TooLarge),
            CallFailure::Unresolvable | CallFailure::Network => AuthorizerFault::Unreachable,
            CallFailure::Request(reject) => return self.learn(shard, now, None, Err(reject)),
        };
        self.learn_fault(shard, now, None, fault)
    }

    fn learn_fault(
        &mut self,
        shard: &mut Shard,
        now: Now,
        status: Option<i64>,
        fault: AuthorizerFault,
    ) -> Step {
        self.learn(shard, now, status, Err(Reject::Authorizer(fault)))
    }

    fn learn(
        &mut self,
        shard: &mut Shard,
        now: Now,
        status: Option<i64>,
        told: Result<Grant, Reject>,
    ) -> Step {
        let Authorizing::Asks(question) = std::mem::take(&mut self.authorizing) else {
            return self.refuse(shard, now, Reject::Misconfigured);
        };
        // Nothing may take what the Lambda API has answered for what a backend has.
        self.response.clear();
        let Question { routed, authorizer, flight, since } = question;
        let ttl_ms = self.plan().apis[routed.place.api].authorizers[authorizer.0 as usize].ttl_ms;
        let told = told.map(Rc::new);
        if let Ok(grant) = &told {
            shard.grants.keep(&self.identity, grant, ttl_ms, now);
        }
        if let Some(flight) = flight {
            shard.grants.land(&self.identity, flight);
        }
        let latency_ms = now.since_ms(since);
        self.outcome.note_authorizer(200, status, latency_ms);
        match told {
            Ok(grant) => {
                self.authorizing = Authorizing::Granted { grant, latency_ms };
                self.authorise(shard, now, routed)
            }
            Err(reject) => self.refuse(shard, now, reject),
        }
    }

    /// The ARN by which an authorizer names its function, while that is asked.
    pub(super) fn asked_arn<'p>(&self, plan: &'p Plan) -> Option<&'p str> {
        let Authorizing::Asks(question) = &self.authorizing else { return None };
        let (_, stage) = stage_of(plan, question.routed.place);
        stage.authorizers[question.authorizer.0 as usize].as_ref().map(|function| &*function.invoked_arn)
    }
}

impl Outcome {
    pub(super) fn note_authorizer(&mut self, status: u16, integration_status: Option<i64>, latency_ms: u64) {
        self.authorizer = Some(AuthorizerOutcome { status, integration_status, latency_ms });
    }
}
