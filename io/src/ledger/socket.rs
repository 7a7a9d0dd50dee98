//! `tidegate usage` and the gateway: a socket in the folder of durable state, one line of JSON each way.
//!
//! The file of the store can be open in one process only, so the command asks the gateway when it runs, and reads the file
//! itself when it does not.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, Serialize};
use tidegate_core::limit::{Account, Day, Record, Usage};

use super::store::{Batch, Store, StoreError, Stored};
use super::writer::Shelf;
use super::{Extend, Input, SETTLE_TIMEOUT};

/// The socket's name in the folder of durable state.
const FILE: &str = "usage.sock";
/// Bytes of a question.
const QUESTION_BYTES_MAX: u64 = 65_536;
/// How long a question may take to arrive, and an answer to leave.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Only this plan.
    pub plan: Option<String>,
    /// Only this key.
    pub key: Option<String>,
    /// From this day on, counted from 1970-01-01.
    pub from: u32,
    /// Up to this day.
    pub to: u32,
    /// Let the key make so many more requests under the plan in the present period.
    pub extend: Option<Extension>,
}

/// More requests, or fewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The plan.
    pub plan: String,
    /// The key.
    pub key: String,
    /// The present period's first day; what the gateway thinks of it counts when it runs.
    pub period: u32,
    /// How many.
    pub requests: i64,
}

/// What is answered: each account with what it has used.
pub type Answer = BTreeMap<Account, Stored>;

/// The same on the wire.
#[derive(Serialize, Deserialize)]
enum Reply {
    Accounts(Vec<Row>),
    Error(String),
}

#[derive(Serialize, Deserialize)]
struct Row {
    plan: String,
    key: String,
    /// Day, calls, bytes out.
    usage: Vec<(u32, u64, u64)>,
    /// First day of the period, used, extra, is first.
    records: Vec<(u32, u64, i64, bool)>,
}

/// A socket that is removed when the gateway ends.
pub(super) struct Bound(PathBuf);

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Answers from a thread until the process ends. The store is open, so a socket that is there already is a dead one's.
pub(super) fn bind(shelf: Shelf, inputs: Sender<Input>) -> Result<Bound, StoreError> {
    let path = shelf.folder().join(FILE);
    let failed = |error: io::Error| StoreError::new(&path, error);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    std::thread::Builder::new()
        .name("usage".to_owned())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Err(error) = serve(&stream, &shelf, &inputs) {
                    tracing::debug!(%error, "usage");
                }
            }
        })
        .map_err(failed)?;
    Ok(Bound(path))
}

fn serve(stream: &UnixStream, shelf: &Shelf, inputs: &Sender<Input>) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = String::new();
    BufReader::new(stream.take(QUESTION_BYTES_MAX)).read_line(&mut line)?;
    let reply = match serde_json::from_str(&line) {
        Ok(query) => answer(&query, shelf, inputs),
        Err(error) => Err(error.to_string()),
    };
    let reply = match reply {
        Ok(accounts) => Reply::Accounts(accounts.into_iter().map(row).collect()),
        Err(error) => Reply::Error(error),
    };
    let mut stream = io::BufWriter::new(stream);
    serde_json::to_writer(&mut stream, &reply)?;
    stream.flush()
}

fn answer(query: &Query, shelf: &Shelf, inputs: &Sender<Input>) -> Result<Answer, String> {
    if let Some(extension) = &query.extend {
        let account = Account { plan: extension.plan.clone(), key: extension.key.clone() };
        let (done, extended) = bounded(1);
        inputs
            .send(Input::Extend(Extend { account, requests: extension.requests, done }))
            .map_err(|_| "the gateway stops".to_owned())?;
        extended.recv_timeout(SETTLE_TIMEOUT).map_err(|_| "the ledger does not answer".to_owned())??;
    }
    let (done, settled) = bounded(1);
    inputs.send(Input::Settle(done)).map_err(|_| "the gateway stops".to_owned())?;
    settled.recv_timeout(SETTLE_TIMEOUT).map_err(|_| "not all shards and the store answer".to_owned())?;
    let store = shelf.store().map_err(|error| error.to_string())?;
    read(&store, query).map_err(|error| error.to_string())
}

fn read(store: &Store, query: &Query) -> Result<Answer, StoreError> {
    let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    store.read(|plan, key| is(&query.plan, plan) && is(&query.key, key), (Day(query.from), Day(query.to)))
}

/// Asks the gateway whose folder of durable state this is, or the store itself when no gateway runs.
///
/// # Errors
///
/// Why there is no answer, in words.
pub fn ask(state: &Path, query: &Query) -> Result<Answer, String> {
    match UnixStream::connect(state.join(FILE)) {
        Ok(stream) => ask_gateway(&stream, query),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            ask_store(state, query).map_err(|error| error.to_string())
        }
        Err(error) => Err(format!("{}: {error}", state.join(FILE).display())),
    }
}

fn ask_gateway(stream: &UnixStream, query: &Query) -> Result<Answer, String> {
    let asked = || -> io::Result<Reply> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut line = serde_json::to_vec(query)?;
        line.push(b'\n');
        (&mut &*stream).write_all(&line)?;
        Ok(serde_json::from_reader(BufReader::new(stream))?)
    };
    match asked().map_err(|error| format!("the gateway does not answer: {error}"))? {
        Reply::Accounts(rows) => Ok(rows.into_iter().map(account).collect()),
        Reply::Error(error) => Err(error),
    }
}

fn ask_store(state: &Path, query: &Query) -> Result<Answer, StoreError> {
    let is_there = state.join(super::store::FILE).exists();
    if !is_there && query.extend.is_none() {
        return Ok(Answer::new());
    }
    let store = Arc::new(Store::open(state)?);
    if let Some(extension) = &query.extend {
        let account = Account { plan: extension.plan.clone(), key: extension.key.clone() };
        let period = Day(extension.period);
        let loaded = store.load(&[(account.clone(), period)])?;
        let mut record = loaded.first().map_or_else(Record::default, |loaded| loaded.record(0));
        record.extra = record.extra.saturating_add(extension.requests);
        let mut batch = Batch::default();
        batch.records.insert((account, period), record);
        store.write(&batch)?;
    }
    read(&store, query)
}

fn row((account, stored): (Account, Stored)) -> Row {
    let usage = stored.usage.into_iter().map(|(day, usage)| (day.0, usage.calls, usage.bytes_out));
    let records = stored.records.into_iter();
    let records = records.map(|(period, record)| (period.0, record.used, record.extra, record.is_first));
    Row { plan: account.plan, key: account.key, usage: usage.collect(), records: records.collect() }
}

fn account(row: Row) -> (Account, Stored) {
    let usage = row.usage.into_iter().map(|(day, calls, bytes_out)| (Day(day), Usage { calls, bytes_out }));
    let records = row.records.into_iter();
    let records = records.map(|(day, used, extra, is_first)| (Day(day), Record { used, extra, is_first }));
    let stored = Stored { usage: usage.collect(), records: records.collect() };
    (Account { plan: row.plan, key: row.key }, stored)
}
