//! The command line of the side-by-side runs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tidegate_bench::side_by_side::options::{Options, Task};
use tidegate_bench::side_by_side::{list, run};

fn main() -> ExitCode {
    // clap ends the process with 2 on wrong usage.
    let outcome = match Options::parse().task {
        Task::Run(options) => run::run(&options),
        Task::List(options) => list::list(&options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            let _ = writeln!(io::stderr(), "tidegate-bench: {trouble}");
            ExitCode::FAILURE
        }
    }
}
