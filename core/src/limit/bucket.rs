//! A token bucket in one word.

use super::Rate;

/// Tokens that one caller has left: takes [`Rate`]'s tokens a second in, holds at most its burst, begins full.
///
/// Its state is the time at which it would be full again. A token taken moves that time one interval later; it may be at
/// most as far ahead as an empty bucket takes to fill. So nothing has to be done while time passes, and a clock that
/// stands still or goes back adds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at_ns: u64,
}

/// Nanoseconds until there is a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(pub u64);

impl Bucket {
    /// Takes one token, or says how long until there is one. `now_ns` is of a clock that never goes back.
    #[inline]
    pub fn take(&mut self, rate: Rate, now_ns: u64) -> Result<(), RetryAfter> {
        let full_at_ns = self.full_at_ns.max(now_ns) + rate.interval_ns();
        let missing_ns = full_at_ns - now_ns;
        if missing_ns > rate.fill_ns() {
            return Err(RetryAfter(missing_ns - rate.fill_ns()));
        }
        self.full_at_ns = full_at_ns;
        Ok(())
    }

    /// A bucket that will be full at this time.
    pub(super) fn full_at(full_at_ns: u64) -> Self {
        Self { full_at_ns }
    }

    /// Time until it is full, in nanoseconds.
    pub fn missing_ns(&self, now_ns: u64) -> u64 {
        self.full_at_ns.saturating_sub(now_ns)
    }

    /// Time until there is a token, in nanoseconds.
    pub fn wait_ns(&self, rate: Rate, now_ns: u64) -> u64 {
        (self.missing_ns(now_ns) + rate.interval_ns()).saturating_sub(rate.fill_ns())
    }

    /// Whole tokens that are left.
    pub fn tokens(&self, rate: Rate, now_ns: u64) -> u64 {
        rate.fill_ns().saturating_sub(self.missing_ns(now_ns)) / rate.interval_ns()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    #[track_caller]
    fn check(per_second: f64, burst: u32, rows: &[(u64, bool)]) {
        let rate = Rate::new(per_second, burst).expect("a rate");
        let mut bucket = Bucket::default();
        for (row, &(at_ms, want)) in rows.iter().enumerate() {
            let left = bucket.tokens(rate, at_ms * MS);
            assert_eq!(bucket.take(rate, at_ms * MS).is_ok(), want, "row {row}, at {at_ms} ms");
            assert_eq!(left > 0, want, "row {row}, at {at_ms} ms");
        }
    }

    #[test]
    fn begins_full_and_fills_at_its_rate() {
        check(
            10.0,
            3,
            &[
                (0, true),
                (0, true),
                (0, true),
                (0, false),
                (99, false),
                (100, true),
                (100, false),
                (200, true),
            ],
        );
        check(1.0, 1, &[(0, true), (999, false), (1000, true), (1001, false), (2000, true)]);
    }

    #[test]
    fn holds_no_more_than_its_burst() {
        check(1000.0, 2, &[(60_000, true), (60_000, true), (60_000, false), (60_001, true)]);
    }

    #[test]
    fn zero_admits_nothing() {
        check(0.0, 5, &[(0, false), (1_000_000, false)]);
        check(5.0, 0, &[(0, false), (1_000_000, false)]);
    }

    #[test]
    fn a_clock_that_goes_back_adds_nothing() {
        check(10.0, 1, &[(1000, true), (500, false), (1000, false), (1099, false), (1100, true)]);
    }

    #[test]
    fn says_when_to_come_again() {
        let rate = Rate::new(10.0, 1).expect("a rate");
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(rate, 0), Ok(()));
        assert_eq!(bucket.take(rate, 40 * MS), Err(RetryAfter(60 * MS)));
        assert_eq!(bucket.take(rate, 100 * MS), Ok(()));
    }

    proptest! {
        /// A bucket as one would write it down: tokens as a fraction, filled by the time that has passed.
        #[test]
        fn is_a_token_bucket(
            per_second in prop_oneof![Just(1_u64), Just(10), Just(1000), Just(1_000_000)],
            burst in 1_u32..50,
            pauses in prop::collection::vec(0_u64..3, 1..300),
        ) {
            let rate = Rate::new(per_second as f64, burst).expect("a rate");
            let interval = u128::from(rate.interval_ns());
            let (mut bucket, mut now, mut credit) = (Bucket::default(), 0_u64, u128::from(burst) * interval);
            for pause in pauses {
                let passed = rate.interval_ns() * pause / 2;
                now += passed;
                credit = (credit + u128::from(passed)).min(u128::from(burst) * interval);
                let want = credit >= interval;
                prop_assert_eq!(bucket.take(rate, now).is_ok(), want);
                if want {
                    credit -= interval;
                }
            }
        }

        /// Never more than `burst + rate × t` in any window, whatever the rate.
        #[test]
        fn no_window_sees_more(
            per_second in 0.01_f64..2e6,
            burst in 1_u32..20,
            pauses in prop::collection::vec(0.0_f64..2.0, 1..200),
        ) {
            let rate = Rate::new(per_second, burst).expect("a rate");
            let (mut bucket, mut now, mut admitted) = (Bucket::default(), 0_u64, Vec::new());
            for pause in pauses {
                now += (rate.interval_ns() as f64 * pause) as u64;
                if bucket.take(rate, now).is_ok() {
                    admitted.push(now);
                }
            }
            for (first, &from) in admitted.iter().enumerate() {
                for (last, &to) in admitted.iter().enumerate().skip(first) {
                    let most = f64::from(burst) + per_second * (to - from) as f64 / 1e9;
                    prop_assert!((last - first + 1) as f64 <= most + 1e-6);
                }
            }
        }
    }
}
