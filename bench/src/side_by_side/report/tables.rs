//! What was measured as tables, for any output.

use super::text::{ratio_text, show, show_spread};
use crate::side_by_side::measurement::{Phase, Quantity};
use crate::side_by_side::rival::Proxy;
use crate::side_by_side::statistics::{Results, Series};

/// A phase of a scenario.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which.
    pub phase: Phase,
    /// In words.
    pub title: &'static str,
    /// Heads of the columns; the first is that of the proxy's name.
    pub head: Vec<String>,
    /// A row for each proxy.
    pub rows: Vec<Row>,
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The others.
    pub cells: Vec<String>,
    /// Whether it is Tidegate.
    pub own: bool,
}

/// Tables of a scenario.
pub fn tables(results: &Results, scenario: &str) -> Vec<Table> {
    let phases =
        [Phase::Loading, Phase::Saturation, Phase::FixedRate, Phase::Idle, Phase::Steady, Phase::Reloading];
    phases.into_iter().filter_map(|phase| table(results, scenario, phase)).collect()
}

/// What is shown of a phase, and of what the ratio to Tidegate is.
fn columns(phase: Phase) -> (&'static str, &'static [Quantity], &'static [Quantity]) {
    use Quantity::{
        ClientCpuShare, CpuPerRequest, CpuShare, CpuWithOriginPerRequest, Failed, Loading, P50, P99, P999,
        Pss, PssPerConnection, Rate, Reloads, Rss, SystemPerRequest, UserPerRequest, Worst,
    };
    match phase {
        Phase::Saturation => (
            "As fast as it goes",
            &[
                Rate,
                CpuPerRequest,
                UserPerRequest,
                SystemPerRequest,
                CpuWithOriginPerRequest,
                CpuShare,
                Rss,
                Pss,
            ],
            &[CpuPerRequest, Rate],
        ),
        Phase::FixedRate => (
            "At a fixed rate",
            &[Rate, P50, P99, P999, Worst, CpuPerRequest, ClientCpuShare],
            &[P99, P999, CpuPerRequest],
        ),
        Phase::Loading => ("Loading the configuration", &[Loading], &[]),
        Phase::Idle => ("Idle connections", &[PssPerConnection, Rss, Pss], &[PssPerConnection]),
        Phase::Steady => ("Without reloads", &[Failed, P50, P99, P999, Worst], &[]),
        Phase::Reloading => ("With reloads", &[Reloads, Failed, P50, P99, P999, Worst], &[]),
    }
}

fn table(results: &Results, scenario: &str, phase: Phase) -> Option<Table> {
    let proxies = results.proxies(scenario, phase);
    if proxies.is_empty() {
        return None;
    }
    let (title, quantities, ratios) = columns(phase);
    // Without a rival there is nothing to divide by.
    let ratios = if proxies.len() > 1 { ratios } else { &[] };
    let quantity_heads = quantities.iter().map(|quantity| quantity.words().to_owned());
    let ratio_heads = ratios.iter().map(|quantity| format!("{}: Tidegate by it", quantity.words()));
    let costs = proxies.iter().any(|name| alone(&proxies, name).is_some());
    let costs_head = costs.then(|| format!("{}: more than without", COST.words()));
    let first = ["proxy".to_owned()].into_iter();
    let head = first.chain(quantity_heads).chain(ratio_heads).chain(costs_head).collect();
    let own = Series { scenario, phase, proxy: Proxy::Tidegate.name() };
    let row = |name: &str| {
        let its = Series { proxy: name, ..own };
        let numbers = quantities
            .iter()
            .map(|quantity| show_spread(results.spread(its, *quantity), |value| show(*quantity, value)));
        let others = ratios.iter().map(|quantity| {
            let ratio = (name != own.proxy).then(|| results.ratio(own, its, *quantity)).flatten();
            show_spread(ratio, ratio_text)
        });
        let cost = alone(&proxies, name)
            .and_then(|alone| results.difference(its, Series { proxy: alone, ..own }, COST));
        let cost = costs.then(|| show_spread(cost, |value| show(COST, value)));
        Row { name: shown(name), cells: numbers.chain(others).chain(cost).collect(), own: name == own.proxy }
    };
    Some(Table { phase, title, head, rows: ordered(&proxies).into_iter().map(row).collect() })
}

