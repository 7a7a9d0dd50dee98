//! What rustls is told, made of the plan: once for each plan, on the control thread.
//!
//! - `server`: what clients are shown and asked, by the name that they ask for
//! - `mutual`: domains that ask clients for certificates
//! - `client`: what backends must prove, and what they are presented
//! - `unknown_issuer`: AWS's `insecureSkipVerification`
//! - `signatures`: what both sides' verifiers have in common
//! - `facts`: what is told of a client's session to whoever decides

mod client;
mod facts;
mod mutual;
mod server;
mod signatures;
mod unknown_issuer;

use std::fmt;
use std::sync::Arc;

use rustls::KeyLogFile;
use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;
use tidegate_core::plan::Plan;

pub(crate) use self::client::Backends;
pub(crate) use self::server::{Chosen, Server};

/// What stays from plan to plan.
pub(crate) struct Lasting {
    provider: Arc<CryptoProvider>,
    /// The keys of session tickets: shared by all shards, changed every few hours, never written down.
    tickets: Arc<dyn ProducesTickets>,
    /// Writes session keys to the file that `SSLKEYLOGFILE` names.
    key_log: Option<Arc<KeyLogFile>>,
}

/// One plan's side of TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Towards clients.
    pub(crate) server: Server,
    /// Towards backends.
    pub(crate) backends: Backends,
}

/// Why a plan's certificates cannot be used. The configuration has tried them, so that only a file that changed
/// meanwhile leads here.
#[derive(Debug)]
pub(crate) enum TlsError {
    /// rustls refuses them.
    Refused(rustls::Error),
    /// The random numbers of this machine cannot be had.
    Random,
    /// The certificate of an authority that is to be believed cannot be read.
    Authority,
    /// The authorities of this machine cannot be read.
    SystemRoots(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "TLS: {error}"),
            Self::Random => f.write_str("TLS: no random numbers"),
            Self::Authority => f.write_str("TLS: the certificate of an authority cannot be read"),
            Self::SystemRoots(why) => write!(f, "TLS: the authorities of this machine cannot be read: {why}"),
        }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error)
    }
}

impl Lasting {
    /// What a process starts with.
    pub(crate) fn new() -> Result<Self, TlsError> {
        let key_log = std::env::var_os("SSLKEYLOGFILE").map(|file| {
            tracing::warn!(?file, "session keys are written down: who reads them reads the traffic");
            Arc::new(KeyLogFile::new())
        });
        Ok(Self {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            tickets: rustls::crypto::ring::Ticketer::new().map_err(|_| TlsError::Random)?,
            key_log,
        })
    }

    /// Makes a plan's configurations.
    pub(crate) fn compile(&self, plan: &Plan) -> Result<Tls, TlsError> {
        Ok(Tls { server: Server::compile(&plan.tls, self)?, backends: Backends::compile(plan, self)? })
    }
}

impl Tls {
    /// The same for one shard: its reference counts are its own, so that shards do not write to the same memory.
    pub(crate) fn for_shard(&self) -> Self {
        Self { server: self.server.for_shard(), backends: self.backends.for_shard() }
    }
}
