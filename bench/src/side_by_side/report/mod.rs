//! A run for people: what [`Report`] says is said by `markdown` and, with pictures, by `html`. `csv` has the rows.

pub mod chart;
pub mod csv;
pub mod html;
pub mod markdown;
pub mod tables;
pub mod text;

use self::tables::Table;
use super::course::load::{CLIENT_SHARE_MAX, is_client_side_full, is_starved};
use super::goals::{Verdict, verdicts};
use super::host::fitness::Finding;
use super::journal::Journal;
use super::measurement::{Phase, Quantity};
use super::scenario::Scenario;
use super::statistics::{Results, Series};

/// Everything there is to say about a run.
#[derive(Debug)]
pub struct Report<'a> {
    /// The numbers.
    pub results: &'a Results,
    /// When it began.
    pub date: String,
    /// How much was measured.
    pub extent: String,
    /// The command line.
    pub command: String,
    /// Why the host did not suit.
    pub unfit: Vec<Finding>,
    /// What else the reader must know about all of it.
    pub warnings: Vec<String>,
    /// Rows about the machine.
    pub host: Vec<(&'static str, String)>,
    /// Proxies with their versions, or how to install them.
    pub proxies: Vec<(&'static str, String)>,
    /// Goals.
    pub verdicts: Vec<Verdict>,
    /// Scenarios.
    pub sections: Vec<Section>,
}

/// A scenario.
#[derive(Debug)]
pub struct Section {
    /// Which.
    pub scenario: &'static Scenario,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What went wrong, or does not compare.
    pub warnings: Vec<String>,
    /// What else to know.
    pub remarks: Vec<String>,
    /// What ran.
    pub commands: Vec<String>,
}

impl<'a> Report<'a> {
    /// Of what the journal has. The rest is left empty, for the caller to fill in.
    pub fn new(journal: &'a Journal, scenarios: &[&'static Scenario]) -> Self {
        let results = &journal.results;
        let ran = |scenario: &&&'static Scenario| {
            results.measurements.iter().any(|it| it.scenario == scenario.name)
        };
        Self {
            results,
            date: String::new(),
            extent: String::new(),
            command: String::new(),
            unfit: Vec::new(),
            warnings: Vec::new(),
            host: Vec::new(),
            proxies: Vec::new(),
            verdicts: verdicts(results),
            sections: scenarios.iter().filter(ran).map(|scenario| Section::new(journal, scenario)).collect(),
        }
    }

    /// Goals that hold, and goals that could be told.
    pub fn score(&self) -> (usize, usize) {
        let told = self.verdicts.iter().filter_map(|verdict| verdict.held);
        (told.clone().filter(|held| *held).count(), told.count())
    }
}

impl Section {
    fn new(journal: &Journal, scenario: &'static Scenario) -> Self {
        let name = scenario.name;
        let of = |all: &[(&'static str, String)]| {
            all.iter().filter(|(its, _)| *its == name).map(|(_, text)| text.clone()).collect()
        };
        let mut warnings = failures(&journal.results, name);
        warnings.extend(starved(&journal.results, scenario));
        warnings.extend(waiting(&journal.results, name));
        warnings.extend(notes(&journal.results, name));
        let mut remarks: Vec<String> = of(&journal.remarks);
        remarks.extend(errors_of_reloads(&journal.results, name));
        Self {
            scenario,
            tables: tables::tables(&journal.results, name),
            warnings,
            remarks,
            commands: of(&journal.commands),
        }
    }
}

fn errors_of_reloads(results: &Results, scenario: &str) -> Option<String> {
    let phase = Phase::Reloading;
    let errors = |proxy: &&str| {
        let all = results.of(Series { scenario, phase, proxy }).filter_map(|it| it.number(Quantity::Failed));
        format!("{proxy} {}", all.sum::<f64>())
    };
    let proxies = results.proxies(scenario, phase);
    let errors: Vec<String> = proxies.iter().map(errors).collect();
    (!errors.is_empty()).then(|| format!("failed requests with reloads, all rounds: {}", errors.join(", ")))
}

fn failures(results: &Results, scenario: &str) -> Vec<String> {
    let of_scenario = results.measurements.iter().filter(|it| it.scenario == scenario);
    of_scenario
        .filter_map(|it| {
            let why = it.failure.as_ref()?;
            Some(format!("FAILED and not counted: {} {}, {}: {why}", it.phase.name(), it.round, it.proxy))
        })
        .collect()
}

/// With one connection nobody is saturated: requests/s are the round trip's time then, and compare.
fn starved(results: &Results, scenario: &Scenario) -> Option<String> {
    let proxies = results.proxies(scenario.name, Phase::Saturation);
    let starved: Vec<&str> =
        proxies.into_iter().filter(|proxy| is_starved(results, scenario.name, proxy)).collect();
    (!starved.is_empty() && scenario.connections > 1).then(|| {
        format!(
            "The load generator and origin were the bottleneck, not the proxy, for {}: it used less than 90 % of its \
             CPU. Requests/s compare nothing there; CPU per request still does.",
            starved.join(", ")
        )
    })
}

/// Latencies that are not the proxy's alone.
fn waiting(results: &Results, scenario: &str) -> Option<String> {
    let phase = Phase::FixedRate;
    let proxies = results.proxies(scenario, phase);
    let full = |proxy: &&str| is_client_side_full(results, Series { scenario, phase, proxy });
    let full: Vec<&str> = proxies.into_iter().filter(full).collect();
    (!full.is_empty()).then(|| {
        format!(
            "At the fixed rate load generator and origin used more than {:.0} % of their CPU with {}: the latencies have \
             their queue in them. A lower --rate-share or more CPUs show the proxy alone.",
            CLIENT_SHARE_MAX * 100.0,
            full.join(", ")
        )
    })
}

/// What the load generator remarked: of itself once for all proxies, of a proxy once for each.
fn notes(results: &Results, scenario: &str) -> Vec<String> {
    let mut said: Vec<(&str, &str, &str, Vec<&str>)> = Vec::new();
    for it in results.measurements.iter().filter(|it| it.scenario == scenario) {
        for note in &it.notes {
            let own = note.about != "target";
            let same = |(about, phase, _, proxies): &&mut (&str, &str, &str, Vec<&str>)| {
                (*about, *phase) == (note.about.as_str(), it.phase.name())
                    && (own || proxies.contains(&it.proxy.as_str()))
            };
            match said.iter_mut().find(same) {
                Some((_, _, _, proxies)) if proxies.contains(&it.proxy.as_str()) => {}
                Some((_, _, _, proxies)) => proxies.push(&it.proxy),
                None => said.push((&note.about, it.phase.name(), &note.text, vec![&it.proxy])),
            }
        }
    }
    let words = |(_, phase, text, proxies): (&str, &str, &str, Vec<&str>)| {
        format!("tidegate-load, {phase}, {}: {text}", proxies.join(", "))
    };
    said.into_iter().map(words).collect()
}
