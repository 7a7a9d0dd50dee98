//! API keys, and the usage plans that say where each may be used, and how much.
//!
//! AWS: "Usage plans and API keys for REST APIs". A key may be in several plans, but in one for each stage.

use std::fmt;

use super::key_table::{KeyTable, Memberships};
use super::spec::{ApiKeySpec, PlanStage, UsagePlanSpec};
use super::{Account, MeterId, Quota, Rate};
use crate::route::RouteId;
use crate::span::Span;

/// A stage of an API, both by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageId {
    /// The API.
    pub api: u32,
    /// Its stage.
    pub stage: u32,
}

/// A key, by its position in the table of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub u32);

/// A plan, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlanId(pub u32);

/// Whose key a request came with, and the plan by which it may be used at the request's stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key.
    pub key: KeyId,
    /// The plan.
    pub plan: PlanId,
    /// The stage's position in the plan.
    stage: u32,
    /// Key and plan, as limits call them.
    pub meter: MeterId,
}

/// A key whose name is read when it is asked for: it stands somewhere else in memory.
#[derive(Clone, Copy, Debug)]
pub struct KeyName<'a> {
    plans: &'a UsagePlans,
    key: KeyId,
}

impl<'a> KeyName<'a> {
    /// The name.
    pub fn read(self) -> &'a [u8] {
        self.plans.key_name(self.key)
    }
}

/// All keys and plans, compiled for look-ups.
#[derive(Default)]
pub struct UsagePlans {
    keys: KeyTable,
    /// The plans of each key that has several, behind one another.
    memberships: Box<[Membership]>,
    plans: Box<[Plan]>,
}

#[derive(Clone, Copy)]
struct Membership {
    plan: PlanId,
    meter: MeterId,
}

struct Plan {
    name: Box<str>,
    throttle: Option<Rate>,
    quota: Option<Quota>,
    stages: Box<[PlanStage]>,
}

impl fmt::Debug for UsagePlans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, plans) = (self.keys.len(), self.plans.len());
        f.debug_struct("UsagePlans").field("keys", &keys).field("plans", &plans).finish_non_exhaustive()
    }
}

impl UsagePlans {
    /// Compiles keys with distinct values, and plans. Where a key is in two plans for one stage, the first counts.
    pub fn compile(keys: &[ApiKeySpec], plans: &[UsagePlanSpec]) -> Self {
        let (of_keys, memberships) = memberships(keys, plans);
        let plan = |spec: &UsagePlanSpec| Plan {
            name: spec.name.as_str().into(),
            throttle: spec.throttle,
            quota: spec.quota,
            stages: spec.stages.iter().map(sorted).collect(),
        };
        Self {
            keys: KeyTable::compile(keys.iter().zip(of_keys)),
            memberships,
            plans: plans.iter().map(plan).collect(),
        }
    }

    /// The caller whose key has this value, if that key is enabled and a plan lets it be used at this stage.
    pub fn caller(&self, value: &[u8], stage: StageId) -> Option<Caller> {
        let key = self.keys.find(value)?;
        let (Membership { plan, meter }, stage) = self.memberships(key).find_map(|membership| {
            let stages = &self.plans[membership.plan.0 as usize].stages;
            Some((membership, stages.iter().position(|known| known.id == stage)?))
        })?;
        self.keys.is_enabled(key).then_some(Caller { key, plan, stage: stage as u32, meter })
    }

    /// What a key is called.
    pub fn name_of(&self, key: KeyId) -> KeyName<'_> {
        KeyName { plans: self, key }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// How many requests a second the caller may make of a method, and which throttle that is.
    pub fn method_throttle(&self, caller: Caller, route: RouteId) -> Option<(MeterId, Rate)> {
        let methods = &self.plans[caller.plan.0 as usize].stages[caller.stage as usize].methods;
        let found = methods.binary_search_by_key(&route.0, |method| method.route.0).ok()?;
        Some((caller.meter.with(methods[found].meter), methods[found].rate))
    }

    /// How many requests a second the caller may make at all stages of the plan together.
    pub fn throttle(&self, caller: Caller) -> Option<Rate> {
        self.plans[caller.plan.0 as usize].throttle
    }

