//! Which origin is looked up when, and what is known of it. A function of orders, answers and time: it owns no thread
//! and asks nobody.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::plan::Origin;

use super::Addresses;
use super::known::Known;

/// How long news waits for the first answer about an origin. From then on the name counts as unresolved; it is still
/// looked up.
pub(super) const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time after which a name that did not resolve is looked up again.
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(5);
/// Shortest time from the end of a lookup to the next. Times to live are at least as long, but count from before.
const REST_MIN: Duration = Duration::from_secs(1);

/// The origins that are watched.
pub(super) struct Watchlist {
    origins: HashMap<Origin, Watched>,
    /// How long addresses of unknown time to live hold.
    interval: Duration,
    has_news: bool,
}

struct Watched {
    known: Known,
    next: Next,
}

/// When an origin is looked up next.
enum Next {
    At(Instant),
    /// It is being looked up.
    Running,
    /// It is an address.
    Never,
}

impl Watchlist {
    /// Nothing to watch.
    pub(super) fn new(interval: Duration) -> Self {
        Self { origins: HashMap::new(), interval, has_news: false }
    }

    /// Watches these origins and no others. What is known of those that stay is kept.
    pub(super) fn watch(&mut self, origins: &[Origin], now: Instant) {
        let mut before = std::mem::take(&mut self.origins);
        for origin in origins {
            let watched = before.remove(origin).unwrap_or_else(|| Watched::new(origin, now));
            self.origins.insert(origin.clone(), watched);
        }
        self.has_news = true;
    }

    /// The origins to look up now, at most `lookups_max`, the longest due first.
    pub(super) fn take_due(&mut self, now: Instant, lookups_max: usize) -> Vec<Origin> {
        let mut due: Vec<(Instant, &Origin, &mut Next)> = Vec::new();
        for (origin, watched) in &mut self.origins {
            if let Next::At(time) = watched.next
                && time <= now
            {
                due.push((time, origin, &mut watched.next));
            }
        }
        due.sort_unstable_by_key(|&(time, ..)| time);
        let taken = due.into_iter().take(lookups_max);
        taken
            .map(|(_, origin, next)| {
                *next = Next::Running;
                origin.clone()
            })
            .collect()
    }

    /// Notes what a lookup has found.
    pub(super) fn found(&mut self, origin: &Origin, found: io::Result<Arc<[SocketAddr]>>) {
        let Some(watched) = self.origins.get_mut(origin) else { return };
        let before = watched.known.addresses();
        let known = std::mem::replace(&mut watched.known, Known::Unresolved);
        watched.known = known.and_then(found, &origin.host);
        self.has_news |= watched.known.addresses() != before;
    }

    /// Notes that a lookup is over. `expiry` is when the addresses' time to live ends, if that is known.
    pub(super) fn ended(&mut self, origin: &Origin, expiry: Option<Instant>, now: Instant) {
        let Some(watched) = self.origins.get_mut(origin) else { return };
        let next = match watched.known {
            Known::Resolved(_) => expiry.unwrap_or(now + self.interval),
            Known::Awaited { .. } | Known::Unresolved | Known::Kept(_) => {
                now + self.interval.min(RETRY_INTERVAL_MAX)
            }
        };
        watched.next = Next::At(next.max(now + REST_MIN));
    }

    /// What is known of every origin, if that has changed and none is awaited any more.
    pub(super) fn news(&mut self, now: Instant) -> Option<HashMap<Origin, Addresses>> {
        if !self.is_complete(now) || !self.has_news {
            return None;
        }
        self.has_news = false;
        let known = self.origins.iter();
        Some(known.map(|(origin, watched)| (origin.clone(), watched.known.addresses())).collect())
    }

    /// When there is something to do unless somebody says something before. Without `can_look_up`, lookups wait.
    pub(super) fn wake_at(&self, can_look_up: bool) -> Option<Instant> {
        let times = self.origins.values().flat_map(|watched| {
            let lookup = match watched.next {
                Next::At(time) if can_look_up => Some(time),
                Next::At(_) | Next::Running | Next::Never => None,
            };
            [lookup, watched.known.awaited_until()]
        });
        times.flatten().min()
    }

