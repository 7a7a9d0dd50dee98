//! What runs on a shard for as long as it lives, from its start until it has drained.

use std::io;
use std::rc::Rc;

use crossbeam_channel::Receiver;

use super::{Command, DRAIN_POLL_MS, Report, Reporter, Shard, Start};
use crate::caches::Flush;
use crate::ring::{Acceptor, Listener, Ring};

/// Pause after a failed accept, in milliseconds: it fails for lack of descriptors or memory, which others must free.
const ACCEPT_RETRY_MS: u64 = 100;
/// How often collected access log lines are handed over, in milliseconds.
const LOG_FLUSH_MS: u64 = 200;

/// Serves until drained, on the current thread.
pub(crate) fn run(start: Start) {
    let reports = start.reports.clone();
    match Ring::open(start.ring) {
        Ok(ring) => {
            ring.clone().run(serve(ring, start));
            reports.tell(Report::Drained);
        }
        Err(error) => reports.tell(Report::Failed(error.to_string())),
    }
}

async fn serve(ring: Ring, mut start: Start) {
    let doorbell = ring.listen_to(&start.doorbell);
    let listeners = std::mem::take(&mut start.listeners);
    let (commands, reports) = (start.commands.clone(), start.reports.clone());
    let shard = Rc::new(Shard::new(&ring, start));
    let acceptors = listeners.into_iter().map(|listener| Rc::new(Acceptor::new(&ring, listener)));
    let acceptors: Vec<Rc<Acceptor>> = acceptors.collect();
    for (position, acceptor) in acceptors.iter().enumerate() {
        ring.spawn(accept(Rc::clone(&shard), Rc::clone(acceptor), position as u16));
    }
    ring.spawn(Rc::clone(&shard.pools).sweep(ring.clone(), {
        let shard = Rc::clone(&shard);
        move || shard.limits().upstream_idle_timeout_ms
    }));
    ring.spawn(flush_log(Rc::clone(&shard)));
    ring.spawn(tick_meters(Rc::clone(&shard)));
    ring.spawn(report_caches(Rc::clone(&shard), reports.clone()));
    reports.tell(Report::Ready);
    obey(&shard, &doorbell, &commands, &reports).await;
    // Requests in flight may still have to hear the ledger.
    ring.spawn(hear_ledger(Rc::clone(&shard), doorbell));
    drain(&shard, acceptors).await;
    shard.settle_meters().await;
    shard.lines.borrow_mut().flush();
}

/// Carries out commands until told to drain.
async fn obey(shard: &Rc<Shard>, doorbell: &Listener, commands: &Receiver<Command>, reports: &Reporter) {
    loop {
        for command in commands.try_iter() {
            match command {
                Command::Install(plan, addresses, tls) => {
                    shard.install(plan, &addresses, &tls);
                    reports.tell(Report::Installed);
                }
                Command::Resolved(addresses) => shard.pools.resolved(&addresses),
                Command::KeySets(table, url) => shard.hear_keys(table, &url),
                Command::Share(cache, order) => {
                    shard.core.borrow_mut().caches.obey(cache, order.total, order.bytes_max);
                }
                Command::Changed(cache, changes) => {
                    shard.core.borrow_mut().caches.hear_changes(cache, &changes);
                }
                Command::Flush(Flush { caches, done }) => {
                    let core = &mut shard.core.borrow_mut().caches;
                    caches.into_iter().flatten().for_each(|cache| core.flush(cache));
                    drop(done);
                }
                Command::Credentials(table) => shard.core.borrow_mut().signers.install(table),
                Command::Drain => return,
            }
        }
        shard.hear_ledger();
        doorbell.heard().await;
    }
}

/// Takes the connections of the listener at this position of the configuration.
async fn accept(shard: Rc<Shard>, acceptor: Rc<Acceptor>, listener: u16) {
    let mut failing = false;
    while let Some(accepted) = acceptor.accept().await {
        match accepted {
            Ok(socket) => {
                failing = false;
                shard.admit(socket, acceptor.port(), listener);
            }
            Err(error) => {
                if !is_exhausted(&error) {
                    continue; // that one client has given up
                }
                if !failing {
                    tracing::warn!(%error, "accept");
                }
                failing = true;
                shard.ring.sleep(ACCEPT_RETRY_MS).await;
            }
        }
    }
}

/// Whether accepting again at once would fail again.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Stops accepting, then waits until the last connection is gone or the drain timeout has passed.
async fn drain(shard: &Rc<Shard>, acceptors: Vec<Rc<Acceptor>>) {
    let deadline_ms = shard.now().monotonic_ns / 1_000_000 + shard.limits().drain_timeout_ms;
    shard.core.borrow_mut().draining = true;
    for (position, acceptor) in acceptors.into_iter().enumerate() {
        acceptor.close(|socket| shard.admit(socket, acceptor.port(), position as u16)).await;
    }
    shard.nudge_idle();
    let is_busy = || !shard.connections.borrow().is_empty() || shard.functions.has_unattended();
    while is_busy() && shard.now().monotonic_ns / 1_000_000 < deadline_ms {
        shard.ring.sleep(DRAIN_POLL_MS).await;
        shard.nudge_idle();
    }
}

async fn hear_ledger(shard: Rc<Shard>, doorbell: Listener) {
    loop {
        shard.hear_ledger();
        doorbell.heard().await;
    }
}

/// How often waiting requests are looked at, and how many such looks lie between two reports of usage.
const METERS_TICK_MS: u64 = 250;
const TICKS_PER_REPORT: u32 = 8;

async fn tick_meters(shard: Rc<Shard>) {
    for tick in 1_u32.. {
        shard.ring.sleep(METERS_TICK_MS).await;
        let now_ns = shard.now().monotonic_ns;
        shard.waiting.expire(now_ns);
        shard.following.expire(now_ns);
        shard.authorizing.expire(now_ns);
        shard.keys.expire(now_ns);
        if tick.is_multiple_of(TICKS_PER_REPORT) {
            shard.core.borrow_mut().meters.tick(now_ns);
        }
        shard.tell_ledger();
    }
}

/// How often a shard says how it stands with its slices of the caches, in milliseconds.
const CACHES_REPORT_MS: u64 = 500;

async fn report_caches(shard: Rc<Shard>, reports: Reporter) {
    loop {
        shard.ring.sleep(CACHES_REPORT_MS).await;
        let said = shard.core.borrow_mut().caches.report();
        if !said.is_empty() {
            reports.tell(Report::Caches(said));
        }
    }
}

async fn flush_log(shard: Rc<Shard>) {
    loop {
        shard.ring.sleep(LOG_FLUSH_MS).await;
        shard.lines.borrow_mut().flush();
    }
}
