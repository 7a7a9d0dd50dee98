//! The key sets of issuers: fetched beside the request path, from where the plan says, into one table for all shards.
//!
//! They are fetched when a plan names them, every hour, and when a shard meets a key that it does not know, but not more
//! often than every ten seconds, whatever keys clients make up. A fetch that fails leaves what there was.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use tidegate_core::auth::cognito::{Held, Table};
use tidegate_core::auth::jwt::KeySet;
use tidegate_core::plan::Plan;

use crate::fetch::{Client, FetchError, Fetcher, Request};

/// Threads that fetch.
const THREADS: usize = 2;
/// Questions of shards that wait; a further one is dropped, and its shard asks again.
const QUEUED_ASKS_MAX: usize = 256;
/// How often keys are fetched without being asked for.
const INTERVAL: Duration = Duration::from_secs(3_600);
/// Least time between two fetches that are asked for.
const ASKED_MIN: Duration = Duration::from_secs(10);
/// After a fetch that failed: the first pause, which doubles, and the longest.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Time for one fetch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps the table.
pub(crate) struct KeySets {
    fetcher: Fetcher<Arc<str>, Held>,
    asks: (Sender<Arc<str>>, Receiver<Arc<str>>),
    watched: Watched,
    table: Arc<Table>,
}

impl KeySets {
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Self {
            fetcher: Fetcher::start("key-sets", THREADS)?,
            asks: bounded(QUEUED_ASKS_MAX),
            watched: Watched::default(),
            table: Arc::default(),
        })
    }

    /// Where shards ask.
    pub(crate) fn asker(&self) -> Sender<Arc<str>> {
        self.asks.0.clone()
    }

    /// What shards ask for, each with [`KeySets::ask`].
    pub(crate) fn asks(&self) -> &Receiver<Arc<str>> {
        &self.asks.1
    }

    /// Fetches that have ended, each for [`KeySets::ended`].
    pub(crate) fn results(&self) -> &Receiver<(Arc<str>, Result<Held, FetchError>)> {
        self.fetcher.results()
    }

    /// What is known.
    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// From now on the key sets of this plan are kept. What is known of others is forgotten.
    pub(crate) fn watch(&mut self, plan: &Plan) {
        let pools = plan.apis.iter().flat_map(|api| &api.user_pools).flat_map(|cognito| &cognito.pools);
        self.watched.set(pools.map(|pool| &pool.keys_url), Instant::now());
        let kept = self.table.iter().filter(|(url, _)| self.watched.has(url));
        self.table = Arc::new(kept.map(|(url, held)| (Arc::clone(url), held.clone())).collect());
        self.fetch_due();
    }

    /// A shard wants newer keys. False: they are as new as they may be, and whoever waits should look again.
    pub(crate) fn ask(&mut self, url: &Arc<str>) -> bool {
        let will_end = self.watched.ask(url, Instant::now());
        self.fetch_due();
        will_end
    }

    /// Fetches what is due.
    pub(crate) fn fetch_due(&mut self) {
        let now = Instant::now();
        for url in self.watched.due(now) {
            let from = Arc::clone(&url);
            if self.fetcher.order(Arc::clone(&url), move |client| fetch(client, &from)).is_err() {
                self.watched.ended(&url, false, now);
            }
        }
    }

    /// A fetch has ended.
    pub(crate) fn ended(&mut self, url: &Arc<str>, result: Result<Held, FetchError>) {
        if !self.watched.ended(url, result.is_ok(), Instant::now()) {
            return;
        }
        match result {
            Ok(held) => {
                let mut table = (*self.table).clone();
                table.insert(Arc::clone(url), held);
                self.table = Arc::new(table);
            }
            Err(error) => {
                let known = self.table.contains_key(url);
                tracing::warn!(%url, %error, known, "the keys of an issuer could not be fetched");
            }
        }
    }
}

fn fetch(client: &Client, url: &str) -> Result<Held, FetchError> {
    let response = client.fetch(&Request::get(url).within(TIMEOUT))?;
    if response.status != 200 {
        return Err(FetchError::Unexpected(format!("the answer has the status {}", response.status)));
    }
    let keys = KeySet::read(&response.content).map_err(|error| FetchError::Unexpected(error.to_string()))?;
    let mut hasher = DefaultHasher::new();
    response.content.hash(&mut hasher);
    Ok(Held { keys: Arc::new(keys), version: hasher.finish() })
}

