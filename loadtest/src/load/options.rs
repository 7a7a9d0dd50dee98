//! The command line of `tidegate-load`, and the plan it asks for.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use super::choice::Law;
use super::kind::Kind;
use super::plan::{CONNECTIONS_MAX, Expected, Pace, Plan, Target, Timeouts};
use super::requests::{self, Field, Wanted, is_token};
use super::schedule::{RUN_MAX, Rate};
use super::security::{Version, Wish};
use super::slo::Objective;
use super::url::Url;
use super::{mix, request_file};
use crate::{cpus, units};

/// Length of a run for which nothing else is said.
const DURATION: Duration = Duration::from_secs(10);
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 100;
/// Slices of the timeline of a usual run.
const SLICES: u32 = 100;
/// The shortest and the longest slice: progress is shown slice by slice.
const SLICE_MIN: Duration = Duration::from_millis(100);
const SLICE_MAX: Duration = Duration::from_secs(1);

/// Sends HTTP requests on a schedule and says how long answers took, counted from when each request was due.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "tidegate-load",
    version,
    after_help = "\
Open loop:    tidegate-load --rate 1000 --duration 30s http://127.0.0.1:8080/
Ramp, steps:  --rate 1000..5000:30s      --rate 1000:10s,2000:10s
Closed loop:  tidegate-load --connections 64 http://127.0.0.1:8080/
Capacity:     tidegate-load --find-max --slo p99=5ms http://127.0.0.1:8080/

Exit code: 0 all went well, 1 requests failed or an objective was missed, 2 wrong usage."
)]
pub struct Options {
    /// Where to send requests: http://host:port/path or https://; several share the load
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,

