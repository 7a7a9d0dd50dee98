//! The task of a connection: it drives `h2`, and decides when the connection ends.

use std::cell::Cell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::Reason;
use h2::server::{self, Builder};
use tidegate_core::arrival::Peer;
use tidegate_core::http2::guard::{Awaited, Offence};
use tidegate_core::limits::{
    HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_RESETS_MAX, HTTP2_SEND_BUFFER_BYTES_MAX, HTTP2_STREAM_WINDOW_BYTES,
    Limits,
};

use super::carrier::{Carrier, Wire};
use super::content::Content;
use super::request;
use crate::client::linger;
use crate::ring::Chunk;
use crate::shard::Shard;
use crate::stream::Stream;
use crate::transport::Transport;

/// How long a client that was told to go away may take to say that it has heard it, in milliseconds.
const FAREWELL_MS: u64 = 1_000;

/// What the requests of a connection share.
pub(super) struct Connected {
    pub(super) shard: Rc<Shard>,
    pub(super) peer: Peer,
    pub(super) carrier: Rc<Carrier>,
    /// Requests that are being served.
    requests: Cell<usize>,
}

/// Serves a connection until it closes; `first` is what has been received of it.
pub(crate) async fn serve(shard: &Rc<Shard>, socket: Transport, first: Chunk, peer: &Peer) {
    let settings = Settings::of(&shard.limits());
    let carrier = Carrier::new(&shard.ring, socket, first, shard.limits().body_timeout_ms);
    let connected = Rc::new(Connected {
        shard: Rc::clone(shard),
        peer: peer.clone(),
        carrier: Rc::clone(&carrier),
        requests: Cell::new(0),
    });
    if let Some(h2) = greet(&connected, settings).await {
        let mut connection =
            Connection { connected, h2, settings, waits_for: WaitsFor::Requests, stage: Stage::Open };
        poll_fn(|context| connection.poll(context)).await;
    }
    linger(&mut Stream::new(carrier.socket.clone())).await;
}

/// What the client was told of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    streams_max: u32,
    header_list_bytes_max: u32,
}

impl Settings {
    /// A list has the same fields as a head of HTTP/1; RFC 9113 section 6.5.2 counts 32 bytes more for each.
    fn of(limits: &Limits) -> Self {
        let list_bytes = limits.header_bytes_max + limits.target_bytes_max + 32 * (limits.fields_max + 4);
        Self {
            streams_max: limits.http2_streams_max,
            header_list_bytes_max: u32::try_from(list_bytes).unwrap_or(u32::MAX),
        }
    }

    fn builder(self) -> Builder {
        let mut builder = Builder::new();
        builder
            .max_concurrent_streams(self.streams_max)
            .max_header_list_size(self.header_list_bytes_max)
            .initial_window_size(HTTP2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
            // The guard counts them; those of one read have not been accepted yet.
            .max_pending_accept_reset_streams(HTTP2_RESETS_MAX as usize)
            .max_send_buffer_size(HTTP2_SEND_BUFFER_BYTES_MAX);
        builder
    }
}

/// Exchanges prefaces and settings, within the time for a head.
async fn greet(connected: &Connected, settings: Settings) -> Option<server::Connection<Wire, Content>> {
    let carrier = &connected.carrier;
    carrier.socket.receive_within(connected.shard.limits().head_timeout_ms);
    let mut handshake = pin!(settings.builder().handshake(Wire(Rc::clone(carrier))));
    poll_fn(|context| {
        let polled = handshake.as_mut().poll(context);
        if polled.is_pending() && (carrier.offence().is_some() || carrier.socket.is_late()) {
            return Poll::Ready(None);
        }
        polled.map(Result::ok)
    })
    .await
}

/// A connection that is open.
struct Connection {
    connected: Rc<Connected>,
    h2: server::Connection<Wire, Content>,
    settings: Settings,
    waits_for: WaitsFor,
    stage: Stage,
}

/// What the deadline of receiving is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitsFor {
    /// Requests are being served, each with deadlines of its own.
    Answers,
    /// Nothing is being served.
    Requests,
    /// Something has begun to arrive; the number says which.
    Rest(u64),
    /// The client knows that it shall go.
    Farewell,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    /// The client is told to send no more requests; those under way are answered.
    Leaving,
    /// It ends now.
    Over,
}

