//! An answer that a function at AWS streams: the Lambda API's event stream, unpacked on its way through an exchange.

use tidegate_core::aws::event_stream::{Broken, Frames, Said};
use tidegate_core::exchange::{CallFailure, Event};
use tidegate_core::lambda::streamed::Beginning;
use tidegate_core::limits::RESULT_STREAMED_BYTES_MAX;

use crate::ring::Ring;
use crate::stream::{Body, BodyFailure, Piece, Stream};

/// What is known of such an answer.
pub(crate) struct Unpacking {
    frames: Frames,
    ring: Ring,
    due_ns: u64,
    pause_ms: u64,
}

/// How an answer begins.
pub(crate) enum Begun {
    /// With this; the rest follows.
    Part(Vec<u8>),
    /// This was all of it.
    Whole(Vec<u8>),
    /// The function has failed; this document says how.
    Failed(Vec<u8>),
}

impl Begun {
    /// What it is for the exchange.
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Self::Part(begun) => Event::InvokedBegun(begun),
            Self::Whole(payload) => Event::Invoked(payload),
            Self::Failed(document) => Event::FunctionFailed(document),
        }
    }
}

impl Unpacking {
    /// It must have ended within so many milliseconds, with no longer pauses.
    pub(crate) fn new(ring: &Ring, timeout_ms: u32, pause_ms: u32, body: &mut Body) -> Self {
        body.allow(RESULT_STREAMED_BYTES_MAX);
        let due_ns = ring.now().monotonic_ns + u64::from(timeout_ms) * 1_000_000;
        Self { frames: Frames::default(), ring: ring.clone(), due_ns, pause_ms: u64::from(pause_ms) }
    }

    /// Reads on until the metadata are there, or cannot come any more.
    pub(crate) async fn begin(&mut self, stream: &mut Stream, body: &mut Body) -> Result<Begun, CallFailure> {
        let mut received = Vec::new();
        while Beginning::of(&received) == Beginning::Partial {
            match self.said(stream, body).await {
                Ok(Said::Content(content)) => received.extend_from_slice(&content),
                Ok(Said::Complete) => return Ok(Begun::Whole(received)),
                Ok(Said::Failed(document)) => return Ok(Begun::Failed(document)),
                Err(BodyFailure::Timeout) => return Err(CallFailure::Timeout),
                Err(_) => return Err(CallFailure::Network),
            }
        }
        Ok(Begun::Part(received))
    }

    /// The next piece of content, or `None` at the end, which a function that has failed does not have.
    pub(crate) async fn next(
        &mut self,
        stream: &mut Stream,
        body: &mut Body,
    ) -> Result<Option<Piece>, BodyFailure> {
        loop {
            match self.said(stream, body).await? {
                Said::Content(content) if content.is_empty() => {}
                Said::Content(content) => return Ok(Some(Piece::Copied(content))),
                Said::Complete => return Ok(None),
                Said::Failed(document) => {
                    let document = String::from_utf8_lossy(&document);
                    tracing::warn!("a function at AWS failed while it streamed its answer: {document}");
                    return Err(BodyFailure::Closed);
                }
            }
        }
    }

    async fn said(&mut self, stream: &mut Stream, body: &mut Body) -> Result<Said, BodyFailure> {
        loop {
            match self.frames.next() {
                Ok(Some(said)) => return Ok(said),
                Ok(None) => {}
                Err(Broken) => return Err(BodyFailure::Closed),
            }
            let left_ms = self.due_ns.saturating_sub(self.ring.now().monotonic_ns) / 1_000_000;
            if left_ms == 0 {
                return Err(BodyFailure::Timeout);
            }
            body.pause_at_most(left_ms.min(self.pause_ms));
            let piece = body.next(stream).await?.ok_or(BodyFailure::Closed)?;
            self.frames.feed(&piece);
        }
    }
}
