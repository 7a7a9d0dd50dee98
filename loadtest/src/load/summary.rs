//! A run in words, for people.

use std::fmt::Write;

use super::report::{Latency, Report};
use crate::units::{show_bytes, show_count, show_nanoseconds, show_rate};

/// The summary, in the manner of wrk's.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_summary(report, &mut text);
    text
}

fn write_summary(report: &Report, text: &mut String) -> std::fmt::Result {
    let setup = &report.setup;
    writeln!(text, "{:.1} s @ {}", report.seconds, setup.targets.join(", "))?;
    let model = match setup.model {
        "open" => "open loop, latency counted from when each request was due",
        _ => "closed loop: each connection waits for its answer, so stalls count once",
    };
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let (threads, connections) =
        (plural(report.threads.len(), "thread"), plural(setup.connections, "connection"));
    writeln!(text, "  {threads}, {connections}, {model}")?;
    write_latencies(report, text)?;
    let answered = show_count(report.answered);
    writeln!(
        text,
        "  {answered} of {} requests answered, {} read",
        show_count(report.requests),
        show_bytes(report.bytes as f64)
    )?;
    let asked = report.rate_asked.map_or_else(String::new, |asked| format!("  (asked {})", show_rate(asked)));
    writeln!(text, "Requests/sec: {:>12}{asked}", show_rate(report.rate))?;
    writeln!(text, "Transfer/sec: {:>12}", show_bytes(report.bytes as f64 / report.seconds))?;
    if report.handshakes > 0 {
        let (rate, resumed) = (show_rate(report.handshake_rate), show_count(report.handshakes_resumed));
        writeln!(text, "Handshakes/s: {rate:>12}  ({resumed} of {} resumed)", show_count(report.handshakes))?;
    }
    let cpu: f64 = report.threads.iter().map(|thread| thread.cpu_share).sum();
    let per_request = show_nanoseconds(report.cpu_per_request as u64);
    writeln!(text, "Own CPU:      {:>12}  ({per_request} per request)", format!("{:.0} %", cpu * 100.0))?;
    if report.statuses.iter().any(|(status, _)| *status != 200) {
        let statuses: Vec<String> = report
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {}", show_count(*count)))
            .collect();
        writeln!(text, "Statuses:     {}", statuses.join(", "))?;
    }
    write_verdicts(report, text)
}

fn write_latencies(report: &Report, text: &mut String) -> std::fmt::Result {
    write!(text, "               ")?;
    for (name, _) in &report.latency.quantiles {
        write!(text, "{name:>10}")?;
    }
    writeln!(text)?;
    write_quantiles("Latency", &report.latency, text)?;
    if let Some(service) = &report.service {
        write_quantiles("from sending", service, text)?;
    }
    if let Some(lateness) = &report.lateness {
        write_quantiles("own lateness", lateness, text)?;
    }
    Ok(())
}

fn write_quantiles(name: &str, latency: &Latency, text: &mut String) -> std::fmt::Result {
    write!(text, "  {name:<13}")?;
    for (_, value) in &latency.quantiles {
        write!(text, "{:>10}", show_nanoseconds(*value))?;
    }
    writeln!(text)
}

fn write_verdicts(report: &Report, text: &mut String) -> std::fmt::Result {
    for objective in &report.objectives {
        let held = if objective.held { "held" } else { "MISSED" };
        writeln!(
            text,
            "Objective {}: {held}, reached {}",
            objective.objective,
            show_nanoseconds(objective.reached)
        )?;
    }
    for failures in &report.errors {
        let allowed = if failures.allowed { " (allowed)" } else { "" };
        writeln!(
            text,
            "Error {}: {} × {}{allowed}",
            failures.kind,
            show_count(failures.count),
            failures.meaning
        )?;
    }
    for note in &report.notes {
        let word = if note.about.is_own_bottleneck() { "BOTTLENECK HERE" } else { "Note" };
        writeln!(text, "{word}: {}", note.text)?;
    }
    Ok(())
}
