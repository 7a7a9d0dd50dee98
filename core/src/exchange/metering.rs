//! Stages of an exchange that know who calls: the API key, throttles and the quota.

use super::{Authorised, Exchange, Identified, Metered, Step, stage_of};
use crate::clock::Now;
use crate::hosts::Place;
use crate::limit::{self, Denied, StageId};
use crate::reject::Reject;
use crate::shard::Shard;

impl Exchange {
    /// AWS: a missing, unknown or disabled key, and one of no plan with this stage, are all the same to the client.
    pub(super) fn identify(&mut self, Authorised { routed }: Authorised) -> Result<Identified, Reject> {
        let plan = self.plan();
        let Place { api, stage, .. } = routed.place;
        if plan.apis[api].api_key_required[routed.route.0 as usize] {
            let stage = StageId { api: api as u32, stage: stage as u32 };
            let value = self.view(&plan).api_key_value();
            let caller = value.and_then(|value| plan.usage_plans.caller(value, stage));
            self.caller = Some(caller.ok_or(Reject::InvalidApiKey)?);
        }
        let identified = Identified { routed };
        self.identified = Some(identified);
        Ok(identified)
    }

    /// Throttles and the quota. What the shard does not have is asked of the ledger.
    pub(super) fn meter(&mut self, shard: &mut Shard, now: Now, Identified { routed }: Identified) -> Step {
        let plan = self.plan();
        let (_, stage) = stage_of(&plan, routed.place);
        let now_ns = now.monotonic_ns;
        let admitted = limit::admit(&mut shard.meters, &plan, stage, routed.route, self.caller, now_ns);
        let (reject, retry_after_ns) = match admitted {
            Ok(()) => (None, None),
            Err(Denied::Wait(meter)) => return Step::AskLedger(meter),
            Err(Denied::Throttled { retry_after_ns }) => (Some(Reject::Throttled), Some(retry_after_ns)),
            Err(Denied::QuotaExceeded { retry_after_ns }) => {
                (Some(Reject::QuotaExceeded), Some(retry_after_ns))
            }
        };
        self.standing = limit::standing(&shard.meters, &plan, self.caller, retry_after_ns, now_ns);
        match reject {
            None => {
                self.counted = self.caller.map(|caller| caller.meter);
                self.decode(shard, now, Metered { routed })
            }
            Some(reject) => self.refuse(shard, now, reject),
        }
    }
}
