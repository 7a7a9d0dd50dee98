//! The stage between validation and integration: whether the stage's cache has the answer, and what becomes of one that comes.
//!
//! The first miss of a key leads: it calls, and reads the whole answer before it answers, so that its client's pace and end
//! are nothing to the others. Who misses the same key meanwhile follows: waits for what comes of that call, no longer than
//! its own integration timeout.
//!
//! `ambiguous` says who goes by the cache, `invalidation` who may have an answer made anew, `giving` writes kept answers, `keeping` keeps those that come, and
//! `failing` gives old ones when there is no new one.

mod ambiguous;
mod failing;
mod giving;
mod invalidation;
mod keeping;

use super::authorizer::Authorizing;
use super::{Exchange, Routed, Step, Validated, integration_of, stage_of};
use crate::cache::{
    self, Caches, Caller, Demand, FillEnd, FillId, Key, Looked, MethodCache, StageCache, write_selected,
};
use crate::clock::Now;
use crate::integration::{Http, Integration};
use crate::limits::INTEGRATION_TIMEOUT_MS;
use crate::plan::Plan;
use crate::reject::Reject;
use crate::shard::Shard;

/// What a client is told that asked to have an answer replaced and may not. AWS leaves the text open.
const WARNING: &[u8] = b"Warning: 199 - \"The cache was not invalidated: not authorized\"\r\n";

/// What an exchange has to do with its stage's cache.
#[derive(Debug, Default)]
pub(super) struct Caching {
    role: Role,
    key: Key,
    /// What its request asks of the cache, once it has been looked into.
    demand: Option<Demand>,
    /// Whether the answer says that the cache was not invalidated.
    warns: bool,
    /// When it began to wait for another exchange's answer.
    since: Option<Now>,
}

#[derive(Debug, Default)]
enum Role {
    /// Nothing.
    #[default]
    Apart,
    /// What it is answered is kept.
    Leads(FillId),
    /// It waits for what another exchange is answered.
    Follows(FillId, Validated),
}

/// The cache of a routed request, if its method is cached.
fn cache_of(plan: &Plan, routed: Routed) -> Option<(&StageCache, &MethodCache)> {
    let cache = stage_of(plan, routed.place).1.cache.as_deref()?;
    Some((cache, cache.method(routed.route)?))
}

/// The backend that a routed request is for, if it is one.
fn backend_of(plan: &Plan, routed: Routed) -> Option<&Http> {
    match integration_of(plan, routed) {
        Integration::Http(http) => Some(http),
        Integration::Mock(_) | Integration::Lambda(_) | Integration::Misconfigured => None,
    }
}

impl Exchange {
    /// Answers from the cache, or goes on to the integration.
    pub(super) fn look_up(&mut self, shard: &mut Shard, now: Now, validated: Validated) -> Step {
        let plan = self.plan();
        let routed = validated.routed;
        let Some((_, method)) = cache_of(&plan, routed).filter(|_| !self.is_ambiguous(routed)) else {
            return self.integrate(shard, now, validated);
        };
        let demand = match self.demand(shard, &plan, routed, method) {
            Ok(demand) => demand,
            Err(denial) => return self.refuse(shard, now, Reject::Denied(denial)),
        };
        let mut key = std::mem::take(&mut self.caching.key);
        let caller = Caller {
            principal: self.principal.map(|id| plan.principals.principal(id).arn.text()),
            api_key: self.caller.map(|caller| plan.usage_plans.key_name(caller.key)),
            certificate: self.arrival.tls.as_ref().and_then(|tls| tls.certificate()).map(|shown| &*shown.pem),
            grant: match &self.authorizing {
                Authorizing::Granted { grant, .. } => Some(grant),
                _ => None,
            },
            claims: match &self.authorizing {
                Authorizing::Claimed(claims) => Some(claims),
                _ => None,
            },
        };
        let form = self.answer_form();
        cache::write_key(routed.method, method, form, &self.values(&plan, ""), caller, &mut key.bytes);
        key.end(if method.extras.heeds_origin() { self.path_hash() } else { 0 });
        (self.caching.key, self.caching.demand) = (key, Some(demand));
        self.look_for(shard, now, validated, demand)
    }

