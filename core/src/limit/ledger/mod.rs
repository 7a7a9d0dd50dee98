//! The ledger: owns every bucket and counter that spans shards, and lends parts of them.
//!
//! It hears shards and the store and says what is to be told to whom; it never waits, sends or writes. Whatever it lends
//! still counts as in the bucket, or as used of the quota, until the shard has given it back, so that all shards together
//! never admit more than the limit, whatever their share of the traffic.

mod counter;
mod division;
mod taker;
mod throttle;

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

pub use self::counter::BLOCK_MAX;
use self::counter::Counter;
use self::throttle::Throttle;
use super::{Account, Calendar, Day, MeterId, Quota, ToLedger, ToShard, Usage};
use crate::clock::Now;

/// What nobody has asked for in so long is forgotten, in nanoseconds.
const IDLE_NS: u64 = 30_000_000_000;

/// What is to be done for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Tell a shard.
    Tell(usize, ToShard),
    /// Say what the store has of a quota: [`Ledger::loaded`].
    Load {
        /// The quota.
        meter: MeterId,
        /// Whose it is.
        account: Arc<Account>,
        /// Of which period.
        period: Day,
    },
    /// Write what is used of a quota. Then, and not before, tell the shards; [`Ledger::saved`] if there are any.
    Save {
        /// The quota.
        meter: MeterId,
        /// Whose it is.
        account: Arc<Account>,
        /// Of which period.
        period: Day,
        /// What to write.
        record: Record,
        /// What to tell when it is durable.
        then: Vec<(usize, ToShard)>,
        /// Whether requests wait for it.
        urgent: bool,
    },
    /// Take requests off what the store has as used in a period that is over.
    Refund {
        /// Whose quota.
        account: Arc<Account>,
        /// Of which period.
        period: Day,
        /// Requests that were lent and not made.
        left: u32,
    },
    /// Add to what a caller has used on a day.
    Count {
        /// Who.
        account: Arc<Account>,
        /// When.
        day: Day,
        /// What.
        usage: Usage,
    },
    /// Every shard has told what [`Ledger::settle`] asked for.
    Settled,
}

/// What is used of a quota in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Requests that were made or are lent.
    pub used: u64,
    /// Requests by which the limit was raised for this period.
    pub extra: i64,
    /// Whether it is the caller's first period, from which the offset is taken.
    pub is_first: bool,
}

impl Record {
    /// Requests that may be made in the period.
    pub fn limit(&self, quota: Quota) -> u64 {
        let offset = if self.is_first { quota.offset } else { 0 };
        u64::from(quota.limit.saturating_sub(offset)).saturating_add_signed(self.extra)
    }
}

/// Every limit that spans shards.
#[derive(Debug)]
pub struct Ledger {
    shards: usize,
    calendar: Calendar,
    throttles: HashMap<MeterId, Throttle, RandomState>,
    counters: HashMap<MeterId, Counter, RandomState>,
    /// Shards that have not answered [`ToShard::Settle`] yet.
    settling: Vec<usize>,
    orders: Vec<Order>,
}

