//! Objectives: `p99=5ms`.

use hdrhistogram::Histogram;

use crate::units;

/// A quantile of latency and its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As written.
    pub text: String,
    quantile: f64,
    limit: u64,
}

impl Objective {
    /// `p50=1ms`, `p99.9=20ms`, `max=1s`.
    ///
    /// # Errors
    /// In words, for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an objective; write it as p99=5ms or max=1s");
        let (name, limit) = text.split_once('=').ok_or_else(wrong)?;
        let quantile = match name {
            "max" => 1.0,
            _ => {
                let percent: f64 =
                    name.strip_prefix('p').and_then(|percent| percent.parse().ok()).ok_or_else(wrong)?;
                percent / 100.0
            }
        };
        if !(quantile > 0.0 && quantile <= 1.0) {
            return Err(wrong());
        }
        let limit = u64::try_from(units::duration(limit)?.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { text: text.to_owned(), quantile, limit })
    }

    /// What was reached, and whether it is within the limit. Nothing measured holds nothing.
    pub fn holds(&self, latency: &Histogram<u64>) -> (u64, bool) {
        let reached = latency.value_at_quantile(self.quantile);
        (reached, !latency.is_empty() && reached <= self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::histogram;

    #[test]
    fn rows() {
        let mut latency = histogram();
        for milliseconds in 1..=100u64 {
            latency.saturating_record(milliseconds * 1_000_000);
        }
        for (text, want) in [
            ("p50=51ms", true),
            ("p50=49ms", false),
            ("p99=100ms", true),
            ("max=99ms", false),
            ("p99.9=101ms", true),
        ] {
            assert_eq!(Objective::parse(text).unwrap().holds(&latency).1, want, "{text}");
        }
        assert!(!Objective::parse("p50=1s").unwrap().holds(&histogram()).1);
        for wrong in ["p99", "99=5ms", "p0=5ms", "p101=5ms", "pNaN=1s", "p99=fast"] {
            assert!(Objective::parse(wrong).is_err(), "{wrong}");
        }
    }
}
