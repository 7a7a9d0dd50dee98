//! A request body on its way to the backend, while the backend is already being listened to.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tidegate_core::exchange::{Call, RequestTrailers};
use tidegate_core::http1::{BodyFraming, encode};
use tidegate_core::limits::Limits;

use crate::ends::Inbound;
use crate::shard::Shard;
use crate::stream::{BodyFailure, Piece};
use crate::transport::Transport;

/// How long a finished exchange waits for the client to finish its body, in milliseconds.
const EARLY_ANSWER_WAIT_MS: u64 = 1_000;

/// The client's body on its way to the backend.
pub(crate) enum Upload<I> {
    /// There is none, or it has all been sent.
    None,
    /// It is being sent.
    Running(Pin<Box<dyn Future<Output = Uploaded<I>>>>),
    /// It ended early; the rest of the body has not been read.
    Stopped,
}

impl<I: Inbound> Upload<I> {
    /// Moves the client's body into the upload; it comes back when the upload ends.
    pub(crate) fn start(
        shard: &Shard,
        inbound: &mut I,
        backend: &Transport,
        call: Call,
        trailers: Option<RequestTrailers>,
        limits: &Limits,
    ) -> Self {
        let mut inbound = inbound.lend();
        let backend = backend.clone();
        let (chunked, timeout_ms) = (call.upload == BodyFraming::Chunked, limits.body_timeout_ms);
        let spare = shard.ring.clone();
        Self::Running(Box::pin(async move {
            let end = loop {
                let sent = match inbound.next().await {
                    Ok(Some(piece)) => send_piece(&backend, piece, chunked, spare.buffer(), timeout_ms).await,
                    Ok(None) if chunked => match inbound.trailers().await {
                        Ok(received) => {
                            let passing = trailers.as_ref().map(|trailers| trailers.passing(&received));
                            let last = passing.unwrap_or_default().last_chunk();
                            let last = backend.send(last, false, timeout_ms).await;
                            break last.map_or(UploadEnd::BackendStopped, |()| UploadEnd::Complete);
                        }
                        Err(failure) => break UploadEnd::Failed(failure),
                    },
                    Ok(None) => break UploadEnd::Complete,
                    Err(failure) => break UploadEnd::Failed(failure),
                };
                if sent.is_err() {
                    break UploadEnd::BackendStopped;
                }
                // The backend's time begins when it has the whole request: AWS calls it with the body in hand.
                backend.receive_within(u64::from(call.timeout_ms));
            };
            Uploaded { inbound, end }
        }))
    }

    /// Does `work` while the upload goes on. With `stop`, an upload that fails for the client's fault ends the work.
    pub(crate) fn beside<'a, W: Future>(
        &'a mut self,
        inbound: &'a mut I,
        stop: bool,
        mut work: Pin<&'a mut W>,
    ) -> impl Future<Output = Result<W::Output, BodyFailure>> + 'a {
        poll_fn(move |context| {
            let failed = self.poll(context, inbound);
            match failed.filter(|_| stop) {
                Some(failure) => Poll::Ready(Err(failure)),
                None => work.as_mut().poll(context).map(Ok),
            }
        })
    }

    /// Waits a little for an upload that outlasts the answer. True when the whole body was sent to the backend.
    pub(crate) async fn settle(&mut self, shard: &Shard, inbound: &mut I) -> bool {
        if matches!(self, Self::Running(_)) {
            let wait = shard.ring.sleep(EARLY_ANSWER_WAIT_MS);
            let mut wait = pin!(wait);
            poll_fn(|context| {
                self.poll(context, inbound);
                if matches!(self, Self::Running(_)) { wait.as_mut().poll(context) } else { Poll::Ready(()) }
            })
            .await;
        }
        matches!(self, Self::None)
    }

    /// Whether it goes on.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Goes on with a running upload. When it ends, `inbound` is the client's body again. Returns how it failed, if the
    /// client is to blame.
    fn poll(&mut self, context: &mut Context<'_>, inbound: &mut I) -> Option<BodyFailure> {
        let Self::Running(running) = self else { return None };
        let Poll::Ready(uploaded) = running.as_mut().poll(context) else { return None };
        *inbound = uploaded.inbound;
        let (state, failure) = match uploaded.end {
            UploadEnd::Complete => (Self::None, None),
            UploadEnd::BackendStopped => (Self::Stopped, None),
            UploadEnd::Failed(failure) => (Self::Stopped, Some(failure)),
        };
        *self = state;
        failure
    }
}

pub(crate) struct Uploaded<I> {
    inbound: I,
    end: UploadEnd,
}

pub(crate) enum UploadEnd {
    Complete,
    /// The backend takes no more. It may still answer.
    BackendStopped,
    Failed(BodyFailure),
}

/// One piece of content, framed.
pub(crate) async fn send_piece(
    socket: &Transport,
    piece: Piece,
    chunked: bool,
    mut buffer: Vec<u8>,
    timeout_ms: u64,
) -> io::Result<()> {
    if chunked {
        encode::chunk_head(piece.len(), &mut buffer);
        buffer.extend_from_slice(&piece);
        buffer.extend_from_slice(encode::CHUNK_END);
        return socket.send(buffer, false, timeout_ms).await;
    }
    match piece {
        Piece::Chunk(chunk) => socket.send_chunk(chunk, timeout_ms).await,
        Piece::Copied(bytes) => socket.send(bytes, false, timeout_ms).await,
    }
}
