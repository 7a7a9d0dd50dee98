//! How long the host lets a CPU stand still. In a virtual machine no counter says so: whoever looks at the clock all the
//! time sees it jump.

use std::thread;
use std::time::{Duration, Instant};

use super::cpus::stay_on;

/// How long the CPUs are watched.
const WATCH: Duration = Duration::from_secs(2);
/// What takes less may be an interrupt of our own kernel.
const PAUSE_MIN: Duration = Duration::from_micros(200);

/// Pauses of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pauses {
    /// Their share of the time.
    pub share: f64,
    /// The longest, in milliseconds.
    pub longest_ms: f64,
}

impl Pauses {
    /// Watches CPUs, which must have nothing else to do: those of the worst one.
    pub fn watch(cpus: &[usize]) -> Self {
        let watchers: Vec<_> = cpus.iter().map(|cpu| watcher(*cpu, WATCH)).collect();
        let pauses = watchers.into_iter().filter_map(|watcher| watcher.join().ok());
        pauses.max_by(|one, other| one.share.total_cmp(&other.share)).unwrap_or_default()
    }

    /// Whether a request in so many, the slowest, would be slow because of them and not because of a proxy.
    pub fn make_the_slowest(&self, share: f64) -> bool {
        self.share >= share
    }

    /// In words, if they are worth any.
    pub fn words(&self) -> Option<String> {
        (self.share > 0.0).then(|| {
            format!(
                "The host lets a CPU stand still {:.2} % of the time, for up to {:.1} ms: as many of the slowest requests \
                 are its doing",
                self.share * 100.0,
                self.longest_ms
            )
        })
    }

    /// Of the times between two looks at the clock, in all of that time.
    fn of(gaps: impl Iterator<Item = Duration>, all: Duration) -> Self {
        let pauses = gaps.filter(|gap| *gap >= PAUSE_MIN);
        let (sum, longest) = pauses.fold((Duration::ZERO, Duration::ZERO), |(sum, longest), pause| {
            (sum + pause, longest.max(pause))
        });
        Self { share: sum.as_secs_f64() / all.as_secs_f64(), longest_ms: longest.as_secs_f64() * 1e3 }
    }
}

fn watcher(cpu: usize, length: Duration) -> thread::JoinHandle<Pauses> {
    thread::spawn(move || {
        stay_on(cpu);
        let start = Instant::now();
        let mut last = start;
        let gaps = std::iter::from_fn(|| {
            let now = Instant::now();
            (now - start < length).then(|| now - std::mem::replace(&mut last, now))
        });
        Pauses::of(gaps, length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(gaps_us: &[u64], share: f64, longest_ms: f64) {
        let gaps = gaps_us.iter().map(|us| Duration::from_micros(*us));
        assert_eq!(Pauses::of(gaps, Duration::from_secs(1)), Pauses { share, longest_ms });
    }

    #[test]
    fn short_gaps_are_no_pauses() {
        check(&[], 0.0, 0.0);
        check(&[1, 199, 50], 0.0, 0.0);
        check(&[1, 200, 1_800, 3], 0.002, 1.8);
    }

    #[test]
    fn who_makes_the_slowest() {
        let pauses = Pauses { share: 0.002, longest_ms: 4.0 };
        assert!(pauses.make_the_slowest(0.001) && !pauses.make_the_slowest(0.01));
        assert_eq!(Pauses::default().words(), None);
        assert!(!Pauses::default().make_the_slowest(0.001));
        let words = "The host lets a CPU stand still 0.20 % of the time, for up to 4.0 ms: as many of the slowest \
                     requests are its doing";
        assert_eq!(pauses.words().as_deref(), Some(words));
    }

    #[test]
    fn a_cpu_is_watched() {
        let pauses = watcher(super::super::cpus::usable()[0], Duration::from_millis(20)).join();
        assert!(pauses.is_ok_and(|pauses| (0.0..=1.0).contains(&pauses.share)));
    }
}