    /// How many requests the caller may make in a period.
    pub fn quota(&self, plan: PlanId) -> Option<Quota> {
        self.plans[plan.0 as usize].quota
    }

    /// Every key under every plan that it is in.
    pub fn accounts(&self) -> impl Iterator<Item = (KeyId, PlanId)> {
        self.keys.iter().flat_map(|key| self.memberships(key).map(move |membership| (key, membership.plan)))
    }

    /// The name of a key.
    pub fn key_name(&self, key: KeyId) -> &[u8] {
        self.keys.name(key)
    }

    /// The name of a plan.
    pub fn plan_name(&self, plan: PlanId) -> &str {
        &self.plans[plan.0 as usize].name
    }

    /// Whether any plan has this stage.
    pub fn has_stage(&self, stage: StageId) -> bool {
        self.plans.iter().any(|plan| plan.stages.iter().any(|known| known.id == stage))
    }

    fn memberships(&self, key: KeyId) -> impl Iterator<Item = Membership> {
        let (one, several) = match self.keys.plans(key) {
            Memberships::None => (None, Span::default()),
            Memberships::One { plan, meter } => (Some(Membership { plan, meter }), Span::default()),
            Memberships::Several(several) => (None, several),
        };
        one.into_iter().chain(self.memberships[several.start()..several.end()].iter().copied())
    }
}

/// The plans of each key; those of the keys that have several stand in the list.
fn memberships(keys: &[ApiKeySpec], plans: &[UsagePlanSpec]) -> (Vec<Memberships>, Box<[Membership]>) {
    let mut pairs: Vec<(usize, PlanId)> = Vec::new();
    for (position, plan) in plans.iter().enumerate() {
        pairs.extend(plan.keys.iter().map(|&key| (key, PlanId(position as u32))));
    }
    // Stable: a key's plans stay in their order.
    pairs.sort_by_key(|(key, _)| *key);
    let membership = |&(key, plan): &(usize, PlanId)| {
        let meter = Account::meter_of(&plans[plan.0 as usize].name, &keys[key].name);
        Membership { plan, meter }
    };
    let mut of_keys = vec![Memberships::None; keys.len()];
    let mut several = Vec::new();
    for of_one in pairs.chunk_by(|one, other| one.0 == other.0) {
        of_keys[of_one[0].0] = if let [only] = of_one {
            let Membership { plan, meter } = membership(only);
            Memberships::One { plan, meter }
        } else {
            let start = several.len();
            several.extend(of_one.iter().map(membership));
            Memberships::Several(Span::new(start, several.len()))
        };
    }
    (of_keys, several.into())
}

/// Methods in the order in which they are looked up.
fn sorted(stage: &PlanStage) -> PlanStage {
    let mut stage = stage.clone();
    stage.methods.sort_by_key(|method| method.route.0);
    stage
}

#[cfg(test)]
mod tests {
    use super::super::MethodThrottle;
    use super::*;

    const ALICE: &str = "alice-0123456789abcdef";
    const BOB: &str = "bob-0123456789abcdefgh";

    fn key(name: &str, value: &str, enabled: bool) -> ApiKeySpec {
        ApiKeySpec { name: name.to_owned(), value: value.to_owned(), enabled }
    }

    fn stage(api: u32, stage: u32) -> StageId {
        StageId { api, stage }
    }

    fn plan(name: &str, keys: &[usize], stages: &[StageId]) -> UsagePlanSpec {
        let stages = stages.iter().map(|&id| PlanStage { id, methods: Vec::new() }).collect();
        UsagePlanSpec { name: name.to_owned(), keys: keys.to_vec(), stages, ..UsagePlanSpec::default() }
    }

    #[track_caller]
    fn check(plans: &UsagePlans, value: &str, at: StageId, want: Option<(&str, &str)>) {
        let caller = plans.caller(value.as_bytes(), at);
        let names = caller.map(|caller| {
            let key = std::str::from_utf8(plans.key_name(caller.key)).expect("a name");
            (key, plans.plan_name(caller.plan))
        });
        assert_eq!(names, want, "{value} at {at:?}");
    }