    /// Open loop: requests per second; 1000, steps 1000:10s,2000:10s or a ramp 1000..5000:30s
    #[arg(short, long, value_name = "RATE", value_parser = Rate::parse, help_heading = "Pace")]
    pub rate: Option<Rate>,
    /// Random arrivals (Poisson) at that rate, as from many independent users
    #[arg(long, requires = "rate", help_heading = "Pace")]
    pub poisson: bool,
    /// Connections. Without --rate, a closed loop: each sends as soon as it has its answer [open loop: 64]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX as i64), help_heading = "Pace")]
    pub connections: Option<u32>,
    /// How long to send requests [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = positive, help_heading = "Pace")]
    pub duration: Option<Duration>,
    /// Send exactly that many requests
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), help_heading = "Pace")]
    pub requests: Option<u64>,
    /// Search the highest rate that holds every --slo
    #[arg(long, requires = "slo", conflicts_with_all = ["requests"], help_heading = "Pace")]
    pub find_max: bool,
    /// An objective: p99=5ms, p99.9=20ms, max=1s; repeat for several. A run that misses one fails
    #[arg(long, value_name = "OBJECTIVE", value_parser = Objective::parse, help_heading = "Pace")]
    pub slo: Vec<Objective>,
    /// Close each connection after that many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pace")]
    pub requests_per_connection: Option<u32>,

    /// HTTP/2, by prior knowledge
    #[arg(long, help_heading = "Requests")]
    pub http2: bool,
    /// Requests at once on each connection of HTTP/2 [default: 100]
    #[arg(long, value_name = "N", requires = "http2", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Requests")]
    pub streams: Option<u32>,

    /// Method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = method, help_heading = "Requests")]
    pub method: Option<String>,
    /// A field, as "name: value"; repeat for several
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = Field::parse, help_heading = "Requests")]
    pub headers: Vec<Field>,
    /// Body
    #[arg(short = 'd', long, value_name = "TEXT", conflicts_with = "body_file", help_heading = "Requests")]
    pub body: Option<String>,
    /// File with the body
    #[arg(long, value_name = "FILE", help_heading = "Requests")]
    pub body_file: Option<PathBuf>,
    /// File of requests, in vegeta's format: `GET http://…`, fields, `@body-file`, an empty line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "body", "body_file"], help_heading = "Requests")]
    pub request_file: Option<PathBuf>,
    /// OpenAPI 2 or 3 document: a mix of valid requests, sent to the URL
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "body", "body_file", "request_file"], help_heading = "Requests")]
    pub openapi: Option<PathBuf>,
    /// tidegate.toml: a mix of valid requests of all its APIs, sent to its first listener (or to the URL)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "body", "body_file", "request_file", "openapi"], help_heading = "Requests")]
    pub config: Option<PathBuf>,
    /// How often an operation of the mix is sent: "GET /pets=10"; others have weight 1, 0 leaves one out
    #[arg(long, value_name = "OPERATION=N", value_parser = mix::weight, help_heading = "Requests")]
    pub weight: Vec<(String, f64)>,
    /// Different values of each parameter, and bodies of each operation, in the mix
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Requests")]
    pub keys: u32,
    /// How they, and API keys, are chosen: uniform, zipf or zipf:1.2
    #[arg(long, value_name = "LAW", default_value = "uniform", value_parser = Law::parse, help_heading = "Requests")]
    pub choice: Law,
    /// An API key, sent as x-api-key; repeat for several
    #[arg(long, value_name = "KEY", help_heading = "Requests")]
    pub api_key: Vec<String>,

    /// Believe certificates of the authorities in this PEM file, not Mozilla's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub ca_file: Option<PathBuf>,
    /// Believe any certificate
    #[arg(long, conflicts_with = "ca_file", help_heading = "TLS")]
    pub insecure: bool,
    /// Begin every session anew instead of resuming an earlier one
    #[arg(long, help_heading = "TLS")]
    pub no_resumption: bool,
    /// Speak only this version [default: 1.3, or 1.2 if the target has no other]
    #[arg(long, value_name = "VERSION", value_enum, help_heading = "TLS")]
    pub tls: Option<Version>,
    /// Ask for this name (SNI) and verify it, instead of the URL's host
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub server_name: Option<String>,

    /// Threads
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Machine")]
    pub threads: Option<u16>,
    /// CPUs to pin the threads to, in turn: 0, 0,2 or 0-3
    #[arg(long, value_name = "CPUS", value_parser = cpus_list, help_heading = "Machine")]
    pub cpus: Option<Cpus>,
    /// Poll instead of sleeping when the next request is due sooner than this: more punctual, a whole CPU per thread
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = units::duration, help_heading = "Machine")]
    pub spin: Duration,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machine")]
    pub seed: u64,

    /// How long a connection may take
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive, help_heading = "Failures")]
    pub connect_timeout: Duration,
    /// How long the begin of an answer may take [default: as --timeout]
    #[arg(long, value_name = "DURATION", value_parser = positive, help_heading = "Failures")]
    pub response_timeout: Option<Duration>,
    /// How long an exchange may take as a whole
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = positive, help_heading = "Failures")]
    pub timeout: Duration,
    /// Statuses that are no failure: 200,404 or 2xx or 200-299 [default: 2xx,3xx]
    #[arg(long, value_name = "STATUSES", value_parser = Expected::parse, help_heading = "Failures")]
    pub expect_status: Option<Expected>,
    /// Failures do not fail the run: all, or these kinds: timeout,reset,…
    #[arg(long, value_name = "KINDS", num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = kinds, help_heading = "Failures")]
    pub allow_errors: Option<Kinds>,

    /// Write the result as JSON to this file, - for standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Write a report as one HTML page
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// A title for the report
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub title: Option<String>,
    /// No progress, only the result
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

/// A list of CPU numbers.
#[derive(Clone, Debug)]
pub struct Cpus(Vec<usize>);

/// Kinds of failures.
#[derive(Clone, Debug)]
pub struct Kinds(Vec<Kind>);

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The world is: exit code 1.
    World(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) | Self::World(why) => f.write_str(why),
        }
    }
}

impl Options {
    /// Whether a failure of that kind fails the run.
    pub fn fails(&self, kind: Kind) -> bool {
        !self.allow_errors.as_ref().is_some_and(|allowed| allowed.0.contains(&kind))
    }

