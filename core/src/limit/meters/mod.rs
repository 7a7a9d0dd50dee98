//! A shard's side of all limits: what it may spend without asking, and what it has to ask for.
//!
//! Spending is integer arithmetic on memory of the shard. What is not here is asked of the ledger; the request waits for
//! its answer and then tries again. Nothing here sends: what is to be told stands in the outbox.

mod allowance;
mod held;
mod lease;

use std::sync::Arc;

use self::allowance::Allowance;
use self::held::Held;
use self::lease::Lease;
use super::{Account, Demand, MeterId, Quota, Rate, Standing, ToLedger, ToShard};

/// What nobody has used for so long goes back to the ledger, in nanoseconds.
const IDLE_NS: u64 = 10_000_000_000;
/// Leases that one [`Meters::tick`] looks at.
const SWEPT_MAX: usize = 512;
/// Most throttles that one request is under: the caller's for the method, the caller's, the method's, the account's.
pub const THROTTLES_MAX: usize = 4;

/// The limits that one request is under.
pub struct Limits<'a> {
    /// Throttles in the order in which they are looked at, at most [`THROTTLES_MAX`].
    pub throttles: &'a [(MeterId, Rate)],
    /// Whose request it is, if anybody's.
    pub client: Option<Client<'a>>,
    /// The generation of the plan that says so.
    pub generation: u32,
}

/// Whose request it is.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// The key under its plan.
    pub meter: MeterId,
    /// How the two are called. Asked for when the caller is new here: names are somewhere else in memory.
    pub account: &'a dyn Fn() -> Account,
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
    leases: Held<Lease>,
    allowances: Held<Allowance>,
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
            leases: Held::default(),
            allowances: Held::default(),
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
    pub fn standing(
        &self,
        throttle: Option<(MeterId, Rate)>,
        (client, quota): (MeterId, Option<Quota>),
        now_ns: u64,
    ) -> Standing {
        let of_lease = |(meter, rate)| {
            let lease = self.leases.get(meter)?;
            Some(lease.policy(rate, now_ns))
        };
        let of_quota = |quota| {
            let allowance = self.allowances.get(client)?;
            Some(allowance.policy(quota, now_ns))
        };
        let (throttle, quota) = (throttle.and_then(of_lease), quota.and_then(of_quota));
        Standing { retry_after_ns: None, throttle, quota }
    }

    /// Counts what a caller was sent.
    pub fn sent(&mut self, client: MeterId, bytes: u64) {
        if self.allowances.get_mut(client).is_some_and(|allowance| allowance.count_bytes(bytes)) {
            self.counted.push(client);
        }
    }

    fn take_token(
        &mut self,
        meter: MeterId,
        rate: Rate,
        generation: u32,
        now_ns: u64,
    ) -> Result<(MeterId, super::Share), Denied> {
        if rate.is_nothing() {
            return Err(Denied::Throttled { retry_after_ns: u64::MAX });
        }
        let lease = self.leases.get_or_insert_with(meter, || Lease::new(meter, rate, generation));
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
            lease::Taken::Token(before) => Ok((meter, before)),
            lease::Taken::Refused(retry_after_ns) => Err(Denied::Throttled { retry_after_ns }),
            lease::Taken::Ask | lease::Taken::Asked => Err(Denied::Wait(meter)),
        }
    }

    fn put_back(&mut self, taken: &[Option<(MeterId, super::Share)>]) {
        for (meter, before) in taken.iter().flatten() {
            if let Some(lease) = self.leases.get_mut(*meter) {
                lease.put_back(*before);
            }
        }
    }

    fn take_request(&mut self, client: Client<'_>, generation: u32, now_ns: u64) -> Result<(), Denied> {
        let meter = client.meter;
        let allowance =
            self.allowances.get_or_insert_with(meter, || Allowance::new(meter, Arc::new((client.account)())));
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
        let Some(lease) = self.leases.get_mut(meter) else {
            // Forgotten meanwhile: nobody here wants it.
            if !share.rate.is_nothing() {
                self.outbox.push(ToLedger::ShareBack { meter, share, demand: Demand::default() });
            }
            return None;
        };
        lease.hear(share, generation, times, now_ns);
        Some(meter)
    }

    fn recall(&mut self, recalled: Recalled) -> Option<MeterId> {
        self.recalled.push(recalled);
        None
    }

    fn allowance(&mut self, meter: MeterId) -> Option<&mut Allowance> {
        self.allowances.get_mut(meter)
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
                    let lease = self.leases.get_mut(meter);
                    self.outbox.extend(lease.and_then(|lease| lease.recall(now_ns)));
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
        self.allowances.iter().any(Allowance::is_asking)
    }

    /// Gives back every block and reports all usage.
    pub fn settle(&mut self) {
        self.report();
        self.outbox.extend(self.allowances.iter_mut().filter_map(Allowance::leave));
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

    /// Looks at a part of what is here: the next places of both tables.
    fn sweep(&mut self, now_ns: u64) {
        let places = self.leases.places().max(self.allowances.places());
        if self.swept >= places {
            self.swept = 0;
        }
        let end = places.min(self.swept + SWEPT_MAX.max(places / 16));
        for place in self.swept..end {
            self.sweep_lease(place, now_ns);
            self.sweep_allowance(place, now_ns);
        }
        self.swept = end;
    }

    fn sweep_lease(&mut self, place: usize, now_ns: u64) {
        let Some(lease) = self.leases.at(place) else { return };
        if !lease.is_idle(IDLE_NS, now_ns) || (self.alone && !lease.is_full(now_ns)) {
            return;
        }
        if !self.alone {
            self.outbox.extend(lease.recall(now_ns));
        }
        self.leases.remove_at(place);
    }

    fn sweep_allowance(&mut self, place: usize, now_ns: u64) {
        let Some(allowance) = self.allowances.at(place) else { return };
        if !allowance.is_idle(IDLE_NS, now_ns) {
            return;
        }
        self.outbox.push(allowance.recall());
        self.allowances.remove_at(place);
    }
}
