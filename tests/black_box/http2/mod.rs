//! Clients of HTTP/2: what they get, what they may not do, and how they are told to go.

mod attacks;
mod bodies;
mod clients;
mod conformance;
mod ends;
mod heads;

use std::time::Duration;

use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::origin::Origin;
use crate::support::setup::Setup;

/// Everything goes to `origin`, but for `/mock`.
fn document(origin: &Origin) -> Document {
    Document::new().method("GET", "/mock", mock("{\"hello\":\"world\"}")).pass_all(origin.address)
}

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&document(origin)).h2c().start()
}

/// What an attack costs the gateway: what it is made to hold, and its CPU time.
pub(crate) struct Cost<'a> {
    gateway: &'a Gateway,
    bytes_before: usize,
    time_before: Duration,
    pub(crate) bytes_max: usize,
    pub(crate) time_max: Duration,
}

/// What an attack may make it hold.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// What an attack may take of its CPU. The floods here take 10 to 40 ms before they are cut off, the test's own requests with
/// it.
const TIME_MAX: Duration = Duration::from_millis(300);

impl<'a> Cost<'a> {
    pub(crate) fn of(gateway: &'a Gateway) -> Self {
        let (bytes_before, time_before) = (gateway.resident_bytes(), gateway.cpu_time());
        Self { gateway, bytes_before, time_before, bytes_max: BYTES_MAX, time_max: TIME_MAX }
    }

    #[track_caller]
    pub(crate) fn check(&self) {
        let bytes = self.gateway.resident_bytes().saturating_sub(self.bytes_before);
        let time = self.gateway.cpu_time().saturating_sub(self.time_before);
        assert!(bytes < self.bytes_max, "{bytes} bytes held");
        assert!(time < self.time_max, "{time:?} of CPU");
    }
}
