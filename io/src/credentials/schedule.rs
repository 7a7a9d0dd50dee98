//! Which source is asked when, and what is known of it. A function of orders, answers and time: it owns no thread and asks
//! nobody. Says it when something gets worse or better, not at every try.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tidegate_core::aws::{CredentialsSource, Issued, IssuedTable};

use crate::fetch::FetchError;

/// Credentials that end are renewed this long before, or after a quarter of a shorter life.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);
/// Credentials that do not end are looked at again after this time: files may have changed.
const REREAD_INTERVAL: Duration = Duration::from_secs(300);
/// The pause after a failure, which doubles.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The sources that are watched.
pub(super) struct Schedule {
    sources: HashMap<CredentialsSource, Watched>,
    first_answer_timeout: Duration,
    has_news: bool,
}

struct Watched {
    known: Known,
    next: Next,
    retry: Duration,
}

enum Next {
    At(Instant),
    /// It is being asked.
    Running,
    /// It is being asked, and what it answers is older than the last order.
    RunningStale,
}

/// What is known of a source.
///
/// ```text
///             issued
///   Awaited ──────────▶ Good ──error──▶ Kept ──error, and they have ended──┐
///      │                 ▲ ▲              │                                │
///      └─error─▶ Absent ─┘ └────issued────┘                                │
///       or late    ▲───────────────────────────────────────────────────────┘
/// ```
enum Known {
    /// Nothing yet.
    Awaited { until: Instant },
    /// There are none. Has been logged.
    Absent,
    /// Credentials.
    Good(Issued),
    /// Credentials that cannot be renewed; good until they end. Has been logged.
    Kept(Issued),
}

impl Known {
    fn and_then(self, source: &CredentialsSource, answer: Result<Issued, &FetchError>, now_s: u64) -> Self {
        match (self, answer) {
            (Self::Awaited { .. } | Self::Good(_), Ok(issued)) => Self::Good(issued),
            (Self::Absent | Self::Kept(_), Ok(issued)) => {
                tracing::info!(%source, "there are credentials again");
                Self::Good(issued)
            }
            (Self::Awaited { .. }, Err(error)) => {
                tracing::error!(%source, %error, "no credentials: calls to AWS services answer 500");
                Self::Absent
            }
            (Self::Good(issued) | Self::Kept(issued), Err(error)) if !issued.is_valid(now_s) => {
                tracing::error!(%source, %error, "the credentials have ended: calls to AWS services answer 500");
                Self::Absent
            }
            (Self::Good(issued), Err(error)) => {
                tracing::warn!(%source, %error, "credentials cannot be renewed; keeping them until they end");
                Self::Kept(issued)
            }
            (known @ (Self::Absent | Self::Kept(_)), Err(_)) => known,
        }
    }

    fn issued(&self) -> Option<&Issued> {
        match self {
            Self::Awaited { .. } | Self::Absent => None,
            Self::Good(issued) | Self::Kept(issued) => Some(issued),
        }
    }
}

impl Schedule {
    /// Nothing to watch.
    pub(super) fn new(first_answer_timeout: Duration) -> Self {
        Self { sources: HashMap::new(), first_answer_timeout, has_news: false }
    }

    /// Watches these sources and no others, and asks each of them again. What is known of those that stay is kept.
    pub(super) fn watch(&mut self, sources: &[CredentialsSource], now: Instant) {
        let mut before = std::mem::take(&mut self.sources);
        for source in sources {
            let watched = before.remove(source).map_or_else(
                || Watched {
                    known: Known::Awaited { until: now + self.first_answer_timeout },
                    next: Next::At(now),
                    retry: RETRY_MIN,
                },
                |watched| watched.again(now),
            );
            self.sources.insert(source.clone(), watched);
        }
        self.has_news = true;
    }

