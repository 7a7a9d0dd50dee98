//! What each command does: joins `config` and `io`, and prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]

use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use tidegate_config::{Diagnostics, Loaded, Settings, Shards};
use tidegate_core::method::{Method, RouteMethod};
use tidegate_core::plan::{Api, Plan, Route};
use tidegate_core::tls::Identity;
use tidegate_core::tls::certificate::{Certificate, validity_text};
use tidegate_io::doctor::{self, Verdict};
use tidegate_io::gateway::{self, Bound, GatewayError, Listener};
use tidegate_io::ring::RingSettings;
use tracing_subscriber::EnvFilter;

/// `tidegate run`
pub(crate) fn run(file: &Path) -> ExitCode {
    log_to_stderr();
    let Some(loaded) = load(file) else { return ExitCode::FAILURE };
    let settings = settings(&loaded.settings);
    let reload = || reload(file, &loaded.settings);
    match gateway::run(loaded.plan, &settings, announce, reload) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate: {error}");
            ExitCode::from(if matches!(error, GatewayError::Forced) { 130 } else { 1 })
        }
    }
}

/// `tidegate check`
pub(crate) fn check(file: &Path) -> ExitCode {
    match load(file) {
        Some(loaded) => {
            let apis = || loaded.plan.apis.iter().filter(|api| !api.is_canary());
            let (apis, routes) = (apis().count(), apis().map(|api| api.routes.len()).sum::<usize>());
            println!("{}: {apis} APIs, {routes} methods, no errors", file.display());
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

/// `tidegate routes`
pub(crate) fn routes(file: &Path) -> ExitCode {
    let Some(loaded) = load(file) else { return ExitCode::FAILURE };
    print!("{}", tidegate_config::routes_table(&loaded));
    ExitCode::SUCCESS
}

/// `tidegate render`: the output, and on the side what is overridden.
pub(crate) fn render(template: &Path, event: &Path, context: Option<&Path>) -> ExitCode {
    match tidegate_config::render_template(template, event, context) {
        Ok(rendered) => {
            for (name, value) in &rendered.overrides {
                eprintln!("$context.{name} = {value}");
            }
            print!("{}", rendered.text);
            ExitCode::SUCCESS
        }
        Err(diagnostics) => {
            print_diagnostics(&diagnostics);
            ExitCode::FAILURE
        }
    }
}

/// `tidegate doctor`
pub(crate) fn doctor(file: &Path) -> ExitCode {
    let findings = doctor::examine();
    for finding in &findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok  ",
            Verdict::Poor => "poor",
            Verdict::Bad => "BAD ",
        };
        println!("{mark}  {}", finding.what);
        if !finding.remedy.is_empty() {
            println!("      help: {}", finding.remedy);
        }
    }
    if findings.iter().any(|finding| finding.verdict == Verdict::Bad) {
        println!("this machine cannot run tidegate yet");
        return ExitCode::FAILURE;
    }
    println!("this machine can run tidegate");
    if file.exists() { certificates(file) } else { ExitCode::SUCCESS }
}

/// What the domains of a configuration present to clients, and its stages to backends, and until when; what is wrong with
/// it goes to standard error.
fn certificates(file: &Path) -> ExitCode {
    let Some(loaded) = load(file) else { return ExitCode::FAILURE };
    let print = |who: &str, identity: &Identity| {
        if let Some(Ok(leaf)) = identity.chain.first().map(|der| Certificate::parse(der)) {
            println!("{who}: the certificate of {} ends on {}", leaf.subject, validity_text(leaf.validity.1));
        }
    };
    for domain in &loaded.plan.tls.domains {
        domain.identities.iter().for_each(|identity| print(&domain.name, identity));
    }
    let presented = loaded.plan.origins.iter().filter_map(|origin| origin.tls.as_ref()?.client.as_deref());
    let presented: HashSet<&Identity> = presented.collect();
    presented.into_iter().for_each(|identity| print("to backends", identity));
    ExitCode::SUCCESS
}

/// `tidegate version`
pub(crate) fn version() -> ExitCode {
    println!("tidegate {}", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).init();
}

/// Compiles the file; prints what is wrong with it, and what may be.
pub(crate) fn load(file: &Path) -> Option<Loaded> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    match tidegate_config::load(file, if host.is_empty() { "localhost" } else { host }) {
        Ok(loaded) => {
            print_diagnostics(&loaded.warnings);
            Some(loaded)
        }
        Err(diagnostics) => {
            print_diagnostics(&diagnostics);
            None
        }
    }
}

