//! Whose fault it is: signs that the numbers show this tool or this machine rather than the target.

use super::kind::Kind;
use super::plan::{Pace, Plan};
use super::run::{Outcome, ThreadUse};
use crate::units::{show_nanoseconds, show_rate};

/// A thread that runs for that share of the time has nothing left to give.
const BUSY_SHARE: f64 = 0.9;
/// A thread that waits for its CPU for that share of the time is disturbed.
const WAITED_SHARE: f64 = 0.05;
/// Sending later than this, for one request in a hundred, spoils the latencies.
const LATE: u64 = 1_000_000;
/// A rate that falls short by more than this was not reached.
const SHORT_SHARE: f64 = 0.02;

/// Something the reader of the numbers must know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// What it is about.
    pub about: About,
    /// In words.
    pub text: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// tidegate-load had no CPU time left.
    OwnCpu,
    /// tidegate-load had to wait for its CPU.
    OwnCpuShared,
    /// tidegate-load sent late.
    OwnLateSends,
    /// This machine ran out of something.
    OwnMachine,
    /// The target did not keep up.
    Target,
}

impl About {
    /// Whether the numbers show tidegate-load's limits rather than the target's.
    pub fn is_own_bottleneck(self) -> bool {
        self != Self::Target
    }
}

/// All notes on a run.
pub fn notes(plan: &Plan, outcome: &Outcome) -> Vec<Note> {
    let mut notes = Vec::new();
    for (index, thread) in outcome.threads.iter().enumerate() {
        notes.extend(cpu(plan, index, thread));
    }
    notes.extend(late_sends(outcome));
    notes.extend(machine(outcome));
    let own = notes.iter().any(|note| note.about.is_own_bottleneck());
    notes.extend(target(plan, outcome, own));
    notes
}

fn cpu(plan: &Plan, index: usize, thread: &ThreadUse) -> Option<Note> {
    let elapsed = thread.elapsed.as_nanos() as f64;
    // A run shorter than a scheduler's tick or two says nothing.
    if elapsed < 50e6 {
        return None;
    }
    let (ran, waited) = (thread.usage.ran as f64 / elapsed, thread.usage.waited as f64 / elapsed);
    let name =
        thread.cpu.map_or_else(|| format!("thread {index}"), |cpu| format!("thread {index} (CPU {cpu})"));
    // A thread that polls is always busy; late sends say whether it was too busy.
    let polls = matches!(plan.pace, Pace::Open(_)) && !plan.spin.is_zero();
    let (about, text) = if ran >= BUSY_SHARE && !polls {
        let advice = "give it more --threads and CPUs";
        (About::OwnCpu, format!("{name} of tidegate-load used {:.0} % of a CPU: {advice}", ran * 100.0))
    } else if waited >= WAITED_SHARE {
        let advice = "pin it elsewhere with --cpus, or move the target";
        (
            About::OwnCpuShared,
            format!(
                "{name} of tidegate-load waited {:.0} % of the time for its CPU, which others use too: {advice}",
                waited * 100.0
            ),
        )
    } else {
        return None;
    };
    Some(Note { about, text })
}

fn late_sends(outcome: &Outcome) -> Option<Note> {
    let late = outcome.total.lateness.value_at_quantile(0.99);
    (late >= LATE).then(|| Note {
        about: About::OwnLateSends,
        text: format!(
            "one request in a hundred left {} or more after it was due although a connection was free: \
             the latencies contain tidegate-load's own delay",
            show_nanoseconds(late)
        ),
    })
}

fn machine(outcome: &Outcome) -> Option<Note> {
    let count = outcome.total.errors_of(Kind::Local);
    (count > 0).then(|| Note {
        about: About::OwnMachine,
        text: format!("{count} connections failed for want of local ports, file descriptors or memory"),
    })
}

fn target(plan: &Plan, outcome: &Outcome, own: bool) -> Option<Note> {
    let Pace::Open(schedule) = &plan.pace else { return None };
    let seconds = outcome.seconds(plan);
    let (asked, got) = (schedule.rate_between(0.0, seconds), outcome.rate(plan));
    let unsent = outcome.total.unsent;
    if unsent == 0 && (got >= asked * (1.0 - SHORT_SHARE) || plan.requests.is_some()) {
        return None;
    }
    let blame = if own {
        "which may be tidegate-load's own doing, see above"
    } else {
        "the target did not keep up, or needs more --connections"
    };
    let text = format!(
        "{} requests/s were asked for and {} answered, {unsent} never sent: {blame}",
        show_rate(asked),
        show_rate(got)
    );
    Some(Note { about: About::Target, text })
}
