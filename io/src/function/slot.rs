//! The place of one process: what it is doing.
//!
//! ```text
//!        start            /next            given            answered
//! Down --------> Starting ------> Waiting ------> Busy ----------------> Between --+
//!   ^               |                ^  ^           |                      | /next |
//!   |               |                |  +-----------|----------------------+       |
//!   +---------------+----------------+--------------+------------------------------+
//!                         the process has ended
//! ```

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;

use tidegate_core::plan::Function;

use super::current::Current;
use super::invocation::{Failure, Invocation, Loss, Outcome, Response};
use super::pool::Pool;
use super::{Places, life};
use crate::ring::Ring;
use crate::transport::Transport;

/// The place of one process.
pub(crate) struct Slot {
    pub(super) key: usize,
    pub(super) function: Arc<Function>,
    pub(super) region: Arc<str>,
    pub(super) pool: Weak<Pool>,
    pub(super) places: Rc<Places>,
    pub(super) state: RefCell<State>,
    /// Invocation of the process, for its log lines.
    pub(super) current: Arc<Current>,
    /// How its process has ended, until the life sees it.
    pub(super) ended: RefCell<Option<String>>,
    /// The life's waker.
    pub(super) waker: RefCell<Option<Waker>>,
    /// Whether the process has answered anything.
    pub(super) served: Cell<bool>,
    /// Nothing invokes it any more.
    pub(super) retired: Cell<bool>,
    /// Connections of the runtime.
    pub(super) connections: Cell<usize>,
}

/// What its process is doing.
pub(super) enum State {
    /// There is none, nor one being started.
    Down,
    /// It has not asked for an invocation yet.
    Starting,
    /// It waits for an invocation on this connection.
    Waiting(Transport),
    /// It has one until then; `to` is the connection that has yet to send it.
    Busy { invocation: Rc<Invocation>, due_ms: u64, to: Option<Transport>, _working: Working },
    /// It has answered and not asked for another, or lost the connection on which it waited.
    Between,
}

/// While the process works, the shard leaves it the CPU when it has nothing to do itself.
pub(super) struct Working(Ring);

impl Working {
    fn new(ring: &Ring) -> Self {
        ring.yield_cpu();
        Self(ring.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.poll_again();
    }
}

impl Slot {
    /// Makes a place and lets its life begin.
    pub(super) fn start(
        function: &Arc<Function>,
        region: &Arc<str>,
        pool: Weak<Pool>,
        places: &Rc<Places>,
    ) -> Rc<Self> {
        let mut slots = places.slots.borrow_mut();
        let entry = slots.vacant_entry();
        let slot = Rc::new(Self {
            key: entry.key(),
            function: Arc::clone(function),
            region: Arc::clone(region),
            pool,
            places: Rc::clone(places),
            state: RefCell::new(State::Starting),
            current: Arc::default(),
            ended: RefCell::default(),
            waker: RefCell::default(),
            served: Cell::new(false),
            retired: Cell::new(false),
            connections: Cell::new(0),
        });
        entry.insert(Rc::clone(&slot));
        places.ring.spawn(life::live(Rc::clone(&slot)));
        slot
    }

    pub(super) fn name(&self) -> &str {
        &self.function.name
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.places.ring
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(*self.state.borrow(), State::Down)
    }

    /// Its process has ended, or could not be started.
    pub(super) fn note_end(&self, end: String) {
        *self.ended.borrow_mut() = Some(end);
        self.wake();
    }

    /// Nothing invokes it any more: its process stops when it has answered what it has.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        self.wake();
    }

    /// Gives an invocation to the process, which waits.
    pub(super) fn give(&self, invocation: &Rc<Invocation>) {
        let due_ms = self.now_ms() + self.function.timeout_ms;
        self.current.set(invocation.id);
        let mut state = self.state.borrow_mut();
        let State::Waiting(to) = &*state else { return };
        let to = to.clone();
        to.nudge();
        *state = State::Busy {
            invocation: Rc::clone(invocation),
            due_ms,
            to: Some(to),
            _working: Working::new(&self.places.ring),
        };
    }

