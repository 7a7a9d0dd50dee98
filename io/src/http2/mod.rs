//! A client connection of HTTP/2: many requests at once on one socket.
//!
//! Frames, HPACK and flow control are the `h2` crate's, which reads and writes by tokio's traits and needs nothing else of
//! tokio. One task drives the connection; each request has a task of its own, so that waiting for one backend is
//! waiting for one request. In reading order:
//!
//! - `connection`: accepts requests, and ends when the client, a limit or a drain says so
//! - `carrier`: the socket as `h2` wants it, and the guard that watches what comes
//! - `request`: one request from its head to the end of its answer
//! - `incoming`, `answering`: the client as the relay sees it: a body to read, an answer to send
//! - `content`: bytes on their way to `h2` that are not copied

mod answering;
mod carrier;
mod connection;
mod content;
mod incoming;
mod request;

pub(crate) use self::connection::serve;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use crate::ring::Ring;

/// What a client of HTTP/2 begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether these first bytes of a client can only be HTTP/2; `None` when there are too few to tell.
pub(crate) fn is_preface(bytes: &[u8]) -> Option<bool> {
    let compared = bytes.len().min(PREFACE.len());
    match (bytes[..compared] == PREFACE[..compared], compared == PREFACE.len()) {
        (true, true) => Some(true),
        (true, false) => None,
        (false, _) => Some(false),
    }
}

/// What `poll` gives, or `None` after so many milliseconds. Costs a timer only when there is something to wait for.
async fn within<T>(
    ring: &Ring,
    milliseconds: u64,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let mut late = pin!(ring.sleep(milliseconds));
    poll_fn(|context| match poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => late.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Lets the tasks run that are to run already.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
