//! A run: find the proxies, look at the host, measure one scenario after the other, report.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU16;

use super::callers::Pool;
use super::course;
use super::date::Date;
use super::host::cpus::{self, Placement};
use super::host::description::describe;
use super::host::fitness::{self, Examination, Finding};
use super::host::pauses::Pauses;
use super::journal::{Journal, say};
use super::options::{PlaceOptions, RunOptions};
use super::report::{Report, html, markdown};
use super::rival::{Found, Places, Proxy};
use super::scenario::{Course, Scenario};
use super::security::Identity;
use super::stand::Stand;
use super::trouble::{Interrupt, Trouble};

/// What builds Tidegate's binaries.
const BUILD: [&str; 4] = ["cargo", "build", "--release", "--workspace"];
/// Open files of a process beside those that a scenario asks for.
const FILES: u64 = 4096;
/// Share of the CPUs' time that the host may take away during a run without a word.
const STEAL_SHARE_MAX: f64 = 0.02;

/// Whether everything was measured.
///
/// # Errors
/// When nothing could be.
pub fn run(options: &RunOptions) -> Result<bool, Trouble> {
    let date = Date::now();
    let interrupt = Interrupt::install()?;
    let places = places(&options.places)?;
    if options.places.bin_dir.is_none() {
        build(&places)?;
    }
    let searched = search(options, &places)?;
    let versions = searched.iter().map(version).collect();
    let proxies: Vec<Found> = searched.into_iter().filter_map(|(_, found)| found.ok()).collect();
    let scenarios = options.scenarios();
    let usable = cpus::usable();
    let placement = Placement::over(&usable);
    let unfit = examine(options, &scenarios, &usable, &placement, &proxies[0], &interrupt)?;
    let stand = stand(options, date, places, placement, interrupt)?;

    let mut journal = Journal::begin(&stand.out)?;
    journal.results.pauses = Pauses::watch(&stand.placement.all());
    let paused = journal.results.pauses.words();
    paused.iter().for_each(|words| say(words));
    let stolen = fitness::stolen(&stand.placement.all());
    let ended = measure(&stand, &scenarios, &proxies, &mut journal);
    let stolen = steal(stolen, fitness::stolen(&stand.placement.all()));
    // What was measured until a signal came is worth a report, too.
    let broken_off = ended.as_ref().err().map(|trouble| format!("Not all was measured: {trouble}"));
    let report = Report {
        date: date.words(),
        extent: extent(options),
        command: command(),
        unfit,
        warnings: broken_off.into_iter().chain(stolen).chain(paused).collect(),
        host: describe(&stand.placement, &stand.places.root),
        proxies: versions,
        ..Report::new(&journal, &scenarios)
    };
    write(&stand.out, &report)?;
    ended?;
    Ok(journal.results.measurements.iter().all(|it| it.failure.is_none()))
}

fn stand(
    options: &RunOptions,
    date: Date,
    places: Places,
    placement: Placement,
    interrupt: Interrupt,
) -> Result<Stand, Trouble> {
    let out = options.out.clone().unwrap_or_else(|| places.root.join("bench/results").join(date.folder()));
    let out = made(&out)?;
    cpus::stay_on(*placement.origin.last().unwrap_or(&0));
    Ok(Stand {
        out,
        places,
        placement,
        rounds: options.rounds,
        length: options.seconds,
        rate_share: options.rate_share,
        keep: options.keep,
        identity: Identity::make()?,
        pool: Pool::make()?,
        interrupt,
        // Two runs at a time do not try the same ports first.
        next_port: AtomicU16::new((std::process::id() % 10_000) as u16),
    })
}

fn measure(
    stand: &Stand,
    scenarios: &[&'static Scenario],
    proxies: &[Found],
    journal: &mut Journal,
) -> Result<(), Trouble> {
    scenarios.iter().try_for_each(|scenario| course::run(stand, scenario, proxies, journal))
}

fn write(out: &Path, report: &Report<'_>) -> Result<(), Trouble> {
    let write = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| Trouble::writing(&path, &error))
    };
    write("report.md", markdown::markdown(report))?;
    write("report.html", html::page(report)?)?;
    say(&format!("report: {}", out.join("report.html").display()));
    Ok(())
}

/// The repository is where this was built. Binaries are beside this one, unless that is a debug build: the gateway's
/// must not be.
pub(super) fn places(options: &PlaceOptions) -> Result<Places, Trouble> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned();
    let own = env::current_exe().map_err(|error| Trouble::doing("cannot find this program", &error))?;
    let beside = own.parent().unwrap_or(Path::new(".")).to_owned();
    let release = if beside.ends_with("debug") { beside.with_file_name("release") } else { beside };
    let binaries = options.bin_dir.clone().unwrap_or(release);
    let binaries = fs::canonicalize(&binaries).unwrap_or(binaries);
    Ok(Places { root, binaries, given: options.binary.clone() })
}

