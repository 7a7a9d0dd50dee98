//! A connected stream socket on the ring.
//!
//! Receiving is one multishot operation per connection that fills lent buffers; sending is write-behind, one
//! operation at a time. Both have a deadline. Dropping the socket closes it, in order behind what was sent.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use io_uring::{opcode, types};
use socket2::{Domain, SockAddr, SockRef, Type};

use super::Ring;
use super::buffers::{Chunk, GROUP};
use super::operation::{Completion, Operation, Outcome, outcome};
use super::timers::Deadline;

/// Received chunks that wait for their reader before the socket stops receiving.
const QUEUED_CHUNKS_MAX: usize = 8;

/// A connected stream socket. Closed when dropped.
pub struct Socket {
    ring: Ring,
    fd: Option<OwnedFd>,
    inbound: Rc<Inbound>,
    outbound: Rc<Outbound>,
}

/// What has been received and not been read.
pub(super) struct Inbound {
    queue: RefCell<VecDeque<Chunk>>,
    /// The end of the stream: 0, or a negated error number.
    ended: Cell<Option<i32>>,
    /// The multishot receive in flight.
    armed: Cell<Option<usize>>,
    pausing: Cell<bool>,
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    deadline: Rc<Deadline>,
}

/// What is being sent.
pub(super) struct Outbound {
    fd: RawFd,
    busy: Cell<bool>,
    failed: Cell<Option<i32>>,
    waker: RefCell<Option<Waker>>,
    deadline: Rc<Deadline>,
}

/// Bytes that are being sent.
pub(super) struct Payload {
    content: Content,
    sent: usize,
    more: bool,
}

enum Content {
    Bytes(Vec<u8>),
    Chunk(Chunk),
}

