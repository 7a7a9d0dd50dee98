//! The ledger's thread: joins `core::limit::Ledger` with the shards and the store.
//!
//! Shards tell it over one bounded channel and hear it over one each; none of them ever waits for a channel. What does not
//! fit yet stays at its sender: at most a few messages for each limit that is in use.

mod socket;
pub(crate) mod store;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select, tick, unbounded};
use tidegate_core::limit::{self, Account, Order, Quota, ToLedger, ToShard};
use tidegate_core::plan::Plan;

use self::writer::{Job, Said, Shelf, Writer};
use crate::clock;
use crate::ring::Doorbell;

pub use self::socket::{Answer, Extension, Query, ask};
pub use self::store::{StoreError, Stored};

/// Batches of messages that wait for the ledger; a shard keeps what does not fit.
const QUEUED_BATCHES_MAX: usize = 4096;
/// Messages that wait for a shard; the ledger keeps what does not fit.
const QUEUED_MESSAGES_MAX: usize = 16_384;
/// Orders that wait for the store; the ledger waits when there are more.
const QUEUED_JOBS_MAX: usize = 65_536;
/// How often the ledger looks at the clock and forgets what is not used.
const TICK: Duration = Duration::from_secs(1);
/// How long all shards may take to settle.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the ledger's thread is told.
enum Input {
    /// By a shard.
    Shard(usize, Vec<ToLedger>),
    /// The plan in force.
    Plan(Arc<Plan>),
    /// Let an account make more requests in the present period.
    Extend(Extend),
    /// Let all shards tell what they have used, write it, and say when it is done.
    Settle(Sender<()>),
    /// Write everything and end.
    Stop(Sender<()>),
}

/// More requests for an account, or fewer.
struct Extend {
    account: Account,
    requests: i64,
    done: Sender<Result<(), String>>,
}

/// A shard's end.
pub(crate) struct ShardEnd {
    shard: usize,
    inputs: Sender<Input>,
    messages: Receiver<ToShard>,
}

impl ShardEnd {
    /// Tells the ledger what stands in the outbox; it stays there when the ledger does not keep up.
    pub(crate) fn tell(&self, outbox: &mut Vec<ToLedger>) {
        if outbox.is_empty() {
            return;
        }
        // When the thread is gone, so is the process, soon.
        let sent = self.inputs.try_send(Input::Shard(self.shard, std::mem::take(outbox)));
        if let Err(TrySendError::Full(Input::Shard(_, batch))) = sent {
            *outbox = batch;
        }
    }

    /// What the ledger says.
    pub(crate) fn messages(&self) -> impl Iterator<Item = ToShard> {
        self.messages.try_iter()
    }
}

/// The other ends, before the thread starts.
pub(crate) struct Ends {
    inputs: (Sender<Input>, Receiver<Input>),
    shards: Vec<(Sender<ToShard>, Doorbell)>,
}

impl Ends {
    pub(crate) fn new() -> Self {
        Self { inputs: bounded(QUEUED_BATCHES_MAX), shards: Vec::new() }
    }

    /// The end of the next shard.
    pub(crate) fn shard(&mut self, doorbell: Doorbell) -> ShardEnd {
        let (sender, messages) = bounded(QUEUED_MESSAGES_MAX);
        self.shards.push((sender, doorbell));
        ShardEnd { shard: self.shards.len() - 1, inputs: self.inputs.0.clone(), messages }
    }
}

/// The running thread.
pub(crate) struct Ledger {
    inputs: Sender<Input>,
    thread: JoinHandle<()>,
    writer: JoinHandle<()>,
    shelf: Shelf,
    /// Where `tidegate usage` asks, once there are usage plans.
    socket: Option<socket::Bound>,
}

impl Ledger {
    /// Starts the threads. With usage plans there must be a store, and there is a socket for `tidegate usage`.
    pub(crate) fn start(ends: Ends, plan: &Arc<Plan>, state: &Path) -> Result<Self, StoreError> {
        let shelf = Shelf::new(state);
        let failed = |error: io::Error| StoreError::new(state, error);
        let (jobs, orders) = bounded(QUEUED_JOBS_MAX);
        let (says, said) = unbounded();
        let writer = Writer::new(shelf.clone(), says);
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(&orders))
            .map_err(failed)?;
        let (inputs, heard) = ends.inputs;
        let worker = Worker {
            ledger: limit::Ledger::new(ends.shards.len(), clock::now()),
            plan: Arc::clone(plan),
            shards: ends
                .shards
                .into_iter()
                .map(|(sender, doorbell)| Mailbox::new(sender, doorbell))
                .collect(),
            jobs,
            extensions: Vec::new(),
            settling: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || worker.run(&heard, &said))
            .map_err(failed)?;
        let mut ledger = Self { inputs, thread, writer, shelf, socket: None };
        ledger.open(plan)?;
        Ok(ledger)
    }

    /// A new plan is in force.
    pub(crate) fn install(&mut self, plan: Arc<Plan>) {
        if let Err(error) = self.open(&plan) {
            tracing::error!(%error, "usage cannot be stored or asked for");
        }
        let _ = self.inputs.send(Input::Plan(plan));
    }

    /// Opens the store and the socket when the first usage plan comes.
    fn open(&mut self, plan: &Plan) -> Result<(), StoreError> {
        if self.socket.is_none() && !plan.usage_plans.is_empty() {
            self.shelf.store()?;
            self.socket = Some(socket::bind(self.shelf.clone(), self.inputs.clone())?);
        }
        Ok(())
    }

    /// Writes what is left to write. The shards have drained.
    pub(crate) fn stop(self) {
        let (done, written) = bounded(1);
        if self.inputs.send(Input::Stop(done)).is_ok() && written.recv_timeout(SETTLE_TIMEOUT).is_err() {
            tracing::error!("usage could not be stored before the end");
            return;
        }
        let _ = self.thread.join();
        let _ = self.writer.join();
    }
}