    /// Gives up waiting for those that are awaited for too long; whether none is awaited then.
    fn is_complete(&mut self, now: Instant) -> bool {
        let mut is_complete = true;
        for (origin, watched) in &mut self.origins {
            match watched.known.awaited_until() {
                Some(until) if until <= now => {
                    let late = io::Error::from(io::ErrorKind::TimedOut);
                    let known = std::mem::replace(&mut watched.known, Known::Unresolved);
                    watched.known = known.and_then(Err(late), &origin.host);
                }
                Some(_) => is_complete = false,
                None => {}
            }
        }
        is_complete
    }
}

impl Watched {
    fn new(origin: &Origin, now: Instant) -> Self {
        match origin.host.parse::<IpAddr>() {
            Ok(address) => {
                let addresses = [SocketAddr::new(address, origin.port)];
                Self { known: Known::Resolved(addresses.into()), next: Next::Never }
            }
            Err(_) => {
                Self { known: Known::Awaited { until: now + FIRST_ANSWER_TIMEOUT }, next: Next::At(now) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a watchlist whose interval is 30 s, and what it says.
    #[derive(Debug)]
    enum Row {
        Watch(&'static [&'static str]),
        /// The origins that are due, of which so many may be looked up.
        Due(usize, &'static [&'static str]),
        /// An address, or none.
        Found(&'static str, Option<&'static str>),
        /// The lookup ends; the second at which its addresses expire.
        Ended(&'static str, Option<u64>),
        /// The news, sorted.
        News(&'static [(&'static str, Option<&'static str>)]),
        NoNews,
        /// The second to wake at; whether lookups can be started.
        Wake(bool, Option<u64>),
    }
    use Row::{Due, Ended, Found, News, NoNews, Wake, Watch};

    fn origin(host: &str) -> Origin {
        Origin { host: host.to_owned(), port: 80, tls: None }
    }

    fn one(address: &str) -> Arc<[SocketAddr]> {
        [SocketAddr::new(address.parse().expect("an address"), 80)].into()
    }

    #[track_caller]
    fn check(rows: &[(u64, Row)]) {
        let start = Instant::now();
        let second = |time: Instant| (time - start).as_secs();
        let mut list = Watchlist::new(Duration::from_secs(30));
        for (at_s, row) in rows {
            let now = start + Duration::from_secs(*at_s);
            match row {
                Watch(hosts) => {
                    let origins: Vec<Origin> = hosts.iter().map(|host| origin(host)).collect();
                    list.watch(&origins, now);
                }
                Due(lookups_max, want) => {
                    let mut due: Vec<String> =
                        list.take_due(now, *lookups_max).into_iter().map(|origin| origin.host).collect();
                    due.sort();
                    assert_eq!(due, *want, "at {at_s} s");
                }
                Found(host, found) => {
                    let found = found.map(one).ok_or_else(|| io::Error::other("none"));
                    list.found(&origin(host), found);
                }
                Ended(host, expiry_s) => {
                    let expiry = expiry_s.map(|s| start + Duration::from_secs(s));
                    list.ended(&origin(host), expiry, now);
                }
                News(want) => {
                    let want: HashMap<Origin, Addresses> =
                        want.iter().map(|(host, known)| (origin(host), Addresses(known.map(one)))).collect();
                    assert_eq!(list.news(now), Some(want), "at {at_s} s");
                }
                NoNews => assert_eq!(list.news(now), None, "at {at_s} s"),
                Wake(can_look_up, want) => {
                    assert_eq!(list.wake_at(*can_look_up).map(second), *want, "at {at_s} s");
                }
            }
        }
    }

    #[test]
    fn nothing_to_watch_is_news_at_once() {
        check(&[(0, NoNews), (0, Watch(&[])), (0, News(&[])), (0, NoNews), (0, Wake(true, None))]);
    }

    #[test]
    fn an_address_is_never_looked_up() {
        check(&[
            (0, Watch(&["10.0.0.1", "::1"])),
            (0, Due(9, &[])),
            (0, News(&[("10.0.0.1", Some("10.0.0.1")), ("::1", Some("::1"))])),
            (0, Wake(true, None)),
            (9999, Due(9, &[])),
        ]);
    }

    #[test]
    fn a_name_is_looked_up_again_when_its_time_to_live_ends() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(9, &["a"])),
            (0, Wake(true, Some(10))),
            (0, NoNews),
            (1, Found("a", Some("10.0.0.1"))),
            (1, News(&[("a", Some("10.0.0.1"))])),
            (1, Due(9, &[])), // its time to live is still being asked for
            (2, Ended("a", Some(7))),
            (2, Wake(true, Some(7))),
            (6, Due(9, &[])),
            (7, Due(9, &["a"])),
            (7, Found("a", Some("10.0.0.1"))),
            (7, NoNews),
            (7, Ended("a", None)), // unknown: after the interval
            (7, Wake(true, Some(37))),
            (37, Due(9, &["a"])),
            (37, Found("a", Some("10.0.0.2"))),
            (37, News(&[("a", Some("10.0.0.2"))])),
            (45, Ended("a", Some(38))), // over long since, for the lookup was slow
            (45, Wake(true, Some(46))),
        ]);
    }

