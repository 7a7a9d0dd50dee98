//! The state of one connection, and what completions do to it.
//!
//! Everything about a connection lies in one piece of memory: with many connections a request costs what it has to fetch
//! into the cache, and an idle connection costs what it holds.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use io_uring::{opcode, types};
use socket2::SockRef;

use super::Ring;
use super::buffers::{Chunk, GROUP};
use super::operation::{Completion, Operation};
use super::pages::Splicer;
use super::payload::Payload;
use super::timers::{NEVER, Timed};

/// Received chunks that wait for their reader before the socket stops receiving.
const QUEUED_CHUNKS_MAX: usize = 8;

/// A connection. The operations in flight on it own it together with the handles to it.
pub(super) struct Link {
    pub(super) ring: Ring,
    /// Closed by the ring when the last handle is gone.
    pub(super) fd: ManuallyDrop<OwnedFd>,
    /// Handles to it; see [`super::Socket`].
    pub(super) handles: Cell<u32>,
    /// The task that uses the connection. One at a time does.
    waker: RefCell<Option<Waker>>,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    /// Where the earliest entry for it stands in the heap of deadlines.
    scheduled_ms: Cell<u64>,
}

/// What has been received and not been read.
pub(super) struct Inbound {
    queue: RefCell<Queue>,
    /// The end of the stream: 0, or a negated error number.
    pub(super) ended: Cell<Option<i32>>,
    /// The multishot receive in flight.
    pub(super) armed: Cell<Option<usize>>,
    pausing: Cell<bool>,
    /// When nothing may be waited for any more, [`NEVER`] without a deadline.
    pub(super) due_ms: Cell<u64>,
}

/// What is being sent; a connect counts as the first thing sent.
pub(super) struct Outbound {
    /// Bytes that the kernel reads. They stay until it is done with them.
    payload: RefCell<Option<Payload>>,
    /// The send or connect in flight.
    armed: Cell<Option<usize>>,
    /// Whether the task waits until nothing is being sent.
    pub(super) awaited: Cell<bool>,
    pub(super) failed: Cell<Option<i32>>,
    /// When it must have been sent, [`NEVER`] while nothing is.
    pub(super) due_ms: Cell<u64>,
}

/// Chunks in the order received. Nearly always at most one, so the first needs no memory of its own.
#[derive(Default)]
struct Queue {
    first: Option<Chunk>,
    others: VecDeque<Chunk>,
}

impl Queue {
    fn push(&mut self, chunk: Chunk) {
        if self.first.is_none() {
            self.first = Some(chunk);
        } else {
            self.others.push_back(chunk);
        }
    }

    fn pop(&mut self) -> Option<Chunk> {
        let first = self.first.take()?;
        self.first = self.others.pop_front();
        Some(first)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }
}

impl Link {
    pub(super) fn new(ring: &Ring, fd: OwnedFd) -> Rc<Self> {
        Rc::new(Self {
            ring: ring.clone(),
            fd: ManuallyDrop::new(fd),
            handles: Cell::new(0),
            waker: RefCell::new(None),
            inbound: Inbound {
                queue: RefCell::default(),
                ended: Cell::new(None),
                armed: Cell::new(None),
                pausing: Cell::new(false),
                due_ms: Cell::new(NEVER),
            },
            outbound: Outbound {
                payload: RefCell::new(None),
                armed: Cell::new(None),
                awaited: Cell::new(false),
                failed: Cell::new(None),
                due_ms: Cell::new(NEVER),
            },
            scheduled_ms: Cell::new(NEVER),
        })
    }

    pub(super) fn ring_fd(&self) -> types::Fd {
        types::Fd(self.fd.as_raw_fd())
    }

