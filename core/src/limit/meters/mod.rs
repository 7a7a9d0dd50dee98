//! A shard's side of all limits: what it may spend without asking, and what it has to ask for.
//!
//! Spending is integer arithmetic on memory of the shard. What is not here is asked of the ledger; the request waits for
//! its answer and then tries again. Nothing here sends: what is to be told stands in the outbox.

mod allowance;
mod lease;

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use slab::Slab;

use self::allowance::Allowance;
use self::lease::Lease;
use super::{Account, Demand, MeterId, Quota, Rate, Standing, ToLedger, ToShard};

/// What nobody has used for so long goes back to the ledger, in nanoseconds.
const IDLE_NS: u64 = 10_000_000_000;
/// Leases that one [`Meters::tick`] looks at.
const SWEPT_MAX: usize = 512;
/// Most throttles that one request is under: the caller's for the method, the caller's, the method's, the account's.
pub const THROTTLES_MAX: usize = 4;

/// The limits that one request is under.
#[derive(Debug)]
pub struct Limits<'a> {
    /// Throttles in the order in which they are looked at, at most [`THROTTLES_MAX`].
    pub throttles: &'a [(MeterId, Rate)],
    /// Whose request it is, if anybody's.
    pub client: Option<Client<'a>>,
    /// The generation of the plan that says so.
    pub generation: u32,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The key under its plan.
    pub meter: MeterId,
    /// The plan's name.
    pub plan: &'a str,
    /// The key's name.
    pub key: &'a [u8],
    /// The quota, if there is one.
    pub quota: Option<Quota>,
}

/// Why a request is not let through, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A throttle has no token.
    Throttled {
        /// Nanoseconds until it can have one.
        retry_after_ns: u64,
    },
    /// The quota is used up.
    QuotaExceeded {
        /// Nanoseconds until the next period.
        retry_after_ns: u64,
    },
    /// The ledger was asked about this limit; try again when it has answered.
    Wait(MeterId),
}

/// All limits of which a shard holds something.
#[derive(Debug)]
pub struct Meters {
    /// Whether there is no other shard: then throttles need no ledger.
    alone: bool,
    lease_of: HashMap<MeterId, usize, RandomState>,
    leases: Slab<Lease>,
    allowance_of: HashMap<MeterId, usize, RandomState>,
    allowances: Slab<Allowance>,
    /// Allowances with something to report.
    counted: Vec<MeterId>,
    recalled: Vec<Recalled>,
    outbox: Vec<ToLedger>,
    swept: usize,
}

#[derive(Clone, Copy, Debug)]
enum Recalled {
    Share(MeterId),
    Block(MeterId),
    Everything,
}

impl Meters {
    /// The limits of one of so many shards.
    pub fn new(shards: usize) -> Self {
        Self {
            alone: shards == 1,
            lease_of: HashMap::default(),
            leases: Slab::new(),
            allowance_of: HashMap::default(),
            allowances: Slab::new(),
            counted: Vec::new(),
            recalled: Vec::new(),
            outbox: Vec::new(),
            swept: 0,
        }
    }

    /// Takes a token of every throttle and a request of the quota, or nothing at all.
    pub fn admit(&mut self, limits: &Limits<'_>, now_ns: u64) -> Result<(), Denied> {
        let mut taken = [None; THROTTLES_MAX];
        for (place, &(meter, rate)) in taken.iter_mut().zip(limits.throttles) {
            match self.take_token(meter, rate, limits.generation, now_ns) {
                Ok(token) => *place = Some(token),
                Err(denied) => {
                    self.put_back(&taken);
                    return Err(denied);
                }
            }
        }
        let Some(client) = limits.client else { return Ok(()) };
        let admitted = self.take_request(client, limits.generation, now_ns);
        if admitted.is_err() {
            self.put_back(&taken);
        }
        admitted
    }

    /// What a caller can be told of its throttle and its quota: what this shard knows of them.
    pub fn standing(&self, throttle: Option<(MeterId, Rate)>, client: Client<'_>, now_ns: u64) -> Standing {
        let of_lease = |(meter, rate)| {
            let lease = &self.leases[*self.lease_of.get(&meter)?];
            Some(lease.policy(rate, now_ns))
        };
        let of_quota = |quota| {
            let allowance = &self.allowances[*self.allowance_of.get(&client.meter)?];
            Some(allowance.policy(quota, now_ns))
        };
        let (throttle, quota) = (throttle.and_then(of_lease), client.quota.and_then(of_quota));
        Standing { retry_after_ns: None, throttle, quota }
    }

