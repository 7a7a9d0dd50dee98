//! What is known of an origin, answer after answer. Says it when that gets worse or better, not at every try.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::Addresses;

/// What is known of an origin.
///
/// ```text
///             addresses
///   Awaited ─────────────▶ Resolved ──error──▶ Kept
///      │                      ▲  ▲              │
///      └─error─▶ Unresolved ──┘  └──addresses───┘
///        or late
/// ```
pub(super) enum Known {
    /// Nothing yet; counts as unresolved from then on.
    Awaited { until: Instant },
    /// It never resolved. Has been logged.
    Unresolved,
    /// Addresses, at least one.
    Resolved(Arc<[SocketAddr]>),
    /// Addresses of a name that does not resolve any more: a name server that is down must not take the backends down.
    /// Has been logged.
    Kept(Arc<[SocketAddr]>),
}

impl Known {
    /// What is known after an answer. A name that keeps failing is logged once.
    pub(super) fn and_then(self, found: io::Result<Arc<[SocketAddr]>>, host: &str) -> Self {
        match (self, found) {
            (Self::Awaited { .. } | Self::Resolved(_), Ok(addresses)) => Self::Resolved(addresses),
            (Self::Unresolved | Self::Kept(_), Ok(addresses)) => {
                tracing::info!(host, "name resolves");
                Self::Resolved(addresses)
            }
            (Self::Awaited { .. }, Err(error)) => {
                tracing::warn!(host, %error, "name does not resolve");
                Self::Unresolved
            }
            (Self::Resolved(addresses), Err(error)) => {
                tracing::warn!(host, %error, "name does not resolve any more; keeping its addresses");
                Self::Kept(addresses)
            }
            (known @ (Self::Unresolved | Self::Kept(_)), Err(_)) => known,
        }
    }

    /// Where to connect to.
    pub(super) fn addresses(&self) -> Addresses {
        match self {
            Self::Awaited { .. } | Self::Unresolved => Addresses(None),
            Self::Resolved(addresses) | Self::Kept(addresses) => Addresses(Some(Arc::clone(addresses))),
        }
    }

    /// When waiting for the first answer ends.
    pub(super) fn awaited_until(&self) -> Option<Instant> {
        match self {
            Self::Awaited { until } => Some(*until),
            Self::Unresolved | Self::Resolved(_) | Self::Kept(_) => None,
        }
    }
}