    #[test]
    fn a_key_is_good_where_a_plan_of_it_is() {
        let keys =
            [key("alice", ALICE, true), key("bob", BOB, true), key("carol", &BOB.to_uppercase(), true)];
        let plans = [
            plan("gold", &[0], &[stage(0, 0), stage(1, 0)]),
            plan("free", &[1, 0], &[stage(0, 1)]),
            plan("empty", &[], &[stage(2, 0)]),
        ];
        let plans = UsagePlans::compile(&keys, &plans);
        check(&plans, ALICE, stage(0, 0), Some(("alice", "gold")));
        check(&plans, ALICE, stage(1, 0), Some(("alice", "gold")));
        check(&plans, ALICE, stage(0, 1), Some(("alice", "free")));
        check(&plans, ALICE, stage(2, 0), None);
        check(&plans, BOB, stage(0, 1), Some(("bob", "free")));
        check(&plans, BOB, stage(0, 0), None);
        check(&plans, &BOB.to_uppercase(), stage(0, 0), None);
        assert!(plans.has_stage(stage(2, 0)) && !plans.has_stage(stage(2, 1)));
    }

    #[test]
    fn other_values_are_nobody() {
        let plans = [plan("gold", &[0], &[stage(0, 0)])];
        let plans = UsagePlans::compile(&[key("alice", ALICE, true)], &plans);
        for value in
            ["", "alice", &ALICE[1..], &format!("{ALICE}x"), &ALICE.to_uppercase(), &"x".repeat(10_000)]
        {
            check(&plans, value, stage(0, 0), None);
        }
        check(&UsagePlans::default(), ALICE, stage(0, 0), None);
    }

    #[test]
    fn a_disabled_key_is_good_nowhere() {
        let plans = [plan("gold", &[0], &[stage(0, 0)])];
        check(&UsagePlans::compile(&[key("alice", ALICE, false)], &plans), ALICE, stage(0, 0), None);
    }

    #[test]
    fn limits_of_a_caller() {
        let rate = |per_second| Rate::new(per_second, 1).expect("a rate");
        let throttle = |route, name: &str| MethodThrottle {
            route: RouteId(route),
            meter: MeterId::of(&[name]),
            rate: rate(f64::from(route)),
        };
        let stages = vec![
            PlanStage { id: stage(0, 0), methods: Vec::new() },
            PlanStage { id: stage(1, 0), methods: vec![throttle(7, "seven"), throttle(2, "two")] },
        ];
        let quota = Quota { limit: 9, offset: 0, period: crate::limit::Period::Day };
        let gold = UsagePlanSpec {
            throttle: Some(rate(5.0)),
            quota: Some(quota),
            stages,
            ..plan("gold", &[0, 1], &[])
        };
        let keys = [key("alice", ALICE, true), key("bob", BOB, true)];
        let plans = UsagePlans::compile(&keys, &[gold]);
        let caller = |value: &str, at| plans.caller(value.as_bytes(), at).expect("a caller");
        let (alice, bob) = (caller(ALICE, stage(1, 0)), caller(BOB, stage(1, 0)));
        assert_eq!((plans.throttle(alice), plans.quota(alice.plan)), (Some(rate(5.0)), Some(quota)));
        assert_eq!(plans.method_throttle(alice, RouteId(7)).map(|(_, rate)| rate), Some(rate(7.0)));
        assert_eq!(plans.method_throttle(alice, RouteId(3)), None);
        assert_eq!(plans.method_throttle(caller(ALICE, stage(0, 0)), RouteId(7)), None);
        assert_ne!(plans.method_throttle(alice, RouteId(2)), plans.method_throttle(bob, RouteId(2)));
        assert_eq!(alice.meter, caller(ALICE, stage(0, 0)).meter, "one throttle for all stages");
        assert_eq!(alice.meter, Account { plan: "gold".to_owned(), key: "alice".to_owned() }.meter());
        assert_eq!(plans.accounts().count(), 2);
    }

    #[test]
    fn debug_shows_no_value() {
        let spec = key("alice", ALICE, true);
        let plans = UsagePlans::compile(std::slice::from_ref(&spec), &[]);
        assert!(!format!("{spec:?} {plans:?}").contains(ALICE));
    }
}
