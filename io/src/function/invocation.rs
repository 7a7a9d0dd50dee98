//! One invocation: the message that a runtime gets, and the answer that a client waits for.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use tidegate_core::arrival::uuid;
use tidegate_core::exchange::{Exchange, InvokeFailure};
use tidegate_core::http1::encode;

use crate::ring::Ring;

/// What the deadline is written over; enough digits until the year 2286.
const DEADLINE: &[u8; 13] = b"0000000000000";

/// An invocation.
pub(crate) struct Invocation {
    /// Random bits that name it, as a UUID.
    pub(super) id: [u64; 2],
    /// The whole answer to the runtime's `/next`, but for the deadline. Taken when it is handed over.
    message: RefCell<Vec<u8>>,
    /// Where the deadline stands in it.
    deadline_at: usize,
    outcome: RefCell<Option<Result<Vec<u8>, InvokeFailure>>>,
    ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Invocation {
    /// With the event that stands in `exchange.out`.
    pub(super) fn new(ring: &Ring, exchange: &Exchange, id: [u64; 2]) -> Self {
        let mut message = ring.buffer();
        let text = uuid(id[0], id[1]);
        message.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
        encode::field(b"Lambda-Runtime-Aws-Request-Id", &text, &mut message);
        // Newer runtimes send it back, so that an answer that comes too late is not taken for another's.
        encode::field(b"Lambda-Runtime-Invocation-Id", &text, &mut message);
        message.extend_from_slice(b"Lambda-Runtime-Deadline-Ms: ");
        let deadline_at = message.len();
        message.extend_from_slice(DEADLINE);
        message.extend_from_slice(b"\r\n");
        exchange.write_invocation_fields(&mut message);
        let length = exchange.out.len();
        encode::field(b"Content-Length", length.to_string().as_bytes(), &mut message);
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(&exchange.out);
        Self {
            id,
            message: RefCell::new(message),
            deadline_at,
            outcome: RefCell::default(),
            ended: Cell::new(false),
            waker: RefCell::default(),
        }
    }

    /// The message for the runtime, which must answer before `deadline_unix_ms`.
    pub(super) fn message(&self, deadline_unix_ms: u64) -> Vec<u8> {
        let mut message = self.message.take();
        if let Some(place) = message.get_mut(self.deadline_at..self.deadline_at + DEADLINE.len()) {
            let mut left = deadline_unix_ms;
            for digit in place.iter_mut().rev() {
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
        message
    }

    /// Whether a request of the runtime names it.
    pub(super) fn is(&self, id: &[u8]) -> bool {
        uuid(self.id[0], self.id[1]).eq_ignore_ascii_case(id)
    }

    /// Ends it. The first outcome counts.
    pub(super) fn end(&self, outcome: Result<Vec<u8>, InvokeFailure>) {
        if !self.ended.replace(true) {
            *self.outcome.borrow_mut() = Some(outcome);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    /// The outcome, once; else wakes when it is there.
    pub(super) fn outcome(&self, waker: &Waker) -> Option<Result<Vec<u8>, InvokeFailure>> {
        let outcome = self.outcome.take();
        if outcome.is_none() {
            *self.waker.borrow_mut() = Some(waker.clone());
        }
        outcome
    }
}
