//! A quantity that is drawn anew each time: a delay in nanoseconds, a size in bytes.

use fastrand::Rng;

/// How much beyond its mean an exponential draw may go: a bound on the tail (e^-20 is two in a thousand million).
const EXPONENTIAL_MEANS_MAX: f64 = 20.0;

/// Where a quantity is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Fixed(u64),
    /// Each value from `low` to `high` alike, both included.
    Uniform {
        /// The least.
        low: u64,
        /// The most.
        high: u64,
    },
    /// Exponential, as times between independent events are.
    Exponential {
        /// The mean.
        mean: u64,
    },
}

impl Distribution {
    /// `5ms`, `fixed:5ms`, `exp:5ms` or `uniform:1ms..9ms`, where `unit` reads one quantity.
    ///
    /// # Errors
    /// In words, for the command line.
    pub fn parse(text: &str, unit: impl Fn(&str) -> Result<u64, String>) -> Result<Self, String> {
        match text.split_once(':') {
            None => unit(text).map(Self::Fixed),
            Some(("fixed", value)) => unit(value).map(Self::Fixed),
            Some(("exp", mean)) => unit(mean).map(|mean| Self::Exponential { mean }),
            Some(("uniform", range)) => Self::uniform(range, unit),
            Some((name, _)) => {
                Err(format!("no distribution is called `{name}`; there are fixed:, exp: and uniform:"))
            }
        }
    }

    fn uniform(range: &str, unit: impl Fn(&str) -> Result<u64, String>) -> Result<Self, String> {
        let (low, high) = range
            .split_once("..")
            .ok_or_else(|| format!("`uniform:{range}` lacks `..`; write uniform:1..9"))?;
        let (low, high) = (unit(low)?, unit(high)?);
        if low > high {
            return Err(format!("`uniform:{range}` ends before it begins"));
        }
        Ok(Self::Uniform { low, high })
    }

    /// One value.
    pub fn draw(&self, random: &mut Rng) -> u64 {
        match *self {
            Self::Fixed(value) => value,
            Self::Uniform { low, high } => random.u64(low..=high),
            Self::Exponential { mean } => (exponential(random) * mean as f64) as u64,
        }
    }

    /// The largest value that can be drawn.
    pub fn most(&self) -> u64 {
        match *self {
            Self::Fixed(value) => value,
            Self::Uniform { high, .. } => high,
            Self::Exponential { mean } => (EXPONENTIAL_MEANS_MAX * mean as f64) as u64,
        }
    }
}

/// An exponential draw with mean one.
pub fn exponential(random: &mut Rng) -> f64 {
    // `f64()` is below one, so the logarithm's argument is above zero.
    (-(1.0 - random.f64()).ln()).min(EXPONENTIAL_MEANS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u64, String> {
        text.parse().map_err(|_| format!("`{text}`"))
    }

    #[test]
    fn parses() {
        let rows = [
            ("5", Some(Distribution::Fixed(5))),
            ("fixed:5", Some(Distribution::Fixed(5))),
            ("exp:7", Some(Distribution::Exponential { mean: 7 })),
            ("uniform:1..9", Some(Distribution::Uniform { low: 1, high: 9 })),
            ("uniform:9..1", None),
            ("uniform:9", None),
            ("normal:1", None),
            ("exp:", None),
        ];
        for (text, want) in rows {
            assert_eq!(Distribution::parse(text, number).ok(), want, "{text}");
        }
    }

    #[test]
    fn draws_have_the_mean_and_the_bounds() {
        let mut random = Rng::with_seed(7);
        let rows = [
            (Distribution::Fixed(500), 500, 500, 500.0),
            (Distribution::Uniform { low: 100, high: 900 }, 100, 900, 500.0),
            (Distribution::Exponential { mean: 500 }, 0, 10_000, 500.0),
        ];
        for (distribution, low, high, mean) in rows {
            let draws: Vec<u64> = (0..100_000).map(|_| distribution.draw(&mut random)).collect();
            assert!(draws.iter().all(|draw| (low..=high).contains(draw)), "{distribution:?}");
            let got = draws.iter().sum::<u64>() as f64 / draws.len() as f64;
            assert!((got - mean).abs() < mean * 0.02, "{distribution:?}: mean {got}");
        }
    }
}