/// Which key set is fetched when: a function of time.
#[derive(Debug, Default)]
struct Watched(HashMap<Arc<str>, Watch>);

#[derive(Debug)]
struct Watch {
    /// When it is fetched next; `None` while it is.
    due: Option<Instant>,
    /// When it was last fetched because somebody asked.
    asked: Option<Instant>,
    failures: u32,
}

impl Watched {
    /// Keeps those that are known already.
    fn set<'u>(&mut self, urls: impl Iterator<Item = &'u Arc<str>>, now: Instant) {
        let mut before = std::mem::take(&mut self.0);
        for url in urls {
            let known = before.remove_entry(url);
            let (url, watch) = known
                .unwrap_or_else(|| (Arc::clone(url), Watch { due: Some(now), asked: None, failures: 0 }));
            self.0.entry(url).or_insert(watch);
        }
    }

    fn has(&self, url: &str) -> bool {
        self.0.contains_key(url)
    }

    /// Whether a fetch is under way or becomes due.
    fn ask(&mut self, url: &str, now: Instant) -> bool {
        let Some(watch) = self.0.get_mut(url) else { return false };
        if watch.due.is_none() {
            return true;
        }
        if watch.asked.is_some_and(|asked| now < asked + ASKED_MIN) {
            return false;
        }
        (watch.asked, watch.due) = (Some(now), Some(now));
        true
    }

    /// Those whose time has come; they are under way from now on.
    fn due(&mut self, now: Instant) -> Vec<Arc<str>> {
        let due = self.0.iter_mut().filter(|(_, watch)| watch.due.is_some_and(|due| due <= now));
        due.map(|(url, watch)| {
            watch.due = None;
            Arc::clone(url)
        })
        .collect()
    }

    /// A fetch has ended. False: nobody wants to know any more.
    fn ended(&mut self, url: &str, well: bool, now: Instant) -> bool {
        let Some(watch) = self.0.get_mut(url) else { return false };
        watch.failures = if well { 0 } else { watch.failures + 1 };
        let pause = match watch.failures {
            0 => INTERVAL,
            failures => RETRY_MAX.min(RETRY_MIN * 2_u32.pow(failures.min(7) - 1)),
        };
        watch.due = Some(now + pause);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_when() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut watched = Watched::default();
        watched.set([&a, &a].into_iter(), start);
        assert_eq!(watched.due(start), [Arc::clone(&a)]);
        assert!(watched.due(at(100)).is_empty(), "it is under way");
        assert!(watched.ask(&a, at(1)), "and will end");
        assert!(watched.ended(&a, false, at(1)));
        assert!(watched.due(at(1)).is_empty());
        assert_eq!(watched.due(at(2)).len(), 1, "again after a second");
        watched.ended(&a, false, at(2));
        assert!(watched.due(at(3)).is_empty(), "then after two");
        assert_eq!(watched.due(at(4)).len(), 1);
        watched.ended(&a, true, at(4));
        assert!(watched.ask(&a, at(5)));
        assert_eq!(watched.due(at(5)).len(), 1, "somebody asks");
        watched.ended(&a, true, at(5));
        assert!(!watched.ask(&a, at(14)), "too soon");
        assert!(watched.ask(&a, at(15)));
        assert_eq!(watched.due(at(15)).len(), 1);
        watched.ended(&a, true, at(15));
        assert!(watched.due(at(3_614)).is_empty());
        assert_eq!(watched.due(at(3_615)).len(), 1, "every hour");
        watched.set([&b].into_iter(), at(3_616));
        assert!(!watched.has("a") && !watched.ended(&a, true, at(3_616)) && !watched.ask(&a, at(3_616)));
        assert_eq!(watched.due(at(3_616)), [b]);
    }

    #[test]
    fn pauses_have_an_end() {
        let (start, a): (Instant, Arc<str>) = (Instant::now(), "a".into());
        let mut watched = Watched::default();
        watched.set([&a].into_iter(), start);
        for _ in 0..100 {
            watched.due(start + Duration::from_secs(1_000_000));
            watched.ended(&a, false, start);
        }
        assert_eq!(watched.due(start + RETRY_MAX).len(), 1);
    }
}
