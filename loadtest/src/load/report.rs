//! A run in numbers, as JSON and HTML show it and the summary words it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::kind::Kind;
use super::options::Options;
use super::plan::{Pace, Plan};
use super::run::{self, Outcome, Slice, ThreadUse};
use super::verdict::{self, Note};

/// Quantiles that are always given.
pub const QUANTILES: [(&str, f64); 7] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// Points of the timeline: more than a page can show are none the wiser.
const POINTS_MAX: usize = 600;

/// A run in numbers. Times are in nanoseconds unless named otherwise.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `tidegate-load` and its version.
    pub tool: &'static str,
    /// What it is called.
    pub title: String,
    /// The command line.
    pub command: String,
    /// When it ended, in seconds since 1970.
    pub ended_at: u64,
    /// What ran.
    pub setup: Setup,
    /// Seconds over which rates are counted.
    pub seconds: f64,
    /// Requests begun.
    pub requests: u64,
    /// Complete answers.
    pub answered: u64,
    /// Requests that were due and never sent.
    pub unsent: u64,
    /// Connections made.
    pub connections_made: u64,
    /// TLS sessions begun while requests were sent.
    pub handshakes: u64,
    /// Of these, how many went on with an earlier one.
    pub handshakes_resumed: u64,
    /// TLS sessions begun per second.
    pub handshake_rate: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Requests per second asked for, in an open loop.
    pub rate_asked: Option<f64>,
    /// Answers per second.
    pub rate: f64,
    /// From due to complete.
    pub latency: Latency,
    /// From sent to complete, in an open loop.
    pub service: Option<Latency>,
    /// How late tidegate-load itself sent, in an open loop.
    pub lateness: Option<Latency>,
    /// Answers by status.
    pub statuses: Vec<(u16, u64)>,
    /// Failures.
    pub errors: Vec<Failures>,
    /// Objectives.
    pub objectives: Vec<Reached>,
    /// What the reader must know.
    pub notes: Vec<Note>,
    /// tidegate-load's own CPU time per request, in nanoseconds.
    pub cpu_per_request: f64,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// Percentile and latency, for the curve.
    pub curve: Vec<(f64, u64)>,
    /// Seconds of a point of the timeline.
    pub timeline_length: f64,
    /// The timeline.
    pub timeline: Vec<Point>,
    /// Whether nothing failed that should not.
    pub passed: bool,
}

/// What ran.
#[derive(Debug, Serialize)]
pub struct Setup {
    /// `open` or `closed`.
    pub model: &'static str,
    /// `constant` or `poisson`.
    pub arrivals: Option<&'static str>,
    /// Who got requests.
    pub targets: Vec<String>,
    /// Kinds of requests, with their shares.
    pub mix: Vec<(String, f64)>,
    /// Connections.
    pub connections: usize,
    /// Requests on one connection, if not all.
    pub requests_per_connection: Option<u32>,
    /// The machine.
    pub host: String,
}

/// A distribution.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Names and values of [`QUANTILES`].
    pub quantiles: Vec<(&'static str, u64)>,
}

/// Failures of a kind.
#[derive(Debug, Serialize)]
pub struct Failures {
    /// Its name.
    pub kind: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// How many.
    pub count: u64,
    /// Whether `--allow-errors` lets them pass.
    pub allowed: bool,
}

/// An objective and what came of it.
#[derive(Debug, Serialize)]
pub struct Reached {
    /// As written.
    pub objective: String,
    /// What was reached.
    pub reached: u64,
    /// Whether it is within the limit.
    pub held: bool,
}

/// A thread of tidegate-load.
#[derive(Debug, Serialize)]
pub struct Thread {
    /// Its CPU, if pinned.
    pub cpu: Option<usize>,
    /// Share of the time on a CPU.
    pub cpu_share: f64,
    /// Of that, in the kernel.
    pub system_share: f64,
    /// Share of the time ready to run, but waiting for a CPU.
    pub waited_share: f64,
}

/// A point of the timeline.
#[derive(Debug, Serialize)]
pub struct Point {
    /// Seconds since the begin.
    pub second: f64,
    /// Rate asked for.
    pub asked: Option<f64>,
    /// Rate got.
    pub got: f64,
    /// Failures.
    pub errors: u64,
    /// p50, p90, p99, p99.9, most.
    pub latency: Option<[u64; 5]>,
}

impl Report {
    /// From what was asked and what came.
    pub fn new(options: &Options, plan: &Plan, outcome: &Outcome) -> Self {
        let total = &outcome.total;
        let open = matches!(plan.pace, Pace::Open(_));
        let errors: Vec<Failures> =
            Kind::ALL.into_iter().filter_map(|kind| failures(options, outcome, kind)).collect();
        let objectives: Vec<Reached> = options
            .slo
            .iter()
            .map(|objective| {
                let (reached, held) = objective.holds(&total.latency);
                Reached { objective: objective.text.clone(), reached, held }
            })
            .collect();
        let passed =
            errors.iter().all(|failures| failures.allowed) && objectives.iter().all(|reached| reached.held);
        let ran: u64 = outcome.threads.iter().map(|thread| thread.usage.ran).sum();
        let seconds = outcome.seconds(plan);
        Self {
            tool: concat!("tidegate-load ", env!("CARGO_PKG_VERSION")),
            title: options.title.clone().unwrap_or_else(|| title(plan)),
            command: command(),
            ended_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            setup: setup(plan),
            seconds,
            requests: total.begun,
            answered: total.answered,
            unsent: total.unsent,
            connections_made: total.connections,
            handshakes: total.handshakes,
            handshakes_resumed: total.resumed,
            handshake_rate: total.handshakes as f64 / seconds,
            bytes: total.bytes,
            rate_asked: rate_asked(plan, seconds),
            rate: outcome.rate(plan),
            latency: Latency::new(&total.latency),
            service: open.then(|| Latency::new(&total.service)),
            lateness: open.then(|| Latency::new(&total.lateness)),
            statuses: total.statuses().collect(),
            errors,
            objectives,
            notes: verdict::notes(plan, outcome),
            cpu_per_request: ran as f64 / total.begun.max(1) as f64,
            threads: outcome.threads.iter().map(Thread::new).collect(),
            curve: curve(&total.latency),
            timeline_length: plan.slice.as_secs_f64() * slices_per_point(outcome) as f64,
            timeline: outcome.slices.chunks(slices_per_point(outcome)).map(Point::new).collect(),
            passed,
        }
    }

