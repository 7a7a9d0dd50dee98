//! The bytes of an answer, as they come: from head to body to complete.

use super::slot::{Exchange, Stage};
use crate::http1::{Body, Malformed, response};

/// A complete answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether the connection may be used again.
    pub(super) keeps_alive: bool,
}

/// Takes bytes that have come; `head` keeps the part of a head between calls.
///
/// `None` while the answer is not complete.
pub(super) fn take(
    exchange: &mut Exchange,
    head: &mut Vec<u8>,
    bytes: &[u8],
) -> Result<Option<Answer>, Malformed> {
    match exchange.stage {
        Stage::Body { .. } => take_body(exchange, bytes),
        Stage::Head if head.is_empty() => take_head(exchange, head, bytes),
        Stage::Head => {
            // What is kept is bounded: `response::head` refuses more than a head may have.
            let mut whole = std::mem::take(head);
            whole.extend_from_slice(bytes);
            take_head(exchange, head, &whole)
        }
    }
}

fn take_head(
    exchange: &mut Exchange,
    kept: &mut Vec<u8>,
    mut bytes: &[u8],
) -> Result<Option<Answer>, Malformed> {
    loop {
        let Some(head) = response::head(bytes, exchange.is_head)? else {
            kept.clear();
            kept.extend_from_slice(bytes);
            return Ok(None);
        };
        bytes = &bytes[head.bytes..];
        if head.status >= 200 {
            exchange.stage =
                Stage::Body { status: head.status, keeps_alive: head.keeps_alive, body: head.body };
            return take_body(exchange, bytes);
        }
    }
}

fn take_body(exchange: &mut Exchange, bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
    let Stage::Body { status, keeps_alive, body } = &mut exchange.stage else { return Ok(None) };
    let taken = body.take(bytes, |_| {})?;
    if !taken.complete {
        return Ok(None);
    }
    if taken.bytes < bytes.len() {
        return Err(Malformed::Unasked);
    }
    Ok(Some(Answer { status: *status, keeps_alive: *keeps_alive }))
}

/// What the end of the stream makes of an answer.
pub(super) enum AtEnd {
    /// It was complete: its body lasts until the peer closes.
    Complete(Answer),
    /// Nothing of it had come.
    Nothing,
    /// Part of it had come.
    Short,
}

/// The peer has closed.
pub(super) fn end(exchange: &Exchange, head: &[u8]) -> AtEnd {
    match exchange.stage {
        Stage::Head if head.is_empty() => AtEnd::Nothing,
        Stage::Body { status, body: Body::UntilClose, .. } => {
            AtEnd::Complete(Answer { status, keeps_alive: false })
        }
        Stage::Head | Stage::Body { .. } => AtEnd::Short,
    }
}