    /// The sources to ask now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<CredentialsSource> {
        let mut due = Vec::new();
        for (source, watched) in &mut self.sources {
            if matches!(watched.next, Next::At(time) if time <= now) {
                watched.next = Next::Running;
                due.push(source.clone());
            }
        }
        due.sort();
        due
    }

    /// Notes what a source has answered. `now_s` is in seconds since 1970, as what ends is.
    pub(super) fn answered(
        &mut self,
        source: &CredentialsSource,
        answer: Result<Issued, &FetchError>,
        now: Instant,
        now_s: u64,
    ) {
        let Some(watched) = self.sources.get_mut(source) else { return };
        let before = watched.known.issued().cloned();
        let pause = match &answer {
            Ok(issued) => renewal(issued, now_s),
            Err(_) => watched.retry,
        };
        watched.retry = if answer.is_ok() { RETRY_MIN } else { (watched.retry * 2).min(RETRY_MAX) };
        watched.next = match watched.next {
            Next::RunningStale => Next::At(now),
            Next::Running | Next::At(_) => Next::At(now + pause),
        };
        let known = std::mem::replace(&mut watched.known, Known::Absent);
        watched.known = known.and_then(source, answer, now_s);
        self.has_news |= watched.known.issued() != before.as_ref();
    }

    /// What there is, if that has changed and none is awaited any more.
    pub(super) fn news(&mut self, now: Instant) -> Option<IssuedTable> {
        if !self.is_complete(now) || !self.has_news {
            return None;
        }
        self.has_news = false;
        let issued = self.sources.iter();
        Some(
            issued
                .filter_map(|(source, watched)| Some((source.clone(), watched.known.issued()?.clone())))
                .collect(),
        )
    }

    /// When there is something to do unless somebody says something before.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let times = self.sources.values().flat_map(|watched| {
            let ask = if let Next::At(time) = watched.next { Some(time) } else { None };
            let late = if let Known::Awaited { until } = watched.known { Some(until) } else { None };
            [ask, late]
        });
        times.flatten().min()
    }

    /// Gives up waiting for those that are awaited for too long; whether none is awaited then.
    fn is_complete(&mut self, now: Instant) -> bool {
        let mut is_complete = true;
        for (source, watched) in &mut self.sources {
            match watched.known {
                Known::Awaited { until } if until <= now => {
                    let known = std::mem::replace(&mut watched.known, Known::Absent);
                    watched.known = known.and_then(source, Err(&FetchError::Timeout), 0);
                }
                Known::Awaited { .. } => is_complete = false,
                Known::Absent | Known::Good(_) | Known::Kept(_) => {}
            }
        }
        is_complete
    }
}

impl Watched {
    fn again(mut self, now: Instant) -> Self {
        self.next = match self.next {
            Next::At(_) => Next::At(now),
            Next::Running | Next::RunningStale => Next::RunningStale,
        };
        self
    }
}

