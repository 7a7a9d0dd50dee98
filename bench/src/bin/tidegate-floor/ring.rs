//! The ring: what the relay asks of the kernel, and the kernel's answers. Opened, entered and parked as the gateway's
//! (`io/src/ring/`).
//!
//! Every operation is named by an [`Operation`], which is its user data. None points to memory that could go away: sends
//! and receives use the ring's own buffers, connects the one address that the ring keeps.
//!
//! Tried and left out, since none changed the CPU time per request by more than 1 % (64 connections, 11 byte answers, 8 to
//! 40 interleaved rounds, kernel 6.18): registered files for sockets, a registered ring descriptor,
//! IORING_SETUP_NO_SQARRAY, sends without MSG_WAITALL, another congestion control on these sockets alone.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

use io_uring::{EnterFlags, IoUring, cqueue, opcode, squeue, types};
use socket2::SockAddr;

use super::buffers::{Buffers, Chunk, GROUP};

/// Submission queue entries. A turn with more submissions enters the kernel in between.
const SUBMISSIONS: u32 = 1024;
/// Completion queue entries; the kernel keeps what does not fit (IORING_FEAT_NODROP).
const COMPLETIONS: u32 = 8192;
/// Completions that are taken before new submissions go to the kernel.
const COMPLETIONS_PER_TURN: usize = 256;

/// The user data of operations that nobody waits for.
const IGNORED: u64 = u64::MAX;

/// The thread's ring, its buffers, and where it connects to.
pub(crate) struct Ring {
    /// Before what it refers to, so that it is dropped first.
    uring: IoUring,
    buffers: Buffers,
    origin: Box<SockAddr>,
}

/// One of the two connections of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client = 0,
    Origin = 1,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Origin];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Origin,
            Self::Origin => Self::Client,
        }
    }
}

/// What is in flight, and for which pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The multishot accept.
    Accept,
    /// The connect of a pair to the origin.
    Connect(usize),
    /// The multishot receive on one side.
    Receive(usize, Side),
    /// A send of what was received on this side, to the other one.
    Send(usize, Side),
}

impl Operation {
    const KIND_BITS: u32 = 3;

    fn user_data(self) -> u64 {
        let (kind, key) = match self {
            Self::Accept => (0, 0),
            Self::Connect(key) => (1, key),
            Self::Receive(key, side) => (2 + side as u64, key),
            Self::Send(key, side) => (4 + side as u64, key),
        };
        (key as u64) << Self::KIND_BITS | kind
    }

    /// `None` for [`IGNORED`].
    fn named(user_data: u64) -> Option<Self> {
        let key = (user_data >> Self::KIND_BITS) as usize;
        match user_data & ((1 << Self::KIND_BITS) - 1) {
            0 => Some(Self::Accept),
            1 => Some(Self::Connect(key)),
            2 => Some(Self::Receive(key, Side::Client)),
            3 => Some(Self::Receive(key, Side::Origin)),
            4 => Some(Self::Send(key, Side::Client)),
            5 => Some(Self::Send(key, Side::Origin)),
            _ => None,
        }
    }
}

/// What the kernel says of an operation.
pub(crate) struct Completion {
    pub(crate) operation: Operation,
    /// A count or a file descriptor, or a negated error number.
    pub(crate) result: i32,
    /// Whether more completions of the operation follow.
    pub(crate) more: bool,
    /// The buffer that it filled.
    buffer: Option<u16>,
}

impl Completion {
    fn read(entry: &cqueue::Entry) -> Option<Self> {
        Some(Self {
            operation: Operation::named(entry.user_data())?,
            result: entry.result(),
            more: cqueue::more(entry.flags()),
            buffer: cqueue::buffer_select(entry.flags()),
        })
    }

    /// The accepted connection.
    pub(crate) fn connection(&self) -> io::Result<OwnedFd> {
        debug_assert_eq!(self.operation, Operation::Accept);
        if self.result < 0 {
            return Err(io::Error::from_raw_os_error(-self.result));
        }
        // JUSTIFICATION: completions carry descriptors as numbers.
        // SAFETY: the number comes from a successful accept and is open; the relay takes it over once.
        Ok(unsafe { OwnedFd::from_raw_fd(self.result) })
    }
}

