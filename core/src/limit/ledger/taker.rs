//! How much a shard wants of a throttle.

use super::super::Demand;

/// Over which time the rates of shards are smoothed, in nanoseconds.
const SMOOTHING_NS: u64 = 10_000_000;
/// What one request in a nanosecond weighs when the bucket is divided: so much that one in an hour weighs something.
const WEIGHT: f64 = 1e13;
/// What "lately" is, in nanoseconds.
const MEMORY_NS: u64 = 1_000_000_000;
/// Requests have stopped at a shard when none has come for so many times what they were apart, and a little more.
const GAPS: f64 = 4.0;
const JITTER_NS: f64 = 50_000.0;

/// A shard where the throttle is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub(super) shard: usize,
    /// Requests in a nanosecond, smoothed.
    rate: f64,
    /// When the shard was last heard.
    seen_ns: u64,
    /// When its last request came.
    last_ns: u64,
}

impl Taker {
    pub(super) fn new(shard: usize, demand: Demand, now_ns: u64) -> Self {
        let span_ns = demand.span_ns.max(SMOOTHING_NS);
        let last_ns = now_ns.saturating_sub(demand.idle_ns);
        Self { shard, rate: f64::from(demand.requests) / span_ns as f64, seen_ns: now_ns, last_ns }
    }

    pub(super) fn see(&mut self, demand: Demand, now_ns: u64) {
        let passed_ns = (now_ns - self.seen_ns).max(1) as f64;
        let part = (passed_ns / SMOOTHING_NS as f64).min(1.0);
        self.rate += (f64::from(demand.requests) / passed_ns - self.rate) * part;
        self.seen_ns = now_ns;
        if demand.requests > 0 {
            self.last_ns = now_ns.saturating_sub(demand.idle_ns).max(self.last_ns);
        }
    }

    /// Whether it wanted some lately.
    pub(super) fn is_remembered(&self, now_ns: u64) -> bool {
        self.last_ns + MEMORY_NS > now_ns
    }

    /// How much it wants, if it does: no more than the time since its last request lets expect.
    pub(super) fn wants(&self, is_plenty: bool, waits: bool, now_ns: u64) -> Option<(usize, u64)> {
        let idle_ns = now_ns.saturating_sub(self.last_ns) as f64;
        let goes_on = waits || idle_ns * self.rate <= GAPS || idle_ns <= JITTER_NS;
        let rate = if goes_on { self.rate } else { self.rate.min(GAPS / idle_ns) };
        (is_plenty || goes_on).then_some((self.shard, 1 + (rate * WEIGHT) as u64))
    }
}