    /// Counts what a caller was sent.
    pub fn sent(&mut self, client: MeterId, bytes: u64) {
        let Some(&slot) = self.allowance_of.get(&client) else { return };
        if self.allowances[slot].count_bytes(bytes) {
            self.counted.push(client);
        }
    }

    fn take_token(
        &mut self,
        meter: MeterId,
        rate: Rate,
        generation: u32,
        now_ns: u64,
    ) -> Result<(usize, super::Share), Denied> {
        if rate.is_nothing() {
            return Err(Denied::Throttled { retry_after_ns: u64::MAX });
        }
        let slot = *self
            .lease_of
            .entry(meter)
            .or_insert_with(|| self.leases.insert(Lease::new(meter, rate, generation)));
        let lease = &mut self.leases[slot];
        let mut taken = lease.take(rate, generation, now_ns);
        if taken == lease::Taken::Ask {
            if self.alone {
                lease.keep_all(rate, generation, now_ns);
                taken = lease.take(rate, generation, now_ns);
            } else {
                self.outbox.push(lease.ask(rate, generation, now_ns));
            }
        }
        match taken {
            lease::Taken::Token(before) => Ok((slot, before)),
            lease::Taken::Refused(retry_after_ns) => Err(Denied::Throttled { retry_after_ns }),
            lease::Taken::Ask | lease::Taken::Asked => Err(Denied::Wait(meter)),
        }
    }

    fn put_back(&mut self, taken: &[Option<(usize, super::Share)>]) {
        for (slot, before) in taken.iter().flatten() {
            self.leases[*slot].put_back(*before);
        }
    }

    fn take_request(&mut self, client: Client<'_>, generation: u32, now_ns: u64) -> Result<(), Denied> {
        let meter = client.meter;
        let slot = *self.allowance_of.entry(meter).or_insert_with(|| {
            let account = Account {
                plan: client.plan.to_owned(),
                key: String::from_utf8_lossy(client.key).into_owned(),
            };
            self.allowances.insert(Allowance::new(meter, Arc::new(account)))
        });
        let allowance = &mut self.allowances[slot];
        if let Some(quota) = client.quota {
            match allowance.take(quota, generation, now_ns) {
                allowance::Taken::Request => {}
                allowance::Taken::Last => {
                    allowance.ask(quota, generation, false, now_ns, &mut self.outbox);
                }
                allowance::Taken::Exhausted(retry_after_ns) => {
                    return Err(Denied::QuotaExceeded { retry_after_ns });
                }
                allowance::Taken::Ask => {
                    allowance.ask(quota, generation, true, now_ns, &mut self.outbox);
                    return Err(Denied::Wait(meter));
                }
                allowance::Taken::Asked => return Err(Denied::Wait(meter)),
            }
        }
        if allowance.count() {
            self.counted.push(meter);
        }
        Ok(())
    }

    /// Hears the ledger. Says about which limit requests may have been waiting to hear. What is recalled goes back with
    /// [`Meters::give_back`], once those requests have had their turn.
    pub fn hear(&mut self, message: &ToShard, now_ns: u64) -> Option<MeterId> {
        match *message {
            ToShard::Share { meter, share, generation, settled_ns, review_ns } => {
                self.hear_lease(meter, share, generation, (settled_ns, review_ns), now_ns)
            }
            ToShard::NoShare { meter, generation, until_ns } => self.hear_lease(
                meter,
                super::Share::full(Rate::NOTHING),
                generation,
                (until_ns, u64::MAX),
                now_ns,
            ),
            ToShard::Block { meter, period, end_ns, number, count, remaining, generation } => {
                self.allowance(meter)?.lend(period, end_ns, number, (count, remaining), generation);
                Some(meter)
            }
            ToShard::NoBlock { meter, generation, until_ns } => {
                self.allowance(meter)?.exhaust(until_ns, generation);
                Some(meter)
            }
            ToShard::RecallShare(meter) => self.recall(Recalled::Share(meter)),
            ToShard::RecallBlock(meter) => self.recall(Recalled::Block(meter)),
            ToShard::Settle => self.recall(Recalled::Everything),
        }
    }