/// Messages for one shard.
struct Mailbox {
    sender: Sender<ToShard>,
    doorbell: Doorbell,
    waiting: VecDeque<ToShard>,
}

impl Mailbox {
    fn new(sender: Sender<ToShard>, doorbell: Doorbell) -> Self {
        Self { sender, doorbell, waiting: VecDeque::new() }
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        while let Some(message) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(message)) = self.sender.try_send(message) {
                self.waiting.push_front(message);
                break;
            }
        }
        self.doorbell.ring();
    }
}

/// The state of the thread.
struct Worker {
    ledger: limit::Ledger,
    plan: Arc<Plan>,
    shards: Vec<Mailbox>,
    jobs: Sender<Job>,
    /// Extensions of quotas of which the store has not said yet what is used.
    extensions: Vec<Extend>,
    /// Who wants to know when all shards have settled.
    settling: Vec<Sender<()>>,
}

impl Worker {
    fn run(mut self, inputs: &Receiver<Input>, said: &Receiver<Said>) {
        let ticks = tick(TICK);
        loop {
            select! {
                recv(inputs) -> input => {
                    let Ok(input) = input else { return };
                    let mut next = Some(input);
                    while let Some(input) = next {
                        if let Input::Stop(done) = input {
                            let _ = self.jobs.send(Job::Stop(done));
                            return;
                        }
                        self.hear(input);
                        next = inputs.try_recv().ok();
                    }
                }
                recv(said) -> said => match said {
                    Ok(said) => self.hear_store(said),
                    Err(_) => return,
                },
                recv(ticks) -> _ => self.ledger.tick(clock::now()),
            }
            self.extend();
            self.obey();
            self.shards.iter_mut().for_each(Mailbox::flush);
        }
    }

    fn hear(&mut self, input: Input) {
        match input {
            Input::Shard(shard, messages) => {
                let now = clock::now();
                for message in messages {
                    self.ledger.hear(shard, message, now);
                }
            }
            Input::Plan(plan) => self.plan = plan,
            Input::Extend(extend) => self.extensions.push(extend),
            Input::Settle(done) => {
                self.settling.push(done);
                self.ledger.settle();
            }
            Input::Stop(_) => {}
        }
        self.obey();
    }

    fn hear_store(&mut self, said: Said) {
        match said {
            Said::Loaded(meter, period, record) => self.ledger.loaded(meter, period, record, clock::now()),
            Said::Saved(meter, then) => {
                for (shard, message) in then {
                    self.shards[shard].waiting.push_back(message);
                }
                self.ledger.saved(meter, clock::now());
            }
        }
    }

    fn extend(&mut self) {
        for extend in std::mem::take(&mut self.extensions) {
            let Some(quota) = self.quota(&extend.account) else {
                let Account { plan, key } = &extend.account;
                let why = format!("the key `{key}` is in no usage plan `{plan}` with a quota");
                let _ = extend.done.send(Err(why));
                continue;
            };
            let (account, quota) = (Arc::new(extend.account.clone()), (quota, self.plan.generation));
            if self.ledger.extend(&account, quota, extend.requests, clock::now()) {
                let _ = extend.done.send(Ok(()));
            } else {
                self.extensions.push(extend);
            }
        }
    }

    fn quota(&self, account: &Account) -> Option<Quota> {
        let plans = &self.plan.usage_plans;
        let is_meant = |(key, plan): &(_, _)| {
            plans.plan_name(*plan) == account.plan && plans.key_name(*key) == account.key.as_bytes()
        };
        let (_, plan) = plans.accounts().find(is_meant)?;
        plans.quota(plan)
    }

    fn obey(&mut self) {
        for order in std::mem::take(self.ledger.orders()) {
            match order {
                Order::Tell(shard, message) => self.shards[shard].waiting.push_back(message),
                Order::Settled => {
                    for done in self.settling.drain(..) {
                        let _ = self.jobs.send(Job::Flush(done));
                    }
                }
                order => {
                    let _ = self.jobs.send(Job::Order(order));
                }
            }
        }
    }
}
