//! Which limits a request is under, in AWS's order ("Throttle requests to your REST APIs": how limits are applied).

use super::{Account, Caller, Client, Denied, Limits, MeterId, Meters, Rate, Standing, THROTTLES_MAX};
use crate::plan::{Plan, Stage};
use crate::route::RouteId;

/// A throttle of everybody together, the account's.
pub fn account_meter() -> MeterId {
    MeterId::of(&["account"])
}

/// The throttle of a method, of everybody together.
pub fn method_meter(api: &str, stage: &str, method: &str, path: &str) -> MeterId {
    MeterId::of(&["method", api, stage, method, path])
}

/// The throttle that each caller has of its own by its plan.
fn client_meter(caller: Caller) -> MeterId {
    MeterId(caller.meter.0 ^ CLIENT)
}

/// Tells a caller's throttle from its quota.
const CLIENT: u64 = 0x7468_726f_7474_6c65;

/// Lets a request through to its method, as far as throttles and quotas go.
pub(crate) fn admit(
    meters: &mut Meters,
    plan: &Plan,
    stage: &Stage,
    route: RouteId,
    caller: Option<Caller>,
    now_ns: u64,
) -> Result<(), Denied> {
    let mut throttles = [(MeterId(0), Rate::NOTHING); THROTTLES_MAX];
    let plans = &plan.usage_plans;
    let of_caller_method = caller.and_then(|caller| plans.method_throttle(caller, route));
    let of_caller = caller.and_then(|caller| Some((client_meter(caller), plans.throttle(caller)?)));
    let of_method = stage.throttles.get(route.0 as usize).copied().flatten();
    let all = [of_caller_method, of_caller, of_method, plan.throttle];
    let mut count = 0;
    for throttle in all.into_iter().flatten() {
        throttles[count] = throttle;
        count += 1;
    }
    let (throttles, generation) = (&throttles[..count], plan.generation);
    match caller {
        None if count == 0 => Ok(()),
        None => meters.admit(&Limits { throttles, client: None, generation }, now_ns),
        Some(caller) => {
            let account = || account(plan, caller);
            let client = Client { meter: caller.meter, account: &account, quota: plans.quota(caller.plan) };
            meters.admit(&Limits { throttles, client: Some(client), generation }, now_ns)
        }
    }
}

fn account(plan: &Plan, caller: Caller) -> Account {
    let plans = &plan.usage_plans;
    Account {
        plan: plans.plan_name(caller.plan).to_owned(),
        key: String::from_utf8_lossy(plans.key_name(caller.key)).into_owned(),
    }
}

/// What a request's answer tells of limits: nothing unless that is switched on.
pub(crate) fn standing(
    meters: &Meters,
    plan: &Plan,
    caller: Option<Caller>,
    retry_after_ns: Option<u64>,
    now_ns: u64,
) -> Standing {
    if !plan.limits.rate_limit_fields {
        return Standing::default();
    }
    let of_caller = caller.map(|caller| {
        let throttle = plan.usage_plans.throttle(caller).map(|rate| (client_meter(caller), rate));
        meters.standing(throttle, (caller.meter, plan.usage_plans.quota(caller.plan)), now_ns)
    });
    Standing { retry_after_ns, ..of_caller.unwrap_or_default() }
}
