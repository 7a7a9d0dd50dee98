//! `report.md`.

use std::fmt::Write as _;

use super::tables::Table;
use super::{Report, Section};

/// The whole report.
pub fn markdown(report: &Report<'_>) -> String {
    let mut out = format!("# Tidegate side by side\n\n{}. {}\n\n", report.date, report.extent);
    unfit(&mut out, report);
    goals(&mut out, report);
    for section in &report.sections {
        scenario(&mut out, section);
    }
    setup(&mut out, report);
    out
}

// Writing to a string does not fail, so the results of `write!` say nothing.

fn unfit(out: &mut String, report: &Report<'_>) {
    if !report.unfit.is_empty() {
        out.push_str(
            "**This host did not suit, and the run was made anyway. Do not compare these numbers.**\n\n",
        );
        for finding in &report.unfit {
            let _ = writeln!(out, "- **{}**. To do: {}.", finding.what, finding.remedy);
        }
        out.push('\n');
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "**{warning}**\n");
    }
}

fn goals(out: &mut String, report: &Report<'_>) {
    if report.verdicts.is_empty() {
        return;
    }
    let (held, told) = report.score();
    let _ = writeln!(out, "## Goals: {held} of {told} held\n");
    out.push_str("Medians; ratios are medians of those within a round.\n\n| scenario | goal | measured | |\n|---|---|---|---|\n");
    for verdict in &report.verdicts {
        let held = match verdict.held {
            Some(true) => "held",
            Some(false) => "**missed**",
            None => "",
        };
        let _ =
            writeln!(out, "| {} | {} | {} | {held} |", verdict.scenario, verdict.wanted, verdict.measured);
    }
    out.push('\n');
}

fn scenario(out: &mut String, section: &Section) {
    let _ = writeln!(out, "## {}\n\n{}.\n", section.scenario.name, section.scenario.summary);
    for warning in &section.warnings {
        let _ = writeln!(out, "**{}**\n", line(warning));
    }
    for remark in &section.remarks {
        let _ = writeln!(out, "{}.\n", line(remark));
    }
    for it in &section.tables {
        table(out, it);
    }
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "{}:\n\n| {} |", table.title, table.head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(table.head.len()));
    for row in &table.rows {
        let name = if row.own { format!("**{}**", row.name) } else { row.name.clone() };
        let _ = writeln!(out, "| {name} | {} |", row.cells.join(" | "));
    }
    out.push('\n');
}

fn setup(out: &mut String, report: &Report<'_>) {
    out.push_str("## Setup\n\n| | |\n|---|---|\n");
    for (name, value) in report.host.iter().chain(&report.proxies) {
        let _ = writeln!(out, "| {name} | {} |", line(value));
    }
    let _ = writeln!(out, "| Command | `{}` |\n", report.command);
    out.push_str("## Commands\n");
    for section in &report.sections {
        let _ = writeln!(out, "\n{}:\n\n```sh\n{}\n```", section.scenario.name, section.commands.join("\n"));
    }
}

/// A log may have several lines and a bar; a table's cell may not.
fn line(text: &str) -> String {
    text.replace('\n', " / ").replace('|', "\\|")
}
