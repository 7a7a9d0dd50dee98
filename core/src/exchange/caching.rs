//! The stage between validation and integration: whether the stage's cache has the answer, and what becomes of one that comes.
//!
//! The first miss of a key leads: it calls, and reads the whole answer before it answers, so that its client's pace and end
//! are nothing to the others. Who misses the same key meanwhile follows: waits for what comes of that call, no longer than
//! its own integration timeout.

use super::authorizer::Authorizing;
use super::{Answer, Exchange, Routed, Step, Validated, integration_of, stage_of};
use crate::auth::authorise::{Denial, Spelling, Who, authorise};
use crate::auth::policy::Action;
use crate::auth::policy::combine::By;
use crate::cache::{
    self, Caches, Caller, Callers, Draft, Extras, FillEnd, FillId, Invalidation, Looked, MethodCache,
    StageCache, Stored, Unauthorised,
};
use crate::clock::Now;
use crate::http1::BodyFraming;
use crate::integration::{Http, HttpKind, Integration};
use crate::limits::{CACHE_ENTRY_BYTES_MAX, INTEGRATION_TIMEOUT_MS};
use crate::plan::Plan;
use crate::reject::Reject;
use crate::shard::Shard;

/// Content up to this size is copied behind its head. That costs less than to have the kernel collect two pieces.
const COPIED_BYTES_MAX: usize = 4_096;

/// What a client is told that asked to have an answer replaced and may not. AWS leaves the text open.
const WARNING: &[u8] = b"Warning: 199 - \"The cache was not invalidated: not authorized\"\r\n";

