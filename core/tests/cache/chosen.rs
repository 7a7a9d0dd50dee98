//! Other ways to choose what stays, each for so many answers of one size. Each says how many of the requests it had.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The one that was not asked for longest goes.
pub(crate) struct Lru {
    capacity: usize,
    by_key: HashMap<u32, u64>,
    by_time: BTreeMap<u64, u32>,
    now: u64,
}

impl Lru {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, by_key: HashMap::new(), by_time: BTreeMap::new(), now: 0 }
    }

    /// Whether it is there; then it is the newest.
    fn touch(&mut self, key: u32) -> bool {
        self.now += 1;
        let Some(time) = self.by_key.get_mut(&key) else { return false };
        self.by_time.remove(time);
        *time = self.now;
        self.by_time.insert(self.now, key);
        true
    }

    /// Puts it in; returns what goes for it.
    fn insert(&mut self, key: u32) -> Option<u32> {
        self.now += 1;
        self.by_key.insert(key, self.now);
        self.by_time.insert(self.now, key);
        (self.by_key.len() > self.capacity).then(|| self.pop()).flatten()
    }

    fn oldest(&self) -> Option<u32> {
        self.by_time.first_key_value().map(|(_, key)| *key)
    }

    fn pop(&mut self) -> Option<u32> {
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    fn remove(&mut self, key: u32) -> bool {
        self.by_key.remove(&key).is_some_and(|time| self.by_time.remove(&time).is_some())
    }

    pub(crate) fn hits(mut self, trace: &[u32]) -> usize {
        let ask = |key: &&u32| {
            let found = self.touch(**key);
            if !found {
                self.insert(**key);
            }
            found
        };
        trace.iter().filter(ask).count()
    }
}

/// W-TinyLFU: a window for what is new, and a segmented main part that lets in what was asked for more often than what it
/// would put out. The counts are exact, which flatters it.
pub(crate) struct TinyLfu {
    window: Lru,
    probation: Lru,
    protected: Lru,
    counts: HashMap<u32, u32>,
    counted: usize,
    capacity: usize,
}

impl TinyLfu {
    pub(crate) fn new(capacity: usize) -> Self {
        let window = (capacity / 100).max(1);
        let main = capacity - window;
        Self {
            window: Lru::new(window),
            probation: Lru::new(main - main * 4 / 5),
            protected: Lru::new(main * 4 / 5),
            counts: HashMap::new(),
            counted: 0,
            capacity,
        }
    }

    fn count(&mut self, key: u32) {
        let count = self.counts.entry(key).or_default();
        *count = (*count + 1).min(15);
        self.counted += 1;
        if self.counted >= self.capacity * 10 {
            self.counted /= 2;
            self.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
    }

    fn ask(&mut self, key: u32) -> bool {
        self.count(key);
        if self.window.touch(key) || self.protected.touch(key) {
            return true;
        }
        if self.probation.remove(key) {
            if let Some(demoted) = self.protected.insert(key) {
                self.probation.insert(demoted);
            }
            return true;
        }
        if let Some(candidate) = self.window.insert(key) {
            self.admit(candidate);
        }
        false
    }

    fn admit(&mut self, candidate: u32) {
        let room = self.probation.capacity + self.protected.capacity;
        let is_full = self.probation.by_key.len() + self.protected.by_key.len() >= room;
        let of = |key: Option<u32>| key.and_then(|key| self.counts.get(&key)).copied().unwrap_or(0);
        if is_full && of(Some(candidate)) <= of(self.probation.oldest()) {
            return;
        }
        if is_full {
            self.probation.pop();
        }
        self.probation.by_key.insert(candidate, 0);
        self.probation.by_key.remove(&candidate);
        self.probation.now += 1;
        let now = self.probation.now;
        self.probation.by_key.insert(candidate, now);
        self.probation.by_time.insert(now, candidate);
    }

    pub(crate) fn hits(mut self, trace: &[u32]) -> usize {
        trace.iter().filter(|key| self.ask(**key)).count()
    }
}

/// The one that is asked for latest goes, or is not let in: nobody can do better.
pub(crate) fn optimum(capacity: usize, trace: &[u32]) -> usize {
    let mut next_of: HashMap<u32, usize> = HashMap::new();
    let mut next = vec![usize::MAX; trace.len()];
    for (at, key) in trace.iter().enumerate().rev() {
        next[at] = next_of.insert(*key, at).unwrap_or(usize::MAX);
    }
    let (mut kept, mut by_next) = (HashMap::new(), BTreeSet::new());
    let mut hits = 0;
    for (at, key) in trace.iter().enumerate() {
        if let Some(known) = kept.remove(key) {
            by_next.remove(&(known, *key));
            hits += 1;
        }
        if next[at] == usize::MAX {
            continue;
        }
        kept.insert(*key, next[at]);
        by_next.insert((next[at], *key));
        if kept.len() > capacity
            && let Some((_, latest)) = by_next.pop_last()
        {
            kept.remove(&latest);
        }
    }
    hits
}
