//! What a shard holds of one caller's quota, and what the caller has used.

use std::sync::Arc;

use super::super::{Account, Day, MeterId, Policy, Quota, ToLedger, Usage};
use super::held::OfMeter;

/// What a shard holds of one caller's quota, and what the caller has used since the last report.
///
/// What most requests look at comes first and fills one cache line, as in a `Lease`.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Allowance {
    block: Block,
    used_ns: u64,
    usage: Usage,
    generation: u32,
    asked: bool,
    /// The quota that the block is of.
    quota: Option<Quota>,
    /// Until then an empty block is the last word.
    exhausted_ns: u64,
    lent: Lent,
    account: Arc<Account>,
    meter: MeterId,
}

/// Requests that may be made without asking.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    end_ns: u64,
    left: u32,
    /// The next block is asked for when no more than this is left.
    low: u32,
}

/// Where they come from.
#[derive(Clone, Copy, Debug, Default)]
struct Lent {
    period: Day,
    number: u32,
    /// Requests that nobody was lent, when they were lent.
    remaining: u64,
}

/// What came of taking one request of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is taken.
    Request,
    /// It is taken, and the next block is to be asked for.
    Last,
    /// The quota is used up, for so many nanoseconds.
    Exhausted(u64),
    /// The ledger has to be asked first.
    Ask,
    /// The ledger has been asked.
    Asked,
}

/// The answer to a recall of which nothing is here any more.
pub(super) fn nothing_back(meter: MeterId) -> ToLedger {
    ToLedger::BlockBack { meter, account: None, period: Day::default(), number: 0, left: 0 }
}

impl OfMeter for Allowance {
    fn meter(&self) -> MeterId {
        self.meter
    }
}

impl Allowance {
    pub(super) fn new(meter: MeterId, account: Arc<Account>) -> Self {
        Self {
            meter,
            account,
            quota: None,
            block: Block::default(),
            lent: Lent::default(),
            exhausted_ns: 0,
            used_ns: 0,
            generation: 0,
            asked: false,
            usage: Usage::default(),
        }
    }

    /// Takes one request of a quota that is `quota` in the plan of this generation.
    pub(super) fn take(&mut self, quota: Quota, generation: u32, now_ns: u64) -> Taken {
        self.used_ns = now_ns;
        if self.generation < generation && self.quota != Some(quota) {
            return if self.asked { Taken::Asked } else { Taken::Ask };
        }
        self.generation = self.generation.max(generation);
        if now_ns < self.block.end_ns && self.block.left > 0 {
            self.block.left -= 1;
            let is_last = self.block.left <= self.block.low && !self.asked;
            return if is_last { Taken::Last } else { Taken::Request };
        }
        if self.asked {
            Taken::Asked
        } else if now_ns < self.exhausted_ns {
            Taken::Exhausted(self.exhausted_ns - now_ns)
        } else {
            Taken::Ask
        }
    }

    /// Asks for a block. What is left of one that cannot be used any more goes back before.
    pub(super) fn ask(
        &mut self,
        quota: Quota,
        generation: u32,
        waiting: bool,
        now_ns: u64,
        out: &mut Vec<ToLedger>,
    ) {
        if self.quota != Some(quota) || now_ns >= self.block.end_ns {
            out.extend(self.leave());
        }
        (self.asked, self.exhausted_ns, self.quota) = (true, 0, Some(quota));
        self.generation = self.generation.max(generation);
        let account = Arc::clone(&self.account);
        out.push(ToLedger::WantBlock { meter: self.meter, account, quota, generation, waiting });
    }

    /// The ledger lends requests.
    pub(super) fn lend(
        &mut self,
        period: Day,
        end_ns: u64,
        number: u32,
        (count, remaining): (u32, u64),
        generation: u32,
    ) {
        let left = if self.lent.period == period { self.block.left + count } else { count };
        self.block = Block { end_ns, left, low: left / 2 };
        self.lent = Lent { period, number, remaining };
        self.answered(generation);
    }

    /// The ledger has nothing to lend until then.
    pub(super) fn exhaust(&mut self, until_ns: u64, generation: u32) {
        (self.exhausted_ns, self.lent.remaining) = (until_ns, 0);
        self.answered(generation);
    }

    fn answered(&mut self, generation: u32) {
        if generation > self.generation {
            // By which quota it was lent is not known here. The next plan asks anew.
            self.quota = None;
        }
        (self.asked, self.generation) = (false, generation.max(self.generation));
    }

    /// What goes back because the ledger wants it, even if it is nothing.
    pub(super) fn recall(&mut self) -> ToLedger {
        let Lent { period, number, .. } = self.lent;
        self.exhausted_ns = 0;
        let left = std::mem::take(&mut self.block.left);
        ToLedger::BlockBack {
            meter: self.meter,
            account: Some(Arc::clone(&self.account)),
            period,
            number,
            left,
        }
    }

    /// What goes back because it cannot or will not be used, if it is anything.
    pub(super) fn leave(&mut self) -> Option<ToLedger> {
        (self.block.left > 0).then(|| self.recall())
    }

    /// What the caller can be told: what this shard knows.
    pub(super) fn policy(&self, quota: Quota, now_ns: u64) -> Policy {
        let end_ns = self.block.end_ns.max(self.exhausted_ns).saturating_sub(now_ns);
        Policy::of_quota(quota, u64::from(self.block.left) + self.lent.remaining, end_ns)
    }

    /// Whether the ledger has been asked and has not answered yet.
    pub(super) fn is_asking(&self) -> bool {
        self.asked
    }

    /// Counts a request. Says whether it is the first since the last report.
    pub(super) fn count(&mut self) -> bool {
        self.usage.calls += 1;
        self.usage.calls == 1
    }

    /// Counts bytes of an answer. Says whether nothing else was counted since the last report.
    pub(super) fn count_bytes(&mut self, bytes: u64) -> bool {
        let first = self.usage == Usage::default() && bytes > 0;
        self.usage.bytes_out += bytes;
        first
    }

    /// What was counted since the last report.
    pub(super) fn report(&mut self) -> Option<ToLedger> {
        let usage = std::mem::take(&mut self.usage);
        (usage != Usage::default()).then(|| ToLedger::Used { account: Arc::clone(&self.account), usage })
    }

    /// Whether nothing was asked of it for this long, and nothing is left to be told.
    pub(super) fn is_idle(&self, idle_ns: u64, now_ns: u64) -> bool {
        !self.asked && self.used_ns + idle_ns <= now_ns && self.usage == Usage::default()
    }
}
