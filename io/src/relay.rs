//! One exchange: the loop that joins core and kernel.
//!
//! All awaits of the request path are here and in what it calls. While the backend is called and answers, the client's
//! body may still be on its way to it: both directions move at once.

use std::io;
use std::pin::pin;
use std::rc::Rc;

use tidegate_core::arrival::Peer;
use tidegate_core::exchange::{Answer, Call, CallFailure, Event, Exchange, More, Step};
use tidegate_core::http1::BodyFraming;
use tidegate_core::limits::Limits;
use tidegate_core::reject::Reject;

use crate::backend::{self, Backend, Called, Content};
use crate::ends::{Broken, Inbound, Outbound, Rest};
use crate::function;
use crate::function::remote::Begun;
use crate::shard::Shard;
use crate::stream::{Body, BodyFailure, Stream};
use crate::upload::Upload;
use crate::upstream::{Pool, Upstream};

/// Content that is already there goes out with the head in one send, up to this many bytes.
const INLINE_BYTES_MAX: usize = 16_384;
/// How an exchange ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It got this answer. The rest of its body may not have been read, and is out of reach while it is still being
    /// uploaded.
    Answered {
        /// The answer.
        answer: Answer,
        /// Whether the upload goes on.
        is_uploading: bool,
    },
    /// It got no answer, or not all of it.
    Broken,
}

/// Carries the exchange whose request head has been read.
pub(crate) async fn run<I: Inbound, O: Outbound>(
    shard: &Rc<Shard>,
    inbound: &mut I,
    outbound: &mut O,
    exchange: &mut Exchange,
    peer: &Peer,
) -> End {
    let mut upload = Upload::None;
    let mut backend: Option<Backend> = None;
    // Of the plan that the exchange begins with: a body, or the ledger, may take longer than a reload.
    let (functions, pools) = (shard.functions.current(), shard.pools());
    let mut step = advance(shard, exchange, Event::Request(peer, shard.entropy()));
    loop {
        step = match step {
            Step::AskLedger(meter) => {
                let answered = Box::pin(shard.waiting.answered(meter, shard.now().monotonic_ns)).await;
                advance(shard, exchange, if answered { Event::LedgerAnswered } else { Event::LedgerSilent })
            }
            Step::AwaitKeys(url) => {
                // Come or not: the exchange looks what is known now.
                Box::pin(shard.keys.answered(url, shard.now().monotonic_ns)).await;
                advance(shard, exchange, Event::KeysEnded)
            }
            Step::AwaitFill { fill, timeout_ms } => {
                let until_ns = shard.now().monotonic_ns + timeout_ms * 1_000_000;
                let ended = Box::pin(shard.following.answered_until(fill, until_ns)).await;
                advance(shard, exchange, if ended { Event::FillEnded } else { Event::FillSlow })
            }
            Step::AwaitAuthorizer(flight) => {
                // Answered or not: the exchange looks what is known now.
                Box::pin(shard.authorizing.answered(flight, shard.now().monotonic_ns)).await;
                advance(shard, exchange, Event::AuthorizerEnded)
            }
            Step::ReadBody { .. } => match Box::pin(read_whole(exchange, inbound, outbound)).await {
                Ok(content) => advance(shard, exchange, Event::Body(&content)),
                Err(failure) => match refusal(failure) {
                    Some(reject) => advance(shard, exchange, Event::CallFailed(CallFailure::Request(reject))),
                    None => return client_gone(shard, exchange),
                },
            },
            Step::Call(call) => {
                backend::replace(&mut backend, None, shard);
                let pool = Rc::clone(&pools[call.origin.0 as usize]);
                match call_backend(shard, pool, exchange, inbound, outbound, &mut upload, call).await {
                    Ok(called) => {
                        backend = Some(Backend::Http(called));
                        advance(shard, exchange, Event::Response)
                    }
                    Err(Failure::Call(failure)) => advance(shard, exchange, Event::CallFailed(failure)),
                    Err(Failure::ClientGone) => return client_gone(shard, exchange),
                }
            }
            Step::ReadResponse { bytes_max, more } => {
                let read = {
                    // In a box, so that exchanges that pass answers on do not hold its memory.
                    let mut work = Box::pin(backend::read(&mut backend, bytes_max));
                    upload.beside(inbound, true, work.as_mut()).await
                };
                match read {
                    Ok(Ok(Content::Whole(content))) => {
                        advance(shard, exchange, Event::ResponseBody(&content))
                    }
                    Ok(Ok(Content::Begun(content))) => match more {
                        More::Follows => advance(shard, exchange, Event::ResponseBegun(&content)),
                        More::Fails => advance(shard, exchange, Event::CallFailed(CallFailure::TooLarge)),
                    },
                    Ok(Err(failure)) => advance(shard, exchange, Event::CallFailed(failure)),
                    Err(failure) => match refusal(failure) {
                        Some(reject) => {
                            advance(shard, exchange, Event::CallFailed(CallFailure::Request(reject)))
                        }
                        None => return client_gone(shard, exchange),
                    },
                }
            }
            Step::Invoke(invoke) => {
                let pool = &functions[invoke.function.0 as usize];
                // In a box, so that exchanges without functions do not hold its memory.
                let mut invoked = Box::pin(function::invoke(shard, pool, exchange, invoke)).await;
                backend::replace(&mut backend, invoked.take_rest().map(Backend::Function), shard);
                advance(shard, exchange, invoked.event())
            }
            Step::ReadBegun { timeout_ms, pause_ms } => {
                let read = Box::pin(backend::unpack(shard, &mut backend, timeout_ms, pause_ms)).await;
                advance(
                    shard,
                    exchange,
                    read.as_ref().map_or_else(|failure| Event::CallFailed(*failure), Begun::event),
                )
            }
            Step::Answer(answer) => {
                let sent = {
                    let work = pin!(send_answer(shard, exchange, outbound, answer, &mut backend));
                    upload.beside(inbound, false, work).await
                };
                let (sent, bytes) = sent.unwrap_or((Err(Broken), 0));
                shard.finish(exchange, bytes);
                let uploaded = upload.settle(shard, inbound).await;
                if let Some(backend) = backend.take() {
                    backend.release(shard, uploaded);
                }
                return match sent {
                    Err(Broken) => End::Broken,
                    Ok(()) => End::Answered { answer, is_uploading: upload.is_running() },
                };
            }
        };
    }
}

