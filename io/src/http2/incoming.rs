//! The body of a request of HTTP/2. What the backend does not take, the client does not send: the window opens only as
//! pieces are passed on.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use tidegate_core::http1::{BodyError, BodyFraming, Trailers};
use tidegate_core::limits::Limits;

use super::within;
use crate::ends::Inbound;
use crate::ring::Ring;
use crate::stream::{BodyFailure, Piece};

/// A body that is being received.
pub(super) struct Incoming {
    ring: Ring,
    /// `None` when nothing is to come.
    stream: Option<RecvStream>,
    /// Received, and not read; they still count against the window.
    ready: VecDeque<Bytes>,
    /// What is to come in all, if it is known.
    length: Option<u64>,
    /// Content bytes so far.
    bytes: u64,
    bytes_max: u64,
    /// Longest pause between two pieces, in milliseconds.
    timeout_ms: u64,
}

impl Incoming {
    /// A body of which nothing has been read.
    pub(super) fn new(ring: &Ring, stream: RecvStream, framing: BodyFraming, limits: &Limits) -> Self {
        let length = match framing {
            BodyFraming::None => Some(0),
            BodyFraming::Length(length) => Some(length),
            BodyFraming::Chunked | BodyFraming::UntilClose => None,
        };
        Self {
            ring: ring.clone(),
            stream: Some(stream),
            ready: VecDeque::new(),
            length,
            bytes: 0,
            bytes_max: limits.payload_bytes_max,
            timeout_ms: limits.body_timeout_ms,
        }
    }

    /// Takes what has arrived already.
    fn take_arrived(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(data))) = stream.poll_data(&mut context) {
            if !data.is_empty() {
                self.ready.push_back(data);
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, BodyFailure> {
        if let Some(data) = self.ready.pop_front() {
            return Ok(Some(data));
        }
        let Some(stream) = &mut self.stream else { return Ok(None) };
        match within(&self.ring, self.timeout_ms, |context| stream.poll_data(context)).await {
            None => Err(BodyFailure::Timeout),
            Some(None) => Ok(None),
            Some(Some(Ok(data))) => Ok(Some(data)),
            Some(Some(Err(_))) => Err(BodyFailure::Closed),
        }
    }

    /// Lets the client send as much again.
    fn release(&mut self, bytes: usize) {
        if let Some(stream) = &mut self.stream {
            // It fails only when more is released than was received.
            let _ = stream.flow_control().release_capacity(bytes);
        }
    }
}

impl Inbound for Incoming {
    async fn next(&mut self) -> Result<Option<Piece>, BodyFailure> {
        while let Some(data) = self.receive().await? {
            if data.is_empty() {
                continue;
            }
            self.bytes += data.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(BodyFailure::TooLarge);
            }
            self.release(data.len());
            let mut piece = self.ring.buffer();
            piece.extend_from_slice(&data);
            return Ok(Some(Piece::Copied(piece)));
        }
        Ok(None)
    }

    async fn trailers(&mut self) -> Result<Trailers, BodyFailure> {
        let Some(stream) = self.stream.as_mut().filter(|stream| !stream.is_end_stream()) else {
            return Ok(Trailers::default());
        };
        match within(&self.ring, self.timeout_ms, |context| stream.poll_trailers(context)).await {
            None => Err(BodyFailure::Timeout),
            Some(Ok(None)) => Ok(Trailers::default()),
            Some(Ok(Some(fields))) => read_trailers(&fields).map_err(BodyFailure::Framing),
            Some(Err(_)) => Err(BodyFailure::Closed),
        }
    }

    fn take_received(&mut self, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let Some(length) = self.length.filter(|length| *length <= bytes_max as u64) else { return false };
        self.take_arrived();
        let arrived: usize = self.ready.iter().map(Bytes::len).sum();
        if (arrived as u64) < length {
            return false;
        }
        self.ready.drain(..).for_each(|data| out.extend_from_slice(&data));
        self.bytes += arrived as u64;
        self.release(arrived);
        true
    }

    fn has_pending(&mut self) -> bool {
        self.take_arrived();
        !self.ready.is_empty()
    }

    fn lend(&mut self) -> Self {
        let left = Self {
            ring: self.ring.clone(),
            stream: None,
            ready: VecDeque::new(),
            length: Some(0),
            bytes: 0,
            bytes_max: 0,
            timeout_ms: 0,
        };
        std::mem::replace(self, left)
    }
}

/// As strictly as those of HTTP/1.1. Pseudo-header fields, which may not be among them, `h2` has taken away.
fn read_trailers(fields: &HeaderMap) -> Result<Trailers, BodyError> {
    let mut trailers = Trailers::default();
    for (name, value) in fields {
        trailers.push(name.as_str().as_bytes(), value.as_bytes())?;
    }
    Ok(trailers)
}
