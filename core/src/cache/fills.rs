//! Misses whose answers are on their way: the first request of a key calls, the others wait for what comes of it.

use std::collections::HashMap;

use ahash::RandomState;
use slab::Slab;

use super::settings::CacheId;
use super::stored::Stored;
use crate::limits::{CACHE_FILLS_MAX, CACHE_WAITERS_MAX};
use crate::reject::Reject;

/// A fill. The number tells it from earlier ones in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillId {
    place: u32,
    number: u32,
}

/// What came of a fill.
#[derive(Clone, Debug)]
pub enum FillEnd {
    /// The answer, whether or not there was room to keep it.
    Answer(Stored),
    /// The integration failed, as it would for all who wait.
    Failed(Reject),
    /// Nothing that another request could have.
    Released,
}

#[derive(Debug)]
struct Fill {
    number: u32,
    cache: CacheId,
    hash: u64,
    key: Box<[u8]>,
    /// A hash of its path, where a change there makes its answer old; else 0.
    path: u32,
    /// The flush that the cache was at when it began.
    epoch: u32,
    waiters: u32,
    end: Option<FillEnd>,
}

/// The fills of a shard.
#[derive(Debug, Default)]
pub struct Fills {
    fills: Slab<Fill>,
    /// Those that a request may wait for. Another key with the same hash is not found, which costs a call.
    running: HashMap<(CacheId, u64), u32, RandomState>,
    ended: Vec<FillId>,
    count: u32,
    unfinished: usize,
}

impl Fills {
    /// Lets a request wait for the fill of this key, if one is running and not too many wait.
    pub(super) fn join(&mut self, cache: CacheId, hash: u64, key: &[u8]) -> Option<FillId> {
        let place = *self.running.get(&(cache, hash))?;
        let fill = self.fills.get_mut(place as usize)?;
        if &*fill.key != key || fill.waiters >= CACHE_WAITERS_MAX {
            return None;
        }
        fill.waiters += 1;
        Some(FillId { place, number: fill.number })
    }

    /// Whether a fill of this key is running that too many wait for.
    pub(super) fn is_running(&self, cache: CacheId, hash: u64) -> bool {
        self.running.contains_key(&(cache, hash))
    }

    /// Begins to fill. What comes of an earlier fill of the key is kept no more. `None`: too many fills are under way.
    pub(super) fn begin(
        &mut self,
        cache: CacheId,
        (hash, path): (u64, u32),
        key: &[u8],
        epoch: u32,
    ) -> Option<FillId> {
        if self.unfinished >= CACHE_FILLS_MAX {
            return None;
        }
        self.count = self.count.wrapping_add(1);
        let number = self.count;
        let fill = Fill { number, cache, hash, key: key.into(), path, epoch, waiters: 0, end: None };
        let place = self.fills.insert(fill) as u32;
        self.running.insert((cache, hash), place);
        self.unfinished += 1;
        Some(FillId { place, number: self.count })
    }

    /// The flush that the cache of a fill was at when it began, if the fill is still the newest of its key.
    pub(super) fn newest(&self, id: FillId) -> Option<u32> {
        let fill = self.fill(id)?;
        (self.running.get(&(fill.cache, fill.hash)) == Some(&id.place)).then_some(fill.epoch)
    }

    /// Ends a fill; who waits is told.
    pub(super) fn end(&mut self, id: FillId, end: FillEnd) {
        let is_newest = self.newest(id).is_some();
        let Some(fill) = self.fills.get_mut(id.place as usize).filter(|fill| fill.number == id.number) else {
            return;
        };
        if is_newest {
            self.running.remove(&(fill.cache, fill.hash));
        }
        self.unfinished -= 1;
        if fill.waiters > 0 {
            fill.end = Some(end);
            self.ended.push(id);
        } else {
            self.fills.remove(id.place as usize);
        }
    }

    /// What came of a fill that a request has waited for. It waits no more.
    pub(super) fn leave(&mut self, id: FillId) -> Option<FillEnd> {
        let fill = self.fills.get_mut(id.place as usize).filter(|fill| fill.number == id.number)?;
        fill.waiters -= 1;
        if fill.waiters == 0 && fill.end.is_some() {
            return self.fills.remove(id.place as usize).end;
        }
        fill.end.clone()
    }

    /// From now on nobody waits for what was asked before a change under this path, and it is not kept.
    pub(super) fn forget_path(&mut self, cache: CacheId, path: u32) {
        let fills = &self.fills;
        let stays = |place: u32| fills.get(place as usize).is_some_and(|fill| fill.path != path);
        self.running.retain(|(id, _), place| *id != cache || stays(*place));
    }

    /// From now on nobody waits for what was asked before a flush.
    pub(super) fn forget(&mut self, cache: CacheId) {
        self.running.retain(|(id, _), _| *id != cache);
    }

    /// Fills that have ended and that somebody waits for.
    pub fn ended(&mut self) -> &mut Vec<FillId> {
        &mut self.ended
    }

    /// Fills that are known, for tests: none is left when all requests have ended.
    pub fn len(&self) -> usize {
        self.fills.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.fills.is_empty()
    }

    fn fill(&self, id: FillId) -> Option<&Fill> {
        self.fills.get(id.place as usize).filter(|fill| fill.number == id.number)
    }
}
