//! An answer on a stream of HTTP/2. Content is handed over only as the client's window has room for it, so that a client
//! that takes nothing costs what one of HTTP/1 does: a piece, and a little time.

use std::cell::RefCell;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tidegate_core::cache;
use tidegate_core::http1::{KnownField, Trailers};
use tidegate_core::http2::answer::AnswerHead;

use super::content::Content;
use super::within;
use crate::ends::{Broken, Outbound, Rest};
use crate::shard::Shard;
use crate::stream::Piece;

/// The sending half of a stream. It is used by the relay and, between its steps, by whoever watches for a reset.
pub(super) struct Sender {
    state: State,
    /// Content bytes handed over.
    pub(super) sent_bytes: u64,
}

enum State {
    /// The head has not been sent.
    Unanswered(SendResponse<Content>),
    Answered(SendStream<Content>),
}

impl Sender {
    pub(super) fn new(respond: SendResponse<Content>) -> Self {
        Self { state: State::Unanswered(respond), sent_bytes: 0 }
    }

    /// Ready when the client, or the end of the connection, has reset the stream.
    pub(super) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Unanswered(respond) => respond.poll_reset(context).map(drop),
            State::Answered(stream) => stream.poll_reset(context).map(drop),
        }
    }

    /// Cuts the answer short, so that the client can tell.
    pub(super) fn reset(&mut self, reason: Reason) {
        match &mut self.state {
            State::Unanswered(respond) => respond.send_reset(reason),
            State::Answered(stream) => stream.send_reset(reason),
        }
    }

    fn respond(&mut self, head: Response<()>, is_all: bool) -> Result<(), Broken> {
        let State::Unanswered(respond) = &mut self.state else { return Err(Broken) };
        self.state = State::Answered(respond.send_response(head, is_all).map_err(|_| Broken)?);
        Ok(())
    }

    /// How many of `bytes` the client's window has room for, at least one.
    fn poll_room(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<Result<usize, Broken>> {
        let State::Answered(stream) = &mut self.state else { return Poll::Ready(Err(Broken)) };
        stream.reserve_capacity(bytes);
        match stream.capacity() {
            0 => {}
            room => return Poll::Ready(Ok(room)),
        }
        stream.poll_capacity(context).map(|room| match room {
            Some(Ok(room)) => Ok(room),
            Some(Err(_)) | None => Err(Broken),
        })
    }

    /// They go out behind what the client's window holds back.
    fn send_trailers(&mut self, fields: HeaderMap) -> Result<(), Broken> {
        let State::Answered(stream) = &mut self.state else { return Err(Broken) };
        stream.send_trailers(fields).map_err(|_| Broken)
    }

    fn send(&mut self, content: Content, is_last: bool) -> Result<(), Broken> {
        let State::Answered(stream) = &mut self.state else { return Err(Broken) };
        self.sent_bytes += content.remaining() as u64;
        stream.send_data(content, is_last).map_err(|_| Broken)
    }
}

/// Answers one request.
pub(super) struct Answering<'a> {
    shard: &'a Shard,
    sender: &'a RefCell<Sender>,
    /// Whether the end of the stream has been sent.
    has_ended: bool,
}

impl<'a> Answering<'a> {
    pub(super) fn new(shard: &'a Shard, sender: &'a RefCell<Sender>) -> Self {
        Self { shard, sender, has_ended: false }
    }

    async fn send_content(&mut self, mut content: Content, is_last: bool) -> Result<(), Broken> {
        let timeout_ms = self.shard.limits().body_timeout_ms;
        self.has_ended |= is_last;
        loop {
            let left = content.remaining();
            let poll = |context: &mut Context<'_>| self.sender.borrow_mut().poll_room(left, context);
            let room = within(&self.shard.ring, timeout_ms, poll).await.ok_or(Broken)??;
            if room >= left {
                return self.sender.borrow_mut().send(content, is_last);
            }
            self.sender.borrow_mut().send(content.split(room), false)?;
        }
    }
}

