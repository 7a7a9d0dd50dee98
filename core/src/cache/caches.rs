//! All caches of one shard.

use ahash::RandomState;

use super::demand::Demand;
use super::division::{Standing, part, scale};
use super::fills::{FillEnd, FillId, Fills};
use super::memory::MakePages;
use super::settings::CacheId;
use super::slice::{Counters, Found, Slice};
use super::stored::{Draft, Stored, Term};
use super::variants::{self, Key, Select};
use crate::limits::{CACHE_CHANGES_MAX, CACHE_PASS_MS};
use crate::plan::Plan;
use crate::route::RouteId;

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum Looked {
    /// An answer.
    Answer(Stored),
    /// Nothing, and it is on its way: the request waits.
    Waits(FillId),
    /// Nothing: the request fills.
    Fills(FillId),
    /// Nothing, and what comes is not kept.
    Apart,
    /// Nothing, and the client wants nothing else.
    Absent,
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
    /// What has changed, for the other shards.
    pub changes: Vec<Change>,
}

/// What has changed through one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something under a path with this hash.
    Path(u32),
    /// So much that it is not told.
    All,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Caches {
    /// Few, so they are looked through.
    slices: Vec<(CacheId, Slice)>,
    /// Bytes that each takes on all shards together.
    totals: Vec<u64>,
    pages: Option<MakePages>,
    fills: Fills,
    hasher: RandomState,
    /// What the other shards have not been told.
    changes: Vec<(CacheId, Change)>,
}

impl Caches {
    /// Keeps large answers in pages of their own from now on, if there are any.
    pub fn keep_large_in(&mut self, pages: Option<MakePages>) {
        self.pages = pages;
        self.slices.iter_mut().for_each(|(_, slice)| slice.keep_large_in(pages));
    }

