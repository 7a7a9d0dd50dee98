//! The control thread: starts the shards, then reloads and stops as it is told, and passes on what names resolve to.
//!
//! Nothing of the request path waits for it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::raw::c_int;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select, tick, unbounded};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tidegate_core::cache;
use tidegate_core::plan::{Aws, Plan};

use crate::access_log::LogWriter;
use crate::admin::{Admin, Desk, Health};
use crate::caches::{Caches, Flush, lock};
use crate::credentials::{Issuer, News, OrderNumber};
use crate::doctor;
use crate::function::host::Host;
use crate::key_sets::KeySets;
use crate::ledger::{self, Ledger, StoreError};
use crate::resolve::{Resolved, Resolver};
use crate::ring::{self, Doorbell, RingSettings, probe};
use crate::shard::{self, Command, Report, Start};
use crate::tls::{Lasting, TlsError};

/// Commands that wait for a shard. A shard that lets so many pile up is stuck.
const QUEUED_COMMANDS_MAX: usize = 64;
/// How long a shard may take to start, in seconds.
const START_TIMEOUT_S: u64 = 30;
/// How long shards may take to stop beyond the drain timeout, in seconds.
const STOP_GRACE_S: u64 = 5;
/// How often the control thread looks whether access log lines were dropped, in seconds.
const LOG_CHECK_INTERVAL_S: u64 = 30;

/// What the process needs beside the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The CPU of each shard.
    pub cpus: Vec<usize>,
    /// Where to listen.
    pub listeners: Vec<Listener>,
    /// Address of the admin server.
    pub admin: Option<SocketAddr>,
    /// The folder of durable state.
    pub state: PathBuf,
    /// Sizes of each shard's ring.
    pub ring: RingSettings,
    /// How often names are resolved again whose time to live is not known, in milliseconds.
    pub dns_interval_ms: u64,
}

/// Where clients connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Whether it is for https.
    pub tls: bool,
}

/// Why the gateway does not run.
#[derive(Debug)]
pub enum GatewayError {
    /// This machine cannot run it.
    Machine(probe::Missing),
    /// An address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// A thread, a channel or a signal handler cannot be made.
    Start(io::Error),
    /// A shard could not start, or died.
    Shard(String),
    /// Durable state cannot be read or written.
    Store(StoreError),
    /// A certificate or key cannot be used.
    Tls(String),
    /// The resolver thread died.
    Resolver,
    /// The thread that looks for credentials died.
    Issuer,
    /// It was told a second time to stop.
    Forced,
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(missing) => write!(f, "{}\n  help: {}", missing.what, missing.remedy),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Start(error) => write!(f, "cannot start: {error}"),
            Self::Shard(error) => write!(f, "a shard failed: {error}"),
            Self::Store(error) => write!(f, "cannot store usage: {error}"),
            Self::Issuer => f.write_str("the credentials thread failed"),
            Self::Tls(error) => f.write_str(error),
            Self::Resolver => f.write_str("the resolver thread failed"),
            Self::Forced => f.write_str("stopped at once; requests in flight were dropped"),
        }
    }
}

impl std::error::Error for GatewayError {}

impl From<TlsError> for GatewayError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error.to_string())
    }
}

/// Where the gateway can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The listeners, in the order of the settings.
    pub listeners: Vec<SocketAddr>,
    /// Which of them are for https.
    pub secure: Vec<bool>,
    /// The admin server.
    pub admin: Option<SocketAddr>,
}

