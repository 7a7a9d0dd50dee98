//! Choosing one of many: alike, by weight, or by Zipf's law.

use fastrand::Rng;

/// How often each of a number of things is chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Share of the things up to and with each, the last one 1; empty for a uniform choice.
    cumulative: Vec<f64>,
    count: usize,
}

/// How keys are chosen, as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Each alike.
    Uniform,
    /// The k-th in proportion to 1/k^s.
    Zipf(f64),
}

impl Law {
    /// `uniform`, `zipf` (exponent 1) or `zipf:1.2`.
    ///
    /// # Errors
    /// In words, for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a choice; there are uniform, zipf and zipf:1.2");
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "zipf" => Ok(Self::Zipf(1.0)),
            Some(("zipf", exponent)) => exponent
                .parse()
                .ok()
                .filter(|exponent: &f64| (0.0..=10.0).contains(exponent))
                .map(Self::Zipf)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// The choice among `count` things, at least one.
    pub fn among(self, count: usize) -> Choice {
        match self {
            Self::Uniform => Choice { cumulative: Vec::new(), count },
            Self::Zipf(exponent) => {
                Choice::weighted(&(1..=count).map(|rank| (rank as f64).powf(-exponent)).collect::<Vec<_>>())
            }
        }
    }
}

impl Choice {
    /// In proportion to weights that are not negative and not all zero.
    pub fn weighted(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        assert!(total > 0.0, "something to choose");
        if weights.len() == 1 {
            return Self { cumulative: Vec::new(), count: 1 };
        }
        let mut sum = 0.0;
        let cumulative = weights.iter().map(|weight| {
            sum += weight;
            sum / total
        });
        Self { cumulative: cumulative.collect(), count: weights.len() }
    }

    /// Among how many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Never: there is always something to choose.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The index of one.
    #[inline]
    pub fn draw(&self, random: &mut Rng) -> usize {
        if self.count == 1 {
            return 0;
        }
        if self.cumulative.is_empty() {
            return random.usize(..self.count);
        }
        let point = random.f64();
        // Rounding may leave the last sum a hair below one.
        self.cumulative.partition_point(|sum| *sum <= point).min(self.count - 1)
    }

    /// How often that one is chosen.
    pub fn share(&self, index: usize) -> f64 {
        if self.cumulative.is_empty() {
            return 1.0 / self.count as f64;
        }
        self.cumulative[index] - if index == 0 { 0.0 } else { self.cumulative[index - 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(choice: &Choice, shares: &[f64]) {
        let mut random = Rng::with_seed(3);
        let mut counts = vec![0u32; shares.len()];
        for _ in 0..100_000 {
            counts[choice.draw(&mut random)] += 1;
        }
        for (index, (count, share)) in counts.iter().zip(shares).enumerate() {
            assert!((f64::from(*count) / 1e5 - share).abs() < 0.01, "{index}: {count}, want {share}");
            assert!((choice.share(index) - share).abs() < 1e-9);
        }
    }

    #[test]
    fn shares() {
        check(&Law::Uniform.among(4), &[0.25; 4]);
        check(&Law::Zipf(1.0).among(3), &[6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]);
        check(&Law::Zipf(0.0).among(2), &[0.5; 2]);
        check(&Choice::weighted(&[0.0, 3.0, 1.0]), &[0.0, 0.75, 0.25]);
        check(&Choice::weighted(&[5.0]), &[1.0]);
    }

    #[test]
    fn laws() {
        assert_eq!(Law::parse("zipf:1.2"), Ok(Law::Zipf(1.2)));
        assert_eq!(Law::parse("zipf"), Ok(Law::Zipf(1.0)));
        assert_eq!(Law::parse("uniform"), Ok(Law::Uniform));
        for wrong in ["", "pareto", "zipf:", "zipf:x", "zipf:-1", "zipf:inf"] {
            assert!(Law::parse(wrong).is_err(), "{wrong}");
        }
    }
}
