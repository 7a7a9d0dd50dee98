//! A share of a token bucket: what one shard holds of a throttle.

use super::{Bucket, Rate};

/// Tokens with their fraction: 32 bits before the point, 32 behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens(u64);

impl Tokens {
    /// One token.
    pub const ONE: Self = Self(1 << 32);

    /// So many tokens.
    pub fn whole(count: u32) -> Self {
        Self(u64::from(count) << 32)
    }

    /// Tokens without their fraction.
    pub fn floor(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left when `other` is taken away, at least nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The part `weight / total` of it, rounded down.
    #[must_use]
    pub fn part(self, weight: u64, total: u64) -> Self {
        Self((u128::from(self.0) * u128::from(weight) / u128::from(total.max(1))) as u64)
    }
}

/// A bucket that is part of a larger one: rates and bursts of all shares together are at most those of the whole, so
/// whoever takes from them can never take more than the whole bucket would have given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// What flows in, and what it holds.
    pub rate: Rate,
    /// What is in it.
    pub bucket: Bucket,
}

impl Share {
    /// A bucket of which nobody has taken yet.
    pub fn full(rate: Rate) -> Self {
        Self { rate, bucket: Bucket::default() }
    }

    /// A share with `tokens` in it at `now_ns`; what it cannot hold is lost.
    pub fn with(rate: Rate, tokens: Tokens, now_ns: u64) -> Self {
        let interval = u128::from(rate.interval_ns());
        let held_ns = (u128::from(tokens.0) * interval) >> 32;
        let held_ns = held_ns.min(u128::from(rate.fill_ns())) as u64;
        Self { rate, bucket: Bucket::full_at(now_ns + (rate.fill_ns() - held_ns)) }
    }

    /// Tokens in it, rounded down.
    pub fn tokens(&self, now_ns: u64) -> Tokens {
        let held_ns = self.rate.fill_ns().saturating_sub(self.bucket.missing_ns(now_ns));
        let tokens = (u128::from(held_ns) << 32) / u128::from(self.rate.interval_ns());
        Tokens(u64::try_from(tokens).unwrap_or(u64::MAX))
    }

    /// Whether it can hold no more.
    pub fn is_full(&self, now_ns: u64) -> bool {
        self.bucket.missing_ns(now_ns) == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn tokens_come_and_go() {
        let rate = Rate::new(10.0, 5).expect("a rate");
        let mut share = Share::full(rate);
        assert_eq!(share.tokens(S), Tokens::whole(5));
        assert!(share.is_full(S));
        share.bucket.take(rate, S).expect("a token");
        assert_eq!(share.tokens(S), Tokens::whole(4));
        assert_eq!(share.tokens(S + S / 20).floor(), 4);
        assert_eq!(share.tokens(S + S / 10), Tokens::whole(5));
        let moved = Share::with(rate, share.tokens(S), S);
        assert_eq!(moved, share);
        assert_eq!(Share::with(rate, Tokens::whole(9), S).tokens(S), Tokens::whole(5));
    }

    #[test]
    fn parts() {
        assert_eq!(Tokens::whole(10).part(1, 4), Tokens(10 << 30));
        assert_eq!(Tokens::whole(10).part(1, 0), Tokens::whole(10));
        assert_eq!(Tokens::ONE.plus(Tokens::ONE).minus(Tokens::whole(3)), Tokens::default());
    }

    proptest! {
        /// Moving tokens from share to share never makes any, and loses next to none.
        #[test]
        fn moving_makes_nothing(
            per_second in 0.01_f64..2e6,
            burst in 1_u32..1000,
            taken in 0_u32..1000,
            later in 0_u64..10 * S,
        ) {
            let rate = Rate::new(per_second, burst).expect("a rate");
            let mut share = Share::full(rate);
            for _ in 0..taken.min(burst) {
                let _ = share.bucket.take(rate, S);
            }
            let now = S + later;
            let tokens = share.tokens(now);
            let moved = Share::with(rate, tokens, now).tokens(now);
            prop_assert!(moved <= tokens);
            prop_assert!(tokens.minus(moved) <= Tokens((1 << 32) / rate.interval_ns() + 2));
        }
    }
}