/// Serves `plan` until SIGTERM or SIGINT. `announce` is called once everything listens; `reload` on SIGHUP: it compiles
/// the configuration again, or says on its own why not.
pub fn run(
    plan: Plan,
    settings: &Settings,
    announce: impl FnOnce(&Plan, &Bound),
    reload: impl Fn() -> Option<Plan>,
) -> Result<(), GatewayError> {
    doctor::check_machine().map_err(GatewayError::Machine)?;
    let signals = signals().map_err(GatewayError::Start)?;
    let interval = Duration::from_millis(settings.dns_interval_ms);
    let resolver = Resolver::start(interval).map_err(GatewayError::Start)?;
    let issuer = Issuer::start().map_err(GatewayError::Start)?;
    let outside = Outside { resolver: &resolver, issuer: &issuer };
    let Some((plan, supplies)) = supply_first(plan, outside, &signals, &reload)? else {
        return Ok(());
    };
    let log = LogWriter::start().map_err(GatewayError::Start)?;
    // Dropped behind the shards: what it runs does not outlive it.
    let host = Host::start().map_err(GatewayError::Start)?;
    let (sockets, listeners) = bind(settings)?;
    let health = Arc::new(Health::default());
    let admin = match settings.admin {
        Some(address) => Some(Admin::bind(address).map_err(|error| GatewayError::Listen(address, error))?),
        None => None,
    };
    let secure = settings.listeners.iter().map(|listener| listener.tls).collect();
    let bound = Bound { listeners, secure, admin: admin.as_ref().map(Admin::address) };
    let mut control = Control::start(plan, supplies, settings, sockets, &log, &host)?;
    let (orders, flushes) = bounded(QUEUED_COMMANDS_MAX);
    if let Some(admin) = admin {
        let desk = Desk {
            health: Arc::clone(&health),
            caches: Arc::clone(&control.caches),
            flushes: orders.clone(),
        };
        admin.start(desk).map_err(GatewayError::Start)?;
    }
    announce(&control.plan, &bound);
    let ended = control.serve(&signals, outside, &log, &flushes, &reload).and_then(|()| {
        health.drain();
        control.stop(&signals)
    });
    control.ledger.stop();
    drop(host);
    log.stop();
    ended
}

/// Who finds out what a plan needs beside itself.
#[derive(Clone, Copy)]
struct Outside<'a> {
    resolver: &'a Resolver,
    issuer: &'a Issuer,
}

impl Outside<'_> {
    /// What `plan` needs, and what `served`, which is still in force, needs beside it.
    fn watch(self, plan: &Plan, served: Option<&Plan>, supplies: &mut Supplies) {
        self.resolver.watch(&plan.origins);
        let mut sources = plan.aws.sources.clone();
        let also = served.map_or(&[][..], |served| &served.aws.sources);
        sources.extend(also.iter().filter(|source| !plan.aws.sources.contains(source)).cloned());
        supplies.awaited = self.issuer.watch(Aws { sources, ..plan.aws.clone() });
    }
}

/// What a plan needs beside itself, as far as it is known.
#[derive(Clone)]
struct Supplies {
    addresses: Resolved,
    credentials: News,
    /// The last order of credentials.
    awaited: OrderNumber,
}

impl Supplies {
    fn none() -> Self {
        let credentials = News { of: 0, table: Arc::default() };
        Self { addresses: Resolved::default(), credentials, awaited: 0 }
    }

    /// Whether it is about this plan, not about one before.
    fn covers(&self, plan: &Plan) -> bool {
        let is_answered = self.credentials.of == self.awaited;
        is_answered && plan.origins.iter().all(|origin| self.addresses.contains_key(origin))
    }
}

/// Waits until all that the plan to start with needs has been asked for; nothing if told to stop meanwhile. A reload replaces
/// the plan.
fn supply_first(
    mut plan: Plan,
    outside: Outside<'_>,
    signals: &Receiver<c_int>,
    reload: &impl Fn() -> Option<Plan>,
) -> Result<Option<(Plan, Supplies)>, GatewayError> {
    let mut supplies = Supplies::none();
    outside.watch(&plan, None, &mut supplies);
    while !supplies.covers(&plan) {
        select! {
            recv(signals) -> signal => match signal {
                Ok(SIGHUP) => {
                    if let Some(newer) = compile(reload) {
                        outside.watch(&newer, None, &mut supplies);
                        plan = newer;
                    }
                }
                Ok(_) | Err(_) => return Ok(None),
            },
            recv(outside.resolver.news()) -> news => {
                supplies.addresses = news.map_err(|_| GatewayError::Resolver)?;
            }
            recv(outside.issuer.news()) -> news => {
                supplies.credentials = news.map_err(|_| GatewayError::Issuer)?;
            }
        }
    }
    Ok(Some((plan, supplies)))
}

