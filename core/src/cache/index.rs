//! Finds answers by the hashes of their keys, and keeps them in two queues. All of it is four pieces of memory of known
//! sizes, which grow only when their owner says so.

use super::ghost::Ghost;
use super::stored::Stored;

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Places that are made at once, at least.
const PLACES_MIN: usize = 16;

/// One answer's place. What being found reads and writes stands together: more often than not a place lies across two
/// lines of the CPU's cache.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Place {
    pub(super) hash: u64,
    /// `None`: the place is free.
    pub(super) stored: Option<Stored>,
    pub(super) queue: Queue,
    /// Whether it was found since it was last looked at.
    pub(super) found: bool,
    /// When it came into the small queue, by [`Probation`](super::probation::Probation).
    pub(super) born: u16,
    /// The method that is counted.
    pub(super) method: u32,
    /// The next of the same bucket, or the next free place.
    chain: u32,
    /// Bytes that it is charged.
    pub(super) charge: u32,
    /// Neighbours in its queue.
    newer: u32,
    older: u32,
    /// Neighbours among those of its path.
    path_newer: u32,
    path_older: u32,
}

/// The two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// New ones, which have to prove themselves.
    Small,
    /// Those that have.
    Main,
}

/// A queue's ends and the bytes in it.
#[derive(Clone, Copy, Debug)]
struct Ends {
    newest: u32,
    oldest: u32,
    bytes: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Index {
    places: Vec<Place>,
    /// A power of two; the first place of each chain.
    buckets: Vec<u32>,
    /// As many; the newest place of each list of paths.
    paths: Vec<u32>,
    pub(super) ghost: Ghost,
    free: u32,
    count: usize,
    small: Ends,
    main: Ends,
}

impl Default for Index {
    fn default() -> Self {
        let none = Ends { newest: NONE, oldest: NONE, bytes: 0 };
        Self {
            places: Vec::new(),
            buckets: Vec::new(),
            paths: Vec::new(),
            ghost: Ghost::default(),
            free: NONE,
            count: 0,
            small: none,
            main: none,
        }
    }
}

impl Index {
    /// Bytes that it takes, without the answers.
    pub(super) fn bytes(&self) -> u64 {
        let places = self.places.capacity() * size_of::<Place>();
        let buckets = (self.buckets.capacity() + self.paths.capacity()) * size_of::<u32>();
        (places + buckets) as u64 + self.ghost.bytes()
    }

    /// Answers in it.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes in a queue.
    pub(super) fn queue_bytes(&self, queue: Queue) -> u64 {
        self.ends(queue).bytes
    }

    /// The answer's place.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let mut at = *self.buckets.get(self.bucket(hash)?)?;
        while at != NONE {
            let place = &self.places[at as usize];
            if place.hash == hash && place.stored.as_ref().is_some_and(|stored| stored.key() == key) {
                return Some(at);
            }
            at = place.chain;
        }
        None
    }

    pub(super) fn place(&self, at: u32) -> &Place {
        &self.places[at as usize]
    }

    pub(super) fn place_mut(&mut self, at: u32) -> &mut Place {
        &mut self.places[at as usize]
    }

    /// The one that has been longest in a queue.
    pub(super) fn oldest(&self, queue: Queue) -> Option<u32> {
        Some(self.ends(queue).oldest).filter(|&at| at != NONE)
    }

    /// Whether a further answer has a place.
    pub(super) fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// Bytes by which it grows when it grows.
    pub(super) fn growth_bytes(&self) -> u64 {
        let places = self.grown();
        let more = (places - self.places.len()) * size_of::<Place>()
            + 2 * (places.next_power_of_two() - self.buckets.len()) * size_of::<u32>();
        more as u64 + Ghost::bytes_for(places) - self.ghost.bytes()
    }

    /// Makes room for more.
    pub(super) fn grow(&mut self) {
        self.resize(self.grown());
    }

    /// Whether most of its places are free for good.
    pub(super) fn is_sparse(&self) -> bool {
        self.places.len() > 4 * self.count.max(PLACES_MIN)
    }

    /// Gives places back that are free.
    pub(super) fn shrink(&mut self) {
        let wanted = 2 * self.count.max(PLACES_MIN);
        // What lies behind moves to free places before.
        let mut to = 0;
        for from in wanted..self.places.len() {
            if self.places[from].stored.is_none() {
                continue;
            }
            while self.places[to].stored.is_some() {
                to += 1;
            }
            self.places.swap(from, to);
            self.mend_neighbours(to as u32);
        }
        self.places.truncate(wanted);
        self.places.shrink_to_fit();
        self.buckets = Vec::new();
        self.paths = Vec::new();
        self.resize(wanted);
    }

    /// Puts an answer into a free place, as the newest of its queue.
    pub(super) fn insert(&mut self, place: NewPlace) -> u32 {
        let at = self.free;
        let bucket = self.bucket(place.hash).unwrap_or(0);
        let NewPlace { hash, stored, charge, method, queue, born } = place;
        self.free = self.places[at as usize].chain;
        self.places[at as usize] = Place {
            hash,
            stored: Some(stored),
            charge,
            method,
            chain: self.buckets[bucket],
            newer: NONE,
            older: NONE,
            path_newer: NONE,
            path_older: NONE,
            queue,
            found: false,
            born,
        };
        self.buckets[bucket] = at;
        self.count += 1;
        self.link_path(at);
        self.push(at, queue);
        at
    }