/// What an exchange has to do with its stage's cache.
#[derive(Debug, Default)]
pub(super) struct Caching {
    role: Role,
    key: Vec<u8>,
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

impl Exchange {
    /// Answers from the cache, or goes on to the integration.
    pub(super) fn look_up(&mut self, shard: &mut Shard, now: Now, validated: Validated) -> Step {
        let plan = self.plan();
        let routed = validated.routed;
        let Some((cache, method)) = cache_of(&plan, routed) else {
            return self.integrate(shard, now, validated);
        };
        let fresh = match self.asks_for_fresh(shard, &plan, routed, method.invalidation) {
            Ok(fresh) => fresh,
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
        cache::write_key(routed.method, method, form, &self.values(&plan, ""), caller, &mut key);
        self.caching.key = key;
        self.look_for(shard, now, validated, cache, fresh)
    }

    fn look_for(
        &mut self,
        shard: &mut Shard,
        now: Now,
        validated: Validated,
        cache: &StageCache,
        fresh: bool,
    ) -> Step {
        let key = &self.caching.key;
        match shard.caches.look_up(cache.id, validated.routed.route, key, fresh, now.monotonic_ns) {
            Looked::Answer(stored) => self.answer_stored(shard, now, &stored),
            Looked::Fills(fill) => {
                self.caching.role = Role::Leads(fill);
                self.integrate(shard, now, validated)
            }
            Looked::Apart => self.integrate(shard, now, validated),
            Looked::Waits(fill) => {
                let plan = self.plan();
                let waited_ms = now.since_ms(*self.caching.since.get_or_insert(now));
                let timeout_ms = timeout_ms(integration_of(&plan, validated.routed));
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
        let plan = self.plan();
        match (shard.caches.leave(fill), cache_of(&plan, validated.routed)) {
            (Some(FillEnd::Answer(stored)), _) => self.answer_stored(shard, now, &stored),
            (Some(FillEnd::Failed(reject)), _) => self.refuse(shard, now, reject),
            (Some(FillEnd::Released) | None, Some((cache, _))) => {
                self.look_for(shard, now, validated, cache, false)
            }
            (Some(FillEnd::Released) | None, None) => self.integrate(shard, now, validated),
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
        let Step::Answer(answer) = step else { return };
        if let Role::Leads(fill) = self.caching.role {
            self.caching.role = Role::Apart;
            self.end_fill(shard, now, fill, answer);
        }
        if self.caching.warns
            && let Some(end) = memchr::memmem::find(&self.out, b"\r\n\r\n")
        {
            self.out.splice(end + 2..end + 2, WARNING.iter().copied());
        }
    }

    /// Keeps the answer if it may be kept.
    fn end_fill(&mut self, shard: &mut Shard, now: Now, fill: FillId, answer: &Answer) {
        let plan = self.plan();
        let Some((routed, (cache, method))) =
            self.routed.and_then(|routed| Some((routed, cache_of(&plan, routed)?)))
        else {
            return shard.caches.end(fill, FillEnd::Released);
        };
        if self.outcome.error.is_some() {
            let end =
                self.refused.filter(|reject| is_shared(*reject)).map_or(FillEnd::Released, FillEnd::Failed);
            return shard.caches.end(fill, end);
        }
        let is_proxy =
            matches!(integration_of(&plan, routed), Integration::Http(Http { kind: HttpKind::Proxy, .. }));
        let (key, now_ns) = (&self.caching.key, now.monotonic_ns);
        let draft = Draft::read(&self.out, self.outcome.status, self.called.is_some() && !is_proxy);
        if !is_for_others(self.outcome.status) {
            // The next one may well ask for the whole.
            return shard.caches.end(fill, FillEnd::Released);
        }
        let draft = draft.filter(|draft| {
            answer.download == BodyFraming::None
                && answer.inline_bytes <= CACHE_ENTRY_BYTES_MAX
                && (method.callers == Callers::Together || !draft.sets_cookie())
        });
        match draft {
            Some(draft) => {
                let cache = (cache.id, method.ttl_ms);
                shard.caches.store(cache, fill, routed.route, key, &draft, now_ns);
            }
            None => shard.caches.pass(cache.id, fill, routed.route, key, now_ns),
        }
    }

    /// One who leads reads the backend's content whole, unless it is too large to be kept; a log has a look at it, too.
    pub(super) fn read_entry(&mut self, shard: &mut Shard, now: Now) -> Option<Step> {
        let Role::Leads(_) = self.caching.role else { return self.read_content_for_log() };
        match self.response.framing() {
            BodyFraming::None => None,
            BodyFraming::Length(bytes) if bytes > CACHE_ENTRY_BYTES_MAX => {
                self.pass_by(shard, now);
                self.read_content_for_log()
            }
            BodyFraming::Length(_) | BodyFraming::Chunked | BodyFraming::UntilClose => {
                Some(Step::ReadResponse {
                    bytes_max: CACHE_ENTRY_BYTES_MAX.min(self.payload_bytes_max()),
                    more: super::More::Follows,
                })
            }
        }
    }

    /// The content is too large to be kept: what has been read of it goes out, and the rest behind it.
    pub(super) fn respond_begun(&mut self, shard: &mut Shard, now: Now, begun: &[u8]) -> Step {
        self.pass_by(shard, now);
        let mut step = self.answer_response(shard, now, None);
        if let Step::Answer(answer) = &mut step {
            self.append_begun(answer, begun);
        }
        step
    }

    /// Leads no more: the answer is not to be kept.
    fn pass_by(&mut self, shard: &mut Shard, now: Now) {
        let Role::Leads(fill) = std::mem::take(&mut self.caching.role) else { return };
        let plan = self.plan();
        match self.routed.and_then(|routed| Some((routed, cache_of(&plan, routed)?))) {
            Some((routed, (cache, _))) => {
                shard.caches.pass(cache.id, fill, routed.route, &self.caching.key, now.monotonic_ns);
            }
            None => shard.caches.end(fill, FillEnd::Released),
        }
    }

    fn answer_stored(&mut self, shard: &mut Shard, now: Now, stored: &Stored) -> Step {
        self.outcome.status = stored.status();
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let plan = self.plan();
        let extras = self.routed.and_then(|routed| cache_of(&plan, routed)).map(|(_, method)| method.extras);
        let Extras { conditional, age } = extras.unwrap_or_default();
        let age_at_ns = age.then_some(now.monotonic_ns);
        let mut out = std::mem::take(&mut self.out);
        if conditional && stored.is_unchanged(&self.request) {
            self.outcome.status = 304;
            stored.write_unchanged(&self.view(&plan), frame, age_at_ns, &mut out);
            self.out = out;
            return Step::Answer(Answer { download: BodyFraming::None, inline_bytes: 0, keep_alive });
        }
        stored.write_head(&self.view(&plan), frame, age_at_ns, &mut out);
        let content = stored.content();
        let inline_bytes = content.len() as u64;
        if content.len() <= COPIED_BYTES_MAX {
            out.extend_from_slice(&content);
        } else {
            self.content = Some(content);
        }
        self.out = out;
        Step::Answer(Answer { download: BodyFraming::None, inline_bytes, keep_alive })
    }

    /// Whether the request is to be answered afresh: it asks for that, and may.
    fn asks_for_fresh(
        &mut self,
        shard: &mut Shard,
        plan: &Plan,
        routed: Routed,
        invalidation: Invalidation,
    ) -> Result<bool, Denial> {
        if !cache::asks_for_fresh(&self.request) {
            return Ok(false);
        }
        let Invalidation::Authorised(otherwise) = invalidation else { return Ok(true) };
        match (self.may_invalidate(shard, plan, routed), otherwise) {
            (Ok(()), _) => Ok(true),
            (Err(denial), Unauthorised::FailWith403) => Err(denial),
            (Err(_), Unauthorised::SucceedWithResponseHeader) => {
                self.caching.warns = true;
                Ok(false)
            }
            (Err(_), Unauthorised::SucceedWithoutResponseHeader) => Ok(false),
        }
    }

    /// AWS: the caller needs `execute-api:InvalidateCache` for the method, and cannot be of another account.
    fn may_invalidate(&self, shard: &mut Shard, plan: &Plan, routed: Routed) -> Result<(), Denial> {
        let (api, stage) = stage_of(plan, routed.place);
        let (action, account) = (Action::InvalidateCache, &plan.node.account);
        let path = &self.request.path()[routed.place.prefix_bytes..];
        shard.method_names.name(&api.id, &stage.name, routed.method, path);
        let principal = self.principal.map(|id| plan.principals.principal(id));
        if principal.is_none_or(|principal| principal.arn.account() != account) {
            return Err(Denial { action, by: By::Identity, statement: None, spelling: Spelling::Sent });
        }
        authorise(action, api, Who::Signer, account, &shard.method_names, &self.facts(plan))
    }
}

/// Whether a status is an answer to other requests as well, and not to what this one asked about an answer that its client
/// has already: a part of it, or whether it has changed.
fn is_for_others(status: u16) -> bool {
    !matches!(status, 206 | 304 | 412 | 416)
}

/// Whether the integration failed as it would for anybody. A timeout is the leader's own: others have more time.
fn is_shared(reject: Reject) -> bool {
    matches!(
        reject,
        Reject::UnresolvableHost
            | Reject::NetworkError
            | Reject::IntegrationPayloadTooLarge
            | Reject::FunctionError
            | Reject::FunctionThrottled
            | Reject::MalformedResult
    )
}

/// How long an integration may take.
fn timeout_ms(integration: &Integration) -> u32 {
    match integration {
        Integration::Http(http) => http.timeout_ms,
        Integration::Lambda(lambda) => lambda.timeout_ms,
        Integration::Mock(_) | Integration::Misconfigured => INTEGRATION_TIMEOUT_MS,
    }
}
