//! The answers of one stage on one shard, within so many bytes.
//!
//! Which ones stay is S3-FIFO ("FIFO queues are all you need for cache eviction", SOSP 2023): new answers wait in a small
//! queue, and only those found again there, or again soon after they left it, come into the main one. So answers that are
//! asked for once, as by a crawler, put nothing out that is asked for often. Being found costs no move. Two things are other
//! than there. It is noted whether an answer was found, not how often: on requests whose favourites change, counting to 3 is
//! 2 points of hit ratio behind LRU, this 1 point before it; on a steady zipf distribution of 0.9 it costs 1 of 68. And being
//! found counts only in the older half of the small queue: what is asked for several times at once, and never again, does
//! not pass for popular (a probation as in S4-FIFO, of libCacheSim). On Twitter's requests that is 1 to 2 points.
//!
//! Every byte is counted: keys, fields, content, what the allocator adds, and the index. An answer that is still being sent
//! is not put out, because that would free nothing.

use super::index::{Index, NewPlace, Queue};
use super::memory::{MakePages, Memory, PAGES_OWN_BYTES};
use super::probation::Probation;
use super::stored::{Draft, PASS, Stored, Term, VARIES};
use crate::limits::CACHE_PAGED_BYTES_MIN;

/// The part of the bytes that new answers may take: one in so many.
const SMALL_PART: u64 = 10;
/// How many answers are looked at to make room for one. Most of those that are found to stay are being sent.
const STEPS_MAX: usize = 4_096;

/// What the cache has for a request.
#[derive(Clone, Debug)]
pub enum Found {
    /// An answer.
    Answer(Stored),
    /// One that is too old, but for when asking fails.
    Stale(Stored),
    /// That the answers to it are not to be kept.
    Pass,
}

/// What was counted for one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests answered from the cache (AWS: `CacheHitCount`).
    pub hits: u64,
    /// Requests that were not, of methods that are cached (AWS: `CacheMissCount`).
    pub misses: u64,
    /// Of these, those that were answered from it all the same, with what is too old, because the integration failed.
    pub stale: u64,
    /// Answers that were put out to make room.
    pub evictions: u64,
    /// Bytes that its answers take now.
    pub bytes: u64,
}

/// An answer that is out and still being sent.
#[derive(Debug)]
struct Lingering {
    memory: Memory,
    charge: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Slice {
    index: Index,
    probation: Probation,
    /// Bytes of answers, also of those that are out and still being sent.
    answer_bytes: u64,
    bytes_max: u64,
    pages: Option<MakePages>,
    /// Answers that are out and were still being sent. Each is charged for its place here from the beginning.
    lingering: Vec<Lingering>,
    /// By the method's number.
    counters: Vec<Counters>,
    /// Counts the flushes.
    epoch: u32,
    /// Bytes of answers that came again soon after they were put out.
    missed: u64,
}

impl Slice {
    /// An empty one of so many bytes, for so many methods.
    pub fn new(bytes_max: u64, methods: usize) -> Self {
        Self {
            index: Index::default(),
            probation: Probation::default(),
            answer_bytes: 0,
            bytes_max,
            pages: None,
            lingering: Vec::new(),
            counters: vec![Counters::default(); methods],
            epoch: 0,
            missed: 0,
        }
    }

    /// Keeps large answers in pages of their own from now on, if there are any.
    pub fn keep_large_in(&mut self, pages: Option<MakePages>) {
        self.pages = pages;
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        self.answer_bytes + self.index.bytes()
    }

    /// Bytes that it may take.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Answers in it.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often it was flushed.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What was counted, by the methods' numbers.
    pub fn counters(&self) -> &[Counters] {
        &self.counters
    }

    /// Bytes of answers that came again soon after they were put out: how much more room is wanted. Asking forgets it.
    pub fn take_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    /// Counts a request that was answered from it with what [`Slice::find`] does not count.
    pub(super) fn count_hit(&mut self, method: u32) {
        self.count(method, |counters| counters.hits += 1);
    }

    /// Counts a request that was not answered from it.
    pub(super) fn count_miss(&mut self, method: u32) {
        self.count(method, |counters| counters.misses += 1);
    }

