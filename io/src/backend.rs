//! Who has answered an exchange, and whose content is passed on: a backend, or a function that streams.

use std::rc::Rc;

use tidegate_core::exchange::CallFailure;
use tidegate_core::http1::Trailers;

use crate::function::Streamed;
use crate::function::remote::{Begun, Unpacking};
use crate::http1::discard;
use crate::shard::Shard;
use crate::stream::{Body, BodyFailure, Piece, Stream};
use crate::upstream::Pool;

/// Who has answered, and whose content is to be passed on.
pub(crate) enum Backend {
    /// A backend.
    Http(Called),
    /// A function, which streams.
    Function(Box<Streamed>),
    /// A function at AWS, which does.
    Remote(Called, Box<Unpacking>),
}

/// A backend that has answered.
pub(crate) struct Called {
    pub(crate) pool: Rc<Pool>,
    pub(crate) stream: Stream,
    pub(crate) body: Body,
    /// Whether the backend lets the connection be used again.
    pub(crate) keeps_alive: bool,
}

impl Backend {
    /// See [`Called::release`]; the connection of a function goes back by itself.
    pub(crate) fn release(self, shard: &Rc<Shard>, uploaded: bool) {
        match self {
            Self::Http(called) | Self::Remote(called, _) => called.release(shard, uploaded),
            Self::Function(streamed) => drop(streamed),
        }
    }

    /// The next piece of content, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, BodyFailure> {
        match self {
            Self::Http(Called { stream, body, .. }) => body.next(stream).await,
            Self::Function(streamed) => streamed.next().await,
            Self::Remote(Called { stream, body, .. }, unpacking) => unpacking.next(stream, body).await,
        }
    }

    /// Whether something received is waiting.
    pub(crate) fn has_pending(&self) -> bool {
        match self {
            Self::Http(called) => called.stream.has_pending(),
            Self::Function(streamed) => streamed.has_pending(),
            Self::Remote(..) => false,
        }
    }

    /// What has come behind the content. Those of a function tell the gateway how it went.
    pub(crate) fn trailers(&self) -> Option<&Trailers> {
        match self {
            Self::Http(called) => Some(called.body.trailers()).filter(|trailers| !trailers.is_empty()),
            Self::Function(_) | Self::Remote(..) => None,
        }
    }

    /// Whether it is known that nothing follows, neither content nor trailers.
    pub(crate) fn is_done(&self) -> bool {
        match self {
            Self::Http(called) => called.body.is_done() && called.body.trailers().is_empty(),
            Self::Function(streamed) => streamed.is_complete(),
            Self::Remote(..) => false,
        }
    }

    /// See [`Body::take_received`].
    pub(crate) fn take_received(&mut self, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Http(Called { stream, body, .. }) => body.take_received(stream, bytes_max, out),
            Self::Function(_) | Self::Remote(..) => false,
        }
    }
}

impl Called {
    /// Keeps the connection for the next request, if both messages are read to their ends. An answer whose content was
    /// not wanted is read to its end aside.
    fn release(self, shard: &Rc<Shard>, uploaded: bool) {
        if !uploaded || !self.keeps_alive {
            return;
        }
        if self.body.is_done() {
            return self.pool.release(self.stream, &shard.ring, &shard.limits());
        }
        let shard_there = Rc::clone(shard);
        shard.ring.spawn(async move {
            let Self { pool, mut stream, mut body, .. } = self;
            if discard(&mut body, &mut stream).await {
                pool.release(stream, &shard_there.ring, &shard_there.limits());
            }
        });
    }
}

/// Hands over to who answers next. Before it an authorizer's function may have answered, to the end.
pub(crate) fn replace(backend: &mut Option<Backend>, next: Option<Backend>, shard: &Rc<Shard>) {
    if let Some(asked) = std::mem::replace(backend, next) {
        asked.release(shard, true);
    }
}

/// The backend's content, whole or as far as it has been read.
pub(crate) enum Content {
    Whole(Vec<u8>),
    Begun(Vec<u8>),
}

/// Reads the backend's content, no further than where it is more than so many bytes.
pub(crate) async fn read(backend: &mut Option<Backend>, bytes_max: u64) -> Result<Content, CallFailure> {
    let mut content = Vec::new();
    let Some(backend) = backend else { return Ok(Content::Whole(content)) };
    loop {
        match backend.next().await {
            Ok(Some(piece)) => content.extend_from_slice(&piece),
            Ok(None) => return Ok(Content::Whole(content)),
            Err(BodyFailure::TooLarge) => return Err(CallFailure::TooLarge),
            Err(BodyFailure::Timeout) => return Err(CallFailure::Timeout),
            Err(BodyFailure::Closed | BodyFailure::Framing(_)) => return Err(CallFailure::Network),
        }
        if content.len() as u64 > bytes_max {
            return Ok(Content::Begun(content));
        }
    }
}

/// Unpacks what a function at AWS streams, as far as its metadata.
pub(crate) async fn unpack(
    shard: &Shard,
    backend: &mut Option<Backend>,
    timeout_ms: u32,
    pause_ms: u32,
) -> Result<Begun, CallFailure> {
    let Some(Backend::Http(mut called)) = backend.take() else { return Err(CallFailure::Network) };
    let mut unpacking = Box::new(Unpacking::new(&shard.ring, timeout_ms, pause_ms, &mut called.body));
    let begun = unpacking.begin(&mut called.stream, &mut called.body).await?;
    *backend = Some(Backend::Remote(called, unpacking));
    Ok(begun)
}
