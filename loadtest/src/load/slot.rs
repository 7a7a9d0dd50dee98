//! A slot: the place of one connection, which may be open or not, busy or not.

use super::wire::Wire;
use crate::http1::Body;

/// The place of one connection.
pub(super) struct Slot {
    /// Index of its lane.
    pub(super) lane: u32,
    /// With HTTP/2, the connection that it shares with others.
    pub(super) wire: u32,
    /// Which of its connections this is.
    pub(super) generation: u32,
    /// When it last became free.
    pub(super) free_since: u64,
    /// Requests sent on this connection.
    pub(super) served: u32,
    pub(super) state: State,
    /// What of the request the socket did not take yet, from `unsent_from` on.
    pub(super) unsent: Vec<u8>,
    pub(super) unsent_from: usize,
    /// The part of an answer's head that has come.
    pub(super) head: Vec<u8>,
}

/// ```text
///          ┌──────────────── failed, closed ─────────────────────┐
///          v                                                     │
///        Closed ──connect──> Connecting ──made──> Idle ──send──> Busy
///                                                   ^──answered───┘
/// ```
pub(super) enum State {
    Closed,
    Connecting {
        wire: Wire,
        since: u64,
        request: Option<Request>,
    },
    Idle {
        wire: Wire,
    },
    Busy {
        wire: Wire,
        exchange: Exchange,
    },
    /// With HTTP/2: waits for its connection, or for room on it.
    Queued {
        request: Request,
    },
    /// With HTTP/2: a request on this stream.
    Streaming {
        exchange: Exchange,
        stream: u32,
    },
}

/// A request that has been begun.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) due: u64,
    pub(super) begun: u64,
}

/// A request that has been sent.
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) sent: u64,
    pub(super) is_head: bool,
    /// The request said `Connection: close`.
    pub(super) closes: bool,
    pub(super) stage: Stage,
}

pub(super) enum Stage {
    Head,
    Body { status: u16, keeps_alive: bool, body: Body },
}

impl Slot {
    pub(super) fn new(lane: u32) -> Self {
        Self {
            lane,
            wire: 0,
            generation: 0,
            free_since: 0,
            served: 0,
            state: State::Closed,
            unsent: Vec::new(),
            unsent_from: 0,
            head: Vec::new(),
        }
    }

    /// Takes the state out; the caller puts the next one in.
    #[inline]
    pub(super) fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Closed)
    }

    /// Forgets what belonged to the last connection. Dropping its socket closes it.
    pub(super) fn close(&mut self) {
        self.state = State::Closed;
        self.generation = self.generation.wrapping_add(1);
        self.served = 0;
        self.unsent.clear();
        self.unsent_from = 0;
        self.head.clear();
    }
}
