//! A lane: one thread's share of the requests to one target, and its connections that are free.

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;

use super::plan::{Pace, Plan};
use super::schedule::DueTimes;

/// One thread's share of one target.
pub(super) struct Lane {
    /// Index into the plan's targets.
    pub(super) target: usize,
    /// Slots without a request, in the order in which they became free.
    pub(super) free: VecDeque<u32>,
    dues: Dues,
    /// When the next request is due; `None` when all have been begun.
    next: Option<u64>,
    left: u64,
}

enum Dues {
    Scheduled(DueTimes),
    /// Whenever a slot is free.
    Always,
}

impl Lane {
    /// The lane of a thread and a target.
    pub(super) fn new(plan: &Plan, thread: usize, target: usize, random: Rng) -> Self {
        let (before, share) = plan.share(thread, target);
        let left = plan.requests.map_or(u64::MAX, |requests| part(requests, before, share));
        let mut dues = match &plan.pace {
            Pace::Open(schedule) => {
                Dues::Scheduled(DueTimes::new(Arc::clone(schedule), before, share, random))
            }
            Pace::Closed => Dues::Always,
        };
        let next = if left == 0 { None } else { dues.next() };
        Self { target, free: VecDeque::new(), dues, next, left }
    }

    /// When the next request is due; a time in the past if it is late.
    #[inline]
    pub(super) fn next_due(&self) -> Option<u64> {
        self.next
    }

    /// Takes the next request if it is due: when it was due.
    #[inline]
    pub(super) fn take_due(&mut self, now: u64) -> Option<u64> {
        let due = self.next.filter(|due| *due <= now)?;
        self.left -= 1;
        self.next = if self.left == 0 { None } else { self.dues.next() };
        Some(match self.dues {
            Dues::Scheduled(_) => due,
            Dues::Always => now,
        })
    }

    /// Begins no further request.
    pub(super) fn stop(&mut self) {
        self.next = None;
    }
}

impl Dues {
    #[inline]
    fn next(&mut self) -> Option<u64> {
        match self {
            Self::Scheduled(dues) => dues.next(),
            Self::Always => Some(0),
        }
    }
}

/// What a lane has of a total. The parts of all lanes add up to it.
pub(super) fn part(total: u64, before: f64, share: f64) -> u64 {
    let until = |share: f64| (total as f64 * share).round() as u64;
    until(before + share) - until(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        for (total, shares) in
            [(10, vec![1.0 / 3.0; 3]), (7, vec![0.9, 0.1]), (1, vec![0.25; 4]), (1000, vec![0.001, 0.999])]
        {
            let mut before = 0.0;
            let mut sum = 0;
            for share in shares {
                sum += part(total, before, share);
                before += share;
            }
            assert_eq!(sum, total);
        }
    }
}