impl Outbound for Answering<'_> {
    async fn invite(&mut self) -> Result<(), Broken> {
        let mut head = Response::new(());
        *head.status_mut() = StatusCode::CONTINUE;
        match &mut self.sender.borrow_mut().state {
            State::Unanswered(respond) => respond.send_informational(head).map_err(|_| Broken),
            State::Answered(_) => Err(Broken),
        }
    }

    async fn begin(&mut self, out: Vec<u8>, rest: Rest) -> Result<(), Broken> {
        let Some((head, head_bytes)) = response(&out) else {
            debug_assert!(false, "core writes heads");
            return Err(Broken);
        };
        let (has_content, is_last) = (out.len() > head_bytes, rest == Rest::Nothing);
        self.has_ended = is_last && !has_content;
        self.sender.borrow_mut().respond(head, self.has_ended)?;
        if !has_content {
            self.shard.ring.recycle(out);
            return Ok(());
        }
        self.send_content(Content::behind(head_bytes, out, &self.shard.ring), is_last).await
    }

    /// Copies the content: h2 takes what it owns alone.
    async fn begin_kept(&mut self, mut out: Vec<u8>, content: cache::Content) -> Result<(), Broken> {
        out.extend_from_slice(&content);
        self.begin(out, Rest::Nothing).await
    }

    async fn send(&mut self, piece: Piece, is_last: bool) -> Result<(), Broken> {
        self.send_content(Content::piece(piece), is_last).await
    }

    async fn end(&mut self, trailers: &Trailers) -> Result<(), Broken> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        let mut sender = self.sender.borrow_mut();
        if trailers.is_empty() {
            return sender.send(Content::empty(), true);
        }
        sender.send_trailers(fields(trailers).ok_or(Broken)?)
    }
}

/// A head of more bytes is not shared by its values.
const SHARED_HEAD_BYTES_MAX: usize = 1_024;

/// The head that `out` begins with, and how long it is there. Its values share one copy of it, which costs one allocation.
/// But `h2` remembers fields for the next heads (RFC 7541 section 2.3.2), and each keeps the copy: so one that changes
/// with every second has its own, and so have those of large heads. Else 4 KiB of fields could hold a megabyte.
fn response(out: &[u8]) -> Option<(Response<()>, usize)> {
    let head = AnswerHead::read(out)?;
    let shared = (head.bytes <= SHARED_HEAD_BYTES_MAX).then(|| Bytes::copy_from_slice(&out[..head.bytes]));
    let mut fields = HeaderMap::with_capacity(FIELDS);
    for (name, value) in head.fields() {
        let known = KnownField::of(name);
        let mut value = match &shared {
            Some(shared) if known != KnownField::Date => {
                let start = value.as_ptr() as usize - out.as_ptr() as usize;
                HeaderValue::from_maybe_shared(shared.slice(start..start + value.len())).ok()?
            }
            _ => HeaderValue::from_bytes(value).ok()?,
        };
        // Each has another one: there is no sense in remembering it for the next head (RFC 7541 section 6.2.3).
        value.set_sensitive(is_unique(known));
        fields.append(header_name(known, name)?, value);
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.status).ok()?;
    *response.headers_mut() = fields;
    Some((response, head.bytes))
}

/// Trailers, names in lower case.
fn fields(trailers: &Trailers) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for (name, value) in trailers.fields() {
        fields.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(fields)
}

/// Fields that most answers have at most.
const FIELDS: usize = 12;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-apigw-id");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

fn is_unique(known: KnownField) -> bool {
    matches!(known, KnownField::XAmznRequestId | KnownField::XAmzApigwId | KnownField::XAmznTraceId)
}

/// The name in lower case. Those that nearly all answers have cost no memory.
fn header_name(known: KnownField, name: &[u8]) -> Option<HeaderName> {
    match known {
        KnownField::XAmznRequestId => Some(REQUEST_ID),
        KnownField::XAmzApigwId => Some(EXTENDED_REQUEST_ID),
        KnownField::XAmznTraceId => Some(TRACE_ID),
        _ => HeaderName::from_bytes(name).ok(),
    }
}
