//! What is wanted of Tidegate, and whether it holds in a run. All by medians over the rounds, and ratios by the median
//! of those within a round.

use super::course::callers::open;
use super::course::functions::http_proxy;
use super::course::limits::without;
use super::course::load::is_client_side_full;
use super::course::routes::one_route;
use super::course::transform::passing;
use super::measurement::{Phase, Quantity};
use super::report::text::{ratio_text, show};
use super::rival::Proxy;
use super::scenario::{Course, SCENARIOS};
use super::statistics::{Results, Series, Spread};

/// Something that is wanted.
#[derive(Clone, Debug)]
pub struct Goal {
    scenario: &'static str,
    phase: Phase,
    quantity: Quantity,
    limit: Limit,
}

#[derive(Clone, Debug)]
enum Limit {
    /// At most this much of another's.
    AtMostOf(String, f64),
    /// At least this much of another's.
    AtLeastOf(String, f64),
    /// Below that of every rival.
    BelowEveryRival,
    /// At most this.
    AtMost(f64),
    /// At most this much more than in another phase.
    AtMostAbove(Phase, f64),
    /// At most this much more than another's.
    AtMostAboveOf(String, f64),
}

/// What came of a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The scenario.
    pub scenario: &'static str,
    /// What is wanted, in words.
    pub wanted: String,
    /// What was measured, in words.
    pub measured: String,
    /// Whether it holds; nothing if it could not be told.
    pub held: Option<bool>,
}

/// All goals.
pub fn goals() -> Vec<Goal> {
    let saturation = |scenario, quantity, limit| Goal { scenario, phase: Phase::Saturation, quantity, limit };
    let at_most = |proxy: Proxy, share| Limit::AtMostOf(proxy.name().to_owned(), share);
    let at_least = |proxy: Proxy, share| Limit::AtLeastOf(proxy.name().to_owned(), share);
    let mut goals = Vec::new();
    for scenario in ["keep-alive-64", "keep-alive-512"] {
        for (proxy, share) in CPU_SHARES {
            goals.push(saturation(scenario, Quantity::CpuPerRequest, at_most(proxy, share)));
        }
    }
    for nginx in [Proxy::Nginx, Proxy::NginxNewest] {
        let alone = Goal {
            scenario: "keep-alive-1",
            phase: Phase::FixedRate,
            quantity: Quantity::P99,
            limit: at_most(nginx, 1.0),
        };
        goals.extend([
            saturation("keep-alive-1", Quantity::Rate, at_least(nginx, 1.0)),
            alone,
            saturation("connection-per-request", Quantity::CpuPerRequest, at_most(nginx, 0.9)),
            saturation("body-1m", Quantity::BytesPerCpuSecond, at_least(nginx, 1.0)),
        ]);
    }
    for (proxy, share) in CACHE_SHARES {
        goals.push(saturation("cache-hits-1k", Quantity::CpuPerRequest, at_most(proxy, share)));
        for scenario in ["cache-hits-64k", "cache-hits-1m"] {
            goals.push(saturation(scenario, Quantity::BytesPerCpuSecond, at_least(proxy, 1.0)));
        }
    }
    for nginx in [Proxy::Nginx, Proxy::NginxNewest] {
        let cpu = Quantity::CpuPerRequest;
        goals.extend([
            saturation("tls-keep-alive-64", cpu, at_most(nginx, 0.7)),
            saturation("tls-handshake-full", cpu, at_most(nginx, 1.0)),
            saturation("tls-handshake-resumed", cpu, at_most(nginx, 1.0)),
            saturation("http2-streams-100", cpu, at_most(nginx, 0.8)),
            saturation("tls-body-1m", Quantity::BytesPerCpuSecond, at_least(nginx, 0.95)),
        ]);
    }
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.course == Course::Saturation) {
        for quantity in [Quantity::P99, Quantity::P999] {
            let (scenario, limit) = (scenario.name, Limit::BelowEveryRival);
            goals.push(Goal { scenario, phase: Phase::FixedRate, quantity, limit });
        }
    }
    let alone = Limit::AtMostOf(one_route(Proxy::Tidegate.name()), 1.03);
    goals.push(saturation("routes-5000", Quantity::CpuPerRequest, alone));
    let alone = Limit::AtMostAboveOf(without(Proxy::Tidegate.name()), 500.0);
    goals.push(saturation("limits-10000", Quantity::CpuPerRequest, alone));
    for (scenario, most) in KNOWN_CALLERS {
        let alone = Limit::AtMostAboveOf(open(Proxy::Tidegate.name()), most);
        goals.push(saturation(scenario, Quantity::CpuPerRequest, alone));
    }
    let beside = Limit::AtMostOf(http_proxy(Proxy::Tidegate.name()), 2.5);
    goals.push(saturation("functions", Quantity::CpuWithOriginPerRequest, beside));
    let emulator = Proxy::CargoLambda;
    goals.push(saturation("functions", Quantity::CpuPerRequest, at_most(emulator, 2.5)));
    let latency = saturation("functions", Quantity::P99, at_most(emulator, 1.0));
    goals.push(Goal { phase: Phase::FixedRate, ..latency });
    // Ten thousand invocations a second on one CPU, the function's part included.
    goals.push(saturation("functions", Quantity::CpuPerRequest, Limit::AtMost(100e3)));
    let beside = Limit::AtMostAboveOf(passing(Proxy::Tidegate.name()), 15e3);
    goals.push(saturation("transform", Quantity::CpuPerRequest, beside));
    let absolute = |scenario, phase, quantity, limit| Goal { scenario, phase, quantity, limit };
    goals.extend([
        absolute("routes-5000", Phase::Loading, Quantity::Loading, Limit::AtMost(100e6)),
        absolute("idle-10000", Phase::Idle, Quantity::PssPerConnection, Limit::AtMost(1024.0)),
        absolute("reload", Phase::Reloading, Quantity::Failed, Limit::AtMost(0.0)),
        absolute("reload", Phase::Reloading, Quantity::Worst, Limit::AtMostAbove(Phase::Steady, 2e6)),
    ]);
    goals.sort_by_key(|goal| SCENARIOS.iter().position(|scenario| scenario.name == goal.scenario));
    goals
}

