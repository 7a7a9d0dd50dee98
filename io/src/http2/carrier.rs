//! The socket as `h2` reads and writes it, and the guard that looks at what comes.
//!
//! Writing is write-behind: what `h2` writes while a send is under way is collected and goes out with the next one. Reading
//! copies out of the received chunk, which is as much as `h2` then has of it.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidegate_core::http2::guard::{Guard, Offence};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ring::{Chunk, Ring};
use crate::transport::Transport;

/// Bytes that are collected while others are being sent; then `h2` has to wait.
const COLLECTED_BYTES_MAX: usize = 65_536;

/// One client's socket.
pub(super) struct Carrier {
    /// The connection.
    pub(super) socket: Transport,
    ring: Ring,
    /// How long a send may take.
    send_timeout_ms: u64,
    /// What has been received and not been read.
    received: RefCell<Option<Chunk>>,
    /// What is to be sent next.
    collected: RefCell<Vec<u8>>,
    guard: RefCell<Guard>,
    offence: Cell<Option<Offence>>,
}

impl Carrier {
    /// Carries a connection of which `first` has been received.
    pub(super) fn new(ring: &Ring, socket: Transport, first: Chunk, send_timeout_ms: u64) -> Rc<Self> {
        let carrier = Self {
            socket,
            ring: ring.clone(),
            send_timeout_ms,
            received: RefCell::new(None),
            collected: RefCell::new(Vec::new()),
            guard: RefCell::new(Guard::new()),
            offence: Cell::new(None),
        };
        carrier.receive(first);
        Rc::new(carrier)
    }

    /// Why the connection must end, if it must; then nothing is read any more.
    pub(super) fn offence(&self) -> Option<Offence> {
        self.offence.get()
    }

    /// What the guard says of the client.
    pub(super) fn guard(&self) -> std::cell::RefMut<'_, Guard> {
        self.guard.borrow_mut()
    }

    /// Sends what has been collected, unless a send is under way; then the task is woken when that is over.
    pub(super) fn push(&self, context: &mut Context<'_>) -> io::Result<()> {
        if self.collected.borrow().is_empty() {
            return Ok(());
        }
        match self.socket.poll_idle(context) {
            Poll::Ready(Ok(())) => {
                let collected = self.collected.take();
                self.guard.borrow_mut().sent(collected.len());
                self.socket.send_now(collected, self.send_timeout_ms)
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(()),
        }
    }

    fn receive(&self, chunk: Chunk) {
        let now_ms = self.ring.now().monotonic_ns / 1_000_000;
        let observed = self.guard.borrow_mut().observe(&chunk, now_ms);
        match observed {
            Ok(()) => *self.received.borrow_mut() = Some(chunk),
            Err(offence) => self.offence.set(Some(offence)),
        }
    }

    fn poll_received(&self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.received.borrow().is_some() {
            return Poll::Ready(Ok(true));
        }
        match ready!(self.socket.poll_receive(context)) {
            Ok(Some(chunk)) => self.receive(chunk),
            Ok(None) => return Poll::Ready(Ok(false)),
            // The connection's task looks at deadlines.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
        if self.offence.get().is_some() { Poll::Pending } else { Poll::Ready(Ok(true)) }
    }
}

/// The carrier as `h2` holds it.
pub(super) struct Wire(pub(super) Rc<Carrier>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let carrier = &self.0;
        if carrier.offence.get().is_some() {
            return Poll::Pending;
        }
        if !ready!(carrier.poll_received(context))? {
            return Poll::Ready(Ok(()));
        }
        let mut received = carrier.received.borrow_mut();
        if let Some(chunk) = received.as_mut() {
            let bytes = chunk.len().min(buffer.remaining());
            buffer.put_slice(&chunk[..bytes]);
            chunk.consume(bytes);
        }
        received.take_if(|chunk| chunk.is_empty());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let carrier = &self.0;
        if carrier.collected.borrow().len() >= COLLECTED_BYTES_MAX {
            carrier.push(context)?;
        }
        let mut collected = carrier.collected.borrow_mut();
        if collected.capacity() == 0 {
            *collected = carrier.ring.buffer();
        }
        let taken = bytes.len().min(COLLECTED_BYTES_MAX - collected.len());
        if taken == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        collected.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    /// What is collected is on its way as soon as it can be; the connection's task sees to it.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.push(context))
    }

    /// Whoever lingers behind it says that it was the end.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.0.collected.borrow().is_empty() {
            ready!(self.0.socket.poll_idle(context))?;
            self.0.push(context)?;
        }
        self.0.socket.poll_idle(context)
    }
}
