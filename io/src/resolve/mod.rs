//! Names to addresses, on threads of their own: neither shards nor the control thread wait for a name server.
//!
//! The system's resolver (getaddrinfo) decides, so that `/etc/hosts` and `nsswitch.conf` count. It does not tell how
//! long its answer holds; the name servers are asked for that, and for nothing else.
//!
//! - `watch`, `known`: which origin is looked up when, and what is known of it; functions of answers and time
//! - `ttl`: a name's time to live, from the name servers
//! - `conf`: which name servers

mod watch;

mod known;

mod ttl;

mod conf;

#[cfg(test)]
mod fake_nameserver;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, at, bounded, never, select};
use tidegate_core::plan::Origin;

use watch::Watchlist;

/// Lookups at the same time, each on a thread of its own. Further ones wait. A lookup ends when getaddrinfo does, so
/// it is `resolv.conf`'s `timeout` and `attempts` that bound how long a dead name server holds a place.
const LOOKUPS_MAX: usize = 16;
/// Answers that wait for the resolver thread; two of each lookup, so that none has to wait.
const QUEUED_ANSWERS_MAX: usize = 2 * LOOKUPS_MAX;
/// Orders that wait for the resolver thread, which never blocks; a further one waits for it.
const QUEUED_ORDERS_MAX: usize = 4;
/// News that wait for the control thread. Newer ones replace them: each is the whole table.
const QUEUED_NEWS_MAX: usize = 1;

/// Addresses of an origin; none while its name does not resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addresses(Option<Arc<[SocketAddr]>>);

impl Addresses {
    /// The addresses, at least one.
    pub(crate) fn get(&self) -> Option<Arc<[SocketAddr]>> {
        self.0.clone()
    }
}

/// Every origin that was watched when this was made.
pub(crate) type Resolved = Arc<HashMap<Origin, Addresses>>;

/// The control thread's end of the resolver thread, which ends when this is dropped.
pub(crate) struct Resolver {
    orders: Sender<Vec<Origin>>,
    news: Receiver<Resolved>,
}

impl Resolver {
    /// Starts the thread. Addresses whose name server tells no time to live are looked up again after `interval`.
    pub(crate) fn start(interval: Duration) -> io::Result<Self> {
        let (orders, received_orders) = bounded(QUEUED_ORDERS_MAX);
        let (news, received_news) = bounded(QUEUED_NEWS_MAX);
        let (answers, received_answers) = bounded(QUEUED_ANSWERS_MAX);
        let publisher = Publisher { news, untaken: received_news.clone() };
        let lookups = Lookups { running: 0, answers };
        thread::Builder::new().name("resolver".to_owned()).spawn(move || {
            run(Watchlist::new(interval), lookups, &received_orders, &received_answers, &publisher);
        })?;
        Ok(Self { orders, news: received_news })
    }

    /// Watches these origins from now on, and no others. Once each of them has an answer, or
    /// [`watch::FIRST_ANSWER_TIMEOUT`] has passed, there is news; then again whenever something changes.
    pub(crate) fn watch(&self, origins: &[Origin]) {
        // If the thread has died, whoever waits for news learns it.
        let _ = self.orders.send(origins.to_vec());
    }

    /// The addresses of all origins, when something has changed; disconnected when the thread has died.
    pub(crate) fn news(&self) -> &Receiver<Resolved> {
        &self.news
    }
}

/// The resolver thread: until the control thread drops its end.
fn run(
    mut list: Watchlist,
    mut lookups: Lookups,
    orders: &Receiver<Vec<Origin>>,
    answers: &Receiver<Answer>,
    publisher: &Publisher,
) {
    loop {
        let now = Instant::now();
        for origin in list.take_due(now, lookups.free()) {
            lookups.start(origin);
        }
        if let Some(news) = list.news(now) {
            publisher.publish(news);
        }
        let wake = list.wake_at(lookups.free() > 0).map_or_else(never, at);
        select! {
            recv(orders) -> order => match order {
                Ok(origins) => list.watch(&origins, Instant::now()),
                Err(_) => return,
            },
            recv(answers) -> answer => match answer {
                Ok(Answer::Found(origin, found)) => list.found(&origin, found),
                Ok(Answer::Ended(origin, expiry)) => {
                    lookups.running -= 1;
                    list.ended(&origin, expiry, Instant::now());
                }
                Err(_) => return,
            },
            recv(wake) -> _ => {}
        }
    }
}

/// What a lookup tells, in this order.
enum Answer {
    /// Addresses, at least one, or why not. Not told by a lookup that cannot run.
    Found(Origin, io::Result<Arc<[SocketAddr]>>),
    /// It is over; the addresses hold until then, if that is known.
    Ended(Origin, Option<Instant>),
}

