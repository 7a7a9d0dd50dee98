//! What was put out a short while ago: whoever comes back soon was worth keeping.
//!
//! Fingerprints in sets of four, the oldest of a set pushed out. Which set a fingerprint is in follows from itself, so that
//! the table can grow without the hashes, to any size: one that remembers twice as many as there are answers lets in what
//! comes back too late, as blocks of a disk do, and is 1 to 4 points of hit ratio worse there than one of the right size.

const WAYS: usize = 4;

/// Fingerprints of keys.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    /// 0 is no fingerprint.
    sets: Vec<[u32; WAYS]>,
}

impl Ghost {
    /// Bytes of a table for so many fingerprints.
    pub(super) fn bytes_for(count: usize) -> u64 {
        (sets_for(count) * size_of::<[u32; WAYS]>()) as u64
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        (self.sets.capacity() * size_of::<[u32; WAYS]>()) as u64
    }

    /// Makes it one for so many. What it knows is kept when it grows.
    pub(super) fn resize(&mut self, count: usize) {
        let (before, after) = (self.sets.len(), sets_for(count));
        if after < before {
            self.sets = Vec::new();
        }
        self.sets.reserve_exact(after - self.sets.len());
        self.sets.resize(after, [0; WAYS]);
        if before > 0 && after > before {
            // They move upwards, into sets that have been seen to.
            for set in (0..before).rev() {
                for fingerprint in std::mem::take(&mut self.sets[set]).into_iter().rev() {
                    self.push(fingerprint);
                }
            }
        }
    }

    /// Notes a key.
    pub(super) fn insert(&mut self, hash: u64) {
        self.push(fingerprint(hash));
    }

    /// Whether a key was noted; if so, it is forgotten.
    pub(super) fn take(&mut self, hash: u64) -> bool {
        let fingerprint = fingerprint(hash);
        let Some(set) = self.set(fingerprint) else { return false };
        let found = set.iter_mut().find(|way| **way == fingerprint);
        found.map(|way| *way = 0).is_some()
    }

    fn push(&mut self, fingerprint: u32) {
        if fingerprint != 0
            && let Some(set) = self.set(fingerprint)
        {
            // A free place before the oldest.
            let last = set.iter().position(|&way| way == 0).unwrap_or(WAYS - 1);
            set[..=last].rotate_right(1);
            set[0] = fingerprint;
        }
    }

    fn set(&mut self, fingerprint: u32) -> Option<&mut [u32; WAYS]> {
        let set = (u64::from(fingerprint) * self.sets.len() as u64) >> 32;
        self.sets.get_mut(set as usize)
    }
}

fn sets_for(count: usize) -> usize {
    count.div_ceil(WAYS)
}

fn fingerprint(hash: u64) -> u32 {
    ((hash >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_last_is_known() {
        let mut ghost = Ghost::default();
        ghost.insert(1 << 32);
        assert!(!ghost.take(1 << 32));
        ghost.resize(16);
        assert_eq!(ghost.bytes(), Ghost::bytes_for(16));
        // All of one set.
        for number in 1..=5_u64 {
            ghost.insert(number << 42);
        }
        assert!(!ghost.take(1 << 42), "pushed out");
        ghost.resize(60);
        assert!(ghost.take(2 << 42) && ghost.take(5 << 42));
        assert!(!ghost.take(5 << 42), "taken");
    }

    /// By a half each time, as the index grows: each fingerprint is found where it has moved.
    #[test]
    fn growing_loses_nothing() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63;
        let mut ghost = Ghost::default();
        ghost.resize(400);
        // So few that no set is full, and one set that is.
        (0..40).for_each(|number| ghost.insert(hash(number)));
        for count in [600, 900, 1_350, 2_025, 2_026] {
            ghost.resize(count);
        }
        assert!((0..40).all(|number| ghost.take(hash(number))));
        assert!((0..40).all(|number| !ghost.take(hash(number))));
    }
}