    /// Lets it take so many bytes from now on. False: it cannot give up so much yet, because it is being sent.
    pub fn set_bytes_max(&mut self, bytes_max: u64) -> bool {
        self.bytes_max = bytes_max;
        self.sweep();
        // Each answer may change its queue, and go around once.
        let steps_max = self.len() * 3;
        self.make_room(0, steps_max)
    }

    /// What it has for a key.
    pub fn find(&mut self, hash: u64, key: &[u8], now_ns: u64) -> Option<Found> {
        let (stored, method) = self.touch(hash, key, now_ns)?;
        match stored.status() {
            PASS => Some(Found::Pass),
            VARIES => None,
            _ if stored.term().fresh_until_ns <= now_ns => Some(Found::Stale(stored)),
            _ => {
                self.count(method, |counters| counters.hits += 1);
                Some(Found::Answer(stored))
            }
        }
    }

    /// By what the answers to a key differ, if they do.
    pub(super) fn variants(&mut self, hash: u64, key: &[u8], now_ns: u64) -> Option<Stored> {
        self.touch(hash, key, now_ns).map(|(stored, _)| stored).filter(|stored| stored.status() == VARIES)
    }

    /// The answer to a key, fresh or not, to be given because asking has failed; not fresh for so long at most.
    pub(super) fn find_stale(
        &mut self,
        hash: u64,
        key: &[u8],
        stale_ms_max: u64,
        now_ns: u64,
    ) -> Option<Stored> {
        let (stored, method) = self.touch(hash, key, now_ns)?;
        if stored.status() <= VARIES || stored.stale_ms(now_ns) > stale_ms_max {
            return None;
        }
        self.count(method, |counters| counters.stale += 1);
        Some(stored)
    }

    /// Lets an answer be given until then without asking again.
    pub(super) fn renew(&mut self, hash: u64, key: &[u8], until_ns: u64) {
        if let Some(at) = self.index.find(hash, key)
            && let Some(stored) = &mut self.index.place_mut(at).stored
            && stored.term().fresh_until_ns < until_ns
        {
            stored.renew(until_ns);
        }
    }

    /// Something has changed under a path: what was kept there is given no more.
    pub fn change(&mut self, path: u32) {
        while let Some(at) = self.index.find_path(path) {
            self.discard(at);
        }
        self.sweep();
    }

    /// What stands at a key and is still good for something.
    fn touch(&mut self, hash: u64, key: &[u8], now_ns: u64) -> Option<(Stored, u32)> {
        let at = self.index.find(hash, key)?;
        let place = self.index.place_mut(at);
        let term = place.stored.as_ref()?.term();
        if term.kept_until_ns <= now_ns {
            self.discard(at);
            return None;
        }
        place.found |= place.queue == Queue::Main || self.probation.is_over(place.born);
        Some((place.stored.clone()?, place.method))
    }

