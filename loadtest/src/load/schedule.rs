//! When requests are due. A schedule is fixed before the run and never waits for the target: that is what keeps a
//! stall from hiding itself (coordinated omission).
//!
//! The rate over time is a list of segments, constant or ramping. Request number `n` is due when the area under the
//! rate reaches `n`; for Poisson arrivals the steps of `n` are exponential with mean one instead of one, which makes
//! a Poisson process of exactly that rate. Lanes share a schedule: of `K` equal ones each takes every `K`-th request,
//! or an independent Poisson process of a `K`-th of the rate.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::distribution::exponential;
use crate::units;

/// How long a run may last.
pub const RUN_MAX: Duration = units::DURATION_MAX;

/// A rate that changes linearly over a while.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Segment {
    /// Requests per second at its begin and end.
    from: f64,
    to: f64,
    /// Seconds.
    begin: f64,
    length: f64,
    /// Requests due before it begins.
    before: f64,
}

impl Segment {
    fn requests(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.length
    }

    /// Seconds since the run's begin at which `count` requests of this segment have become due.
    fn reaches(&self, count: f64) -> f64 {
        let slope = (self.to - self.from) / self.length;
        // The root of from·t + slope/2·t² = count, in the form that does not cancel for small slopes.
        let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
        self.begin + if count == 0.0 { 0.0 } else { 2.0 * count / (self.from + root) }
    }
}

/// The rate over the time of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    segments: Vec<Segment>,
    poisson: bool,
}

/// The rate as written: each part a rate or a ramp, with its length if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate(Vec<(f64, f64, Option<Duration>)>);

impl Rate {
    /// `1000`, `1000:10s,2000:10s`, `1000..5000:30s`, or any list of steps and ramps.
    ///
    /// # Errors
    /// In words, for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(Self::part).collect::<Result<Vec<_>, _>>()?;
        if parts.len() > 1 && parts.iter().any(|(_, _, length)| length.is_none()) {
            return Err(format!("`{text}` has a step without a length; write steps as 1000:10s,2000:10s"));
        }
        Ok(Self(parts))
    }

    fn part(text: &str) -> Result<(f64, f64, Option<Duration>), String> {
        let (rate, length) = match text.split_once(':') {
            Some((rate, length)) => (rate, Some(units::duration(length)?)),
            None => (text, None),
        };
        if length == Some(Duration::ZERO) {
            return Err(format!("the step `{text}` has no length"));
        }
        match rate.split_once("..") {
            Some((from, to)) => Ok((units::per_second(from)?, units::per_second(to)?, length)),
            None => units::per_second(rate).map(|rate| (rate, rate, length)),
        }
    }

    /// A constant rate.
    pub fn constant(rate: f64) -> Self {
        Self(vec![(rate, rate, None)])
    }

    /// Whether the lengths are written too.
    pub fn has_length(&self) -> bool {
        self.0.iter().all(|(_, _, length)| length.is_some())
    }

    /// The schedule; `duration` is the length of a rate that has none of its own.
    pub fn schedule(&self, duration: Duration, poisson: bool) -> Schedule {
        let mut segments: Vec<Segment> = Vec::with_capacity(self.0.len());
        for &(from, to, length) in &self.0 {
            let (begin, before) = segments
                .last()
                .map_or((0.0, 0.0), |last| (last.begin + last.length, last.before + last.requests()));
            let length = length.unwrap_or(duration).as_secs_f64();
            segments.push(Segment { from, to, begin, length, before });
        }
        Schedule { segments, poisson }
    }
}

impl Schedule {
    /// How long requests become due.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.segments.iter().map(|segment| segment.length).sum())
    }

    /// How many requests become due (on average, for Poisson arrivals).
    pub fn requests(&self) -> f64 {
        self.segments.iter().map(Segment::requests).sum()
    }

    /// Requests per second asked for between two times in seconds.
    pub fn rate_between(&self, begin: f64, end: f64) -> f64 {
        (self.due_before(end) - self.due_before(begin)) / (end - begin)
    }

    fn due_before(&self, seconds: f64) -> f64 {
        self.segments
            .iter()
            .map(|segment| {
                let inside = (seconds - segment.begin).clamp(0.0, segment.length);
                let rate = segment.from + (segment.to - segment.from) * inside / segment.length;
                (segment.from + rate) / 2.0 * inside
            })
            .sum()
    }

    /// Whether arrivals are random.
    pub fn is_poisson(&self) -> bool {
        self.poisson
    }
}