/// CPU per request at 64 and 512 connections, by that of others.
const CPU_SHARES: [(Proxy, f64); 5] = [
    (Proxy::NginxNewest, 0.65),
    (Proxy::Haproxy, 0.5),
    (Proxy::Envoy, 0.2),
    (Proxy::Pingora, 0.5),
    (Proxy::Floor, 1.15),
];

/// CPU per request of callers who are known, more than of those who need not be.
const KNOWN_CALLERS: [(&str, f64); 3] = [("tokens", 500.0), ("signatures", 5e3), ("authorizer", 1e3)];

/// CPU per hit of 1 KiB, by that of others with a cache.
const CACHE_SHARES: [(Proxy, f64); 4] =
    [(Proxy::Nginx, 0.7), (Proxy::NginxNewest, 0.7), (Proxy::Haproxy, 1.0), (Proxy::Varnish, 1.0)];

/// What came of the goals of the scenarios that were measured.
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let ran = |goal: &Goal| results.measurements.iter().any(|it| it.scenario == goal.scenario);
    goals().into_iter().filter(ran).map(|goal| goal.verdict(results)).collect()
}

impl Goal {
    fn verdict(&self, results: &Results) -> Verdict {
        let what = self.quantity.words();
        let own = self.series(Proxy::Tidegate.name());
        let (wanted, measured) = match &self.limit {
            Limit::AtMostOf(proxy, share) => {
                let ratio = results.ratio(own, self.series(proxy), self.quantity);
                (format!("{what}: at most {share} of {proxy}"), judged(ratio, ratio_text, |it| it <= *share))
            }
            Limit::AtLeastOf(proxy, share) => {
                let ratio = results.ratio(own, self.series(proxy), self.quantity);
                (format!("{what}: at least {share} of {proxy}"), judged(ratio, ratio_text, |it| it >= *share))
            }
            Limit::BelowEveryRival => {
                (format!("{what} at a fixed rate: below every rival"), self.beside_every_rival(results))
            }
            Limit::AtMost(most) => {
                let text = |value| show(self.quantity, value);
                let wanted = format!("{what}: at most {}", text(*most));
                (wanted, judged(results.spread(own, self.quantity), text, |it| it <= *most))
            }
            Limit::AtMostAbove(phase, most) => {
                self.above(results, Series { phase: *phase, ..own }, phase.name(), *most)
            }
            Limit::AtMostAboveOf(proxy, most) => self.above(results, self.series(proxy), proxy, *most),
        };
        let doubt = self.doubt(results, own);
        let (measured, held) =
            measured.map_or(("not measured".to_owned(), None), |(text, held)| match doubt {
                Some(doubt) => (format!("{text}; not to be told: {doubt}"), None),
                None => (text, Some(held)),
            });
        Verdict { scenario: self.scenario, wanted, measured, held }
    }

    /// What makes the number one of the load generator's or of the host's.
    fn doubt(&self, results: &Results, own: Series<'_>) -> Option<&'static str> {
        let slowest = match self.quantity {
            Quantity::P99 => 0.01,
            Quantity::P999 => 0.001,
            _ => return None,
        };
        if self.phase == Phase::FixedRate && is_client_side_full(results, own) {
            return Some("client side at its limit");
        }
        results.pauses.make_the_slowest(slowest).then_some("the host's pauses")
    }

    /// Goal and outcome of a difference.
    fn above(
        &self,
        results: &Results,
        other: Series<'_>,
        name: &str,
        most: f64,
    ) -> (String, Option<(String, bool)>) {
        let text = |value| show(self.quantity, value);
        let difference = results.difference(self.series(Proxy::Tidegate.name()), other, self.quantity);
        let wanted = format!("{}: at most {} above {name}", self.quantity.words(), text(most));
        (wanted, judged(difference, text, |it| it <= most))
    }

    /// The rival that is nearest.
    fn beside_every_rival(&self, results: &Results) -> Option<(String, bool)> {
        let own = self.series(Proxy::Tidegate.name());
        let rivals = Proxy::RIVALS.into_iter().filter(|proxy| *proxy != Proxy::Floor);
        let ratios = rivals
            .filter_map(|rival| Some((rival, results.ratio(own, self.series(rival.name()), self.quantity)?)));
        let (nearest, ratio) = ratios.max_by(|one, other| one.1.median.total_cmp(&other.1.median))?;
        let (text, held) = judged(Some(ratio), ratio_text, |it| it < 1.0)?;
        Some((format!("{text} of {nearest}"), held))
    }

    fn series<'a>(&self, proxy: &'a str) -> Series<'a> {
        Series { scenario: self.scenario, phase: self.phase, proxy }
    }
}

