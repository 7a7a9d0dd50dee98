//! One measurement, and the quantities that it has.

use std::collections::BTreeMap;

use super::load;
use super::process::memory::Memory;
use super::process::usage::CpuTime;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Closed loop.
    Saturation,
    /// Open loop.
    FixedRate,
    /// Reading the definition.
    Loading,
    /// Connections that wait.
    Idle,
    /// Open loop, nothing else.
    Steady,
    /// Open loop with reloads.
    Reloading,
}

impl Phase {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Saturation => "saturation",
            Self::FixedRate => "fixed-rate",
            Self::Loading => "loading",
            Self::Idle => "idle",
            Self::Steady => "steady",
            Self::Reloading => "reloading",
        }
    }
}

/// Something that has a number. Times are nanoseconds, sizes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Seconds over which rates are counted.
    Seconds,
    /// Requests begun.
    Requests,
    /// Requests that failed.
    Failed,
    /// Requests that were due and never sent.
    Unsent,
    /// Requests per second asked for.
    RateAsked,
    /// Answers per second.
    Rate,
    /// CPU time of the proxy per answer.
    CpuPerRequest,
    /// Of that, in user space.
    UserPerRequest,
    /// Of that, in the kernel.
    SystemPerRequest,
    /// CPU time of the proxy and of the origin per answer.
    CpuWithOriginPerRequest,
    /// CPU time of the proxy by the time that passed.
    CpuShare,
    /// CPU time of the load generator by the time that passed.
    LoadCpuShare,
    /// Use of the CPU of load generator and origin; of the fuller one if they have several.
    ClientCpuShare,
    /// Content by CPU time of the proxy.
    BytesPerCpuSecond,
    /// Median latency.
    P50,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    P999,
    /// Worst latency.
    Worst,
    /// Resident set of the proxy afterwards.
    Rss,
    /// Proportional set of the proxy afterwards.
    Pss,
    /// Proportional set that came with each idle connection.
    PssPerConnection,
    /// Time to read the definition.
    Loading,
    /// Reloads that were asked for.
    Reloads,
}

impl Quantity {
    /// All, in the order of the columns.
    pub const ALL: [Self; 23] = [
        Self::Seconds,
        Self::Requests,
        Self::Failed,
        Self::Unsent,
        Self::RateAsked,
        Self::Rate,
        Self::CpuPerRequest,
        Self::UserPerRequest,
        Self::SystemPerRequest,
        Self::CpuWithOriginPerRequest,
        Self::CpuShare,
        Self::LoadCpuShare,
        Self::ClientCpuShare,
        Self::BytesPerCpuSecond,
        Self::P50,
        Self::P99,
        Self::P999,
        Self::Worst,
        Self::Rss,
        Self::Pss,
        Self::PssPerConnection,
        Self::Loading,
        Self::Reloads,
    ];

    /// Its name in files, unit last.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Requests => "requests",
            Self::Failed => "failed",
            Self::Unsent => "unsent",
            Self::RateAsked => "rate_asked_per_s",
            Self::Rate => "rate_per_s",
            Self::CpuPerRequest => "cpu_per_request_ns",
            Self::UserPerRequest => "user_per_request_ns",
            Self::SystemPerRequest => "system_per_request_ns",
            Self::CpuWithOriginPerRequest => "cpu_with_origin_per_request_ns",
            Self::CpuShare => "cpu_share",
            Self::LoadCpuShare => "load_cpu_share",
            Self::ClientCpuShare => "client_cpu_share",
            Self::BytesPerCpuSecond => "bytes_per_cpu_s",
            Self::P50 => "p50_ns",
            Self::P99 => "p99_ns",
            Self::P999 => "p99.9_ns",
            Self::Worst => "worst_ns",
            Self::Rss => "rss_bytes",
            Self::Pss => "pss_bytes",
            Self::PssPerConnection => "pss_per_connection_bytes",
            Self::Loading => "loading_ns",
            Self::Reloads => "reloads",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Requests => "requests",
            Self::Failed => "errors",
            Self::Unsent => "never sent",
            Self::RateAsked => "requests/s asked for",
            Self::Rate => "requests/s",
            Self::CpuPerRequest => "CPU per request",
            Self::UserPerRequest => "user CPU per request",
            Self::SystemPerRequest => "system CPU per request",
            Self::CpuWithOriginPerRequest => "CPU per request with the origin's",
            Self::CpuShare => "CPU use",
            Self::LoadCpuShare => "CPU use of the load generator",
            Self::ClientCpuShare => "CPU use of load generator and origin",
            Self::BytesPerCpuSecond => "bytes per CPU second",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Worst => "worst latency",
            Self::Rss => "RSS",
            Self::Pss => "PSS",
            Self::PssPerConnection => "memory per connection",
            Self::Loading => "loading time",
            Self::Reloads => "reloads",
        }
    }
}

