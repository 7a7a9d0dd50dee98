//! The clocks that everything decides by.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tidegate_core::clock::Now;

/// Reads both clocks. The monotonic one has the same start on all threads, since what shards hold of a limit moves between
/// them with its time.
pub(crate) fn now() -> Now {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let monotonic_ns = STARTED.get_or_init(Instant::now).elapsed().as_nanos() as u64;
    Now { unix_ms, monotonic_ns }
}