impl Payload {
    fn rest(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(bytes) => &bytes[self.sent..],
            Content::Chunk(chunk) => &chunk[self.sent..],
        }
    }
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn new(ring: &Ring, fd: OwnedFd) -> Self {
        let outbound = Rc::new(Outbound {
            fd: fd.as_raw_fd(),
            busy: Cell::new(false),
            failed: Cell::new(None),
            waker: RefCell::new(None),
            deadline: Deadline::new(),
        });
        let inbound = Rc::new(Inbound {
            queue: RefCell::new(VecDeque::new()),
            ended: Cell::new(None),
            armed: Cell::new(None),
            pausing: Cell::new(false),
            closed: Cell::new(false),
            waker: RefCell::new(None),
            deadline: Deadline::new(),
        });
        Self { ring: ring.clone(), fd: Some(fd), inbound, outbound }
    }

    /// Connects to `address` within `timeout_ms`. Errors: what connect(2) says, or `TimedOut`.
    pub async fn connect(ring: &Ring, address: SocketAddr, timeout_ms: u64) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_tcp_nodelay(true)?;
        let socket = Self::new(ring, socket.into());
        Connecting::start(&socket, address, timeout_ms).await?;
        Ok(socket)
    }

    /// The peer's address and our own.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        let Some(fd) = &self.fd else { return Err(io::ErrorKind::NotConnected.into()) };
        let socket = SockRef::from(fd);
        let (peer, local) = (socket.peer_addr()?.as_socket(), socket.local_addr()?.as_socket());
        peer.zip(local).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Waits until there is something to receive (the end of the stream and a deadline count), or `stop` says so when
    /// asked by [`Socket::nudge`].
    pub fn receivable_or(&self, stop: impl Fn() -> bool) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            self.arm();
            if stop() || !self.is_quiet() || self.inbound.deadline.has_come(&self.ring, context.waker()) {
                return Poll::Ready(());
            }
            keep(&self.inbound.waker, context.waker());
            Poll::Pending
        })
    }

    /// Lets whoever waits to receive look again.
    pub fn nudge(&self) {
        if let Some(waker) = self.inbound.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// The next bytes received, or `None` at the end of the stream. Cancel-safe. Errors: `TimedOut` when the receive
    /// deadline has come, else the socket's.
    pub fn receive(&self) -> impl Future<Output = io::Result<Option<Chunk>>> + '_ {
        poll_fn(|context| self.poll_receive(context))
    }

    /// Sets the receive deadline.
    pub fn receive_within(&self, milliseconds: u64) {
        self.inbound.deadline.set(&self.ring, milliseconds);
    }

    /// Removes the receive deadline.
    pub fn receive_without_deadline(&self) {
        self.inbound.deadline.clear();
    }

    /// Whether nothing has been received that was not read, and the stream has not ended.
    pub fn is_quiet(&self) -> bool {
        self.inbound.ended.get().is_none() && self.inbound.queue.borrow().is_empty()
    }

    /// Receives without anybody waiting, so that [`Socket::is_quiet`] notices the end of the stream.
    pub fn watch(&self) {
        self.arm();
    }

    /// Hands `bytes` to the kernel, after what was sent before. Returns when the bytes are on their way, not when they
    /// have left; an error may be about an earlier piece. `more` says that more follows at once. Each piece must leave
    /// within `timeout_ms`.
    pub async fn send(&self, bytes: Vec<u8>, more: bool, timeout_ms: u64) -> io::Result<()> {
        self.send_payload(Payload { content: Content::Bytes(bytes), sent: 0, more }, timeout_ms).await
    }

    /// As [`Socket::send`], for received bytes: they are not copied.
    pub async fn send_chunk(&self, chunk: Chunk, timeout_ms: u64) -> io::Result<()> {
        self.send_payload(Payload { content: Content::Chunk(chunk), sent: 0, more: false }, timeout_ms).await
    }

    /// Waits until everything has been sent.
    pub fn flush(&self) -> impl Future<Output = io::Result<()>> + '_ {
        poll_fn(|context| self.poll_idle(context))
    }

    /// Sends no more: the peer sees the end of the stream once it has read what was sent.
    pub fn finish(&self) -> io::Result<()> {
        match &self.fd {
            Some(fd) => SockRef::from(fd).shutdown(Shutdown::Write),
            None => Ok(()),
        }
    }

    async fn send_payload(&self, payload: Payload, timeout_ms: u64) -> io::Result<()> {
        self.flush().await?;
        self.outbound.deadline.set(&self.ring, timeout_ms);
        Outbound::start(&self.outbound, &self.ring, payload);
        Ok(())
    }

    fn poll_receive(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Chunk>>> {
        let inbound = &*self.inbound;
        if let Some(chunk) = inbound.queue.borrow_mut().pop_front() {
            return Poll::Ready(Ok(Some(chunk)));
        }
        if let Some(end) = inbound.ended.get() {
            return Poll::Ready(outcome(end).map(|_| None));
        }
        self.arm();
        if inbound.deadline.has_come(&self.ring, context.waker()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        keep(&inbound.waker, context.waker());
        Poll::Pending
    }

    fn poll_idle(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outbound = &*self.outbound;
        if let Some(error) = outbound.failed.get() {
            return Poll::Ready(outcome(error).map(drop));
        }
        if !outbound.busy.get() {
            return Poll::Ready(Ok(()));
        }
        if outbound.deadline.has_come(&self.ring, context.waker()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        keep(&outbound.waker, context.waker());
        Poll::Pending
    }

    fn arm(&self) {
        if self.inbound.armed.get().is_none() && self.inbound.ended.get().is_none() {
            let entry = opcode::RecvMulti::new(types::Fd(self.outbound.fd), GROUP).build();
            let key = self.ring.submit(Operation::Receive(Rc::clone(&self.inbound)), |_| entry);
            self.inbound.armed.set(Some(key));
        }
    }
}

impl Drop for Socket {
    /// The close goes through the ring, so that it comes behind what is already submitted. A receive in flight holds
    /// the file: without the cancel no FIN would be sent.
    fn drop(&mut self) {
        self.inbound.closed.set(true);
        self.inbound.queue.borrow_mut().clear();
        if let Some(key) = self.inbound.armed.get() {
            self.ring.cancel(key);
        }
        if let Some(fd) = self.fd.take() {
            self.ring.submit_ignored(opcode::Close::new(types::Fd(fd.into_raw_fd())).build());
        }
    }
}

impl Inbound {
    pub(super) fn complete(&self, ring: &Ring, completion: Completion) {
        if let (Some(id), Ok(bytes)) = (completion.buffer(), completion.outcome()) {
            let chunk = Chunk::new(ring, id, bytes);
            if !self.closed.get() && bytes > 0 {
                self.queue.borrow_mut().push_back(chunk);
            }
        }
        if completion.more() {
            self.pause_when_full(ring);
        } else {
            self.armed.set(None);
            self.pausing.set(false);
            match -completion.result {
                // Paused, or out of buffers for a moment: the next read goes on.
                libc::ECANCELED | libc::ENOBUFS => {}
                error if error >= 0 => self.ended.set(Some(completion.result)),
                _ => {}
            }
        }
        // Whoever reads this socket reads it again, so the waker stays: one reference count less for each completion.
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn pause_when_full(&self, ring: &Ring) {
        if self.queue.borrow().len() >= QUEUED_CHUNKS_MAX
            && !self.pausing.get()
            && let Some(key) = self.armed.get()
        {
            self.pausing.set(true);
            ring.cancel(key);
        }
    }
}

impl Outbound {
    fn start(outbound: &Rc<Self>, ring: &Ring, payload: Payload) {
        outbound.busy.set(true);
        let fd = types::Fd(outbound.fd);
        ring.submit(Operation::Send(Rc::clone(outbound), payload), |operation| {
            let Operation::Send(_, payload) = operation else { unreachable!("made above") };
            let rest = payload.rest();
            let more = if payload.more { libc::MSG_MORE } else { 0 };
            let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL | more;
            opcode::Send::new(fd, rest.as_ptr(), rest.len() as u32).flags(flags).build()
        });
    }

    pub(super) fn complete(self: Rc<Self>, ring: &Ring, mut payload: Payload, completion: Completion) {
        match completion.outcome() {
            Ok(bytes) if bytes > 0 && bytes < payload.rest().len() => {
                payload.sent += bytes;
                return Self::start(&self, ring, payload);
            }
            Ok(_) => {}
            Err(_) => self.failed.set(Some(completion.result)),
        }
        if let Content::Bytes(bytes) = payload.content {
            ring.recycle(bytes);
        }
        self.busy.set(false);
        self.deadline.clear();
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A connect in flight. The operation keeps its address until it is over; a dropped one is cancelled.
struct Connecting<'a> {
    socket: &'a Socket,
    outcome: Rc<Outcome>,
    key: usize,
}

impl<'a> Connecting<'a> {
    fn start(socket: &'a Socket, address: SocketAddr, timeout_ms: u64) -> Self {
        let result = Rc::new(Outcome::default());
        let operation = Operation::Connect(Rc::clone(&result), Box::new(SockAddr::from(address)));
        let key = socket.ring.submit(operation, |operation| {
            let Operation::Connect(_, address) = operation else { unreachable!("made above") };
            opcode::Connect::new(types::Fd(socket.outbound.fd), address.as_ptr().cast(), address.len())
                .build()
        });
        socket.outbound.deadline.set(&socket.ring, timeout_ms);
        Self { socket, outcome: result, key }
    }
}

impl Future for Connecting<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.outcome.result.get() {
            self.socket.outbound.deadline.clear();
            return Poll::Ready(outcome(result).map(drop));
        }
        if self.socket.outbound.deadline.has_come(&self.socket.ring, context.waker()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        keep(&self.outcome.waker, context.waker());
        Poll::Pending
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        if self.outcome.result.get().is_none() {
            self.socket.ring.cancel(self.key);
        }
    }
}

/// Takes over a file descriptor that the kernel just made.
pub(super) fn own(fd: RawFd) -> OwnedFd {
    // JUSTIFICATION: completions carry descriptors as numbers.
    // SAFETY: the number comes from a successful accept, is open, and is taken over once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn keep(slot: &RefCell<Option<Waker>>, waker: &Waker) {
    let mut kept = slot.borrow_mut();
    if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
        *kept = Some(waker.clone());
    }
}
