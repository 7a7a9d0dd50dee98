//! Requests over HTTP/2: many on each connection, a slot for each that can be under way.

use std::collections::VecDeque;
use std::io;

use super::super::answer::Answer;
use super::super::kind::Kind;
use super::super::link::{Event, Link};
use super::super::slot::{Exchange, Request, Stage, State};
use super::super::wire::{Made, Wire};
use super::{Slices, Worker};
use crate::poller::{Ready, Token};

/// The place of one connection.
pub(super) struct Trunk {
    /// Index of its target's lane.
    lane: u32,
    /// Which of its connections this is.
    generation: u32,
    state: TrunkState,
    /// Slots whose requests wait for the connection, or for room on it.
    waiting: VecDeque<u32>,
    /// Whether there is something to send.
    is_dirty: bool,
}

pub(super) enum TrunkState {
    Closed,
    Connecting { wire: Wire, since: u64 },
    Open { wire: Wire, link: Box<Link> },
}

impl Trunk {
    pub(super) fn new(lane: u32) -> Self {
        Self { lane, generation: 0, state: TrunkState::Closed, waiting: VecDeque::new(), is_dirty: false }
    }

    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.state, TrunkState::Connecting { .. })
    }

    /// When the connect began that takes so long, if one is under way.
    pub(super) fn connecting_since(&self) -> Option<u64> {
        match self.state {
            TrunkState::Connecting { since, .. } => Some(since),
            TrunkState::Closed | TrunkState::Open { .. } => None,
        }
    }

    pub(super) fn close(&mut self) {
        self.state = TrunkState::Closed;
        self.generation = self.generation.wrapping_add(1);
    }
}