    fn hear_lease(
        &mut self,
        meter: MeterId,
        share: super::Share,
        generation: u32,
        times: (u64, u64),
        now_ns: u64,
    ) -> Option<MeterId> {
        let Some(&slot) = self.lease_of.get(&meter) else {
            // Forgotten meanwhile: nobody here wants it.
            if !share.rate.is_nothing() {
                self.outbox.push(ToLedger::ShareBack { meter, share, demand: Demand::default() });
            }
            return None;
        };
        self.leases[slot].hear(share, generation, times, now_ns);
        Some(meter)
    }

    fn recall(&mut self, recalled: Recalled) -> Option<MeterId> {
        self.recalled.push(recalled);
        None
    }

    fn allowance(&mut self, meter: MeterId) -> Option<&mut Allowance> {
        self.allowances.get_mut(*self.allowance_of.get(&meter)?)
    }

    /// Whether something is recalled.
    pub fn is_recalled(&self) -> bool {
        !self.recalled.is_empty()
    }

    /// Gives back what was recalled.
    pub fn give_back(&mut self, now_ns: u64) {
        for recalled in std::mem::take(&mut self.recalled) {
            match recalled {
                Recalled::Share(meter) => {
                    let slot = self.lease_of.get(&meter);
                    self.outbox.extend(slot.and_then(|&slot| self.leases[slot].recall(now_ns)));
                }
                Recalled::Block(meter) => {
                    let back =
                        self.allowance(meter).map_or(allowance::nothing_back(meter), Allowance::recall);
                    self.outbox.push(back);
                }
                Recalled::Everything => self.settle(),
            }
        }
    }

    /// Reports usage, and gives back what stays unused. To be called about every second.
    pub fn tick(&mut self, now_ns: u64) {
        self.report();
        self.sweep(now_ns);
    }

    /// Whether the ledger is about to lend requests of a quota.
    pub fn is_asking(&self) -> bool {
        self.allowances.iter().any(|(_, allowance)| allowance.is_asking())
    }

    /// Gives back every block and reports all usage.
    pub fn settle(&mut self) {
        self.report();
        self.outbox.extend(self.allowances.iter_mut().filter_map(|(_, allowance)| allowance.leave()));
        self.outbox.push(ToLedger::Settled);
    }

    /// What is to be told to the ledger.
    pub fn outbox(&mut self) -> &mut Vec<ToLedger> {
        &mut self.outbox
    }

    fn report(&mut self) {
        for meter in std::mem::take(&mut self.counted) {
            let report = self.allowance(meter).and_then(Allowance::report);
            self.outbox.extend(report);
        }
    }

    /// Looks at a part of what is here: the next slots of both slabs.
    fn sweep(&mut self, now_ns: u64) {
        let slots = self.leases.capacity().max(self.allowances.capacity());
        if self.swept >= slots {
            self.swept = 0;
        }
        let end = slots.min(self.swept + SWEPT_MAX.max(slots / 16));
        for slot in self.swept..end {
            self.sweep_lease(slot, now_ns);
            self.sweep_allowance(slot, now_ns);
        }
        self.swept = end;
    }

    fn sweep_lease(&mut self, slot: usize, now_ns: u64) {
        let Some(lease) = self.leases.get_mut(slot) else { return };
        if !lease.is_idle(IDLE_NS, now_ns) || (self.alone && !lease.is_full(now_ns)) {
            return;
        }
        if !self.alone {
            self.outbox.extend(lease.recall(now_ns));
        }
        self.lease_of.remove(&lease.meter);
        self.leases.remove(slot);
    }

    fn sweep_allowance(&mut self, slot: usize, now_ns: u64) {
        let Some(allowance) = self.allowances.get_mut(slot) else { return };
        if !allowance.is_idle(IDLE_NS, now_ns) {
            return;
        }
        self.outbox.push(allowance.recall());
        self.allowance_of.remove(&allowance.meter);
        self.allowances.remove(slot);
    }
}
