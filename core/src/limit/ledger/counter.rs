//! One caller's quota: how much of it is used or lent, and to whom.
//!
//! A block is lent only when it stands in the store as used, so that a crash forgets no request. What comes back is taken
//! off again.

use std::sync::Arc;

use super::super::message::MeterId;
use super::super::{Account, Day, Quota, ToShard};
use super::{Order, Record};

/// Most requests that are lent at once: what a crash can lose of a quota, for each shard.
pub const BLOCK_MAX: u32 = 4096;
/// A first block is this many requests, or this part of what is left if that is more.
const BLOCK_FIRST: u32 = 16;
const BLOCK_PART: u64 = 4096;
/// Blocks grow fourfold while shards come back sooner than this, in nanoseconds: a block is a write to the disk. They shrink
/// when shards come back later than ten times this.
const BLOCK_NS: u64 = 10_000_000_000;

/// One caller's quota.
#[derive(Debug)]
pub(super) struct Counter {
    meter: MeterId,
    pub(super) account: Arc<Account>,
    quota: Quota,
    generation: u32,
    pub(super) period: Day,
    end_ns: u64,
    /// What the store has, or will have when it has done what it was told.
    pub(super) record: Record,
    /// Shards that were lent a block of this period, and the number of the last one.
    lent: Vec<(usize, u32)>,
    number: u32,
    block: u32,
    /// Shards that want a block, and whether requests wait there.
    wanting: Vec<(usize, bool)>,
    /// Shards that were asked for what they have left.
    recalled: Vec<usize>,
    state: State,
    lent_ns: u64,
}