fn compile(reload: &impl Fn() -> Option<Plan>) -> Option<Plan> {
    let plan = reload();
    if plan.is_none() {
        tracing::error!("reload refused; the old configuration stays in force");
    }
    plan
}

/// The control thread's side of the running shards.
struct Control {
    shards: Vec<Handle>,
    reports: Receiver<(usize, Report)>,
    ledger: Ledger,
    caches: Arc<Mutex<Caches>>,
    plan: Arc<Plan>,
    supplies: Supplies,
    key_sets: KeySets,
    tls: Lasting,
}

struct Handle {
    commands: Sender<Command>,
    doorbell: Doorbell,
    /// Kept so that the thread is known to run; joined when the shard has drained.
    _thread: ExecutorJoinHandle<()>,
}

impl Handle {
    fn tell(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::error!("a shard does not take commands");
        }
        self.doorbell.ring();
    }
}

/// Sends a last report when a shard ends in a way that it cannot tell itself.
struct LastWords {
    shard: usize,
    reports: Sender<(usize, Report)>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.reports.send((self.shard, Report::Failed("it panicked".to_owned())));
        }
    }
}

impl Control {
    fn start(
        plan: Plan,
        supplies: Supplies,
        settings: &Settings,
        sockets: Vec<Vec<socket2::Socket>>,
        log: &LogWriter,
        host: &Host,
    ) -> Result<Self, GatewayError> {
        let (sender, reports) = unbounded();
        let plan = Arc::new(plan);
        let mut key_sets = KeySets::start().map_err(GatewayError::Start)?;
        key_sets.watch(&plan);
        let lasting = Lasting::new()?;
        let tls = Arc::new(lasting.compile(&plan)?);
        let secure: Vec<bool> = settings.listeners.iter().map(|listener| listener.tls).collect();
        let mut shards = Vec::new();
        let mut ends = ledger::Ends::new();
        for (index, (cpu, listeners)) in settings.cpus.iter().zip(sockets).enumerate() {
            let (commands, receiver) = bounded(QUEUED_COMMANDS_MAX);
            let doorbell = Doorbell::new().map_err(GatewayError::Start)?;
            let start = Start {
                plan: Arc::clone(&plan),
                addresses: Arc::clone(&supplies.addresses),
                credentials: Arc::clone(&supplies.credentials.table),
                keys_asker: key_sets.asker(),
                listeners,
                secure: secure.clone(),
                tls: Arc::clone(&tls),
                ring: settings.ring,
                doorbell: doorbell.clone(),
                commands: receiver,
                reports: shard::Reporter { shard: index, reports: sender.clone() },
                log: log.sender(),
                host: host.handle(),
                host_bell: Doorbell::new().map_err(GatewayError::Start)?,
                ledger: ends.shard(doorbell.clone()),
                shards: settings.cpus.len(),
            };
            let last_words = LastWords { shard: index, reports: sender.clone() };
            let thread = LocalExecutorBuilder::new(Placement::Fixed(*cpu))
                .name(&format!("shard-{index}"))
                .io_memory(0)
                .spawn(move || async move {
                    let _last_words = last_words;
                    shard::run(start);
                })
                .map_err(|error| GatewayError::Shard(error.to_string()))?;
            shards.push(Handle { commands, doorbell, _thread: thread });
        }
        let ledger = Ledger::start(ends, &plan, &settings.state).map_err(GatewayError::Store)?;
        let caches = Arc::new(Mutex::new(Caches::new(&plan, settings.cpus.len())));
        let control = Self { shards, reports, ledger, caches, plan, supplies, key_sets, tls: lasting };
        control.wait_for_all(START_TIMEOUT_S, |report| matches!(report, Report::Ready))?;
        Ok(control)
    }

