//! What the tests are made of: a running gateway, a raw client, a scriptable origin. No expectations of its own.
//!
//! Every read has a deadline, nothing sleeps to wait for something else, and everything started here ends with the
//! value that stands for it.

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod document;
pub(crate) mod driver;
pub(crate) mod framing;
pub(crate) mod gate;
pub(crate) mod gateway;
pub(crate) mod http2;
pub(crate) mod lines;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod setup;
pub(crate) mod wire;

use std::time::{Duration, Instant};

/// How long anything may take before a test fails. Long, because CI machines are small and run all tests at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until `condition` holds; fails the test when it does not within [`PATIENCE`].
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes that differ from place to place, so that lost, repeated and reordered pieces show.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| ((place * 31) ^ (place >> 8) ^ (place >> 17)) as u8).collect()
}