impl Ledger {
    /// A ledger for so many shards.
    pub fn new(shards: usize, now: Now) -> Self {
        Self {
            shards,
            calendar: Calendar::new(now),
            throttles: HashMap::default(),
            counters: HashMap::default(),
            settling: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// What is to be done, in this order.
    pub fn orders(&mut self) -> &mut Vec<Order> {
        &mut self.orders
    }

    /// Hears a shard.
    pub fn hear(&mut self, shard: usize, message: ToLedger, now: Now) {
        let now_ns = now.monotonic_ns;
        self.look_at_clock(now);
        let orders = &mut self.orders;
        let mut tell = |shard, message| orders.push(Order::Tell(shard, message));
        match message {
            ToLedger::WantShare { meter, rate, generation, back, demand } => {
                let throttle =
                    self.throttles.entry(meter).or_insert_with(|| Throttle::new(meter, rate, generation));
                throttle.want(shard, (rate, generation), (back, demand), now_ns, &mut tell);
            }
            ToLedger::ShareBack { meter, share, demand } => {
                if let Some(throttle) = self.throttles.get_mut(&meter) {
                    throttle.back(shard, share, demand, now_ns, &mut tell);
                }
            }
            ToLedger::WantBlock { meter, account, quota, generation, waiting } => {
                let counter = self
                    .counters
                    .entry(meter)
                    .or_insert_with(|| Counter::new(meter, account, quota, generation));
                counter.want(shard, (quota, generation), waiting);
                turn(counter, &self.calendar, now_ns, &mut self.orders);
                counter.proceed(self.shards, now_ns, &mut self.orders);
            }
            ToLedger::BlockBack { meter, account, period, number, left } => {
                if let Some(counter) = self.counters.get_mut(&meter) {
                    counter.back(shard, (period, number), left, &mut self.orders);
                    counter.proceed(self.shards, now_ns, &mut self.orders);
                } else if let Some(account) = account {
                    counter::refund(&account, period, left, &mut self.orders);
                }
            }
            ToLedger::Used { account, usage } => {
                let day = self.calendar.today(now_ns);
                self.orders.push(Order::Count { account, day, usage });
            }
            ToLedger::Settled => self.settled(shard),
        }
    }

    /// The store says what it has of a quota in a period.
    pub fn loaded(&mut self, meter: MeterId, period: Day, record: Record, now: Now) {
        let Some(counter) = self.counters.get_mut(&meter) else { return };
        counter.loaded(period, record);
        counter.proceed(self.shards, now.monotonic_ns, &mut self.orders);
    }

    /// The store has written what was to be told to shards.
    pub fn saved(&mut self, meter: MeterId, now: Now) {
        let Some(counter) = self.counters.get_mut(&meter) else { return };
        counter.saved();
        counter.proceed(self.shards, now.monotonic_ns, &mut self.orders);
    }

    /// Lets a caller make more requests in the present period, or fewer. `false`: what is used is not known yet; try again
    /// when the order to load it is done.
    pub fn extend(
        &mut self,
        account: &Arc<Account>,
        (quota, generation): (Quota, u32),
        requests: i64,
        now: Now,
    ) -> bool {
        let meter = account.meter();
        let counter = self
            .counters
            .entry(meter)
            .or_insert_with(|| Counter::new(meter, Arc::clone(account), quota, generation));
        turn(counter, &self.calendar, now.monotonic_ns, &mut self.orders);
        let known = counter.extend(requests, &mut self.orders);
        if known {
            self.tell_all(&ToShard::RecallBlock(meter));
        }
        known
    }

    /// Asks all shards to give back every block and to tell what has been used; [`Order::Settled`] when they have.
    pub fn settle(&mut self) {
        self.settling = (0..self.shards).collect();
        self.tell_all(&ToShard::Settle);
    }

    /// Looks at the clock, and forgets what nobody uses. To be called about every second.
    pub fn tick(&mut self, now: Now) {
        self.look_at_clock(now);
        let now_ns = now.monotonic_ns;
        self.throttles.retain(|_, throttle| !throttle.is_default(now_ns));
        self.counters.retain(|_, counter| !counter.is_idle(IDLE_NS, now_ns));
    }

    /// The day by which usage is counted.
    pub fn today(&self, now: Now) -> Day {
        self.calendar.today(now.monotonic_ns)
    }

    fn look_at_clock(&mut self, now: Now) {
        if !self.calendar.look(now) {
            return;
        }
        // Periods begin and end at other times now; what shards have was lent for the old ones.
        let meters: Vec<MeterId> = self.counters.keys().copied().collect();
        for meter in meters {
            self.tell_all(&ToShard::RecallBlock(meter));
        }
    }

    fn settled(&mut self, shard: usize) {
        let before = self.settling.len();
        self.settling.retain(|&asked| asked != shard);
        if before > 0 && self.settling.is_empty() {
            self.orders.push(Order::Settled);
        }
    }

    fn tell_all(&mut self, message: &ToShard) {
        self.orders.extend((0..self.shards).map(|shard| Order::Tell(shard, message.clone())));
    }
}

fn turn(counter: &mut Counter, calendar: &Calendar, now_ns: u64, orders: &mut Vec<Order>) {
    let period = counter.quota().period;
    let start = period.start(calendar.today(now_ns));
    counter.turn_to(start, calendar.start_ns(period.next(start)), orders);
}
