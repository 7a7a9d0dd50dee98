//! One throttle that several shards take from: who holds which part of its bucket.
//!
//! As long as one shard wants it, that shard has the whole bucket, and it is exactly a token bucket. When another one asks,
//! all parts come back and are cut anew, by who wants how much. What is on its way refills as it would have elsewhere,
//! so that moving costs no tokens; bursts of all parts together are at most the burst of the whole, so that no window
//! sees more than one bucket would have admitted.

use super::super::message::MeterId;
use super::super::{Demand, Rate, Share, ToShard, Tokens};
use super::division::divide;
use super::taker::Taker;

/// From this time for a token on, in nanoseconds, an empty bucket stays here until it has one.
const SLOW_INTERVAL_NS: u64 = 20_000_000;
/// A bucket that is nearly empty is divided when its burst is so many tokens for each shard.
const DIVISIBLE: u32 = 16;
/// Time for a few messages, in nanoseconds.
const MESSAGES_NS: u64 = 2_000_000;
/// A bucket is divided among all who wanted some lately when it has so many tokens for each of them.
const PLENTY: u32 = 4;
/// When a bucket with plenty of tokens is divided anew: at first, and when it has been well divided again and again, in
/// nanoseconds. Until then a shard with too much may be full and one with too little not: tokens that are lost. At first
/// no more can be lost than this part of the burst.
const REVIEW_NS_MIN: u64 = 1_000_000;
const REVIEW_NS_MAX: u64 = 4_000_000_000;
const REVIEW_PART: u64 = 64;
/// How long shards go on with what they have when the bucket was found nearly empty: at least, and when it is found so
/// again and again, in nanoseconds.
const SETTLED_NS_MIN: u64 = 1_000_000;
const SETTLED_NS_MAX: u64 = 32_000_000;

/// One throttle.
#[derive(Debug)]
pub(super) struct Throttle {
    meter: MeterId,
    rate: Rate,
    generation: u32,
    /// Parts of the bucket that are here.
    here: Vec<Share>,
    /// Shards that hold a part.
    holders: Vec<usize>,
    /// Shards that wait for a part, in the order in which they asked.
    wanting: Vec<usize>,
    takers: Vec<Taker>,
    gathering: bool,
    /// When the bucket was last cut.
    cut_ns: u64,
    /// How long shards go on with what they have the next time.
    settled_ns: u64,
    review_ns: u64,
    /// Counts how often there were more shards than tokens, so that none is always the last.
    turn: usize,
}

/// What is to be told to shards.
type Tell<'a> = &'a mut dyn FnMut(usize, ToShard);

impl Throttle {
    pub(super) fn new(meter: MeterId, rate: Rate, generation: u32) -> Self {
        Self {
            meter,
            rate,
            generation,
            here: vec![Share::full(rate)],
            holders: Vec::new(),
            wanting: Vec::new(),
            takers: Vec::new(),
            gathering: false,
            cut_ns: 0,
            settled_ns: SETTLED_NS_MIN,
            review_ns: REVIEW_NS_MIN,
            turn: 0,
        }
    }

    /// A shard wants a part. The plan of the highest generation says how fast the bucket fills.
    pub(super) fn want(
        &mut self,
        shard: usize,
        (rate, generation): (Rate, u32),
        (back, demand): (Option<Share>, Demand),
        now_ns: u64,
        tell: Tell<'_>,
    ) {
        if generation > self.generation {
            (self.rate, self.generation) = (rate, generation);
        }
        self.take_back(shard, back, Demand { requests: demand.requests.max(1), ..demand }, now_ns);
        if !self.wanting.contains(&shard) {
            self.wanting.push(shard);
        }
        self.proceed(now_ns, tell);
    }

    /// A shard gives its part back.
    pub(super) fn back(&mut self, shard: usize, share: Share, demand: Demand, now_ns: u64, tell: Tell<'_>) {
        self.take_back(shard, Some(share), demand, now_ns);
        if !self.wanting.is_empty() {
            self.proceed(now_ns, tell);
        }
    }

    /// Whether forgetting it would change nothing: nobody has or wants a part, and the bucket is full.
    pub(super) fn is_default(&self, now_ns: u64) -> bool {
        self.holders.is_empty()
            && self.wanting.is_empty()
            && self.here.iter().all(|share| share.is_full(now_ns))
    }

    fn take_back(&mut self, shard: usize, back: Option<Share>, demand: Demand, now_ns: u64) {
        if let Some(share) = back {
            self.here.push(share);
            self.holders.retain(|&holder| holder != shard);
        }
        match self.takers.iter_mut().find(|taker| taker.shard == shard) {
            Some(taker) => taker.see(demand, now_ns),
            None if demand.requests > 0 => self.takers.push(Taker::new(shard, demand, now_ns)),
            None => {}
        }
    }

    fn proceed(&mut self, now_ns: u64, tell: Tell<'_>) {
        if self.holders.is_empty() {
            self.gathering = false;
            self.cut(now_ns, tell);
        }
        if !self.wanting.is_empty() && !self.gathering {
            self.gathering = true;
            for &holder in &self.holders {
                tell(holder, ToShard::RecallShare(self.meter));
            }
        }
    }