    /// Until a stop signal. A new plan waits for its origins' addresses while the old one is served.
    fn serve(
        &mut self,
        signals: &Receiver<c_int>,
        outside: Outside<'_>,
        log: &LogWriter,
        flushes: &Receiver<Flush>,
        reload: &impl Fn() -> Option<Plan>,
    ) -> Result<(), GatewayError> {
        let ticks = tick(Duration::from_secs(LOG_CHECK_INTERVAL_S));
        let seconds = tick(Duration::from_secs(1));
        let (asks, fetched) = (self.key_sets.asks().clone(), self.key_sets.results().clone());
        let reports = self.reports.clone();
        let mut waiting: Option<Plan> = None;
        let mut dropped = 0;
        loop {
            select! {
                recv(signals) -> signal => match signal {
                    Ok(SIGHUP) => {
                        log.reopen();
                        if let Some(plan) = compile(reload) {
                            outside.watch(&plan, Some(&self.plan), &mut self.supplies);
                            waiting = Some(plan);
                        }
                    }
                    Ok(_) | Err(_) => return Ok(()),
                },
                recv(reports) -> report => match report {
                    Ok((shard, Report::Failed(error))) => {
                        return Err(GatewayError::Shard(format!("shard {shard}: {error}")));
                    }
                    Ok((shard, Report::Caches(said))) => self.share_caches(shard, said),
                    Ok((_, Report::Ready | Report::Installed | Report::Drained)) | Err(_) => {}
                },
                recv(flushes) -> flush => {
                    if let Ok(flush) = flush {
                        self.tell_all(|| Command::Flush(flush.clone()));
                    }
                }
                recv(outside.resolver.news()) -> news => {
                    let addresses = news.map_err(|_| GatewayError::Resolver)?;
                    self.supplies.addresses = Arc::clone(&addresses);
                    self.tell_all(|| Command::Resolved(Arc::clone(&addresses)));
                }
                recv(outside.issuer.news()) -> news => {
                    let credentials = news.map_err(|_| GatewayError::Issuer)?;
                    self.tell_all(|| Command::Credentials(Arc::clone(&credentials.table)));
                    self.supplies.credentials = credentials;
                }
                recv(asks) -> url => if let Ok(url) = url && !self.key_sets.ask(&url) {
                    self.tell_keys(&url);
                },
                recv(fetched) -> ended => if let Ok((url, result)) = ended {
                    self.key_sets.ended(&url, result);
                    self.tell_keys(&url);
                },
                recv(seconds) -> _ => self.key_sets.fetch_due(),
                recv(ticks) -> _ => {
                    let now = log.dropped();
                    if now > dropped {
                        tracing::warn!(lines = now - dropped, "access log lines dropped");
                        dropped = now;
                    }
                }
            }
            if let Some(plan) = waiting.take_if(|plan| self.supplies.covers(plan)) {
                self.install(plan)?;
            }
        }
    }

    /// All shards get the new plan, or none does.
    fn install(&mut self, plan: Plan) -> Result<(), GatewayError> {
        let tls = match self.tls.compile(&plan) {
            Ok(tls) => Arc::new(tls),
            Err(error) => {
                tracing::error!(%error, "reload refused; the old configuration stays in force");
                return Ok(());
            }
        };
        let generation = self.plan.generation + 1;
        self.plan = Arc::new(Plan { generation, ..plan });
        self.ledger.install(Arc::clone(&self.plan));
        self.key_sets.watch(&self.plan);
        lock(&self.caches).install(&self.plan);
        let addresses = &self.supplies.addresses;
        self.tell_all(|| Command::Install(Arc::clone(&self.plan), Arc::clone(addresses), Arc::clone(&tls)));
        self.wait_for_all(START_TIMEOUT_S, |report| matches!(report, Report::Installed))?;
        tracing::info!("reloaded");
        Ok(())
    }

