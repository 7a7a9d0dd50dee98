//! The command line of the load generator.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Parser;
use tidegate_loadtest::load::find_max::{self, Found, Step};
use tidegate_loadtest::load::options::{Options, Refusal};
use tidegate_loadtest::load::plan::Plan;
use tidegate_loadtest::load::progress::Progress;
use tidegate_loadtest::load::report::Report;
use tidegate_loadtest::load::run::{self, Outcome, Watch};
use tidegate_loadtest::load::{html, summary::summary};
use tidegate_loadtest::units::{show_nanoseconds, show_rate};

fn main() -> ExitCode {
    // clap ends the process with 2 on wrong usage.
    let options = Options::parse();
    let (code, error) = match run(&options) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => return ExitCode::FAILURE,
        Err(Refusal::Usage(error)) => (ExitCode::from(2), error),
        Err(Refusal::World(error)) => (ExitCode::FAILURE, error),
    };
    let _ = writeln!(io::stderr(), "tidegate-load: {error}");
    code
}

/// Whether everything went well.
fn run(options: &Options) -> Result<bool, Refusal> {
    let plan = options.plan()?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The first ends the run with what there is, the second the process.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop)).map_err(world)?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(world)?;
    }
    if options.find_max {
        return search(options, &plan, &stop);
    }
    let mut progress = Progress::new(options.quiet, plan.duration, options.requests.is_some());
    let outcome = run::run(&plan, &stop, &mut progress).map_err(world)?;
    progress.finish();
    show(options, &plan, &outcome)
}

fn show(options: &Options, plan: &Plan, outcome: &Outcome) -> Result<bool, Refusal> {
    let report = Report::new(options, plan, outcome);
    let json_to_stdout = options.json.as_deref() == Some(Path::new("-"));
    if !json_to_stdout {
        say(&summary(&report));
    }
    if let Some(path) = &options.json {
        let json =
            serde_json::to_string_pretty(&report).map_err(|error| Refusal::World(error.to_string()))?;
        if json_to_stdout { say(&format!("{json}\n")) } else { write(path, &json)? }
    }
    if let Some(path) = &options.html {
        write(path, &html::page(&report).map_err(Refusal::World)?)?;
    }
    Ok(report.passed)
}

fn search(options: &Options, plan: &Plan, stop: &AtomicBool) -> Result<bool, Refusal> {
    let quiet = options.quiet;
    let mut watch =
        |duration: Duration| -> Box<dyn Watch> { Box::new(Progress::new(quiet, duration, false)) };
    let mut told = |step: &Step| {
        if !quiet {
            let _ = writeln!(io::stderr(), "{}", step_line(options, step));
        }
    };
    let found = find_max::find_max(options, plan, stop, &mut watch, &mut told).map_err(world)?;
    let objectives: Vec<&str> = options.slo.iter().map(|objective| objective.text.as_str()).collect();
    let objectives = objectives.join(", ");
    let Found { best, saturation, own_bottleneck } = found;
    let Some(best) = best else {
        say(&format!("no rate holds {objectives}; a closed loop reached {}/s\n", show_rate(saturation)));
        return Ok(false);
    };
    let passed = show(options, &best.plan, &best.outcome)?;
    if options.json.as_deref() != Some(Path::new("-")) {
        say(&format!("Highest rate that holds {objectives}: {} requests/s\n", show_rate(best.rate)));
        if own_bottleneck {
            say(
                "BOTTLENECK HERE: above this rate tidegate-load itself was at its limit, so the target may do more\n",
            );
        }
    }
    Ok(passed)
}

fn step_line(options: &Options, step: &Step) -> String {
    let reached: Vec<String> = options
        .slo
        .iter()
        .map(|objective| {
            let (reached, _) = objective.holds(&step.outcome.total.latency);
            format!("{} reached {}", objective.text, show_nanoseconds(reached))
        })
        .collect();
    let held = if step.held { "holds" } else { "fails" };
    let own = if step.own_bottleneck { " (tidegate-load at its limit)" } else { "" };
    format!("{:>9}/s {held}: {}{own}", show_rate(step.rate), reached.join(", "))
}

fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    fs::write(path, text).map_err(|error| Refusal::World(format!("cannot write {}: {error}", path.display())))
}

fn say(text: &str) {
    // Whoever closed our standard output does not want to know.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn world(error: io::Error) -> Refusal {
    Refusal::World(error.to_string())
}
