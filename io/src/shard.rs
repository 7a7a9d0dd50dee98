//! One shard: one CPU, one pinned executor, one ring, its own listeners, pools and counters.

mod command;
mod tasks;

use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crossbeam_channel::Sender;
use fastrand::Rng;
use rustls::server::ClientHello;
use slab::Slab;
use tidegate_core::arrival::{AddressText, Entropy, Peer};
use tidegate_core::auth::authorizer::FlightId;
use tidegate_core::auth::cognito::Table;
use tidegate_core::cache::FillId;
use tidegate_core::clock::Now;
use tidegate_core::exchange::Exchange;
use tidegate_core::limit::MeterId;
use tidegate_core::limits::{KEYS_WAIT_NS_MAX, Limits};
use tidegate_core::plan::{Origin, Plan};

pub(crate) use self::command::{Command, Report, Reporter, Start};
pub(crate) use self::tasks::run;
use crate::access_log::Lines;
use crate::client;
use crate::function::Functions;
use crate::ledger::ShardEnd;
use crate::resolve::Addresses;
use crate::ring::{Ring, Socket};
use crate::tls::{self, Tls};
use crate::transport::{self, Transport};
use crate::upstream::{Pool, Pools};
use crate::waiting::{AUTHORIZER_NS_MAX, LEDGER_NS_MAX, Waiting};

/// Exchanges that a shard keeps for reuse.
const SPARE_EXCHANGES_MAX: usize = 256;
/// How often a draining shard looks whether it is done, in milliseconds.
const DRAIN_POLL_MS: u64 = 5;
/// How long a shard that ends waits for the ledger, in nanoseconds.
const SETTLE_NS_MAX: u64 = 2_000_000_000;

/// A running shard, as its tasks see it.
pub(crate) struct Shard {
    /// Its ring.
    pub(crate) ring: Ring,
    /// What deciding needs. Never borrowed across an await.
    pub(crate) core: RefCell<tidegate_core::shard::Shard>,
    /// Requests that wait for the ledger.
    pub(crate) waiting: Waiting<MeterId>,
    /// Requests that wait for another one's answer.
    pub(crate) following: Waiting<FillId>,
    /// Requests that wait for what others are told by authorizers.
    pub(crate) authorizing: Waiting<FlightId>,
    /// Requests that wait for keys of issuers.
    pub(crate) keys: Waiting<Arc<str>>,
    keys_asker: Sender<Arc<str>>,
    ledger: ShardEnd,
    pools: Rc<Pools>,
    /// Which listeners are for https.
    secure: Vec<bool>,
    /// What is shown to clients that connect from now on.
    tls: RefCell<tls::Server>,
    /// Its functions.
    pub(crate) functions: Functions,
    random: RefCell<Rng>,
    lines: RefCell<Lines>,
    #[expect(clippy::vec_box, reason = "an exchange is large and moves between here and a connection")]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    connections: RefCell<Slab<Socket>>,
}

impl Shard {
    fn new(ring: &Ring, start: Start) -> Self {
        let pools = Rc::new(Pools::default());
        let tls = start.tls.for_shard();
        pools.install(&start.plan, &start.addresses, &tls.backends);
        let functions =
            Functions::new(ring, start.reports.shard, start.host.clone(), start.host_bell.clone());
        functions.install(&start.plan);
        let mut core = tidegate_core::shard::Shard::new(start.plan, start.shards);
        core.caches.keep_large_in(ring.pages());
        core.signers.install(start.credentials);
        Self {
            ring: ring.clone(),
            core: RefCell::new(core),
            waiting: Waiting::new(LEDGER_NS_MAX),
            authorizing: Waiting::new(AUTHORIZER_NS_MAX),
            keys: Waiting::new(KEYS_WAIT_NS_MAX),
            keys_asker: start.keys_asker,
            // Each waits as long as its integration may take.
            following: Waiting::new(0),
            ledger: start.ledger,
            pools,
            secure: start.secure,
            tls: RefCell::new(tls.server),
            functions,
            random: RefCell::new(Rng::new()),
            lines: RefCell::new(Lines::new(start.log)),
            exchanges: RefCell::new(Vec::new()),
            connections: RefCell::new(Slab::new()),
        }
    }

    /// The time of the current turn.
    pub(crate) fn now(&self) -> Now {
        self.ring.now()
    }

    /// Random bits for a request.
    pub(crate) fn entropy(&self) -> Entropy {
        let mut random = self.random.borrow_mut();
        [random.u64(..), random.u64(..), random.u64(..), random.u64(..)]
    }