    #[test]
    fn a_name_that_fails_is_tried_again_soon_and_keeps_its_addresses() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(9, &["a"])),
            (0, Found("a", None)),
            (0, News(&[("a", None)])),
            (0, Ended("a", None)),
            (0, Wake(true, Some(5))),
            (5, Due(9, &["a"])),
            (5, Found("a", None)),
            (5, NoNews),
            (5, Ended("a", None)),
            (10, Due(9, &["a"])),
            (10, Found("a", Some("10.0.0.1"))),
            (10, News(&[("a", Some("10.0.0.1"))])),
            (10, Ended("a", Some(100))),
            (100, Due(9, &["a"])),
            (100, Found("a", None)),
            (100, NoNews),
            (100, Ended("a", None)),
            (100, Wake(true, Some(105))),
        ]);
    }

    #[test]
    fn a_name_without_an_answer_holds_news_up_for_ten_seconds() {
        check(&[
            (0, Watch(&["a", "b"])),
            (0, Due(9, &["a", "b"])),
            (1, Found("a", Some("10.0.0.1"))),
            (1, Ended("a", Some(60))),
            (9, NoNews),
            (9, Wake(true, Some(10))),
            (10, News(&[("a", Some("10.0.0.1")), ("b", None)])),
            (10, Wake(true, Some(60))),
            (20, Found("b", Some("10.0.0.2"))),
            (20, News(&[("a", Some("10.0.0.1")), ("b", Some("10.0.0.2"))])),
        ]);
    }

    #[test]
    fn a_lookup_that_ends_without_an_answer_is_tried_again() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(9, &["a"])),
            (0, Ended("a", None)),
            (0, NoNews),
            (0, Wake(true, Some(5))),
            (5, Due(9, &["a"])),
        ]);
    }

    #[test]
    fn an_order_keeps_what_is_known_and_forgets_the_rest() {
        check(&[
            (0, Watch(&["a", "b"])),
            (0, Due(9, &["a", "b"])),
            (0, Found("a", Some("10.0.0.1"))),
            (0, Ended("a", Some(60))),
            (5, Watch(&["a", "c"])),
            (5, Found("b", Some("10.0.0.2"))),
            (5, Ended("b", Some(60))),
            (5, Due(9, &["c"])),
            (5, NoNews),
            (5, Found("c", Some("10.0.0.3"))),
            (5, News(&[("a", Some("10.0.0.1")), ("c", Some("10.0.0.3"))])),
            (6, Watch(&["a"])),
            (6, News(&[("a", Some("10.0.0.1"))])),
            (6, Wake(true, Some(60))),
        ]);
    }

    #[test]
    fn those_due_for_longest_come_first() {
        check(&[
            (0, Watch(&["a", "b"])),
            (0, Due(2, &["a", "b"])),
            (0, Found("a", Some("10.0.0.1"))),
            (0, Found("b", Some("10.0.0.2"))),
            (0, Ended("a", Some(20))),
            (0, Ended("b", Some(10))),
            (30, Due(0, &[])),
            (30, Wake(false, None)),
            (30, Due(1, &["b"])),
            (30, Due(1, &["a"])),
        ]);
    }
}
