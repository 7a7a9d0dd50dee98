//! Why the gateway does not run.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::ledger::StoreError;
use crate::ring::probe;
use crate::tls::TlsError;

/// Why the gateway does not run.
#[derive(Debug)]
pub enum GatewayError {
    /// This machine cannot run it.
    Machine(probe::Missing),
    /// An address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// A thread, a channel or a signal handler cannot be made.
    Start(io::Error),
    /// A shard could not start, or died.
    Shard(String),
    /// Durable state cannot be read or written.
    Store(StoreError),
    /// A certificate or key cannot be used.
    Tls(String),
    /// The resolver thread died.
    Resolver,
    /// The thread that looks for credentials died.
    Issuer,
    /// It was told a second time to stop.
    Forced,
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(missing) => write!(f, "{}\n  help: {}", missing.what, missing.remedy),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Start(error) => write!(f, "cannot start: {error}"),
            Self::Shard(error) => write!(f, "a shard failed: {error}"),
            Self::Store(error) => write!(f, "cannot store usage: {error}"),
            Self::Issuer => f.write_str("the credentials thread failed"),
            Self::Tls(error) => f.write_str(error),
            Self::Resolver => f.write_str("the resolver thread failed"),
            Self::Forced => f.write_str("stopped at once; requests in flight were dropped"),
        }
    }
}

impl std::error::Error for GatewayError {}

impl From<TlsError> for GatewayError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error.to_string())
    }
}
