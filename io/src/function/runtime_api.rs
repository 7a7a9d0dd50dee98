//! The connections of a runtime: the Lambda Runtime API, version 2018-06-01.
//!
//! AWS: "Using the Lambda runtime API for custom runtimes". The listener says whose process it is, the path which
//! invocation.

use std::rc::Rc;

use tidegate_core::http1::{BodyFraming, HeadLimits, RequestHead, encode};
use tidegate_core::limits::{INTEGRATION_TIMEOUT_MS_MAX, RESULT_BYTES_MAX, RESULT_STREAMED_BYTES_MAX};

use super::invocation::{Failure, Loss, Outcome, Response};
use super::slot::Slot;
use super::streamed::{Landing, Sending, Streamed, failure_of};
use crate::ring::Acceptor;
use crate::stream::{Body, BodyFailure, Stream};

/// Connections that a runtime may have at once; a further one is closed. Runtimes use one or two.
const CONNECTIONS_MAX: usize = 8;
/// What a head of a runtime may be. It reports causes of errors in fields.
const HEAD: HeadLimits = HeadLimits { fields_bytes_max: 65_536, target_bytes_max: 1_024, fields_max: 64 };
/// Time for one message to leave, in milliseconds.
const SEND_TIMEOUT_MS: u64 = 30_000;
/// Pause after a failed accept, in milliseconds.
const ACCEPT_RETRY_MS: u64 = 100;
/// Bytes of one content that are read at most; a connection with more is closed.
const READ_BYTES_MAX: u64 = 67_108_864;
/// Bytes of an error report that the log shows.
const LOGGED_BYTES: usize = 1_024;

const PREFIX: &[u8] = b"/2018-06-01/runtime/";

/// Takes the runtime's connections until the listener is closed.
pub(super) async fn accept(slot: Rc<Slot>, acceptor: Rc<Acceptor>) {
    while let Some(accepted) = acceptor.accept().await {
        match accepted {
            Ok(socket) if slot.connections.get() < CONNECTIONS_MAX => {
                slot.connections.set(slot.connections.get() + 1);
                let slot = Rc::clone(&slot);
                slot.ring().clone().spawn(async move {
                    serve(&slot, Stream::new(socket)).await;
                    slot.connections.set(slot.connections.get() - 1);
                });
            }
            Ok(_) => {}
            Err(_) => slot.ring().sleep(ACCEPT_RETRY_MS).await,
        }
    }
}