    fn look_for(&mut self, shard: &mut Shard, now: Now, validated: Validated, demand: Demand) -> Step {
        let (plan, routed) = (self.plan(), validated.routed);
        let Some((cache, method)) = cache_of(&plan, routed) else {
            return self.integrate(shard, now, validated);
        };
        let mut key = std::mem::take(&mut self.caching.key);
        let values = self.values(&plan, "");
        let http = backend_of(&plan, routed);
        let select = |name: &[u8], out: &mut Vec<u8>| write_selected(name, http, &values, out);
        let select: Option<cache::Select<'_>> = method.extras.vary.then_some(&select);
        let place = (cache.id, routed.route);
        let looked = shard.caches.look_up(place, &mut key, select, &demand, now.monotonic_ns);
        self.caching.key = key;
        match looked {
            Looked::Answer(stored) => self.answer_stored(shard, now, &stored),
            Looked::Fills(fill) => {
                self.caching.role = Role::Leads(fill);
                self.integrate(shard, now, validated)
            }
            Looked::Apart => self.integrate(shard, now, validated),
            Looked::Absent => self.refuse(shard, now, Reject::NotCached),
            Looked::Waits(fill) => {
                let waited_ms = now.since_ms(*self.caching.since.get_or_insert(now));
                let timeout_ms = timeout_ms(integration_of(&plan, routed));
                self.caching.role = Role::Follows(fill, validated);
                Step::AwaitFill { fill, timeout_ms: u64::from(timeout_ms).saturating_sub(waited_ms) }
            }
        }
    }

    /// Another exchange's call, which this one has waited for, has ended.
    pub(super) fn follow(&mut self, shard: &mut Shard, now: Now) -> Step {
        let Role::Follows(fill, validated) = std::mem::take(&mut self.caching.role) else {
            return self.refuse(shard, now, Reject::Misconfigured);
        };
        match shard.caches.leave(fill) {
            Some(FillEnd::Answer(stored)) => self.answer_stored(shard, now, &stored),
            Some(FillEnd::Failed(reject)) => self.refuse(shard, now, reject),
            Some(FillEnd::Released) | None => {
                let demand = self.caching.demand.unwrap_or_default();
                self.look_for(shard, now, validated, demand)
            }
        }
    }

    /// The other exchange's call takes longer than this one's may.
    pub(super) fn stop_following(&mut self, shard: &mut Shard, now: Now) -> Step {
        self.leave_cache(&mut shard.caches);
        self.refuse(shard, now, Reject::IntegrationTimeout)
    }

    /// Nobody is left to answer to, or nothing is left to do: others wait for this exchange no more.
    pub fn leave_cache(&mut self, caches: &mut Caches) {
        match std::mem::take(&mut self.caching.role) {
            Role::Apart => {}
            Role::Leads(fill) => caches.end(fill, FillEnd::Released),
            Role::Follows(fill, _) => drop(caches.leave(fill)),
        }
    }

    pub(super) fn begin_caching(&mut self) {
        debug_assert!(matches!(self.caching.role, Role::Apart), "the exchange before has left the cache");
        (self.caching.warns, self.caching.since, self.content) = (false, None, None);
        self.caching.demand = None;
    }

    /// Has a look at each step before it is taken: keeps the answer of one who leads, and does not let the integration
    /// take longer because another one was waited for.
    pub(super) fn settle_cache(&mut self, shard: &mut Shard, now: Now, step: &mut Step) {
        if let Some(since) = self.caching.since {
            let left =
                |timeout_ms: u32| u64::from(timeout_ms).saturating_sub(now.since_ms(since)).max(1) as u32;
            match step {
                Step::Call(call) => call.timeout_ms = left(call.timeout_ms),
                Step::Invoke(invoke) => invoke.timeout_ms = left(invoke.timeout_ms),
                _ => {}
            }
        }
        if !matches!(step, Step::Answer(_)) {
            return;
        }
        if let Some(stale) = self.stale_answer(shard, now) {
            *step = stale;
        }
        if let (Role::Leads(fill), Step::Answer(answer)) = (&self.caching.role, &*step) {
            let fill = *fill;
            self.caching.role = Role::Apart;
            self.end_fill(shard, now, fill, answer);
        }
        self.note_change(shard);
        if self.caching.warns
            && let Some(end) = memchr::memmem::find(&self.out, b"\r\n\r\n")
        {
            self.out.splice(end + 2..end + 2, WARNING.iter().copied());
        }
    }
}

/// How long an integration may take.
fn timeout_ms(integration: &Integration) -> u32 {
    match integration {
        Integration::Http(http) => http.timeout_ms,
        Integration::Lambda(lambda) => lambda.timeout_ms,
        Integration::Mock(_) | Integration::Misconfigured => INTEGRATION_TIMEOUT_MS,
    }
}
