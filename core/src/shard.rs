//! What a shard keeps between requests and deciding needs: one per CPU, shared with nobody.

use std::rc::Rc;
use std::sync::Arc;

use crate::auth::authenticate::Signatures;
use crate::auth::authorise::MethodNames;
use crate::auth::authorizer::Grants;
use crate::auth::cognito::{KeySets, Table, Tokens};
use crate::aws::Signers;
use crate::clock::HttpDate;
use crate::limit::Meters;
use crate::plan::Plan;

/// A shard's hold on a plan. The outer `Rc` keeps the shards off one another's reference count.
pub type SharedPlan = Rc<Arc<Plan>>;

/// The state of one shard.
#[derive(Debug)]
pub struct Shard {
    /// The plan in force.
    pub plan: SharedPlan,
    /// The current `Date` value.
    pub date: HttpDate,
    /// What signatures are checked with.
    pub signatures: Signatures,
    /// What the method of a request is called in policies.
    pub method_names: MethodNames,
    /// Tokens that were good.
    pub tokens: Tokens,
    /// The keys of issuers.
    pub key_sets: KeySets,
    /// What authorizers have answered.
    pub grants: Grants,
    /// What calls to AWS services are signed with.
    pub signers: Signers,
    /// What it holds of throttles and quotas.
    pub meters: Meters,
    /// Once true, every answer closes its connection.
    pub draining: bool,
}

impl Shard {
    /// One of so many shards, which serves `plan`.
    pub fn new(plan: Arc<Plan>, shards: usize) -> Self {
        Self {
            plan: Rc::new(plan),
            date: HttpDate::default(),
            signatures: Signatures::default(),
            method_names: MethodNames::default(),
            tokens: Tokens::default(),
            key_sets: KeySets::default(),
            grants: Grants::default(),
            signers: Signers::default(),
            meters: Meters::new(shards),
            draining: false,
        }
    }

    /// The keys of issuers are these now; `url` says of whom there is news.
    pub fn hear_keys(&mut self, table: Arc<Table>, url: &str) {
        if self.key_sets.hear(table, url) {
            self.tokens.clear();
        }
    }
}