    /// Drains. A further stop signal ends at once.
    fn stop(&self, signals: &Receiver<c_int>) -> Result<(), GatewayError> {
        self.tell_all(|| Command::Drain);
        let limit =
            Duration::from_millis(self.plan.limits.drain_timeout_ms) + Duration::from_secs(STOP_GRACE_S);
        let deadline = crossbeam_channel::after(limit);
        let mut draining = self.shards.len();
        while draining > 0 {
            select! {
                recv(signals) -> signal => match signal {
                    Ok(SIGHUP) => {}
                    Ok(_) | Err(_) => return Err(GatewayError::Forced),
                },
                recv(self.reports) -> report => match report {
                    Ok((_, Report::Drained)) => draining -= 1,
                    Ok((shard, Report::Failed(error))) => {
                        return Err(GatewayError::Shard(format!("shard {shard}: {error}")));
                    }
                    Ok((_, Report::Ready | Report::Installed | Report::Caches(_))) => {}
                    Err(_) => break,
                },
                recv(deadline) -> _ => break,
            }
        }
        Ok(())
    }

    /// There is news of the key set there, if only that it is as it was.
    fn tell_keys(&self, url: &Arc<str>) {
        self.tell_all(|| Command::KeySets(Arc::clone(self.key_sets.table()), Arc::clone(url)));
    }

    /// Moves bytes of the caches to where they are missed, and tells shards what has changed through others.
    fn share_caches(&self, shard: usize, said: Vec<cache::Report>) {
        let told = lock(&self.caches).hear(shard, said);
        for (cache, changes) in told.changes {
            let others = self.shards.iter().enumerate().filter(|(number, _)| *number != shard);
            others.for_each(|(_, other)| other.tell(Command::Changed(cache, Arc::clone(&changes))));
        }
        for (cache, order) in told.orders {
            self.shards[order.shard].tell(Command::Share(cache, order));
        }
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        for shard in &self.shards {
            shard.tell(command());
        }
    }

    fn wait_for_all(&self, seconds: u64, expected: impl Fn(&Report) -> bool) -> Result<(), GatewayError> {
        let mut waiting = self.shards.len();
        while waiting > 0 {
            match self.reports.recv_timeout(Duration::from_secs(seconds)) {
                Ok((_, report)) if expected(&report) => waiting -= 1,
                Ok((shard, Report::Failed(error))) => {
                    return Err(GatewayError::Shard(format!("shard {shard}: {error}")));
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(GatewayError::Shard(format!("{waiting} shards do not answer")));
                }
            }
        }
        Ok(())
    }
}

/// The signals that mean something, from a thread that waits for them.
fn signals() -> io::Result<Receiver<c_int>> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (sender, receiver) = unbounded();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// One listening socket per shard and address, all bound before any shard starts. Returns the sockets by shard and the
/// addresses with their real ports.
type Sockets = (Vec<Vec<socket2::Socket>>, Vec<SocketAddr>);

fn bind(settings: &Settings) -> Result<Sockets, GatewayError> {
    let mut sockets: Vec<Vec<socket2::Socket>> = settings.cpus.iter().map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for wanted in settings.listeners.iter().map(|listener| listener.address) {
        let failed = |error| GatewayError::Listen(wanted, error);
        let mut address = ring::reserve(wanted).map_err(failed)?;
        for shard in &mut sockets {
            let socket = ring::listen(address).map_err(failed)?;
            if let Some(actual) = socket.local_addr().map_err(failed)?.as_socket() {
                address = actual;
            }
            shard.push(socket);
        }
        bound.push(address);
    }
    Ok((sockets, bound))
}
