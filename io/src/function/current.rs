//! Which invocation a process has: written by its shard for each, read by the host for each line that the process prints.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// The id of an invocation, or zeros. A sequence lock: the shard never waits, and a reader tries again when it sees an odd
/// or a changed turn.
#[derive(Debug, Default)]
pub(super) struct Current {
    turn: AtomicU32,
    id: [AtomicU64; 2],
}

/// How often a reader tries before it does without.
const TRIES: usize = 16;

impl Current {
    /// Sets it; only the shard does.
    pub(super) fn set(&self, id: [u64; 2]) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.id[0].store(id[0], Ordering::Relaxed);
        self.id[1].store(id[1], Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(2), Ordering::Release);
    }

    /// The id, if there is one.
    pub(super) fn get(&self) -> Option<[u64; 2]> {
        for _ in 0..TRIES {
            let turn = self.turn.load(Ordering::Acquire);
            let id = [self.id[0].load(Ordering::Relaxed), self.id[1].load(Ordering::Relaxed)];
            fence(Ordering::Acquire);
            if turn.is_multiple_of(2) && turn == self.turn.load(Ordering::Relaxed) {
                return (id != [0, 0]).then_some(id);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_reader_never_sees_halves_of_two() {
        let current = Arc::new(Current::default());
        assert_eq!(current.get(), None);
        let written = Arc::clone(&current);
        let writer =
            std::thread::spawn(move || (1..200_000).for_each(|number| written.set([number, !number])));
        while !writer.is_finished() {
            if let Some([first, second]) = current.get() {
                assert_eq!(first, !second);
            }
        }
        assert_eq!(current.get(), Some([199_999, !199_999]));
    }
}
