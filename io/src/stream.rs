//! Bytes from a peer, read as heads and bodies. Client and upstream connections read the same way.

use std::io;
use std::ops::Deref;

use tidegate_core::http1::{BodyDecoder, BodyError, BodyFraming, Trailers};

use crate::ring::Chunk;
use crate::transport::Transport;

/// A connection, and what was received and not yet consumed.
pub(crate) struct Stream {
    /// The connection.
    pub(crate) socket: Transport,
    /// Never empty.
    pending: Option<Chunk>,
}

/// A piece of content.
pub(crate) enum Piece {
    /// Received bytes, where the kernel put them.
    Chunk(Chunk),
    /// Bytes that framing was taken out of.
    Copied(Vec<u8>),
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Chunk(chunk) => chunk,
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Stream {
    /// Nothing received yet.
    pub(crate) fn new(socket: impl Into<Transport>) -> Self {
        Self { socket: socket.into(), pending: None }
    }

    /// Whether the peer has sent nothing that was not consumed and has not closed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pending.is_none() && self.socket.is_quiet()
    }

    /// Whether something received is waiting.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The next bytes, in the order received, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Chunk>> {
        match self.pending.take() {
            Some(chunk) => Ok(Some(chunk)),
            None => self.socket.receive().await,
        }
    }

    /// Gives back what was not consumed.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        debug_assert!(self.pending.is_none());
        self.pending = (!chunk.is_empty()).then_some(chunk);
    }
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFailure {
    /// The peer is gone, or closed before the end.
    Closed,
    /// The peer paused too long.
    Timeout,
    /// The framing is broken.
    Framing(BodyError),
    /// There is more content than allowed.
    TooLarge,
}

/// The body that a stream carries now.
pub(crate) struct Body {
    decoder: BodyDecoder,
    /// Content bytes so far.
    bytes: u64,
    bytes_max: u64,
    /// Longest pause between two pieces, in milliseconds.
    timeout_ms: u64,
}

impl Body {
    /// A body of which nothing has been read.
    pub(crate) fn new(framing: BodyFraming, bytes_max: u64, timeout_ms: u64) -> Self {
        Self { decoder: BodyDecoder::new(framing), bytes: 0, bytes_max, timeout_ms }
    }

    /// What has come behind the content.
    pub(crate) fn trailers(&self) -> &Trailers {
        self.decoder.trailers()
    }

    /// The same, once.
    pub(crate) fn take_trailers(&mut self) -> Trailers {
        self.decoder.take_trailers()
    }

    /// Sets how much content there may be.
    pub(crate) fn allow(&mut self, bytes_max: u64) {
        self.bytes_max = bytes_max;
    }

    /// Sets the longest pause between two pieces.
    pub(crate) fn pause_at_most(&mut self, timeout_ms: u64) {
        self.timeout_ms = timeout_ms;
    }

    /// Whether its end has been read.
    pub(crate) fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// Content bytes still to come, if the framing says how many.
    pub(crate) fn remaining(&self) -> Option<u64> {
        self.decoder.remaining_length()
    }

    /// The next piece of content, or `None` at the end of the body. Pieces are not empty.
    pub(crate) async fn next(&mut self, stream: &mut Stream) -> Result<Option<Piece>, BodyFailure> {
        while !self.is_done() {
            // Nothing that still comes could mend it.
            if let Some(error) = self.decoder.error() {
                return Err(BodyFailure::Framing(error));
            }
            if !stream.has_pending() {
                stream.socket.receive_within(self.timeout_ms);
            }
            let Some(chunk) = stream.next().await.map_err(|error| failure(&error))? else {
                self.decoder.finish_at_close().map_err(|_| BodyFailure::Closed)?;
                return Ok(None);
            };
            let piece = self.decode(chunk, stream).map_err(BodyFailure::Framing)?;
            self.bytes += piece.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(BodyFailure::TooLarge);
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Appends the content that has been received already, if that is all there is and at most `bytes_max` bytes.
    /// Else leaves everything as it was. Spares a small body its own send.
    pub(crate) fn take_received(&mut self, stream: &mut Stream, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let Some(chunk) = &stream.pending else { return self.is_done() };
        let Some(length) = self.remaining().filter(|length| *length <= chunk.len().min(bytes_max) as u64)
        else {
            return false;
        };
        out.extend_from_slice(&chunk[..length as usize]);
        self.bytes += length;
        self.decoder = BodyDecoder::new(BodyFraming::None);
        if let Some(mut chunk) = stream.pending.take() {
            chunk.consume(length as usize);
            stream.put_back(chunk);
        }
        true
    }

    /// The content of a chunk; what lies behind the body goes back to the stream.
    fn decode(&mut self, mut chunk: Chunk, stream: &mut Stream) -> Result<Piece, BodyError> {
        let first = self.decoder.decode(&chunk)?;
        if first.content == (0..chunk.len()) {
            return Ok(Piece::Chunk(chunk));
        }
        let mut copied = chunk[first.content].to_vec();
        chunk.consume(first.consumed);
        while !chunk.is_empty() && !self.decoder.is_done() {
            let decoded = self.decoder.decode(&chunk)?;
            copied.extend_from_slice(&chunk[decoded.content]);
            chunk.consume(decoded.consumed);
        }
        stream.put_back(chunk);
        Ok(Piece::Copied(copied))
    }
}

fn failure(error: &io::Error) -> BodyFailure {
    if error.kind() == io::ErrorKind::TimedOut { BodyFailure::Timeout } else { BodyFailure::Closed }
}
