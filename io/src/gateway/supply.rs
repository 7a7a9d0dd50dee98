//! What a plan needs beside itself before it can be served: addresses and credentials.

use std::os::raw::c_int;
use std::sync::Arc;

use crossbeam_channel::{Receiver, select};
use signal_hook::consts::signal::SIGHUP;
use tidegate_core::plan::{Aws, Plan};

use super::GatewayError;
use crate::credentials::{Issuer, News, OrderNumber};
use crate::resolve::{Resolved, Resolver};

/// Who finds out what a plan needs beside itself.
#[derive(Clone, Copy)]
pub(super) struct Outside<'a> {
    pub(super) resolver: &'a Resolver,
    pub(super) issuer: &'a Issuer,
}

impl Outside<'_> {
    /// What `plan` needs, and what `served`, which is still in force, needs beside it.
    pub(super) fn watch(self, plan: &Plan, served: Option<&Plan>, supplies: &mut Supplies) {
        self.resolver.watch(&plan.origins);
        let mut sources = plan.aws.sources.clone();
        let also = served.map_or(&[][..], |served| &served.aws.sources);
        sources.extend(also.iter().filter(|source| !plan.aws.sources.contains(source)).cloned());
        supplies.awaited = self.issuer.watch(Aws { sources, ..plan.aws.clone() });
    }
}

/// What a plan needs beside itself, as far as it is known.
#[derive(Clone)]
pub(super) struct Supplies {
    pub(super) addresses: Resolved,
    pub(super) credentials: News,
    /// The last order of credentials.
    awaited: OrderNumber,
}

impl Supplies {
    fn none() -> Self {
        let credentials = News { of: 0, table: Arc::default() };
        Self { addresses: Resolved::default(), credentials, awaited: 0 }
    }

    /// Whether it is about this plan, not about one before.
    pub(super) fn covers(&self, plan: &Plan) -> bool {
        let is_answered = self.credentials.of == self.awaited;
        is_answered && plan.origins.iter().all(|origin| self.addresses.contains_key(origin))
    }
}

/// Waits until all that the plan to start with needs has been asked for; nothing if told to stop meanwhile. A reload replaces
/// the plan.
pub(super) fn supply_first(
    mut plan: Plan,
    outside: Outside<'_>,
    signals: &Receiver<c_int>,
    reload: &impl Fn() -> Option<Plan>,
) -> Result<Option<(Plan, Supplies)>, GatewayError> {
    let mut supplies = Supplies::none();
    outside.watch(&plan, None, &mut supplies);
    while !supplies.covers(&plan) {
        select! {
            recv(signals) -> signal => match signal {
                Ok(SIGHUP) => {
                    if let Some(newer) = compile(reload) {
                        outside.watch(&newer, None, &mut supplies);
                        plan = newer;
                    }
                }
                Ok(_) | Err(_) => return Ok(None),
            },
            recv(outside.resolver.news()) -> news => {
                supplies.addresses = news.map_err(|_| GatewayError::Resolver)?;
            }
            recv(outside.issuer.news()) -> news => {
                supplies.credentials = news.map_err(|_| GatewayError::Issuer)?;
            }
        }
    }
    Ok(Some((plan, supplies)))
}

/// Reads the configuration again; what is wrong with it has been said.
pub(super) fn compile(reload: &impl Fn() -> Option<Plan>) -> Option<Plan> {
    let plan = reload();
    if plan.is_none() {
        tracing::error!("reload refused; the old configuration stays in force");
    }
    plan
}
