//! TLS over a socket: rustls is fed from memory and never sees a socket.
//!
//! Received records are decrypted when somebody looks for what they hold, not before, and no faster than it is taken:
//! while plaintext waits for its reader, records stay in the socket, which stops receiving when enough of them wait.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;
use std::task::{Context, Poll};

use rustls::Connection;

use crate::ring::{Chunk, Socket};

/// Time for an alert, a ticket or a closing message to leave, in milliseconds. They are small and nobody waits for them.
const ASIDE_MS: u64 = 5_000;
/// Received at once, more than this makes rustls grow a buffer that an idle connection need not hold, in bytes.
const FEED_BYTES_SMALL: usize = 4_096;

/// A TLS connection over a socket.
pub(crate) struct Session {
    socket: Socket,
    state: RefCell<State>,
    /// Set when rustls may hold more memory than an idle connection needs.
    swollen: Cell<bool>,
}

struct State {
    tls: Connection,
    /// Received and not decrypted; never empty.
    records: Option<Chunk>,
    end: Option<End>,
}

/// Why nothing more can be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer has said so (`close_notify`).
    Closed,
    /// The socket has ended, and the peer has not said so: what it sent may have been cut off (RFC 8446 section 6.1).
    CutOff,
    /// What came is not TLS, or somebody has changed it.
    Broken,
}

