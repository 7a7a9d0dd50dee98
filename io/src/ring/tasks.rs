//! The tasks of a shard: futures that completions wake.
//!
//! A queue of its own instead of the executor's saves a few percent of a request (`docs/decisions/0005-task-queue.md`):
//! a task is woken by putting its number into a list.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use slab::Slab;

use super::Ring;

thread_local! {
    /// Tasks of this thread's ring that are to be polled, each once.
    static READY: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// All tasks.
#[derive(Default)]
pub(super) struct Tasks {
    slots: RefCell<Slab<Option<Task>>>,
    /// The list that is being worked off, kept for its memory.
    running: RefCell<Vec<usize>>,
    activity: Activity,
}

/// How many tasks had something to do lately, each counted once in a millisecond.
#[derive(Default)]
struct Activity {
    /// The millisecond that is being counted.
    window_ms: Cell<u64>,
    count: Cell<u32>,
    /// The count of the window before.
    last: Cell<u32>,
}

/// A task that is not being polled.
struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    number: Arc<Number>,
    waker: Waker,
    /// When it was last counted in [`Activity`].
    counted_ms: u64,
}

/// What a waker knows. Wakers must be `Send`, so it cannot hold the ring; they are used on the ring's thread only.
struct Number {
    key: usize,
    /// Whether the key is in [`READY`]. An atomic because wakers are shared; never contended.
    is_ready: AtomicBool,
}

impl Wake for Number {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.load(Ordering::Relaxed) {
            self.is_ready.store(true, Ordering::Relaxed);
            READY.with_borrow_mut(|ready| ready.push(self.key));
        }
    }
}

/// Adds a task; it is polled in the next turn.
pub(super) fn spawn(future: Pin<Box<dyn Future<Output = ()>>>, tasks: &Tasks) {
    let mut slots = tasks.slots.borrow_mut();
    let slot = slots.vacant_entry();
    let number = Arc::new(Number { key: slot.key(), is_ready: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&number));
    slot.insert(Some(Task { future, number, waker: waker.clone(), counted_ms: u64::MAX }));
    drop(slots);
    waker.wake();
}

/// Polls every task that was ready when the call began. Returns their number.
pub(super) fn run(ring: &Ring) -> usize {
    let tasks = &ring.0.tasks;
    let now_ms = ring.now().monotonic_ns / 1_000_000;
    tasks.activity.begin_window(now_ms);
    let mut running = tasks.running.take();
    READY.with_borrow_mut(|ready| std::mem::swap(ready, &mut running));
    let count = running.len();
    for key in running.drain(..) {
        // A key may outlive its task by one turn, or already be that of the next one: then the wake-up is for nothing.
        let task = tasks.slots.borrow_mut().get_mut(key).and_then(Option::take);
        let Some(mut task) = task else { continue };
        task.number.is_ready.store(false, Ordering::Relaxed);
        if task.counted_ms != now_ms {
            task.counted_ms = now_ms;
            tasks.activity.count.set(tasks.activity.count.get() + 1);
        }
        if task.future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
            tasks.slots.borrow_mut().remove(key);
        } else if let Some(slot) = tasks.slots.borrow_mut().get_mut(key) {
            *slot = Some(task);
        }
    }
    tasks.running.replace(running);
    count
}

impl Tasks {
    /// How many tasks were active in the last millisecond or two, at least one.
    pub(super) fn active(&self) -> u32 {
        self.activity.count.get().max(self.activity.last.get()).max(1)
    }
}

impl Activity {
    fn begin_window(&self, now_ms: u64) {
        if self.window_ms.replace(now_ms) != now_ms {
            self.last.set(self.count.replace(0));
        }
    }
}
