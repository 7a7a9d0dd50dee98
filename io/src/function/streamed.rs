//! An answer that a function streams: the runtime's connection, lent to the exchange that passes it on.
//!
//! What is received is passed on as it is, so that the ring's backpressure reaches from the client to the function: its
//! connection is not read further than the client takes in.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tidegate_core::lambda::streamed::{Beginning, failure};

use crate::ring::Ring;
use crate::stream::{Body, BodyFailure, Piece, Stream};

/// What a runtime sends, and the connection that it sends it on.
pub(super) struct Sending {
    pub(super) stream: Stream,
    pub(super) body: Body,
}

impl Sending {
    /// Reads on until the metadata are there, or cannot come any more. Returns what has been read.
    pub(super) async fn read_beginning(&mut self) -> Result<Vec<u8>, BodyFailure> {
        let mut received = Vec::new();
        while Beginning::of(&received) == Beginning::Partial {
            let Some(piece) = self.body.next(&mut self.stream).await? else { break };
            received.extend_from_slice(&piece);
        }
        Ok(received)
    }

    /// Reads the rest and throws it away.
    pub(super) async fn discard(&mut self) -> Result<(), BodyFailure> {
        while self.body.next(&mut self.stream).await?.is_some() {}
        Ok(())
    }

    /// The document of a function that has failed on the way, when all has been read.
    pub(super) fn failure(&self) -> Option<Vec<u8>> {
        failure_of(&self.body)
    }
}

/// What the trailers of a runtime's answer say of a failure.
pub(super) fn failure_of(body: &Body) -> Option<Vec<u8>> {
    failure(
        body.trailers().find(b"lambda-runtime-function-error-type"),
        body.trailers().find(b"lambda-runtime-function-error-body"),
    )
}

/// Where what was lent comes back.
#[derive(Default)]
pub(super) struct Landing {
    sending: RefCell<Option<Sending>>,
    waker: RefCell<Option<Waker>>,
}

impl Landing {
    /// Waits until it is back.
    pub(super) async fn returned(&self) -> Sending {
        poll_fn(|context| match self.sending.take() {
            Some(sending) => Poll::Ready(sending),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    fn take_back(&self, sending: Sending) {
        *self.sending.borrow_mut() = Some(sending);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The rest of an answer, on its way through an exchange. Whoever drops it wants no more of it; the connection goes back to
/// its own task, which reads it to its end.
pub(crate) struct Streamed {
    /// `None` while it is dropped.
    sending: Option<Sending>,
    landing: Rc<Landing>,
    ring: Ring,
    /// What has been received already, with the metadata.
    begun: Vec<u8>,
    due_ns: u64,
    pause_ms: u64,
}

impl Streamed {
    /// Lends the connection.
    pub(super) fn new(begun: Vec<u8>, sending: Sending, landing: &Rc<Landing>, ring: &Ring) -> Self {
        let (sending, landing, ring) = (Some(sending), Rc::clone(landing), ring.clone());
        Self { sending, landing, ring, begun, due_ns: u64::MAX, pause_ms: u64::MAX }
    }

    /// It must have ended by then, with no longer pauses than this.
    pub(super) fn limit(&mut self, due_ns: u64, pause_ms: u32) {
        (self.due_ns, self.pause_ms) = (due_ns, u64::from(pause_ms));
    }

    /// What has been received already, once.
    pub(crate) fn take_begun(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    /// Whether something received is waiting.
    pub(crate) fn has_pending(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.stream.has_pending())
    }

    /// The next piece of content, or `None` at the end. A function that has failed has no end that a client may see.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, BodyFailure> {
        let Some(sending) = &mut self.sending else { return Err(BodyFailure::Closed) };
        let left_ms = self.due_ns.saturating_sub(self.ring.now().monotonic_ns) / 1_000_000;
        if left_ms == 0 {
            return Err(BodyFailure::Timeout);
        }
        sending.body.pause_at_most(left_ms.min(self.pause_ms));
        match sending.body.next(&mut sending.stream).await? {
            Some(piece) => Ok(Some(piece)),
            None if sending.failure().is_some() => Err(BodyFailure::Closed),
            None => Ok(None),
        }
    }

    /// Whether it is known that the answer is complete.
    pub(crate) fn is_complete(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.body.is_done() && sending.failure().is_none())
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if let Some(sending) = self.sending.take() {
            self.landing.take_back(sending);
        }
    }
}
