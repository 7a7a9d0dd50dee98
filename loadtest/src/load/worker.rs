//! One thread of the load generator: its connections, its share of the schedule, its loop.
//!
//! It never blocks but in the poller, shares nothing with other threads while requests run, and allocates nothing per
//! request. Times are nanoseconds since the run's begin.

mod exchanges;
mod streams;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;

use self::streams::Trunk;
use super::kind::Kind;
use super::lane::{self, Lane};
use super::link::Event;
use super::plan::{Pace, Plan, Target};
use super::security::Security;
use super::slot::{Slot, Stage, State};
use super::tally::Tally;
use super::wire::Wire;
use crate::poller::{Poller, Token};
use crate::socket::{self, Connected};

/// Bytes received at once. Larger answers come in several parts.
const RECEIVE_BYTES: usize = 65_536;
/// How late a due request may be at the run's end before it counts as unsent.
const GRACE: u64 = 20_000_000;
/// Timeouts are looked for at least and at most that often.
const SCAN_MIN: Duration = Duration::from_millis(1);
const SCAN_MAX: Duration = Duration::from_millis(50);

/// Where a thread's counts of a slice of time go.
pub(super) trait Slices {
    /// Takes a full tally, gives an empty one; or leaves it if the taker is behind.
    fn put(&mut self, slice: u64, tally: &mut Tally);
    /// Takes the last one, however long that lasts.
    fn finish(self, slice: u64, tally: Tally);
}

/// One thread's part of a run.
pub(super) struct Worker<'a, S> {
    plan: &'a Plan,
    stop: &'a AtomicBool,
    slices: S,
    poller: Poller,
    slots: Vec<Slot>,
    lanes: Vec<Lane>,
    /// With HTTP/2: the connections, each with the slots of its streams.
    wires: Vec<Trunk>,
    /// Those with something to send.
    dirty: Vec<u32>,
    events: Vec<Event>,
    resting: VecDeque<(u64, u32)>,
    tally: Tally,
    buffer: Box<[u8]>,
    scratch: Vec<u8>,
    /// How sessions begin with each target that is called by https.
    security: Vec<Option<Security>>,
    random: Rng,
    started: Instant,
    /// Slots with a request.
    busy: usize,
    /// Begin no request from then on.
    deadline: u64,
    open: bool,
    slice: u64,
    next_slice: u64,
    next_scan: u64,
    scan_every: u64,
}

impl<'a, S: Slices> Worker<'a, S> {
    /// Thread `index` of the plan.
    pub(super) fn new(plan: &'a Plan, index: usize, stop: &'a AtomicBool, slices: S) -> io::Result<Self> {
        let targets = plan.targets.len();
        let mut random = Rng::with_seed(plan.seed.wrapping_add(index as u64));
        let mut lanes: Vec<Lane> =
            (0..targets).map(|target| Lane::new(plan, index, target, random.fork())).collect();
        let (mut slots, mut wires) = (Vec::new(), Vec::new());
        for (target, lane) in lanes.iter_mut().enumerate() {
            let (before, share) = plan.share(index, target);
            for _ in 0..lane::part(plan.connections as u64, before, share).max(1) {
                for _ in 0..plan.streams.unwrap_or(1) {
                    lane.free.push_back(slots.len() as u32);
                    slots.push(Slot { wire: wires.len() as u32, ..Slot::new(target as u32) });
                }
                if plan.streams.is_some() {
                    wires.push(Trunk::new(target as u32));
                }
            }
        }
        let timeouts = plan.timeouts;
        let shortest = timeouts.connect.min(timeouts.response).min(timeouts.total);
        Ok(Self {
            plan,
            stop,
            slices,
            poller: Poller::new()?,
            slots,
            lanes,
            wires,
            dirty: Vec::new(),
            events: Vec::new(),
            resting: VecDeque::new(),
            tally: Tally::default(),
            buffer: vec![0; RECEIVE_BYTES].into_boxed_slice(),
            scratch: Vec::new(),
            security: plan.targets.iter().map(own_security).collect(),
            random,
            started: Instant::now(),
            busy: 0,
            deadline: nanoseconds(plan.duration),
            open: matches!(plan.pace, Pace::Open(_)),
            slice: 0,
            next_slice: nanoseconds(plan.slice),
            next_scan: 0,
            scan_every: nanoseconds((shortest / 50).clamp(SCAN_MIN, SCAN_MAX)),
        })
    }