/// Cargo knows best what is out of date. Without cargo, what is there will do.
fn build(places: &Places) -> Result<(), Trouble> {
    say(&BUILD.join(" "));
    match Command::new(BUILD[0]).args(&BUILD[1..]).current_dir(&places.root).status() {
        Ok(status) if !status.success() => Err(Trouble::World(format!("`{}` failed", BUILD.join(" ")))),
        _ => Ok(()),
    }
}

/// A proxy, or how to install it.
type Search = (Proxy, Result<Found, &'static str>);

/// Tidegate first, then the rivals that are wanted.
fn search(options: &RunOptions, places: &Places) -> Result<Vec<Search>, Trouble> {
    for binary in ["tidegate", "tidegate-load", "tidegate-origin"] {
        if !places.binaries.join(binary).is_file() {
            let (folder, build) = (places.binaries.display(), BUILD.join(" "));
            return Err(Trouble::World(format!("no {binary} in {folder}; build it: `{build}`")));
        }
    }
    let own = Proxy::Tidegate.find(places);
    let own = own.map_err(|_| Trouble::World("`tidegate version` does not work".to_owned()))?;
    let rivals = Proxy::RIVALS.into_iter().filter(|rival| options.wants(*rival));
    let mut searched: Vec<Search> = vec![(Proxy::Tidegate, Ok(own))];
    searched.extend(rivals.map(|rival| (rival, rival.find(places))));
    for (proxy, found) in &searched {
        if let Err(how) = found {
            say(&format!("{proxy} is not installed and left out; install it: {how}"));
        }
    }
    Ok(searched)
}

fn version((proxy, found): &Search) -> (&'static str, String) {
    let text = match found {
        Ok(found) => found.version.clone(),
        Err(how) => format!("not installed: `{how}`"),
    };
    (proxy.name(), text)
}

/// Why this host does not suit. That is an error, unless it is to be done anyway.
fn examine(
    options: &RunOptions,
    scenarios: &[&'static Scenario],
    usable: &[usize],
    placement: &Placement,
    gateway: &Found,
    interrupt: &Interrupt,
) -> Result<Vec<Finding>, Trouble> {
    let examination = Examination {
        usable,
        used: &placement.all(),
        gateway: &gateway.program,
        files_needed: files_needed(scenarios),
    };
    let findings = examination.run(interrupt)?;
    for finding in &findings {
        say(&format!("unfit: {}\n  to do: {}", finding.what, finding.remedy));
    }
    if findings.is_empty() || options.anyway {
        return Ok(findings);
    }
    Err(Trouble::Unfit(
        "numbers made on this host could not be compared; --anyway makes them all the same".to_owned(),
    ))
}

fn files_needed(scenarios: &[&'static Scenario]) -> u64 {
    let idle = scenarios.iter().map(|scenario| match scenario.course {
        Course::Idle(connections) => connections as u64,
        _ => 0,
    });
    idle.max().unwrap_or(0) + FILES
}

fn made(out: &Path) -> Result<PathBuf, Trouble> {
    let configs = out.join("configs");
    fs::create_dir_all(&configs).map_err(|error| Trouble::writing(&configs, &error))?;
    fs::canonicalize(out).map_err(|error| Trouble::writing(out, &error))
}

fn extent(options: &RunOptions) -> String {
    format!(
        "{} round{} of {} s each, interleaved; medians, in brackets the least and the most",
        options.rounds,
        if options.rounds == 1 { "" } else { "s" },
        options.seconds.as_secs_f64()
    )
}

fn command() -> String {
    let words: Vec<String> = env::args().skip(1).collect();
    format!("cargo run --release -p tidegate-bench -- {}", words.join(" "))
}

fn steal(before: (u64, u64), after: (u64, u64)) -> Option<String> {
    let share = (after.0 - before.0) as f64 / (after.1 - before.1).max(1) as f64;
    (share > STEAL_SHARE_MAX)
        .then(|| format!("The host took {:.1} % of these CPUs away during the run (steal)", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        assert_eq!(files_needed(&[]), FILES);
        let idle = Scenario::named("idle-10000").unwrap();
        assert_eq!(files_needed(&[idle]), FILES + 10_000);
    }

    #[test]
    fn steals() {
        assert_eq!(steal((0, 0), (1, 100)), None);
        assert!(steal((0, 0), (5, 100)).unwrap().contains("5.0 %"));
    }
}