impl<S: Slices> Worker<'_, S> {
    /// A request on a slot whose connection is shared.
    pub(super) fn begin_shared(&mut self, slot: usize, request: Request, now: u64) {
        self.slots[slot].state = State::Queued { request };
        let wire = self.slots[slot].wire as usize;
        self.wires[wire].waiting.push_back(slot as u32);
        match self.wires[wire].state {
            TrunkState::Closed => self.connect_wire(wire, now),
            TrunkState::Connecting { .. } => {}
            TrunkState::Open { .. } => self.begin_waiting(wire),
        }
    }

    pub(super) fn connect_wire(&mut self, wire: usize, now: u64) {
        if let Err(error) = self.try_connect_wire(wire, now) {
            self.fail_waiting(wire, Kind::of_connect(&error), now);
        }
    }

    fn try_connect_wire(&mut self, place: usize, now: u64) -> io::Result<()> {
        self.wires[place].close();
        let token = Token { slot: place as u32, generation: self.wires[place].generation };
        let (wire, is_made) = self.open(self.wires[place].lane, token)?;
        if is_made {
            return self.make_wire(place, wire, now);
        }
        self.wires[place].state = TrunkState::Connecting { wire, since: now };
        Ok(())
    }

    /// Goes on with making a connection.
    fn make_wire(&mut self, place: usize, mut wire: Wire, since: u64) -> io::Result<()> {
        let Made::Yes { handshake, resumed } = wire.make()? else {
            self.wires[place].state = TrunkState::Connecting { wire, since };
            return Ok(());
        };
        if !wire.speaks_http2() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the target did not agree on HTTP/2"));
        }
        self.count_connection(handshake, resumed);
        let link = Box::new(Link::new(if wire.is_secure() { "https" } else { "http" }));
        self.wires[place].state = TrunkState::Open { wire, link };
        self.mark(place);
        self.begin_waiting(place);
        Ok(())
    }

    fn mark(&mut self, wire: usize) {
        if !std::mem::replace(&mut self.wires[wire].is_dirty, true) {
            self.dirty.push(wire as u32);
        }
    }

    /// Begins what waits, as far as there is room.
    fn begin_waiting(&mut self, wire: usize) {
        while let TrunkState::Open { link, .. } = &self.wires[wire].state
            && link.has_room()
            && let Some(slot) = self.wires[wire].waiting.pop_front()
        {
            // One that has timed out meanwhile is no longer queued.
            if let State::Queued { request } = self.slots[slot as usize].state {
                self.begin_stream(wire, slot as usize, request);
            }
        }
    }

    fn begin_stream(&mut self, wire: usize, slot: usize, request: Request) {
        let now = self.now();
        let lane = self.wires[wire].lane as usize;
        let target = &self.plan.targets[self.lanes[lane].target];
        let template = target.mix.draw(&mut self.random);
        let bytes = template.bytes(false, &mut self.random, &mut self.scratch);
        let TrunkState::Open { link, .. } = &mut self.wires[wire].state else { return };
        let stream = link.begin(slot as u32, bytes, template.is_head());
        if self.plan.requests_per_connection == Some(link.begun()) {
            link.leave();
        }
        let exchange =
            Exchange { request, sent: now, is_head: template.is_head(), closes: false, stage: Stage::Head };
        self.slots[slot].state = State::Streaming { exchange, stream };
        self.mark(wire);
    }

    /// Sends what has been begun since the last time.
    pub(super) fn send_shared(&mut self) {
        while let Some(wire) = self.dirty.pop() {
            self.wires[wire as usize].is_dirty = false;
            self.send_wire(wire as usize);
        }
    }

    fn send_wire(&mut self, wire: usize) {
        let TrunkState::Open { wire, link } = &mut self.wires[wire].state else { return };
        // What comes of a failure, receiving sees.
        let _ = wire.flush();
        while !link.unsent().is_empty() {
            match wire.send(link.unsent()) {
                Ok(sent) => link.sent(sent),
                // A server may say why and close before it has read everything: what can be received says it.
                Err(_) => return,
            }
        }
    }

    pub(super) fn handle_wire(&mut self, token: Token, ready: Ready) {
        let wire = token.slot as usize;
        if self.wires[wire].generation != token.generation {
            return;
        }
        if self.wires[wire].is_connecting() {
            return self.connected_wire(wire, ready.ended);
        }
        if ready.writable {
            self.send_wire(wire);
        }
        if ready.readable {
            self.receive_wire(wire, ready.ended);
        }
    }

    fn connected_wire(&mut self, place: usize, ended: bool) {
        let state = std::mem::replace(&mut self.wires[place].state, TrunkState::Closed);
        let TrunkState::Connecting { wire, since } = state else { return };
        if let Err(error) = self.make_wire(place, wire, since) {
            return self.fail_waiting(place, Kind::of_connect(&error), self.now());
        }
        if !self.wires[place].is_connecting() {
            // The end of a handshake may have brought more with it, of which no event tells.
            self.receive_wire(place, ended);
        }
    }

    fn receive_wire(&mut self, wire: usize, ended: bool) {
        loop {
            let TrunkState::Open { wire: open, link } = &mut self.wires[wire].state else { return };
            let received = match open.receive(&mut self.buffer) {
                Ok(0) => return self.lose_wire(wire, Kind::Closed),
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return self.lose_wire(wire, Kind::Reset),
            };
            self.tally.bytes += received as u64;
            let mut events = std::mem::take(&mut self.events);
            let outcome = link.receive(&self.buffer[..received], &mut events);
            let is_all = open.ends_with_short_read() && received < self.buffer.len() && !ended;
            self.take_events(&mut events);
            self.events = events;
            if outcome.is_err() {
                return self.lose_wire(wire, Kind::Malformed);
            }
            if is_all {
                break;
            }
        }
        self.mark(wire);
        self.begin_waiting(wire);
        self.renew_wire(wire);
    }

    fn take_events(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            let slot = match event {
                Event::Answered { slot, .. } | Event::Reset { slot } | Event::Unserved { slot } => {
                    slot as usize
                }
            };
            let State::Streaming { exchange, .. } = self.slots[slot].take() else { continue };
            match event {
                Event::Answered { status, .. } => {
                    self.complete(slot, None, &exchange, Answer { status, keeps_alive: true });
                }
                Event::Reset { .. } => self.fail(slot, Kind::Reset, exchange.request, self.now()),
                Event::Unserved { .. } => self.fail(slot, Kind::Closed, exchange.request, self.now()),
            }
        }
    }

    /// A connection that has served its time makes room for the next one.
    fn renew_wire(&mut self, wire: usize) {
        let TrunkState::Open { link, .. } = &self.wires[wire].state else { return };
        if !link.is_over() {
            return;
        }
        self.send_wire(wire);
        self.wires[wire].close();
        if !self.wires[wire].waiting.is_empty() {
            self.connect_wire(wire, self.now());
        }
    }

    /// The connection is gone, with all that was under way on it.
    fn lose_wire(&mut self, wire: usize, kind: Kind) {
        let state = std::mem::replace(&mut self.wires[wire].state, TrunkState::Closed);
        self.wires[wire].close();
        if let TrunkState::Open { link, .. } = state {
            if !link.is_greeted() {
                return self.fail_waiting(wire, kind, self.now());
            }
            for slot in link.slots() {
                if let State::Streaming { exchange, .. } = self.slots[slot as usize].take() {
                    self.fail(slot as usize, kind, exchange.request, self.now());
                }
            }
        }
        if !self.wires[wire].waiting.is_empty() {
            self.connect_wire(wire, self.now());
        }
    }

    /// No connection for what waits.
    fn fail_waiting(&mut self, wire: usize, kind: Kind, now: u64) {
        self.wires[wire].close();
        for slot in std::mem::take(&mut self.wires[wire].waiting) {
            if let State::Queued { .. } = self.slots[slot as usize].take() {
                self.fail_unconnected(slot as usize, kind, now);
            }
        }
    }

    /// Whether the begin of an answer has come.
    pub(super) fn has_head(&self, slot: usize, stream: u32) -> bool {
        match &self.wires[self.slots[slot].wire as usize].state {
            TrunkState::Open { link, .. } => link.has_head(stream),
            TrunkState::Closed | TrunkState::Connecting { .. } => false,
        }
    }

    /// Takes back what takes too long, so that the server need not go on.
    pub(super) fn cancel_stream(&mut self, slot: usize, stream: u32) {
        let wire = self.slots[slot].wire as usize;
        if let TrunkState::Open { link, .. } = &mut self.wires[wire].state {
            link.cancel(stream);
            self.mark(wire);
        }
    }

    /// Gives up connects that take too long.
    pub(super) fn time_out_wires(&mut self, now: u64, limit: u64) {
        for wire in 0..self.wires.len() {
            if self.wires[wire].connecting_since().is_some_and(|since| now.saturating_sub(since) >= limit) {
                self.fail_waiting(wire, Kind::ConnectTimeout, now);
            }
        }
    }
}