    /// Makes all connections, so that the first requests do not pay for them. What fails here is tried again, and
    /// counted, when a request needs it.
    pub(super) fn connect_ahead(&mut self) -> io::Result<()> {
        if self.plan.requests_per_connection == Some(1) {
            return Ok(());
        }
        for wire in 0..self.wires.len() {
            self.connect_wire(wire, self.now());
        }
        for slot in 0..if self.wires.is_empty() { self.slots.len() } else { 0 } {
            // Failures close the slot again.
            let _ = self.connect(slot, None, self.now());
        }
        let until = nanoseconds(self.plan.timeouts.connect);
        while self.now() < until
            && (self.slots.iter().any(|slot| matches!(slot.state, State::Connecting { .. }))
                || self.wires.iter().any(Trunk::is_connecting))
        {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            self.poller.wait(SCAN_MAX)?;
            self.handle_events();
        }
        for wire in &mut self.wires {
            if wire.is_connecting() {
                wire.close();
            }
        }
        for slot in &mut self.slots {
            if matches!(slot.state, State::Connecting { .. }) {
                slot.close();
            }
            slot.free_since = 0;
        }
        self.tally.errors = Default::default();
        (self.tally.handshakes, self.tally.resumed) = (0, 0);
        Ok(())
    }

    /// Runs until every request has ended, and gives when the last one did.
    pub(super) fn run(mut self, started: Instant) -> io::Result<Duration> {
        self.started = started;
        loop {
            let now = self.now();
            for lane in 0..self.lanes.len() {
                self.pump(lane, now);
            }
            self.send_shared();
            if self.is_over(now) {
                break;
            }
            self.poller.wait(Duration::from_nanos(self.sleep(self.now())))?;
            self.handle_events();
            self.keep_house();
        }
        let elapsed = self.now();
        self.slices.finish(self.slice, self.tally);
        Ok(Duration::from_nanos(elapsed))
    }

    #[inline]
    /// Begins a connection to a lane's target. Says whether it is there already.
    fn open(&mut self, lane: u32, token: Token) -> io::Result<(Wire, bool)> {
        let target = self.lanes[lane as usize].target;
        let (socket, is_made) = match socket::connect(&self.plan.targets[target].address)? {
            Connected::Soon(socket) => (socket, false),
            Connected::Now(socket) => (socket, true),
        };
        let wire = Wire::new(socket, self.security[target].as_ref())?;
        self.poller.watch(&wire, token)?;
        Ok((wire, is_made))
    }

    /// Counts a connection that has been made.
    fn count_connection(&mut self, handshake: bool, resumed: bool) {
        self.tally.connections += 1;
        self.tally.handshakes += u64::from(handshake);
        self.tally.resumed += u64::from(resumed);
    }

    fn now(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }

    fn is_over(&mut self, now: u64) -> bool {
        let stopped = self.stop.load(Ordering::Relaxed);
        let ends = if self.open { self.deadline + GRACE } else { self.deadline };
        if stopped || now >= ends {
            self.give_up_unsent(now, stopped);
        }
        let may_end = !self.open || stopped || self.plan.requests.is_some() || now >= self.deadline;
        may_end && self.busy == 0 && self.lanes.iter().all(|lane| lane.next_due().is_none())
    }

    /// What was due but found no free connection still has waited: leaving it out would hide the stall.
    fn give_up_unsent(&mut self, now: u64, stopped: bool) {
        for lane in &mut self.lanes {
            while self.open
                && !stopped
                && let Some(due) = lane.take_due(now)
            {
                self.tally.unsent += 1;
                self.tally.latency.saturating_record(now - due);
            }
            lane.stop();
        }
    }

