//! The control thread: starts the shards, then reloads and stops as it is told, and passes on what names resolve to.
//!
//! Nothing of the request path waits for it.

mod control;
mod error;
mod supply;

use std::io;
use std::net::SocketAddr;
use std::os::raw::c_int;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, unbounded};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tidegate_core::plan::Plan;

use self::control::Control;
pub use self::error::GatewayError;
use self::supply::{Outside, supply_first};
use crate::access_log::LogWriter;
use crate::admin::{Admin, Desk, Health};
use crate::credentials::Issuer;
use crate::doctor;
use crate::function::host::Host;
use crate::resolve::Resolver;
use crate::ring::{self, RingSettings};

/// Commands that wait for a shard. A shard that lets so many pile up is stuck.
const QUEUED_COMMANDS_MAX: usize = 64;
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
