//! One request of HTTP/2, from its head to the end of its answer.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::request::Parts;
use http::{Method, Request};
use tidegate_core::exchange::{Event, Exchange, Step};
use tidegate_core::http1::{HeadError, HeadLimits, RequestHead};
use tidegate_core::http2::request::{Pseudo, read};
use tidegate_core::reject::Reject;

use super::answering::{Answering, Sender};
use super::connection::Connected;
use super::content::Content;
use super::incoming::Incoming;
use super::yield_now;
use crate::ends::{Outbound as _, Rest};
use crate::relay::{self, End};

/// Serves a request. When the client resets it, everything that was done for it ends: the call to the backend is dropped
/// with its connection.
pub(super) async fn serve(
    connected: Rc<Connected>,
    request: Request<RecvStream>,
    respond: SendResponse<Content>,
) {
    let shard = &connected.shard;
    let mut exchange = shard.exchange();
    let sender = RefCell::new(Sender::new(respond));
    let end = {
        let mut work = pin!(carry(&connected, request, &sender, &mut exchange));
        poll_fn(|context| {
            if sender.borrow_mut().poll_reset(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    };
    let mut sender = sender.into_inner();
    match end {
        Some(End::Answered { .. }) => connected.carrier.guard().answered(),
        Some(End::Broken) => {
            // A reset overtakes what has not been sent; so let that go first.
            yield_now().await;
            sender.reset(Reason::INTERNAL_ERROR);
        }
        None if exchange.is_over() => {}
        None => shard.finish(&mut exchange, sender.sent_bytes),
    }
    shard.put_back(exchange);
}

async fn carry(
    connected: &Connected,
    request: Request<RecvStream>,
    sender: &RefCell<Sender>,
    exchange: &mut Exchange,
) -> End {
    let shard = &connected.shard;
    let (parts, stream) = request.into_parts();
    let mut answering = Answering::new(shard, sender);
    let limits = shard.limits().request_head();
    match read_head(&parts, !stream.is_end_stream(), &limits, &mut exchange.request) {
        Ok(()) => {
            let framing = exchange.request.framing();
            let mut incoming = Incoming::new(&shard.ring, stream, framing, &shard.limits());
            relay::run(shard, &mut incoming, &mut answering, exchange, &connected.peer).await
        }
        Err(error) => {
            let is_head = parts.method == Method::HEAD;
            refuse(connected, exchange, &mut answering, Reject::Head(error), is_head).await
        }
    }
}

fn read_head(
    parts: &Parts,
    has_body: bool,
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<(), HeadError> {
    let pseudo = Pseudo {
        method: parts.method.as_str().as_bytes(),
        scheme: parts.uri.scheme_str().map(str::as_bytes),
        authority: parts.uri.authority().map(|authority| authority.as_str().as_bytes()),
        path: parts.uri.path_and_query().map_or(b"", |path| path.as_str().as_bytes()),
    };
    let fields = || parts.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let result = read(&pseudo, fields, has_body, limits, head);
    if result.is_err() {
        head.clear();
    }
    result
}

async fn refuse(
    connected: &Connected,
    exchange: &mut Exchange,
    answering: &mut Answering<'_>,
    reject: Reject,
    is_head: bool,
) -> End {
    let shard = &connected.shard;
    let step = {
        let mut core = shard.core.borrow_mut();
        exchange.advance(&mut core, shard.now(), Event::Refused(&connected.peer, shard.entropy(), reject))
    };
    let Step::Answer(answer) = step else { return End::Broken };
    let mut out = std::mem::replace(&mut exchange.out, shard.ring.buffer());
    if is_head {
        // The head was not read, so core does not know.
        out.truncate(out.len() - answer.inline_bytes as usize);
    }
    let sent = answering.begin(out, Rest::Nothing).await;
    shard.finish(exchange, if is_head { 0 } else { answer.inline_bytes });
    sent.map_or(End::Broken, |()| End::Answered { answer, is_uploading: false })
}