/// What a runtime wants.
#[derive(Debug, PartialEq, Eq)]
enum Wish<'a> {
    /// The next invocation.
    Next,
    /// To answer the invocation with this id.
    Respond(&'a [u8]),
    /// To say that the invocation with this id failed.
    Fail(&'a [u8]),
    /// To say that it cannot start.
    FailInit,
    /// Something else.
    Unknown,
}

impl<'a> Wish<'a> {
    fn of(method: &[u8], path: &'a [u8]) -> Self {
        let Some(rest) = path.strip_prefix(PREFIX) else { return Self::Unknown };
        match (method, rest) {
            (b"GET", b"invocation/next") => return Self::Next,
            (b"POST", b"init/error") => return Self::FailInit,
            _ => {}
        }
        let id = rest.strip_prefix(b"invocation/").filter(|_| method == b"POST");
        match id.and_then(|rest| rest.iter().position(|&byte| byte == b'/').map(|at| rest.split_at(at))) {
            Some((id, b"/response")) => Self::Respond(id),
            Some((id, b"/error")) => Self::Fail(id),
            _ => Self::Unknown,
        }
    }
}

/// Why a connection is not used on.
struct Over;

/// Serves one request after the other.
async fn serve(slot: &Rc<Slot>, mut stream: Stream) {
    let mut head = RequestHead::new();
    while read_head(&mut stream, &mut head).await.is_ok() {
        if serve_one(slot, &mut stream, &head).await.is_err() || !head.keeps_alive() {
            let _ = stream.socket.flush().await;
            return;
        }
    }
}

async fn serve_one(slot: &Rc<Slot>, stream: &mut Stream, head: &RequestHead) -> Result<(), Over> {
    let wish = Wish::of(head.method(), head.path());
    // A runtime that has been given up may answer late, and says for which invocation.
    let meant = head.find(b"lambda-runtime-invocation-id").next();
    let is_meant = |id: &[u8]| meant.is_none_or(|meant| meant == id);
    if let Wish::Respond(id) = wish
        && is_streamed(head)
        && is_meant(id)
        && slot.streams(id)
    {
        return pass_on(slot, stream, head, id).await;
    }
    let content = read_content(stream, head).await.map_err(|_| Over)?;
    let Some(Content { content, failure }) = content else {
        return refuse_content(slot, stream, &wish).await;
    };
    match wish {
        Wish::Next => give_next(slot, stream).await,
        Wish::Respond(id) => {
            confirm(is_meant(id) && slot.answer(id, outcome(content, failure)), stream).await
        }
        Wish::Fail(id) => {
            report(slot, "the function failed", Some(id), head, &content);
            confirm(is_meant(id) && slot.answer(id, Err(Failure::Function(content))), stream).await
        }
        Wish::FailInit => {
            report(slot, "the runtime cannot start", None, head, &content);
            confirm(true, stream).await
        }
        Wish::Unknown => send(stream, 404, r#"{"errorMessage":"Not found","errorType":"NotFound"}"#).await,
    }
}

async fn confirm(taken: bool, stream: &Stream) -> Result<(), Over> {
    if taken {
        send(stream, 202, r#"{"status":"OK"}"#).await
    } else {
        send(stream, 400, r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#).await
    }
}

/// Whether a runtime streams what it answers.
fn is_streamed(head: &RequestHead) -> bool {
    head.find(b"lambda-runtime-function-response-mode").any(|mode| mode.eq_ignore_ascii_case(b"streaming"))
}

/// What an answer is that has come whole.
fn outcome(content: Vec<u8>, failure: Option<Vec<u8>>) -> Outcome {
    failure.map_or(Ok(Response::Whole(content)), |document| Err(Failure::Function(document)))
}

/// Lends the connection to the exchange that wants the answer, as soon as its metadata are there. The process is busy until
/// all has been read, even if nobody wants the rest.
async fn pass_on(slot: &Rc<Slot>, stream: &mut Stream, head: &RequestHead, id: &[u8]) -> Result<(), Over> {
    invite(stream, head).await.map_err(|_| Over)?;
    let timeout_ms = u64::from(INTEGRATION_TIMEOUT_MS_MAX);
    let body = Body::new(head.framing(), RESULT_STREAMED_BYTES_MAX, timeout_ms);
    let left = Stream::new(stream.socket.clone());
    let mut sending = Sending { stream: std::mem::replace(stream, left), body };
    let begun = sending.read_beginning().await.map_err(|_| Over)?;
    if sending.body.is_done() {
        let failure = sending.failure();
        *stream = sending.stream;
        return confirm(slot.answer(id, outcome(begun, failure)), stream).await;
    }
    let landing = Rc::new(Landing::default());
    let streamed = Streamed::new(begun, sending, &landing, slot.ring());
    let is_taken = slot.begin_answer(id, Response::Begun(Box::new(streamed)));
    let mut sending = landing.returned().await;
    sending.body.pause_at_most(timeout_ms);
    sending.discard().await.map_err(|_| Over)?;
    if let Some(document) = sending.failure() {
        report(slot, "the function failed while it streamed its answer", Some(id), head, &document);
    }
    *stream = sending.stream;
    // The outcome has been told.
    confirm(is_taken && slot.answer(id, Ok(Response::Whole(Vec::new()))), stream).await
}

/// Waits for an invocation and sends it.
async fn give_next(slot: &Rc<Slot>, stream: &Stream) -> Result<(), Over> {
    stream.socket.receive_without_deadline();
    slot.ask(&stream.socket);
    stream.socket.receivable_or(|| slot.is_settled(&stream.socket)).await;
    let Some(message) = slot.take(&stream.socket) else {
        // It is gone, sends more before it has its answer, or asks on another connection.
        slot.leave(&stream.socket);
        return Err(Over);
    };
    stream.socket.send(message, false, SEND_TIMEOUT_MS).await.map_err(|_| Over)
}

/// The answer is too large: the invocation fails (AWS: `Function.ResponseSizeTooLarge`).
async fn refuse_content(slot: &Slot, stream: &Stream, wish: &Wish<'_>) -> Result<(), Over> {
    if let Wish::Respond(id) | Wish::Fail(id) = wish
        && slot.has(id)
    {
        slot.lose(&Loss::TooLarge);
    }
    send(
        stream,
        413,
        r#"{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}"#,
    )
    .await
}

async fn send(stream: &Stream, status: u16, text: &str) -> Result<(), Over> {
    let mut message = Vec::with_capacity(128 + text.len());
    encode::status_line(status, &mut message);
    encode::field(b"Content-Type", b"application/json", &mut message);
    encode::field(b"Content-Length", text.len().to_string().as_bytes(), &mut message);
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(text.as_bytes());
    stream.socket.send(message, false, SEND_TIMEOUT_MS).await.map_err(|_| Over)
}

/// What the runtime says went wrong.
fn report(slot: &Slot, what: &str, id: Option<&[u8]>, head: &RequestHead, content: &[u8]) {
    let kind = head.find(b"lambda-runtime-function-error-type").next().unwrap_or_default();
    let text = String::from_utf8_lossy(&content[..content.len().min(LOGGED_BYTES)]);
    let (function, error_type) = (slot.name(), String::from_utf8_lossy(kind));
    match id {
        Some(id) => {
            let request_id = String::from_utf8_lossy(id);
            tracing::warn!(function, %request_id, %error_type, "{what}: {text}");
        }
        None => tracing::error!(function, %error_type, "{what}: {text}"),
    }
}

/// Reads the head of the next request. A runtime takes its time between two.
async fn read_head(stream: &mut Stream, head: &mut RequestHead) -> Result<(), Over> {
    head.clear();
    loop {
        stream.socket.receive_without_deadline();
        let Ok(Some(mut chunk)) = stream.next().await else { return Err(Over) };
        head.buffer_mut().extend_from_slice(&chunk);
        if head.parse(&HEAD).map_err(|_| Over)?.is_some() {
            let surplus = head.surplus().len();
            head.drop_surplus();
            chunk.consume(chunk.len() - surplus);
            stream.put_back(chunk);
            return Ok(());
        }
    }
}

/// Tells a runtime that waits with its content to go on.
async fn invite(stream: &Stream, head: &RequestHead) -> Result<(), BodyFailure> {
    if !head.expects_continue() || stream.has_pending() {
        return Ok(());
    }
    let invited = stream.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), false, SEND_TIMEOUT_MS);
    invited.await.map_err(|_| BodyFailure::Closed)
}

/// What a runtime sends, whole.
#[derive(Default)]
struct Content {
    content: Vec<u8>,
    /// What its trailers say of a failure.
    failure: Option<Vec<u8>>,
}

/// Reads the content whole; of too much the rest is thrown away, so that the runtime gets to read why. The function's own
/// timeout bounds how long that takes.
async fn read_content(stream: &mut Stream, head: &RequestHead) -> Result<Option<Content>, BodyFailure> {
    if head.framing() == BodyFraming::None {
        return Ok(Some(Content::default()));
    }
    invite(stream, head).await?;
    let timeout_ms = u64::from(INTEGRATION_TIMEOUT_MS_MAX);
    let mut body = Body::new(head.framing(), READ_BYTES_MAX, timeout_ms);
    let mut content = Vec::with_capacity(body.remaining().unwrap_or_default().min(RESULT_BYTES_MAX) as usize);
    let mut fits = true;
    while let Some(piece) = body.next(stream).await? {
        fits = fits && content.len() + piece.len() <= RESULT_BYTES_MAX as usize;
        if fits {
            content.extend_from_slice(&piece);
        }
    }
    Ok(fits.then(|| Content { content, failure: failure_of(&body) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes() {
        let check = |method: &str, path: &str, want: Wish<'_>| {
            assert_eq!(Wish::of(method.as_bytes(), path.as_bytes()), want, "{method} {path}");
        };
        check("GET", "/2018-06-01/runtime/invocation/next", Wish::Next);
        check("POST", "/2018-06-01/runtime/invocation/a-b/response", Wish::Respond(b"a-b"));
        check("POST", "/2018-06-01/runtime/invocation/a-b/error", Wish::Fail(b"a-b"));
        check("POST", "/2018-06-01/runtime/init/error", Wish::FailInit);
        check("POST", "/2018-06-01/runtime/invocation/next", Wish::Unknown);
        check("GET", "/2018-06-01/runtime/invocation/a/response", Wish::Unknown);
        check("POST", "/2018-06-01/runtime/invocation/a/b/response", Wish::Unknown);
        check("POST", "/2018-06-01/runtime/invocation/response", Wish::Unknown);
        check("GET", "/2018-06-01/runtime/restore/next", Wish::Unknown);
        check("GET", "/", Wish::Unknown);
    }
}
