//! Whether numbers made on this host could be compared, and what to do if not.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::process::family;
use super::super::process::usage::CpuTime;
use super::super::trouble::{Interrupt, Trouble};
use super::files;

/// How long the CPUs are watched.
const WATCH: Duration = Duration::from_secs(1);
/// Others may use that share of a CPU.
const BUSY_MAX: f64 = 0.05;
/// The host may take that share of a CPU away.
const STEAL_MAX: f64 = 0.02;
/// Ports for outgoing connections: a proxy under `connection-per-request` goes through some 20,000 in a second, and the
/// kernel gives one of loopback again after a second.
const PORTS_MIN: u32 = 20_000;

/// Something that makes numbers worthless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Examination<'a> {
    /// CPUs that could be used.
    pub usable: &'a [usize],
    /// CPUs that will be.
    pub used: &'a [usize],
    /// The gateway's binary.
    pub gateway: &'a Path,
    /// Open files that a process may need.
    pub files_needed: u64,
}

impl Examination<'_> {
    /// Looks at everything; takes a second.
    ///
    /// # Errors
    /// When interrupted.
    pub fn run(&self, interrupt: &Interrupt) -> Result<Vec<Finding>, Trouble> {
        let mut findings = Vec::new();
        findings.extend(enough_cpus(self.usable));
        findings.extend(release_build(self.gateway));
        findings.extend(doctor(self.gateway));
        findings.extend(enough_files(files::raise(self.files_needed), self.files_needed));
        findings.extend(enough_ports(&read("/proc/sys/net/ipv4/ip_local_port_range")));
        findings.extend(loopback());
        findings.extend(quiet_cpus(self.used, interrupt)?);
        Ok(findings)
    }
}

fn finding(what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { what: what.into(), remedy: remedy.into() }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn enough_cpus(usable: &[usize]) -> Option<Finding> {
    (usable.len() < 2).then(|| {
        finding(
            format!("{} CPU usable: proxy and load generator would take it from each other", usable.len()),
            "use a machine with two CPUs or more, or widen this process's affinity (`taskset`, cpuset)",
        )
    })
}

/// Cargo's folder names are all there is to tell by.
fn release_build(gateway: &Path) -> Option<Finding> {
    let debug = gateway.parent().and_then(Path::file_name).is_some_and(|name| name == "debug");
    debug.then(|| {
        finding(
            format!("{} is a debug build", gateway.display()),
            "`cargo build --release --workspace`, or --bin-dir with a release build",
        )
    })
}

fn doctor(gateway: &Path) -> Option<Finding> {
    let output = Command::new(gateway).arg("doctor").output().ok()?;
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let bad: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("BAD ")).map(str::trim).collect();
    Some(finding(
        format!("`tidegate doctor`: {}", bad.join("; ")),
        "run `tidegate doctor` and do what it says; without io_uring there is no Tidegate",
    ))
}

fn enough_files(limit: u64, needed: u64) -> Option<Finding> {
    (limit < needed).then(|| {
        finding(
            format!("{limit} open files are allowed, {needed} are needed"),
            format!("`ulimit -n {needed}` as root, or leave out idle-10000"),
        )
    })
}

fn enough_ports(range: &str) -> Option<Finding> {
    let mut numbers = range.split_ascii_whitespace().filter_map(|number| number.parse::<u32>().ok());
    let (first, last) = (numbers.next()?, numbers.next()?);
    let ports = last.saturating_sub(first) + 1;
    (ports < PORTS_MIN).then(|| {
        finding(
            format!("{ports} ports for outgoing connections, {PORTS_MIN} are needed"),
            "`sysctl -w net.ipv4.ip_local_port_range='32768 60999'`",
        )
    })
}

fn loopback() -> Option<Finding> {
    let error = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).err()?;
    Some(finding(format!("cannot listen on 127.0.0.1: {error}"), "`ip link set lo up`"))
}

/// What CPUs did so far, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    idle: u64,
    steal: u64,
}