    /// Keeps an answer, in the place of one with the same key. `None`: there is no room for it.
    pub fn insert(
        &mut self,
        (hash, key): (u64, &[u8]),
        draft: &Draft<'_>,
        method: u32,
        term: Term,
    ) -> Option<Stored> {
        let queue = match self.index.find(hash, key) {
            Some(at) => {
                let queue = self.index.place(at).queue;
                self.discard(at);
                queue
            }
            None if self.index.ghost.take(hash) => {
                self.missed += draft.bytes(key) as u64;
                Queue::Main
            }
            None => Queue::Small,
        };
        let charge = charge(draft.bytes(key));
        self.sweep();
        if u64::from(charge) > self.bytes_max
            || !self.make_room(u64::from(charge), STEPS_MAX)
            || !self.make_place(charge)
        {
            return None;
        }
        let stored = draft.store(key, term, self.pages);
        self.answer_bytes += u64::from(charge);
        let born = match queue {
            Queue::Small => self.probation.begin(u64::from(charge), self.bytes_max / SMALL_PART),
            Queue::Main => 0,
        };
        self.index.insert(NewPlace { hash, stored: stored.clone(), charge, method, queue, born });
        self.count(method, |counters| counters.bytes += u64::from(charge));
        debug_assert!(self.bytes() <= self.bytes_max, "within its bytes");
        Some(stored)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for queue in [Queue::Small, Queue::Main] {
            while let Some(at) = self.index.oldest(queue) {
                self.discard(at);
            }
        }
        self.index = Index::default();
        self.sweep();
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Forgets the answer with a key.
    pub fn remove(&mut self, hash: u64, key: &[u8]) {
        if let Some(at) = self.index.find(hash, key) {
            self.discard(at);
        }
    }

    /// Puts out until so many further bytes fit in.
    fn make_room(&mut self, bytes: u64, steps_max: usize) -> bool {
        let mut steps = 0;
        while self.bytes() + bytes > self.bytes_max {
            if self.index.is_sparse() {
                self.index.shrink();
            } else if self.is_empty() && self.index.bytes() > 0 {
                self.index = Index::default();
            } else if steps == steps_max || !self.step() {
                return false;
            } else {
                steps += 1;
            }
        }
        true
    }

    /// Makes a free place beside an answer of this charge: by growing, or by putting one out.
    fn make_place(&mut self, charge: u32) -> bool {
        for _ in 0..STEPS_MAX {
            if self.index.has_room() {
                return true;
            }
            if self.bytes() + self.index.growth_bytes() + u64::from(charge) <= self.bytes_max {
                self.index.grow();
            } else if !self.step() {
                return false;
            }
        }
        false
    }

    /// Looks at the oldest answer of a queue: it goes on to the next queue, or around once more, or out.
    fn step(&mut self) -> bool {
        let small_max = self.bytes_max / SMALL_PART;
        let is_small =
            self.index.queue_bytes(Queue::Small) > small_max || self.index.oldest(Queue::Main).is_none();
        let queue = if is_small { Queue::Small } else { Queue::Main };
        let Some(at) = self.index.oldest(queue) else { return false };
        let place = self.index.place_mut(at);
        let is_sent = place.stored.as_ref().is_some_and(|stored| !stored.is_alone());
        match queue {
            Queue::Small if place.found || is_sent => {
                place.found = false;
                self.index.renew(at, Queue::Main);
            }
            Queue::Small => {
                let hash = place.hash;
                self.index.ghost.insert(hash);
                self.evict(at);
            }
            Queue::Main if place.found || is_sent => {
                place.found = false;
                self.index.renew(at, Queue::Main);
            }
            Queue::Main => self.evict(at),
        }
        true
    }

    fn evict(&mut self, at: u32) {
        let method = self.index.place(at).method;
        self.count(method, |counters| counters.evictions += 1);
        self.discard(at);
    }

    fn discard(&mut self, at: u32) {
        let (method, charge) = (self.index.place(at).method, self.index.place(at).charge);
        self.count(method, |counters| counters.bytes -= u64::from(charge));
        match self.index.remove(at) {
            Some(stored) if !stored.is_alone() => {
                self.lingering.reserve_exact(1);
                self.lingering.push(Lingering { memory: stored.into_memory(), charge });
            }
            Some(_) | None => self.answer_bytes -= u64::from(charge),
        }
    }

    /// Forgets what is out and no longer being sent.
    fn sweep(&mut self) {
        if self.lingering.is_empty() {
            return;
        }
        let answer_bytes = &mut self.answer_bytes;
        self.lingering.retain(|lingering| {
            let stays = !lingering.memory.is_alone();
            if !stays {
                *answer_bytes -= u64::from(lingering.charge);
            }
            stays
        });
        self.lingering.shrink_to_fit();
    }

    fn count(&mut self, method: u32, count: impl FnOnce(&mut Counters)) {
        if let Some(counters) = self.counters.get_mut(method as usize) {
            count(counters);
        }
    }
}

/// From so many bytes on glibc's allocator asks the kernel for whole pages.
const MAPPED_BYTES: usize = 128 * 1024;
const PAGE_BYTES: usize = 4_096;

/// What so many bytes take, wherever they lie: the counters of `Rc`, the allocator's word, and what is rounded up to; what
/// pages have beside their bytes; and where it is noted when it is out.
fn charge(bytes: usize) -> u32 {
    let taken = bytes + 2 * size_of::<usize>() + 2 * size_of::<usize>();
    let rounded = if taken < MAPPED_BYTES {
        taken.next_multiple_of(2 * size_of::<usize>())
    } else {
        taken.next_multiple_of(PAGE_BYTES) + if bytes < CACHE_PAGED_BYTES_MIN { 0 } else { PAGES_OWN_BYTES }
    };
    u32::try_from(rounded + size_of::<Lingering>()).unwrap_or(u32::MAX)
}
