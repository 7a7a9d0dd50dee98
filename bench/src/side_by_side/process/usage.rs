//! CPU time of a process with all its threads and descendants, as the scheduler counts it.

use std::fs;

/// Nanoseconds of a tick of `/proc/PID/stat`: 100 Hz on every Linux of today, proc(5).
const TICK: u64 = 10_000_000;

/// What processes have used so far, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// On a CPU, to the nanosecond.
    pub ran: u64,
    /// In user space, to the tick.
    user: u64,
    /// In the kernel, to the tick.
    system: u64,
}

impl CpuTime {
    /// Of these processes together. One that has just ended counts as nothing.
    pub fn of(pids: &[u32]) -> Self {
        pids.iter().map(|pid| of_one(*pid)).fold(Self::default(), |sum, one| Self {
            ran: sum.ran + one.ran,
            user: sum.user + one.user,
            system: sum.system + one.system,
        })
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            ran: self.ran.saturating_sub(earlier.ran),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    /// Share of `ran` in user space. The ticks are too coarse to be times, but their ratio is fair.
    pub fn user_share(self) -> f64 {
        let ticks = self.user + self.system;
        if ticks == 0 { 0.5 } else { self.user as f64 / ticks as f64 }
    }
}

fn of_one(pid: u32) -> CpuTime {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (user, system) = ticks(&stat).unwrap_or((0, 0));
    CpuTime { ran: ran(pid), user: user * TICK, system: system * TICK }
}

fn ran(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    threads
        .flatten()
        .filter_map(|thread| ran_of(&fs::read_to_string(thread.path().join("schedstat")).ok()?))
        .sum()
}

/// First of the three numbers of `schedstat`: time on a CPU, in nanoseconds.
fn ran_of(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `stat`. The command's name may hold spaces and parentheses, so count from the last one.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc() {
        assert_eq!(ran_of("1290341 35024 12\n"), Some(1_290_341));
        assert_eq!(ran_of(""), None);
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 120 35 5 6 20 0 1 0 77 0 0";
        assert_eq!(ticks(stat), Some((120, 35)));
        assert_eq!(ticks("7 (cut"), None);
    }

    #[test]
    fn shares() {
        let earlier = CpuTime { ran: 5, user: 10, system: 10 };
        let later = CpuTime { ran: 105, user: 40, system: 20 };
        assert_eq!(later.since(earlier), CpuTime { ran: 100, user: 30, system: 10 });
        assert_eq!(later.since(earlier).user_share(), 0.75);
        assert_eq!(CpuTime::default().user_share(), 0.5);
    }

    #[test]
    fn own_time_grows() {
        let own = [std::process::id()];
        let before = CpuTime::of(&own);
        let mut sum = 0u64;
        while CpuTime::of(&own).since(before).ran < 2_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