/// Nobody is left to answer to. The request is logged, without a status.
fn client_gone(shard: &Shard, exchange: &mut Exchange) -> End {
    shard.finish(exchange, 0);
    End::Broken
}

/// Why a call ended without an answer.
enum Failure {
    Call(CallFailure),
    ClientGone,
}

fn advance(shard: &Shard, exchange: &mut Exchange, event: Event<'_>) -> Step {
    let step = {
        let core = &mut *shard.core.borrow_mut();
        let step = exchange.advance(core, shard.now(), event);
        shard.tell_followers(core);
        shard.tell_authorized(core);
        step
    };
    shard.tell_ledger();
    shard.ask_keys();
    step
}

/// What the client is told about its own body; `None` when it cannot be told any more.
fn refusal(failure: BodyFailure) -> Option<Reject> {
    match failure {
        BodyFailure::Closed => None,
        BodyFailure::Timeout => Some(Reject::BodyTimeout),
        BodyFailure::Framing(error) => Some(Reject::Body(error)),
        BodyFailure::TooLarge => Some(Reject::PayloadTooLarge),
    }
}

/// Tells a waiting client to go on.
async fn invite_body(
    exchange: &Exchange,
    inbound: &mut impl Inbound,
    outbound: &mut impl Outbound,
) -> Result<(), Broken> {
    if !exchange.request.expects_continue() || inbound.has_pending() {
        return Ok(());
    }
    outbound.invite().await
}

