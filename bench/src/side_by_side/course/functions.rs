//! A function behind AWS_PROXY beside the origin behind HTTP_PROXY: what an invocation costs, both sides taken together.

use crate::side_by_side::rival::{Found, Proxy};
use crate::side_by_side::stand::Entrant;

/// Whether this proxy runs functions.
pub fn takes(proxy: Proxy) -> bool {
    proxy == Proxy::Tidegate
}

/// A proxy with a function and without.
pub fn both(found: &Found) -> [Entrant; 2] {
    let plain = Entrant::plain(found);
    let name = http_proxy(found.proxy.name());
    [Entrant { function: true, ..plain.clone() }, Entrant { name, ..plain }]
}

/// Name of a proxy that calls the origin instead.
pub fn http_proxy(name: &str) -> String {
    format!("{name}, http_proxy")
}