fn quiet_cpus(cpus: &[usize], interrupt: &Interrupt) -> Result<Vec<Finding>, Trouble> {
    let own = std::process::id();
    let processes: Vec<(u32, CpuTime)> =
        family::all().filter(|pid| *pid != own).map(|pid| (pid, CpuTime::of(&[pid]))).collect();
    let before = read("/proc/stat");
    interrupt.sleep(WATCH)?;
    let after = read("/proc/stat");
    let busiest = processes.iter().map(|(pid, then)| (CpuTime::of(&[*pid]).since(*then).ran, *pid)).max();
    let busiest = busiest.map_or_else(String::new, |(_, pid)| read(&format!("/proc/{pid}/comm")));
    Ok(cpus
        .iter()
        .filter_map(|cpu| Some((*cpu, ticks_of(&before, *cpu)?, ticks_of(&after, *cpu)?)))
        .flat_map(|(cpu, before, after)| quiet(cpu, before, after, busiest.trim()))
        .collect())
}

fn quiet(cpu: usize, before: Ticks, after: Ticks, busiest: &str) -> Vec<Finding> {
    let (busy, steal) = (after.busy.saturating_sub(before.busy), after.steal.saturating_sub(before.steal));
    let all = (busy + steal + after.idle.saturating_sub(before.idle)).max(1) as f64;
    let share = |ticks: u64| ticks as f64 / all;
    let busy = (share(busy) > BUSY_MAX).then(|| {
        finding(
            format!("CPU {cpu} is {:.0} % busy with other work (most of it: {busiest})", share(busy) * 100.0),
            "stop what runs there, or wait until it is done",
        )
    });
    let steal = (share(steal) > STEAL_MAX).then(|| {
        finding(
            format!("the host takes {:.0} % of CPU {cpu} away (steal)", share(steal) * 100.0),
            "use a machine of your own, or wait until its neighbours are quiet",
        )
    });
    busy.into_iter().chain(steal).collect()
}

/// The line of a CPU in `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, …
fn ticks_of(stat: &str, cpu: usize) -> Option<Ticks> {
    let name = format!("cpu{cpu} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    let fields: Vec<u64> = line.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal, ..] = fields[..] else { return None };
    Some(Ticks { busy: user + nice + system + irq + softirq, idle: idle + iowait, steal })
}

/// Share of the CPUs' time that the host took away since they were started, and in total, in ticks.
pub fn stolen(cpus: &[usize]) -> (u64, u64) {
    let stat = read("/proc/stat");
    let all = cpus.iter().filter_map(|cpu| ticks_of(&stat, *cpu));
    all.fold((0, 0), |(steal, total), it| (steal + it.steal, total + it.busy + it.idle + it.steal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_of_proc_stat() {
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(ticks_of(stat, 0), Some(Ticks { busy: 19, idle: 45, steal: 8 }));
        assert_eq!(ticks_of(stat, 1), None);
        assert_eq!(ticks_of(stat, 10).map(|ticks| ticks.busy), Some(5));
    }

    #[test]
    fn quiet_or_not() {
        let before = Ticks { busy: 100, idle: 100, steal: 0 };
        let check = |busy: u64, idle: u64, steal: u64, want: &[&str]| {
            let after = Ticks { busy: 100 + busy, idle: 100 + idle, steal };
            let findings = quiet(1, before, after, "cc1plus");
            assert_eq!(findings.len(), want.len(), "{findings:?}");
            for (finding, part) in findings.iter().zip(want) {
                assert!(finding.what.contains(part), "{finding:?}");
            }
        };
        check(0, 100, 0, &[]);
        check(4, 96, 0, &[]);
        check(50, 50, 0, &["50 % busy with other work (most of it: cc1plus)"]);
        check(0, 90, 10, &["takes 10 % of CPU 1"]);
        check(50, 40, 10, &["busy", "steal"]);
        check(0, 0, 0, &[]);
    }

    #[test]
    fn limits() {
        assert!(enough_cpus(&[0]).is_some() && enough_cpus(&[0, 1]).is_none());
        assert!(enough_files(1024, 4096).is_some() && enough_files(4096, 4096).is_none());
        assert!(enough_ports("1024 2000\n").is_some() && enough_ports("32768\t60999\n").is_none());
        assert!(release_build(Path::new("/x/target/debug/tidegate")).is_some());
        assert!(release_build(Path::new("/x/target/release/tidegate")).is_none());
        assert_eq!(loopback(), None);
    }
}
