//! All caches of one shard.

use ahash::RandomState;

use super::division::{Standing, part, scale};
use super::fills::{FillEnd, FillId, Fills};
use super::settings::CacheId;
use super::slice::{Counters, Found, Slice};
use super::stored::{Draft, Stored};
use crate::limits::CACHE_PASS_MS;
use crate::plan::Plan;
use crate::route::RouteId;

/// What there is for a request.
#[derive(Debug)]
pub enum Looked {
    /// An answer.
    Answer(Stored),
    /// Nothing, and it is on its way: the request waits.
    Waits(FillId),
    /// Nothing: the request fills.
    Fills(FillId),
    /// Nothing, and what comes is not kept.
    Apart,
}

/// What a shard says of one of its slices.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose it is.
    pub cache: CacheId,
    /// How it stands.
    pub standing: Standing,
    /// What was counted, by the methods' numbers.
    pub counters: Vec<Counters>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Caches {
    /// Few, so they are looked through.
    slices: Vec<(CacheId, Slice)>,
    /// Bytes that each takes on all shards together.
    totals: Vec<u64>,
    fills: Fills,
    hasher: RandomState,
}

impl Caches {
    /// Takes over the caches of a plan, on one of so many shards. A cache that was there stays as it is, within its new
    /// size.
    pub fn install(&mut self, plan: &Plan, shards: usize) {
        let mut before: Vec<_> = self.slices.drain(..).zip(self.totals.drain(..)).collect();
        let stages = plan.apis.iter().flat_map(|api| &api.stages);
        for cache in stages.filter_map(|stage| stage.cache.as_deref()) {
            let known = before.iter().position(|((id, _), _)| *id == cache.id);
            let slice = match known.map(|at| before.swap_remove(at)) {
                Some(((_, mut slice), total)) => {
                    slice.set_bytes_max(scale(slice.bytes_max(), total, cache.bytes));
                    slice
                }
                None => Slice::new(part(cache.bytes, shards), cache.methods.len()),
            };
            self.slices.push((cache.id, slice));
            self.totals.push(cache.bytes);
        }
        before.iter().for_each(|((id, _), _)| self.fills.forget(*id));
    }

    /// A slice may take so many bytes from now on. An order for another total is one from before a reload.
    pub fn obey(&mut self, cache: CacheId, total: u64, bytes_max: u64) {
        if let Some(at) = self.slices.iter().position(|(id, _)| *id == cache)
            && self.totals[at] == total
        {
            self.slices[at].1.set_bytes_max(bytes_max);
        }
    }

    /// How it stands with each slice.
    pub fn report(&mut self) -> Vec<Report> {
        let report = |((cache, slice), total): (&mut (CacheId, Slice), &u64)| {
            // What is being sent may have kept it from giving up what it was told to.
            slice.set_bytes_max(slice.bytes_max());
            let (bytes_max, bytes, missed) = (slice.bytes_max(), slice.bytes(), slice.take_missed());
            let standing = Standing { total: *total, bytes_max, bytes, missed };
            Report { cache: *cache, standing, counters: slice.counters().to_vec() }
        };
        self.slices.iter_mut().zip(&self.totals).map(report).collect()
    }

    /// Looks for the answer to a request. With `fresh`, only one that is asked for now will do.
    pub fn look_up(
        &mut self,
        cache: CacheId,
        route: RouteId,
        key: &[u8],
        fresh: bool,
        now_ns: u64,
    ) -> Looked {
        let hash = self.hasher.hash_one(key);
        let Some((_, slice)) = self.slices.iter_mut().find(|(id, _)| *id == cache) else {
            return Looked::Apart;
        };
        if fresh {
            slice.count_miss(route.0);
            return self.fill(cache, hash, key);
        }
        match slice.find(hash, key, now_ns) {
            Some(Found::Answer(stored)) => return Looked::Answer(stored),
            Some(Found::Pass) => {
                slice.count_miss(route.0);
                return Looked::Apart;
            }
            None => slice.count_miss(route.0),
        }
        match self.fills.join(cache, hash, key) {
            Some(fill) => Looked::Waits(fill),
            None if self.fills.is_running(cache, hash) => Looked::Apart,
            None => self.fill(cache, hash, key),
        }
    }

    fn fill(&mut self, cache: CacheId, hash: u64, key: &[u8]) -> Looked {
        let epoch = self.slice(cache).map_or(0, |slice| slice.epoch());
        self.fills.begin(cache, hash, key, epoch).map_or(Looked::Apart, Looked::Fills)
    }

    /// Ends a fill with an answer, which is kept unless it is out of date already.
    pub fn store(
        &mut self,
        (cache, ttl_ms): (CacheId, u64),
        fill: FillId,
        route: RouteId,
        key: &[u8],
        draft: &Draft<'_>,
        now_ns: u64,
    ) -> Stored {
        let hash = self.hasher.hash_one(key);
        let epoch = self.fills.newest(fill);
        let slice = self.slice(cache).filter(|slice| Some(slice.epoch()) == epoch);
        let expires_ns = now_ns + ttl_ms * 1_000_000;
        let stored = slice.and_then(|slice| slice.insert((hash, key), draft, route.0, (now_ns, expires_ns)));
        let stored = stored.unwrap_or_else(|| draft.store(key, now_ns));
        self.fills.end(fill, FillEnd::Answer(stored.clone()));
        stored
    }

    /// Ends a fill whose answer cannot be kept, and lets nobody wait for such answers for a while.
    pub fn pass(&mut self, cache: CacheId, fill: FillId, route: RouteId, key: &[u8], now_ns: u64) {
        let hash = self.hasher.hash_one(key);
        let epoch = self.fills.newest(fill);
        if let Some(slice) = self.slice(cache).filter(|slice| Some(slice.epoch()) == epoch) {
            let expires_ns = now_ns + CACHE_PASS_MS * 1_000_000;
            slice.insert((hash, key), &Draft::default(), route.0, (now_ns, expires_ns));
        }
        self.fills.end(fill, FillEnd::Released);
    }

    /// Ends a fill that has no answer.
    pub fn end(&mut self, fill: FillId, end: FillEnd) {
        self.fills.end(fill, end);
    }

    /// What came of a fill that a request has waited for.
    pub fn leave(&mut self, fill: FillId) -> Option<FillEnd> {
        self.fills.leave(fill)
    }

    /// Fills that have ended and that somebody waits for.
    pub fn ended(&mut self) -> &mut Vec<FillId> {
        self.fills.ended()
    }

    /// Forgets all answers of a stage. What was asked for before is kept no more.
    pub fn flush(&mut self, cache: CacheId) {
        if let Some(slice) = self.slice(cache) {
            slice.clear();
        }
        self.fills.forget(cache);
    }

    /// A stage's slice.
    pub fn slice(&mut self, cache: CacheId) -> Option<&mut Slice> {
        self.slices.iter_mut().find(|(id, _)| *id == cache).map(|(_, slice)| slice)
    }

    /// Fills that somebody works at or waits for.
    pub fn fills(&self) -> &Fills {
        &self.fills
    }
}
