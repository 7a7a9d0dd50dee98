//! Medians, spreads and paired ratios of measurements.

use super::host::pauses::Pauses;
use super::measurement::{Measurement, Phase, Quantity};

/// A median with the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The middle.
    pub median: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these values, if there are any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Self { least, median, most })
    }
}

/// Whose numbers: a proxy in a phase of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// The phase.
    pub phase: Phase,
    /// Name of the proxy.
    pub proxy: &'a str,
}

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// In the order in which it was measured.
    pub measurements: Vec<Measurement>,
    /// What the host took away before the first.
    pub pauses: Pauses,
}

impl Results {
    /// All measurements of a series.
    pub fn of<'a>(&'a self, series: Series<'a>) -> impl Iterator<Item = &'a Measurement> {
        self.measurements.iter().filter(move |it| {
            (it.scenario, it.phase, it.proxy.as_str()) == (series.scenario, series.phase, series.proxy)
        })
    }

    /// Median and spread over the rounds that did not fail.
    pub fn spread(&self, series: Series<'_>, quantity: Quantity) -> Option<Spread> {
        Spread::of(self.values(series, quantity).map(|(_, value)| value))
    }

    /// Ratios of two series, each within one round, so that a host whose speed drifts does not count.
    pub fn ratio(&self, of: Series<'_>, to: Series<'_>, quantity: Quantity) -> Option<Spread> {
        self.paired(of, to, quantity, |one, other| one / other)
    }

    /// Differences of two series, each within one round.
    pub fn difference(&self, of: Series<'_>, to: Series<'_>, quantity: Quantity) -> Option<Spread> {
        self.paired(of, to, quantity, |one, other| one - other)
    }

    /// Names of the proxies of a phase, in the order in which they came first.
    pub fn proxies(&self, scenario: &str, phase: Phase) -> Vec<&str> {
        let mut names = Vec::new();
        for it in &self.measurements {
            if it.scenario == scenario && it.phase == phase && !names.contains(&it.proxy.as_str()) {
                names.push(it.proxy.as_str());
            }
        }
        names
    }

    fn paired(
        &self,
        of: Series<'_>,
        to: Series<'_>,
        quantity: Quantity,
        join: impl Fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let others: Vec<(u32, f64)> = self.values(to, quantity).collect();
        let pairs = self.values(of, quantity).filter_map(|(round, value)| {
            let (_, other) = others.iter().find(|(its, _)| *its == round)?;
            Some(join(value, *other))
        });
        Spread::of(pairs)
    }

    fn values<'a>(&'a self, series: Series<'a>, quantity: Quantity) -> impl Iterator<Item = (u32, f64)> + 'a {
        self.of(series)
            .filter(|it| it.failure.is_none())
            .filter_map(move |it| Some((it.round, it.number(quantity)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(proxy: &str) -> Series<'_> {
        Series { scenario: "s", phase: Phase::Saturation, proxy }
    }

    fn results(rows: &[(&str, u32, f64)]) -> Results {
        let measurement = |(proxy, round, rate): &(&str, u32, f64)| {
            Measurement::new("s", Phase::Saturation, proxy, *round).with(Quantity::Rate, *rate)
        };
        Results { measurements: rows.iter().map(measurement).collect(), ..Results::default() }
    }

    #[test]
    fn spreads() {
        let check = |values: &[f64], want: Option<(f64, f64, f64)>| {
            let want = want.map(|(least, median, most)| Spread { least, median, most });
            assert_eq!(Spread::of(values.iter().copied()), want, "{values:?}");
        };
        check(&[], None);
        check(&[4.0], Some((4.0, 4.0, 4.0)));
        check(&[3.0, 1.0], Some((1.0, 2.0, 3.0)));
        check(&[9.0, 1.0, 2.0], Some((1.0, 2.0, 9.0)));
    }

    #[test]
    fn ratios_are_paired_by_round() {
        let results =
            results(&[("a", 1, 10.0), ("b", 1, 20.0), ("b", 2, 5.0), ("a", 2, 10.0), ("a", 3, 7.0)]);
        let ratio = results.ratio(series("a"), series("b"), Quantity::Rate).unwrap();
        assert_eq!(ratio, Spread { least: 0.5, median: 1.25, most: 2.0 });
        let difference = results.difference(series("a"), series("b"), Quantity::Rate).unwrap();
        assert_eq!(difference.most, 5.0);
        assert_eq!(results.proxies("s", Phase::Saturation), vec!["a", "b"]);
        assert!(results.ratio(series("a"), series("c"), Quantity::Rate).is_none());
    }

    #[test]
    fn what_failed_does_not_count() {
        let mut results = results(&[("a", 1, 10.0), ("a", 2, 99.0)]);
        results.measurements[1].failure = Some("2 reset".to_owned());
        assert_eq!(results.spread(series("a"), Quantity::Rate).unwrap().most, 10.0);
    }
}
