//! A process and its descendants, found in `/proc`.

use std::fs;

/// The process and all its descendants, itself first.
pub fn family(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    closure(root, &parents)
}

/// All processes there are.
pub fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    parent_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 4 of `stat`, second after the command's name.
fn parent_of(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn closure(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, its)| *its == parent).map(|(child, _)| *child));
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        assert_eq!(parent_of("42 (a) b) S 7 42 42"), Some(7));
        assert_eq!(closure(2, &[(1, 0), (2, 1), (3, 2), (4, 3), (5, 1)]), vec![2, 3, 4]);
        assert_eq!(closure(9, &[(1, 0)]), vec![9]);
        assert!(all().any(|pid| pid == std::process::id()));
    }
}