/// The due times of one lane.
pub struct DueTimes {
    schedule: Arc<Schedule>,
    /// Area from one request of this lane to the next.
    step: f64,
    /// Area under the rate at the next due time.
    area: f64,
    segment: usize,
    random: Rng,
}

impl DueTimes {
    /// Those of a lane that has `share` of the requests, after lanes that have `before` of them.
    pub fn new(schedule: Arc<Schedule>, before: f64, share: f64, mut random: Rng) -> Self {
        let step = 1.0 / share;
        // Equal lanes take turns: the rounding keeps them on whole requests.
        let first = before * step;
        let first = if (first - first.round()).abs() < 1e-6 { first.round() } else { first };
        let area = if schedule.poisson { step * exponential(&mut random) } else { first };
        Self { schedule, step, area, segment: 0, random }
    }
}

impl Iterator for DueTimes {
    type Item = u64;

    /// Nanoseconds since the run's begin, never less than before.
    fn next(&mut self) -> Option<u64> {
        let segment = loop {
            let segment = self.schedule.segments.get(self.segment)?;
            if self.area < segment.before + segment.requests() {
                break segment;
            }
            self.segment += 1;
        };
        let due = segment.reaches(self.area - segment.before);
        self.area +=
            if self.schedule.poisson { self.step * exponential(&mut self.random) } else { self.step };
        Some((due * 1e9) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(rate: &str, poisson: bool, lanes: usize) -> Vec<u64> {
        let schedule = Arc::new(Rate::parse(rate).unwrap().schedule(Duration::from_secs(1), poisson));
        let mut dues: Vec<u64> = (0..lanes)
            .flat_map(|lane| {
                let share = 1.0 / lanes as f64;
                DueTimes::new(schedule.clone(), lane as f64 * share, share, Rng::with_seed(lane as u64))
            })
            .collect();
        dues.sort_unstable();
        dues
    }

    #[test]
    fn constant() {
        assert_eq!(dues("4", false, 1), [0, 250_000_000, 500_000_000, 750_000_000]);
        assert_eq!(dues("4", false, 3), dues("4", false, 1), "lanes share it");
        assert_eq!(dues("0.5:4s", false, 1), [0, 2_000_000_000]);
    }

    #[test]
    fn steps() {
        assert_eq!(
            dues("2:1s,4:1s", false, 1),
            [0, 500_000_000, 1_000_000_000, 1_250_000_000, 1_500_000_000, 1_750_000_000]
        );
    }

    #[test]
    fn ramp() {
        let up = dues("0.001..100:10s", false, 2);
        assert_eq!(up.len(), 501, "half of 100 per second for ten seconds, and the one at the begin");
        assert!(up.is_sorted());
        let half = up.iter().filter(|due| **due < 5_000_000_000).count();
        assert!((120..=130).contains(&half), "a quarter is due in the first half: {half}");
        let down = dues("100..50:10s", false, 1);
        assert_eq!(down.len(), 750);
        assert!(*down.last().unwrap() < 10_000_000_000);
    }

    #[test]
    fn poisson_has_the_rate_and_the_spread() {
        let dues = dues("10000:10s", true, 4);
        let count = dues.len() as f64;
        assert!((count - 100_000.0).abs() < 1_500.0, "{count}");
        let gaps: Vec<f64> = dues.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "an exponential's deviation is its mean");
    }

    #[test]
    fn rates_between() {
        let schedule = Rate::parse("100..200:10s,50:10s").unwrap().schedule(Duration::ZERO, false);
        assert_eq!(schedule.rate_between(0.0, 10.0), 150.0);
        assert_eq!(schedule.rate_between(10.0, 20.0), 50.0);
        assert_eq!(schedule.requests(), 2000.0);
        assert_eq!(schedule.duration(), Duration::from_secs(20));
    }

    #[test]
    fn refusals() {
        for wrong in ["", "x", "0", "10:0s", "10,20", "10:1s,20", "1..:3s", "10:5parsecs", "-5"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
