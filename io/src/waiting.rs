//! Requests that wait for the ledger.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use ahash::RandomState;
use tidegate_core::limit::MeterId;

/// How long a request waits for the ledger, in nanoseconds; then it is refused. The ledger answers within microseconds, or
/// as soon as the store has written, unless the disk is full or broken.
const WAIT_NS_MAX: u64 = 2_000_000_000;

/// Requests that wait, by the limit that they wait for. At most one for each request that is being served, and for those
/// that were taken back meanwhile, whose number is limited.
#[derive(Default)]
pub(crate) struct Waiting(RefCell<HashMap<MeterId, Vec<Rc<Wait>>, RandomState>>);

struct Wait {
    since_ns: u64,
    /// Whether the ledger has answered, once it is known.
    answered: Cell<Option<bool>>,
    waker: RefCell<Option<Waker>>,
}

impl Waiting {
    /// Ends when the ledger has answered about this limit (`true`), or has not for too long.
    pub(crate) async fn answered(&self, meter: MeterId, now_ns: u64) -> bool {
        let wait = Rc::new(Wait { since_ns: now_ns, answered: Cell::new(None), waker: RefCell::new(None) });
        self.0.borrow_mut().entry(meter).or_default().push(Rc::clone(&wait));
        poll_fn(|context| match wait.answered.get() {
            Some(answered) => Poll::Ready(answered),
            None => {
                *wait.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// The ledger has answered about a limit.
    pub(crate) fn answer(&self, meter: MeterId) {
        for wait in self.0.borrow_mut().remove(&meter).into_iter().flatten() {
            wait.end(true);
        }
    }

    /// Ends what has waited too long.
    pub(crate) fn expire(&self, now_ns: u64) {
        self.0.borrow_mut().retain(|_, waits| {
            waits.retain(|wait| {
                let waits_on = wait.since_ns + WAIT_NS_MAX > now_ns;
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
