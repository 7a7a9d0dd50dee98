//! What the report says about the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cpus::Placement;

/// Rows of a table: name and value.
pub fn describe(placement: &Placement, root: &Path) -> Vec<(&'static str, String)> {
    let cpuinfo = read("/proc/cpuinfo");
    vec![
        ("CPU", cpu_model(&cpuinfo).unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        ("CPUs", format!("{}; {}", cpus(&cpuinfo), placement.words())),
        ("Virtual", if cpuinfo.contains(" hypervisor") { "yes" } else { "no" }.to_owned()),
        ("Memory", memory(&read("/proc/meminfo")).unwrap_or_default()),
        ("Kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease"))),
        ("TCP", format!("{} over loopback", read("/proc/sys/net/ipv4/tcp_congestion_control"))),
        ("Mitigations", mitigations(&vulnerabilities())),
        ("Frequency", frequency()),
        ("Revision", revision(root)),
    ]
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches(['\t', ' ', ':']).to_owned())
}

fn cpus(cpuinfo: &str) -> usize {
    cpuinfo.lines().filter(|line| line.starts_with("processor")).count()
}

fn memory(meminfo: &str) -> Option<String> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: f64 = total.trim().split(' ').next()?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

/// Names of known weaknesses with the kernel's words about each.
fn vulnerabilities() -> Vec<(String, String)> {
    let folder = fs::read_dir("/sys/devices/system/cpu/vulnerabilities").into_iter().flatten().flatten();
    let mut all: Vec<(String, String)> = folder
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), text.trim().to_owned())
        })
        .collect();
    all.sort();
    all
}

/// Which are mitigated, since those cost time, and which are left open.
fn mitigations(vulnerabilities: &[(String, String)]) -> String {
    let starting = |word: &str| {
        let names = vulnerabilities.iter().filter(|(_, text)| text.starts_with(word));
        names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let or_none = |names: String| if names.is_empty() { "none".to_owned() } else { names };
    format!("on for: {}; open: {}", or_none(starting("Mitigation")), or_none(starting("Vulnerable")))
}

fn frequency() -> String {
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if governor.is_empty() { "not ours to see".to_owned() } else { format!("governor {governor}") }
}

fn revision(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["log", "-1", "--format=%h of %cs"]) else { return "unknown".to_owned() };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{commit}, with uncommitted changes") } else { commit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: Some\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Some CPU @ 3 GHz"));
        assert_eq!((cpus(cpuinfo), cpu_model("")), (2, None));
        assert_eq!(memory("MemTotal:       16777216 kB\n").as_deref(), Some("16.0 GiB"));
    }

    #[test]
    fn mitigations_in_words() {
        let rows = [("a", "Mitigation: PTI"), ("b", "Not affected"), ("c", "Vulnerable: x")];
        let rows = rows.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(mitigations(&rows), "on for: a; open: c");
        assert_eq!(mitigations(&[]), "on for: none; open: none");
    }
}