/// Requests of a period that no counter stands in any more.
pub(super) fn refund(account: &Arc<Account>, period: Day, left: u32, orders: &mut Vec<Order>) {
    if left > 0 {
        orders.push(Order::Refund { account: Arc::clone(account), period, left });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is in no period yet.
    New,
    /// The store was asked what it has.
    Loading,
    /// The store is writing what will be lent.
    Saving,
    /// Nothing is on its way to or from the store.
    Ready,
}

impl Counter {
    /// A counter of which nothing is known yet. [`Counter::turn_to`] asks the store.
    pub(super) fn new(meter: MeterId, account: Arc<Account>, quota: Quota, generation: u32) -> Self {
        Self {
            meter,
            account,
            quota,
            generation,
            period: Day::default(),
            end_ns: 0,
            record: Record::default(),
            lent: Vec::new(),
            number: 0,
            block: BLOCK_FIRST,
            wanting: Vec::new(),
            recalled: Vec::new(),
            state: State::New,
            lent_ns: 0,
        }
    }

    /// Turns to the period that starts with `period`, if it is not there already.
    pub(super) fn turn_to(&mut self, period: Day, end_ns: u64, orders: &mut Vec<Order>) {
        self.end_ns = end_ns;
        if period == self.period && self.state != State::New {
            return;
        }
        self.period = period;
        self.lent.clear();
        self.recalled.clear();
        self.state = State::Loading;
        orders.push(Order::Load { meter: self.meter, account: Arc::clone(&self.account), period });
    }

    /// The quota's period, as the plan of the highest generation has it.
    pub(super) fn quota(&self) -> Quota {
        self.quota
    }

    pub(super) fn want(&mut self, shard: usize, (quota, generation): (Quota, u32), waiting: bool) {
        if generation > self.generation {
            (self.quota, self.generation) = (quota, generation);
        }
        match self.wanting.iter_mut().find(|(known, _)| *known == shard) {
            Some((_, waits)) => *waits |= waiting,
            None => self.wanting.push((shard, waiting)),
        }
    }

    /// A shard gives back what is left.
    pub(super) fn back(
        &mut self,
        shard: usize,
        (period, number): (Day, u32),
        left: u32,
        orders: &mut Vec<Order>,
    ) {
        self.recalled.retain(|&asked| asked != shard);
        if period != self.period || self.state == State::Loading {
            return refund(&self.account, period, left, orders);
        }
        if let Some(place) = self.lent.iter().position(|&(holder, last)| holder == shard && last == number) {
            self.lent.swap_remove(place);
        }
        if left > 0 {
            self.record.used -= u64::from(left).min(self.record.used);
            orders.push(self.save(Vec::new(), false));
        }
    }

    /// The store has said what it has of this period.
    pub(super) fn loaded(&mut self, period: Day, record: Record) {
        if self.state == State::Loading && period == self.period {
            (self.record, self.state) = (record, State::Ready);
        }
    }

    /// The store has written.
    pub(super) fn saved(&mut self) {
        if self.state == State::Saving {
            self.state = State::Ready;
        }
    }

    /// More may be used in this period, or less. `false`: what the store has is not known yet.
    pub(super) fn extend(&mut self, requests: i64, orders: &mut Vec<Order>) -> bool {
        if matches!(self.state, State::New | State::Loading) {
            return false;
        }
        self.record.extra = self.record.extra.saturating_add(requests);
        orders.push(self.save(Vec::new(), false));
        true
    }

    /// Requests that may still be lent.
    pub(super) fn remaining(&self) -> u64 {
        self.record.limit(self.quota).saturating_sub(self.record.used)
    }

    /// Lends what is wanted, as far as it can be said now.
    pub(super) fn proceed(&mut self, shards: usize, now_ns: u64, orders: &mut Vec<Order>) {
        if self.state != State::Ready || self.wanting.is_empty() {
            return;
        }
        let waiting = self.wanting.iter().any(|(_, waits)| *waits);
        if self.remaining() == 0 && waiting && !self.lent.is_empty() {
            return self.recall(orders);
        }
        if !self.recalled.is_empty() {
            return;
        }
        self.resize(now_ns);
        let mut tell = Vec::new();
        for (shard, waits) in std::mem::take(&mut self.wanting) {
            tell.push((shard, self.lend(shard, waits, shards)));
        }
        self.state = State::Saving;
        self.lent_ns = now_ns;
        orders.push(self.save(tell, waiting));
    }

    /// What the store is to write, and what is to be told to shards when it has.
    fn save(&self, then: Vec<(usize, ToShard)>, urgent: bool) -> Order {
        Order::Save {
            meter: self.meter,
            account: Arc::clone(&self.account),
            period: self.period,
            record: self.record,
            then,
            urgent,
        }
    }

    fn recall(&mut self, orders: &mut Vec<Order>) {
        if !self.recalled.is_empty() {
            return;
        }
        for &(holder, _) in &self.lent {
            self.recalled.push(holder);
            orders.push(Order::Tell(holder, ToShard::RecallBlock(self.meter)));
        }
    }

    fn lend(&mut self, shard: usize, waits: bool, shards: usize) -> ToShard {
        let remaining = self.remaining();
        if remaining == 0 && waits {
            return ToShard::NoBlock {
                meter: self.meter,
                generation: self.generation,
                until_ns: self.end_ns,
            };
        }
        // Towards the end blocks get smaller, so that less has to be called back.
        let fair = (remaining / (2 * shards as u64)).max(1).min(remaining);
        let block = u64::from(self.block).max(remaining / BLOCK_PART).min(u64::from(BLOCK_MAX));
        let count = block.min(fair) as u32;
        self.record.used += u64::from(count);
        self.number += 1;
        self.lent.retain(|&(holder, _)| holder != shard);
        self.lent.push((shard, self.number));
        ToShard::Block {
            meter: self.meter,
            period: self.period,
            end_ns: self.end_ns,
            number: self.number,
            count,
            remaining: self.remaining(),
            generation: self.generation,
        }
    }

    fn resize(&mut self, now_ns: u64) {
        let pause_ns = now_ns.saturating_sub(self.lent_ns);
        if pause_ns < BLOCK_NS {
            self.block = (self.block * 4).min(BLOCK_MAX);
        } else if pause_ns > 10 * BLOCK_NS {
            self.block = (self.block / 2).max(BLOCK_FIRST);
        }
    }

    /// Whether forgetting it would change nothing but what has to be loaded again.
    pub(super) fn is_idle(&self, idle_ns: u64, now_ns: u64) -> bool {
        self.state == State::Ready
            && self.wanting.is_empty()
            && self.lent.is_empty()
            && self.lent_ns + idle_ns <= now_ns
    }
}