impl Connection {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.drive(context).is_ready() {
                return Poll::Ready(());
            }
            let stage = self.stage;
            self.look();
            // What was decided has to be sent.
            if self.stage == stage {
                return Poll::Pending;
            }
        }
    }

    /// Lets `h2` do what it can.
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.h2.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    let served = Served::begin(&self.connected);
                    self.connected.shard.ring.spawn(async move {
                        request::serve(Rc::clone(&served.0), request, respond).await;
                    });
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "HTTP/2");
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        match self.connected.carrier.push(context) {
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        }
    }

    /// Looks whether the connection is to end, and what it waits for.
    fn look(&mut self) {
        let shard = Rc::clone(&self.connected.shard);
        if let Some(offence) = self.connected.carrier.offence() {
            if self.stage < Stage::Over {
                tracing::info!(client = %self.connected.peer.source_ip.address(), "closed for {}", offence.text());
            }
            return self.end(match offence {
                Offence::Preface => Reason::PROTOCOL_ERROR,
                Offence::Controls | Offence::Resets | Offence::Updates => Reason::ENHANCE_YOUR_CALM,
            });
        }
        if shard.is_draining() || Settings::of(&shard.limits()) != self.settings {
            self.leave();
        }
        self.wait();
        if self.connected.carrier.socket.is_late() {
            match self.waits_for {
                WaitsFor::Rest(_) => self.end(Reason::ENHANCE_YOUR_CALM),
                WaitsFor::Requests => self.leave(),
                WaitsFor::Farewell => self.end(Reason::NO_ERROR),
                WaitsFor::Answers => {}
            }
            self.wait();
        }
    }

    /// Tells the client to go when it has its answers.
    fn leave(&mut self) {
        if self.stage < Stage::Leaving {
            self.stage = Stage::Leaving;
            self.h2.graceful_shutdown();
        }
    }

    fn end(&mut self, reason: Reason) {
        if self.stage < Stage::Over {
            self.stage = Stage::Over;
            self.h2.abrupt_shutdown(reason);
        }
    }

    /// Sets the deadline of what is waited for now.
    fn wait(&mut self) {
        let (awaited, number) = self.connected.carrier.guard().awaited();
        let waits_for = match (awaited, self.connected.requests.get(), self.stage) {
            (Awaited::Head | Awaited::Content, ..) => WaitsFor::Rest(number),
            (Awaited::Nothing, 0, Stage::Open) => WaitsFor::Requests,
            (Awaited::Nothing, 0, Stage::Leaving | Stage::Over) => WaitsFor::Farewell,
            (Awaited::Nothing, ..) => WaitsFor::Answers,
        };
        if waits_for == self.waits_for {
            return;
        }
        self.waits_for = waits_for;
        let socket = &self.connected.carrier.socket;
        let limits = self.connected.shard.limits();
        match (waits_for, awaited) {
            (WaitsFor::Answers, _) => socket.receive_without_deadline(),
            (WaitsFor::Requests, _) => socket.receive_within(limits.idle_timeout_ms),
            (WaitsFor::Rest(_), Awaited::Content) => socket.receive_within(limits.body_timeout_ms),
            (WaitsFor::Rest(_), _) => socket.receive_within(limits.head_timeout_ms),
            (WaitsFor::Farewell, _) => socket.receive_within(FAREWELL_MS),
        }
    }
}

/// Counts a request while it is being served.
struct Served(Rc<Connected>);

impl Served {
    fn begin(connected: &Rc<Connected>) -> Self {
        connected.requests.set(connected.requests.get() + 1);
        Self(Rc::clone(connected))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.requests.set(self.0.requests.get() - 1);
        // Perhaps it was the last one that the connection waited for.
        self.0.carrier.socket.nudge();
    }
}
