//! What a run leaves behind while it goes: each measurement at once, so that a run that is stopped has not been in vain.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::measurement::{Measurement, Quantity};
use super::report::csv;
use super::report::text::show;
use super::statistics::Results;
use super::trouble::Trouble;

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    /// What was measured.
    pub results: Results,
    /// Scenario and what the reader must know about it.
    pub remarks: Vec<(&'static str, String)>,
    /// Scenario, and a command that ran in it.
    pub commands: Vec<(&'static str, String)>,
    folder: String,
    rows: File,
}

impl Journal {
    /// Begins the file of rows.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(folder: &Path) -> Result<Self, Trouble> {
        let path = &folder.join("raw.csv");
        let mut rows = File::create(path).map_err(|error| Trouble::writing(path, &error))?;
        rows.write_all(csv::header().as_bytes()).map_err(|error| Trouble::writing(path, &error))?;
        Ok(Self {
            results: Results::default(),
            remarks: Vec::new(),
            commands: Vec::new(),
            folder: folder.display().to_string(),
            rows,
        })
    }

    /// Takes a measurement.
    ///
    /// # Errors
    /// When its row cannot be written.
    pub fn record(&mut self, measurement: Measurement) -> Result<(), Trouble> {
        self.rows
            .write_all(csv::row(&measurement).as_bytes())
            .map_err(|error| Trouble::doing("cannot write raw.csv", &error))?;
        say(&line(&measurement));
        self.results.measurements.push(measurement);
        Ok(())
    }

    /// Takes a remark.
    pub fn remark(&mut self, scenario: &'static str, text: String) {
        say(&format!("{scenario}: {text}"));
        self.remarks.push((scenario, text));
    }

    /// Takes a command, once. Files of the run are shown relative to its folder.
    pub fn command(&mut self, scenario: &'static str, command: &str) {
        let entry = (scenario, command.replace(&self.folder, "."));
        if !self.commands.contains(&entry) {
            self.commands.push(entry);
        }
    }
}

/// Tells whoever waits.
pub fn say(line: &str) {
    // Whoever closed our standard error does not want to know.
    let _ = writeln!(io::stderr(), "{line}");
}

fn line(it: &Measurement) -> String {
    let told = [
        Quantity::Rate,
        Quantity::CpuPerRequest,
        Quantity::P50,
        Quantity::P99,
        Quantity::P999,
        Quantity::Loading,
        Quantity::PssPerConnection,
    ];
    let numbers: Vec<String> = told
        .into_iter()
        .filter_map(|quantity| Some(format!("{} {}", quantity.words(), show(quantity, it.number(quantity)?))))
        .collect();
    let head = format!("{} {} {}, {}", it.scenario, it.phase.name(), it.round, it.proxy);
    match &it.failure {
        None => format!("{head}: {}", numbers.join(", ")),
        Some(why) => format!("{head}: FAILED, {why}"),
    }
}
