//! The command line of the test origin.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use fastrand::Rng;
use tidegate_loadtest::origin::options::Options;
use tidegate_loadtest::origin::server;
use tidegate_loadtest::units::show_count;

fn main() -> ExitCode {
    // clap ends the process with 2 on wrong usage.
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "tidegate-origin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop)).map_err(text)?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(text)?;
    }
    let bound = server::bind(&options.listen, usize::from(options.threads))?;
    let addresses = bound.addresses.clone();
    let random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let cpus = options.cpus.as_ref().map(|cpus| cpus.0.as_slice());
    let running = bound.serve(options.behaviour(), cpus, options.connections, random, &stop).map_err(text)?;
    // The kernel queues connections from the bind on, so this may be said now.
    for address in addresses {
        say(&format!("listening on http://{address}"));
    }
    let served = running.join().map_err(text)?;
    say(&format!(
        "served {} requests on {} connections, {} malformed, {} connections over the limit",
        show_count(served.requests),
        show_count(served.connections),
        served.malformed,
        served.refused,
    ));
    Ok(())
}

fn say(line: &str) {
    // Whoever closed our standard output does not want to know.
    let _ = writeln!(io::stdout(), "{line}");
}

fn text(error: io::Error) -> String {
    error.to_string()
}
