//! A function behind AWS_PROXY beside the origin behind HTTP_PROXY: what an invocation costs, both sides taken together.

use crate::side_by_side::rival::{Found, Proxy};
use crate::side_by_side::stand::Entrant;

/// Whether this proxy runs functions.
pub fn takes(proxy: Proxy) -> bool {
    matches!(proxy, Proxy::Tidegate | Proxy::CargoLambda)
}

/// A proxy with a function, and one that also calls servers, without.
pub fn entrants(found: &Found) -> Vec<Entrant> {
    let plain = Entrant::plain(found);
    let function = Entrant { function: true, ..plain.clone() };
    match found.proxy {
        Proxy::Tidegate => vec![function, Entrant { name: http_proxy(found.proxy.name()), ..plain }],
        _ => vec![function],
    }
}

/// Name of a proxy that calls the origin instead.
pub fn http_proxy(name: &str) -> String {
    format!("{name}, http_proxy")
}