async fn read_whole(
    exchange: &Exchange,
    inbound: &mut impl Inbound,
    outbound: &mut impl Outbound,
) -> Result<Vec<u8>, BodyFailure> {
    invite_body(exchange, inbound, outbound).await.map_err(|Broken| BodyFailure::Closed)?;
    let mut content = Vec::new();
    while let Some(piece) = inbound.next().await? {
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

/// Sends the request and reads the head of the answer. Repeats it on another connection if a reused one died before
/// the first byte of the answer and nothing is lost by repeating it (RFC 9110 section 9.2.2).
async fn call_backend<I: Inbound>(
    shard: &Rc<Shard>,
    pool: Rc<Pool>,
    exchange: &mut Exchange,
    inbound: &mut I,
    outbound: &mut impl Outbound,
    upload: &mut Upload<I>,
    call: Call,
) -> Result<Called, Failure> {
    let plan = Rc::clone(&shard.core.borrow().plan);
    let started = shard.now();
    let uploads =
        call.upload != BodyFraming::None && !inbound.take_received(INLINE_BYTES_MAX, &mut exchange.out);
    if uploads {
        invite_body(exchange, inbound, outbound).await.map_err(|Broken| Failure::ClientGone)?;
    }
    let repeatable = call.is_idempotent && !uploads;
    loop {
        let Upstream { stream: mut backend, reused } =
            pool.acquire(&shard.ring, &plan.limits, true).await.map_err(Failure::Call)?;
        let left_ms = u64::from(call.timeout_ms).saturating_sub(shard.now().since_ms(started));
        backend.socket.receive_within(left_ms);
        let mut request = shard.ring.buffer();
        request.extend_from_slice(&exchange.out);
        let sent = backend.socket.send(request, uploads, left_ms).await;
        if uploads && sent.is_ok() {
            let trailers = exchange.request_trailers();
            *upload = Upload::start(shard, inbound, &backend.socket, call, trailers, &plan.limits);
        }
        let answered = {
            let head = pin!(read_response(exchange, &mut backend, &plan.limits, call.is_head));
            upload.beside(inbound, true, head).await
        };
        match answered {
            Err(failure) => {
                return Err(refusal(failure)
                    .map_or(Failure::ClientGone, |reject| Failure::Call(CallFailure::Request(reject))));
            }
            Ok(Ok(())) => {
                let framing = exchange.response.framing();
                let body = Body::new(framing, plan.limits.payload_bytes_max, u64::from(call.timeout_ms));
                let keeps_alive = exchange.response.keeps_alive();
                return Ok(Called { pool, stream: backend, body, keeps_alive });
            }
            Ok(Err(NoResponse::Dead)) if reused && repeatable => {}
            Ok(Err(NoResponse::Dead | NoResponse::Broken)) => {
                return Err(Failure::Call(CallFailure::Network));
            }
            Ok(Err(NoResponse::Timeout)) => return Err(Failure::Call(CallFailure::Timeout)),
        }
    }
}

/// Why there is no response head.
enum NoResponse {
    /// The connection ended before the first byte.
    Dead,
    /// It ended or turned into nonsense within the head.
    Broken,
    Timeout,
}

/// Reads the head of the answer into the exchange, past interim ones (RFC 9110 section 15.2).
async fn read_response(
    exchange: &mut Exchange,
    backend: &mut Stream,
    limits: &Limits,
    is_head: bool,
) -> Result<(), NoResponse> {
    let limits = limits.response_head();
    let response = &mut exchange.response;
    response.clear();
    let mut any = false;
    loop {
        let mut chunk = match backend.next().await {
            Ok(Some(chunk)) => chunk,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(NoResponse::Timeout),
            Ok(None) | Err(_) => return Err(if any { NoResponse::Broken } else { NoResponse::Dead }),
        };
        any = true;
        response.buffer_mut().extend_from_slice(&chunk);
        while let Some(_head) = response.parse(&limits, is_head).map_err(|_| NoResponse::Broken)? {
            if response.is_interim() {
                response.advance();
                continue;
            }
            let surplus = response.surplus().len();
            response.drop_surplus();
            chunk.consume(chunk.len() - surplus);
            backend.put_back(chunk);
            return Ok(());
        }
    }
}

/// Sends the answer, with the backend's content behind it. Returns the content bytes sent.
async fn send_answer(
    shard: &Shard,
    exchange: &mut Exchange,
    outbound: &mut impl Outbound,
    answer: Answer,
    backend: &mut Option<Backend>,
) -> (Result<(), Broken>, u64) {
    let mut out = std::mem::replace(&mut exchange.out, shard.ring.buffer());
    let streamed = backend.as_mut().filter(|_| answer.download != BodyFraming::None);
    let Some(backend) = streamed else {
        let sent = match exchange.content.take() {
            Some(content) => outbound.begin_kept(out, content).await,
            None => outbound.begin(out, Rest::Nothing).await,
        };
        return (sent, answer.inline_bytes);
    };
    let head_bytes = out.len();
    if answer.download != BodyFraming::Chunked && backend.take_received(INLINE_BYTES_MAX, &mut out) {
        let bytes = answer.inline_bytes + (out.len() - head_bytes) as u64;
        return (outbound.begin(out, Rest::Nothing).await, bytes);
    }
    let mut sent_bytes = answer.inline_bytes;
    // In a box, so that the many exchanges with small answers do not hold the memory of the few with large ones.
    let sent = Box::pin(pump(outbound, backend, exchange, out, answer.download, &mut sent_bytes)).await;
    (sent, sent_bytes)
}

/// The head, then the backend's content piece by piece, then its trailers.
async fn pump(
    outbound: &mut impl Outbound,
    backend: &mut Backend,
    exchange: &Exchange,
    head: Vec<u8>,
    framing: BodyFraming,
    sent_bytes: &mut u64,
) -> Result<(), Broken> {
    let at_once = backend.has_pending();
    outbound.begin(head, if at_once { Rest::ContentAtOnce(framing) } else { Rest::Content(framing) }).await?;
    while let Some(piece) = backend.next().await.map_err(|_| Broken)? {
        *sent_bytes += piece.len() as u64;
        outbound.send(piece, backend.is_done()).await?;
    }
    let trailers = backend.trailers().map(|received| exchange.answer_trailers(received));
    outbound.end(&trailers.unwrap_or_default()).await
}
