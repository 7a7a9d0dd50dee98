//! Answers that are too old, for when the integration fails (RFC 5861 section 4); and answers that a change puts out.

use super::super::{Exchange, Step};
use super::{Role, cache_of};
use crate::cache::FillEnd;
use crate::clock::Now;
use crate::limits::CACHE_STALE_PAUSE_MS;
use crate::method::Method;
use crate::reject::Reject;
use crate::shard::Shard;
use crate::values::decoded;

impl Exchange {
    /// What is kept instead of a failure. Nobody asks again for a moment, so that not every request waits for the failure.
    pub(super) fn stale_answer(&mut self, shard: &mut Shard, now: Now) -> Option<Step> {
        let demand = self.caching.demand.filter(|demand| !demand.is_strict())?;
        let plan = self.plan();
        let (cache, method) = cache_of(&plan, self.routed?)?;
        if method.extras.stale_ms == 0 || !self.has_failed() {
            return None;
        }
        let stored = shard.caches.find_stale(
            cache.id,
            &self.caching.key,
            CACHE_STALE_PAUSE_MS,
            demand.stale_if_error_ms.unwrap_or(u64::MAX),
            now.monotonic_ns,
        )?;
        (self.outcome.error, self.refused) = (None, None);
        if let Role::Leads(fill) = std::mem::take(&mut self.caching.role) {
            shard.caches.end(fill, FillEnd::Released);
        }
        Some(self.answer_stored(shard, now, &stored))
    }

    /// RFC 5861 section 4: 500, 502, 503 and 504, and whatever would be one of them.
    pub(super) fn has_failed(&self) -> bool {
        match self.refused {
            Some(reject) => is_outage(reject),
            None if self.called.is_some() => {
                is_error(i64::from(self.outcome.status))
                    || self.outcome.integration_status.is_some_and(is_error)
            }
            None => false,
        }
    }

    /// RFC 9111 section 4.4: an unsafe method that has succeeded puts out the answers of its path.
    pub(super) fn note_change(&mut self, shard: &mut Shard) {
        let Some(routed) = self.routed.filter(|_| self.called.is_some() && self.outcome.error.is_none())
        else {
            return;
        };
        let is_safe = matches!(routed.method, Method::Get | Method::Head | Method::Options);
        if is_safe || !matches!(self.outcome.status, 200..=399) {
            return;
        }
        let plan = self.plan();
        for cache in super::stage_of(&plan, routed.place).1.changed.iter().flatten() {
            shard.caches.change(*cache, self.path_hash());
        }
    }

    /// The same on all shards. However it is written, it is the same path.
    pub(super) fn path_hash(&self) -> u32 {
        let prefix_bytes = self.place.map_or(0, |place| place.prefix_bytes);
        let path: Vec<u8> = decoded(&self.request.path()[prefix_bytes..]).collect();
        ahash::RandomState::with_seeds(29, 31, 37, 41).hash_one(&*path) as u32 | 1
    }
}

fn is_error(status: i64) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

fn is_outage(reject: Reject) -> bool {
    matches!(
        reject,
        Reject::UnresolvableHost
            | Reject::NetworkError
            | Reject::IntegrationTimeout
            | Reject::InvocationRefused
            | Reject::NoCredentials
            | Reject::FunctionError
            | Reject::FunctionThrottled
            | Reject::MalformedResult
    )
}
