//! What a caller is told of its limits, where that is switched on: AWS tells nothing.
//!
//! `Retry-After` (RFC 9110 section 10.2.3), `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).

use super::{Quota, Rate};

const NS_PER_S: u64 = 1_000_000_000;

/// Where a caller stands with its limits. Empty says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Nanoseconds until a refused request may come again.
    pub retry_after_ns: Option<u64>,
    /// The caller's throttle.
    pub throttle: Option<Policy>,
    /// The caller's quota.
    pub quota: Option<Policy>,
}

/// A limit and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Requests in a window (`q`).
    pub quota: u64,
    /// The window in seconds (`w`).
    pub window_s: u64,
    /// Requests that are left (`r`).
    pub remaining: u64,
    /// Seconds until there are as many as can be (`t`).
    pub reset_s: u64,
}

impl Policy {
    /// A throttle with `remaining` tokens, which is full again in `fill_ns`.
    pub(super) fn of_rate(rate: Rate, remaining: u64, fill_ns: u64) -> Self {
        let window_s = rate.fill_ns().div_ceil(NS_PER_S).max(1);
        Self { quota: u64::from(rate.burst()), window_s, remaining, reset_s: fill_ns.div_ceil(NS_PER_S) }
    }

    /// A quota whose period ends in `end_ns`.
    pub(super) fn of_quota(quota: Quota, remaining: u64, end_ns: u64) -> Self {
        let reset_s = end_ns.div_ceil(NS_PER_S);
        Self { quota: u64::from(quota.limit), window_s: quota.period.longest_s(), remaining, reset_s }
    }
}

impl Standing {
    /// Writes the fields.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(retry_after_ns) = self.retry_after_ns.filter(|&nanoseconds| nanoseconds < u64::MAX) {
            out.extend_from_slice(b"Retry-After: ");
            number(retry_after_ns.div_ceil(NS_PER_S).max(1), out);
            out.extend_from_slice(b"\r\n");
        }
        let policies = [("throttle", self.throttle), ("quota", self.quota)];
        let policies = || policies.iter().filter_map(|(name, policy)| Some((*name, (*policy)?)));
        list(
            b"RateLimit-Policy: ",
            policies().map(|(name, it)| (name, ("q", it.quota), ("w", it.window_s))),
            out,
        );
        list(
            b"RateLimit: ",
            policies().map(|(name, it)| (name, ("r", it.remaining), ("t", it.reset_s))),
            out,
        );
    }
}

type Item = (&'static str, (&'static str, u64), (&'static str, u64));

/// A list of strings with two integers each (RFC 9651).
fn list(field: &[u8], items: impl Iterator<Item = Item>, out: &mut Vec<u8>) {
    let mut is_empty = true;
    for (name, one, other) in items {
        out.extend_from_slice(if is_empty { field } else { b", " });
        is_empty = false;
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
        for (key, value) in [one, other] {
            out.push(b';');
            out.extend_from_slice(key.as_bytes());
            out.push(b'=');
            number(value, out);
        }
    }
    if !is_empty {
        out.extend_from_slice(b"\r\n");
    }
}

/// Integers of structured fields have at most 15 digits.
fn number(value: u64, out: &mut Vec<u8>) {
    const MOST: u64 = 999_999_999_999_999;
    out.extend_from_slice(itoa::Buffer::new().format(value.min(MOST)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(standing: Standing, want: &str) {
        let mut out = Vec::new();
        standing.write(&mut out);
        assert_eq!(String::from_utf8(out).as_deref(), Ok(want));
    }

    #[test]
    fn fields() {
        check(Standing::default(), "");
        let policy =
            |quota, window_s, remaining, reset_s| Some(Policy { quota, window_s, remaining, reset_s });
        let throttle = policy(5, 1, 0, 1);
        check(
            Standing { retry_after_ns: Some(100_000_000), throttle, quota: None },
            "Retry-After: 1\r\nRateLimit-Policy: \"throttle\";q=5;w=1\r\nRateLimit: \"throttle\";r=0;t=1\r\n",
        );
        check(
            Standing { retry_after_ns: None, throttle, quota: policy(1000, 86_400, 963, 7200) },
            "RateLimit-Policy: \"throttle\";q=5;w=1, \"quota\";q=1000;w=86400\r\n\
             RateLimit: \"throttle\";r=0;t=1, \"quota\";r=963;t=7200\r\n",
        );
        check(Standing { retry_after_ns: Some(u64::MAX), ..Standing::default() }, "");
        check(
            Standing { retry_after_ns: Some(90 * NS_PER_S + 1), ..Standing::default() },
            "Retry-After: 91\r\n",
        );
    }
}
