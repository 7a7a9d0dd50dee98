//! A connected stream socket on the ring.
//!
//! Receiving is one multishot operation per connection that fills lent buffers; sending is write-behind, one
//! operation at a time. Both have a deadline. One task at a time uses a socket.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll};

use socket2::{Domain, SockAddr, SockRef, Type};

use tidegate_core::cache::Content as Stored;

use super::Ring;
use super::buffers::Chunk;
use super::link::Link;
use super::operation::outcome;
use super::payload::{Content, Payload};
use super::pieces::Pieces;
use super::timers::NEVER;

/// A handle to a connected stream socket. When the last handle is dropped it is closed, behind what was sent: a peer that
/// does not take that in time is reset.
pub struct Socket(Rc<Link>);

impl Clone for Socket {
    fn clone(&self) -> Self {
        Self::of(&self.0)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let handles = self.0.handles.get() - 1;
        self.0.handles.set(handles);
        if handles > 0 {
            return;
        }
        if self.0.has_unsent() {
            let last = Self::of(&self.0);
            self.ring().spawn(async move { drop(last.flush().await) });
        } else {
            self.0.close();
        }
    }
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn new(ring: &Ring, fd: OwnedFd) -> Self {
        Self::of(&Link::new(ring, fd))
    }

    fn of(link: &Rc<Link>) -> Self {
        link.handles.set(link.handles.get() + 1);
        Self(Rc::clone(link))
    }

