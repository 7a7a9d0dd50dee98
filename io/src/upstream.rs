//! Upstream connections: a pool per shard and origin, reused newest first.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use ahash::RandomState;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tidegate_core::exchange::CallFailure;
use tidegate_core::limits::Limits;
use tidegate_core::plan::{Origin, Plan};

use crate::resolve::Addresses;
use crate::ring::{Ring, Socket};
use crate::stream::Stream;
use crate::tls::Backends;
use crate::transport::{self, Transport};

/// How often idle connections are looked over, in milliseconds.
const SWEEP_MS: u64 = 1_000;

/// The pools of a shard. A pool outlives a reload if the new plan still names its origin.
#[derive(Default)]
pub(crate) struct Pools {
    by_origin: RefCell<HashMap<Origin, Rc<Pool>, RandomState>>,
    /// By [`tidegate_core::plan::OriginId`] of the plan in force.
    current: RefCell<Rc<[Rc<Pool>]>>,
}

/// The connections to one origin.
pub(crate) struct Pool {
    addresses: RefCell<Addresses>,
    secure: Secure,
    /// Where the next connection is tried first.
    first: Cell<usize>,
    /// Oldest first.
    idle: RefCell<Vec<Idle>>,
}

/// How sessions with the origin begin.
enum Secure {
    /// There are none.
    No,
    /// As this says, with whoever proves to be this.
    With(Arc<ClientConfig>, ServerName<'static>),
    /// They cannot: the name can be in no certificate.
    Impossible,
}

struct Idle {
    stream: Stream,
    since_ms: u64,
}

/// A connection to send a request on.
pub(crate) struct Upstream {
    /// The connection.
    pub(crate) stream: Stream,
    /// Whether an earlier request used it; then it may have died without anybody's fault.
    pub(crate) reused: bool,
}

impl Pools {
    /// Takes over the origins of a plan.
    pub(crate) fn install(&self, plan: &Plan, addresses: &HashMap<Origin, Addresses>, tls: &Backends) {
        let mut by_origin = self.by_origin.borrow_mut();
        // What is believed may have changed: sessions begin anew.
        by_origin.retain(|origin, _| origin.tls.is_none() && plan.origins.contains(origin));
        let pools: Rc<[Rc<Pool>]> = plan
            .origins
            .iter()
            .map(|origin| {
                let pool = by_origin.entry(origin.clone());
                Rc::clone(pool.or_insert_with(|| Rc::new(Pool::new(Secure::of(origin, tls)))))
            })
            .collect();
        drop(by_origin);
        self.resolved(addresses);
        self.current.replace(pools);
    }

    /// The pools by the origins of the plan in force.
    pub(crate) fn current(&self) -> Rc<[Rc<Pool>]> {
        Rc::clone(&self.current.borrow())
    }

    /// Notes new addresses.
    pub(crate) fn resolved(&self, addresses: &HashMap<Origin, Addresses>) {
        for (origin, pool) in self.by_origin.borrow().iter() {
            if let Some(found) = addresses.get(origin) {
                pool.addresses.replace(found.clone());
            }
        }
    }

    /// Closes connections that have been idle too long or that the origin has closed, from time to time, forever.
    pub(crate) async fn sweep(self: Rc<Self>, ring: Ring, idle_timeout_ms: impl Fn() -> u64) {
        loop {
            ring.sleep(SWEEP_MS).await;
            let now_ms = ring.now().monotonic_ns / 1_000_000;
            let oldest_ms = now_ms.saturating_sub(idle_timeout_ms());
            for pool in self.by_origin.borrow().values() {
                pool.idle.borrow_mut().retain(|idle| idle.since_ms >= oldest_ms && idle.stream.is_quiet());
            }
        }
    }
}

impl Pool {
    fn new(secure: Secure) -> Self {
        Self {
            secure,
            addresses: RefCell::new(Addresses::default()),
            first: Cell::new(0),
            idle: RefCell::new(Vec::new()),
        }
    }

    /// The newest idle connection, or a new one. A failed connect is tried with the next address.
    pub(crate) async fn acquire(
        &self,
        ring: &Ring,
        limits: &Limits,
        reuse: bool,
    ) -> Result<Upstream, CallFailure> {
        while let Some(idle) = if reuse { self.idle.borrow_mut().pop() } else { None } {
            if idle.stream.is_quiet() {
                return Ok(Upstream { stream: idle.stream, reused: true });
            }
        }
        let socket = self.connect(ring, limits.connect_timeout_ms).await?;
        let transport = self.secure.begin(socket, limits.connect_timeout_ms).await?;
        Ok(Upstream { stream: Stream::new(transport), reused: false })
    }

    /// Keeps a connection whose last answer has been read to its end. Watches it, so that its end is noticed.
    pub(crate) fn release(&self, stream: Stream, ring: &Ring, limits: &Limits) {
        if !stream.is_quiet() {
            return;
        }
        stream.socket.receive_without_deadline();
        stream.socket.watch();
        let mut idle = self.idle.borrow_mut();
        if idle.len() < limits.upstream_idle_max {
            idle.push(Idle { stream, since_ms: ring.now().monotonic_ns / 1_000_000 });
        }
    }

    async fn connect(&self, ring: &Ring, timeout_ms: u64) -> Result<Socket, CallFailure> {
        let addresses: Arc<[SocketAddr]> = self.addresses.borrow().get().ok_or(CallFailure::Unresolvable)?;
        let first = self.first.get();
        let mut failure = CallFailure::Network;
        for offset in 0..addresses.len() {
            let position = (first + offset) % addresses.len();
            match Socket::connect(ring, addresses[position], timeout_ms).await {
                Ok(socket) => {
                    self.first.set(position);
                    return Ok(socket);
                }
                Err(error) => {
                    tracing::debug!(address = %addresses[position], %error, "connect");
                    failure = connect_failure(&error);
                }
            }
        }
        Err(failure)
    }
}

impl Secure {
    fn of(origin: &Origin, tls: &Backends) -> Self {
        match &origin.tls {
            None => Self::No,
            Some(wanted) => {
                tls.find(wanted).map_or(Self::Impossible, |(config, name)| Self::With(config, name))
            }
        }
    }

    /// A session over a new connection, or the connection as it is.
    async fn begin(&self, socket: Socket, timeout_ms: u64) -> Result<Transport, CallFailure> {
        match self {
            Self::No => Ok(socket.into()),
            Self::Impossible => Err(CallFailure::Network),
            Self::With(config, name) => {
                // In a box, so that calls without TLS do not hold its memory.
                let session = transport::connect(socket, Arc::clone(config), name.clone(), timeout_ms);
                let session = Box::pin(session).await.map_err(|error| {
                    tracing::debug!(name = ?name, %error, "handshake with a backend");
                    error.call_failure()
                })?;
                Ok(Transport::Tls(session))
            }
        }
    }
}

fn connect_failure(error: &io::Error) -> CallFailure {
    if error.kind() == io::ErrorKind::TimedOut { CallFailure::Timeout } else { CallFailure::Network }
}