impl Ring {
    /// Opens the ring of the current thread, which is the only one that may use it from then on.
    pub(crate) fn open(origin: SocketAddr) -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SUBMISSIONS)?;
        let buffers = Buffers::register(&uring)?;
        Ok(Self { uring, buffers, origin: Box::new(SockAddr::from(origin)) })
    }

    /// Accepts connections until told otherwise.
    pub(crate) fn accept(&mut self, listener: RawFd) {
        let entry = opcode::AcceptMulti::new(types::Fd(listener)).flags(libc::SOCK_CLOEXEC).build();
        self.submit(entry, Operation::Accept);
    }

    /// Connects a socket to the origin.
    pub(crate) fn connect(&mut self, key: usize, socket: RawFd) {
        let address = &self.origin;
        let entry = opcode::Connect::new(types::Fd(socket), address.as_ptr().cast(), address.len()).build();
        self.submit(entry, Operation::Connect(key));
    }

    /// Receives into the ring's buffers until the end of the stream, or until it is cancelled.
    pub(crate) fn receive(&mut self, key: usize, from: Side, socket: RawFd) {
        let entry = opcode::RecvMulti::new(types::Fd(socket), GROUP).build();
        self.submit(entry, Operation::Receive(key, from));
    }

    /// Sends the rest of a chunk that was received on side `from`. The caller keeps the chunk until it is over.
    pub(crate) fn send(&mut self, key: usize, from: Side, socket: RawFd, chunk: &Chunk) {
        let (start, bytes) = self.buffers.rest(chunk);
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        let entry = opcode::Send::new(types::Fd(socket), start, bytes).flags(flags).build();
        self.submit(entry, Operation::Send(key, from));
    }

    /// Asks the kernel to end an operation early; its last completion comes as usual.
    pub(crate) fn cancel(&mut self, operation: Operation) {
        self.submit_ignored(opcode::AsyncCancel::new(operation.user_data()).build());
    }

    /// Closes a socket that has no operation in flight.
    pub(crate) fn close(&mut self, socket: OwnedFd) {
        self.submit_ignored(opcode::Close::new(types::Fd(socket.into_raw_fd())).build());
    }

    /// What a receive has filled, if it has. To be called once for each completion.
    pub(crate) fn chunk(&mut self, completion: &Completion) -> Option<Chunk> {
        let bytes = u32::try_from(completion.result).ok()?;
        completion.buffer.map(|id| self.buffers.take(id, bytes))
    }

    /// Whether the kernel has a buffer to receive into.
    pub(crate) fn has_buffers(&self) -> bool {
        self.buffers.free() > 0
    }

    /// Lends a buffer to the kernel again.
    pub(crate) fn give_back(&mut self, chunk: Chunk) {
        self.buffers.give_back(chunk);
    }

    /// Hands submissions to the kernel, runs its deferred work and takes completions into `batch`. One system call, or
    /// none when there is nothing to submit, nothing to be run and nothing to wait for.
    pub(crate) fn turn(&mut self, wait_for: u32, batch: &mut Vec<Completion>) -> io::Result<()> {
        let (pending, deferred) = {
            let submissions = self.uring.submission();
            (submissions.len(), submissions.taskrun() || submissions.cq_overflow())
        };
        if pending > 0 || deferred || wait_for > 0 {
            self.enter(pending as u32, wait_for)?;
        }
        batch.extend(
            self.uring.completion().take(COMPLETIONS_PER_TURN).filter_map(|entry| Completion::read(&entry)),
        );
        Ok(())
    }

    fn enter(&self, pending: u32, wait_for: u32) -> io::Result<()> {
        let flags = EnterFlags::GETEVENTS.bits();
        // JUSTIFICATION: `submit` does not run deferred task work when it does not wait (tokio-rs/io-uring#263).
        // SAFETY: no argument is passed; submissions obey the contract of `submit`.
        let entered =
            unsafe { self.uring.submitter().enter::<libc::sigset_t>(pending, wait_for, flags, None) };
        match entered {
            // Interrupted, or the completion queue must be emptied first: the next turn tries again.
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    fn submit(&mut self, entry: squeue::Entry, operation: Operation) {
        self.push(&entry.user_data(operation.user_data()));
    }

    fn submit_ignored(&mut self, entry: squeue::Entry) {
        self.push(&entry.user_data(IGNORED).flags(squeue::Flags::SKIP_SUCCESS));
    }

    fn push(&mut self, entry: &squeue::Entry) {
        loop {
            // JUSTIFICATION: the submission queue has no safe interface.
            // SAFETY: what `entry` points to is the origin's address or one of the buffers, which live as long as the
            // ring. Nothing of ours reads or writes a buffer, so no reference to one is ever wrong.
            if unsafe { self.uring.submission().push(entry) }.is_ok() {
                return;
            }
            // Full: hand over what is there. It cannot stay full, for the kernel copies entries as it takes them.
            let _ = self.uring.submit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_apart() {
        let mut operations = vec![Operation::Accept];
        for key in [0, 1, 4095] {
            operations.push(Operation::Connect(key));
            for side in Side::BOTH {
                operations.extend([Operation::Receive(key, side), Operation::Send(key, side)]);
            }
        }
        for operation in operations {
            assert_eq!(Operation::named(operation.user_data()), Some(operation));
        }
        assert_eq!(Operation::named(IGNORED), None);
    }
}
