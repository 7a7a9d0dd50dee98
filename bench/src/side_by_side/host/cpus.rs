//! Which CPUs there are, and who gets which.

use std::fs;

use rustix::thread::{CpuSet, sched_setaffinity};

/// Who runs where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The proxy under test: one CPU.
    pub proxy: usize,
    /// The load generator.
    pub load: Vec<usize>,
    /// The origin.
    pub origin: Vec<usize>,
}

impl Placement {
    /// Spreads them over the CPUs, as far as there are enough: with two, load generator and origin share one.
    pub fn over(cpus: &[usize]) -> Self {
        let (proxy, load, origin): (usize, &[usize], &[usize]) = match cpus {
            [] => (0, &[0], &[0]),
            [only] => (*only, cpus, cpus),
            [proxy, rest] => (*proxy, &[*rest], &[*rest]),
            [proxy, load, origin] => (*proxy, &[*load], &[*origin]),
            [proxy, load, second, origin, ..] => (*proxy, &[*load, *second], &[*origin]),
        };
        Self { proxy, load: load.to_vec(), origin: origin.to_vec() }
    }

    /// All CPUs in use, once each.
    pub fn all(&self) -> Vec<usize> {
        let mut all = vec![self.proxy];
        for cpu in self.load.iter().chain(&self.origin) {
            if !all.contains(cpu) {
                all.push(*cpu);
            }
        }
        all
    }

    /// In words.
    pub fn words(&self) -> String {
        let list = |cpus: &[usize]| cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        format!(
            "proxy on CPU {}, load generator on CPU {}, origin on CPU {}",
            self.proxy,
            list(&self.load),
            list(&self.origin)
        )
    }
}

/// The CPUs that this process may run on, without those that share a core with the first: whoever runs there would slow
/// the proxy down. If nothing else is left, they stay.
pub fn usable() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = allowed_of(&status);
    let Some(first) = allowed.first() else { return allowed };
    let path = format!("/sys/devices/system/cpu/cpu{first}/topology/thread_siblings_list");
    let siblings = parse(fs::read_to_string(path).unwrap_or_default().trim());
    let apart: Vec<usize> =
        allowed.iter().copied().filter(|cpu| cpu == first || !siblings.contains(cpu)).collect();
    if apart.len() >= 2 { apart } else { allowed }
}

/// The CPUs of `/proc/PID/status`.
pub fn allowed_of(status: &str) -> Vec<usize> {
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map_or_else(Vec::new, parse)
}

/// Keeps this process, which sleeps most of the time, away from the proxy.
pub fn stay_on(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    // Refusal costs a little precision; whether the proxy is pinned is checked apart.
    let _ = sched_setaffinity(None, &set);
}

/// `0-3,6`, as the kernel writes lists of CPUs.
fn parse(list: &str) -> Vec<usize> {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(parse("0-3,6"), vec![0, 1, 2, 3, 6]);
        assert_eq!(parse(""), Vec::<usize>::new());
        assert_eq!(allowed_of("Name:\tx\nCpus_allowed_list:\t0,2\n"), vec![0, 2]);
        assert!(!usable().is_empty());
    }

    #[test]
    fn placements() {
        let check = |cpus: &[usize], proxy: usize, load: &[usize], origin: &[usize]| {
            let want = Placement { proxy, load: load.to_vec(), origin: origin.to_vec() };
            assert_eq!(Placement::over(cpus), want, "{cpus:?}");
        };
        check(&[3], 3, &[3], &[3]);
        check(&[0, 1], 0, &[1], &[1]);
        check(&[0, 1, 2], 0, &[1], &[2]);
        check(&[0, 1, 2, 3, 4], 0, &[1, 2], &[3]);
        assert_eq!(Placement::over(&[0, 1]).all(), vec![0, 1]);
    }
}