/// The lookups under way.
struct Lookups {
    running: usize,
    answers: Sender<Answer>,
}

impl Lookups {
    fn free(&self) -> usize {
        LOOKUPS_MAX - self.running
    }

    fn start(&mut self, origin: Origin) {
        self.running += 1;
        let lookup = Lookup { origin, expiry: None, answers: self.answers.clone() };
        let started = thread::Builder::new().name("lookup".to_owned()).spawn(move || lookup.run());
        if let Err(error) = started {
            tracing::warn!(%error, "cannot start a lookup");
        }
    }
}

/// One lookup. Tells its end even if its thread panics or cannot be started, so that no place is lost.
struct Lookup {
    origin: Origin,
    expiry: Option<Instant>,
    answers: Sender<Answer>,
}

impl Lookup {
    /// Asks the name servers before the system's resolver: addresses are then not older than their time to live, and
    /// nobody waits for a name server that does not answer.
    fn run(mut self) {
        let asked_at = Instant::now();
        let question = ttl::ask(&self.origin.host, &conf::nameservers());
        let found = look_up(&self.origin);
        let is_resolved = found.is_ok();
        let _ = self.answers.send(Answer::Found(self.origin.clone(), found));
        if let Some(question) = question.filter(|_| is_resolved) {
            self.expiry = question.ttl().map(|ttl| asked_at + ttl);
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        // Nobody listens any more when the gateway stops.
        let _ = self.answers.send(Answer::Ended(self.origin.clone(), self.expiry));
    }
}

/// Asks the system's resolver; blocks. Addresses keep its order: it is the order of preference (RFC 6724), and name
/// servers rotate it to spread load, so another order is news too.
fn look_up(origin: &Origin) -> io::Result<Arc<[SocketAddr]>> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for address in (origin.host.as_str(), origin.port).to_socket_addrs()? {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    if found.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(found.into()) }
}

/// The resolver thread's end of the news.
struct Publisher {
    news: Sender<Resolved>,
    untaken: Receiver<Resolved>,
}

impl Publisher {
    fn publish(&self, news: HashMap<Origin, Addresses>) {
        let _older = self.untaken.try_recv();
        // There is room: nobody else sends.
        let _ = self.news.try_send(Arc::new(news));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS_TIMEOUT: Duration = Duration::from_secs(30);

    fn origin(host: &str, port: u16) -> Origin {
        Origin { host: host.to_owned(), port, tls: None }
    }

    fn addresses(news: &Resolved, origin: &Origin) -> Vec<String> {
        let found = news[origin].get();
        found.iter().flat_map(|found| found.iter()).map(ToString::to_string).collect()
    }

    #[test]
    fn literals_and_names_have_addresses_and_port() {
        let origins = [origin("127.0.0.1", 80), origin("::1", 81), origin("localhost", 82)];
        let resolver = Resolver::start(Duration::from_secs(30)).expect("a thread");
        resolver.watch(&origins);
        let news = resolver.news().recv_timeout(NEWS_TIMEOUT).expect("news");
        assert_eq!(addresses(&news, &origins[0]), ["127.0.0.1:80"]);
        assert_eq!(addresses(&news, &origins[1]), ["[::1]:81"]);
        let localhost = addresses(&news, &origins[2]);
        assert!(
            localhost.iter().any(|address| ["127.0.0.1:82", "[::1]:82"].contains(&&**address)),
            "{localhost:?}"
        );
    }

    /// The control thread may be busy; then it finds the newest table, and the resolver has not waited for it.
    #[test]
    fn untaken_news_is_replaced() {
        let (news, untaken) = bounded(QUEUED_NEWS_MAX);
        let publisher = Publisher { news, untaken: untaken.clone() };
        for port in 1..=5 {
            publisher.publish(HashMap::from([(origin("a", port), Addresses::default())]));
        }
        assert_eq!(*untaken.recv().expect("news"), HashMap::from([(origin("a", 5), Addresses::default())]));
        assert!(untaken.is_empty());
    }

    #[test]
    fn a_lookup_that_panics_tells_its_end() {
        let (answers, received) = bounded(QUEUED_ANSWERS_MAX);
        let lookup = Lookup { origin: origin("a", 1), expiry: None, answers };
        let thread = thread::spawn(move || {
            let _lookup = lookup;
            std::panic::resume_unwind(Box::new("it panics"));
        });
        assert!(thread.join().is_err());
        assert!(matches!(received.recv(), Ok(Answer::Ended(_, None))));
    }
}
