//! Shares the bytes of one stage's cache out between its shards, and moves them slowly to where they are missed.
//!
//! A byte is missed where answers come that were put out a short while ago. The owner of this is told how it stands with
//! each shard, and gives the orders. A shard is told to give up bytes before another one gets them, and gets them when it has
//! said that it did: so all together never take more than they may, however late messages come.

/// How it stands with one shard's slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes that all shards together may take, as the shard knows it.
    pub total: u64,
    /// Bytes that it may take.
    pub bytes_max: u64,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Bytes of answers that came again soon after they were put out, since it last said so.
    pub missed: u64,
}

/// A shard's slice may take so many bytes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which shard.
    pub shard: usize,
    /// Bytes that all together may take: the order is for nobody who knows another number.
    pub total: u64,
    /// Bytes that it may take.
    pub bytes_max: u64,
}

/// What is known of one shard.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Bytes that it may take at most, whatever message is still on its way.
    granted: u64,
    /// What it was told and has not said that it did.
    ordered: Option<u64>,
    missed: u64,
    has_reported: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Division {
    total: u64,
    shares: Vec<Share>,
}

/// What is moved at once: one in so many of an equal part.
const STEP_PART: u64 = 8;
/// What a shard keeps at least: one in so many of an equal part.
const KEPT_PART: u64 = 8;

impl Division {
    /// Equal parts for so many shards.
    pub fn new(total: u64, shards: usize) -> Self {
        let granted = part(total, shards);
        Self { total, shares: vec![Share { granted, ..Share::default() }; shards] }
    }

    /// All together may take another number of bytes; each shard has scaled its own.
    pub fn set_total(&mut self, total: u64) {
        for share in &mut self.shares {
            // What was told before is heard no more.
            let scaled = scale(share.granted, self.total, total);
            *share = Share { granted: scaled, ..Share::default() };
        }
        self.total = total;
    }

    /// A shard says how it stands.
    pub fn hear(&mut self, shard: usize, standing: Standing) {
        let Some(share) = self.shares.get_mut(shard).filter(|_| standing.total == self.total) else { return };
        share.missed += standing.missed;
        share.has_reported = true;
        match share.ordered {
            Some(ordered) if standing.bytes_max == ordered && standing.bytes <= ordered => {
                (share.granted, share.ordered) = (ordered, None);
            }
            Some(_) => {}
            None => share.granted = standing.bytes_max.max(standing.bytes),
        }
    }

    /// What is to be told to whom; asked for when all shards have said how they stand since the last time.
    pub fn decide(&mut self) -> Option<Order> {
        if self.shares.len() < 2
            || !self.shares.iter().all(|share| share.has_reported && share.ordered.is_none())
        {
            return None;
        }
        let order = self.next_order();
        for share in &mut self.shares {
            share.has_reported = false;
            // Old misses fade: what was missed once is not missed for ever.
            share.missed /= 2;
        }
        let order = order?;
        let share = &mut self.shares[order.shard];
        share.ordered = Some(order.bytes_max);
        share.granted = share.granted.max(order.bytes_max);
        Some(order)
    }

    /// Bytes that a shard may take at most.
    pub fn granted(&self, shard: usize) -> u64 {
        self.shares[shard].granted
    }

    fn next_order(&self) -> Option<Order> {
        let equal = part(self.total, self.shares.len());
        let step = (equal / STEP_PART).max(1);
        let granted: u64 = self.shares.iter().map(|share| share.granted).sum();
        let (neediest, needs) = self.shares.iter().enumerate().max_by_key(|(_, share)| share.missed)?;
        let order = |shard, bytes_max| Some(Order { shard, total: self.total, bytes_max });
        let free = self.total.saturating_sub(granted);
        if free >= step {
            return order(neediest, needs.granted + step).filter(|_| needs.missed > 0);
        }
        let may_give = |share: &Share| share.granted >= equal / KEPT_PART + step;
        let givers = self.shares.iter().enumerate().filter(|(_, share)| may_give(share));
        let (idlest, idle) = givers.min_by_key(|(_, share)| share.missed)?;
        // Twice as much, and more than chance: else bytes would wander to and fro.
        let is_worth_it = needs.missed / 2 > idle.missed && needs.missed > step / 4;
        order(idlest, idle.granted - step).filter(|_| is_worth_it && idlest != neediest)
    }
}

/// An equal part.
pub(super) fn part(total: u64, shards: usize) -> u64 {
    total / shards.max(1) as u64
}

/// A shard's part of another total. All parts together are not more than that, if they were not before.
pub(super) fn scale(part: u64, before: u64, after: u64) -> u64 {
    (u128::from(part) * u128::from(after) / u128::from(before.max(1))) as u64
}