fn judged(
    spread: Option<Spread>,
    text: impl Fn(f64) -> String,
    holds: impl Fn(f64) -> bool,
) -> Option<(String, bool)> {
    let spread = spread?;
    let words = format!("{} ({}..{})", text(spread.median), text(spread.least), text(spread.most));
    Some((words, holds(spread.median)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side_by_side::host::pauses::Pauses;
    use crate::side_by_side::measurement::Measurement;

    #[track_caller]
    fn check(rows: &[(&'static str, Phase, &str, Quantity, f64)], wanted: &str, held: Option<bool>) {
        check_beside(Pauses::default(), rows, wanted, held);
    }

    #[track_caller]
    fn check_beside(
        pauses: Pauses,
        rows: &[(&'static str, Phase, &str, Quantity, f64)],
        wanted: &str,
        held: Option<bool>,
    ) {
        let measurement =
            |(scenario, phase, proxy, quantity, value): &(&'static str, Phase, &str, Quantity, f64)| {
                Measurement::new(scenario, *phase, proxy, 1).with(*quantity, *value)
            };
        let measurements = rows.iter().map(measurement).collect();
        let verdicts = verdicts(&Results { measurements, pauses });
        let verdict = verdicts.iter().find(|verdict| verdict.wanted == wanted);
        assert_eq!(verdict.map(|verdict| verdict.held), Some(held), "{verdicts:?}");
    }

    #[test]
    fn shares_of_others() {
        let cpu = |proxy, value| ("keep-alive-64", Phase::Saturation, proxy, Quantity::CpuPerRequest, value);
        let wanted = "CPU per request: at most 0.65 of nginx-newest";
        check(&[cpu("tidegate", 6.5), cpu("nginx-newest", 10.0)], wanted, Some(true));
        check(&[cpu("tidegate", 6.6), cpu("nginx-newest", 10.0)], wanted, Some(false));
        check(&[cpu("tidegate", 6.5)], wanted, None);
        let rate = |proxy, value| ("keep-alive-1", Phase::Saturation, proxy, Quantity::Rate, value);
        check(&[rate("tidegate", 9.0), rate("nginx", 10.0)], "requests/s: at least 1 of nginx", Some(false));
    }

    #[test]
    fn every_rival() {
        let p99 = |proxy, value| ("body-1k", Phase::FixedRate, proxy, Quantity::P99, value);
        let wanted = "p99 at a fixed rate: below every rival";
        check(&[p99("tidegate", 5.0), p99("nginx", 6.0), p99("envoy", 9.0)], wanted, Some(true));
        check(&[p99("tidegate", 5.0), p99("nginx", 9.0), p99("envoy", 4.0)], wanted, Some(false));
        check(&[p99("tidegate", 5.0), p99("floor", 1.0)], wanted, None);
        let paused = |share| Pauses { share, longest_ms: 4.0 };
        let rows = [p99("tidegate", 5.0), p99("nginx", 6.0)];
        check_beside(paused(0.005), &rows, wanted, Some(true));
        check_beside(paused(0.01), &rows, wanted, None);
        let client = ("body-1k", Phase::FixedRate, "tidegate", Quantity::ClientCpuShare, 0.95);
        check(&[rows[0], rows[1], client], wanted, None);
    }

    #[test]
    fn absolute() {
        let idle = |value| [("idle-10000", Phase::Idle, "tidegate", Quantity::PssPerConnection, value)];
        check(&idle(1024.0), "memory per connection: at most 1.00 KiB", Some(true));
        check(&idle(1025.0), "memory per connection: at most 1.00 KiB", Some(false));
        let worst = |phase, value| ("reload", phase, "tidegate", Quantity::Worst, value);
        let wanted = "worst latency: at most 2.00 ms above steady";
        check(&[worst(Phase::Steady, 1e6), worst(Phase::Reloading, 2e6)], wanted, Some(true));
        check(&[worst(Phase::Steady, 1e6), worst(Phase::Reloading, 4e6)], wanted, Some(false));
        let cpu = |proxy, value| ("limits-10000", Phase::Saturation, proxy, Quantity::CpuPerRequest, value);
        let wanted = "CPU per request: at most 500 ns above tidegate, no limits";
        check(&[cpu("tidegate", 10_500.0), cpu("tidegate, no limits", 10e3)], wanted, Some(true));
        check(&[cpu("tidegate", 10_501.0), cpu("tidegate, no limits", 10e3)], wanted, Some(false));
        check(&[cpu("tidegate", 10e3)], wanted, None);
    }
}
