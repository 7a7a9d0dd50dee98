//! As fast as it goes, and at a fixed rate.

use std::fs;

use super::Session;
use crate::side_by_side::journal::Journal;
use crate::side_by_side::load::{Load, Report};
use crate::side_by_side::measurement::{Measurement, Phase, Quantity};
use crate::side_by_side::process::Started;
use crate::side_by_side::report::text::show;
use crate::side_by_side::rival::Proxy;
use crate::side_by_side::statistics::{Results, Series};
use crate::side_by_side::trouble::Trouble;

/// A proxy that uses less of its CPU than this was waiting for load.
pub const SATURATED_SHARE: f64 = 0.9;
/// Load generator and origin that use more of their CPU than this let requests wait themselves.
pub const CLIENT_SHARE_MAX: f64 = 0.8;

/// First as fast as it goes; then the latencies, at a rate that a rival could serve with room to spare.
pub fn saturation_then_latency(session: &Session<'_>, journal: &mut Journal) -> Result<(), Trouble> {
    at(session, journal, Phase::Saturation, None)?;
    let Some((reference, saturated)) = reference(&journal.results, session.scenario.name) else {
        journal.remark(
            session.scenario.name,
            "no proxy was saturated without failure, so no latencies".to_owned(),
        );
        return Ok(());
    };
    let rate = (saturated * session.stand.rate_share).round().max(1.0);
    journal.remark(
        session.scenario.name,
        format!(
            "latencies at {}, {:.0} % of the median saturation rate of {reference}",
            show(Quantity::Rate, rate),
            session.stand.rate_share * 100.0
        ),
    );
    at(session, journal, Phase::FixedRate, Some(rate as u32))
}

/// All rounds of one phase.
pub fn at(
    session: &Session<'_>,
    journal: &mut Journal,
    phase: Phase,
    rate: Option<u32>,
) -> Result<(), Trouble> {
    session.interleaved(journal, phase, |contender, blank, journal| {
        let process = session.stand.start(contender, session.origin)?;
        let load = Load { rate, ..session.stand.load(session.scenario, contender) };
        session.stand.warm_up(&load)?;
        session.measure(&load, &process, blank, journal)
    })
}

impl Session<'_> {
    /// One measurement on a running proxy.
    ///
    /// # Errors
    /// When the load generator cannot run.
    pub fn measure(
        &self,
        load: &Load,
        process: &Started,
        blank: Measurement,
        journal: &mut Journal,
    ) -> Result<Measurement, Trouble> {
        let (before, origin_before) = (process.cpu_time(), self.origin.process.cpu_time());
        let report = load.run(&self.stand.interrupt)?;
        let cpu = process.cpu_time().since(before);
        let origin = self.origin.process.cpu_time().since(origin_before);
        let measurement = blank
            .with_load(&report)
            .with_cpu(&report, cpu)
            .with(
                Quantity::ClientCpuShare,
                self.client_share(report.own_cpu(), origin.ran as f64 / 1e9 / report.seconds),
            )
            .with(
                Quantity::CpuWithOriginPerRequest,
                (cpu.ran + origin.ran) as f64 / report.answered.max(1) as f64,
            )
            .with_memory(process.memory());
        self.told(load, measurement, &report, journal)
    }

    fn client_share(&self, load: f64, origin: f64) -> f64 {
        let placement = &self.stand.placement;
        if placement.load == placement.origin {
            load + origin
        } else {
            (load / placement.load.len() as f64).max(origin / placement.origin.len() as f64)
        }
    }

    /// Keeps what the load generator said.
    ///
    /// # Errors
    /// When its report cannot be written.
    pub fn told(
        &self,
        load: &Load,
        measurement: Measurement,
        report: &Report,
        journal: &mut Journal,
    ) -> Result<Measurement, Trouble> {
        // Those of the others differ in the port alone.
        if self.contenders.first().is_some_and(|first| first.name == measurement.proxy) {
            journal.command(self.scenario.name, &format!("taskset -c {} {}", cpus(load), report.command));
        }
        if self.stand.keep {
            let name =
                format!("{}-{}-{}.json", measurement.phase.name(), measurement.proxy, measurement.round);
            let folder = self.stand.out.join("loads").join(self.scenario.name);
            fs::create_dir_all(&folder).map_err(|error| Trouble::writing(&folder, &error))?;
            let path = folder.join(name);
            fs::write(&path, &report.text).map_err(|error| Trouble::writing(&path, &error))?;
        }
        Ok(match load.rate {
            Some(rate) => measurement.with(Quantity::RateAsked, rate.into()),
            None => measurement,
        })
    }
}

