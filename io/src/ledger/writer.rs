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
/// How long writes that nobody waits for are collected: each write costs about as much as ten requests.
const CALM_INTERVAL: Duration = Duration::from_millis(10);
/// The least time between two writes, also when requests wait: what comes in meanwhile is written together. The first write
/// after a pause is at once.
const URGENT_INTERVAL: Duration = Duration::from_millis(2);
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
    /// Since when something is to be written that is not usage.
    unwritten_since: Option<Instant>,
    /// Whether a request waits for it.
    is_urgent: bool,
    /// When it was last written.
    written: Option<Instant>,
    /// When writing or reading last failed, as long as it does.
    failed: Option<Instant>,
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
            unwritten_since: None,
            is_urgent: false,
            written: None,
            failed: None,
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
        if let Some(failed) = self.failed {
            return RETRY_INTERVAL.saturating_sub(failed.elapsed());
        }
        let left = |since: Option<Instant>, interval: Duration| {
            since.map_or(USAGE_INTERVAL, |since| interval.saturating_sub(since.elapsed()))
        };
        let calm = left(self.usage_since, USAGE_INTERVAL).min(left(self.unwritten_since, CALM_INTERVAL));
        if self.is_urgent { calm.min(left(self.written, URGENT_INTERVAL)) } else { calm }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Order(Order::Load { meter, account, period }) => {
                self.loads.push((meter, (*account).clone(), period));
            }
            Job::Order(Order::Save { meter, account, period, record, then, urgent }) => {
                self.is_urgent |= urgent;
                self.unwritten_since.get_or_insert_with(Instant::now);
                self.batch.records.insert(((*account).clone(), period), record);
                if !then.is_empty() {
                    self.saved.push((meter, then));
                }
            }
            Job::Order(Order::Refund { account, period, left }) => {
                self.unwritten_since.get_or_insert_with(Instant::now);
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
        if self.failed.is_some_and(|failed| failed.elapsed() < RETRY_INTERVAL) && !self.stops {
            return;
        }
        let is_past = |since: Option<Instant>, interval: Duration| {
            since.is_some_and(|since| since.elapsed() >= interval)
        };
        let is_due =
            is_past(self.usage_since, USAGE_INTERVAL) || is_past(self.unwritten_since, CALM_INTERVAL);
        let is_urgent = self.is_urgent && self.written.is_none_or(|at| at.elapsed() >= URGENT_INTERVAL);
        let worked = if is_urgent || is_due || !self.flushed.is_empty() { self.write() } else { Ok(()) };
        match worked.and_then(|()| self.load()) {
            Ok(()) => {
                if self.failed.take().is_some() {
                    tracing::info!("usage is stored again");
                }
            }
            Err(error) => {
                if self.failed.is_none() {
                    tracing::error!(%error, "usage is not stored; calls under a quota are answered 500 until it is");
                }
                self.failed = Some(Instant::now());
                self.shelf.close();
            }
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if !self.batch.is_empty() {
            self.shelf.store()?.write(&self.batch)?;
            self.batch = Batch::default();
            (self.usage_since, self.unwritten_since, self.is_urgent) = (None, None, false);
            self.written = Some(Instant::now());
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
        if self.loads.is_empty() {
            return Ok(());
        }
        let wanted: Vec<(Account, Day)> =
            self.loads.iter().map(|(_, account, period)| (account.clone(), *period)).collect();
        let loaded = self.shelf.store()?.load(&wanted)?;
        for ((meter, account, period), loaded) in self.loads.drain(..).zip(loaded) {
            let unwritten = pending(&self.batch.usage, &account, period);
            // What waits to be written is newer than what the store has.
            let known = self.batch.records.get(&(account, period)).copied();
            let record = known.unwrap_or_else(|| loaded.record(unwritten));
            let _ = self.says.send(Said::Loaded(meter, period, record));
        }
        Ok(())
    }
}

/// Calls of a period that are not written yet.
fn pending(usage: &BTreeMap<(Account, Day), Usage>, account: &Account, period: Day) -> u64 {
    let (first, last) = ((account.clone(), period), (account.clone(), Day(u32::MAX)));
    usage.range(first..=last).map(|(_, usage)| usage.calls).sum()
}