    /// Connects to `address` within `timeout_ms`. Errors: what connect(2) says, or `TimedOut`.
    pub async fn connect(ring: &Ring, address: SocketAddr, timeout_ms: u64) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_tcp_nodelay(true)?;
        let socket = Self::new(ring, socket.into());
        socket.0.connect(SockAddr::from(address));
        socket.0.set_due(&socket.0.outbound.due_ms, timeout_ms);
        socket.flush().await?;
        Ok(socket)
    }

    /// The ring that it is on.
    pub fn ring(&self) -> &Ring {
        &self.0.ring
    }

    /// Whether both are handles to the same connection.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The peer's address.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        let peer = SockRef::from(&*self.0.fd).peer_addr()?.as_socket();
        peer.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Waits until there is something to receive (the end of the stream and a deadline count), or `stop` says so when
    /// asked by [`Socket::nudge`].
    pub fn receivable_or(&self, stop: impl Fn() -> bool) -> impl Future<Output = ()> {
        poll_fn(move |context| self.poll_receivable(context, || stop() || !self.is_quiet()))
    }

    /// One look of [`Socket::receivable_or`], where the caller knows whether something is `there`.
    pub fn poll_receivable(&self, context: &mut Context<'_>, there: impl Fn() -> bool) -> Poll<()> {
        self.0.receive();
        if there() || self.0.is_over(&self.0.inbound.due_ms) {
            return Poll::Ready(());
        }
        self.0.keep_waker(context.waker());
        Poll::Pending
    }

    /// Lets whoever waits to receive look again.
    pub fn nudge(&self) {
        self.0.wake();
    }

    /// The next bytes received, or `None` at the end of the stream. Cancel-safe. Errors: `TimedOut` when the receive
    /// deadline has come, else the socket's.
    pub fn receive(&self) -> impl Future<Output = io::Result<Option<Chunk>>> + '_ {
        poll_fn(|context| self.poll_receive(context))
    }

    /// What has been received already and nobody has read, without waiting.
    pub fn take_received(&self) -> Option<Chunk> {
        self.0.next_received()
    }

    /// Sets the receive deadline.
    pub fn receive_within(&self, milliseconds: u64) {
        self.0.set_due(&self.0.inbound.due_ms, milliseconds);
    }

    /// Removes the receive deadline.
    pub fn receive_without_deadline(&self) {
        self.0.inbound.due_ms.set(NEVER);
    }

    /// Whether nothing has been received that was not read, and the stream has not ended.
    pub fn is_quiet(&self) -> bool {
        self.0.is_quiet()
    }

    /// Receives without anybody waiting, so that [`Socket::is_quiet`] notices the end of the stream.
    pub fn watch(&self) {
        self.0.receive();
    }

    /// Hands `bytes` to the kernel, after what was sent before. Returns when the bytes are on their way, not when they
    /// have left; an error may be about an earlier piece. `more` says that more follows at once. Each piece must leave
    /// within `timeout_ms`.
    pub async fn send(&self, bytes: Vec<u8>, more: bool, timeout_ms: u64) -> io::Result<()> {
        self.send_payload(Payload { content: Content::Bytes(bytes), sent: 0, more, timeout_ms }).await
    }

    /// As [`Socket::send`], with content behind the bytes that is not copied: the kernel collects both.
    pub async fn send_with(&self, bytes: Vec<u8>, content: Stored, timeout_ms: u64) -> io::Result<()> {
        let pieces = Box::new(Pieces::new(bytes, content));
        self.send_payload(Payload { content: Content::Pieces(pieces), sent: 0, more: false, timeout_ms })
            .await
    }

    /// As [`Socket::send`], for received bytes: they are not copied.
    pub async fn send_chunk(&self, chunk: Chunk, timeout_ms: u64) -> io::Result<()> {
        self.send_payload(Payload { content: Content::Chunk(chunk), sent: 0, more: false, timeout_ms }).await
    }

    /// Waits until everything has been sent.
    pub fn flush(&self) -> impl Future<Output = io::Result<()>> + '_ {
        poll_fn(|context| self.poll_idle(context))
    }

    /// Sends no more: the peer sees the end of the stream once it has read what was sent.
    pub fn finish(&self) -> io::Result<()> {
        SockRef::from(&*self.0.fd).shutdown(Shutdown::Write)
    }

    /// Sends at once, if nothing is being sent; else gives the bytes back. An error shows later.
    pub fn send_if_idle(&self, bytes: Vec<u8>, timeout_ms: u64) -> Result<(), Vec<u8>> {
        if !self.is_idle() {
            return Err(bytes);
        }
        self.0.send(Payload { content: Content::Bytes(bytes), sent: 0, more: false, timeout_ms });
        Ok(())
    }

    /// Whether nothing is being sent, and sending has not failed.
    pub fn is_idle(&self) -> bool {
        !self.0.is_busy() && self.0.outbound.failed.get().is_none()
    }

    async fn send_payload(&self, payload: Payload) -> io::Result<()> {
        self.flush().await?;
        self.0.send(payload);
        Ok(())
    }

    /// One look of [`Socket::receive`].
    pub fn poll_receive(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Chunk>>> {
        if let Some(chunk) = self.0.next_received() {
            return Poll::Ready(Ok(Some(chunk)));
        }
        if let Some(end) = self.0.inbound.ended.get() {
            return Poll::Ready(outcome(end).map(|_| None));
        }
        self.0.receive();
        if self.0.is_over(&self.0.inbound.due_ms) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.0.keep_waker(context.waker());
        Poll::Pending
    }

    /// Whether the receive deadline has come.
    pub fn is_late(&self) -> bool {
        self.0.is_over(&self.0.inbound.due_ms)
    }

    /// One look of [`Socket::flush`].
    pub fn poll_idle(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outbound = &self.0.outbound;
        if let Some(error) = outbound.failed.get() {
            return Poll::Ready(outcome(error).map(drop));
        }
        if !self.0.is_busy() {
            return Poll::Ready(Ok(()));
        }
        if self.0.is_over(&outbound.due_ms) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outbound.awaited.set(true);
        self.0.keep_waker(context.waker());
        Poll::Pending
    }
}

/// Takes over a file descriptor that the kernel just made.
pub(super) fn own(fd: RawFd) -> OwnedFd {
    // JUSTIFICATION: completions carry descriptors as numbers.
    // SAFETY: the number comes from a successful accept, is open, and is taken over once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
