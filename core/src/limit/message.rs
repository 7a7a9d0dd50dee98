//! What shards and the ledger say to each other about limits. Messages of one shard arrive in their order, both ways.

use std::sync::Arc;

use super::{Day, Quota, Rate, Share};

/// A limit, named by a hash of what it is for (plan and key, stage and method): it stays the same when positions change
/// with a reload. 64 bits: among a million limits two are the same with a chance of 1 to 37 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeterId(pub u64);

impl MeterId {
    /// The limit that has these words for a name.
    pub fn of(words: &[&str]) -> Self {
        // Fixed seeds: the same name has the same id for as long as the process lives.
        Self(ahash::RandomState::with_seeds(3, 5, 7, 11).hash_one(words))
    }

    /// The limit that a caller has in particular: `self` is the caller's, `other` says for what.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self((self.0.rotate_left(23) ^ other.0).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// Whose usage is counted: a key under a plan, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// The usage plan.
    pub plan: String,
    /// The key.
    pub key: String,
}

impl Account {
    /// The limits that it has as a whole.
    pub fn meter(&self) -> MeterId {
        Self::meter_of(&self.plan, &self.key)
    }

    /// The same without an account.
    pub fn meter_of(plan: &str, key: &str) -> MeterId {
        MeterId::of(&["client", plan, key])
    }
}

/// What a shard tells the ledger.
#[derive(Clone, Debug)]
pub enum ToLedger {
    /// It wants tokens of a throttle, and gives back what it has.
    WantShare {
        /// The throttle.
        meter: MeterId,
        /// The whole throttle, as the shard's plan has it.
        rate: Rate,
        /// The generation of that plan.
        generation: u32,
        /// What it gives back.
        back: Option<Share>,
        /// How much was wanted of it.
        demand: Demand,
    },
    /// It gives back its share of a throttle: asked to, or because it stays unused.
    ShareBack {
        /// The throttle.
        meter: MeterId,
        /// The share.
        share: Share,
        /// How much was wanted of it.
        demand: Demand,
    },
    /// It wants requests of a quota.
    WantBlock {
        /// The quota.
        meter: MeterId,
        /// Whose it is.
        account: Arc<Account>,
        /// The quota, as the shard's plan has it.
        quota: Quota,
        /// The generation of that plan.
        generation: u32,
        /// Whether requests wait for it.
        waiting: bool,
    },
    /// It gives back what is left of its blocks: asked to, or because it stays unused.
    BlockBack {
        /// The quota.
        meter: MeterId,
        /// Whose it is; unknown when nothing is given back.
        account: Option<Arc<Account>>,
        /// The period that it was lent for.
        period: Day,
        /// The number of the last block that it was lent.
        number: u32,
        /// Requests that were not made.
        left: u32,
    },
    /// What a caller has used since the last report.
    Used {
        /// Who.
        account: Arc<Account>,
        /// What.
        usage: Usage,
    },
    /// All that [`ToShard::Settle`] asks for has been said.
    Settled,
}

/// Requests that wanted a token since the shard last heard of the throttle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// How many.
    pub requests: u32,
    /// Time in which they came, in nanoseconds.
    pub span_ns: u64,
    /// Time since the last of them, in nanoseconds.
    pub idle_ns: u64,
}

/// What a caller has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that were let through.
    pub calls: u64,
    /// Bytes of the answers' content.
    pub bytes_out: u64,
}

impl Usage {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.bytes_out += other.bytes_out;
    }
}

/// What the ledger tells a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToShard {
    /// A share of a throttle.
    Share {
        /// The throttle.
        meter: MeterId,
        /// The share, in place of any other.
        share: Share,
        /// The generation of the plan by whose rate it was cut.
        generation: u32,
        /// Until then, an empty share means that the caller is refused; after it, that the ledger is to be asked.
        settled_ns: u64,
        /// When the ledger is to be asked whether the bucket is still well divided.
        review_ns: u64,
    },
    /// There is no token for the shard before this time.
    NoShare {
        /// The throttle.
        meter: MeterId,
        /// The generation of the plan by whose rate there is none.
        generation: u32,
        /// When to ask again.
        until_ns: u64,
    },
    /// The share of a throttle is wanted back.
    RecallShare(MeterId),
    /// Requests of a quota, in addition to what the shard has for the same period.
    Block {
        /// The quota.
        meter: MeterId,
        /// The period that they are for.
        period: Day,
        /// When that ends.
        end_ns: u64,
        /// Counts the blocks of this quota that were lent.
        number: u32,
        /// How many.
        count: u32,
        /// How many are left that nobody was lent.
        remaining: u64,
        /// The generation of the plan by whose quota they were lent.
        generation: u32,
    },
    /// The quota is used up.
    NoBlock {
        /// The quota.
        meter: MeterId,
        /// The generation of the plan by whose quota it is.
        generation: u32,
        /// When its period ends.
        until_ns: u64,
    },
    /// What is left of the blocks of a quota is wanted back.
    RecallBlock(MeterId),
    /// Every block is wanted back, and what has been used is to be told.
    Settle,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_limits_apart() {
        let mut ids = std::collections::HashSet::new();
        for plan in 0..100 {
            for key in 0..100 {
                let caller = MeterId::of(&["key", &plan.to_string(), &key.to_string()]);
                assert!(ids.insert(caller));
                assert_eq!(caller, MeterId::of(&["key", &plan.to_string(), &key.to_string()]));
                for method in 0..10 {
                    assert!(ids.insert(caller.with(MeterId::of(&["method", &method.to_string()]))));
                }
            }
        }
        assert_ne!(MeterId::of(&["a", "bc"]), MeterId::of(&["ab", "c"]));
    }
}
