//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum as _};

use super::rival::Proxy;
use super::scenario::{SCENARIOS, Scenario};

/// Tidegate beside other proxies, on one machine, in the same run.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate-bench",
    version,
    after_help = "\
Everything:      tidegate-bench run
One question:    tidegate-bench run keep-alive-64 --against nginx --rounds 11
What there is:   tidegate-bench list

Exit code: 0 measured, 1 not, or not all of it, 2 wrong usage."
)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Measure
    Run(RunOptions),
    /// Show the scenarios, and which proxies are installed
    List(PlaceOptions),
}

/// What to measure, and how.
#[derive(Clone, Debug, Args)]
pub struct RunOptions {
    /// Scenarios [default: all]
    #[arg(value_name = "SCENARIO", value_parser = scenario)]
    pub scenarios: Vec<&'static Scenario>,
    /// Rivals; repeat, or with commas; `none` for Tidegate alone [default: all that are installed]
    #[arg(long, value_name = "RIVAL", value_parser = against, value_delimiter = ',')]
    pub against: Vec<Against>,
    /// How often each proxy is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Length of each measurement
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    pub seconds: Duration,
    /// Latencies are measured at that share of nginx's saturation rate
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = share)]
    pub rate_share: f64,
    /// Folder for everything that is written [default: bench/results/<UTC date and time>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep the report that tidegate-load wrote about each measurement
    #[arg(long)]
    pub keep: bool,
    /// Measure on a host that does not suit; the report says so
    #[arg(long)]
    pub anyway: bool,
    /// Where binaries are.
    #[command(flatten)]
    pub places: PlaceOptions,
}

/// Where binaries are.
#[derive(Clone, Debug, Args)]
pub struct PlaceOptions {
    /// Folder with tidegate, tidegate-load and tidegate-origin; without it they are built
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    /// Another binary of a rival: nginx-newest=/opt/nginx/sbin/nginx; repeat
    #[arg(long, value_name = "RIVAL=FILE", value_parser = binary)]
    pub binary: Vec<(Proxy, PathBuf)>,
}

/// Whom to measure beside Tidegate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Nobody.
    Nobody,
    /// This one.
    Rival(Proxy),
}

impl RunOptions {
    /// The scenarios, in the order of the table.
    pub fn scenarios(&self) -> Vec<&'static Scenario> {
        let wanted = |scenario: &&Scenario| {
            self.scenarios.is_empty() || self.scenarios.iter().any(|it| it.name == scenario.name)
        };
        SCENARIOS.iter().filter(wanted).collect()
    }

    /// Whether this one is to be measured.
    pub fn wants(&self, proxy: Proxy) -> bool {
        self.against.is_empty() || self.names(proxy)
    }

    /// Whether the command line names this one, so that its absence must be said loudly.
    pub fn names(&self, proxy: Proxy) -> bool {
        self.against.contains(&Against::Rival(proxy))
    }
}

fn scenario(name: &str) -> Result<&'static Scenario, String> {
    Scenario::named(name).ok_or_else(|| {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!("there is none of that name; there are {}", names.join(", "))
    })
}

fn against(name: &str) -> Result<Against, String> {
    if name == "none" { Ok(Against::Nobody) } else { rival(name).map(Against::Rival) }
}

fn rival(name: &str) -> Result<Proxy, String> {
    let found = Proxy::from_str(name, false).ok().filter(|proxy| *proxy != Proxy::Tidegate);
    found.ok_or_else(|| {
        let names: Vec<&str> = Proxy::RIVALS.iter().map(|rival| rival.name()).collect();
        format!("`{name}` is no rival; there are {}", names.join(", "))
    })
}

fn binary(text: &str) -> Result<(Proxy, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("write it as nginx=/usr/sbin/nginx")?;
    Ok((rival(name)?, PathBuf::from(path)))
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("write it in seconds, from 0.1 to 3600".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.01..=1.0).contains(&share) => Ok(share),
        _ => Err("write it as a number from 0.01 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<RunOptions, String> {
        let words = ["tidegate-bench", "run"].into_iter().chain(arguments.split_ascii_whitespace());
        match Options::try_parse_from(words).map_err(|error| error.to_string())?.task {
            Task::Run(options) => Ok(options),
            Task::List(_) => Err("list".to_owned()),
        }
    }

    #[test]
    fn defaults() {
        let options = parse("").unwrap();
        assert_eq!(options.scenarios().len(), SCENARIOS.len());
        assert!(Proxy::RIVALS.iter().all(|rival| options.wants(*rival) && !options.names(*rival)));
    }

    #[test]
    fn choices() {
        let options =
            parse("reload keep-alive-1 --against nginx,envoy --against floor --seconds 0.2").unwrap();
        let names: Vec<&str> = options.scenarios().iter().map(|scenario| scenario.name).collect();
        assert_eq!(names, ["keep-alive-1", "reload"]);
        assert!(options.wants(Proxy::Envoy) && options.wants(Proxy::Floor) && !options.wants(Proxy::Haproxy));
        assert_eq!(options.seconds, Duration::from_millis(200));
        let alone = parse("--against none --binary nginx=/x/nginx").unwrap();
        assert!(!Proxy::RIVALS.iter().any(|rival| alone.wants(*rival)));
        assert_eq!(alone.places.binary, [(Proxy::Nginx, PathBuf::from("/x/nginx"))]);
    }

    #[test]
    fn mistakes() {
        let check = |arguments: &str, part: &str| {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(part), "{arguments}: {error}");
        };
        check("luck", "keep-alive-1, keep-alive-64");
        check("--against tidegate", "no rival");
        check("--seconds 0", "0.1 to 3600");
        check("--rounds 0", "1..=1000");
        check("--rate-share 1.1", "0.01 to 1");
        check("--binary nginx", "write it as");
    }
}
