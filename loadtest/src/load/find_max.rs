//! `--find-max`: the highest rate that holds every objective.
//!
//! A closed loop first says what the target can do at most; then the rate is halved in on from both sides, open loop,
//! until the interval is small. A rate that fails is tried once more before it counts as failed: one stall of the
//! machine should not decide.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::options::Options;
use super::plan::{Pace, Plan};
use super::run::{self, Outcome, Watch};
use super::schedule::Rate;
use super::verdict::{self, About};

/// How near the answer has to be to the highest rate that holds.
const PRECISION: f64 = 0.02;
/// A bound on the search: 2^-18 of the range is below any precision of use.
const STEPS_MAX: usize = 18;
/// How long the closed loop in front of the search takes at most.
const SATURATION_MAX: Duration = Duration::from_secs(2);
/// A rate that is reached to this share counts as reached.
const REACHED: f64 = 0.98;

/// One rate that was tried.
pub struct Step {
    /// Requests per second.
    pub rate: f64,
    /// Whether every objective held, without failures and at the full rate.
    pub held: bool,
    /// Whether tidegate-load itself was at its limit.
    pub own_bottleneck: bool,
    /// The run.
    pub plan: Plan,
    /// What it gave.
    pub outcome: Outcome,
}

/// What the search found.
pub struct Found {
    /// The best rate that held, if any.
    pub best: Option<Step>,
    /// What a closed loop reached, in requests per second.
    pub saturation: f64,
    /// Whether rates above were out of tidegate-load's own reach.
    pub own_bottleneck: bool,
}

/// Searches. `told` hears of each step.
///
/// # Errors
/// As [`run::run`].
pub fn find_max(
    options: &Options,
    plan: &Plan,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(Duration) -> Box<dyn Watch>,
    told: &mut dyn FnMut(&Step),
) -> io::Result<Found> {
    let duration = plan.duration.min(SATURATION_MAX);
    let closed = Plan { pace: Pace::Closed, duration, ..plan.clone() };
    let outcome = run::run(&closed, stop, &mut *watch(duration))?;
    let saturation = outcome.rate(&closed);
    let mut found = Found { best: None, saturation, own_bottleneck: false };
    let (mut low, mut high) = (0.0, saturation * 1.1);
    for _ in 0..STEPS_MAX {
        if high - low <= high * PRECISION || high < 1.0 || stop.load(Ordering::Relaxed) {
            break;
        }
        let mut step = attempt(options, plan, (low + high) / 2.0, stop, watch)?;
        told(&step);
        if !step.held && !stop.load(Ordering::Relaxed) {
            step = attempt(options, plan, step.rate, stop, watch)?;
            told(&step);
        }
        if step.held {
            low = step.rate;
            found.best = Some(step);
        } else {
            high = step.rate;
            found.own_bottleneck = step.own_bottleneck;
        }
    }
    Ok(found)
}

fn attempt(
    options: &Options,
    plan: &Plan,
    rate: f64,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(Duration) -> Box<dyn Watch>,
) -> io::Result<Step> {
    let schedule = Rate::constant(rate).schedule(plan.duration, options.poisson);
    let plan = Plan { pace: Pace::Open(Arc::new(schedule)), ..plan.clone() };
    let outcome = run::run(&plan, stop, &mut *watch(plan.duration))?;
    let notes = verdict::notes(&plan, &outcome);
    let fails = |kind| options.fails(kind) && outcome.total.errors_of(kind) > 0;
    let held = options.slo.iter().all(|objective| objective.holds(&outcome.total.latency).1)
        && outcome.total.unsent == 0
        && outcome.rate(&plan) >= rate * REACHED
        && !super::kind::Kind::ALL.into_iter().any(fails);
    let own_bottleneck = notes
        .iter()
        .any(|note| matches!(note.about, About::OwnCpu | About::OwnLateSends | About::OwnMachine));
    Ok(Step { rate, held, own_bottleneck, plan, outcome })
}
