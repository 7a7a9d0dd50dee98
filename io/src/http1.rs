//! A client of HTTP/1 as the relay sees it.

use tidegate_core::cache;
use tidegate_core::http1::{BodyFraming, Trailers};
use tidegate_core::limits::Limits;

use crate::ends::{Broken, Inbound, Outbound, Rest};
use crate::relay::End;
use crate::shard::Shard;
use crate::stream::{Body, BodyFailure, Piece, Stream};
use crate::transport::Transport;
use crate::upload::send_piece;

/// Content that is read and thrown away so that its connection can be used again, in bytes.
const DISCARDED_BYTES_MAX: u64 = 262_144;

/// What becomes of the client connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The next request.
    KeepAlive,
    /// Closed, once the client has read the answer.
    Close,
    /// Closed at once.
    Drop,
}

/// What a client sends: the connection, and the body that it carries now.
pub(crate) struct Received {
    /// The connection.
    pub(crate) stream: Stream,
    body: Body,
}

impl Received {
    /// Nothing has been received.
    pub(crate) fn new(socket: Transport) -> Self {
        Self { stream: Stream::new(socket), body: Body::new(BodyFraming::None, 0, 0) }
    }

    /// A head has been read, behind which a body begins.
    pub(crate) fn begin_body(&mut self, framing: BodyFraming, limits: &Limits) {
        self.body = Body::new(framing, limits.payload_bytes_max, limits.body_timeout_ms);
    }

    /// Whether the connection can be used again: when the end of its request has been found.
    pub(crate) async fn after(&mut self, end: End) -> After {
        match end {
            End::Broken => After::Drop,
            End::Answered { answer, .. } if !answer.keep_alive => {
                let is_over = self.body.is_done() && self.stream.is_quiet();
                if is_over { After::Drop } else { After::Close }
            }
            End::Answered { is_uploading: true, .. } => After::Close,
            End::Answered { .. } => {
                if discard(&mut self.body, &mut self.stream).await {
                    // Nobody has wanted them, and the connection may be idle for long.
                    drop(self.body.take_trailers());
                    After::KeepAlive
                } else {
                    After::Close
                }
            }
        }
    }
}

impl Inbound for Received {
    async fn next(&mut self) -> Result<Option<Piece>, BodyFailure> {
        self.body.next(&mut self.stream).await
    }

    async fn trailers(&mut self) -> Result<Trailers, BodyFailure> {
        Ok(self.body.take_trailers())
    }

    fn take_received(&mut self, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        self.body.take_received(&mut self.stream, bytes_max, out)
    }

    fn has_pending(&mut self) -> bool {
        self.stream.has_pending()
    }

    fn lend(&mut self) -> Self {
        let left = Self::new(self.stream.socket.clone());
        std::mem::replace(self, left)
    }
}

/// Answers on a connection.
pub(crate) struct Answering<'a> {
    shard: &'a Shard,
    socket: Transport,
    framing: BodyFraming,
}

impl<'a> Answering<'a> {
    /// On this connection.
    pub(crate) fn new(shard: &'a Shard, socket: &Transport) -> Self {
        Self { shard, socket: socket.clone(), framing: BodyFraming::None }
    }

    async fn send_bytes(&self, bytes: Vec<u8>, more: bool) -> Result<(), Broken> {
        let timeout_ms = self.shard.limits().body_timeout_ms;
        self.socket.send(bytes, more, timeout_ms).await.map_err(|_| Broken)
    }
}

impl Outbound for Answering<'_> {
    async fn invite(&mut self) -> Result<(), Broken> {
        self.send_bytes(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), false).await
    }

    async fn begin(&mut self, out: Vec<u8>, rest: Rest) -> Result<(), Broken> {
        let (framing, more) = match rest {
            Rest::Nothing => (BodyFraming::None, false),
            Rest::Content(framing) => (framing, false),
            Rest::ContentAtOnce(framing) => (framing, true),
        };
        self.framing = framing;
        self.send_bytes(out, more).await
    }

    async fn begin_kept(&mut self, out: Vec<u8>, content: cache::Content) -> Result<(), Broken> {
        let timeout_ms = self.shard.limits().body_timeout_ms;
        self.socket.send_with(out, content, timeout_ms).await.map_err(|_| Broken)
    }

    async fn send(&mut self, piece: Piece, _is_last: bool) -> Result<(), Broken> {
        let timeout_ms = self.shard.limits().body_timeout_ms;
        let chunked = self.framing == BodyFraming::Chunked;
        let sent = send_piece(&self.socket, piece, chunked, self.shard.ring.buffer(), timeout_ms).await;
        sent.map_err(|_| Broken)
    }

    async fn end(&mut self, trailers: &Trailers) -> Result<(), Broken> {
        match self.framing {
            BodyFraming::Chunked => self.send_bytes(trailers.last_chunk(), false).await,
            BodyFraming::None | BodyFraming::Length(_) | BodyFraming::UntilClose => Ok(()),
        }
    }
}

/// Reads the rest of a body and throws it away. False when it does not end soon.
pub(crate) async fn discard(body: &mut Body, stream: &mut Stream) -> bool {
    let mut discarded = 0;
    while discarded < DISCARDED_BYTES_MAX {
        match body.next(stream).await {
            Ok(None) => return true,
            Ok(Some(piece)) => discarded += piece.len() as u64,
            Err(_) => return false,
        }
    }
    false
}
