//! The connection to a client or a backend: a plain socket, or a TLS session over one.
//!
//! Both are completion-shaped in the same way, so that whoever speaks HTTP over it need not know which it is: received
//! bytes come as [`Chunk`]s, sending is write-behind and holds back whoever sends faster than the peer takes.
//!
//! - `session`: TLS over a socket, once the handshake is begun
//! - `handshake`: how a session begins

mod handshake;
mod session;

use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use tidegate_core::cache::Content;

pub(crate) use self::handshake::{accept, connect};
pub(crate) use self::session::Session;
use crate::ring::{Chunk, Socket};

/// A handle to a connection. It is closed, in order behind what was sent, when the last handle is dropped. One task at a
/// time uses it.
#[derive(Clone)]
pub(crate) enum Transport {
    /// As it is.
    Plain(Socket),
    /// Encrypted.
    Tls(Rc<Session>),
}

impl From<Socket> for Transport {
    fn from(socket: Socket) -> Self {
        Self::Plain(socket)
    }
}

impl Transport {
    fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(session) => session.socket(),
        }
    }

    /// Whether both are handles to the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.socket().is(other.socket())
    }

    /// Lets whoever waits to receive look again.
    pub(crate) fn nudge(&self) {
        self.socket().nudge();
    }

    /// Waits until there is something to receive (the end of the stream and a deadline count), or `stop` says so when
    /// asked by [`Transport::nudge`].
    pub(crate) fn receivable_or(&self, stop: impl Fn() -> bool) -> impl Future<Output = ()> {
        poll_fn(move |context| self.socket().poll_receivable(context, || stop() || !self.is_quiet()))
    }

    /// The next bytes received, or `None` at the end of the stream. Cancel-safe. Errors: `TimedOut` when the receive
    /// deadline has come, `UnexpectedEof` when TLS was cut off, `InvalidData` when it was broken, else the socket's.
    pub(crate) fn receive(&self) -> impl Future<Output = io::Result<Option<Chunk>>> + '_ {
        poll_fn(|context| self.poll_receive(context))
    }

    /// One look of [`Transport::receive`].
    pub(crate) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Chunk>>> {
        match self {
            Self::Plain(socket) => socket.poll_receive(context),
            Self::Tls(session) => session.poll_receive(context),
        }
    }

    /// Sets the receive deadline.
    pub(crate) fn receive_within(&self, milliseconds: u64) {
        self.socket().receive_within(milliseconds);
    }

    /// Removes the receive deadline.
    pub(crate) fn receive_without_deadline(&self) {
        self.socket().receive_without_deadline();
    }

    /// Whether nothing has been received that was not read, and the stream has not ended.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_quiet(),
            Self::Tls(session) => session.is_quiet(),
        }
    }

    /// Receives without anybody waiting, so that [`Transport::is_quiet`] notices the end of the stream.
    pub(crate) fn watch(&self) {
        self.socket().watch();
    }

    /// Hands `bytes` to the kernel, after what was sent before. Returns when the last of them are on their way, not when
    /// they have left; an error may be about an earlier piece. `more` says that more follows at once. Each piece must
    /// leave within `timeout_ms`.
    pub(crate) async fn send(&self, bytes: Vec<u8>, more: bool, timeout_ms: u64) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.send(bytes, more, timeout_ms).await,
            Self::Tls(session) => {
                session.send(&bytes, more, timeout_ms).await?;
                session.socket().ring().recycle(bytes);
                Ok(())
            }
        }
    }

    /// As [`Transport::send`], with content behind the bytes: over a plain socket it is not copied.
    pub(crate) async fn send_with(
        &self,
        bytes: Vec<u8>,
        content: Content,
        timeout_ms: u64,
    ) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.send_with(bytes, content, timeout_ms).await,
            Self::Tls(_) => {
                self.send(bytes, true, timeout_ms).await?;
                let Self::Tls(session) = self else { return Ok(()) };
                session.send(&content, false, timeout_ms).await
            }
        }
    }

    /// As [`Transport::send`], for received bytes: over a plain socket they are not copied.
    pub(crate) async fn send_chunk(&self, chunk: Chunk, timeout_ms: u64) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.send_chunk(chunk, timeout_ms).await,
            Self::Tls(session) => session.send(&chunk, false, timeout_ms).await,
        }
    }

    /// As [`Transport::send`], at once, when nothing is being sent: see [`Transport::poll_idle`].
    pub(crate) fn send_now(&self, bytes: Vec<u8>, timeout_ms: u64) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.send_if_idle(bytes, timeout_ms),
            Self::Tls(session) => {
                let records = session.seal_all(&bytes)?;
                session.socket().ring().recycle(bytes);
                session.socket().send_if_idle(records, timeout_ms)
            }
        }
        .map_err(|_| io::ErrorKind::WouldBlock.into())
    }

    /// One look of [`Transport::flush`].
    pub(crate) fn poll_idle(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_idle(context)
    }

    /// Whether the receive deadline has come.
    pub(crate) fn is_late(&self) -> bool {
        self.socket().is_late()
    }

    /// Whether both sides have agreed on HTTP/2 (ALPN).
    pub(crate) fn agreed_on_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(session) => session.with(|tls| tls.alpn_protocol() == Some(b"h2")),
        }
    }

    /// Waits until everything has been sent.
    pub(crate) fn flush(&self) -> impl Future<Output = io::Result<()>> + '_ {
        self.socket().flush()
    }

    /// Sends no more, once what was sent has left: the peer sees the end of the stream when it has read that.
    pub(crate) async fn finish(&self) -> io::Result<()> {
        self.flush().await?;
        if let Self::Tls(session) = self {
            session.close();
            self.flush().await?;
        }
        self.socket().finish()
    }
}