/// What a proxy pays for what it has and [`alone`] has not.
const COST: Quantity = Quantity::CpuPerRequest;

/// The same proxy without what a scenario is about: `nginx, 1 route` beside `nginx`.
fn alone<'a>(proxies: &[&'a str], name: &str) -> Option<&'a str> {
    let is_alone = |its: &&str| its.strip_prefix(name).is_some_and(|rest| rest.starts_with(", "));
    proxies.iter().copied().find(is_alone)
}

/// Tidegate first, the bound last: it is no rival.
pub fn ordered<'a>(proxies: &[&'a str]) -> Vec<&'a str> {
    let rank = |name: &str| match name {
        _ if name.starts_with(Proxy::Tidegate.name()) => 0,
        _ if name == Proxy::Floor.name() => 9,
        _ => {
            1 + Proxy::RIVALS
                .iter()
                .rposition(|rival| name.split(',').next().is_some_and(|first| first == rival.name()))
                .unwrap_or(0)
        }
    };
    let mut ordered = proxies.to_vec();
    ordered.sort_by_key(|name| rank(name));
    ordered
}

/// A proxy's name where people read it.
pub fn shown(name: &str) -> String {
    if name == Proxy::Floor.name() { format!("{name} (the bound)") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side_by_side::measurement::Measurement;

    #[test]
    fn a_table() {
        let measurement = |proxy: &str, round, cpu| {
            Measurement::new("s", Phase::Saturation, proxy, round).with(Quantity::CpuPerRequest, cpu)
        };
        let measurements = vec![
            measurement("floor", 1, 8e3),
            measurement("nginx", 1, 20e3),
            measurement("tidegate", 1, 10e3),
            measurement("tidegate", 2, 12e3),
            measurement("nginx", 2, 20e3),
        ];
        let tables = tables(&Results { measurements, ..Results::default() }, "s");
        let names: Vec<&str> = tables[0].rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["tidegate", "nginx", "floor (the bound)"]);
        assert_eq!(tables[0].rows[0].cells[1], "11.0 µs (10.0 µs..12.0 µs)");
        let ratio = tables[0].head.iter().position(|head| head == "CPU per request: Tidegate by it").unwrap();
        assert_eq!(tables[0].rows[1].cells[ratio - 1], "0.55 (0.50..0.60)");
        assert_eq!(tables[0].rows[0].cells[ratio - 1], "–");
        assert_eq!(tables.len(), 1);
    }

    #[test]
    fn a_proxy_beside_itself() {
        let measurement = |proxy: &str, round, cpu| {
            Measurement::new("s", Phase::Saturation, proxy, round).with(Quantity::CpuPerRequest, cpu)
        };
        let measurements = vec![
            measurement("nginx-newest, no limits", 1, 9e3),
            measurement("nginx, no limits", 1, 20e3),
            measurement("nginx", 1, 21e3),
            measurement("nginx", 2, 31e3),
            measurement("nginx, no limits", 2, 28e3),
            measurement("nginx-newest", 2, 9e3),
        ];
        let tables = tables(&Results { measurements, ..Results::default() }, "s");
        assert_eq!(tables[0].head.last().unwrap(), "CPU per request: more than without");
        let cost = |name: &str| {
            let row = tables[0].rows.iter().find(|row| row.name == name).unwrap();
            row.cells.last().unwrap().as_str()
        };
        assert_eq!(cost("nginx"), "2.00 µs (1.00 µs..3.00 µs)");
        assert_eq!(cost("nginx, no limits"), "–");
        assert_eq!(cost("nginx-newest"), "–", "the rounds are not the same");
    }
}
