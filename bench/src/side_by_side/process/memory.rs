//! Memory of processes, as the kernel accounts it to them.

use std::fs;

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages present, those shared with others counted in full.
    pub rss: u64,
    /// Pages present, each divided by the number of processes that share it.
    pub pss: u64,
}

impl Memory {
    /// Of these processes together.
    pub fn of(pids: &[u32]) -> Self {
        let read = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        pids.iter()
            .map(|pid| parse(&read(pid)))
            .fold(Self::default(), |sum, one| Self { rss: sum.rss + one.rss, pss: sum.pss + one.pss })
    }
}

fn parse(smaps: &str) -> Memory {
    let bytes = |name: &str| {
        let line = smaps.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
        line.split_ascii_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    Memory { rss: bytes("Rss:"), pss: bytes("Pss:") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaps_rollup() {
        let text = "55e0-7fff ---p 0 00:00 0 [rollup]\nRss:    1234 kB\nPss:   1000 kB\nPss_Dirty: 7 kB\n";
        assert_eq!(parse(text), Memory { rss: 1234 * 1024, pss: 1000 * 1024 });
        assert_eq!(parse(""), Memory::default());
    }

    #[test]
    fn own_memory() {
        let own = Memory::of(&[std::process::id()]);
        assert!(own.pss > 0 && own.rss >= own.pss, "{own:?}");
    }
}
