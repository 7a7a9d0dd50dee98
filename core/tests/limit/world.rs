//! Shards, a ledger and a store in one thread: time, delays and traffic from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use tidegate_core::clock::Now;
use tidegate_core::limit::{
    Account, Client, Day, Denied, Ledger, Limits, MeterId, Meters, Order, Quota, Rate, Record, ToLedger,
    ToShard, Usage,
};

pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;
/// 2026-11-25 12:00:00 UTC.
pub(crate) const NOON_MS: u64 = 1_795_608_000_000;

/// A small generator (xorshift64*), so that a seed means the same for ever.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end.max(1)
    }
}

/// What requests are under.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) throttle: Option<Rate>,
    pub(crate) quota: Option<Quota>,
    pub(crate) generation: u32,
}

/// What the store has written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<Day, Record>,
    pub(crate) usage: BTreeMap<Day, Usage>,
}

#[derive(Debug)]
enum Happening {
    Request(usize),
    AtLedger(usize, ToLedger),
    AtShard(usize, ToShard),
    Stored(Order),
    Tick,
}

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// When each admitted request was let through, by the shard.
    pub(crate) admitted: Vec<(u64, usize)>,
    pub(crate) throttled: u64,
    pub(crate) over_quota: u64,
    /// Messages between shards and ledger.
    pub(crate) messages: u64,
    /// The longest wait for the ledger.
    pub(crate) waited_max_ns: u64,
}

pub(crate) struct World {
    pub(crate) now_ns: u64,
    /// Wall time less monotonic time.
    pub(crate) wall_ms: i64,
    pub(crate) plan: Plan,
    pub(crate) store: Store,
    pub(crate) outcome: Outcome,
    pub(crate) delay_max_ns: u64,
    random: Random,
    meters: Vec<Meters>,
    waiting: Vec<Vec<u64>>,
    ledger: Ledger,
    events: BinaryHeap<Reverse<(u64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    sequence: u64,
    last_arrival: BTreeMap<(bool, usize), u64>,
    stored_at: u64,
}

const ACCOUNT: (&str, &str) = ("gold", "alice");

pub(crate) fn account() -> Arc<Account> {
    Arc::new(Account { plan: ACCOUNT.0.to_owned(), key: ACCOUNT.1.to_owned() })
}

impl World {
    pub(crate) fn new(shards: usize, plan: Plan, seed: u64) -> Self {
        let now = Now { unix_ms: NOON_MS, monotonic_ns: 3 * S };
        let mut world = Self {
            now_ns: now.monotonic_ns,
            wall_ms: (NOON_MS - now.monotonic_ns / MS) as i64,
            plan,
            store: Store::default(),
            outcome: Outcome::default(),
            delay_max_ns: 100 * US,
            random: Random::new(seed),
            meters: (0..shards).map(|_| Meters::new(shards)).collect(),
            waiting: vec![Vec::new(); shards],
            ledger: Ledger::new(shards, now),
            events: BinaryHeap::new(),
            happenings: Vec::new(),
            sequence: 0,
            last_arrival: BTreeMap::new(),
            stored_at: 0,
        };
        world.schedule(world.now_ns + S, Happening::Tick);
        world
    }

    pub(crate) fn now(&self) -> Now {
        let unix_ms = (self.now_ns / MS).saturating_add_signed(self.wall_ms);
        Now { unix_ms, monotonic_ns: self.now_ns }
    }

    /// A request will come at this time at this shard.
    pub(crate) fn request(&mut self, at_ns: u64, shard: usize) {
        self.schedule(at_ns, Happening::Request(shard));
    }

    /// Lets everything happen that happens until then.
    pub(crate) fn run_until(&mut self, end_ns: u64) {
        while let Some(&Reverse((at_ns, _, slot))) = self.events.peek() {
            if at_ns > end_ns {
                break;
            }
            self.events.pop();
            self.now_ns = at_ns;
            let happening = self.happenings[slot].take().expect("it happens once");
            self.happen(happening);
        }
        self.happenings_compact();
        self.now_ns = end_ns;
    }

    /// Everything but the store is gone, and starts anew.
    pub(crate) fn crash(&mut self) {
        let shards = self.meters.len();
        self.events.clear();
        self.happenings.clear();
        self.last_arrival.clear();
        self.meters = (0..shards).map(|_| Meters::new(shards)).collect();
        self.waiting = vec![Vec::new(); shards];
        self.ledger = Ledger::new(shards, self.now());
        self.schedule(self.now_ns + S, Happening::Tick);
    }

    /// All shards give back and report what they can.
    pub(crate) fn settle(&mut self) {
        self.ledger.settle();
        self.obey();
        self.run_until(self.now_ns + S);
    }

