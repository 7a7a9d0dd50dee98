//! Requests that wait for something that others are doing: the ledger, another request's question to an authorizer, or its
//! call for the same answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::Hash;
use std::rc::Rc;
use std::task::{Poll, Waker};

use ahash::RandomState;
use tidegate_core::limits::AUTHORIZER_TIMEOUT_MS;

/// How long a request waits for the ledger, in nanoseconds; then it is refused. The ledger answers within microseconds, or
/// as soon as the store has written, unless the disk is full or broken.
pub(crate) const LEDGER_NS_MAX: u64 = 2_000_000_000;
/// How long a request waits for what another one is told by an authorizer, in nanoseconds; then it asks for itself.
pub(crate) const AUTHORIZER_NS_MAX: u64 = AUTHORIZER_TIMEOUT_MS as u64 * 1_000_000;

/// Requests that wait, by what they wait for. At most one for each request that is being served, and for
/// those that were taken back meanwhile, whose number is limited.
pub(crate) struct Waiting<K> {
    waits: RefCell<HashMap<K, Vec<Rc<Wait>>, RandomState>>,
    ns_max: u64,
}

struct Wait {
    until_ns: u64,
    /// Whether it has been answered, once that is known.
    answered: Cell<Option<bool>>,
    waker: RefCell<Option<Waker>>,
}

impl<K: Eq + Hash> Waiting<K> {
    /// Requests wait so long at most.
    pub(crate) fn new(ns_max: u64) -> Self {
        Self { waits: RefCell::default(), ns_max }
    }

    /// Ends when this has been answered (`true`), or has not for too long.
    pub(crate) async fn answered(&self, what: K, now_ns: u64) -> bool {
        self.answered_until(what, now_ns + self.ns_max).await
    }

    /// The same, no longer than until then.
    pub(crate) async fn answered_until(&self, what: K, until_ns: u64) -> bool {
        let wait = Rc::new(Wait { until_ns, answered: Cell::new(None), waker: RefCell::new(None) });
        self.waits.borrow_mut().entry(what).or_default().push(Rc::clone(&wait));
        poll_fn(|context| match wait.answered.get() {
            Some(answered) => Poll::Ready(answered),
            None => {
                *wait.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// This has been answered.
    pub(crate) fn answer(&self, what: &K) {
        for wait in self.waits.borrow_mut().remove(what).into_iter().flatten() {
            wait.end(true);
        }
    }

    /// Ends what has waited too long.
    pub(crate) fn expire(&self, now_ns: u64) {
        self.waits.borrow_mut().retain(|_, waits| {
            waits.retain(|wait| {
                let waits_on = wait.until_ns > now_ns;
                if !waits_on {
                    wait.end(false);
                }
                waits_on
            });
            !waits.is_empty()
        });
    }
}

impl Wait {
    fn end(&self, answered: bool) {
        self.answered.set(Some(answered));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
