//! What a shard holds of one throttle.

use super::super::{Demand, MeterId, Policy, Rate, Share, ToLedger};
use super::held::OfMeter;

/// What a shard holds of one throttle: a share, or until when there is none.
///
/// What most requests look at comes first and fills one cache line. With ten thousand callers each look at a line is a
/// cache miss, and those are most of what a limit costs.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Lease {
    /// Admits nothing when the shard has no share.
    share: Share,
    /// From then on the share may not be the right one any more.
    review_ns: u64,
    /// When the last request wanted a token.
    used_ns: u64,
    /// Requests that wanted a token since the ledger was heard.
    requests: u32,
    generation: u32,
    asked: bool,
    /// Until then an empty share is the last word.
    settled_ns: u64,
    /// When the ledger was heard.
    heard_ns: u64,
    /// The whole throttle that the share is of.
    whole: Rate,
    meter: MeterId,
}

/// What came of taking a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is taken. Putting this share back gives it back.
    Token(Share),
    /// There is none, for so many nanoseconds.
    Refused(u64),
    /// The ledger has to be asked first.
    Ask,
    /// The ledger has been asked.
    Asked,
}

impl OfMeter for Lease {
    fn meter(&self) -> MeterId {
        self.meter
    }
}

impl Lease {
    pub(super) fn new(meter: MeterId, rate: Rate, generation: u32) -> Self {
        let share = Share::full(Rate::NOTHING);
        Self {
            meter,
            share,
            whole: rate,
            settled_ns: 0,
            review_ns: u64::MAX,
            heard_ns: 0,
            used_ns: 0,
            requests: 0,
            generation,
            asked: false,
        }
    }

    /// Takes one token of a throttle that is `rate` in the plan of this generation.
    #[inline]
    pub(super) fn take(&mut self, rate: Rate, generation: u32, now_ns: u64) -> Taken {
        self.requests = self.requests.saturating_add(1);
        self.used_ns = now_ns;
        if self.asked {
            return Taken::Asked;
        }
        if self.generation < generation {
            if self.whole != rate {
                return Taken::Ask;
            }
            self.generation = generation;
        }
        if now_ns >= self.review_ns {
            return Taken::Ask;
        }
        let before = self.share;
        match self.share.bucket.take(self.share.rate, now_ns) {
            Ok(()) => Taken::Token(before),
            Err(_) if now_ns >= self.settled_ns => Taken::Ask,
            Err(_) if self.share.rate.is_nothing() => Taken::Refused(self.settled_ns - now_ns),
            Err(after) => Taken::Refused(after.0),
        }
    }

    /// Gives a token back.
    pub(super) fn put_back(&mut self, before: Share) {
        self.share = before;
    }

    /// Asks for tokens. What is here goes back, so that the ledger can share out all that there is.
    pub(super) fn ask(&mut self, rate: Rate, generation: u32, now_ns: u64) -> ToLedger {
        (self.asked, self.whole, self.generation) = (true, rate, self.generation.max(generation));
        let (back, demand) = (self.give_back(), self.demand(now_ns));
        ToLedger::WantShare { meter: self.meter, rate, generation, back, demand }
    }

    /// A shard that is alone has the whole bucket, and asks nobody.
    pub(super) fn keep_all(&mut self, rate: Rate, generation: u32, now_ns: u64) {
        let tokens = if self.share.rate.is_nothing() { None } else { Some(self.share.tokens(now_ns)) };
        let share = tokens.map_or(Share::full(rate), |tokens| Share::with(rate, tokens, now_ns));
        self.whole = rate;
        self.hear(share, generation, (u64::MAX, u64::MAX), now_ns);
    }

    /// The ledger's answer.
    pub(super) fn hear(
        &mut self,
        share: Share,
        generation: u32,
        (settled_ns, review_ns): (u64, u64),
        now_ns: u64,
    ) {
        if generation != self.generation {
            // Of which whole it was cut is not known here. The next plan asks anew.
            self.whole = Rate::NOTHING;
        }
        (self.share, self.generation) = (share, generation);
        (self.settled_ns, self.review_ns) = (settled_ns, review_ns);
        (self.asked, self.requests, self.heard_ns) = (false, 0, now_ns);
    }

    /// What goes back because the ledger wants it.
    pub(super) fn recall(&mut self, now_ns: u64) -> Option<ToLedger> {
        let share = self.give_back()?;
        self.settled_ns = 0;
        Some(ToLedger::ShareBack { meter: self.meter, share, demand: self.demand(now_ns) })
    }

    fn demand(&mut self, now_ns: u64) -> Demand {
        Demand {
            requests: std::mem::take(&mut self.requests),
            span_ns: self.used_ns.saturating_sub(self.heard_ns),
            idle_ns: now_ns.saturating_sub(self.used_ns),
        }
    }

    /// What the caller can be told: what this shard has of it.
    pub(super) fn policy(&self, rate: Rate, now_ns: u64) -> Policy {
        let missing_ns = self.share.bucket.missing_ns(now_ns);
        let tokens = if self.share.rate.is_nothing() { 0 } else { self.share.tokens(now_ns).floor() };
        Policy::of_rate(rate, u64::from(tokens), missing_ns)
    }

    /// Whether nobody has wanted a token for this long.
    pub(super) fn is_idle(&self, idle_ns: u64, now_ns: u64) -> bool {
        !self.asked && self.used_ns + idle_ns <= now_ns
    }

    /// Whether forgetting it would change nothing.
    pub(super) fn is_full(&self, now_ns: u64) -> bool {
        self.share.is_full(now_ns)
    }

    fn give_back(&mut self) -> Option<Share> {
        let share = std::mem::replace(&mut self.share, Share::full(Rate::NOTHING));
        self.review_ns = u64::MAX;
        (!share.rate.is_nothing()).then_some(share)
    }
}
