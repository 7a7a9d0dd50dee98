//! One connection of the origin.

use std::io;
use std::os::fd::OwnedFd;

use super::behaviour::{Behaviour, FILLER, Ready, bodyless};
use crate::http1::Body;
use crate::socket;

/// Bytes put into the output at once.
const PIECE_BYTES: usize = 65_536;
/// A slow body is sent in that many pieces per second.
const PIECES_PER_SECOND: u64 = 50;

/// A connection: its socket, what it waits for, and bytes on their way.
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    pub(super) state: State,
    /// Bytes received that belong to no complete head yet, or to a later request.
    pub(super) input: Vec<u8>,
    /// Whether the socket may hold more to receive. Events come once per change, so what is not read now must be
    /// remembered.
    pub(super) may_read: bool,
    /// The peer has closed: after what is there comes the end, without a further event.
    pub(super) ended: bool,
    /// Bytes made and not yet sent, from `out_from` on.
    pub(super) out: Vec<u8>,
    pub(super) out_from: usize,
}

/// ```text
/// Head ──> Body ──> Delayed ──> Answering <──> Paused
///  ^                                │
///  └────────────────────────────────┴──> closed
/// ```
pub(super) enum State {
    /// A head is to come, or its rest.
    Head,
    /// The rest of a body is to come.
    Body { asked: Asked, body: Body, echo: Vec<u8> },
    /// Wait before answering.
    Delayed { asked: Asked, echo: Vec<u8> },
    /// Bytes are on their way.
    Answering(Answering),
    /// A slow body waits for its time.
    Paused(Answering),
}

/// What the answer must know of the request.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) closes: bool,
}

/// An answer on its way.
pub(super) struct Answering {
    pub(super) source: Source,
    pub(super) closes: bool,
}

/// Where an answer's bytes come from.
pub(super) enum Source {
    /// The ready answer, from some byte on.
    Ready { is_head: bool, from: usize },
    /// `out`, and then a body of fill bytes.
    Made { left: u64, chunk_bytes: Option<usize>, pace: Option<Pace> },
}

/// How far a slow body has come.
pub(super) struct Pace {
    pub(super) since: u64,
    pub(super) bytes_per_second: u64,
    pub(super) sent: u64,
}

/// How sending went on.
pub(super) enum Sent {
    /// The answer is out.
    Whole,
    /// The socket takes no more now.
    Blocked,
    /// A slow body goes on at this time.
    Pause(u64),
    /// The peer is gone.
    Gone,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            state: State::Head,
            input: Vec::new(),
            may_read: true,
            ended: false,
            out: Vec::new(),
            out_from: 0,
        }
    }

    /// Sends as much of the answer as goes.
    pub(super) fn send(&mut self, answering: &mut Answering, ready: Option<&Ready>, now: u64) -> Sent {
        loop {
            let bytes = match (&answering.source, ready) {
                (Source::Ready { is_head, from }, Some(ready)) => {
                    &ready.bytes(*is_head, answering.closes)[*from..]
                }
                _ => &self.out[self.out_from..],
            };
            if bytes.is_empty() {
                match self.refill(&mut answering.source, now) {
                    Refill::Filled => continue,
                    Refill::Pause(until) => return Sent::Pause(until),
                    Refill::End => return Sent::Whole,
                }
            }
            match socket::send(&self.socket, bytes) {
                // Not asked for more: the common answer is out with one call.
                Ok(sent) => match &mut answering.source {
                    Source::Ready { from, .. } if sent == bytes.len() => {
                        *from += sent;
                        return Sent::Whole;
                    }
                    Source::Ready { from, .. } => *from += sent,
                    Source::Made { .. } => self.out_from += sent,
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Blocked,
                Err(_) => return Sent::Gone,
            }
        }
    }

    fn refill(&mut self, source: &mut Source, now: u64) -> Refill {
        self.out.clear();
        self.out_from = 0;
        let Source::Made { left, chunk_bytes, pace } = source else { return Refill::End };
        if *left == 0 {
            return Refill::End;
        }
        let mut piece = (*left).min(chunk_bytes.unwrap_or(PIECE_BYTES) as u64);
        if let Some(pace) = pace {
            let elapsed = now.saturating_sub(pace.since);
            let allowed = (u128::from(elapsed) * u128::from(pace.bytes_per_second) / 1_000_000_000) as u64;
            let step = (pace.bytes_per_second / PIECES_PER_SECOND).max(1).min(piece);
            if allowed < pace.sent + step {
                let until = u128::from(pace.sent + step) * 1_000_000_000 / u128::from(pace.bytes_per_second);
                return Refill::Pause(pace.since + until as u64 + 1);
            }
            piece = step;
            pace.sent += piece;
        }
        *left -= piece;
        put_piece(&mut self.out, piece as usize, chunk_bytes.is_some(), *left == 0);
        Refill::Filled
    }
}

enum Refill {
    Filled,
    Pause(u64),
    End,
}

fn put_piece(out: &mut Vec<u8>, bytes: usize, chunked: bool, last: bool) {
    if chunked {
        out.extend_from_slice(format!("{bytes:x}\r\n").as_bytes());
    }
    out.resize(out.len() + bytes, FILLER);
    if chunked {
        out.extend_from_slice(if last { b"\r\n0\r\n\r\n" } else { b"\r\n" });
    }
}

/// Makes an answer: its head goes to `out`, its body follows while sending.
pub(super) fn make(
    behaviour: &Behaviour,
    asked: Asked,
    status: u16,
    bytes: u64,
    now: u64,
    out: &mut Vec<u8>,
) -> Answering {
    let bodyless = bodyless(status);
    let chunked = behaviour.chunk_bytes.is_some() && !bodyless;
    behaviour.head(status, (!chunked).then_some(bytes), asked.closes, out);
    let left = if asked.is_head || bodyless { 0 } else { bytes };
    if chunked && left == 0 && !asked.is_head {
        out.extend_from_slice(b"0\r\n\r\n");
    }
    let pace = behaviour.bytes_per_second.map(|rate| Pace { since: now, bytes_per_second: rate, sent: 0 });
    // What fits goes out with the head, in one call.
    let (left, chunk_bytes) = (left, behaviour.chunk_bytes.filter(|_| chunked));
    if pace.is_none() && !chunked && left <= PIECE_BYTES as u64 {
        out.resize(out.len() + left as usize, FILLER);
        return Answering { source: Source::Made { left: 0, chunk_bytes: None, pace }, closes: asked.closes };
    }
    Answering { source: Source::Made { left, chunk_bytes, pace }, closes: asked.closes }
}

/// Makes an answer that is the request's body.
pub(super) fn echo(
    behaviour: &Behaviour,
    asked: Asked,
    status: u16,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Answering {
    behaviour.head(status, Some(body.len() as u64), asked.closes, out);
    if !asked.is_head && !bodyless(status) {
        out.extend_from_slice(body);
    }
    Answering { source: Source::Made { left: 0, chunk_bytes: None, pace: None }, closes: asked.closes }
}
