//! Deadlines. Setting one is a store: a deadline that moves later costs nothing until the old one comes due.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::Ring;

/// A deadline that never comes.
const NEVER: u64 = u64::MAX;

/// One deadline, owned by what it guards.
pub(super) struct Deadline {
    due_ms: Cell<u64>,
    /// The earliest entry in the heap, [`NEVER`] if there is none.
    scheduled_ms: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Deadline {
    pub(super) fn new() -> Rc<Self> {
        let (due_ms, scheduled_ms) = (Cell::new(NEVER), Cell::new(NEVER));
        Rc::new(Self { due_ms, scheduled_ms, waker: RefCell::new(None) })
    }

    /// Comes due this many milliseconds from now.
    pub(super) fn set(self: &Rc<Self>, ring: &Ring, milliseconds: u64) {
        let due_ms = ring.0.timers.borrow().now_ms + milliseconds;
        self.due_ms.set(due_ms);
        if due_ms < self.scheduled_ms.get() {
            ring.0.timers.borrow_mut().schedule(self, due_ms);
        }
    }

    /// Never comes due.
    pub(super) fn clear(&self) {
        self.due_ms.set(NEVER);
    }

    /// Whether it has come; else `waker` is woken when it does.
    pub(super) fn has_come(&self, ring: &Ring, waker: &Waker) -> bool {
        if self.due_ms.get() <= ring.0.timers.borrow().now_ms {
            return true;
        }
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
        false
    }
}

/// All deadlines of a shard.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    now_ms: u64,
}

struct Entry {
    at_ms: u64,
    deadline: Rc<Deadline>,
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
    fn schedule(&mut self, deadline: &Rc<Deadline>, at_ms: u64) {
        deadline.scheduled_ms.set(at_ms);
        self.heap.push(Reverse(Entry { at_ms, deadline: Rc::clone(deadline) }));
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
            let deadline = entry.deadline;
            if entry.at_ms != deadline.scheduled_ms.get() {
                continue; // an earlier entry took over
            }
            deadline.scheduled_ms.set(NEVER);
            let due_ms = deadline.due_ms.get();
            if due_ms <= now_ms {
                woken.extend(deadline.waker.borrow_mut().take());
            } else if due_ms != NEVER && Rc::strong_count(&deadline) > 1 {
                self.schedule(&deadline, due_ms);
            }
        }
    }
}

pub(super) async fn sleep(ring: &Ring, milliseconds: u64) {
    let deadline = Deadline::new();
    deadline.set(ring, milliseconds);
    poll_fn(|context| if deadline.has_come(ring, context.waker()) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}
