//! Deadlines. Setting one is a store: a deadline that moves later costs nothing until the old one comes due.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::Ring;

/// A deadline that never comes.
pub(super) const NEVER: u64 = u64::MAX;

/// Stale entries that may stand in the heap before they are swept out.
const STALE_MAX: usize = 512;

/// Something that has deadlines.
pub(super) trait Timed {
    /// The deadlines, each [`NEVER`] if there is none.
    fn due_ms(&self) -> [u64; 2];
    /// Where its earliest entry stands in the heap, [`NEVER`] if there is none. Kept by [`Timers`].
    fn scheduled_ms(&self) -> &Cell<u64>;
    /// Whether nobody waits for them any more.
    fn is_abandoned(&self) -> bool;
    /// Who is woken.
    fn waker(&self) -> Option<Waker>;
}

/// All deadlines of a shard.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    now_ms: u64,
    /// About how many entries are for nothing: an earlier one took over, or nobody waits any more.
    stale: usize,
}

struct Entry {
    at_ms: u64,
    timed: Rc<dyn Timed>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at_ms == other.at_ms
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ms.cmp(&other.at_ms)
    }
}

impl Timers {
    /// The time of the current turn.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Looks at `timed` at that time, which is before the time for which it is scheduled.
    pub(super) fn schedule(&mut self, timed: Rc<dyn Timed>, at_ms: u64) {
        if timed.scheduled_ms().replace(at_ms) != NEVER {
            self.note_stale();
        }
        self.heap.push(Reverse(Entry { at_ms, timed }));
    }

    /// Notes that something that stands in the heap has been abandoned.
    pub(super) fn abandon(&mut self) {
        self.note_stale();
    }

    /// Connections come and go much faster than their deadlines come due, so what they leave behind is swept out as soon
    /// as it is the greater part.
    fn note_stale(&mut self) {
        self.stale += 1;
        if self.stale > STALE_MAX.max(self.heap.len() / 2) {
            self.heap.retain(|Reverse(entry)| !entry.is_stale());
            self.stale = 0;
        }
    }

    /// Milliseconds until the next entry, if there is one.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(entry)| entry.at_ms.saturating_sub(self.now_ms))
    }

    /// Moves the time on. Wakers of deadlines that have come are put into `woken`.
    pub(super) fn turn(&mut self, now_ms: u64, woken: &mut Vec<Waker>) {
        self.now_ms = now_ms;
        while self.next_ms() == Some(0) {
            let Some(Reverse(entry)) = self.heap.pop() else { return };
            if entry.is_stale() {
                self.stale = self.stale.saturating_sub(1);
                continue;
            }
            let timed = entry.timed;
            timed.scheduled_ms().set(NEVER);
            let due_ms = timed.due_ms();
            if due_ms.iter().any(|&due_ms| due_ms <= now_ms) {
                woken.extend(timed.waker());
            }
            let next_ms = due_ms.into_iter().filter(|&due_ms| due_ms > now_ms).min().unwrap_or(NEVER);
            if next_ms != NEVER {
                self.schedule(timed, next_ms);
            }
        }
    }
}

impl Entry {
    fn is_stale(&self) -> bool {
        self.at_ms != self.timed.scheduled_ms().get() || self.timed.is_abandoned()
    }
}

