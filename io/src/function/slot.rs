//! The place of one process: what it is doing, and its life from start to start.
//!
//! ```text
//!        start            /next            given            answered
//! Down --------> Starting ------> Waiting ------> Busy ----------------> Between --+
//!   ^               |                ^  ^           |                      | /next |
//!   |               |                |  +-----------|----------------------+       |
//!   +---------------+----------------+--------------+------------------------------+
//!                         the process has ended
//! ```

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Waker};

use socket2::{Domain, Type};
use tidegate_core::exchange::InvokeFailure;
use tidegate_core::plan::Function;

use super::current::Current;
use super::host::{Order, Start};
use super::invocation::Invocation;
use super::pool::Pool;
use super::{Places, runtime_api};
use crate::ring::{Acceptor, Ring, Socket};

/// How long a process may take until it asks for its first invocation, in milliseconds (AWS: 10 s).
const INIT_TIMEOUT_MS: u64 = 10_000;
/// First pause before a process is started again that keeps failing, in milliseconds; then twice as long each time.
const PAUSE_MS_MIN: u64 = 100;
/// Longest such pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 10_000;
/// Pause before an order is tried again that the host's full queue did not take, in milliseconds.
const ORDER_RETRY_MS: u64 = 20;
/// How often a process that is being killed is looked at, in milliseconds; its end wakes the life anyway.
const ENDING_MS: u64 = 1_000;
/// Connections that a runtime has not been accepted by yet.
const BACKLOG: i32 = 16;

/// The place of one process.
pub(crate) struct Slot {
    key: usize,
    function: Arc<Function>,
    region: Arc<str>,
    pool: Weak<Pool>,
    places: Rc<Places>,
    state: RefCell<State>,
    /// Invocation of the process, for its log lines.
    current: Arc<Current>,
    /// How its process has ended, until the life sees it.
    ended: RefCell<Option<String>>,
    /// The life's waker.
    waker: RefCell<Option<Waker>>,
    /// Whether the process has answered anything.
    served: Cell<bool>,
    /// Nothing invokes it any more.
    retired: Cell<bool>,
    /// Connections of the runtime.
    pub(super) connections: Cell<usize>,
}

/// What its process is doing.
enum State {
    /// There is none, nor one being started.
    Down,
    /// It has not asked for an invocation yet.
    Starting,
    /// It waits for an invocation on this connection.
    Waiting(Socket),
    /// It has one until then; `to` is the connection that has yet to send it.
    Busy { invocation: Rc<Invocation>, due_ms: u64, to: Option<Socket>, _working: Working },
    /// It has answered and not asked for another, or lost the connection on which it waited.
    Between,
}

/// While the process works, the shard leaves it the CPU when it has nothing to do itself.
struct Working(Ring);

impl Working {
    fn new(ring: &Ring) -> Self {
        ring.yield_cpu();
        Self(ring.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.poll_again();
    }
}

impl Slot {
    /// Makes a place and lets its life begin.
    pub(super) fn start(
        function: &Arc<Function>,
        region: &Arc<str>,
        pool: Weak<Pool>,
        places: &Rc<Places>,
    ) -> Rc<Self> {
        let mut slots = places.slots.borrow_mut();
        let entry = slots.vacant_entry();
        let slot = Rc::new(Self {
            key: entry.key(),
            function: Arc::clone(function),
            region: Arc::clone(region),
            pool,
            places: Rc::clone(places),
            state: RefCell::new(State::Starting),
            current: Arc::default(),
            ended: RefCell::default(),
            waker: RefCell::default(),
            served: Cell::new(false),
            retired: Cell::new(false),
            connections: Cell::new(0),
        });
        entry.insert(Rc::clone(&slot));
        places.ring.spawn(live(Rc::clone(&slot)));
        slot
    }

    pub(super) fn name(&self) -> &str {
        &self.function.name
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.places.ring
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(*self.state.borrow(), State::Down)
    }

    /// Its process has ended, or could not be started.
    pub(super) fn note_end(&self, end: String) {
        *self.ended.borrow_mut() = Some(end);
        self.wake();
    }

    /// Nothing invokes it any more: its process stops when it has answered what it has.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        self.wake();
    }

    /// Gives an invocation to the process, which waits.
    pub(super) fn give(&self, invocation: &Rc<Invocation>) {
        let due_ms = self.now_ms() + self.function.timeout_ms;
        self.current.set(invocation.id);
        let mut state = self.state.borrow_mut();
        let State::Waiting(to) = &*state else { return };
        let to = to.clone();
        to.nudge();
        *state = State::Busy {
            invocation: Rc::clone(invocation),
            due_ms,
            to: Some(to),
            _working: Working::new(&self.places.ring),
        };
    }

