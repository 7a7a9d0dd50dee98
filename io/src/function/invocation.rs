//! One invocation: the message that a runtime gets, and the answer that a client waits for.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use tidegate_core::arrival::uuid;
use tidegate_core::exchange::{Exchange, InvokeFailure};
use tidegate_core::http1::encode;
use tidegate_core::lambda::json;
use tidegate_core::limits::RESULT_BYTES_MAX;

use super::pool::Pool;
use super::streamed::Streamed;
use crate::ring::Ring;

/// What the deadline is written over; enough digits until the year 2286.
const DEADLINE: &[u8; 13] = b"0000000000000";

/// What comes of an invocation: the function's answer, or not.
pub(super) type Outcome = Result<Response, Failure>;

/// What a function answers.
pub(super) enum Response {
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning; the rest follows.
    Begun(Box<Streamed>),
}

/// Why a function has not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// It has failed; the document says how.
    Function(Vec<u8>),
    /// The gateway did not or does not wait for it.
    Refused(InvokeFailure),
}

/// How an invocation is lost without a word of the function.
#[derive(Debug)]
pub(super) enum Loss {
    /// It took longer than so many milliseconds.
    TimedOut(u64),
    /// The process has ended.
    Ended(String),
    /// The runtime asked for another one without an answer.
    Skipped,
    /// The answer is larger than it may be.
    TooLarge,
    /// The process has not asked for one in so many milliseconds.
    NotStarted(u64),
    /// No process is running, nor being started.
    Down,
}

impl Loss {
    /// As Lambda calls it.
    fn error_type(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::Ended(_) | Self::Down => "Runtime.ExitError",
            Self::Skipped => "Runtime.NoResponse",
            Self::TooLarge => "Function.ResponseSizeTooLarge",
            Self::NotStarted(_) => "Runtime.InitError",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(after_ms) => {
                write!(f, "Task timed out after {:.2} seconds", *after_ms as f64 / 1000.0)
            }
            Self::Ended(end) => write!(f, "Runtime exited with error: {end}"),
            Self::Skipped => f.write_str("the runtime asked for another invocation without an answer"),
            Self::TooLarge => write!(
                f,
                "Response payload size exceeded maximum allowed payload size ({RESULT_BYTES_MAX} bytes)."
            ),
            Self::NotStarted(after_ms) => write!(f, "it asked for no invocation within {after_ms} ms"),
            Self::Down => f.write_str("no process of the function is running"),
        }
    }
}

/// An invocation.
pub(crate) struct Invocation {
    /// Random bits that name it, as a UUID.
    pub(super) id: [u64; 2],
    /// The whole answer to the runtime's `/next`, but for the deadline. Taken when it is handed over.
    message: RefCell<Vec<u8>>,
    /// Where the deadline stands in it.
    deadline_at: usize,
    outcome: RefCell<Option<Outcome>>,
    ended: Cell<bool>,
    /// Whether an answer is wanted as soon as it has begun.
    pub(super) streams: bool,
    waker: RefCell<Option<Waker>>,
    /// What it holds on to until it ends, if nobody waits for it.
    unattended: RefCell<Option<Unattended>>,
}

/// Keeps the function and counts, while an asynchronous invocation has not ended.
pub(super) struct Unattended {
    _pool: Rc<Pool>,
    count: Rc<Cell<usize>>,
}

impl Unattended {
    pub(super) fn new(pool: &Rc<Pool>, count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self { _pool: Rc::clone(pool), count: Rc::clone(count) }
    }
}

impl Drop for Unattended {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

impl Invocation {
    /// With the event that stands in `exchange.out`.
    pub(super) fn new(ring: &Ring, exchange: &Exchange, id: [u64; 2], streams: bool) -> Self {
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
            streams,
            waker: RefCell::default(),
            unattended: RefCell::default(),
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

    /// Nobody waits for it; it holds on to this until it ends.
    pub(super) fn leave(&self, unattended: Unattended) {
        *self.unattended.borrow_mut() = Some(unattended);
    }

    /// Its id, as a text.
    pub(super) fn request_id(&self) -> String {
        String::from_utf8_lossy(&uuid(self.id[0], self.id[1])).into_owned()
    }

    /// What Lambda says of it when it is lost.
    pub(super) fn document(&self, loss: &Loss) -> Vec<u8> {
        let message = format!("RequestId: {} Error: {loss}", self.request_id());
        let mut document = br#"{"errorType":"#.to_vec();
        json::write_string(loss.error_type().as_bytes(), &mut document);
        document.extend_from_slice(br#","errorMessage":"#);
        json::write_string(message.as_bytes(), &mut document);
        document.push(b'}');
        document
    }

    /// Ends it. The first outcome counts.
    pub(super) fn end(&self, outcome: Outcome) {
        if !self.ended.replace(true) {
            let unattended = self.unattended.take();
            if unattended.is_some() && outcome.is_err() {
                tracing::warn!(request_id = self.request_id(), "an asynchronous invocation failed");
            }
            *self.outcome.borrow_mut() = Some(outcome);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    /// Nobody waits for the outcome any more, nor for the one that may be there. Whether it had one, taken or not.
    pub(super) fn abandon(&self) -> bool {
        drop(self.outcome.take());
        self.ended.replace(true)
    }

    /// The outcome, once; else wakes when it is there.
    pub(super) fn outcome(&self, waker: &Waker) -> Option<Outcome> {
        let outcome = self.outcome.take();
        if outcome.is_none() {
            *self.waker.borrow_mut() = Some(waker.clone());
        }
        outcome
    }
}
