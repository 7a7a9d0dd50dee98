//! Runs `tidegate-load` and reads what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::process::{Launch, Started};
use super::trouble::{Interrupt, Trouble};

/// How much longer than asked for a run may take: the longest timeout of a request, and some.
const OVERTIME: Duration = Duration::from_secs(30);

/// A run of the load generator.
#[derive(Clone, Debug)]
pub struct Load {
    /// Its binary.
    pub program: PathBuf,
    /// Its CPUs; a thread on each.
    pub cpus: Vec<usize>,
    /// Requests per second, in an open loop.
    pub rate: Option<u32>,
    /// Connections.
    pub connections: u32,
    /// Requests on each.
    pub requests_per_connection: Option<u32>,
    /// How long.
    pub duration: Duration,
    /// Failures are a result and not a failure of the run.
    pub may_fail: bool,
    /// What is asked for, as arguments.
    pub requests: Vec<String>,
    /// Where its report goes.
    pub report: PathBuf,
    /// Where its messages go.
    pub log: PathBuf,
}

/// What `tidegate-load --json` says, as far as it is needed. Times are in nanoseconds.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The command line.
    pub command: String,
    /// Over which rates are counted.
    pub seconds: f64,
    /// Requests begun.
    pub requests: u64,
    /// Complete answers.
    pub answered: u64,
    /// Due and never sent.
    pub unsent: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Answers per second.
    pub rate: f64,
    /// From due to complete.
    pub latency: Latency,
    /// Failures.
    pub errors: Vec<Failures>,
    /// What the reader must know.
    pub notes: Vec<Note>,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// Whether nothing failed that should not.
    pub passed: bool,
    /// All of it, as it was written.
    #[serde(skip)]
    pub text: String,
}

/// A distribution.
#[derive(Clone, Debug, Deserialize)]
pub struct Latency {
    /// Names and values.
    pub quantiles: Vec<(String, u64)>,
}

/// Failures of a kind.
#[derive(Clone, Debug, Deserialize)]
pub struct Failures {
    /// Its name.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// A remark.
#[derive(Clone, Debug, Deserialize)]
pub struct Note {
    /// What it is about.
    pub about: String,
    /// In words.
    pub text: String,
}

/// A thread of the load generator.
#[derive(Clone, Debug, Deserialize)]
pub struct Thread {
    /// Share of the time on a CPU.
    pub cpu_share: f64,
}

impl Load {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self) -> Result<Started, Trouble> {
        self.launch().start()
    }

    /// Waits for its end and reads the report.
    ///
    /// # Errors
    /// When it ends without a report, or never.
    pub fn finish(&self, process: &mut Started, interrupt: &Interrupt) -> Result<Report, Trouble> {
        let status = interrupt.wait_for(self.duration + OVERTIME, || process.ended())?;
        // 0 and 1 come with a report; 1 means that requests failed.
        match status.and_then(|status| status.code()) {
            Some(0 | 1) => read(&self.report, process),
            _ => Err(Trouble::World(format!("tidegate-load failed: {}", process.last_words()))),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of `start` and `finish`.
    pub fn run(&self, interrupt: &Interrupt) -> Result<Report, Trouble> {
        self.finish(&mut self.start()?, interrupt)
    }

    fn launch(&self) -> Launch {
        Launch {
            program: self.program.clone(),
            arguments: self.arguments(),
            folder: PathBuf::from("."),
            cpus: self.cpus.clone(),
            log: self.log.clone(),
        }
    }

    fn arguments(&self) -> Vec<String> {
        // A thread needs a connection.
        let threads = self.cpus.len().min(self.connections as usize);
        let cpus = self.cpus[..threads].iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut arguments = vec![
            format!("--connections={}", self.connections),
            format!("--duration={}ms", self.duration.as_millis()),
            format!("--cpus={cpus}"),
            format!("--json={}", self.report.display()),
            "--quiet".to_owned(),
        ];
        arguments.extend(self.rate.map(|rate| format!("--rate={rate}")));
        arguments
            .extend(self.requests_per_connection.map(|count| format!("--requests-per-connection={count}")));
        arguments.extend(self.may_fail.then(|| "--allow-errors".to_owned()));
        arguments.extend(self.requests.iter().cloned());
        arguments
    }
}

fn read(path: &Path, process: &Started) -> Result<Report, Trouble> {
    let text = fs::read_to_string(path)
        .map_err(|_| Trouble::World(format!("tidegate-load left no report: {}", process.last_words())))?;
    let report = Report { text: text.clone(), ..parse(&text)? };
    // The next run must not find it.
    fs::remove_file(path).map_err(|error| Trouble::writing(path, &error))?;
    Ok(report)
}

fn parse(text: &str) -> Result<Report, Trouble> {
    serde_json::from_str(text)
        .map_err(|error| Trouble::World(format!("the report of tidegate-load: {error}")))
}

impl Report {
    /// The latency of a quantile.
    pub fn quantile(&self, name: &str) -> f64 {
        let found = self.latency.quantiles.iter().find(|(known, _)| known == name);
        found.map_or(f64::NAN, |(_, value)| *value as f64)
    }

    /// Failed requests.
    pub fn failed(&self) -> u64 {
        self.errors.iter().map(|failures| failures.count).sum()
    }

    /// Kinds of failures with their counts, in words.
    pub fn failures(&self) -> String {
        let kinds: Vec<String> =
            self.errors.iter().map(|failures| format!("{} {}", failures.count, failures.kind)).collect();
        kinds.join(", ")
    }

    /// CPUs' worth of time that the load generator used.
    pub fn own_cpu(&self) -> f64 {
        self.threads.iter().map(|thread| thread.cpu_share).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
        "tool": "tidegate-load 0.1.0", "command": "tidegate-load -c 4", "seconds": 0.5,
        "setup": { "model": "closed" }, "requests": 12, "answered": 10, "unsent": 0, "bytes": 760, "rate": 20.0,
        "latency": { "mean": 1.0, "deviation": 1.0, "quantiles": [["p50", 100], ["p99", 900]] },
        "errors": [{ "kind": "reset", "meaning": "…", "count": 2, "allowed": false }],
        "notes": [{ "about": "own_cpu", "text": "busy" }],
        "threads": [{ "cpu": 1, "cpu_share": 0.4, "system_share": 0.1, "waited_share": 0.0 }], "passed": false }"#;

    #[test]
    fn reports() {
        let report = parse(REPORT).unwrap();
        assert_eq!((report.quantile("p99"), report.failed(), report.own_cpu()), (900.0, 2, 0.4));
        assert_eq!(report.failures(), "2 reset");
        assert!(report.quantile("p42").is_nan());
        assert!(parse("{}").is_err());
    }

    #[test]
    fn command_lines() {
        let load = Load {
            program: "tidegate-load".into(),
            cpus: vec![1, 2],
            rate: Some(500),
            connections: 1,
            requests_per_connection: Some(1),
            duration: Duration::from_millis(1500),
            may_fail: true,
            requests: vec!["http://127.0.0.1:1/".to_owned()],
            report: "r.json".into(),
            log: "load.log".into(),
        };
        let want = "--connections=1 --duration=1500ms --cpus=1 --json=r.json --quiet --rate=500 \
                    --requests-per-connection=1 --allow-errors http://127.0.0.1:1/";
        assert_eq!(load.arguments().join(" "), want);
    }
}
