//! A gate that an origin waits at until the test opens it.

use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// Closed at first; everybody passes who comes while it is open. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    waiting: usize,
}

impl Gate {
    /// Waits until the gate is open, or a good while.
    pub(crate) fn wait(&self) {
        let (state, changed) = &*self.state;
        let mut state = state.lock().expect("gate");
        state.waiting += 1;
        changed.notify_all();
        drop(changed.wait_timeout_while(state, PATIENCE, |state| !state.is_open).expect("gate"));
    }

    pub(crate) fn open(&self) {
        let (state, changed) = &*self.state;
        state.lock().expect("gate").is_open = true;
        changed.notify_all();
    }

    /// Waits until `count` have come to the gate.
    #[track_caller]
    pub(crate) fn wait_for_arrivals(&self, count: usize) {
        let (state, changed) = &*self.state;
        let state = state.lock().expect("gate");
        let (state, _) =
            changed.wait_timeout_while(state, PATIENCE, |state| state.waiting < count).expect("gate");
        assert!(state.waiting >= count, "{} of {count} came", state.waiting);
    }
}
