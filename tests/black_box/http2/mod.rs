//! Clients of HTTP/2: what they get, what they may not do, and how they are told to go.

mod attacks;
mod bodies;
mod clients;
mod conformance;
mod ends;
mod heads;

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
