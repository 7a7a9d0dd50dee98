//! One run, decided before it begins: what is sent, to whom, when, and what counts as a failure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::schedule::Schedule;
use super::security::Security;
use super::template::Mix;

/// Connections of all threads together.
pub const CONNECTIONS_MAX: usize = 100_000;
/// Threads.
pub const THREADS_MAX: usize = 256;
/// Targets.
pub const TARGETS_MAX: usize = 1_000;

/// Everything about a run. Immutable and shared by all threads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who gets requests, and which.
    pub targets: Vec<Target>,
    /// One CPU (or `None`, wherever the kernel likes) per thread.
    pub threads: Vec<Option<usize>>,
    /// Connections of all threads together, at least one for each target and thread.
    pub connections: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// Begin no more requests than this.
    pub requests: Option<u64>,
    /// Begin no request after this.
    pub duration: Duration,
    /// HTTP/2, with that many requests at once on each connection; `None`: HTTP/1.1.
    pub streams: Option<u32>,
    /// Close a connection after that many requests.
    pub requests_per_connection: Option<u32>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Statuses that are no failure.
    pub expected: Expected,
    /// Length of the timeline's slices.
    pub slice: Duration,
    /// Poll instead of sleeping when the next request of an open loop is due sooner than this.
    pub spin: Duration,
    /// Seed of everything random.
    pub seed: u64,
}

impl Plan {
    /// What the lane of a thread and a target has of all requests and connections, and what the lanes before it have.
    pub fn share(&self, thread: usize, target: usize) -> (f64, f64) {
        let threads = self.threads.len() as f64;
        let before: f64 = self.targets[..target].iter().map(|target| target.share).sum();
        ((thread as f64 + before) / threads, self.targets[target].share / threads)
    }
}

/// When requests are sent.
#[derive(Clone, Debug)]
pub enum Pace {
    /// When the schedule says, whatever the target does.
    Open(Arc<Schedule>),
    /// As soon as the connection's last request is answered.
    Closed,
}

/// A server and the requests it gets.
#[derive(Clone, Debug)]
pub struct Target {
    /// For people: the URL or authority.
    pub name: String,
    /// Where to connect.
    pub address: SocketAddr,
    /// How sessions begin, if it is called by https.
    pub security: Option<Security>,
    /// What to send.
    pub mix: Mix,
    /// Its share of all requests; those of all targets add up to one.
    pub share: f64,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A connection to be made.
    pub connect: Duration,
    /// The first byte of an answer.
    pub response: Duration,
    /// A whole exchange, with the connection if one had to be made.
    pub total: Duration,
}

/// A set of statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(Vec<(u16, u16)>);

impl Expected {
    /// `200`, `200,404`, `2xx,3xx` or `200-299`.
    ///
    /// # Errors
    /// In words, for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(Self::range).collect::<Option<Vec<_>>>().map(Self).ok_or_else(|| {
            format!("`{text}` is not a list of statuses; write it as 200,404 or 2xx,3xx or 200-299")
        })
    }

    fn range(text: &str) -> Option<(u16, u16)> {
        let (low, high) = match (text.strip_suffix("xx"), text.split_once('-')) {
            (Some(class), _) => {
                let class: u16 = class.parse().ok()?;
                (class.checked_mul(100)?, class.checked_mul(100)? + 99)
            }
            (None, Some((low, high))) => (low.parse().ok()?, high.parse().ok()?),
            (None, None) => (text.parse().ok()?, text.parse().ok()?),
        };
        (100 <= low && low <= high && high < 600).then_some((low, high))
    }

    /// Whether a status is one of them.
    #[inline]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }
}

impl Default for Expected {
    /// 2xx and 3xx.
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected() {
        let expected = Expected::parse("200,4xx,500-503").unwrap();
        for (status, want) in [(200, true), (201, false), (400, true), (499, true), (503, true), (504, false)]
        {
            assert_eq!(expected.contains(status), want, "{status}");
        }
        for wrong in ["", "2x", "99", "600", "300-200", "200,", "xx", "99999xx"] {
            assert!(Expected::parse(wrong).is_err(), "{wrong}");
        }
    }
}
