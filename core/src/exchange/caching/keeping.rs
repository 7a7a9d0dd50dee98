//! Keeps answers that come, as far as they may be kept.

use super::super::{Answer, Exchange, More, Routed, Step};
use super::{Role, backend_of, cache_of};
use crate::cache::{
    Asked, Callers, Draft, FillEnd, FillId, Key, MethodCache, Select, Term, Words, term, write_selected,
};
use crate::clock::Now;
use crate::http1::{BodyFraming, KnownField, Version, encode};
use crate::integration::{Http, HttpKind};
use crate::limits::CACHE_ENTRY_BYTES_MAX;
use crate::mapping::Source;
use crate::plan::Plan;
use crate::reject::Reject;
use crate::shard::Shard;

impl Exchange {
    /// Keeps the answer if it may be kept.
    pub(super) fn end_fill(&mut self, shard: &mut Shard, now: Now, fill: FillId, answer: &Answer) {
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
        if !is_for_others(self.outcome.status) {
            // The next one may well ask for the whole.
            return shard.caches.end(fill, FillEnd::Released);
        }
        let mut key = std::mem::take(&mut self.caching.key);
        let (place, now_ns) = ((cache.id, routed.route), now.monotonic_ns);
        match self.entry(&plan, (routed, method), &key, now, answer) {
            Some((draft, term, names)) => {
                let (http, values) = (backend_of(&plan, routed), self.values(&plan, ""));
                let select = |name: &[u8], out: &mut Vec<u8>| write_selected(name, http, &values, out);
                let vary = method.extras.vary.then_some((&*names, &select as Select<'_>));
                shard.caches.store(place, fill, &mut key, vary, (&draft, term), now_ns);
            }
            None => shard.caches.pass(place, fill, &key, now_ns),
        }
        self.caching.key = key;
    }

    /// The answer as it is to be kept: for how long, and apart by which fields.
    fn entry(
        &self,
        plan: &Plan,
        (routed, method): (Routed, &MethodCache),
        key: &Key,
        now: Now,
        answer: &Answer,
    ) -> Option<(Draft<'_>, Term, Vec<Vec<u8>>)> {
        if answer.download != BodyFraming::None || answer.inline_bytes > CACHE_ENTRY_BYTES_MAX {
            return None;
        }
        let http = backend_of(plan, routed);
        let is_proxy = http.is_some_and(|http| matches!(http.kind, HttpKind::Proxy));
        let draft = Draft::read(&self.out, self.outcome.status, self.called.is_some() && !is_proxy)?;
        if method.callers == Callers::Apart && draft.sets_cookie() {
            return None;
        }
        let words = if http.is_some() { Words::Head(&self.response) } else { Words::Answer(draft) };
        let asked = Asked {
            at: self.called.unwrap_or(now),
            is_authorized: self.request.first(KnownField::Authorization).is_some(),
            path: key.path(),
        };
        let term = term(method, self.outcome.status, words, asked, now)?;
        let names = if method.extras.vary { self.vary_names(http, words)? } else { Vec::new() };
        Some((draft, term, names))
    }

    /// The fields that an answer names in `Vary`, in small letters; `None`: nobody can tell by what answers differ.
    fn vary_names(&self, http: Option<&Http>, words: Words<'_>) -> Option<Vec<Vec<u8>>> {
        let values = words.values(b"vary");
        let members = values.iter().flat_map(|value| value.split(|&byte| byte == b','));
        let names = members.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
        names.map(|name| self.can_select(name, http).then(|| name.to_ascii_lowercase())).collect()
    }

    /// Whether the value of a field is known before the integration is called. `*` is no field.
    fn can_select(&self, name: &[u8], http: Option<&Http>) -> bool {
        let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
        let is_own = matches!(
            KnownField::of(name),
            KnownField::XForwardedFor
                | KnownField::XForwardedPort
                | KnownField::XForwardedProto
                | KnownField::XAmznTraceId
        );
        let reads_body = |http: &Http| {
            http.headers.iter().any(|mapped| is(&mapped.name) && matches!(mapped.source, Source::Body(_)))
        };
        let is_overridden = self.overrides.request("header").any(|(overridden, _)| is(overridden));
        name != b"*" && !is_own && !is_overridden && !http.is_some_and(reads_body)
    }

    /// One who leads reads the backend's content whole, unless it is too large to be kept; a log has a look at it, too.
    pub(in crate::exchange) fn read_entry(&mut self, shard: &mut Shard, now: Now) -> Option<Step> {
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
                    more: More::Follows,
                })
            }
        }
    }

    /// The content is too large to be kept: what has been read of it goes out, and the rest behind it.
    pub(in crate::exchange) fn respond_begun(&mut self, shard: &mut Shard, now: Now, begun: &[u8]) -> Step {
        self.pass_by(shard, now);
        let mut step = self.answer_response(shard, now, None);
        if let Step::Answer(answer) = &mut step {
            match answer.download {
                // In HTTP/2 frames tell.
                BodyFraming::Chunked if self.request.version() != Version::Http2 => {
                    encode::chunk_head(begun.len(), &mut self.out);
                    self.out.extend_from_slice(begun);
                    self.out.extend_from_slice(encode::CHUNK_END);
                }
                BodyFraming::Chunked | BodyFraming::UntilClose | BodyFraming::Length(_) => {
                    self.out.extend_from_slice(begun);
                }
                BodyFraming::None => return step,
            }
            answer.inline_bytes = begun.len() as u64;
        }
        step
    }

    /// Leads no more: the answer is not to be kept.
    fn pass_by(&mut self, shard: &mut Shard, now: Now) {
        let Role::Leads(fill) = std::mem::take(&mut self.caching.role) else { return };
        let plan = self.plan();
        match self.routed.and_then(|routed| Some((routed, cache_of(&plan, routed)?))) {
            // What is kept is given instead.
            Some((_, (_, method))) if method.extras.stale_ms > 0 && self.has_failed() => {
                shard.caches.end(fill, FillEnd::Released);
            }
            Some((routed, (cache, _))) => {
                shard.caches.pass((cache.id, routed.route), fill, &self.caching.key, now.monotonic_ns);
            }
            None => shard.caches.end(fill, FillEnd::Released),
        }
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
