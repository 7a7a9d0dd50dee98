//! Credentials for calls to AWS services: found, renewed before they end, and handed to the shards, beside the request path.
//!
//! - `schedule`: which source is asked when, and what is known of it; a function of answers and time
//! - `source`: asks a source: environment, shared files, metadata of container and instance, STS
//! - `environment`: what this process was started with

mod environment;
mod schedule;
mod source;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, at, bounded, never, select};
use tidegate_core::aws::{CredentialsSource, Issued, IssuedTable};
use tidegate_core::plan::Aws;

use self::environment::Environment;
use self::schedule::Schedule;
use crate::fetch::{FetchError, Fetcher};

/// Sources that are asked at the same time; further ones wait.
const FETCHES_MAX: usize = 2;
/// Orders that wait for the thread, which never blocks; a further one waits for it.
const QUEUED_ORDERS_MAX: usize = 4;
/// News that wait for the control thread. Newer ones replace them: each is the whole table.
const QUEUED_NEWS_MAX: usize = 1;
/// How long a plan waits for its credentials. Then it is served without those that are missing.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The control thread's end of the credentials thread, which ends when this is dropped.
pub(crate) struct Issuer {
    orders: Sender<(OrderNumber, Aws)>,
    news: Receiver<News>,
    ordered: Cell<OrderNumber>,
}

/// Counts orders.
pub(crate) type OrderNumber = u64;

/// The credentials of all sources that have any.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// The last order that it knows of.
    pub(crate) of: OrderNumber,
    /// The credentials.
    pub(crate) table: Arc<IssuedTable>,
}

impl Issuer {
    /// Starts the thread. As long as no source is watched, nobody is asked for anything.
    pub(crate) fn start() -> io::Result<Self> {
        Self::start_in(Environment::of_process())
    }

    fn start_in(environment: Environment) -> io::Result<Self> {
        let (orders, received_orders) = bounded(QUEUED_ORDERS_MAX);
        let (news, received_news) = bounded(QUEUED_NEWS_MAX);
        let publisher = Publisher { news, untaken: received_news.clone() };
        let environment = Arc::new(environment);
        thread::Builder::new()
            .name("credentials".to_owned())
            .spawn(move || run(&received_orders, &publisher, &environment))?;
        Ok(Self { orders, news: received_news, ordered: Cell::new(0) })
    }

    /// Watches these sources from now on, and no others, and asks all of them again. Once each has an answer, or
    /// [`FIRST_ANSWER_TIMEOUT`] has passed, there is news of this order; then again whenever something changes.
    pub(crate) fn watch(&self, aws: Aws) -> OrderNumber {
        let number = self.ordered.get() + 1;
        self.ordered.set(number);
        // If the thread has died, whoever waits for news learns it.
        let _ = self.orders.send((number, aws));
        number
    }

    /// The news; disconnected when the thread has died.
    pub(crate) fn news(&self) -> &Receiver<News> {
        &self.news
    }
}

type Fetches = Fetcher<CredentialsSource, Issued>;

/// The credentials thread: until the control thread drops its end.
fn run(orders: &Receiver<(OrderNumber, Aws)>, publisher: &Publisher, environment: &Arc<Environment>) {
    let mut schedule = Schedule::new(FIRST_ANSWER_TIMEOUT);
    let (mut of, mut aws) = (0, Arc::new(Aws::default()));
    let mut fetcher: Option<Fetches> = None;
    loop {
        let due = schedule.take_due(Instant::now());
        if !due.is_empty() && fetcher.is_none() {
            fetcher = Fetcher::start("credentials-fetch", FETCHES_MAX)
                .inspect_err(|error| tracing::error!(%error, "cannot start threads for credentials"))
                .ok();
        }
        for source in due {
            let (asked, environment, aws) = (source.clone(), Arc::clone(environment), Arc::clone(&aws));
            let ordered = fetcher.as_ref().map_or(Err(FetchError::Busy), |fetcher| {
                fetcher.order(source.clone(), move |client| {
                    source::ask(&asked, client, &environment, &aws).map_err(FetchError::Unexpected)
                })
            });
            if let Err(error) = ordered {
                schedule.answered(&source, Err(&error), Instant::now(), now_s());
            }
        }
        if let Some(table) = schedule.news(Instant::now()) {
            publisher.publish(News { of, table: Arc::new(table) });
        }
        let results = fetcher.as_ref().map_or_else(never, |fetcher| fetcher.results().clone());
        let wake = schedule.wake_at().map_or_else(never, at);
        select! {
            recv(orders) -> order => match order {
                Ok((number, order)) => {
                    schedule.watch(&order.sources, Instant::now());
                    (of, aws) = (number, Arc::new(order));
                }
                Err(_) => return,
            },
            recv(results) -> ended => {
                // The threads live as long as this one.
                if let Ok((source, result)) = ended {
                    schedule.answered(&source, result.as_ref().cloned(), Instant::now(), now_s());
                }
            }
            recv(wake) -> _ => {}
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The thread's end of the news.
struct Publisher {
    news: Sender<News>,
    untaken: Receiver<News>,
}

impl Publisher {
    fn publish(&self, news: News) {
        let _older = self.untaken.try_recv();
        // There is room: nobody else sends.
        let _ = self.news.try_send(news);
    }
}
