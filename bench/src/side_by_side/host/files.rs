//! The limit on open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises it as far as needed and allowed, for this process and all that it starts. Returns what it is then.
pub fn raise(needed: u64) -> u64 {
    let now = getrlimit(Resource::Nofile);
    let (soft, hard) = (now.current.unwrap_or(u64::MAX), now.maximum.unwrap_or(u64::MAX));
    if soft >= needed {
        return soft;
    }
    // The hard limit only moves for root; the soft one up to the hard one for everybody.
    for hard in [hard.max(needed), hard] {
        let soft = needed.min(hard);
        if setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum: Some(hard) }).is_ok() {
            return soft;
        }
    }
    soft
}