    /// The runtime asks for an invocation on this connection: it gets the one that has waited longest, or waits. One that it
    /// has and has not answered is over.
    pub(super) fn ask(self: &Rc<Self>, connection: &Transport) {
        if self.is_down() {
            return;
        }
        self.lose(&Loss::Skipped);
        let Some(pool) = self.pool.upgrade() else { return };
        pool.forget(self);
        let earlier = self.state.replace(State::Waiting(connection.clone()));
        if let State::Waiting(earlier) = earlier {
            earlier.nudge();
        }
        match pool.next() {
            Some(invocation) => self.give(&invocation),
            None => pool.wait(self),
        }
        self.wake_if_retired();
    }

    /// Whether there is news for the connection that has asked: an invocation, or that another has asked since.
    pub(super) fn is_settled(&self, connection: &Transport) -> bool {
        !matches!(&*self.state.borrow(), State::Waiting(asking) if asking.is(connection))
    }

    /// The message for the connection that has asked, once.
    pub(super) fn take(&self, connection: &Transport) -> Option<Vec<u8>> {
        let State::Busy { invocation, due_ms, to, .. } = &mut *self.state.borrow_mut() else { return None };
        to.take_if(|to| to.is(connection))?;
        let now = self.places.ring.now();
        let left_ms = due_ms.saturating_sub(now.monotonic_ns / 1_000_000);
        Some(invocation.message(now.unix_ms + left_ms))
    }

    /// The connection that has asked is gone.
    pub(super) fn leave(self: &Rc<Self>, connection: &Transport) {
        if !self.is_settled(connection) {
            self.state.replace(State::Between);
            if let Some(pool) = self.pool.upgrade() {
                pool.forget(self);
            }
        }
    }

    /// Whether it has this invocation.
    pub(super) fn has(&self, id: &[u8]) -> bool {
        matches!(&*self.state.borrow(), State::Busy { invocation, .. } if invocation.is(id))
    }

    /// The runtime has begun to answer an invocation that wants its answer so, and has it until [`Slot::answer`]. False when
    /// it has not got that one.
    pub(super) fn begin_answer(&self, id: &[u8], response: Response) -> bool {
        let invocation = match &*self.state.borrow() {
            State::Busy { invocation, .. } if invocation.is(id) => Rc::clone(invocation),
            _ => return false,
        };
        invocation.end(Ok(response));
        true
    }

    /// Whether it has this invocation, and its answer is wanted as soon as it has begun.
    pub(super) fn streams(&self, id: &[u8]) -> bool {
        matches!(&*self.state.borrow(), State::Busy { invocation, .. } if invocation.is(id) && invocation.streams)
    }

    /// The runtime answers an invocation. False when it has not got that one.
    pub(super) fn answer(&self, id: &[u8], outcome: Outcome) -> bool {
        let is_it = self.has(id);
        if is_it && let State::Busy { invocation, .. } = self.state.replace(State::Between) {
            invocation.end(outcome);
            self.served.set(true);
            self.wake_if_retired();
        }
        is_it
    }

    /// The invocation that it has fails.
    pub(super) fn lose(&self, loss: &Loss) {
        let is_busy = matches!(*self.state.borrow(), State::Busy { .. });
        if is_busy && let State::Busy { invocation, .. } = self.state.replace(State::Between) {
            let document = invocation.document(loss);
            let request_id = invocation.request_id();
            tracing::warn!(function = self.name(), %request_id, "the invocation failed: {loss}");
            invocation.end(Err(Failure::Function(document)));
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.places.ring.now().monotonic_ns / 1_000_000
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn wake_if_retired(&self) {
        if self.retired.get() {
            self.wake();
        }
    }
}