    /// The limits in force.
    pub(crate) fn limits(&self) -> Ref<'_, Limits> {
        Ref::map(self.core.borrow(), |core| &core.plan.limits)
    }

    /// Whether connections are to be closed as soon as they are idle.
    pub(crate) fn is_draining(&self) -> bool {
        self.core.borrow().draining
    }

    /// The pools by the origins of the plan in force.
    pub(crate) fn pools(&self) -> Rc<[Rc<Pool>]> {
        self.pools.current()
    }

    /// An exchange for a request that begins.
    pub(crate) fn exchange(&self) -> Box<Exchange> {
        self.exchanges.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes an exchange back.
    pub(crate) fn put_back(&self, mut exchange: Box<Exchange>) {
        let mut spare = self.exchanges.borrow_mut();
        if spare.len() < SPARE_EXCHANGES_MAX {
            exchange.request.clear();
            exchange.response.clear();
            spare.push(exchange);
        }
    }

    /// Ends an exchange and logs it.
    pub(crate) fn finish(&self, exchange: &mut Exchange, response_bytes: u64) {
        let mut lines = self.lines.borrow_mut();
        lines.deny(exchange.denial());
        let core = &mut *self.core.borrow_mut();
        exchange.leave_cache(&mut core.caches);
        exchange.leave_authorizer(&mut core.grants);
        self.tell_followers(core);
        self.tell_authorized(core);
        if let Some((destination, steps)) = exchange.take_execution_log() {
            lines.buffer(&destination).extend_from_slice(&steps);
        }
        let meters = &mut core.meters;
        exchange.finish(meters, self.now(), response_bytes, |destination| lines.buffer(destination));
        lines.flush_when_large();
    }

    /// Tells the ledger what it has to know, if there is anything.
    pub(crate) fn tell_ledger(&self) {
        self.ledger.tell(self.core.borrow_mut().meters.outbox());
    }

    /// Asks for the keys that requests wait for. If too many are asked for already, they wait in vain.
    pub(crate) fn ask_keys(&self) {
        for url in self.core.borrow_mut().key_sets.outbox().drain(..) {
            let _ = self.keys_asker.try_send(url);
        }
    }

    fn hear_keys(&self, table: Arc<Table>, url: &Arc<str>) {
        self.core.borrow_mut().hear_keys(table, url);
        self.keys.answer(url);
    }

    /// Wakes the requests that wait for answers which have come, or will not.
    pub(crate) fn tell_followers(&self, core: &mut tidegate_core::shard::Shard) {
        core.caches.ended().drain(..).for_each(|fill| self.following.answer(&fill));
    }

    /// Wakes the requests that wait for questions to authorizers that have ended.
    pub(crate) fn tell_authorized(&self, core: &mut tidegate_core::shard::Shard) {
        for flight in core.grants.ended().drain(..) {
            self.authorizing.answer(&flight);
        }
    }

    /// Hears the ledger. What it calls back goes back when the requests that it has let through have run.
    fn hear_ledger(self: &Rc<Self>) {
        let now_ns = self.now().monotonic_ns;
        let mut core = self.core.borrow_mut();
        for message in self.ledger.messages() {
            if let Some(meter) = core.meters.hear(&message, now_ns) {
                self.waiting.answer(&meter);
            }
        }
        let is_recalled = core.meters.is_recalled();
        drop(core);
        self.tell_ledger();
        if is_recalled {
            let shard = Rc::clone(self);
            self.ring.spawn(async move {
                let now_ns = shard.now().monotonic_ns;
                shard.core.borrow_mut().meters.give_back(now_ns);
                shard.tell_ledger();
            });
        }
    }

    /// Gives everything back before the shard ends: also what the ledger is about to lend.
    async fn settle_meters(&self) {
        let deadline_ns = self.now().monotonic_ns + SETTLE_NS_MAX;
        while self.core.borrow().meters.is_asking() && self.now().monotonic_ns < deadline_ns {
            self.ring.sleep(DRAIN_POLL_MS).await;
        }
        self.core.borrow_mut().meters.settle();
        self.tell_ledger();
    }

    /// Serves a new connection, or closes it when there are too many.
    fn admit(self: &Rc<Self>, socket: Socket, listener_port: u16, listener: u16) {
        let Ok(peer) = socket.peer() else { return };
        let mut connections = self.connections.borrow_mut();
        if connections.len() >= self.core.borrow().plan.limits.connections_max {
            return;
        }
        let key = connections.insert(socket.clone());
        drop(connections);
        let shard = Rc::clone(self);
        let peer = Peer { source_ip: AddressText::new(peer.ip()), listener_port, listener, tls: None };
        if self.secure.get(usize::from(listener)) == Some(&true) {
            // A task of its own kind, so that plain connections do not hold its memory.
            return self.ring.spawn(shard.serve_tls(key, socket, peer));
        }
        self.ring.spawn(async move {
            client::serve(&shard, socket.into(), &peer).await;
            let gone = shard.connections.borrow_mut().remove(key);
            drop(gone);
        });
    }

    /// A handshake within the time for a head, then requests.
    async fn serve_tls(self: Rc<Self>, key: usize, socket: Socket, mut peer: Peer) {
        let timeout_ms = self.limits().head_timeout_ms;
        let choose = |hello: &ClientHello<'_>| self.tls.borrow().choose(hello);
        match Box::pin(transport::accept(socket, choose, timeout_ms)).await {
            Ok((session, chosen)) => {
                peer.tls = Some(Rc::new(session.with(|session| chosen.facts(session))));
                drop(chosen);
                client::serve(&self, Transport::Tls(session), &peer).await;
            }
            Err(error) => tracing::debug!(client = %peer.source_ip.address(), %error, "handshake"),
        }
        let gone = self.connections.borrow_mut().remove(key);
        drop(gone);
    }

    fn install(&self, plan: Arc<Plan>, addresses: &HashMap<Origin, Addresses>, tls: &Tls) {
        let tls = tls.for_shard();
        self.pools.install(&plan, addresses, &tls.backends);
        self.tls.replace(tls.server);
        self.functions.install(&plan);
        self.core.borrow_mut().install(plan);
    }

    /// Lets every connection look whether it should close.
    fn nudge_idle(&self) {
        self.connections.borrow().iter().for_each(|(_, socket)| socket.nudge());
    }
}