    /// Takes an answer out.
    pub(super) fn remove(&mut self, at: u32) -> Option<Stored> {
        self.unlink(at);
        self.unlink_path(at);
        let hash = self.places[at as usize].hash;
        let next = self.places[at as usize].chain;
        let bucket = self.bucket(hash)?;
        if self.buckets[bucket] == at {
            self.buckets[bucket] = next;
        } else {
            let mut before = self.buckets[bucket];
            while self.places[before as usize].chain != at {
                before = self.places[before as usize].chain;
            }
            self.places[before as usize].chain = next;
        }
        let place = &mut self.places[at as usize];
        place.chain = self.free;
        self.free = at;
        self.count -= 1;
        self.places[at as usize].stored.take()
    }

    /// Makes an answer the newest of a queue.
    pub(super) fn renew(&mut self, at: u32, queue: Queue) {
        self.unlink(at);
        self.push(at, queue);
    }

    /// One of the answers that a change under a path puts out.
    pub(super) fn find_path(&self, path: u32) -> Option<u32> {
        let mut at = *self.paths.get(path as usize & self.paths.len().checked_sub(1)?)?;
        while at != NONE && self.path_of(at) != path {
            at = self.places[at as usize].path_older;
        }
        Some(at).filter(|&at| at != NONE)
    }

    fn path_of(&self, at: u32) -> u32 {
        self.places[at as usize].stored.as_ref().map_or(0, |stored| stored.term().path)
    }

    /// Puts it into the list of its path, if a change there puts it out.
    fn link_path(&mut self, at: u32) {
        let path = self.path_of(at);
        if path == 0 {
            return;
        }
        let list = path as usize & (self.paths.len() - 1);
        let older = std::mem::replace(&mut self.paths[list], at);
        let place = &mut self.places[at as usize];
        (place.path_newer, place.path_older) = (NONE, older);
        if older != NONE {
            self.places[older as usize].path_newer = at;
        }
    }

    fn unlink_path(&mut self, at: u32) {
        let path = self.path_of(at);
        if path == 0 {
            return;
        }
        let (newer, older) = (self.places[at as usize].path_newer, self.places[at as usize].path_older);
        match newer {
            NONE => {
                let list = path as usize & (self.paths.len() - 1);
                self.paths[list] = older;
            }
            newer => self.places[newer as usize].path_older = older,
        }
        if older != NONE {
            self.places[older as usize].path_newer = newer;
        }
    }

    fn ends(&self, queue: Queue) -> &Ends {
        match queue {
            Queue::Small => &self.small,
            Queue::Main => &self.main,
        }
    }

    fn ends_mut(&mut self, queue: Queue) -> &mut Ends {
        match queue {
            Queue::Small => &mut self.small,
            Queue::Main => &mut self.main,
        }
    }

    fn push(&mut self, at: u32, queue: Queue) {
        let charge = u64::from(self.places[at as usize].charge);
        let ends = self.ends_mut(queue);
        let before = std::mem::replace(&mut ends.newest, at);
        if before == NONE {
            ends.oldest = at;
        }
        ends.bytes += charge;
        let place = &mut self.places[at as usize];
        (place.queue, place.newer, place.older) = (queue, NONE, before);
        if before != NONE {
            self.places[before as usize].newer = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let place = &self.places[at as usize];
        let (queue, newer, older, charge) = (place.queue, place.newer, place.older, u64::from(place.charge));
        if newer == NONE {
            self.ends_mut(queue).newest = older;
        } else {
            self.places[newer as usize].older = older;
        }
        if older == NONE {
            self.ends_mut(queue).oldest = newer;
        } else {
            self.places[older as usize].newer = newer;
        }
        self.ends_mut(queue).bytes -= charge;
    }

    /// Lets the neighbours of an answer that has moved here know.
    fn mend_neighbours(&mut self, at: u32) {
        let place = &self.places[at as usize];
        let (queue, newer, older) = (place.queue, place.newer, place.older);
        match newer {
            NONE => self.ends_mut(queue).newest = at,
            newer => self.places[newer as usize].older = at,
        }
        match older {
            NONE => self.ends_mut(queue).oldest = at,
            older => self.places[older as usize].newer = at,
        }
    }

    fn grown(&self) -> usize {
        (self.places.len() + self.places.len() / 2).max(PLACES_MIN)
    }

    /// Makes it one of so many places, and links all anew.
    fn resize(&mut self, places: usize) {
        self.places.reserve_exact(places - self.places.len());
        self.places.resize_with(places, Place::free);
        let buckets = places.next_power_of_two();
        self.buckets.clear();
        self.buckets.reserve_exact(buckets);
        self.buckets.resize(buckets, NONE);
        self.paths.clear();
        self.paths.reserve_exact(buckets);
        self.paths.resize(buckets, NONE);
        // It remembers as many as there may be answers.
        self.ghost.resize(places);
        self.free = NONE;
        for at in (0..places as u32).rev() {
            let place = &self.places[at as usize];
            if place.stored.is_none() {
                self.places[at as usize].chain = std::mem::replace(&mut self.free, at);
            } else if let Some(bucket) = self.bucket(place.hash) {
                self.places[at as usize].chain = std::mem::replace(&mut self.buckets[bucket], at);
                self.link_path(at);
            }
        }
    }

    fn bucket(&self, hash: u64) -> Option<usize> {
        Some(hash as usize & self.buckets.len().checked_sub(1)?)
    }
}

/// An answer that gets a place.
pub(super) struct NewPlace {
    pub(super) hash: u64,
    pub(super) stored: Stored,
    pub(super) charge: u32,
    pub(super) method: u32,
    pub(super) queue: Queue,
    pub(super) born: u16,
}

impl Place {
    fn free() -> Self {
        Self {
            hash: 0,
            stored: None,
            charge: 0,
            method: 0,
            chain: NONE,
            newer: NONE,
            older: NONE,
            path_newer: NONE,
            path_older: NONE,
            queue: Queue::Small,
            found: false,
            born: 0,
        }
    }
}
