//! One thread of the origin: its listeners, its connections, its loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::behaviour::{Behaviour, Drop, ECHO_BYTES_MAX, Fate, Ready};
use super::connection::{self, Answering, Asked, Connection, Sent, Source, State};
use crate::distribution::Distribution;
use crate::http1::{Body, request};
use crate::poller::{Poller, Ready as Readiness, Token};
use crate::socket;

/// Bytes received at once.
const RECEIVE_BYTES: usize = 65_536;
/// Connections accepted at once.
const ACCEPT_MAX: usize = 64;
/// How soon a thread sees that it is to stop.
const LOOK_UP: Duration = Duration::from_millis(50);
/// Tokens from here on are listeners.
const LISTENERS: u32 = u32::MAX / 2;

/// What was served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served {
    /// Requests, those whose connection was dropped on purpose included.
    pub requests: u64,
    /// Connections.
    pub connections: u64,
    /// Requests that were no HTTP/1.1.
    pub malformed: u64,
    /// Connections closed because there were too many.
    pub refused: u64,
}

pub(super) struct Worker<'a> {
    behaviour: &'a Behaviour,
    ready: Option<Ready>,
    stop: &'a AtomicBool,
    listeners: Vec<OwnedFd>,
    poller: Poller,
    connections: Vec<Option<Connection>>,
    generations: Vec<u32>,
    vacant: Vec<u32>,
    connections_max: u32,
    timers: BinaryHeap<Reverse<(u64, u32, u32)>>,
    buffer: Box<[u8]>,
    random: Rng,
    served: Served,
    started: Instant,
}

/// Why a connection is woken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Readable,
    Ended,
    Writable,
    /// While a timer runs, it alone goes on with the connection.
    Timer,
}

impl Cause {
    fn of(ready: Readiness) -> Self {
        match (ready.ended, ready.readable) {
            (true, _) => Self::Ended,
            (false, true) => Self::Readable,
            (false, false) => Self::Writable,
        }
    }
}

