//! A client connection: requests in, answers out, one after the other.

use std::rc::Rc;

use tidegate_core::arrival::Peer;
use tidegate_core::exchange::{Event, Exchange, Step};
use tidegate_core::reject::Reject;

use crate::relay::{self, After};
use crate::ring::Chunk;
use crate::shard::Shard;
use crate::stream::Stream;
use crate::transport::Transport;

/// Bytes that are read and thrown away after a refusal, so that the client gets to read it.
const LINGER_BYTES_MAX: usize = 262_144;
/// How long that may take, in milliseconds.
const LINGER_MS: u64 = 1_000;

/// How long a connection keeps what serving takes after its last request, in milliseconds: the next one usually follows
/// soon.
const BUSY_MS: u64 = 100;

/// How reading a head ended.
enum Head {
    Complete,
    Refused(Reject),
    /// The client is gone, or was idle too long.
    Gone,
}

/// Serves a connection until it closes. While it is idle, this small future is all that it has beside its socket: no
/// buffers, no exchange, and none of the memory that serving takes.
pub(crate) async fn serve(shard: &Rc<Shard>, connection: Transport, peer: &Peer) {
    let mut stream = Stream::new(connection);
    let idle_timeout_ms = || shard.limits().idle_timeout_ms;
    loop {
        let waited = wait(shard, &stream, idle_timeout_ms()).await;
        if waited != Waited::Receivable {
            return;
        }
        match Box::pin(serve_requests(shard, &mut stream, peer)).await {
            Pause::Idle if idle_timeout_ms() > BUSY_MS => {}
            Pause::Idle | Pause::Over => return,
        }
    }
}

/// Why no more requests are served at once.
enum Pause {
    /// The client has sent nothing for [`BUSY_MS`].
    Idle,
    /// The connection is to be closed.
    Over,
}

/// Serves requests as long as they come one after the other.
async fn serve_requests(shard: &Rc<Shard>, stream: &mut Stream, peer: &Peer) -> Pause {
    loop {
        let Ok(Some(chunk)) = stream.next().await else { return Pause::Over };
        let mut exchange = shard.exchange();
        let head = read_head(shard, stream, &mut exchange, chunk).await;
        let after = match head {
            Head::Complete => relay::run(shard, stream, &mut exchange, peer).await,
            Head::Refused(reject) => refuse(shard, stream, &mut exchange, peer, reject).await,
            Head::Gone => After::Drop,
        };
        shard.put_back(exchange);
        match after {
            After::KeepAlive => {}
            After::Drop => {
                // What the kernel has not taken yet would be lost if the process ended now.
                let _ = stream.socket.flush().await;
                return Pause::Over;
            }
            After::Close => {
                Box::pin(linger(stream)).await;
                return Pause::Over;
            }
        }
        let busy_ms = shard.limits().idle_timeout_ms.min(BUSY_MS);
        match wait(shard, stream, busy_ms).await {
            Waited::Receivable => {}
            Waited::InVain => return Pause::Idle,
            Waited::Draining => return Pause::Over,
        }
    }
}

/// What waiting for a request led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    /// Something has come, if only the end of the stream.
    Receivable,
    /// Nothing has come in time.
    InVain,
    /// Nothing has come, and nothing shall.
    Draining,
}

async fn wait(shard: &Rc<Shard>, stream: &Stream, timeout_ms: u64) -> Waited {
    if stream.has_pending() {
        return Waited::Receivable;
    }
    stream.socket.receive_within(timeout_ms);
    stream.socket.receivable_or(|| shard.is_draining()).await;
    match (stream.is_quiet(), shard.is_draining()) {
        (false, _) => Waited::Receivable,
        (true, true) => Waited::Draining,
        (true, false) => Waited::InVain,
    }
}

/// Collects the head. Bytes behind it stay in the stream.
async fn read_head(shard: &Rc<Shard>, stream: &mut Stream, exchange: &mut Exchange, first: Chunk) -> Head {
    let (limits, head_timeout_ms) = {
        let core = shard.core.borrow();
        (core.plan.limits.request_head(), core.plan.limits.head_timeout_ms)
    };
    let request = &mut exchange.request;
    request.clear();
    let mut chunk = first;
    let mut deadline_set = false;
    loop {
        request.buffer_mut().extend_from_slice(&chunk);
        match request.parse(&limits) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let surplus = request.surplus().len();
                request.drop_surplus();
                chunk.consume(chunk.len() - surplus);
                stream.put_back(chunk);
                return Head::Complete;
            }
            Err(error) => return Head::Refused(Reject::Head(error)),
        }
        if !deadline_set {
            stream.socket.receive_within(head_timeout_ms);
            deadline_set = true;
        }
        chunk = match stream.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Head::Gone,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                return Head::Refused(Reject::HeadTimeout);
            }
            Err(_) => return Head::Gone,
        };
    }
}

async fn refuse(
    shard: &Rc<Shard>,
    stream: &Stream,
    exchange: &mut Exchange,
    peer: &Peer,
    reject: Reject,
) -> After {
    let step = {
        let mut core = shard.core.borrow_mut();
        exchange.advance(&mut core, shard.now(), Event::Refused(peer, shard.entropy(), reject))
    };
    let Step::Answer(answer) = step else { return After::Drop };
    let bytes = std::mem::replace(&mut exchange.out, shard.ring.buffer());
    let timeout_ms = shard.core.borrow().plan.limits.body_timeout_ms;
    let sent = stream.socket.send(bytes, false, timeout_ms).await;
    shard.finish(exchange, answer.inline_bytes);
    if sent.is_ok() { After::Close } else { After::Drop }
}

/// Closes so that the client gets to read what it was sent: closing with unread bytes would reset the connection
/// (RFC 9112 section 9.6).
async fn linger(stream: &mut Stream) {
    if stream.socket.finish().await.is_err() {
        return;
    }
    stream.socket.receive_within(LINGER_MS);
    let mut thrown_away = 0;
    while thrown_away < LINGER_BYTES_MAX {
        match stream.next().await {
            Ok(Some(chunk)) => thrown_away += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}
