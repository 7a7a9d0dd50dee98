//! Names to addresses, on the control side: shards never wait for a resolver.
//!
//! The system's resolver (getaddrinfo) decides, so that `/etc/hosts` and `nsswitch.conf` count. It does not tell the
//! record's time to live, so names are asked again at a set interval.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tidegate_core::plan::{Origin, Plan};

/// Addresses of an origin; none while its name does not resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Option<Arc<[SocketAddr]>>);

impl Addresses {
    /// The addresses, at least one.
    pub fn get(&self) -> Option<Arc<[SocketAddr]>> {
        self.0.clone()
    }

    /// Asks the system's resolver; blocks.
    fn of(origin: &Origin) -> Self {
        match (origin.host.as_str(), origin.port).to_socket_addrs() {
            Ok(addresses) => {
                let mut found: Vec<SocketAddr> = Vec::new();
                addresses.for_each(|address| {
                    if !found.contains(&address) {
                        found.push(address);
                    }
                });
                Self((!found.is_empty()).then(|| found.into()))
            }
            Err(error) => {
                tracing::warn!(host = origin.host, %error, "name does not resolve");
                Self(None)
            }
        }
    }
}

/// Names looked up at the same time.
const LOOKUPS_MAX: usize = 16;

/// Resolves every origin of a plan; blocks until each has an answer or its error. A name that resolved before and does
/// not now keeps its old addresses: a resolver that is down must not take the backends down.
pub fn resolve(plan: &Plan, before: &HashMap<Origin, Addresses>) -> HashMap<Origin, Addresses> {
    let mut resolved = HashMap::new();
    for origins in plan.origins.chunks(LOOKUPS_MAX) {
        let found: Vec<Addresses> = std::thread::scope(|scope| {
            let lookups: Vec<_> =
                origins.iter().map(|origin| scope.spawn(|| Addresses::of(origin))).collect();
            lookups.into_iter().map(|lookup| lookup.join().unwrap_or_default()).collect()
        });
        for (origin, addresses) in origins.iter().zip(found) {
            let kept = before.get(origin).filter(|_| addresses.0.is_none());
            resolved.insert(origin.clone(), kept.cloned().unwrap_or(addresses));
        }
    }
    resolved
}