/// One pause.
struct Sleep {
    due_ms: u64,
    scheduled_ms: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Timed for Sleep {
    fn due_ms(&self) -> [u64; 2] {
        [self.due_ms, NEVER]
    }

    fn scheduled_ms(&self) -> &Cell<u64> {
        &self.scheduled_ms
    }

    fn is_abandoned(&self) -> bool {
        self.waker.borrow().is_none()
    }

    fn waker(&self) -> Option<Waker> {
        self.waker.borrow().clone()
    }
}

/// Ends this many milliseconds from now.
pub(super) async fn sleep(ring: &Ring, milliseconds: u64) {
    let timers = &ring.0.timers;
    let due_ms = timers.borrow().now_ms + milliseconds;
    let sleep = Rc::new(Sleep { due_ms, scheduled_ms: Cell::new(NEVER), waker: RefCell::new(None) });
    let _sleeping = Sleeping(ring, &sleep);
    poll_fn(|context| {
        if due_ms <= timers.borrow().now_ms {
            return Poll::Ready(());
        }
        *sleep.waker.borrow_mut() = Some(context.waker().clone());
        if sleep.scheduled_ms.get() == NEVER {
            timers.borrow_mut().schedule(Rc::clone(&sleep) as Rc<dyn Timed>, due_ms);
        }
        Poll::Pending
    })
    .await;
}

/// Gives a pause up when its future is dropped.
struct Sleeping<'a>(&'a Ring, &'a Sleep);

impl Drop for Sleeping<'_> {
    fn drop(&mut self) {
        self.1.waker.take();
        if self.1.scheduled_ms.get() != NEVER {
            self.0.0.timers.borrow_mut().abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Guard {
        due_ms: [Cell<u64>; 2],
        scheduled_ms: Cell<u64>,
        waits: Cell<bool>,
    }

    impl Timed for Guard {
        fn due_ms(&self) -> [u64; 2] {
            [self.due_ms[0].get(), self.due_ms[1].get()]
        }

        fn scheduled_ms(&self) -> &Cell<u64> {
            &self.scheduled_ms
        }

        fn is_abandoned(&self) -> bool {
            !self.waits.get()
        }

        fn waker(&self) -> Option<Waker> {
            Some(Waker::noop().clone())
        }
    }

    fn guard(due_ms: [u64; 2]) -> Rc<Guard> {
        Rc::new(Guard {
            due_ms: due_ms.map(Cell::new),
            scheduled_ms: Cell::new(NEVER),
            waits: Cell::new(true),
        })
    }

    #[track_caller]
    fn check(timers: &mut Timers, rows: &[(u64, usize)]) {
        for &(now_ms, want) in rows {
            let mut woken = Vec::new();
            timers.turn(now_ms, &mut woken);
            assert_eq!(woken.len(), want, "at {now_ms}");
        }
    }

    #[test]
    fn each_of_two_deadlines_comes_due() {
        let mut timers = Timers::default();
        timers.schedule(guard([10, 30]), 10);
        check(&mut timers, &[(9, 0), (10, 1), (29, 0), (30, 1), (100, 0)]);
        assert_eq!(timers.next_ms(), None);
    }

    #[test]
    fn a_deadline_that_moved_later_is_looked_at_once_before() {
        let mut timers = Timers::default();
        let guard = guard([10, NEVER]);
        timers.schedule(Rc::clone(&guard) as Rc<dyn Timed>, 10);
        guard.due_ms[0].set(50);
        check(&mut timers, &[(10, 0), (49, 0), (50, 1), (51, 0)]);
    }

    #[test]
    fn an_earlier_entry_takes_over() {
        let mut timers = Timers::default();
        let guard = guard([100, 20]);
        timers.schedule(Rc::clone(&guard) as Rc<dyn Timed>, 100);
        timers.schedule(Rc::clone(&guard) as Rc<dyn Timed>, 20);
        check(&mut timers, &[(20, 1), (99, 0), (100, 1), (200, 0)]);
    }

    #[test]
    fn what_is_abandoned_leaves_the_heap() {
        let mut timers = Timers::default();
        let kept = guard([1_000_000, NEVER]);
        timers.schedule(Rc::clone(&kept) as Rc<dyn Timed>, 1_000_000);
        for _ in 0..100_000 {
            let gone = guard([1_000_000, NEVER]);
            timers.schedule(Rc::clone(&gone) as Rc<dyn Timed>, 1_000_000);
            gone.waits.set(false);
            timers.abandon();
            assert!(timers.heap.len() <= 2 * STALE_MAX);
        }
        check(&mut timers, &[(1_000_000, 1)]);
    }
}
