//! Functions that run beside the gateway: processes that speak the Lambda Runtime API.
//!
//! Each shard owns its processes and the listeners by which they reach it, so that an invocation crosses no shard. What is
//! slow (starting, waiting for ends, what they print) is done by one [`host`] thread, told and heard over channels.
//!
//! In reading order, with an invocation:
//!
//! - [`pool`]: one function on one shard: which process gets the invocation, or that it waits, or that it is throttled
//! - `invocation`: what a runtime is handed, and the answer that a client waits for
//! - `slot`, `life`: the place of one process: what it is doing, and its life from start to start
//! - `runtime_api`: the connections of a runtime; `streamed` what one is lent for
//! - [`remote`]: answers that functions at AWS stream
//! - [`host`], `process`, `lines`: the thread; how a process is started; what it prints
//! - `current`: which invocation a process has, for its lines in the log

pub(crate) mod host;
pub(crate) mod pool;
pub(crate) mod remote;

mod current;
mod invocation;
mod life;
mod lines;
#[expect(unsafe_code, reason = "what a process does between fork and exec; see the JUSTIFICATION")]
mod process;
mod runtime_api;
mod slot;
mod streamed;

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crossbeam_channel::{Receiver, Sender, bounded};
use slab::Slab;
use tidegate_core::exchange::{Event, Exchange, Invoke, InvokeFailure, Wanted};
use tidegate_core::plan::Plan;

use self::host::{HostHandle, Notice};
use self::invocation::{Failure, Invocation, Outcome, Response, Unattended};
use self::pool::Pool;
use self::slot::Slot;
pub(crate) use self::streamed::Streamed;
use crate::ring::{Doorbell, Listener, Ring};
use crate::shard::Shard;

/// Notices that wait for a shard; the host keeps what does not fit. A place has at most one under way.
const QUEUED_NOTICES_MAX: usize = 1024;

/// The functions of a shard.
pub(crate) struct Functions {
    /// By [`tidegate_core::plan::FunctionId`] of the plan in force. An exchange keeps the list that it began with, and a
    /// pool stops its processes when the last list with it is gone.
    current: RefCell<Rc<[Rc<Pool>]>>,
    places: Rc<Places>,
}

/// What the places of processes share.
pub(crate) struct Places {
    ring: Ring,
    host: HostHandle,
    slots: RefCell<Slab<Rc<Slot>>>,
    notices: Sender<Notice>,
    doorbell: Doorbell,
    shard: usize,
    /// Asynchronous invocations that have not ended.
    unattended: Rc<Cell<usize>>,
}

impl Functions {
    /// No functions yet. Notices of the host are heard from now on.
    pub(crate) fn new(ring: &Ring, shard: usize, host: HostHandle, doorbell: Doorbell) -> Self {
        let (notices, heard) = bounded(QUEUED_NOTICES_MAX);
        let listener = ring.listen_to(&doorbell);
        let slots = RefCell::default();
        let unattended = Rc::default();
        let ring_here = ring.clone();
        let places = Rc::new(Places { ring: ring_here, host, slots, notices, doorbell, shard, unattended });
        ring.spawn(hear(Rc::clone(&places), heard, listener));
        Self { current: RefCell::default(), places }
    }

    /// Takes over the functions of a plan: starts the new ones, keeps the unchanged ones with their processes.
    pub(crate) fn install(&self, plan: &Plan) {
        let before = Rc::clone(&self.current.borrow());
        let region = plan.node.region.as_str().into();
        let pool = |function| {
            let kept = before.iter().find(|pool| pool.is_for(function));
            kept.map_or_else(|| Pool::start(function, &region, &self.places), Rc::clone)
        };
        let pools: Rc<[Rc<Pool>]> = plan.functions.iter().map(pool).collect();
        self.current.replace(pools);
    }

    /// Whether invocations are under way that nobody waits for.
    pub(crate) fn has_unattended(&self) -> bool {
        self.places.unattended.get() > 0
    }

    /// The pools by the functions of the plan in force.
    pub(crate) fn current(&self) -> Rc<[Rc<Pool>]> {
        Rc::clone(&self.current.borrow())
    }
}

/// Passes on what the host says.
async fn hear(places: Rc<Places>, notices: Receiver<Notice>, listener: Listener) {
    loop {
        for notice in notices.try_iter() {
            let slot = places.slots.borrow().get(notice.slot).map(Rc::clone);
            if let Some(slot) = slot {
                slot.note_end(notice.end);
            }
        }
        listener.heard().await;
    }
}