    /// The run that is asked for.
    ///
    /// # Errors
    /// When the command line contradicts itself, a file or host cannot be had.
    pub fn plan(&self) -> Result<Plan, Refusal> {
        let targets = self.targets()?;
        let threads = self.thread_cpus()?;
        let usual = if self.http2 { 1 } else { 64 };
        let connections = self
            .connections
            .map_or(usual.max(threads.len() * targets.len()), |connections| connections as usize);
        if connections < threads.len() * targets.len() {
            return Err(Refusal::Usage(format!(
                "{connections} connections are too few for {} threads and {} targets: each thread needs one to each",
                threads.len(),
                targets.len()
            )));
        }
        let (pace, duration) = self.pace()?;
        let slice = (duration / SLICES).clamp(SLICE_MIN, SLICE_MAX);
        Ok(Plan {
            targets,
            threads,
            connections,
            pace,
            requests: self.requests,
            duration,
            streams: self.http2.then(|| self.streams.unwrap_or(STREAMS)),
            requests_per_connection: self.requests_per_connection,
            timeouts: Timeouts {
                connect: self.connect_timeout,
                response: self.response_timeout.unwrap_or(self.timeout),
                total: self.timeout,
            },
            expected: self.expect_status.clone().unwrap_or_default(),
            // Without a length the slices must be short enough to show progress.
            slice: if self.duration.is_none() && self.requests.is_some() {
                Duration::from_millis(500)
            } else {
                slice
            },
            spin: self.spin,
            seed: self.seed,
        })
    }

    fn pace(&self) -> Result<(Pace, Duration), Refusal> {
        let otherwise = if self.requests.is_some() { RUN_MAX } else { DURATION };
        let duration = self.duration.unwrap_or(otherwise);
        let Some(rate) = &self.rate else {
            if self.connections.is_none() && !self.find_max {
                return Err(Refusal::Usage(
                    "say how fast: --rate 1000 sends on a schedule (open loop), --connections 64 alone waits for \
                     answers (closed loop), --find-max --slo p99=5ms searches"
                        .to_owned(),
                ));
            }
            return Ok((Pace::Closed, duration));
        };
        if rate.has_length() && self.duration.is_some() {
            return Err(Refusal::Usage("--rate already says how long; leave out --duration".to_owned()));
        }
        let schedule = rate.schedule(duration, self.poisson);
        let duration = schedule.duration();
        if duration > RUN_MAX {
            return Err(Refusal::Usage("the steps of --rate last longer than a day".to_owned()));
        }
        Ok((Pace::Open(Arc::new(schedule)), duration))
    }

    fn thread_cpus(&self) -> Result<Vec<Option<usize>>, Refusal> {
        let Some(Cpus(list)) = &self.cpus else {
            return Ok(vec![None; usize::from(self.threads.unwrap_or(1))]);
        };
        let allowed = cpus::allowed();
        if let Some(cpu) = list.iter().find(|cpu| !allowed.contains(cpu)) {
            return Err(Refusal::Usage(format!(
                "--cpus: this process may not run on CPU {cpu}, only on {allowed:?}"
            )));
        }
        let threads = self.threads.map_or(list.len(), usize::from);
        Ok((0..threads).map(|thread| Some(list[thread % list.len()])).collect())
    }

    fn targets(&self) -> Result<Vec<Target>, Refusal> {
        let mut wanted = self.wanted().map_err(Refusal::Usage)?;
        for request in &mut wanted {
            request.fields.extend(self.headers.iter().cloned());
        }
        requests::targets(&wanted, &self.security()).map_err(Refusal::World)
    }

    fn security(&self) -> Wish {
        Wish {
            ca_file: self.ca_file.clone(),
            insecure: self.insecure,
            no_resumption: self.no_resumption,
            version: self.tls,
            server_name: self.server_name.clone(),
            http2: self.http2,
        }
    }

