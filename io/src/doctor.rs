//! Can this machine run the gateway, and what to do if not.

use std::fs;

use rlimit::Resource;

use crate::ring::probe::{self, Missing};

/// Locked memory that the executor refuses to start below, in bytes.
const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;
/// Open files below which a busy gateway runs out.
const FILES_RECOMMENDED: u64 = 65_536;
/// Completed connections that the kernel should hold for a listener.
const SOMAXCONN_RECOMMENDED: u64 = 4096;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What was looked at, and what was found.
    pub what: String,
    /// What to do about it; empty when nothing.
    pub remedy: String,
}

/// How a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It runs, but not at its best.
    Poor,
    /// It does not run.
    Bad,
}

/// Looks at everything.
pub fn examine() -> Vec<Finding> {
    vec![kernel(), io_uring(), memlock(), files(), cpus(), somaxconn()]
}

/// What must hold to start; raises the limit on open files on the way.
pub(crate) fn check_machine() -> Result<(), Missing> {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let fatal = |finding: Finding| match finding.verdict {
        Verdict::Bad => Err(Missing { what: finding.what, remedy: finding.remedy }),
        Verdict::Good | Verdict::Poor => Ok(()),
    };
    fatal(memlock())?;
    fatal(io_uring())
}

/// The CPUs that this process may run on.
pub fn allowed_cpus() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

fn finding(verdict: Verdict, what: String, remedy: &str) -> Finding {
    let remedy = if verdict == Verdict::Good { String::new() } else { remedy.to_owned() };
    Finding { verdict, what, remedy }
}

fn kernel() -> Finding {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let verdict = if version >= (6, 1) { Verdict::Good } else { Verdict::Bad };
    finding(verdict, format!("kernel {release}"), "use Linux 6.1 or newer")
}

fn io_uring() -> Finding {
    match probe::ring() {
        Ok(()) => finding(Verdict::Good, "io_uring with every operation that is needed".to_owned(), ""),
        Err(missing) => Finding { verdict: Verdict::Bad, what: missing.what, remedy: missing.remedy },
    }
}

fn memlock() -> Finding {
    let (soft, _) = rlimit::getrlimit(Resource::MEMLOCK).unwrap_or((0, 0));
    let verdict = if soft >= MEMLOCK_BYTES_MIN { Verdict::Good } else { Verdict::Bad };
    finding(
        verdict,
        format!("locked memory limit {}", bytes_text(soft)),
        "a shard needs at least 512 KiB of locked memory: raise the limit (`ulimit -l unlimited`, or \
         LimitMEMLOCK=infinity in the systemd unit)",
    )
}

fn bytes_text(bytes: u64) -> String {
    if bytes == u64::MAX { "unlimited".to_owned() } else { format!("{} KiB", bytes / 1024) }
}

fn files() -> Finding {
    let (_, hard) = rlimit::getrlimit(Resource::NOFILE).unwrap_or((0, 0));
    let verdict = if hard >= FILES_RECOMMENDED { Verdict::Good } else { Verdict::Poor };
    finding(
        verdict,
        format!("open files limit {hard}"),
        "every connection is a file: raise the hard limit to 65536 or more (`ulimit -Hn`, or LimitNOFILE= in the \
         systemd unit)",
    )
}

fn cpus() -> Finding {
    let cpus = allowed_cpus();
    let verdict = if cpus.is_empty() { Verdict::Bad } else { Verdict::Good };
    finding(verdict, format!("CPUs {cpus:?}: one shard each by default"), "no CPU is allowed to this process")
}

fn somaxconn() -> Finding {
    let text = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let value = text.trim().parse().unwrap_or(0);
    let verdict = if value >= SOMAXCONN_RECOMMENDED { Verdict::Good } else { Verdict::Poor };
    finding(
        verdict,
        format!("net.core.somaxconn {value}"),
        "bursts of new connections may be refused: `sysctl -w net.core.somaxconn=4096`",
    )
}