    /// The runtime asks for an invocation on this connection: it gets the one that has waited longest, or waits. One that it
    /// has and has not answered is over.
    pub(super) fn ask(self: &Rc<Self>, connection: &Socket) {
        if self.is_down() {
            return;
        }
        self.lose("it asked for another without an answer");
        let Some(pool) = self.pool.upgrade() else { return };
        pool.forget(self);
        let earlier = self.state.replace(State::Waiting(connection.clone()));
        if let State::Waiting(earlier) = earlier {
            earlier.nudge();
        }
        match pool.next() {
            Some(invocation) => self.give(&invocation),
            None => pool.wait(self),
        }
        self.wake_if_retired();
    }

    /// Whether there is news for the connection that has asked: an invocation, or that another has asked since.
    pub(super) fn is_settled(&self, connection: &Socket) -> bool {
        !matches!(&*self.state.borrow(), State::Waiting(asking) if asking.is(connection))
    }

    /// The message for the connection that has asked, once.
    pub(super) fn take(&self, connection: &Socket) -> Option<Vec<u8>> {
        let State::Busy { invocation, due_ms, to, .. } = &mut *self.state.borrow_mut() else { return None };
        to.take_if(|to| to.is(connection))?;
        let now = self.places.ring.now();
        let left_ms = due_ms.saturating_sub(now.monotonic_ns / 1_000_000);
        Some(invocation.message(now.unix_ms + left_ms))
    }

    /// The connection that has asked is gone.
    pub(super) fn leave(self: &Rc<Self>, connection: &Socket) {
        if !self.is_settled(connection) {
            self.state.replace(State::Between);
            if let Some(pool) = self.pool.upgrade() {
                pool.forget(self);
            }
        }
    }

    /// The runtime answers an invocation. False when it has not got that one.
    pub(super) fn answer(&self, id: &[u8], outcome: Result<Vec<u8>, InvokeFailure>) -> bool {
        let is_it = matches!(&*self.state.borrow(), State::Busy { invocation, .. } if invocation.is(id));
        if is_it && let State::Busy { invocation, .. } = self.state.replace(State::Between) {
            invocation.end(outcome);
            self.served.set(true);
            self.wake_if_retired();
        }
        is_it
    }

    /// The invocation that it has fails.
    fn lose(&self, why: &str) {
        let is_busy = matches!(*self.state.borrow(), State::Busy { .. });
        if is_busy && let State::Busy { invocation, .. } = self.state.replace(State::Between) {
            let request_id = tidegate_core::arrival::uuid(invocation.id[0], invocation.id[1]);
            let request_id = String::from_utf8_lossy(&request_id);
            tracing::warn!(function = self.name(), %request_id, "the invocation failed: {why}");
            invocation.end(Err(InvokeFailure::Function));
        }
    }