impl Session {
    /// A session of which the handshake has begun. `records` are received bytes that rustls has not seen.
    pub(super) fn new(socket: Socket, tls: Connection, records: Option<Chunk>) -> Rc<Self> {
        let records = records.filter(|chunk| !chunk.is_empty());
        let state = RefCell::new(State { tls, records, end: None });
        Rc::new(Self { socket, state, swollen: Cell::new(true) })
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Looks at what the handshake has agreed on.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&Connection) -> R) -> R {
        look(&self.state.borrow().tls)
    }

    /// Carries the handshake to its end, within the receive deadline. The last messages may still be on their way.
    pub(super) async fn shake_hands(&self, timeout_ms: u64) -> io::Result<()> {
        loop {
            self.socket.flush().await?;
            let (handshaking, records) = {
                let mut state = self.state.borrow_mut();
                let records = state.take_outgoing(self.socket.ring().buffer());
                (state.tls.is_handshaking(), records)
            };
            if !records.is_empty() {
                self.socket.send(records, false, timeout_ms).await?;
            }
            if !handshaking {
                return Ok(());
            }
            self.progress().await?;
        }
    }

    /// Receives once, and hands that to rustls.
    async fn progress(&self) -> io::Result<()> {
        let records = self.state.borrow_mut().records.take();
        let received = match records {
            Some(chunk) => Some(chunk),
            None => self.socket.receive().await?,
        };
        let mut state = self.state.borrow_mut();
        match received {
            Some(chunk) => state.feed(chunk),
            None => state.end = Some(End::CutOff),
        }
        let end = state.end;
        drop(state);
        match end {
            None => Ok(()),
            Some(end) => {
                self.answer();
                Err(end.outcome().err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }

    pub(super) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Chunk>>> {
        loop {
            {
                let mut state = self.state.borrow_mut();
                if let Some(chunk) = state.plaintext() {
                    return Poll::Ready(Ok(Some(chunk)));
                }
                if let Some(end) = state.end {
                    return Poll::Ready(end.outcome().map(|()| None));
                }
                if let Some(records) = state.records.take() {
                    self.note_size(&records);
                    state.feed(records);
                    continue;
                }
            }
            self.answer();
            match self.socket.poll_receive(context) {
                Poll::Pending => {
                    self.shrink();
                    return Poll::Pending;
                }
                Poll::Ready(received) => self.take(received?),
            }
        }
    }

    /// Whether nothing has been received that was not read, and the stream has not ended. Messages of TLS itself, such
    /// as tickets, are not something received.
    pub(super) fn is_quiet(&self) -> bool {
        loop {
            let mut state = self.state.borrow_mut();
            if state.end.is_some() || state.has_plaintext() {
                return false;
            }
            let Some(records) = state.records.take().or_else(|| self.socket.take_received()) else { break };
            self.note_size(&records);
            state.feed(records);
        }
        self.answer();
        self.shrink();
        self.socket.is_quiet()
    }

    /// Encrypts and sends, as much at a time as rustls takes.
    pub(super) async fn send(&self, mut content: &[u8], more: bool, timeout_ms: u64) -> io::Result<()> {
        loop {
            // Encrypted when it is its turn to be sent: the order of records is that of their numbers.
            self.socket.flush().await?;
            let mut records = self.socket.ring().buffer();
            let taken = self.state.borrow_mut().seal(content, &mut records)?;
            content = &content[taken..];
            let rest = !content.is_empty();
            self.socket.send(records, more || rest, timeout_ms).await?;
            if !rest {
                return Ok(());
            }
        }
    }

    /// Tells the peer that nothing more is sent. Nothing must be on its way.
    pub(super) fn close(&self) {
        self.state.borrow_mut().close();
        self.answer();
    }

    /// Sends what rustls itself has to say, unless something is being sent: then it goes with the next thing.
    fn answer(&self) {
        let mut state = self.state.borrow_mut();
        if !state.tls.wants_write() || !self.socket.is_idle() {
            return;
        }
        let records = state.take_outgoing(self.socket.ring().buffer());
        drop(state);
        // It is idle, so that the bytes do not come back.
        let _ = self.socket.send_if_idle(records, ASIDE_MS);
    }

    fn take(&self, received: Option<Chunk>) {
        let mut state = self.state.borrow_mut();
        match received {
            Some(chunk) => state.records = Some(chunk),
            None => state.end = Some(End::CutOff),
        }
    }

    fn note_size(&self, records: &Chunk) {
        if records.len() > FEED_BYTES_SMALL {
            self.swollen.set(true);
        }
    }

    /// Lets rustls give back memory; it does so when it is about to read.
    fn shrink(&self) {
        if self.swollen.take() {
            let _ = self.state.borrow_mut().tls.read_tls(&mut Nothing);
        }
    }
}

impl Drop for Session {
    /// Tells the peer that this was the end, if it can be told without waiting.
    fn drop(&mut self) {
        self.state.get_mut().close();
        self.answer();
    }
}

impl State {
    /// Decrypts until there is plaintext, or all is decrypted. What is left stays in `records`.
    fn feed(&mut self, mut records: Chunk) {
        while !records.is_empty() && self.end.is_none() && !self.has_plaintext() {
            match self.tls.read_tls(&mut &records[..]) {
                Ok(bytes) if bytes > 0 => records.consume(bytes),
                // Nothing is read behind the end; a full buffer means that a message is larger than any may be.
                Ok(_) => return self.end = Some(End::Closed),
                Err(_) => return self.end = Some(End::Broken),
            }
            match self.tls.process_new_packets() {
                Ok(io) if io.peer_has_closed() => self.end = Some(End::Closed),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "tls");
                    self.end = Some(End::Broken);
                }
            }
        }
        self.records = (!records.is_empty() && self.end.is_none()).then_some(records);
    }

    fn has_plaintext(&mut self) -> bool {
        self.tls.reader().fill_buf().is_ok_and(|waiting| !waiting.is_empty())
    }

    /// All that is decrypted.
    fn plaintext(&mut self) -> Option<Chunk> {
        let mut reader = self.tls.reader();
        let mut plaintext = Vec::new();
        while let Ok(waiting) = reader.fill_buf()
            && !waiting.is_empty()
        {
            plaintext.extend_from_slice(waiting);
            let bytes = waiting.len();
            reader.consume(bytes);
        }
        (!plaintext.is_empty()).then(|| Chunk::of(plaintext))
    }

    /// Encrypts what rustls takes of `content`, behind what it has to say itself. Returns how many bytes that were.
    fn seal(&mut self, content: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let taken = self.tls.writer().write(content)?;
        debug_assert!(taken > 0 || content.is_empty(), "rustls holds nothing back: it is always emptied");
        self.write_outgoing(out);
        Ok(taken)
    }

    fn take_outgoing(&mut self, mut out: Vec<u8>) -> Vec<u8> {
        self.write_outgoing(&mut out);
        out
    }

    fn write_outgoing(&mut self, out: &mut Vec<u8>) {
        while self.tls.wants_write() {
            // Writing to memory does not fail.
            if self.tls.write_tls(out).is_err() {
                return;
            }
        }
    }

    fn close(&mut self) {
        if !self.tls.is_handshaking() && self.end != Some(End::Broken) {
            self.tls.send_close_notify();
        }
    }
}

impl End {
    fn outcome(self) -> io::Result<()> {
        match self {
            Self::Closed => Ok(()),
            Self::CutOff => Err(io::ErrorKind::UnexpectedEof.into()),
            Self::Broken => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Nothing to read now, and no end either.
struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
