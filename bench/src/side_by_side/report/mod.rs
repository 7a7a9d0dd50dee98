//! A run for people: what [`Report`] says is said by `markdown` and, with pictures, by `html`. `csv` has the rows.

pub mod csv;
pub mod markdown;
pub mod tables;
pub mod text;

use self::tables::Table;
use super::course::load::is_starved;
use super::goals::{Verdict, verdicts};
use super::host::fitness::Finding;
use super::journal::Journal;
use super::measurement::Phase;
use super::scenario::Scenario;
use super::statistics::Results;

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
        warnings.extend(notes(&journal.results, name));
        Self {
            scenario,
            tables: tables::tables(&journal.results, name),
            warnings,
            remarks: of(&journal.remarks),
            commands: of(&journal.commands),
        }
    }
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

/// What the load generator remarked, once for each proxy.
fn notes(results: &Results, scenario: &str) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for it in results.measurements.iter().filter(|it| it.scenario == scenario) {
        let head = format!("{} under {}: ", it.proxy, it.phase.name());
        if let Some(note) = it.notes.first().filter(|_| !notes.iter().any(|known| known.starts_with(&head))) {
            notes.push(format!("{head}{note}"));
        }
    }
    notes
}