    /// Remembers the task to wake. It stays until another one comes: one reference count less for each completion.
    pub(super) fn keep_waker(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    /// Lets the task look again.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Sets one of its two deadlines.
    pub(super) fn set_due(self: &Rc<Self>, due_ms: &Cell<u64>, milliseconds: u64) {
        let mut timers = self.ring.0.timers.borrow_mut();
        due_ms.set(timers.now_ms() + milliseconds);
        if due_ms.get() < self.scheduled_ms.get() {
            timers.schedule(Rc::clone(self) as Rc<dyn Timed>, due_ms.get());
        }
    }

    pub(super) fn is_over(&self, due_ms: &Cell<u64>) -> bool {
        due_ms.get() <= self.ring.0.timers.borrow().now_ms()
    }

    /// Whether nothing has been received that was not read, and the stream has not ended.
    pub(super) fn is_quiet(&self) -> bool {
        self.inbound.ended.get().is_none() && self.inbound.queue.borrow().first.is_none()
    }

    pub(super) fn next_received(&self) -> Option<Chunk> {
        self.inbound.queue.borrow_mut().pop()
    }

    /// Receives, unless it does already or nothing can come any more.
    pub(super) fn receive(self: &Rc<Self>) {
        if self.inbound.armed.get().is_none() && self.inbound.ended.get().is_none() {
            let entry = opcode::RecvMulti::new(self.ring_fd(), GROUP).build();
            let key = self.ring.submit(Operation::Receive(Rc::clone(self)), entry);
            self.inbound.armed.set(Some(key));
        }
    }

    /// A completion of the receive.
    pub(super) fn received(&self, completion: Completion) {
        if let (Some(id), Ok(bytes)) = (completion.buffer(), completion.outcome()) {
            let chunk = Chunk::new(&self.ring, id, bytes);
            if self.handles.get() > 0 && bytes > 0 {
                self.inbound.queue.borrow_mut().push(chunk);
            }
        }
        if completion.more() {
            self.pause_when_full();
        } else {
            self.inbound.armed.set(None);
            self.inbound.pausing.set(false);
            match -completion.result {
                // Paused, or out of buffers for a moment: the next read goes on.
                libc::ECANCELED | libc::ENOBUFS => {}
                error if error >= 0 => self.inbound.ended.set(Some(completion.result)),
                _ => {}
            }
        }
        self.wake();
    }

    fn pause_when_full(&self) {
        if self.inbound.queue.borrow().len() >= QUEUED_CHUNKS_MAX
            && !self.inbound.pausing.get()
            && let Some(key) = self.inbound.armed.get()
        {
            self.inbound.pausing.set(true);
            self.ring.cancel(key);
        }
    }

    /// Sends; nothing else is being sent.
    pub(super) fn send(self: &Rc<Self>, payload: Payload) {
        debug_assert!(!self.is_busy(), "one thing at a time");
        self.set_due(&self.outbound.due_ms, payload.timeout_ms);
        self.go_on(payload);
    }

    fn go_on(self: &Rc<Self>, payload: Payload) {
        debug_assert!(self.handles.get() > 0, "when it is closed, the number of its file may be another's");
        if let Some(splicer) = self.splicer(&payload) {
            return self.offer(payload, splicer);
        }
        let entry = {
            let mut kept = self.outbound.payload.borrow_mut();
            kept.insert(payload).send(self.ring_fd())
        };
        let key = self.ring.submit(Operation::Send(Rc::clone(self)), entry);
        self.outbound.armed.set(Some(key));
    }

    /// What sends a payload from where it lies, if that can be.
    fn splicer(&self, payload: &Payload) -> Option<&Splicer> {
        self.ring.0.splicer.as_ref().filter(|_| payload.is_paged())
    }

    /// Sends what can be sent from where it lies: as much as the socket takes, and the rest when it has room again.
    fn offer(self: &Rc<Self>, mut payload: Payload, splicer: &Splicer) {
        let before = payload.sent;
        let offered = payload.offer(self.fd.as_fd(), splicer);
        if offered.is_ok() && payload.rest_bytes() > 0 {
            if payload.sent > before {
                self.set_due(&self.outbound.due_ms, payload.timeout_ms);
            }
            self.outbound.payload.replace(Some(payload));
            let room = opcode::PollAdd::new(self.ring_fd(), libc::POLLOUT as u32).build();
            let key = self.ring.submit(Operation::Send(Rc::clone(self)), room);
            return self.outbound.armed.set(Some(key));
        }
        if let Err(error) = offered {
            self.outbound.failed.set(Some(-error.raw_os_error().unwrap_or(libc::EIO)));
        }
        self.finish(payload);
    }

    /// The completion of a send.
    pub(super) fn sent(self: Rc<Self>, completion: Completion) {
        self.outbound.armed.set(None);
        let Some(mut payload) = self.outbound.payload.take() else { return };
        if self.handles.get() == 0 {
            // Closed meanwhile: the number of its file may be another's.
            return self.finish(payload);
        }
        match completion.outcome() {
            // There is room: what comes is no count.
            Ok(_) if self.splicer(&payload).is_some() => return self.go_on(payload),
            Ok(bytes) if bytes > 0 && bytes < payload.rest_bytes() => {
                payload.sent += bytes;
                self.set_due(&self.outbound.due_ms, payload.timeout_ms);
                return self.go_on(payload);
            }
            Ok(_) => {}
            Err(_) => self.outbound.failed.set(Some(completion.result)),
        }
        self.finish(payload);
    }

    /// A payload has been sent, or never will be.
    fn finish(&self, payload: Payload) {
        payload.recycle(&self.ring);
        self.settle();
    }

    /// Connects; nothing has been sent.
    pub(super) fn connect(self: &Rc<Self>, address: socket2::SockAddr) {
        let address = Box::new(address);
        let entry = opcode::Connect::new(self.ring_fd(), address.as_ptr().cast(), address.len()).build();
        let key = self.ring.submit(Operation::Connect(Rc::clone(self), address), entry);
        self.outbound.armed.set(Some(key));
    }

    /// The completion of a connect.
    pub(super) fn connected(&self, completion: Completion) {
        self.outbound.armed.set(None);
        if completion.outcome().is_err() {
            self.outbound.failed.set(Some(completion.result));
        }
        self.settle();
    }

    /// Whether something is being sent, or the connection being made.
    pub(super) fn is_busy(&self) -> bool {
        self.outbound.armed.get().is_some()
    }

    /// Whether it has bytes that the kernel has not taken yet and may still take.
    pub(super) fn has_unsent(&self) -> bool {
        self.is_busy() && self.outbound.payload.borrow().is_some() && !self.is_over(&self.outbound.due_ms)
    }

    /// Nothing is being sent any more.
    fn settle(&self) {
        self.outbound.due_ms.set(NEVER);
        if self.outbound.awaited.take() {
            self.wake();
        }
    }

    /// Closes, after the last handle is gone. The close goes through the ring, so that it comes behind what is already
    /// submitted. An operation in flight holds the file, so without the cancels no FIN would be sent. A peer that did not
    /// take its bytes in time is reset: it might never take what waits for it in the kernel.
    pub(super) fn close(&self) {
        self.inbound.queue.take();
        self.waker.take();
        if self.is_busy() && self.outbound.payload.borrow().is_some() {
            // Without it the peer is told in order, and keeps the kernel's memory longer.
            let _ = SockRef::from(&*self.fd).set_linger(Some(Duration::ZERO));
        }
        for key in [self.inbound.armed.get(), self.outbound.armed.get()].into_iter().flatten() {
            self.ring.cancel(key);
        }
        self.ring.submit_ignored(opcode::Close::new(self.ring_fd()).build());
        if self.scheduled_ms.get() != NEVER {
            self.ring.0.timers.borrow_mut().abandon();
        }
    }
}

impl Timed for Link {
    fn due_ms(&self) -> [u64; 2] {
        [self.inbound.due_ms.get(), self.outbound.due_ms.get()]
    }

    fn scheduled_ms(&self) -> &Cell<u64> {
        &self.scheduled_ms
    }

    fn is_abandoned(&self) -> bool {
        self.handles.get() == 0
    }

    fn waker(&self) -> Option<Waker> {
        self.waker.borrow().clone()
    }
}
