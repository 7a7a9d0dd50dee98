//! What an exchange hears and says: events from outside, and the steps that it needs next.

use std::sync::Arc;

use super::function::{Invoke, InvokeFailure};
use crate::arrival::{Entropy, Peer};
use crate::auth::authorizer::FlightId;
use crate::cache::FillId;
use crate::http1::BodyFraming;
use crate::limit::MeterId;
use crate::plan::OriginId;
use crate::reject::Reject;

/// What happened outside.
#[derive(Debug)]
pub enum Event<'a> {
    /// [`Exchange::request`](super::Exchange::request) holds a whole head.
    Request(&'a Peer, Entropy),
    /// The request cannot be read, or its body could not while it was needed or sent on.
    Refused(&'a Peer, Entropy, Reject),
    /// The ledger has answered [`Step::AskLedger`].
    LedgerAnswered,
    /// It has not, in time.
    LedgerSilent,
    /// The keys that [`Step::AwaitKeys`] waits for have come, or will not.
    KeysEnded,
    /// What [`Step::AwaitAuthorizer`] waits for has ended.
    AuthorizerEnded,
    /// The request body, whole.
    Body(&'a [u8]),
    /// [`Exchange::response`](super::Exchange::response) holds a whole head that is not interim.
    Response,
    /// The content behind that head, whole.
    ResponseBody(&'a [u8]),
    /// More content than [`Step::ReadResponse`] asked for: its beginning. The rest follows when the answer is sent.
    ResponseBegun(&'a [u8]),
    /// What [`Step::AwaitFill`] waits for has ended.
    FillEnded,
    /// It has not, in time.
    FillSlow,
    /// The call had no answer.
    CallFailed(CallFailure),
    /// The function has answered with this payload; empty for an asynchronous invocation that has been taken.
    Invoked(&'a [u8]),
    /// The function streams its answer, of which this is the beginning, at least to the end of its metadata. The rest follows
    /// when the answer is sent.
    InvokedBegun(&'a [u8]),
    /// The function has failed; this document says how.
    FunctionFailed(&'a [u8]),
    /// The invocation had no answer.
    InvokeFailed(InvokeFailure),
}

/// Why a call had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The origin's host name has no address.
    Unresolvable,
    /// No connection, a broken one, or not HTTP.
    Network,
    /// No answer in time.
    Timeout,
    /// More content than the limit on payloads, where it was needed whole.
    TooLarge,
    /// The client's body broke off, broke its framing or a limit while it was sent on.
    Request(Reject),
}

impl CallFailure {
    pub(super) fn reject(self) -> Reject {
        match self {
            Self::Unresolvable => Reject::UnresolvableHost,
            Self::Network => Reject::NetworkError,
            Self::Timeout => Reject::IntegrationTimeout,
            Self::TooLarge => Reject::IntegrationPayloadTooLarge,
            Self::Request(reject) => reject,
        }
    }
}

/// What the exchange needs next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The ledger's answer about this limit, which stands in the outbox of [`Shard::meters`](crate::shard::Shard::meters).
    AskLedger(MeterId),
    /// News of the key set there, for which [`Shard::key_sets`](crate::shard::Shard::key_sets) asks.
    AwaitKeys(Arc<str>),
    /// Another exchange's question to an authorizer ended.
    AwaitAuthorizer(FlightId),
    /// The whole request body, at most this many bytes.
    ReadBody {
        /// More is [`Reject::PayloadTooLarge`].
        bytes_max: u64,
    },
    /// [`Exchange::out`](super::Exchange::out) sent to this origin, and its answer.
    Call(Call),
    /// The content of that answer, whole, at most this many bytes.
    ReadResponse {
        /// How many.
        bytes_max: u64,
        /// What becomes of more.
        more: More,
    },
    /// The beginning of what a function at AWS streams, at least to the end of its metadata, out of the event stream that the
    /// Lambda API answers with: [`Event::InvokedBegun`], or [`Event::Invoked`] if that was all.
    ReadBegun {
        /// Milliseconds to the end of the answer.
        timeout_ms: u32,
        /// Longest pause in it, in milliseconds.
        pause_ms: u32,
    },
    /// The end of another exchange's fill, for so many milliseconds; it will stand in the outbox of [`Shard::caches`](crate::shard::Shard::caches).
    AwaitFill {
        /// Which one.
        fill: FillId,
        /// How long.
        timeout_ms: u64,
    },
    /// The function invoked with the event in [`Exchange::out`](super::Exchange::out).
    Invoke(Invoke),
    /// [`Exchange::out`](super::Exchange::out) sent to the client.
    Answer(Answer),
}

/// What becomes of more content than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// It is [`CallFailure::TooLarge`].
    Fails,
    /// It follows what has been read: [`Event::ResponseBegun`].
    Follows,
}

/// A call to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The backend.
    pub origin: OriginId,
    /// Milliseconds to the response head, and between pieces of the response.
    pub timeout_ms: u32,
    /// How the client's body follows the head; `None` when nothing follows.
    pub upload: BodyFraming,
    /// Whether the method may be sent twice (RFC 9110 section 9.2.2).
    pub is_idempotent: bool,
    /// Whether the method is HEAD, whose answers have no content.
    pub is_head: bool,
}

/// An answer to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How the backend's content follows; `None` when nothing follows.
    pub download: BodyFraming,
    /// Content bytes that are in [`Exchange::out`](super::Exchange::out) or [`Exchange::content`](super::Exchange::content) already.
    pub inline_bytes: u64,
    /// Whether the connection is to be used again, as the answer says.
    pub keep_alive: bool,
}
