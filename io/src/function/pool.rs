//! One function on one shard: its processes, and the invocations that wait for one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tidegate_core::exchange::InvokeFailure;
use tidegate_core::plan::Function;

use super::Places;
use super::invocation::{Failure, Invocation, Loss};
use super::slot::Slot;

/// A function on a shard.
pub(crate) struct Pool {
    function: Arc<Function>,
    slots: RefCell<Vec<Rc<Slot>>>,
    /// Processes that wait for an invocation; the one that waits shortest is used next, since its memory is warm.
    idle: RefCell<Vec<Rc<Slot>>>,
    /// Invocations that wait for a process.
    waiting: RefCell<VecDeque<Rc<Invocation>>>,
}

impl Pool {
    /// Starts the function's processes.
    pub(super) fn start(function: &Function, region: &Arc<str>, places: &Rc<Places>) -> Rc<Self> {
        let function = Arc::new(function.clone());
        let pool = Rc::new(Self {
            function: Arc::clone(&function),
            slots: RefCell::default(),
            idle: RefCell::default(),
            waiting: RefCell::default(),
        });
        let slot = |_| Slot::start(&function, region, Rc::downgrade(&pool), places);
        *pool.slots.borrow_mut() = (0..function.concurrency).map(slot).collect();
        pool
    }

    /// Whether it is the pool of this function, unchanged.
    pub(super) fn is_for(&self, function: &Function) -> bool {
        *self.function == *function
    }

    /// Gives an invocation to a process that waits, or lets it wait. While no process is alive nor being started it fails
    /// at once, as one does that the process dies of.
    pub(super) fn admit(&self, invocation: &Rc<Invocation>) -> Result<(), Failure> {
        let idle = self.idle.borrow_mut().pop();
        if let Some(slot) = idle {
            slot.give(invocation);
            return Ok(());
        }
        if self.is_down() {
            return Err(Failure::Function(invocation.document(&Loss::Down)));
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= self.function.queue {
            return Err(Failure::Refused(InvokeFailure::Throttled));
        }
        waiting.push_back(Rc::clone(invocation));
        Ok(())
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&self, invocation: &Rc<Invocation>) {
        self.waiting.borrow_mut().retain(|other| !Rc::ptr_eq(other, invocation));
    }

    /// The invocation that has waited longest.
    pub(super) fn next(&self) -> Option<Rc<Invocation>> {
        self.waiting.borrow_mut().pop_front()
    }

    /// A process waits.
    pub(super) fn wait(&self, slot: &Rc<Slot>) {
        self.idle.borrow_mut().push(Rc::clone(slot));
    }

    /// A process waits no more.
    pub(super) fn forget(&self, slot: &Rc<Slot>) {
        self.idle.borrow_mut().retain(|other| !Rc::ptr_eq(other, slot));
    }

    /// A process has gone down. If it was the last, nobody is left to wait for.
    pub(super) fn went_down(&self) {
        if self.is_down() {
            let waiting = self.waiting.take();
            for invocation in waiting {
                invocation.end(Err(Failure::Function(invocation.document(&Loss::Down))));
            }
        }
    }

    fn is_down(&self) -> bool {
        self.slots.borrow().iter().all(|slot| slot.is_down())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.slots.borrow().iter().for_each(|slot| slot.retire());
    }
}