/// What an invocation leads to.
pub(crate) enum Invoked {
    /// The function's answer, or nothing if nobody waits for it.
    Answer(Vec<u8>),
    /// The beginning of its answer, and the rest until it is taken.
    Begun(Vec<u8>, Option<Box<Streamed>>),
    /// The document of a function that has failed.
    Failed(Vec<u8>),
    /// No answer.
    Refused(InvokeFailure),
}

impl Invoked {
    /// The rest of an answer that has begun, once.
    pub(crate) fn take_rest(&mut self) -> Option<Box<Streamed>> {
        match self {
            Self::Begun(_, rest) => rest.take(),
            Self::Answer(_) | Self::Failed(_) | Self::Refused(_) => None,
        }
    }

    /// What it is for the exchange.
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Self::Answer(payload) => Event::Invoked(payload),
            Self::Begun(begun, _) => Event::InvokedBegun(begun),
            Self::Failed(document) => Event::FunctionFailed(document),
            Self::Refused(failure) => Event::InvokeFailed(*failure),
        }
    }
}

/// Invokes a function with the event in `exchange.out`, and waits for its answer as long as the step says. Like a caller of
/// Lambda that gives up, it leaves an invocation that has begun to itself.
pub(crate) async fn invoke(shard: &Shard, pool: &Rc<Pool>, exchange: &Exchange, invoke: Invoke) -> Invoked {
    let [high, low, ..] = shard.entropy();
    let streams = matches!(invoke.wanted, Wanted::Stream { .. });
    let invocation = Rc::new(Invocation::new(&shard.ring, exchange, [high, low], streams));
    if invoke.wanted == Wanted::Nothing {
        return leave(shard, pool, &invocation);
    }
    let due_ns = shard.now().monotonic_ns + u64::from(invoke.timeout_ms) * 1_000_000;
    match pool.admit(&invocation) {
        Ok(()) => {}
        Err(failure) => return failure.into(),
    }
    let mut late = pin!(shard.ring.sleep(u64::from(invoke.timeout_ms)));
    let _given_up = GivenUp(pool, &invocation);
    poll_fn(|context| {
        if let Some(outcome) = invocation.outcome(context.waker()) {
            return Poll::Ready(invoked(outcome, invoke.wanted, due_ns));
        }
        late.as_mut().poll(context).map(|()| Invoked::Refused(InvokeFailure::Timeout))
    })
    .await
}

fn invoked(outcome: Outcome, wanted: Wanted, due_ns: u64) -> Invoked {
    match (outcome, wanted) {
        (Ok(Response::Whole(payload)), _) => Invoked::Answer(payload),
        (Ok(Response::Begun(mut streamed)), Wanted::Stream { pause_ms }) => {
            streamed.limit(due_ns, pause_ms);
            Invoked::Begun(streamed.take_begun(), Some(streamed))
        }
        // Nobody begins what is not wanted so.
        (Ok(Response::Begun(mut streamed)), Wanted::Answer | Wanted::Nothing) => {
            Invoked::Answer(streamed.take_begun())
        }
        (Err(failure), _) => failure.into(),
    }
}

/// Gives an invocation up that still waits for a process, when its caller waits no more: it took too long, or the client
/// has taken its request back.
struct GivenUp<'a>(&'a Pool, &'a Rc<Invocation>);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if !self.1.abandon() {
            self.0.give_up(self.1);
        }
    }
}

/// Lets an asynchronous invocation run. One of a function that is down has been taken all the same, and is lost: AWS would
/// try it again twice.
fn leave(shard: &Shard, pool: &Rc<Pool>, invocation: &Rc<Invocation>) -> Invoked {
    invocation.leave(Unattended::new(pool, &shard.functions.places.unattended));
    match pool.admit(invocation) {
        Ok(()) => Invoked::Answer(Vec::new()),
        Err(Failure::Refused(failure)) => {
            invocation.end(Err(Failure::Refused(failure)));
            Invoked::Refused(failure)
        }
        Err(Failure::Function(document)) => {
            invocation.end(Err(Failure::Function(document)));
            Invoked::Answer(Vec::new())
        }
    }
}

impl From<Failure> for Invoked {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Function(document) => Self::Failed(document),
            Failure::Refused(failure) => Self::Refused(failure),
        }
    }
}
