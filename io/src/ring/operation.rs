//! Operations in flight, and what a completion does to each kind.
//!
//! An operation's slot is free only when its last completion has come; until then it owns whatever memory the kernel
//! may touch, whether or not anyone still waits for it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use io_uring::{cqueue, squeue};
use slab::Slab;
use socket2::SockAddr;

use super::Ring;
use super::accept::Accepted;
use super::driver::Bell;
use super::link::Link;

/// The user data of operations that nobody waits for and that own nothing; they have no slot.
pub(super) const IGNORED: u64 = u64::MAX;

/// An operation in flight.
pub(super) enum Operation {
    /// A connect, with the address that the kernel reads.
    Connect(Rc<Link>, #[expect(dead_code, reason = "kept for the kernel")] Box<SockAddr>),
    /// A multishot receive.
    Receive(Rc<Link>),
    /// A send. The link keeps the bytes that the kernel reads.
    Send(Rc<Link>),
    /// A multishot accept.
    Accept(Rc<Accepted>),
    /// A multishot poll of the doorbell.
    Bell(Rc<Bell>),
}

/// What a completion says.
#[derive(Clone, Copy)]
pub(super) struct Completion {
    user_data: u64,
    pub(super) result: i32,
    flags: u32,
}

impl Completion {
    pub(super) fn new(entry: &cqueue::Entry) -> Self {
        Self { user_data: entry.user_data(), result: entry.result(), flags: entry.flags() }
    }

    /// Whether the operation goes on.
    pub(super) fn more(self) -> bool {
        cqueue::more(self.flags)
    }

    pub(super) fn buffer(self) -> Option<u16> {
        cqueue::buffer_select(self.flags)
    }

    pub(super) fn outcome(self) -> io::Result<usize> {
        outcome(self.result)
    }
}

/// The kernel answers with a count or a negated error number.
pub(super) fn outcome(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}

impl Ring {
    /// Puts an operation and its submission in place. The kernel gets it when the current turn ends.
    pub(super) fn submit(&self, operation: Operation, entry: squeue::Entry) -> usize {
        let key = self.operations().borrow_mut().insert(operation);
        self.push(&entry.user_data(key as u64));
        key
    }

    /// Submits what owns nothing and interests nobody.
    pub(super) fn submit_ignored(&self, entry: squeue::Entry) {
        self.push(&entry.user_data(IGNORED).flags(squeue::Flags::SKIP_SUCCESS));
    }

    /// Asks the kernel to end an operation early; its last completion comes as usual.
    pub(super) fn cancel(&self, key: usize) {
        self.submit_ignored(io_uring::opcode::AsyncCancel::new(key as u64).build());
    }

    /// Applies a completion. Runs no task; wakes at most one.
    pub(super) fn complete(&self, completion: Completion) {
        if completion.user_data == IGNORED {
            return;
        }
        let key = completion.user_data as usize;
        match self.take_or_keep(key, completion.more()) {
            Some(Operation::Receive(link)) => link.received(completion),
            Some(Operation::Send(link)) => link.sent(completion),
            Some(Operation::Accept(accepted)) => accepted.complete(completion),
            Some(Operation::Bell(bell)) => bell.complete(self, completion),
            Some(Operation::Connect(link, _)) => link.connected(completion),
            None => debug_assert!(false, "a completion for a free slot"),
        }
    }

    /// The operation: out of its slot if this is its last completion, else a handle to the same.
    fn take_or_keep(&self, key: usize, more: bool) -> Option<Operation> {
        let mut operations = self.operations().borrow_mut();
        if !more {
            return operations.try_remove(key);
        }
        match operations.get(key)? {
            Operation::Receive(link) => Some(Operation::Receive(Rc::clone(link))),
            Operation::Accept(accepted) => Some(Operation::Accept(Rc::clone(accepted))),
            Operation::Bell(bell) => Some(Operation::Bell(Rc::clone(bell))),
            Operation::Connect(..) | Operation::Send(..) => None,
        }
    }

    fn operations(&self) -> &RefCell<Slab<Operation>> {
        &self.0.operations
    }
}