/// How long until credentials are asked for again.
fn renewal(issued: &Issued, now_s: u64) -> Duration {
    let Some(end_s) = issued.expires_s else { return REREAD_INTERVAL };
    let life = Duration::from_secs(end_s.saturating_sub(now_s));
    life.saturating_sub(RENEWAL_MARGIN).max(life / 4).max(RETRY_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::auth::sigv4::{Credentials, Secret};

    /// What happens to a schedule whose first answers are awaited for 10 s, and what it says. Times are seconds.
    enum Row {
        Watch(&'static [&'static str]),
        Due(&'static [&'static str]),
        /// Credentials of this id until then, or none.
        Answer(&'static str, Option<(&'static str, Option<u64>)>),
        /// (source, id), sorted.
        News(&'static [(&'static str, &'static str)]),
        NoNews,
        Wake(Option<u64>),
    }
    use Row::{Answer, Due, News, NoNews, Wake, Watch};

    fn source(name: &str) -> CredentialsSource {
        CredentialsSource::Role(name.into())
    }

    #[track_caller]
    fn check(rows: &[(u64, Row)]) {
        let start = Instant::now();
        let mut schedule = Schedule::new(Duration::from_secs(10));
        for (second, row) in rows {
            let now = start + Duration::from_secs(*second);
            match row {
                Watch(names) => {
                    let sources: Vec<_> = names.iter().map(|name| source(name)).collect();
                    schedule.watch(&sources, now);
                }
                Due(want) => {
                    let want: Vec<_> = want.iter().map(|name| source(name)).collect();
                    assert_eq!(schedule.take_due(now), want, "at {second} s");
                }
                Answer(name, Some((id, expires_s))) => {
                    let credentials = Credentials {
                        access_key_id: (*id).into(),
                        secret_access_key: Secret::new("s"),
                        session_token: None,
                    };
                    let issued = Issued { credentials, expires_s: *expires_s };
                    schedule.answered(&source(name), Ok(issued), now, *second);
                }
                Answer(name, None) => {
                    schedule.answered(&source(name), Err(&FetchError::Timeout), now, *second);
                }
                News(want) => {
                    let table = schedule.news(now).unwrap_or_else(|| panic!("no news at {second} s"));
                    let mut found: Vec<_> = table
                        .iter()
                        .map(|(source, issued)| {
                            (source.to_string(), issued.credentials.access_key_id.to_string())
                        })
                        .collect();
                    found.sort();
                    let want: Vec<_> =
                        want.iter().map(|(name, id)| (name.to_string(), id.to_string())).collect();
                    assert_eq!(found, want, "at {second} s");
                }
                NoNews => assert!(schedule.news(now).is_none(), "at {second} s"),
                Wake(want) => {
                    let wake = schedule.wake_at().map(|time| (time - start).as_secs());
                    assert_eq!(wake, *want, "at {second} s");
                }
            }
        }
    }

    #[test]
    fn nothing_to_watch_is_news_at_once() {
        check(&[(0, NoNews), (0, Watch(&[])), (0, News(&[])), (0, NoNews), (0, Wake(None))]);
    }

    #[test]
    fn credentials_are_renewed_before_they_end() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(&["a"])),
            (0, NoNews),
            (1, Answer("a", Some(("1", Some(3601))))),
            (1, News(&[("a", "1")])),
            (1, Wake(Some(3301))),
            (3300, Due(&[])),
            (3301, Due(&["a"])),
            (3301, Due(&[])),
            (3302, Answer("a", Some(("2", Some(7000))))),
            (3302, News(&[("a", "2")])),
            // A short life is renewed at its first quarter, and nobody is asked more than once a second.
            (6700, Due(&["a"])),
            (6700, Answer("a", Some(("3", Some(6800))))),
            (6700, Wake(Some(6725))),
            (6725, Due(&["a"])),
            (6725, Answer("a", Some(("4", Some(6725))))),
            (6725, Wake(Some(6726))),
        ]);
    }

    #[test]
    fn credentials_that_do_not_end_are_read_again() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(&["a"])),
            (0, Answer("a", Some(("1", None)))),
            (0, News(&[("a", "1")])),
            (0, Wake(Some(300))),
            (300, Due(&["a"])),
            (300, Answer("a", Some(("1", None)))),
            (300, NoNews),
        ]);
    }

    #[test]
    fn a_failed_renewal_keeps_them_until_they_end() {
        check(&[
            (0, Watch(&["a"])),
            (0, Due(&["a"])),
            (0, Answer("a", Some(("1", Some(400))))),
            (0, News(&[("a", "1")])),
            (100, Due(&["a"])),
            (100, Answer("a", None)),
            (100, NoNews),
            (100, Wake(Some(101))),
            (101, Due(&["a"])),
            (101, Answer("a", None)),
            (101, Wake(Some(103))),
            (399, Due(&["a"])),
            (399, Answer("a", None)),
            (399, NoNews),
            (403, Due(&["a"])),
            (403, Answer("a", None)),
            (403, News(&[])),
            (411, Due(&["a"])),
            (411, Answer("a", Some(("2", Some(9000))))),
            (411, News(&[("a", "2")])),
        ]);
    }

    #[test]
    fn pauses_after_failures_double_up_to_a_minute() {
        let mut rows = vec![(0, Watch(&["a"]))];
        let mut second = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            rows.extend([(second, Due(&["a"])), (second, Answer("a", None))]);
            second += pause;
            rows.push((second, Wake(Some(second))));
        }
        check(&rows);
    }

    #[test]
    fn a_silent_source_holds_news_up_for_ten_seconds() {
        check(&[
            (0, Watch(&["a", "b"])),
            (0, Due(&["a", "b"])),
            (1, Answer("a", Some(("1", None)))),
            (9, NoNews),
            (9, Wake(Some(10))),
            (10, News(&[("a", "1")])),
            (20, Answer("b", Some(("2", None)))),
            (20, News(&[("a", "1"), ("b", "2")])),
        ]);
    }

    #[test]
    fn an_order_asks_again_and_forgets_the_rest() {
        check(&[
            (0, Watch(&["a", "b"])),
            (0, Due(&["a", "b"])),
            (0, Answer("a", Some(("1", None)))),
            (1, Watch(&["a", "c"])),
            (1, Due(&["a", "c"])),
            (1, Answer("b", Some(("2", None)))),
            (1, NoNews),
            (1, Answer("c", Some(("3", None)))),
            (1, News(&[("a", "1"), ("c", "3")])),
            // What was asked before the order is asked once more.
            (2, Watch(&["a"])),
            (2, Due(&[])),
            (2, News(&[("a", "1")])),
            (3, Answer("a", Some(("1", None)))),
            (3, Due(&["a"])),
        ]);
    }
}
