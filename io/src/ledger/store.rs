//! What of limits and usage outlives the process: one redb file.
//!
//! Owns the file and its two tables. It knows no shard and decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tidegate_core::limit::{Account, Day, Record, Usage};

/// By plan, key and first day of the period: requests used, requests added to the limit, whether it is the first period.
const QUOTAS: TableDefinition<'_, (&str, &str, u32), (u64, i64, bool)> = TableDefinition::new("quotas");
/// By plan, key and day: calls, and bytes of their answers.
const USAGE: TableDefinition<'_, (&str, &str, u32), (u64, u64)> = TableDefinition::new("usage");

/// The name of the file in the folder of durable state.
pub(crate) const FILE: &str = "usage.redb";
/// Memory for pages of the file, in bytes.
const CACHE_BYTES: usize = 64 << 20;

/// Why the store does not do what it should.
#[derive(Debug)]
pub struct StoreError {
    path: PathBuf,
    why: String,
}

impl StoreError {
    pub(crate) fn new(path: &Path, why: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for StoreError {}

/// The open file.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

/// What is to be written together. The last word about a record counts.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: BTreeMap<(Account, Day), Record>,
    pub(crate) refunds: Vec<(Account, Day, u32)>,
    pub(crate) usage: BTreeMap<(Account, Day), Usage>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.refunds.is_empty() && self.usage.is_empty()
    }
}

/// What the store has of a quota in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// What is used.
    Record(Record),
    /// Nothing; but so many calls were made in it, when there was another quota or none.
    Calls {
        /// How many.
        calls: u64,
        /// Whether there is no earlier period.
        is_first: bool,
    },
}

impl Loaded {
    /// What is used, when so many more calls are not written yet.
    pub(crate) fn record(self, unwritten: u64) -> Record {
        match self {
            Self::Record(record) => record,
            Self::Calls { calls, is_first } => Record { used: calls + unwritten, extra: 0, is_first },
        }
    }
}

/// What the store has of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// What was used on each day.
    pub usage: BTreeMap<Day, Usage>,
    /// What is used of the quota in each period.
    pub records: BTreeMap<Day, Record>,
}

impl Store {
    /// Opens the file in this folder, and makes both if they are not there.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::new(folder, error))?;
        let path = folder.join(FILE);
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(&path);
        let database = database.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => {
                StoreError::new(&path, "another tidegate has it open; give each its own `state` under [node]")
            }
            error => StoreError::new(&path, error),
        })?;
        let store = Self { path, database };
        store.write(&Batch::default())?;
        Ok(store)
    }

    /// What is used of quotas in the periods that begin with these days.
    pub(crate) fn load(&self, wanted: &[(Account, Day)]) -> Result<Vec<Loaded>, StoreError> {
        let load = || -> Result<Vec<Loaded>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let quotas = transaction.open_table(QUOTAS)?;
            let usage = transaction.open_table(USAGE)?;
            let mut all = Vec::with_capacity(wanted.len());
            for (account, period) in wanted {
                let (plan, key) = (account.plan.as_str(), account.key.as_str());
                if let Some(found) = quotas.get((plan, key, period.0))? {
                    all.push(Loaded::Record(record(found.value())));
                    continue;
                }
                let is_first = quotas.range((plan, key, 0)..(plan, key, period.0))?.next().is_none();
                let mut calls = 0;
                for day in usage.range((plan, key, period.0)..=(plan, key, u32::MAX))? {
                    calls += day?.1.value().0;
                }
                all.push(Loaded::Calls { calls, is_first });
            }
            Ok(all)
        };
        load().map_err(|error| StoreError::new(&self.path, error))
    }

    /// Writes all of it, durably, or nothing.
    pub(crate) fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let write = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            {
                let mut quotas = transaction.open_table(QUOTAS)?;
                for ((account, period), record) in &batch.records {
                    let key = (account.plan.as_str(), account.key.as_str(), period.0);
                    quotas.insert(key, (record.used, record.extra, record.is_first))?;
                }
                for (account, period, left) in &batch.refunds {
                    let key = (account.plan.as_str(), account.key.as_str(), period.0);
                    let found = quotas.get(key)?.map(|found| found.value());
                    if let Some((used, extra, is_first)) = found {
                        quotas.insert(key, (used.saturating_sub(u64::from(*left)), extra, is_first))?;
                    }
                }
                let mut usage = transaction.open_table(USAGE)?;
                for ((account, day), used) in &batch.usage {
                    let key = (account.plan.as_str(), account.key.as_str(), day.0);
                    let (calls, bytes) = usage.get(key)?.map_or((0, 0), |found| found.value());
                    usage.insert(key, (calls + used.calls, bytes + used.bytes_out))?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| StoreError::new(&self.path, error))
    }

    /// Everything of the accounts that are `wanted`, from one day to another.
    pub(crate) fn read(
        &self,
        wanted: impl Fn(&str, &str) -> bool,
        days: (Day, Day),
    ) -> Result<BTreeMap<Account, Stored>, StoreError> {
        let read = || -> Result<BTreeMap<Account, Stored>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let mut all: BTreeMap<Account, Stored> = BTreeMap::new();
            for row in transaction.open_table(USAGE)?.iter()? {
                let (key, value) = row?;
                let (plan, key, day) = key.value();
                if wanted(plan, key) && (days.0.0..=days.1.0).contains(&day) {
                    let (calls, bytes_out) = value.value();
                    all.entry(account(plan, key))
                        .or_default()
                        .usage
                        .insert(Day(day), Usage { calls, bytes_out });
                }
            }
            for row in transaction.open_table(QUOTAS)?.iter()? {
                let (key, value) = row?;
                let (plan, key, period) = key.value();
                if wanted(plan, key) && period <= days.1.0 {
                    all.entry(account(plan, key))
                        .or_default()
                        .records
                        .insert(Day(period), record(value.value()));
                }
            }
            Ok(all)
        };
        read().map_err(|error| StoreError::new(&self.path, error))
    }
}

fn account(plan: &str, key: &str) -> Account {
    Account { plan: plan.to_owned(), key: key.to_owned() }
}

fn record((used, extra, is_first): (u64, i64, bool)) -> Record {
    Record { used, extra, is_first }
}