    /// Takes over the caches of a plan, on one of so many shards. A cache that was there stays as it is, within its new
    /// size.
    pub fn install(&mut self, plan: &Plan, shards: usize) {
        let mut before: Vec<_> = self.slices.drain(..).zip(self.totals.drain(..)).collect();
        let stages = plan.apis.iter().flat_map(|api| &api.stages);
        for cache in stages.filter_map(|stage| stage.cache.as_deref()) {
            if self.slices.iter().any(|(id, _)| *id == cache.id) {
                // A canary of the same deployment: the two share answers (AWS).
                continue;
            }
            let known = before.iter().position(|((id, _), _)| *id == cache.id);
            let slice = match known.map(|at| before.swap_remove(at)) {
                Some(((_, mut slice), total)) => {
                    slice.set_bytes_max(scale(slice.bytes_max(), total, cache.bytes));
                    slice
                }
                None => {
                    let mut slice = Slice::new(part(cache.bytes, shards), cache.methods.len());
                    slice.keep_large_in(self.pages);
                    slice
                }
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
        let told = std::mem::take(&mut self.changes);
        let report = |((cache, slice), total): (&mut (CacheId, Slice), &u64)| {
            // What is being sent may have kept it from giving up what it was told to.
            slice.set_bytes_max(slice.bytes_max());
            let (bytes_max, bytes, missed) = (slice.bytes_max(), slice.bytes(), slice.take_missed());
            let standing = Standing { total: *total, bytes_max, bytes, missed };
            let changes = told.iter().filter(|(id, _)| id == cache).map(|(_, change)| *change).collect();
            Report { cache: *cache, standing, counters: slice.counters().to_vec(), changes }
        };
        self.slices.iter_mut().zip(&self.totals).map(report).collect()
    }

    /// Looks for the answer to a request. `key` is then what it is found by: if answers differ by fields, with the values
    /// that `select` writes.
    pub(crate) fn look_up(
        &mut self,
        (cache, route): (CacheId, RouteId),
        key: &mut Key,
        select: Option<Select<'_>>,
        demand: &Demand,
        now_ns: u64,
    ) -> Looked {
        let Some((_, slice)) = self.slices.iter_mut().find(|(id, _)| *id == cache) else {
            return Looked::Apart;
        };
        key.select_nothing();
        if let Some(select) = select
            && let Some(known) = slice.variants(self.hasher.hash_one(key.base()), key.base(), now_ns)
        {
            key.select(variants::names(&known.content()), select);
        }
        let hash = self.hasher.hash_one(&*key.bytes);
        let found = if demand.fresh { None } else { slice.find(hash, &key.bytes, now_ns) };
        let is_forced = match found {
            Some(Found::Answer(stored)) if demand.is_met_by(&stored, now_ns) => {
                return Looked::Answer(stored);
            }
            Some(Found::Stale(stored)) if demand.is_met_by(&stored, now_ns) => {
                slice.count_hit(route.0);
                return Looked::Answer(stored);
            }
            Some(Found::Pass) => {
                slice.count_miss(route.0);
                return if demand.only_if_cached { Looked::Absent } else { Looked::Apart };
            }
            Some(Found::Answer(_)) => true,
            Some(Found::Stale(_)) | None => demand.fresh,
        };
        slice.count_miss(route.0);
        match () {
            () if demand.only_if_cached => Looked::Absent,
            () if demand.no_store => Looked::Apart,
            () if is_forced => self.fill(cache, hash, key),
            () => match self.fills.join(cache, hash, &key.bytes) {
                Some(fill) => Looked::Waits(fill),
                None if self.fills.is_running(cache, hash) => Looked::Apart,
                None => self.fill(cache, hash, key),
            },
        }
    }

    fn fill(&mut self, cache: CacheId, hash: u64, key: &Key) -> Looked {
        let epoch = self.slice(cache).map_or(0, |slice| slice.epoch());
        self.fills.begin(cache, (hash, key.path), &key.bytes, epoch).map_or(Looked::Apart, Looked::Fills)
    }

    /// Ends a fill with an answer, which is kept unless it is out of date already. `vary`: the fields that it names, where
    /// they count.
    pub(crate) fn store(
        &mut self,
        (cache, route): (CacheId, RouteId),
        fill: FillId,
        key: &mut Key,
        vary: Option<(&[Vec<u8>], Select<'_>)>,
        (draft, term): (&Draft<'_>, Term),
        now_ns: u64,
    ) {
        let epoch = self.fills.newest(fill);
        let asked = key.bytes.clone();
        let slice = self.slices.iter_mut().find(|(id, _)| *id == cache).map(|(_, slice)| slice);
        let kept = match (slice.filter(|slice| Some(slice.epoch()) == epoch), vary) {
            (Some(slice), None) => {
                Ok(slice.insert((self.hasher.hash_one(&*key.bytes), &key.bytes), draft, route.0, term))
            }
            (Some(slice), Some(vary)) => {
                variants::keep(slice, &self.hasher, key, vary, (draft, route.0, term), now_ns)
            }
            // Nobody knows whether those who wait differ.
            (None, Some((names, _))) if !names.is_empty() => Err(variants::TooDifferent),
            (None, _) => Ok(None),
        };
        match kept {
            Ok(stored) if key.bytes == asked => {
                let stored = stored.unwrap_or_else(|| draft.store(&key.bytes, term, self.pages));
                self.fills.end(fill, FillEnd::Answer(stored));
            }
            // Those who wait look whether it is theirs.
            Ok(_) => self.fills.end(fill, FillEnd::Released),
            Err(variants::TooDifferent) => self.pass((cache, route), fill, key, now_ns),
        }
    }

    /// Ends a fill whose answer cannot be kept, and lets nobody wait for such answers for a while.
    pub(crate) fn pass(&mut self, (cache, route): (CacheId, RouteId), fill: FillId, key: &Key, now_ns: u64) {
        let hash = self.hasher.hash_one(&*key.bytes);
        let epoch = self.fills.newest(fill);
        if let Some(slice) = self.slice(cache).filter(|slice| Some(slice.epoch()) == epoch) {
            let until_ns = now_ns + CACHE_PASS_MS * 1_000_000;
            slice.insert((hash, &key.bytes), &Draft::default(), route.0, Term::until(now_ns, until_ns));
        }
        self.fills.end(fill, FillEnd::Released);
    }

    /// The answer to give because the integration has failed, of which it is not asked again for so long.
    pub(crate) fn find_stale(
        &mut self,
        cache: CacheId,
        key: &Key,
        pause_ms: u64,
        stale_ms_max: u64,
        now_ns: u64,
    ) -> Option<Stored> {
        let hash = self.hasher.hash_one(&*key.bytes);
        let slice = self.slice(cache)?;
        let stored = slice.find_stale(hash, &key.bytes, stale_ms_max, now_ns)?;
        slice.renew(hash, &key.bytes, now_ns + pause_ms * 1_000_000);
        Some(stored)
    }

    /// Something has changed under a path, through this shard.
    pub(crate) fn change(&mut self, cache: CacheId, path: u32) {
        self.hear_changes(cache, &[Change::Path(path)]);
        let told = self.changes.iter().filter(|(id, _)| *id == cache).count();
        match told {
            0..CACHE_CHANGES_MAX => self.changes.push((cache, Change::Path(path))),
            CACHE_CHANGES_MAX => self.changes.push((cache, Change::All)),
            _ => {}
        }
    }

    /// Something has changed: what was kept there is given no more, and what was asked for before is not kept.
    pub fn hear_changes(&mut self, cache: CacheId, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Path(path) => {
                    self.fills.forget_path(cache, *path);
                    if let Some(slice) = self.slice(cache) {
                        slice.change(*path);
                    }
                }
                Change::All => self.flush(cache),
            }
        }
    }

    /// Ends a fill that has no answer.
    pub(crate) fn end(&mut self, fill: FillId, end: FillEnd) {
        self.fills.end(fill, end);
    }

    /// What came of a fill that a request has waited for.
    pub(crate) fn leave(&mut self, fill: FillId) -> Option<FillEnd> {
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