    /// Failures of all kinds.
    pub fn errors_in_all(&self) -> u64 {
        self.errors.iter().map(|failures| failures.count).sum()
    }
}

/// What the schedule asked for until then.
pub fn rate_asked(plan: &Plan, seconds: f64) -> Option<f64> {
    match &plan.pace {
        Pace::Open(schedule) => Some(schedule.rate_between(0.0, seconds)),
        Pace::Closed => None,
    }
}

fn failures(options: &Options, outcome: &Outcome, kind: Kind) -> Option<Failures> {
    let count = outcome.total.errors_of(kind);
    let (name, meaning) = (kind.name(), kind.meaning());
    (count > 0).then(|| Failures { kind: name, meaning, count, allowed: !options.fails(kind) })
}

fn title(plan: &Plan) -> String {
    let more = plan.targets.len() - 1;
    let name = &plan.targets[0].name;
    if more == 0 { format!("Load test of {name}") } else { format!("Load test of {name} and {more} more") }
}

fn command() -> String {
    let quote = |word: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let words = std::env::args().skip(1).map(quote);
    std::iter::once("tidegate-load".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn setup(plan: &Plan) -> Setup {
    Setup {
        model: if matches!(plan.pace, Pace::Open(_)) { "open" } else { "closed" },
        arrivals: match &plan.pace {
            Pace::Open(schedule) => Some(if schedule.is_poisson() { "poisson" } else { "constant" }),
            Pace::Closed => None,
        },
        targets: plan.targets.iter().map(|target| target.name.clone()).collect(),
        mix: plan
            .targets
            .iter()
            .flat_map(|target| {
                let all = target.share;
                target.mix.templates().map(move |(share, template)| (template.label.clone(), share * all))
            })
            .collect(),
        connections: plan.connections,
        requests_per_connection: plan.requests_per_connection,
        host: host(),
    }
}

/// CPU model and kernel, as far as `/proc` says.
fn host() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches(['\t', ' ', ':']);
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cpus} CPUs, {model}, Linux {}", read("/proc/sys/kernel/osrelease").trim())
}

impl Latency {
    fn new(histogram: &hdrhistogram::Histogram<u64>) -> Self {
        Self {
            mean: histogram.mean(),
            deviation: histogram.stdev(),
            quantiles: QUANTILES
                .map(|(name, quantile)| (name, histogram.value_at_quantile(quantile)))
                .to_vec(),
        }
    }
}

impl Latency {
    /// The value of a quantile by its name in [`QUANTILES`].
    pub fn quantile(&self, name: &str) -> u64 {
        self.quantiles.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }
}

impl Thread {
    fn new(thread: &ThreadUse) -> Self {
        let elapsed = (thread.elapsed.as_nanos() as f64).max(1.0);
        Self {
            cpu: thread.cpu,
            cpu_share: thread.usage.ran as f64 / elapsed,
            system_share: thread.usage.system.min(thread.usage.ran) as f64 / elapsed,
            waited_share: thread.usage.waited as f64 / elapsed,
        }
    }
}

/// Slices of a long run are shown together.
fn slices_per_point(outcome: &Outcome) -> usize {
    outcome.slices.len().div_ceil(POINTS_MAX).max(1)
}

impl Point {
    /// Of slices that follow one another, at least one: their mean rate, and the worst of their latencies, so that
    /// what is shown together does not look better than it was.
    fn new(slices: &[Slice]) -> Self {
        let mean = |rate: &dyn Fn(&Slice) -> f64| slices.iter().map(rate).sum::<f64>() / slices.len() as f64;
        let open = slices[0].asked.is_some();
        Self {
            second: slices[0].begin,
            asked: open.then(|| mean(&|slice| slice.asked.unwrap_or(0.0))),
            got: mean(&|slice| slice.got),
            errors: slices.iter().map(|slice| slice.errors).sum(),
            latency: run::worst(slices),
        }
    }
}

/// Percentiles ever closer to 100, as far as there are requests to tell them apart.
fn curve(histogram: &hdrhistogram::Histogram<u64>) -> Vec<(f64, u64)> {
    const STEPS_PER_NINE: f64 = 24.0;
    let nines = (histogram.len().max(1) as f64).log10();
    let steps = (nines * STEPS_PER_NINE).floor() as u32;
    (0..=steps)
        .map(|step| 1.0 - 10f64.powf(-f64::from(step) / STEPS_PER_NINE))
        .map(|quantile| (quantile * 100.0, histogram.value_at_quantile(quantile)))
        .collect()
}
