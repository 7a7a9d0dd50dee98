//! Hit ratios on what real caches were asked for. libCacheSim's package carries the traces; .ci/run installs them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use crate::hit_ratio::{check_in, sweep};

/// The ids of a trace, one for each line, numbered in the order in which they come.
fn read(file: &str, requests: usize, id: impl Fn(&str) -> Option<u64>) -> Vec<u32> {
    let path = format!("{}/../.venv/cache-traces/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}; .ci/run installs it"));
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let ids = BufReader::new(lines).lines().filter_map(|line| id(&line.expect("a line")));
    let number = |id| {
        let next = numbers.len() as u32;
        *numbers.entry(id).or_insert(next)
    };
    let trace: Vec<u32> = ids.take(requests).map(number).collect();
    assert_eq!(trace.len(), requests, "{file}");
    trace
}

/// A key-value cache of Twitter's, cluster 52 (OSDI 2020).
#[test]
fn twitter() {
    let key = |line: &str| line.split(", ").nth(1)?.parse().ok();
    let trace = read("twitter_cluster52.csv", 400_000, key);
    check_in(512 << 10, "Twitter, 512 KiB", &trace, 0.0, 0.0);
    check_in(8 << 20, "Twitter, 8 MiB", &trace, 0.0, 0.0);
    sweep("Twitter", &trace, 64..=16_384, 0.1);
}

/// Blocks of a virtual disk of CloudPhysics (FAST 2015).
#[test]
fn cloud_physics() {
    let trace = read("cloudPhysicsIO.txt", 113_000, |line| line.parse().ok());
    check_in(1 << 20, "CloudPhysics, 1 MiB", &trace, 0.0, 0.0);
    check_in(4 << 20, "CloudPhysics, 4 MiB", &trace, 0.0, 0.0);
    sweep("CloudPhysics", &trace, 64..=16_384, 0.1);
}