/// What becomes of a connection.
enum Next {
    /// It waits for the socket or a timer.
    Wait,
    /// It goes on from its state.
    Go,
    /// It needs more bytes.
    More,
    Close,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        behaviour: &'a Behaviour,
        listeners: Vec<OwnedFd>,
        connections_max: u32,
        random: Rng,
        stop: &'a AtomicBool,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        for (index, listener) in listeners.iter().enumerate() {
            poller.watch_listener(listener, Token { slot: LISTENERS + index as u32, generation: 0 })?;
        }
        Ok(Self {
            behaviour,
            ready: behaviour.ready(),
            stop,
            listeners,
            poller,
            connections: Vec::new(),
            generations: Vec::new(),
            vacant: Vec::new(),
            connections_max,
            timers: BinaryHeap::new(),
            buffer: vec![0; RECEIVE_BYTES].into_boxed_slice(),
            random,
            served: Served::default(),
            started: Instant::now(),
        })
    }

    pub(super) fn run(mut self) -> io::Result<Served> {
        while !self.stop.load(Ordering::Relaxed) {
            let sleep = match self.timers.peek() {
                Some(Reverse((due, _, _))) => {
                    Duration::from_nanos(due.saturating_sub(self.now())).min(LOOK_UP)
                }
                None => LOOK_UP,
            };
            self.poller.wait(sleep)?;
            for index in 0..self.poller.len() {
                let (token, ready) = self.poller.event(index);
                if token.slot >= LISTENERS {
                    self.accept((token.slot - LISTENERS) as usize);
                } else if self.generations[token.slot as usize] == token.generation {
                    self.wake(token.slot, Cause::of(ready));
                }
            }
            self.ring_timers();
        }
        Ok(self.served)
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPT_MAX {
            match socket::accept(&self.listeners[listener]) {
                Ok(socket) => self.open(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    // Out of descriptors: the listener stays ready, so let the others run instead of spinning.
                    std::thread::sleep(Duration::from_millis(1));
                    return;
                }
            }
        }
    }

    fn open(&mut self, socket: OwnedFd) {
        let slot = match self.vacant.pop() {
            Some(slot) => slot,
            None if self.connections.len() < self.connections_max as usize => {
                self.connections.push(None);
                self.generations.push(0);
                self.connections.len() as u32 - 1
            }
            None => {
                self.served.refused += 1;
                return;
            }
        };
        let token = Token { slot, generation: self.generations[slot as usize] };
        if self.poller.watch(&socket, token).is_err() {
            self.vacant.push(slot);
            return;
        }
        self.served.connections += 1;
        self.connections[slot as usize] = Some(Connection::new(socket));
        // The request often came with the connection. If not, this costs a call now and saves none later.
        self.wake(slot, Cause::Readable);
    }

    fn ring_timers(&mut self) {
        while let Some(Reverse((due, slot, generation))) = self.timers.peek().copied()
            && due <= self.now()
        {
            self.timers.pop();
            if self.generations[slot as usize] == generation {
                self.wake(slot, Cause::Timer);
            }
        }
    }

    /// A connection's socket or timer has something for it: go on as far as it goes.
    fn wake(&mut self, slot: u32, cause: Cause) {
        let Some(mut connection) = self.connections[slot as usize].take() else { return };
        connection.ended |= cause == Cause::Ended;
        connection.may_read |= cause == Cause::Readable || connection.ended;
        let waits_for_timer = matches!(connection.state, State::Delayed { .. } | State::Paused(_));
        let mut next = if waits_for_timer && cause != Cause::Timer { Next::Wait } else { Next::Go };
        loop {
            next = match next {
                Next::Go => self.step(slot, &mut connection),
                Next::More => self.receive(slot, &mut connection),
                Next::Wait => break self.connections[slot as usize] = Some(connection),
                Next::Close => {
                    self.generations[slot as usize] = self.generations[slot as usize].wrapping_add(1);
                    self.vacant.push(slot);
                    break;
                }
            }
        }
    }

    fn step(&mut self, slot: u32, connection: &mut Connection) -> Next {
        match std::mem::replace(&mut connection.state, State::Head) {
            State::Delayed { asked, echo } => self.answer(slot, connection, asked, &echo),
            State::Answering(answering) | State::Paused(answering) => self.send(slot, connection, answering),
            reading => {
                connection.state = reading;
                if connection.input.is_empty() {
                    return Next::More;
                }
                let input = std::mem::take(&mut connection.input);
                self.read(slot, connection, &input)
            }
        }
    }

    fn receive(&mut self, slot: u32, connection: &mut Connection) -> Next {
        if !connection.may_read {
            return Next::Wait;
        }
        let received = match socket::receive(&connection.socket, &mut self.buffer) {
            Ok(0) => return Next::Close,
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.may_read = false;
                return Next::Wait;
            }
            Err(_) => return Next::Close,
        };
        connection.may_read = received == self.buffer.len() || connection.ended;
        if !connection.input.is_empty() {
            connection.input.extend_from_slice(&self.buffer[..received]);
            return Next::Go;
        }
        // The usual case: read where it was received.
        let buffer = std::mem::take(&mut self.buffer);
        let next = self.read(slot, connection, &buffer[..received]);
        self.buffer = buffer;
        next
    }

    /// Reads from the front of `bytes`; what it does not need yet goes to the connection's input, which is empty.
    #[inline]
    fn read(&mut self, slot: u32, connection: &mut Connection, bytes: &[u8]) -> Next {
        match std::mem::replace(&mut connection.state, State::Head) {
            State::Body { asked, body, echo } => self.read_body(slot, connection, (asked, body, echo), bytes),
            _ => self.read_head(slot, connection, bytes),
        }
    }

    #[inline]
    fn read_head(&mut self, slot: u32, connection: &mut Connection, bytes: &[u8]) -> Next {
        let head = match request::head(bytes) {
            Ok(Some(head)) => head,
            Ok(None) => {
                connection.input.extend_from_slice(bytes);
                return Next::More;
            }
            Err(_) => return self.refuse(),
        };
        let rest = &bytes[head.bytes..];
        let asked = Asked { is_head: head.is_head, closes: !head.keeps_alive };
        if head.expects_continue && rest.is_empty() {
            // Fits into an empty send buffer; if the peer is gone, the next receive says so.
            let _ = socket::send(&connection.socket, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.read_body(slot, connection, (asked, head.body, Vec::new()), rest)
    }

    #[inline]
    fn read_body(
        &mut self,
        slot: u32,
        connection: &mut Connection,
        (asked, mut body, mut echo): (Asked, Body, Vec<u8>),
        bytes: &[u8],
    ) -> Next {
        let keeps = self.behaviour.echo;
        let taken = body.take(bytes, |content| {
            if keeps && echo.len() <= ECHO_BYTES_MAX {
                echo.extend_from_slice(content);
            }
        });
        let Ok(taken) = taken else { return self.refuse() };
        connection.input.extend_from_slice(&bytes[taken.bytes..]);
        if taken.complete {
            return self.requested(slot, connection, asked, echo);
        }
        connection.state = State::Body { asked, body, echo };
        Next::More
    }

    fn refuse(&mut self) -> Next {
        self.served.malformed += 1;
        Next::Close
    }

    /// A whole request is here.
    #[inline]
    fn requested(&mut self, slot: u32, connection: &mut Connection, asked: Asked, echo: Vec<u8>) -> Next {
        self.served.requests += 1;
        if let Some(stall) = self.behaviour.stall
            && self.served.requests == stall.request
        {
            std::thread::sleep(stall.duration);
        }
        if self.behaviour.delay == Distribution::Fixed(0) {
            return self.answer(slot, connection, asked, &echo);
        }
        let due = self.now() + self.behaviour.delay.draw(&mut self.random);
        self.timers.push(Reverse((due, slot, self.generations[slot as usize])));
        connection.state = State::Delayed { asked, echo };
        Next::Wait
    }

    #[inline]
    fn answer(&mut self, slot: u32, connection: &mut Connection, asked: Asked, echo: &[u8]) -> Next {
        connection.out.clear();
        connection.out_from = 0;
        let now = if self.behaviour.bytes_per_second.is_some() { self.now() } else { 0 };
        let answering = match self.behaviour.fate(self.ready.as_ref(), &mut self.random) {
            Fate::Drop(drop) => return self.drop(connection, asked, drop),
            Fate::Ready => {
                Answering { source: Source::Ready { is_head: asked.is_head, from: 0 }, closes: asked.closes }
            }
            Fate::Make { status, .. } if self.behaviour.echo => {
                connection::echo(self.behaviour, asked, status, echo, &mut connection.out)
            }
            Fate::Make { status, bytes } => {
                connection::make(self.behaviour, asked, status, bytes, now, &mut connection.out)
            }
        };
        self.send(slot, connection, answering)
    }

    #[inline]
    fn send(&mut self, slot: u32, connection: &mut Connection, mut answering: Answering) -> Next {
        let now = if self.behaviour.bytes_per_second.is_some() { self.now() } else { 0 };
        match connection.send(&mut answering, self.ready.as_ref(), now) {
            Sent::Whole if answering.closes => Next::Close,
            // Most clients send their next request only now: without a sign of it, wait for the event.
            Sent::Whole if connection.input.is_empty() && !connection.may_read => Next::Wait,
            Sent::Whole => Next::Go,
            Sent::Gone => Next::Close,
            Sent::Blocked => {
                connection.state = State::Answering(answering);
                Next::Wait
            }
            Sent::Pause(until) => {
                self.timers.push(Reverse((until, slot, self.generations[slot as usize])));
                connection.state = State::Paused(answering);
                Next::Wait
            }
        }
    }

    fn drop(&mut self, connection: &mut Connection, asked: Asked, drop: Drop) -> Next {
        match drop {
            Drop::Reset => socket::reset_on_close(&connection.socket),
            Drop::Close => {}
            Drop::Short => {
                let bytes = self.behaviour.size.draw(&mut self.random).max(2);
                let mut out = Vec::new();
                self.behaviour.head(self.behaviour.status, Some(bytes), asked.closes, &mut out);
                out.push(super::behaviour::FILLER);
                // What does not fit would only make it shorter.
                let _ = socket::send(&connection.socket, &out);
            }
        }
        Next::Close
    }
}