/// What came of one proxy in one round.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Name of the scenario.
    pub scenario: &'static str,
    /// What was done.
    pub phase: Phase,
    /// Name of the proxy.
    pub proxy: String,
    /// From 1.
    pub round: u32,
    /// The numbers.
    pub numbers: BTreeMap<Quantity, f64>,
    /// Why it does not count.
    pub failure: Option<String>,
    /// What the reader must know.
    pub notes: Vec<load::Note>,
}

impl Measurement {
    /// Without numbers yet.
    pub fn new(scenario: &'static str, phase: Phase, proxy: &str, round: u32) -> Self {
        let (numbers, notes) = (BTreeMap::new(), Vec::new());
        Self { scenario, phase, proxy: proxy.to_owned(), round, numbers, failure: None, notes }
    }

    /// One that did not come to be.
    pub fn failed(mut self, why: impl ToString) -> Self {
        self.failure = Some(why.to_string());
        self
    }

    /// With one number.
    pub fn with(mut self, quantity: Quantity, value: f64) -> Self {
        self.numbers.insert(quantity, value);
        self
    }

    /// With the CPU time of the proxy while the load generator saw this.
    pub fn with_cpu(mut self, report: &load::Report, cpu: CpuTime) -> Self {
        let per_request = cpu.ran as f64 / report.answered.max(1) as f64;
        let user = cpu.user_share();
        self.numbers.extend([
            (Quantity::CpuPerRequest, per_request),
            (Quantity::UserPerRequest, per_request * user),
            (Quantity::SystemPerRequest, per_request * (1.0 - user)),
            (Quantity::CpuShare, cpu.ran as f64 / 1e9 / report.seconds),
            (Quantity::BytesPerCpuSecond, report.bytes as f64 * 1e9 / cpu.ran.max(1) as f64),
        ]);
        self
    }

    /// With what the load generator saw.
    pub fn with_load(mut self, report: &load::Report) -> Self {
        self.numbers.extend([
            (Quantity::Seconds, report.seconds),
            (Quantity::Requests, report.requests as f64),
            (Quantity::Failed, report.failed() as f64),
            (Quantity::Unsent, report.unsent as f64),
            (Quantity::Rate, report.rate),
            (Quantity::LoadCpuShare, report.own_cpu()),
            (Quantity::P50, report.quantile("p50")),
            (Quantity::P99, report.quantile("p99")),
            (Quantity::P999, report.quantile("p99.9")),
            (Quantity::Worst, report.quantile("max")),
        ]);
        if !report.passed {
            self.failure = Some(format!("failed requests: {}", report.failures()));
        }
        // That it waits for a CPU which it shares is the placement's doing and the same for all.
        let worth_saying = |note: &&load::Note| note.about != "own_cpu_shared";
        self.notes.extend(report.notes.iter().filter(worth_saying).cloned());
        self
    }

    /// With the memory of the proxy.
    pub fn with_memory(self, memory: Memory) -> Self {
        self.with(Quantity::Rss, memory.rss as f64).with(Quantity::Pss, memory.pss as f64)
    }

    /// A number.
    pub fn number(&self, quantity: Quantity) -> Option<f64> {
        self.numbers.get(&quantity).copied().filter(|value| value.is_finite())
    }
}
