//! Requests that wait for something that is not theirs alone: the ledger, or another request's answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::Hash;
use std::rc::Rc;
use std::task::{Poll, Waker};

use ahash::RandomState;

/// How long a request waits for the ledger, in nanoseconds; then it is refused. The ledger answers within microseconds, or
/// as soon as the store has written, unless the disk is full or broken.
pub(crate) const LEDGER_WAIT_NS_MAX: u64 = 2_000_000_000;

/// Requests that wait, by what they wait for. At most one for each connection.
pub(crate) struct Waiting<K>(RefCell<HashMap<K, Vec<Rc<Wait>>, RandomState>>);

impl<K> Default for Waiting<K> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

struct Wait {
    until_ns: u64,
    /// Whether there was an answer, once it is known.
    answered: Cell<Option<bool>>,
    waker: RefCell<Option<Waker>>,
}

impl<K: Copy + Eq + Hash> Waiting<K> {
    /// Ends when there is an answer (`true`), or was none until then.
    pub(crate) async fn answered(&self, what: K, until_ns: u64) -> bool {
        let wait = Rc::new(Wait { until_ns, answered: Cell::new(None), waker: RefCell::new(None) });
        self.0.borrow_mut().entry(what).or_default().push(Rc::clone(&wait));
        poll_fn(|context| match wait.answered.get() {
            Some(answered) => Poll::Ready(answered),
            None => {
                *wait.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// There is an answer.
    pub(crate) fn answer(&self, what: K) {
        for wait in self.0.borrow_mut().remove(&what).into_iter().flatten() {
            wait.end(true);
        }
    }

    /// Ends what has waited too long.
    pub(crate) fn expire(&self, now_ns: u64) {
        self.0.borrow_mut().retain(|_, waits| {
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
