//! API keys and limits, the same for every proxy, and the requests of their callers.

use fastrand::Rng;

/// No proxy reaches this many requests in a second.
const OUT_OF_REACH: u32 = 1_000_000;
/// The largest quota that API Gateway and Tidegate know; HAProxy's counters end there, too.
const QUOTA_MAX: u32 = u32::MAX;
/// Requests in the file from which the load generator draws.
const REQUESTS: usize = 50_000;
/// Every run has the same requests.
const SEED: u64 = 4;

/// What a proxy limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// API keys that are good.
    pub keys: usize,
    /// The one that a second request exceeds; the others, or all, are never reached.
    pub low: Option<Low>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Low {
    /// Requests per second with one key.
    Caller,
    /// Requests per second for one method of the API, by all.
    Method,
    /// Requests with one key in all.
    Quota,
}

impl Low {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Caller, Self::Method, Self::Quota];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "low limit of the caller",
            Self::Method => "low limit of the method",
            Self::Quota => "low quota",
        }
    }
}

impl Limits {
    /// Limits that are never reached.
    pub fn out_of_reach(keys: usize) -> Self {
        Self { keys, low: None }
    }

    /// Requests per second with one key, and as many at once.
    pub fn caller(&self) -> u32 {
        self.unless(Low::Caller, OUT_OF_REACH)
    }

    /// Requests per second for the method, and as many at once.
    pub fn method(&self) -> u32 {
        self.unless(Low::Method, OUT_OF_REACH)
    }

    /// Requests with one key in a month.
    pub fn quota(&self) -> u32 {
        self.unless(Low::Quota, QUOTA_MAX)
    }

    /// Values of the keys that are good.
    pub fn key_values(&self) -> impl Iterator<Item = String> {
        (0..self.keys).map(key)
    }

    fn unless(&self, low: Low, otherwise: u32) -> u32 {
        if self.low == Some(low) { 1 } else { otherwise }
    }
}

/// The value of a key: 40 characters, as API Gateway makes them, and nothing that keys have in common.
pub fn key(index: usize) -> String {
    let mut random = Rng::with_seed(index as u64);
    std::iter::repeat_with(|| random.alphanumeric()).take(40).collect()
}

/// Requests for a path by callers of whom the k-th in the order of fame comes in proportion to 1/k (Zipf's law), in
/// tidegate-load's format. Fame has nothing to do with the order in which proxies are told the keys: what is asked for
/// often does not lie side by side.
pub fn requests(path: &str, keys: usize) -> String {
    let mut random = Rng::with_seed(SEED);
    let mut by_fame: Vec<usize> = (0..keys).collect();
    random.shuffle(&mut by_fame);
    let up_to = shares_up_to(keys);
    let drawn = |_| {
        let point = random.f64();
        // Rounding may leave the last sum a hair below one.
        let rank = up_to.partition_point(|share| *share <= point).min(keys - 1);
        request(path, by_fame[rank])
    };
    (0..REQUESTS).map(drawn).collect()
}

/// One request of every caller.
pub fn each_once(path: &str, keys: usize) -> String {
    (0..keys).map(|caller| request(path, caller)).collect()
}

/// The field that has it.
pub fn field(key: &str) -> String {
    format!("x-api-key: {key}\r\n")
}

fn request(path: &str, caller: usize) -> String {
    format!("GET {path}\nx-api-key: {}\n\n", key(caller))
}

/// Shares of the requests that the most famous, the two most famous and so on make.
fn shares_up_to(keys: usize) -> Vec<f64> {
    let total: f64 = (1..=keys).map(|rank| 1.0 / rank as f64).sum();
    let share = |sum: &mut f64, rank: usize| {
        *sum += 1.0 / rank as f64 / total;
        Some(*sum)
    };
    (1..=keys).scan(0.0, share).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn one_limit_is_low() {
        let limits = |low| Limits { keys: 1, low };
        let of = |limits: Limits| [limits.caller(), limits.method(), limits.quota()];
        assert_eq!(of(limits(None)), [OUT_OF_REACH, OUT_OF_REACH, QUOTA_MAX]);
        assert_eq!(of(limits(Some(Low::Caller))), [1, OUT_OF_REACH, QUOTA_MAX]);
        assert_eq!(of(limits(Some(Low::Method))), [OUT_OF_REACH, 1, QUOTA_MAX]);
        assert_eq!(of(limits(Some(Low::Quota))), [OUT_OF_REACH, OUT_OF_REACH, 1]);
    }

    #[test]
    fn keys_differ_and_stay() {
        let keys: HashSet<String> = Limits::out_of_reach(10_000).key_values().collect();
        assert_eq!(keys.len(), 10_000);
        assert!(
            keys.iter().all(|key| key.len() == 40 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        );
        assert_eq!(key(7), key(7));
    }

    #[test]
    fn every_caller_comes_once() {
        let text = each_once("/a", 100);
        let came: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("x-api-key: ")).collect();
        assert_eq!(came, Limits::out_of_reach(100).key_values().collect::<Vec<_>>());
        assert_eq!(text.matches("GET /a\n").count(), 100);
    }

    #[test]
    fn requests_are_by_fame() {
        let text = requests("/a", 10_000);
        assert_eq!(text, requests("/a", 10_000));
        let good: HashSet<String> = Limits::out_of_reach(10_000).key_values().collect();
        let mut counts = HashMap::new();
        for key in text.lines().filter_map(|line| line.strip_prefix("x-api-key: ")) {
            assert!(good.contains(key), "{key}");
            *counts.entry(key).or_insert(0) += 1;
        }
        let mut counts: Vec<i32> = counts.into_values().collect();
        counts.sort_by_key(|count| -count);
        assert_eq!(counts.iter().sum::<i32>(), 50_000);
        // 1 / (1 + 1/2 + … + 1/10,000) is 0.1022; the second has half of that.
        assert!((counts[0] - 5108).abs() < 300 && (counts[1] - 2554).abs() < 300, "{:?}", &counts[..2]);
        assert!(counts.len() > 4_000, "{}", counts.len());
    }
}
