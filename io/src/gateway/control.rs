//! The control thread's side of the running shards: starts them, tells them what is new, stops them.

use std::os::raw::c_int;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select, tick, unbounded};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use signal_hook::consts::signal::SIGHUP;
use tidegate_core::cache;
use tidegate_core::plan::Plan;

use super::supply::{Outside, Supplies, compile};
use super::{GatewayError, QUEUED_COMMANDS_MAX, Settings};
use crate::access_log::LogWriter;
use crate::caches::{Caches, Flush, lock};
use crate::function::host::Host;
use crate::key_sets::KeySets;
use crate::ledger::{self, Ledger};
use crate::ring::Doorbell;
use crate::shard::{self, Command, Report, Start};
use crate::tls::Lasting;

/// How long a shard may take to start, in seconds.
const START_TIMEOUT_S: u64 = 30;
/// How long shards may take to stop beyond the drain timeout, in seconds.
const STOP_GRACE_S: u64 = 5;
/// How often the control thread looks whether access log lines were dropped, in seconds.
const LOG_CHECK_INTERVAL_S: u64 = 30;

/// The control thread's side of the running shards.
pub(super) struct Control {
    shards: Vec<Handle>,
    reports: Receiver<(usize, Report)>,
    pub(super) ledger: Ledger,
    pub(super) caches: Arc<Mutex<Caches>>,
    pub(super) plan: Arc<Plan>,
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
    pub(super) fn start(
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
    pub(super) fn serve(
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
    pub(super) fn stop(&self, signals: &Receiver<c_int>) -> Result<(), GatewayError> {
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
