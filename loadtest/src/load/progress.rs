//! What is shown while a run goes on: one living line on a terminal, a line per second elsewhere. On standard error,
//! so that standard output holds nothing but the result.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::kind::Kind;
use super::run::{self, Slice, Watch};
use super::tally::Tally;
use crate::units::{show_count, show_nanoseconds, show_rate};

/// Seconds between plain lines.
const PLAIN_EVERY: f64 = 1.0;

/// How progress is shown.
pub enum Progress {
    /// Not at all.
    Quiet,
    /// A line from time to time.
    Plain {
        /// When the next is due, in seconds of the run.
        next: f64,
        /// What this line covers.
        window: Window,
    },
    /// A bar that is drawn over.
    Bar(ProgressBar),
}

/// Slices that are shown together.
#[derive(Default)]
pub struct Window {
    slices: Vec<Slice>,
}

impl Progress {
    /// As standard error can show it.
    pub fn new(quiet: bool, duration: Duration, bounded_by_requests: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !io::stderr().is_terminal() {
            return Self::Plain { next: PLAIN_EVERY, window: Window::default() };
        }
        let (bar, template) = if bounded_by_requests {
            (ProgressBar::new_spinner(), "{spinner:.cyan} {elapsed:>4}  {msg}")
        } else {
            let bar = ProgressBar::new(duration.as_millis() as u64);
            (bar, "{bar:24.cyan/dim} {elapsed:>4}  {msg}")
        };
        // The templates are constants; a wrong one would only look plain.
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━━─"),
        );
        Self::Bar(bar)
    }

    /// Leaves the terminal clean.
    pub fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn slice(&mut self, slice: &Slice, so_far: &Tally) {
        let end = slice.begin + slice.length;
        match self {
            Self::Quiet => {}
            Self::Plain { next, window } => {
                window.slices.push(slice.clone());
                if end + 1e-9 >= *next {
                    *next = end + PLAIN_EVERY;
                    // Whoever closed our standard error does not want to know.
                    let _ = writeln!(io::stderr(), "{end:>6.1} s  {}", line(&window.slices, so_far));
                    window.slices.clear();
                }
            }
            Self::Bar(bar) => {
                bar.set_position((end * 1000.0) as u64);
                bar.set_message(line(std::slice::from_ref(slice), so_far));
            }
        }
    }
}

fn line(slices: &[Slice], so_far: &Tally) -> String {
    let seconds: f64 = slices.iter().map(|slice| slice.length).sum();
    let mean = |rate: fn(&Slice) -> f64| {
        slices.iter().map(|slice| rate(slice) * slice.length).sum::<f64>() / seconds
    };
    let got = show_rate(mean(|slice| slice.got));
    let rate = match slices.first().and_then(|slice| slice.asked) {
        Some(_) => format!("asked {:>7} got {got:>7}/s", show_rate(mean(|slice| slice.asked.unwrap_or(0.0)))),
        None => format!("{got:>7}/s"),
    };
    let latency = match run::worst(slices) {
        Some([p50, _, p99, _, most]) => {
            let [p50, p99, most] = [p50, p99, most].map(show_nanoseconds);
            format!("p50 {p50:>7}  p99 {p99:>7}  max {most:>7}")
        }
        None => "no answers".to_owned(),
    };
    format!("{rate}  {latency}{}", errors(so_far))
}

fn errors(so_far: &Tally) -> String {
    let counts: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|kind| so_far.errors_of(*kind) > 0)
        .map(|kind| format!("{} {}", kind.name(), show_count(so_far.errors_of(kind))))
        .collect();
    if counts.is_empty() { String::new() } else { format!("  errors: {}", counts.join(", ")) }
}