fn cpus(load: &Load) -> String {
    load.cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Whose saturation rate counts: nginx's; without it the slowest rival's; without any Tidegate's own.
fn reference(results: &Results, scenario: &str) -> Option<(String, f64)> {
    let rate = |proxy: &str| {
        let series = Series { scenario, phase: Phase::Saturation, proxy };
        results.spread(series, Quantity::Rate).map(|spread| (proxy.to_owned(), spread.median))
    };
    let proxies = results.proxies(scenario, Phase::Saturation);
    // Tidegate may take part twice, under names that begin alike.
    let is_rival = |name: &&&str| !name.starts_with(Proxy::Tidegate.name()) && **name != Proxy::Floor.name();
    let slowest = || {
        let rivals = proxies.iter().filter(is_rival).filter_map(|name| rate(name));
        rivals.min_by(|one, other| one.1.total_cmp(&other.1))
    };
    rate(Proxy::Nginx.name())
        .or_else(|| rate(Proxy::NginxNewest.name()))
        .or_else(slowest)
        .or_else(|| rate(Proxy::Tidegate.name()))
}

/// Whether load generator and origin had as good as no time left in the median of the rounds, so that latencies have
/// their queue in them.
pub fn is_client_side_full(results: &Results, series: Series<'_>) -> bool {
    results.spread(series, Quantity::ClientCpuShare).is_some_and(|share| share.median > CLIENT_SHARE_MAX)
}

/// Whether the proxy had time left in the median of its rounds, so that the load generator set the rate.
pub fn is_starved(results: &Results, scenario: &str, proxy: &str) -> bool {
    let series = Series { scenario, phase: Phase::Saturation, proxy };
    results.spread(series, Quantity::CpuShare).is_some_and(|share| share.median < SATURATED_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(rows: &[(&str, f64, f64)]) -> Results {
        let measurement = |(proxy, rate, share): &(&str, f64, f64)| {
            Measurement::new("s", Phase::Saturation, proxy, 1)
                .with(Quantity::Rate, *rate)
                .with(Quantity::CpuShare, *share)
        };
        Results { measurements: rows.iter().map(measurement).collect(), ..Results::default() }
    }

    #[test]
    fn references() {
        let check = |rows: &[(&str, f64, f64)], want: Option<&str>| {
            let reference = reference(&results(rows), "s").map(|(name, _)| name);
            assert_eq!(reference.as_deref(), want, "{rows:?}");
        };
        let (ours, nginx) = (("tidegate", 9.0, 1.0), ("nginx", 7.0, 1.0));
        let (newest, envoy) = (("nginx-newest", 8.0, 1.0), ("envoy", 2.0, 1.0));
        let (haproxy, floor) = (("haproxy", 5.0, 1.0), ("floor", 1.0, 1.0));
        check(&[ours, envoy, newest, nginx, floor], Some("nginx"));
        check(&[ours, envoy, newest], Some("nginx-newest"));
        check(&[ours, haproxy, envoy, floor], Some("envoy"));
        check(&[ours, floor], Some("tidegate"));
        check(&[ours, ("tidegate, http_proxy", 3.0, 1.0), floor], Some("tidegate"));
        check(&[], None);
    }

    #[test]
    fn starving() {
        let mut results = results(&[("a", 1.0, 0.97), ("b", 1.0, 0.5)]);
        assert!(!is_starved(&results, "s", "a") && is_starved(&results, "s", "b"));
        assert!(!is_starved(&results, "s", "c"));
        let series = Series { scenario: "s", phase: Phase::Saturation, proxy: "a" };
        assert!(!is_client_side_full(&results, series));
        results.measurements[0].numbers.insert(Quantity::ClientCpuShare, 0.95);
        assert!(is_client_side_full(&results, series));
    }
}
