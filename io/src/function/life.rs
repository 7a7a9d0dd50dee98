//! The life of a place: its process is started, watched, and started again when it has ended.

use std::future::{Future as _, poll_fn};
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use socket2::{Domain, Type};

use super::host::{Order, Start};
use super::invocation::Loss;
use super::runtime_api;
use super::slot::{Slot, State};
use crate::ring::Acceptor;

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

/// Until nothing invokes the place any more.
pub(super) async fn live(slot: Rc<Slot>) {
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
        slot.lose(&Loss::Ended(end.clone()));
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
                ending = Some(why.to_string());
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
fn overdue(slot: &Slot, started_ms: u64) -> Option<Loss> {
    let now_ms = slot.now_ms();
    match &*slot.state.borrow() {
        State::Busy { due_ms, .. } if *due_ms <= now_ms => Some(Loss::TimedOut(slot.function.timeout_ms)),
        State::Starting if started_ms + INIT_TIMEOUT_MS <= now_ms => Some(Loss::NotStarted(INIT_TIMEOUT_MS)),
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
