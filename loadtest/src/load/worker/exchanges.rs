//! What becomes of one request on one slot: begun, sent, answered or failed.

use super::super::answer::{self, Answer, AtEnd};
use super::super::kind::Kind;
use super::super::slot::{Exchange, Request, Stage, State};
use super::super::wire::{Made, Wire};
use super::{GRACE, Slices, Worker};
use crate::poller::{Ready, Token};
use std::io;

/// How long a closed-loop connection rests after it could not be made: a target that is down is not hammered.
const REST: u64 = 20_000_000;

impl<S: Slices> Worker<'_, S> {
    pub(super) fn begin(&mut self, slot: usize, due: u64, now: u64) {
        self.tally.begun += 1;
        self.busy += 1;
        if self.open {
            self.tally.lateness.saturating_record(now - due.max(self.slots[slot].free_since));
        }
        let request = Request { due, begun: now };
        if !self.wires.is_empty() {
            return self.begin_shared(slot, request, now);
        }
        match self.slots[slot].take() {
            State::Idle { wire } => self.send(slot, wire, request, now),
            _ => {
                if let Err(error) = self.connect(slot, Some(request), now) {
                    self.fail_to_connect(slot, &error, now);
                }
            }
        }
    }

    pub(super) fn connect(&mut self, slot: usize, request: Option<Request>, now: u64) -> io::Result<()> {
        self.slots[slot].close();
        let token = Token { slot: slot as u32, generation: self.slots[slot].generation };
        let (wire, is_made) = self.open(self.slots[slot].lane, token)?;
        if is_made {
            return self.make(slot, wire, now, request);
        }
        self.slots[slot].state = State::Connecting { wire, since: now, request };
        Ok(())
    }

    /// Goes on with making a connection.
    fn make(&mut self, slot: usize, mut wire: Wire, since: u64, request: Option<Request>) -> io::Result<()> {
        let Made::Yes { handshake, resumed } = wire.make()? else {
            self.slots[slot].state = State::Connecting { wire, since, request };
            return Ok(());
        };
        self.count_connection(handshake, resumed);
        match request {
            Some(request) => self.send(slot, wire, request, self.now()),
            None => self.slots[slot].state = State::Idle { wire },
        }
        Ok(())
    }

    fn fail_to_connect(&mut self, slot: usize, error: &io::Error, now: u64) {
        self.fail_unconnected(slot, Kind::of_connect(error), now);
    }

    pub(super) fn fail_unconnected(&mut self, slot: usize, kind: Kind, now: u64) {
        self.count(kind);
        self.busy -= 1;
        self.slots[slot].close();
        if self.open {
            self.free(slot, now);
        } else {
            self.resting.push_back((now + REST, slot as u32));
        }
    }

    #[inline]
    fn send(&mut self, slot: usize, mut wire: Wire, request: Request, now: u64) {
        let lane = self.slots[slot].lane as usize;
        let target = &self.plan.targets[self.lanes[lane].target];
        let template = target.mix.draw(&mut self.random);
        let place = &mut self.slots[slot];
        place.served += 1;
        let closes = self.plan.requests_per_connection == Some(place.served);
        let bytes = template.bytes(closes, &mut self.random, &mut self.scratch);
        let exchange =
            Exchange { request, sent: now, is_head: template.is_head(), closes, stage: Stage::Head };
        match wire.send(bytes) {
            Ok(sent) if sent == bytes.len() => place.state = State::Busy { wire, exchange },
            Ok(sent) => {
                place.unsent.extend_from_slice(&bytes[sent..]);
                place.state = State::Busy { wire, exchange };
                self.send_rest(slot);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                place.unsent.extend_from_slice(bytes);
                place.state = State::Busy { wire, exchange };
            }
            Err(_) => self.fail(slot, Kind::Reset, request, now),
        }
    }

    fn send_rest(&mut self, slot: usize) {
        let place = &mut self.slots[slot];
        let State::Busy { wire, .. } = &mut place.state else { return };
        // What comes of a failure, receiving sees.
        let _ = wire.flush();
        while place.unsent_from < place.unsent.len() {
            match wire.send(&place.unsent[place.unsent_from..]) {
                Ok(sent) => place.unsent_from += sent,
                // A target may answer and close before it has read everything: `receive` sees what came of it.
                Err(_) => return,
            }
        }
        place.unsent.clear();
        place.unsent_from = 0;
    }

    #[inline]
    pub(super) fn handle(&mut self, slot: usize, ready: Ready) {
        if ready.writable {
            self.send_rest(slot);
        }
        match self.slots[slot].take() {
            State::Busy { wire, exchange } if ready.readable => {
                self.receive(slot, wire, exchange, ready.ended);
            }
            State::Connecting { wire, since, request } => match self.make(slot, wire, since, request) {
                Ok(()) => {}
                Err(error) if request.is_some() => self.fail_to_connect(slot, &error, self.now()),
                Err(_) => self.slots[slot].close(),
            },
            State::Idle { wire } if ready.readable => self.receive_idle(slot, wire),
            state => self.slots[slot].state = state,
        }
    }

    /// An idle connection may be closed by the peer; anything it says is out of turn.
    fn receive_idle(&mut self, slot: usize, mut wire: Wire) {
        match wire.receive(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.slots[slot].state = State::Idle { wire }
            }
            Ok(0) | Err(_) => self.slots[slot].close(),
            Ok(_) => {
                self.count(Kind::Malformed);
                self.slots[slot].close();
            }
        }
    }

    /// A short read is the end of what is there, unless the peer has closed: then the end is still to be read.
    #[inline]
    fn receive(&mut self, slot: usize, mut wire: Wire, mut exchange: Exchange, ended: bool) {
        loop {
            let received = match wire.receive(&mut self.buffer) {
                Ok(0) => return self.ended(slot, &exchange),
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return self.fail(slot, Kind::Reset, exchange.request, self.now()),
            };
            self.tally.bytes += received as u64;
            let bytes = &self.buffer[..received];
            match answer::take(&mut exchange, &mut self.slots[slot].head, bytes) {
                Ok(Some(answer)) => {
                    return self.complete(slot, (!ended).then_some(wire), &exchange, answer);
                }
                Ok(None) if wire.ends_with_short_read() && received < self.buffer.len() && !ended => break,
                Ok(None) => {}
                Err(_) => return self.fail(slot, Kind::Malformed, exchange.request, self.now()),
            }
        }
        self.slots[slot].state = State::Busy { wire, exchange };
    }

    fn ended(&mut self, slot: usize, exchange: &Exchange) {
        let kind = match answer::end(exchange, &self.slots[slot].head) {
            AtEnd::Complete(answer) => return self.complete(slot, None, exchange, answer),
            AtEnd::Nothing => Kind::Closed,
            AtEnd::Short => Kind::ShortBody,
        };
        self.fail(slot, kind, exchange.request, self.now());
    }

    #[inline]
    pub(super) fn complete(&mut self, slot: usize, wire: Option<Wire>, exchange: &Exchange, answer: Answer) {
        let now = self.now();
        self.tally.answered += 1;
        self.tally.in_time += u64::from(now <= self.deadline + GRACE);
        self.tally.statuses[usize::from(answer.status - 100)] += 1;
        if !self.plan.expected.contains(answer.status) {
            self.count(Kind::Status);
        }
        self.tally.latency.saturating_record(now - exchange.request.due);
        if self.open {
            self.tally.service.saturating_record(now - exchange.sent);
        }
        self.busy -= 1;
        let sent_whole = self.slots[slot].unsent.is_empty();
        match wire {
            Some(wire) if answer.keeps_alive && !exchange.closes && sent_whole && wire.is_flushed() => {
                self.slots[slot].state = State::Idle { wire };
            }
            _ => self.slots[slot].close(),
        }
        self.free(slot, now);
        self.pump(self.slots[slot].lane as usize, now);
    }

    pub(super) fn fail(&mut self, slot: usize, kind: Kind, request: Request, now: u64) {
        self.count(kind);
        if matches!(kind, Kind::Timeout | Kind::ConnectTimeout) {
            self.tally.latency.saturating_record(now - request.due);
        }
        self.busy -= 1;
        self.slots[slot].close();
        self.free(slot, now);
    }

    /// The slot has no request.
    #[inline]
    pub(super) fn free(&mut self, slot: usize, now: u64) {
        let lane = self.slots[slot].lane as usize;
        self.slots[slot].free_since = now;
        self.lanes[lane].free.push_back(slot as u32);
    }

    fn count(&mut self, kind: Kind) {
        self.tally.errors[kind as usize] += 1;
    }
}
