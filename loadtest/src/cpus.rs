//! CPUs of threads: where they run, how much they used, how long they had to wait for one.

use std::fs;
use std::io;
use std::num::NonZeroU64;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};

/// `0`, `0,2` or `0-3,6`: CPU numbers, in this order, without repetition.
///
/// # Errors
/// In words, for the command line.
pub fn parse(text: &str) -> Result<Vec<usize>, String> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            text.parse::<usize>()
                .ok()
                .filter(|cpu| *cpu < CpuSet::MAX_CPU)
                .ok_or_else(|| format!("`{text}` is not a CPU number; write CPUs as 0, 0,2 or 0-3"))
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("the CPU range `{part}` ends before it begins"));
        }
        cpus.extend((first..=last).filter(|cpu| !cpus.contains(cpu)).collect::<Vec<_>>());
    }
    Ok(cpus)
}

/// Puts this thread on one CPU, for as long as it lives.
///
/// # Errors
/// When the process may not run there.
pub fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// The CPUs this process may run on.
pub fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

/// Lets this thread's timers ring on time instead of up to 50 µs late, the kernel's default.
pub fn punctual() {
    // Refusal costs precision, not correctness; the report shows late sends.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// What a thread has used so far, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// On a CPU.
    pub ran: u64,
    /// Ready to run while another thread had the CPU.
    pub waited: u64,
    /// Of `ran`, in the kernel, to the tick (10 ms).
    pub system: u64,
}

impl Usage {
    /// Of the calling thread. Zero where the kernel has no `/proc`.
    pub fn of_this_thread() -> Self {
        let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let mut fields = schedstat.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0));
        let (ran, waited) = (fields.next().unwrap_or(0), fields.next().unwrap_or(0));
        Self { ran, waited, system: system_ticks().unwrap_or(0) * 10_000_000 }
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            ran: self.ran.saturating_sub(earlier.ran),
            waited: self.waited.saturating_sub(earlier.waited),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// Field 15 of `stat`, in the 100 Hz that proc(5) speaks on every Linux of today. The command's name may hold spaces
/// and parentheses, so count from the last one.
fn system_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/thread-self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(12)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(parse("0"), Ok(vec![0]));
        assert_eq!(parse("2,0"), Ok(vec![2, 0]));
        assert_eq!(parse("0-2,1,5"), Ok(vec![0, 1, 2, 5]));
        for wrong in ["", "a", "3-1", "0,", "99999"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn usage_grows() {
        let before = Usage::of_this_thread();
        let mut sum = 0u64;
        while Usage::of_this_thread().since(before).ran < 2_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