    pub(crate) fn extend(&mut self, requests: i64) {
        let quota = (self.plan.quota.expect("a quota"), self.plan.generation);
        while !self.ledger.extend(&account(), quota, requests, self.now()) {
            self.obey();
            self.run_until(self.now_ns + MS);
        }
        self.obey();
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn happenings_compact(&mut self) {
        if self.events.is_empty() {
            self.happenings.clear();
        }
    }

    fn schedule(&mut self, at_ns: u64, happening: Happening) {
        self.sequence += 1;
        self.happenings.push(Some(happening));
        self.events.push(Reverse((at_ns, self.sequence, self.happenings.len() - 1)));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Request(shard) => self.attempt(shard, self.now_ns),
            Happening::AtLedger(shard, message) => {
                let now = self.now();
                self.ledger.hear(shard, message, now);
                self.obey();
            }
            Happening::AtShard(shard, message) => {
                if self.meters[shard].hear(&message, self.now_ns).is_some() {
                    for since_ns in std::mem::take(&mut self.waiting[shard]) {
                        self.attempt(shard, since_ns);
                    }
                }
                self.meters[shard].give_back(self.now_ns);
                self.send(shard);
            }
            Happening::Stored(order) => self.stored(order),
            Happening::Tick => {
                let now = self.now();
                self.ledger.tick(now);
                self.obey();
                for shard in 0..self.meters.len() {
                    self.meters[shard].tick(now.monotonic_ns);
                    self.send(shard);
                }
                self.schedule(self.now_ns + S, Happening::Tick);
            }
        }
    }

    fn attempt(&mut self, shard: usize, since_ns: u64) {
        let meter = account().meter();
        let throttle = self.plan.throttle.map(|rate| (meter.with(MeterId::of(&["throttle"])), rate));
        let names = || Account::clone(&account());
        let client = Client { meter, account: &names, quota: self.plan.quota };
        let limits =
            Limits { throttles: throttle.as_slice(), client: Some(client), generation: self.plan.generation };
        match self.meters[shard].admit(&limits, self.now_ns) {
            Ok(()) => self.outcome.admitted.push((self.now_ns, shard)),
            Err(Denied::Throttled { .. }) => self.outcome.throttled += 1,
            Err(Denied::QuotaExceeded { .. }) => self.outcome.over_quota += 1,
            Err(Denied::Wait(_)) => self.waiting[shard].push(since_ns),
        }
        self.outcome.waited_max_ns = self.outcome.waited_max_ns.max(self.now_ns - since_ns);
        self.send(shard);
    }

    fn send(&mut self, shard: usize) {
        for message in std::mem::take(self.meters[shard].outbox()) {
            let at_ns = self.arrival((true, shard));
            self.schedule(at_ns, Happening::AtLedger(shard, message));
        }
    }

    fn obey(&mut self) {
        for order in std::mem::take(self.ledger.orders()) {
            match order {
                Order::Tell(shard, message) => self.tell(shard, message),
                Order::Settled => {}
                order => {
                    self.stored_at = self.stored_at.max(self.now_ns) + US + self.random.below(2 * MS);
                    self.schedule(self.stored_at, Happening::Stored(order));
                }
            }
        }
    }

    fn tell(&mut self, shard: usize, message: ToShard) {
        let at_ns = self.arrival((false, shard));
        self.schedule(at_ns, Happening::AtShard(shard, message));
    }

    fn arrival(&mut self, way: (bool, usize)) -> u64 {
        self.outcome.messages += 1;
        let at_ns = self.now_ns + US + self.random.below(self.delay_max_ns);
        let last = self.last_arrival.entry(way).or_default();
        *last = at_ns.max(*last);
        *last
    }

    fn stored(&mut self, order: Order) {
        let now = self.now();
        match order {
            Order::Load { meter, period, .. } => {
                let is_first = self.store.records.is_empty();
                let record = self.store.records.get(&period).copied();
                let record = record.unwrap_or(Record { is_first, ..Record::default() });
                self.ledger.loaded(meter, period, record, now);
            }
            Order::Save { meter, period, record, then, .. } => {
                self.store.records.insert(period, record);
                let answer = !then.is_empty();
                for (shard, message) in then {
                    self.tell(shard, message);
                }
                if answer {
                    self.ledger.saved(meter, now);
                }
            }
            Order::Refund { period, left, .. } => {
                if let Some(record) = self.store.records.get_mut(&period) {
                    record.used = record.used.saturating_sub(u64::from(left));
                }
            }
            Order::Count { day, usage, .. } => self.store.usage.entry(day).or_default().add(usage),
            Order::Tell(..) | Order::Settled => unreachable!("not for the store"),
        }
        self.obey();
    }
}