    /// Nanoseconds to wait for events: until a request can be sent, or something has to be looked at.
    fn sleep(&self, now: u64) -> u64 {
        let mut until = self.next_scan;
        for lane in &self.lanes {
            if let Some(due) = lane.next_due()
                && !lane.free.is_empty()
            {
                until = until.min(due);
            }
        }
        if let Some((rested, _)) = self.resting.front() {
            until = until.min(*rested);
        }
        let sleep = until.saturating_sub(now);
        if self.open && sleep < nanoseconds(self.plan.spin) { 0 } else { sleep }
    }

    fn handle_events(&mut self) {
        for index in 0..self.poller.len() {
            let (token, ready) = self.poller.event(index);
            if !self.wires.is_empty() {
                self.handle_wire(token, ready);
                continue;
            }
            let slot = token.slot as usize;
            if self.slots[slot].generation == token.generation {
                self.handle(slot, ready);
            }
        }
    }

    /// What is due at times, not by events.
    fn keep_house(&mut self) {
        let now = self.now();
        while let Some((rested, slot)) = self.resting.front().copied()
            && rested <= now
        {
            self.resting.pop_front();
            self.free(slot as usize, now);
        }
        if now >= self.next_scan {
            self.next_scan = now + self.scan_every;
            for slot in 0..self.slots.len() {
                self.time_out(slot, now);
            }
            self.time_out_wires(now, nanoseconds(self.plan.timeouts.connect));
        }
        // Answers after the run's end belong to its last slice.
        if now >= self.next_slice && self.next_slice < self.deadline {
            self.slices.put(self.slice, &mut self.tally);
            let length = nanoseconds(self.plan.slice);
            self.slice = now / length;
            self.next_slice = (self.slice + 1) * length;
        }
    }

    /// Begins what is due on connections that are free.
    ///
    /// A slot that fails at once is free again at once: going once round the free ones keeps this finite.
    #[inline]
    fn pump(&mut self, lane: usize, mut now: u64) {
        for _ in 0..self.lanes[lane].free.len() {
            // Closed loops end at the deadline exactly; in open ones the schedule has ended by then.
            if !self.open && now >= self.deadline {
                return;
            }
            let lane = &mut self.lanes[lane];
            let Some(due) = lane.take_due(now) else { return };
            let Some(slot) = lane.free.pop_front() else { return };
            self.begin(slot as usize, due, now);
            now = self.now();
        }
    }

    fn time_out(&mut self, slot: usize, now: u64) {
        let timeouts = &self.plan.timeouts;
        let past = |since: u64, limit: Duration| now.saturating_sub(since) >= nanoseconds(limit);
        let (kind, request) = match &self.slots[slot].state {
            State::Connecting { since, request: Some(request), .. }
                if past(*since, timeouts.connect) || past(request.begun, timeouts.total) =>
            {
                (Kind::ConnectTimeout, *request)
            }
            State::Busy { exchange, .. }
                if past(exchange.request.begun, timeouts.total)
                    || matches!(exchange.stage, Stage::Head) && past(exchange.sent, timeouts.response) =>
            {
                (Kind::Timeout, exchange.request)
            }
            State::Streaming { exchange, stream }
                if past(exchange.request.begun, timeouts.total)
                    || past(exchange.sent, timeouts.response) && !self.has_head(slot, *stream) =>
            {
                let (request, stream) = (exchange.request, *stream);
                self.cancel_stream(slot, stream);
                (Kind::Timeout, request)
            }
            State::Queued { request } if past(request.begun, timeouts.total) => (Kind::Timeout, *request),
            _ => return,
        };
        self.fail(slot, kind, request, now);
    }
}

fn own_security(target: &Target) -> Option<Security> {
    target.security.as_ref().map(Security::for_thread)
}

#[inline]
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
