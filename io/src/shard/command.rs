//! What the control thread and a shard say to each other, and what a shard starts with.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use tidegate_core::auth::cognito::Table;
use tidegate_core::aws::IssuedTable;
use tidegate_core::cache::{self, CacheId};
use tidegate_core::plan::{Origin, Plan};

use crate::access_log::LogSender;
use crate::caches::Flush;
use crate::function::host::HostHandle;
use crate::ledger::ShardEnd;
use crate::resolve::Addresses;
use crate::ring::{Doorbell, RingSettings};
use crate::tls::Tls;

/// What the control thread tells a shard.
pub(crate) enum Command {
    /// Serve this plan from now on.
    Install(Arc<Plan>, Arc<HashMap<Origin, Addresses>>, Arc<Tls>),
    /// The keys of issuers, and of which there is news.
    KeySets(Arc<Table>, Arc<str>),
    /// A slice of a cache may take so many bytes.
    Share(CacheId, cache::Order),
    /// What has changed through another shard, whose answers are out of date.
    Changed(CacheId, Arc<[cache::Change]>),
    /// All answers of a cache are to be forgotten.
    Flush(Flush),
    /// Calls to AWS services are signed with these.
    Credentials(Arc<IssuedTable>),
    /// Origins have other addresses.
    Resolved(Arc<HashMap<Origin, Addresses>>),
    /// Accept no more, finish what is in flight, close idle connections, end.
    Drain,
}

/// What a shard tells the control thread.
pub(crate) enum Report {
    /// It listens.
    Ready,
    /// It cannot start.
    Failed(String),
    /// It serves the plan that it was last sent.
    Installed,
    /// How it stands with its slices of the caches.
    Caches(Vec<cache::Report>),
    /// It has drained.
    Drained,
}

/// A shard's way to tell.
#[derive(Clone)]
pub(crate) struct Reporter {
    /// Which shard.
    pub(crate) shard: usize,
    /// Where to.
    pub(crate) reports: Sender<(usize, Report)>,
}

impl Reporter {
    pub(super) fn tell(&self, report: Report) {
        // The control thread may have gone first.
        let _ = self.reports.send((self.shard, report));
    }
}

/// What a shard starts with.
pub(crate) struct Start {
    /// The plan.
    pub(crate) plan: Arc<Plan>,
    /// Addresses of its origins.
    pub(crate) addresses: Arc<HashMap<Origin, Addresses>>,
    /// Credentials for calls to AWS services.
    pub(crate) credentials: Arc<IssuedTable>,
    /// Asks for newer keys of an issuer.
    pub(crate) keys_asker: Sender<Arc<str>>,
    /// This shard's listening sockets.
    pub(crate) listeners: Vec<socket2::Socket>,
    /// Which of them are for https.
    pub(crate) secure: Vec<bool>,
    /// What clients are shown and backends must prove.
    pub(crate) tls: Arc<Tls>,
    /// Sizes of its ring.
    pub(crate) ring: RingSettings,
    /// Wakes the shard when a command is in the channel.
    pub(crate) doorbell: Doorbell,
    /// Commands.
    pub(crate) commands: Receiver<Command>,
    /// Reports.
    pub(crate) reports: Reporter,
    /// Access log lines.
    pub(crate) log: LogSender,
    /// Starts functions' processes.
    pub(crate) host: HostHandle,
    /// Wakes the shard when the host has something to say.
    pub(crate) host_bell: Doorbell,
    /// The ledger.
    pub(crate) ledger: ShardEnd,
    /// How many shards there are.
    pub(crate) shards: usize,
}
