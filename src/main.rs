//! The command line: `tidegate run | check | routes | render | usage | doctor | version`.

mod command;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An API gateway with the semantics of AWS API Gateway, on your own metal.
#[derive(Parser)]
#[command(name = "tidegate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve. SIGHUP reloads; SIGTERM and SIGINT finish what is in flight and stop, a second one stops at once
    Run {
        /// The configuration
        #[arg(default_value = "tidegate.toml")]
        file: PathBuf,
    },
    /// Compile the configuration and report everything that is wrong with it; exit code 0 clean, 1 errors
    Check {
        /// The configuration
        #[arg(default_value = "tidegate.toml")]
        file: PathBuf,
    },
    /// Print what was compiled: method, path, authorisation, limits, cache, integration
    Routes {
        /// The configuration
        #[arg(default_value = "tidegate.toml")]
        file: PathBuf,
    },
    /// Print what each API key has used and has left, day by day; or extend what it has left
    Usage(usage::Arguments),
    /// Render a mapping template for an event, without a gateway: its output, or where it is wrong or fails
    Render {
        /// The template
        #[arg(long)]
        template: PathBuf,
        /// The event: a JSON object with `body`, `pathParameters`, `queryStringParameters`, `headers`, `stageVariables` and
        /// `requestContext`, all optional
        #[arg(long)]
        event: PathBuf,
        /// What `$context` is, a JSON object; by default the event's `requestContext`
        #[arg(long)]
        context: Option<PathBuf>,
    },
    /// Look whether this machine can run the gateway, and what to do if not; and until when certificates are good
    Doctor {
        /// The configuration whose certificates are looked at, if there is one
        #[arg(default_value = "tidegate.toml")]
        file: PathBuf,
    },
    /// Print the version
    Version,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { file } => command::run(&file),
        Command::Check { file } => command::check(&file),
        Command::Routes { file } => command::routes(&file),
        Command::Usage(arguments) => usage::run(&arguments),
        Command::Render { template, event, context } => {
            command::render(&template, &event, context.as_deref())
        }
        Command::Doctor { file } => command::doctor(&file),
        Command::Version => command::version(),
    }
}
