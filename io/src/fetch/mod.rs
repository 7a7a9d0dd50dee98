//! Fetches over HTTP and HTTPS beside the request path: credentials, key sets. They block, so they have threads of their
//! own; neither shards nor the control thread wait for them.
//!
//! [`Fetcher`] runs jobs on a few threads and hands their results over in a channel to `select!` on, as the resolver does
//! with addresses. A job is any function of a [`Client`]: one fetch, or several that need each other's answers.
//!
//! - `client`: one fetch, with its limits of time and size

mod client;

#[cfg(test)]
mod tests;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

pub(crate) use self::client::{Client, FetchError, Request, Response};

/// Jobs that wait for a thread. A further one is refused; whoever ordered it tries again later, as after a failure.
const QUEUED_JOBS_MAX: usize = 64;

/// Runs jobs that block, at most as many at a time as it has threads. A job is known by its key, `K`, and gives a `T`.
/// The threads end when this is dropped.
pub(crate) struct Fetcher<K, T> {
    jobs: Sender<Job<K, T>>,
    results: Receiver<Ended<K, T>>,
}

/// Which job has ended, and how.
pub(crate) type Ended<K, T> = (K, Result<T, FetchError>);

struct Job<K, T> {
    key: K,
    run: Box<Work<T>>,
}

type Work<T> = dyn FnOnce(&Client) -> Result<T, FetchError> + Send;

/// Made by the thread that needs it first: to read the certificates of the system takes a while.
type LazyClient = Arc<LazyLock<Client>>;

impl<K: Send + 'static, T: Send + 'static> Fetcher<K, T> {
    /// Starts `threads` threads of this name.
    pub(crate) fn start(name: &str, threads: usize) -> io::Result<Self> {
        let (jobs, received_jobs) = bounded(QUEUED_JOBS_MAX);
        let (results, received_results) = bounded(QUEUED_JOBS_MAX);
        let client: LazyClient = Arc::new(LazyLock::new(Client::new));
        for _ in 0..threads {
            let (jobs, results, client) = (Receiver::clone(&received_jobs), results.clone(), client.clone());
            thread::Builder::new().name(name.to_owned()).spawn(move || run(&jobs, &results, &client))?;
        }
        Ok(Self { jobs, results: received_results })
    }

    /// Orders a job. Its result comes to [`Fetcher::results`], whatever happens; [`FetchError::Busy`] comes from here, and
    /// then nothing else does. Never waits.
    pub(crate) fn order(
        &self,
        key: K,
        run: impl FnOnce(&Client) -> Result<T, FetchError> + Send + 'static,
    ) -> Result<(), FetchError> {
        match self.jobs.try_send(Job { key, run: Box::new(run) }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(FetchError::Busy),
        }
    }

    /// The results, in the order in which jobs end. Results that nobody takes hold up the threads, and nobody else.
    pub(crate) fn results(&self) -> &Receiver<Ended<K, T>> {
        &self.results
    }
}

/// A thread: until nobody can order or take anything any more.
fn run<K, T>(jobs: &Receiver<Job<K, T>>, results: &Sender<Ended<K, T>>, client: &LazyClient) {
    for Job { key, run } in jobs {
        // A job that panics must not take its thread with it, nor leave whoever ordered it without an answer.
        let result = catch_unwind(AssertUnwindSafe(|| run(client))).unwrap_or(Err(FetchError::Panicked));
        if results.send((key, result)).is_err() {
            return;
        }
    }
}
