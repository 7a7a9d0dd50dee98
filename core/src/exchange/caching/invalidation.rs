//! Who may have an answer made anew, and what becomes of one who may not.

use super::super::{Exchange, Routed, stage_of};
use crate::auth::authorise::{Denial, Spelling, Who, authorise};
use crate::auth::policy::Action;
use crate::auth::policy::combine::By;
use crate::cache::{Demand, Invalidation, MethodCache, Unauthorised};
use crate::plan::Plan;
use crate::shard::Shard;

impl Exchange {
    /// What the request asks of the cache and may ask for.
    pub(super) fn demand(
        &mut self,
        shard: &mut Shard,
        plan: &Plan,
        routed: Routed,
        method: &MethodCache,
    ) -> Result<Demand, Denial> {
        let demand = Demand::read(&self.request, method);
        let Invalidation::Authorised(otherwise) = method.invalidation else { return Ok(demand) };
        if !demand.is_strict() {
            return Ok(demand);
        }
        let Err(denial) = self.may_invalidate(shard, plan, routed) else { return Ok(demand) };
        match otherwise {
            // How old an answer may be is a wish that AWS does not know: nobody is refused or warned for it.
            Unauthorised::FailWith403 if demand.fresh => Err(denial),
            Unauthorised::SucceedWithResponseHeader => {
                self.caching.warns = demand.fresh;
                Ok(demand.lenient())
            }
            Unauthorised::FailWith403 | Unauthorised::SucceedWithoutResponseHeader => Ok(demand.lenient()),
        }
    }

    /// AWS: the caller needs `execute-api:InvalidateCache` for the method, and cannot be of another account.
    fn may_invalidate(&self, shard: &mut Shard, plan: &Plan, routed: Routed) -> Result<(), Denial> {
        let (api, stage) = stage_of(plan, routed.place);
        let (action, account) = (Action::InvalidateCache, &plan.node.account);
        let path = &self.request.path()[routed.place.prefix_bytes..];
        shard.method_names.name(&api.id, &stage.name, routed.method, path);
        let principal = self.principal.map(|id| plan.principals.principal(id));
        if principal.is_none_or(|principal| principal.arn.account() != account) {
            return Err(Denial { action, by: By::Identity, statement: None, spelling: Spelling::Sent });
        }
        authorise(action, api, Who::Signer, account, &shard.method_names, &self.facts(plan))
    }
}