    /// The whole bucket is here: cuts it anew for those who want a part.
    fn cut(&mut self, now_ns: u64, tell: Tell<'_>) {
        let (tokens, is_lossy) = self.gathered(now_ns);
        let is_slow = self.rate.interval_ns() >= SLOW_INTERVAL_NS;
        if self.rate.is_nothing() || (is_slow && tokens < Tokens::ONE) {
            return self.keep(tokens, now_ns, tell);
        }
        let wanting = &self.wanting;
        self.takers.retain(|taker| wanting.contains(&taker.shard) || taker.is_remembered(now_ns));
        let is_plenty = self.is_plenty(tokens);
        let mut takers: Vec<(usize, u64)> = self
            .takers
            .iter()
            .filter_map(|taker| taker.wants(is_plenty, wanting.contains(&taker.shard), now_ns))
            .collect();
        if takers.len() == 1 || !(is_plenty || self.is_divisible(takers.len())) {
            // The others' turn comes at once: it is called back when this one has used what it needs.
            (self.settled_ns, self.review_ns) = (SETTLED_NS_MIN, self.first_review_ns());
            let shard = self.wanting.remove(0);
            return self.give(shard, Share::with(self.rate, tokens, now_ns), (u64::MAX, u64::MAX), tell);
        }
        let times = self.times((tokens, is_lossy), takers.len(), is_plenty, now_ns);
        let wanting = std::mem::take(&mut self.wanting);
        self.order(&mut takers, &wanting);
        let shares = divide(self.rate, tokens, &takers, now_ns);
        for (&(shard, _), share) in takers.iter().zip(&shares) {
            self.give(shard, *share, times, tell);
        }
        for &shard in wanting.iter().filter(|shard| !self.holders.contains(shard)) {
            tell(shard, self.nothing(now_ns + self.settled_ns));
        }
    }

    /// How long shards are to go on with what they get, empty or not.
    fn times(
        &mut self,
        (tokens, is_lossy): (Tokens, bool),
        takers: usize,
        is_plenty: bool,
        now_ns: u64,
    ) -> (u64, u64) {
        if is_plenty {
            self.settled_ns = SETTLED_NS_MIN;
            let longest_ns =
                if self.is_nearly_full(tokens) { REVIEW_NS_MAX } else { self.rate.fill_ns() / 8 };
            let next_ns = if is_lossy { 0 } else { (self.review_ns * 2).min(longest_ns) };
            self.review_ns = next_ns.max(self.first_review_ns());
            return (now_ns, now_ns + self.review_ns);
        }
        self.review_ns = self.first_review_ns();
        let is_parked = self.is_parked(tokens, takers, now_ns);
        self.settled_ns = if is_parked { SETTLED_NS_MIN } else { (self.settled_ns * 2).min(SETTLED_NS_MAX) };
        self.cut_ns = now_ns;
        (now_ns + self.settled_ns, u64::MAX)
    }

    /// Whether parts of it are of use when there are hardly any tokens: each must hold several, or be full while its other
    /// tokens lie unused elsewhere. A bucket that fills faster than messages travel is divided in any case.
    fn is_divisible(&self, takers: usize) -> bool {
        u64::from(self.rate.burst()) >= u64::from(DIVISIBLE) * takers as u64
            || self.rate.fill_ns() < MESSAGES_NS
    }

    fn is_nearly_full(&self, tokens: Tokens) -> bool {
        tokens >= Tokens::whole(self.rate.burst()).part(7, 8)
    }

    fn first_review_ns(&self) -> u64 {
        (self.rate.fill_ns() / REVIEW_PART).clamp(REVIEW_NS_MIN, REVIEW_NS_MAX)
    }

    fn is_plenty(&self, tokens: Tokens) -> bool {
        let burst = self.rate.burst();
        let each = PLENTY.saturating_mul(self.takers.len() as u32);
        tokens >= Tokens::whole((burst / 8).max(each).max(1))
    }

    /// Keeps the bucket here until it has a token.
    fn keep(&mut self, tokens: Tokens, now_ns: u64, tell: Tell<'_>) {
        let whole = Share::with(self.rate, tokens, now_ns);
        let wait_ns =
            if self.rate.is_nothing() { u64::MAX / 2 } else { whole.bucket.wait_ns(self.rate, now_ns) };
        self.here.push(whole);
        for shard in std::mem::take(&mut self.wanting) {
            tell(shard, self.nothing(now_ns + wait_ns));
        }
    }

    /// Whether tokens stayed where nobody took them, although others were refused: the bucket should have been empty, but
    /// for a token at each shard.
    fn is_parked(&self, tokens: Tokens, takers: usize, now_ns: u64) -> bool {
        let filled = (now_ns - self.cut_ns) / self.rate.interval_ns();
        u64::from(tokens.floor()) > takers as u64 + filled / 64
    }

    /// All tokens that are here, and whether a part was full while the others were not.
    fn gathered(&mut self, now_ns: u64) -> (Tokens, bool) {
        let here = std::mem::take(&mut self.here);
        let tokens = here.iter().fold(Tokens::default(), |sum, share| sum.plus(share.tokens(now_ns)));
        let is_lossy = here.iter().any(|share| share.is_full(now_ns)) && !self.is_nearly_full(tokens);
        (tokens.min(Tokens::whole(self.rate.burst())), is_lossy)
    }

    /// Who waits comes first, then who wants most; where not everybody can have a part, everybody is first in turn.
    fn order(&mut self, takers: &mut [(usize, u64)], wanting: &[usize]) {
        takers.sort_by_key(|(shard, demand)| (!wanting.contains(shard), std::cmp::Reverse(*demand), *shard));
        if (self.rate.burst() as usize) < takers.len() {
            self.turn += 1;
            let count = wanting.len().clamp(1, takers.len());
            takers[..count].rotate_left(self.turn % count);
        }
    }

    fn give(&mut self, shard: usize, share: Share, (settled_ns, review_ns): (u64, u64), tell: Tell<'_>) {
        self.holders.push(shard);
        let (meter, generation) = (self.meter, self.generation);
        tell(shard, ToShard::Share { meter, share, generation, settled_ns, review_ns });
    }

    fn nothing(&self, until_ns: u64) -> ToShard {
        ToShard::NoShare { meter: self.meter, generation: self.generation, until_ns }
    }
}
