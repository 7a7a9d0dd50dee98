//! The thread that writes the store: whatever has come in while it wrote is written together next.
//!
//! When the disk is full or broken it keeps what it was told, says so, and tries again; nothing is lent meanwhile that is
//! not durable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tidegate_core::limit::{Account, Day, MeterId, Order, Record, ToShard, Usage};

use super::store::{Batch, Store, StoreError};

/// How long usage is collected before it is written: what a crash can lose of the calls in `tidegate usage`, never of a
/// quota.
const USAGE_INTERVAL: Duration = Duration::from_secs(10);
/// How long to wait before the next try when writing failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Most orders that are written together.
const ORDERS_MAX: usize = 16_384;

/// What the writer is told.
pub(super) enum Job {
    /// An order of the ledger for the store.
    Order(Order),
    /// Write everything, and say when it is done.
    Flush(Sender<()>),
    /// The same, and then end.
    Stop(Sender<()>),
}

/// What the writer says.
pub(super) enum Said {
    /// What the store has of a quota.
    Loaded(MeterId, Day, Record),
    /// It is written; now the shards can be told.
    Saved(MeterId, Vec<(usize, ToShard)>),
}

/// The store, opened when it is first needed and again after it failed.
#[derive(Clone)]
pub(crate) struct Shelf(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    store: Mutex<Option<Arc<Store>>>,
}

impl Shelf {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(Arc::new(Inner { folder: folder.to_owned(), store: Mutex::new(None) }))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The store.
    pub(crate) fn store(&self) -> Result<Arc<Store>, StoreError> {
        let mut store = self.lock();
        if let Some(open) = store.as_ref() {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(Store::open(&self.0.folder)?);
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// A failed redb file has to be opened again.
    fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Store>>> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the thread.
pub(super) struct Writer {
    shelf: Shelf,
    says: Sender<Said>,
    batch: Batch,
    saved: Vec<(MeterId, Vec<(usize, ToShard)>)>,
    loads: Vec<(MeterId, Account, Day)>,
    flushed: Vec<Sender<()>>,
    usage_since: Option<Instant>,
    is_failing: bool,
    stops: bool,
}

impl Writer {
    pub(super) fn new(shelf: Shelf, says: Sender<Said>) -> Self {
        Self {
            shelf,
            says,
            batch: Batch::default(),
            saved: Vec::new(),
            loads: Vec::new(),
            flushed: Vec::new(),
            usage_since: None,
            is_failing: false,
            stops: false,
        }
    }

    /// Works until told to stop, or until nobody can tell it anything any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while !self.stops {
            match jobs.recv_timeout(self.patience()) {
                Ok(job) => {
                    self.take(job);
                    for job in jobs.try_iter().take(ORDERS_MAX) {
                        self.take(job);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.stops = true,
            }
            self.work();
        }
    }

    fn patience(&self) -> Duration {
        if self.is_failing {
            return RETRY_INTERVAL;
        }
        self.usage_since.map_or(USAGE_INTERVAL, |since| USAGE_INTERVAL.saturating_sub(since.elapsed()))
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Order(Order::Load { meter, account, period }) => {
                self.loads.push((meter, (*account).clone(), period));
            }
            Job::Order(Order::Save { meter, account, period, record, then }) => {
                self.batch.records.insert(((*account).clone(), period), record);
                if !then.is_empty() {
                    self.saved.push((meter, then));
                }
            }
            Job::Order(Order::Refund { account, period, left }) => {
                match self.batch.records.get_mut(&((*account).clone(), period)) {
                    Some(record) => record.used = record.used.saturating_sub(u64::from(left)),
                    None => self.batch.refunds.push(((*account).clone(), period, left)),
                }
            }
            Job::Order(Order::Count { account, day, usage }) => {
                self.usage_since.get_or_insert_with(Instant::now);
                self.batch.usage.entry(((*account).clone(), day)).or_default().add(usage);
            }
            Job::Order(Order::Tell(..) | Order::Settled) => {}
            Job::Flush(done) => self.flushed.push(done),
            Job::Stop(done) => {
                self.flushed.push(done);
                self.stops = true;
            }
        }
    }

    fn work(&mut self) {
        let is_urgent = !self.batch.records.is_empty() || !self.batch.refunds.is_empty();
        let is_due = self.usage_since.is_some_and(|since| since.elapsed() >= USAGE_INTERVAL);
        let worked = if is_urgent || is_due || !self.flushed.is_empty() { self.write() } else { Ok(()) };
        match worked.and_then(|()| self.load()) {
            Ok(()) if self.is_failing => {
                tracing::info!("usage is stored again");
                self.is_failing = false;
            }
            Ok(()) => {}
            Err(error) => {
                if !self.is_failing {
                    tracing::error!(%error, "usage is not stored; calls under a quota are answered 500 until it is");
                }
                self.is_failing = true;
                self.shelf.close();
            }
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if !self.batch.is_empty() {
            self.shelf.store()?.write(&self.batch)?;
            self.batch = Batch::default();
            self.usage_since = None;
        }
        for (meter, then) in self.saved.drain(..) {
            let _ = self.says.send(Said::Saved(meter, then));
        }
        for done in self.flushed.drain(..) {
            let _ = done.send(());
        }
        Ok(())
    }

    fn load(&mut self) -> Result<(), StoreError> {
        while let Some((meter, account, period)) = self.loads.last() {
            let store = self.shelf.store()?;
            let record = match store.load(account, *period)? {
                Some(record) => record,
                None => {
                    let (used, is_first) = store.used_in(account, *period)?;
                    let used = used + pending(&self.batch.usage, account, *period);
                    Record { used, extra: 0, is_first }
                }
            };
            let _ = self.says.send(Said::Loaded(*meter, *period, record));
            self.loads.pop();
        }
        Ok(())
    }
}

/// Calls of a period that are not written yet.
fn pending(usage: &BTreeMap<(Account, Day), Usage>, account: &Account, period: Day) -> u64 {
    let (first, last) = ((account.clone(), period), (account.clone(), Day(u32::MAX)));
    usage.range(first..=last).map(|(_, usage)| usage.calls).sum()
}
