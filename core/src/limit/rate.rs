//! A throttle's two numbers, compiled to integers.

use std::fmt;

/// Longest time to fill a bucket, in nanoseconds: 146 years. Keeps all sums of times within 64 bits.
const FILL_NS_MAX: u64 = 1 << 62;

const NS_PER_S: f64 = 1e9;

/// How many requests a second a [`Bucket`](super::Bucket) admits in the long run, and how many at once. AWS: "rate" and
/// "burst" ("Throttle requests to your REST APIs").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time for one token. Rounded up, so that never more than the rate is admitted.
    interval_ns: u64,
    /// Time to fill an empty bucket: `burst` intervals.
    fill_ns: u64,
}

impl Rate {
    /// Admits nothing: no token ever fits.
    pub(super) const NOTHING: Self = Self { interval_ns: 1, fill_ns: 0 };

    /// `per_second` tokens a second into a bucket of `burst`; with 0 of either nothing is ever admitted. `None` unless
    /// `per_second` is a number that is not negative. Rates above 1,000,000,000 are as many.
    ///
    /// A bucket that would take more than 146 years to fill is smaller than `burst`.
    pub fn new(per_second: f64, burst: u32) -> Option<Self> {
        if !per_second.is_finite() || per_second < 0.0 {
            return None;
        }
        if per_second == 0.0 || burst == 0 {
            return Some(Self::NOTHING);
        }
        // The conversion saturates.
        let interval_ns = ((NS_PER_S / per_second).ceil() as u64).clamp(1, FILL_NS_MAX);
        let fitting = u64::from(burst).min(FILL_NS_MAX / interval_ns);
        Some(Self { interval_ns, fill_ns: interval_ns * fitting })
    }

    /// The part `weight / total` of what flows in, into a bucket of `burst`. Rounded so that parts with weights that add
    /// up to `total` never give more than the whole.
    pub(super) fn part(self, weight: u64, total: u64, burst: u32) -> Self {
        if weight == 0 || burst == 0 || self.fill_ns == 0 {
            return Self::NOTHING;
        }
        let interval = (u128::from(self.interval_ns) * u128::from(total)).div_ceil(u128::from(weight));
        let interval_ns = u64::try_from(interval).unwrap_or(FILL_NS_MAX).min(FILL_NS_MAX);
        Self { interval_ns, fill_ns: interval_ns * u64::from(burst).min(FILL_NS_MAX / interval_ns) }
    }

    /// Tokens that fit into the bucket.
    pub fn burst(self) -> u32 {
        u32::try_from(self.fill_ns / self.interval_ns).unwrap_or(u32::MAX)
    }

    /// Whether it never admits anything.
    pub fn is_nothing(self) -> bool {
        self.fill_ns == 0
    }

    /// Time for one token, in nanoseconds.
    pub fn interval_ns(self) -> u64 {
        self.interval_ns
    }

    /// Time to fill an empty bucket, in nanoseconds.
    pub fn fill_ns(self) -> u64 {
        self.fill_ns
    }
}

/// `10/s burst 5`
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("0/s");
        }
        // The interval was rounded; six digits of the rate were not.
        let per_second = NS_PER_S / self.interval_ns as f64;
        let digits = 10_f64.powf(5.0 - per_second.log10().floor());
        write!(f, "{}/s burst {}", (per_second * digits).round() / digits, self.burst())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let numbers = |per_second, burst| {
            let rate = Rate::new(per_second, burst)?;
            Some((rate.interval_ns, rate.fill_ns))
        };
        assert_eq!(numbers(1.0, 1), Some((1_000_000_000, 1_000_000_000)));
        assert_eq!(numbers(3.0, 2), Some((333_333_334, 666_666_668)));
        assert_eq!(numbers(1e6, 5000), Some((1000, 5_000_000)));
        assert_eq!(numbers(1e12, 1), Some((1, 1)));
        assert_eq!(numbers(0.5, 10), Some((2_000_000_000, 20_000_000_000)));
        assert_eq!(numbers(0.0, 10), Some((1, 0)));
        assert_eq!(numbers(10.0, 0), Some((1, 0)));
        assert_eq!(numbers(1e-9, u32::MAX), Some((1_000_000_000_000_000_000, 4_000_000_000_000_000_000)));
        assert_eq!(numbers(1e-300, u32::MAX), Some((1 << 62, 1 << 62)));
        assert_eq!(numbers(-1.0, 1), None);
        assert_eq!(numbers(f64::NAN, 1), None);
        assert_eq!(numbers(f64::INFINITY, 1), None);
    }

    #[test]
    fn words() {
        let words = |per_second, burst| Rate::new(per_second, burst).expect("a rate").to_string();
        assert_eq!(words(10.0, 5), "10/s burst 5");
        assert_eq!(words(3.0, 1), "3/s burst 1");
        assert_eq!(words(0.1, 100), "0.1/s burst 100");
        assert_eq!(words(1e6, 5000), "1000000/s burst 5000");
        assert_eq!(words(0.0, 5), "0/s");
    }

    #[test]
    fn parts() {
        let rate = Rate::new(1000.0, 10).expect("a rate");
        let numbers = |weight, total, burst| {
            let part = rate.part(weight, total, burst);
            (part.interval_ns, part.burst())
        };
        assert_eq!(numbers(1, 1, 10), (1_000_000, 10));
        assert_eq!(numbers(1, 4, 2), (4_000_000, 2));
        assert_eq!(numbers(2, 3, 6), (1_500_000, 6));
        assert_eq!(numbers(3, 7, 1), (2_333_334, 1));
        assert!(rate.part(0, 4, 2).is_nothing() && rate.part(1, 4, 0).is_nothing());
        let slow = Rate::new(1e-9, 1).expect("a rate");
        assert_eq!(slow.part(1, 1024, 1).interval_ns, FILL_NS_MAX);
    }
}