    fn wanted(&self) -> Result<Vec<Wanted>, String> {
        let urls = self.urls.iter().map(|url| Url::parse(url)).collect::<Result<Vec<_>, _>>()?;
        if let Some(path) = &self.request_file {
            return request_file::read(path, at_most_one(&urls, "--request-file")?);
        }
        let mixing = mix::Mixing {
            keys: self.keys as usize,
            law: self.choice,
            seed: self.seed,
            weights: &self.weight,
            api_keys: &self.api_key,
        };
        if let Some(path) = &self.openapi {
            let base =
                at_most_one(&urls, "--openapi")?.ok_or("--openapi needs the URL where the API is served")?;
            return mix::of_openapi(path, base, &mixing);
        }
        if let Some(path) = &self.config {
            return mix::of_config(path, at_most_one(&urls, "--config")?, &mixing);
        }
        if urls.is_empty() {
            return Err("no URL to send requests to".to_owned());
        }
        let body = match (&self.body, &self.body_file) {
            (Some(body), _) => Some(body.clone().into_bytes()),
            (None, Some(path)) => {
                Some(fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?)
            }
            (None, None) => None,
        };
        let method = self.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let fields = mixing.api_key_field().into_iter().collect::<Vec<_>>();
        Ok(urls.into_iter().map(|url| Wanted::plain(url, method, fields.clone(), body.clone())).collect())
    }
}

fn at_most_one<'a>(urls: &'a [Url], option: &str) -> Result<Option<&'a Url>, String> {
    match urls {
        [] => Ok(None),
        [url] => Ok(Some(url)),
        _ => Err(format!("{option} takes one URL at most")),
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    let duration = units::duration(text)?;
    if duration.is_zero() { Err(format!("`{text}` is no time at all")) } else { Ok(duration) }
}

fn method(text: &str) -> Result<String, String> {
    if is_token(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a method")) }
}

fn cpus_list(text: &str) -> Result<Cpus, String> {
    cpus::parse(text).map(Cpus)
}

fn kinds(text: &str) -> Result<Kinds, String> {
    if text == "all" {
        return Ok(Kinds(Kind::ALL.to_vec()));
    }
    let kinds = text.split(',').map(|name| Kind::named(name).ok_or(name)).collect::<Result<Vec<_>, _>>();
    kinds.map(Kinds).map_err(|name| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("no kind of failure is called `{name}`; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &str, want: Result<(), &str>) {
        let words = std::iter::once("tidegate-load").chain(arguments.split_ascii_whitespace());
        let got = match Options::try_parse_from(words) {
            Ok(options) => options.plan().map(|_| ()).map_err(|refusal| refusal.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match want {
            Ok(()) => assert_eq!(got, Ok(()), "{arguments}"),
            Err(part) => {
                assert!(got.as_ref().is_err_and(|error| error.contains(part)), "{arguments}: {got:?}");
            }
        }
    }

    #[test]
    fn command_lines() {
        check("--rate 10 http://127.0.0.1/", Ok(()));
        check("-c 4 http://127.0.0.1/ http://127.0.0.2/", Ok(()));
        check("--rate 1:1s,2:1s http://127.0.0.1/", Ok(()));
        check("--find-max --slo p99=5ms http://127.0.0.1/", Ok(()));
        check("http://127.0.0.1/", Err("say how fast"));
        check("--rate 10", Err("no URL"));
        check("--rate 10 ftp://x", Err("only http://"));
        check("-c 1 https://127.0.0.1/", Ok(()));
        check("-c 1 --insecure --ca-file x https://127.0.0.1/", Err("cannot be used with"));
        check("-c 1 --ca-file /does/not/exist https://127.0.0.1/", Err("cannot read"));
        check("--rate 1:1s --duration 2s http://127.0.0.1/", Err("leave out --duration"));
        check("--find-max http://127.0.0.1/", Err("--slo"));
        check("-c 1 -t 2 http://127.0.0.1/", Err("too few"));
        check("-c 1 http://127.0.0.1/ http://127.0.0.2/", Err("too few"));
        check("-c 1 --allow-errors=luck http://127.0.0.1/", Err("no kind of failure"));
        check("-c 1 --cpus 1000 http://127.0.0.1/", Err("may not run on CPU 1000"));
        check("-c 0 http://127.0.0.1/", Err("0 is not in"));
        check("-c 1 --duration 0s http://127.0.0.1/", Err("no time at all"));
        check("-c 1 --openapi x.yaml", Err("needs the URL"));
        check("-c 1 -H nonsense http://127.0.0.1/", Err("not a field"));
        check("-c 1 http://does-not-exist.invalid/", Err("unknown host"));
    }
}