    fn now_ms(&self) -> u64 {
        self.places.ring.now().monotonic_ns / 1_000_000
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn wake_if_retired(&self) {
        if self.retired.get() {
            self.wake();
        }
    }
}

/// The life of a place: its process is started, watched, and started again when it has ended.
async fn live(slot: Rc<Slot>) {
    let (acceptor, port) = listen(&slot).await;
    let accepting = Rc::clone(&acceptor);
    slot.places.ring.spawn(runtime_api::accept(Rc::clone(&slot), accepting));
    let mut failures = 0;
    while !slot.retired.get() {
        slot.state.replace(State::Starting);
        order(&slot, || Order::Start(Box::new(start_of(&slot, port)))).await;
        let end = watch(&slot).await;
        if let Some(pool) = slot.pool.upgrade() {
            pool.forget(&slot);
        }
        slot.lose(&end);
        let never_asked = matches!(slot.state.replace(State::Down), State::Starting);
        if slot.retired.get() {
            break;
        }
        failures = if slot.served.replace(false) { 1 } else { failures + 1 };
        if never_asked {
            failures = failures.max(FAILURES_WITH_PAUSE);
        }
        let pause_ms = pause_ms(failures);
        tracing::error!(function = slot.name(), pause_ms, "the process ended: {end}");
        if pause_ms > 0 {
            if let Some(pool) = slot.pool.upgrade() {
                pool.went_down();
            }
            sleep_unless_retired(&slot, pause_ms).await;
        }
    }
    acceptor.close(drop).await;
    slot.places.slots.borrow_mut().try_remove(slot.key);
}

/// Failures in a row from which on there is a pause; a start that fails counts as so many.
const FAILURES_WITH_PAUSE: u32 = 2;

fn pause_ms(failures: u32) -> u64 {
    match failures.checked_sub(FAILURES_WITH_PAUSE) {
        None => 0,
        Some(further) => PAUSE_MS_MIN.saturating_mul(1 << further.min(20)).min(PAUSE_MS_MAX),
    }
}

/// Opens the listener by which the process reaches the shard, on a port of its own: so the port says whose process asks.
async fn listen(slot: &Slot) -> (Rc<Acceptor>, u16) {
    loop {
        match open() {
            Ok(listener) => {
                let acceptor = Acceptor::new(&slot.places.ring, listener);
                let port = acceptor.port();
                return (Rc::new(acceptor), port);
            }
            Err(error) => {
                tracing::error!(function = slot.name(), %error, "no listener for the Runtime API");
                slot.places.ring.sleep(PAUSE_MS_MAX).await;
            }
        }
    }
}

fn open() -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn start_of(slot: &Slot, port: u16) -> Start {
    let places = &slot.places;
    Start {
        key: (places.shard, slot.key),
        function: Arc::clone(&slot.function),
        port,
        region: Arc::clone(&slot.region),
        current: Arc::clone(&slot.current),
        notices: places.notices.clone(),
        doorbell: places.doorbell.clone(),
    }
}

/// Gives the host an order; tries again while its queue is full.
async fn order(slot: &Slot, order: impl Fn() -> Order) {
    while !slot.places.host.order(order()) {
        slot.places.ring.sleep(ORDER_RETRY_MS).await;
    }
}

/// Until the process has ended; says how. Kills it when it takes too long, stops it when it is not needed any more.
async fn watch(slot: &Rc<Slot>) -> String {
    let key = (slot.places.shard, slot.key);
    let started_ms = slot.now_ms();
    let mut ending = None;
    loop {
        if let Some(end) = slot.ended.take() {
            return ending.unwrap_or(end);
        }
        match overdue(slot, started_ms) {
            Some(why) if ending.is_none() => {
                slot.lose(&why);
                ending = Some(why);
                order(slot, || Order::Kill(key)).await;
                continue;
            }
            _ if slot.retired.get() && ending.is_none() && is_free(slot) => {
                ending = Some("the function is not needed any more".to_owned());
                order(slot, || Order::Stop(key)).await;
                continue;
            }
            _ => {}
        }
        let pause_ms = if ending.is_none() { pause_ms_until_overdue(slot, started_ms) } else { ENDING_MS };
        let was_retired = slot.retired.get();
        let stop = || slot.ended.borrow().is_some() || slot.retired.get() != was_retired;
        sleep_until(slot, pause_ms, stop).await;
    }
}

fn is_free(slot: &Slot) -> bool {
    !matches!(*slot.state.borrow(), State::Busy { .. })
}

/// Why the process must not go on.
fn overdue(slot: &Slot, started_ms: u64) -> Option<String> {
    let now_ms = slot.now_ms();
    match &*slot.state.borrow() {
        State::Busy { due_ms, .. } if *due_ms <= now_ms => {
            let seconds = slot.function.timeout_ms as f64 / 1000.0;
            Some(format!("Task timed out after {seconds:.2} seconds"))
        }
        State::Starting if started_ms + INIT_TIMEOUT_MS <= now_ms => {
            Some(format!("it asked for no invocation within {INIT_TIMEOUT_MS} ms"))
        }
        _ => None,
    }
}

/// How long nothing can be overdue. An invocation that is given meanwhile is not due before, for this is no longer than one
/// may take: so giving sets no timer.
fn pause_ms_until_overdue(slot: &Slot, started_ms: u64) -> u64 {
    let now_ms = slot.now_ms();
    let timeout_ms = slot.function.timeout_ms;
    match &*slot.state.borrow() {
        State::Busy { due_ms, .. } => due_ms.saturating_sub(now_ms),
        State::Starting => (started_ms + INIT_TIMEOUT_MS).saturating_sub(now_ms).min(timeout_ms),
        State::Down | State::Waiting(_) | State::Between => timeout_ms,
    }
}

async fn sleep_unless_retired(slot: &Slot, milliseconds: u64) {
    sleep_until(slot, milliseconds, || slot.retired.get()).await;
}

/// Sleeps, unless woken while `stop` says so.
async fn sleep_until(slot: &Slot, milliseconds: u64, stop: impl Fn() -> bool) {
    let mut sleep = pin!(slot.places.ring.sleep(milliseconds));
    let mut first = true;
    poll_fn(|context| {
        *slot.waker.borrow_mut() = Some(context.waker().clone());
        let woken = !std::mem::replace(&mut first, false) && slot.retired.get();
        if stop() || woken { Poll::Ready(()) } else { sleep.as_mut().poll(context) }
    })
    .await;
}
