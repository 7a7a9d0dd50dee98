//! One connection: a socket, or TLS over one.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustls::ClientConnection;

use super::security::{HTTP2, Security};
use crate::socket;

/// One connection.
pub(super) enum Wire {
    Plain(OwnedFd),
    Tls(Box<Session>),
}

/// TLS over a socket.
pub(super) struct Session {
    socket: OwnedFd,
    tls: ClientConnection,
}

/// A connection in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// Events must come first.
    NotYet,
    /// Whether a session was begun, and whether it is an earlier one that was resumed.
    Yes { handshake: bool, resumed: bool },
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            Self::Tls(session) => session.socket.as_fd(),
        }
    }
}

impl Wire {
    /// A connection over a socket that may still be in the making.
    pub(super) fn new(socket: OwnedFd, security: Option<&Security>) -> io::Result<Self> {
        let Some(security) = security else { return Ok(Self::Plain(socket)) };
        let tls = ClientConnection::new(Arc::clone(&security.config), security.name.clone());
        let mut tls = tls.map_err(broken)?;
        // A request is held whole until it has left.
        tls.set_buffer_limit(None);
        Ok(Self::Tls(Box::new(Session { socket, tls })))
    }

    /// Goes on with making it: the socket is ready for something.
    pub(super) fn make(&mut self) -> io::Result<Made> {
        match self {
            Self::Plain(socket) => {
                socket::outcome(socket)?;
                Ok(Made::Yes { handshake: false, resumed: false })
            }
            Self::Tls(session) => {
                socket::outcome(&session.socket)?;
                session.shake_hands()
            }
        }
    }

    /// Whether it is for HTTP/2: without TLS that is known beforehand, with TLS both sides agree on it (ALPN).
    pub(super) fn speaks_http2(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(session) => session.tls.alpn_protocol() == Some(HTTP2),
        }
    }

    /// Whether it is TLS.
    pub(super) fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Sends what the socket takes; TLS keeps the rest for [`Wire::flush`].
    #[inline]
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket::send(socket, bytes),
            Self::Tls(session) => {
                session.tls.writer().write_all(bytes)?;
                session.flush()?;
                Ok(bytes.len())
            }
        }
    }

    /// Sends what TLS has kept.
    #[inline]
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(session) => session.flush(),
        }
    }

    /// Whether all that was sent has left.
    #[inline]
    pub(super) fn is_flushed(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(session) => !session.tls.wants_write(),
        }
    }

    /// Receives what is there; 0 is the end of the stream.
    #[inline]
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket::receive(socket, buffer),
            Self::Tls(session) => session.receive(buffer),
        }
    }

    /// Whether a buffer that was not filled says that nothing more is there: records are smaller than the buffer.
    #[inline]
    pub(super) fn ends_with_short_read(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl Session {
    fn shake_hands(&mut self) -> io::Result<Made> {
        loop {
            self.flush()?;
            if !self.tls.is_handshaking() {
                let resumed = self.tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
                return Ok(Made::Yes { handshake: true, resumed });
            }
            match self.read() {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Made::NotYet),
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Raw(&self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<usize> {
        let bytes = self.tls.read_tls(&mut Raw(&self.socket))?;
        if let Err(error) = self.tls.process_new_packets() {
            // The target may be told why.
            let _ = self.flush();
            return Err(broken(error));
        }
        Ok(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A connection that ends without the end of its session: HTTP says whether anything is missing.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                received => return received,
            }
            self.read()?;
        }
    }
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The socket as rustls reads and writes it.
struct Raw<'a>(&'a OwnedFd);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        socket::receive(self.0, buffer)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        socket::send(self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