fn print_diagnostics(diagnostics: &Diagnostics) {
    let text = diagnostics.render(std::io::stderr().is_terminal());
    if !text.is_empty() {
        eprintln!("{}", text.trim_end());
    }
}

/// The new plan, unless something is wrong with it or it needs a restart.
fn reload(file: &Path, running: &Settings) -> Option<Plan> {
    let loaded = load(file)?;
    if loaded.settings != *running {
        eprintln!("[node] shards, [[listener]], [admin] and [tuning] change only with a restart");
        return None;
    }
    Some(loaded.plan)
}

fn settings(settings: &Settings) -> gateway::Settings {
    let allowed = doctor::allowed_cpus();
    let cpus = match &settings.shards {
        Shards::Auto => allowed,
        Shards::Count(count) => allowed.iter().copied().cycle().take(*count).collect(),
        Shards::Cpus(cpus) => cpus.clone(),
    };
    gateway::Settings {
        cpus,
        listeners: settings
            .listeners
            .iter()
            .map(|listener| Listener { address: listener.address, tls: listener.tls })
            .collect(),
        admin: settings.admin,
        state: settings.state.clone(),
        ring: RingSettings {
            receive_buffers: settings.receive_buffers,
            receive_buffer_bytes: settings.receive_buffer_bytes,
            spin_us: settings.spin_us,
        },
        dns_interval_ms: settings.dns_ttl_ms,
    }
}

fn announce(plan: &Plan, bound: &Bound) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; that is no reason not to serve.
    for (listener, secure) in bound.listeners.iter().zip(&bound.secure) {
        let scheme = if *secure { "https" } else { "http" };
        let _ = writeln!(out, "listening on {scheme}://{listener}");
    }
    if let Some(admin) = bound.admin {
        let _ = writeln!(out, "admin on http://{admin}");
    }
    // By https the example would need to be told whose certificates to believe.
    let plain = bound.listeners.iter().zip(&bound.secure).filter(|(_, secure)| !**secure);
    let plain: Vec<SocketAddr> = plain.map(|(listener, _)| *listener).collect();
    if let Some(command) = example(plan, &plain).or_else(|| example_by_field(plan, &plain)) {
        let _ = writeln!(out, "try: {command}");
    }
    let _ = out.flush();
}

/// A command that the first API answers to.
fn example(plan: &Plan, listeners: &[SocketAddr]) -> Option<String> {
    let stages = plan.apis.iter().enumerate();
    let mut stages = stages.flat_map(|(api, it)| (0..it.stages.len()).map(move |stage| (api, stage)));
    stages.find_map(|(api, stage)| {
        let path = plain_path(&plan.apis[api])?;
        listeners.iter().find_map(|listener| {
            let prefix = plan.hosts.prefix_at(&listener.ip().to_string(), &plan.apis, api, stage)?;
            Some(format!("curl -i http://{listener}{prefix}{path}"))
        })
    })
}

/// The first path that answers GET and has no parameter; the root only if there is no other.
fn plain_path(api: &Api) -> Option<&str> {
    let answers_get =
        |route: &&Route| matches!(route.method, RouteMethod::Any | RouteMethod::Exactly(Method::Get));
    let paths =
        || api.routes.iter().filter(answers_get).map(|route| api.resources[route.resource].path.as_str());
    paths().find(|path| path.len() > 1 && !path.contains('{')).or_else(|| paths().find(|path| *path == "/"))
}

/// The command for an API that no listener's address names.
fn example_by_field(plan: &Plan, listeners: &[SocketAddr]) -> Option<String> {
    let (listener, api) = (listeners.first()?, plan.apis.first()?);
    let (stage, path) = (&api.stages.first()?.name, plain_path(api)?);
    Some(format!("curl -i -H 'x-apigw-api-id: {}' http://{listener}/{stage}{path}", api.id))
}
