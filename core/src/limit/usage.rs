//! API keys, and the usage plans that say where each may be used, and how much.
//!
//! AWS: "Usage plans and API keys for REST APIs". A key may be in several plans, but in one for each stage.

use std::fmt;
use std::ops::RangeInclusive;

use ahash::RandomState;

use super::spec::{ApiKeySpec, PlanStage, UsagePlanSpec};
use super::{Account, MeterId, Quota, Rate};
use crate::route::RouteId;
use crate::span::Span;

/// Length of a key's value in bytes. AWS: at least 20, at most 128 characters.
pub const KEY_BYTES: RangeInclusive<usize> = 20..=128;

/// A stage of an API, both by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageId {
    /// The API.
    pub api: u32,
    /// Its stage.
    pub stage: u32,
}

/// A key, by its position.
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

/// All keys and plans, compiled for look-ups. A key takes about 150 bytes beside its name.
///
/// Values are found by a keyed hash, so that a client can neither make look-ups slow by choosing values, nor learn from
/// their duration how much of a value was right.
#[derive(Default)]
pub struct UsagePlans {
    hasher: RandomState,
    /// A power of two of slots, at most half of them taken; empty without keys.
    slots: Box<[Option<Slot>]>,
    keys: Box<[Key]>,
    /// Values and names behind one another.
    text: Box<[u8]>,
    /// The plans of each key that has several, behind one another.
    memberships: Box<[Membership]>,
    plans: Box<[Plan]>,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    key: KeyId,
}

/// One cache line, since each look at another one is a cache miss.
#[repr(align(64))]
struct Key {
    value: Span,
    name: Span,
    /// Its only plan. More than one stand in `memberships`: most keys have one, and need one memory access less.
    membership: Option<Membership>,
    memberships: Span,
    enabled: bool,
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
        let mut text = Vec::new();
        let values: Vec<Span> = keys.iter().map(|key| append_in_line(&key.value, &mut text)).collect();
        let names: Vec<Span> = keys.iter().map(|key| append(&key.name, &mut text)).collect();
        let mut compiled: Vec<Key> = keys
            .iter()
            .zip(values.iter().zip(&names))
            .map(|(key, (&value, &name))| Key {
                value,
                name,
                membership: None,
                memberships: Span::default(),
                enabled: key.enabled,
            })
            .collect();
        let memberships = memberships(&mut compiled, keys, plans);
        let plan = |spec: &UsagePlanSpec| Plan {
            name: spec.name.as_str().into(),
            throttle: spec.throttle,
            quota: spec.quota,
            stages: spec.stages.iter().map(sorted).collect(),
        };
        let mut all = Self {
            hasher: RandomState::new(),
            slots: Box::default(),
            keys: compiled.into(),
            text: text.into(),
            memberships,
            plans: plans.iter().map(plan).collect(),
        };
        all.slots = all.table();
        all
    }

    /// The caller whose key has this value, if that key is enabled and a plan lets it be used at this stage.
    pub fn caller(&self, value: &[u8], stage: StageId) -> Option<Caller> {
        let key = self.find(value)?;
        let entry = &self.keys[key.0 as usize];
        let several = &self.memberships[entry.memberships.start()..entry.memberships.end()];
        let (membership, stage) = entry.membership.iter().chain(several).find_map(|membership| {
            let stages = &self.plans[membership.plan.0 as usize].stages;
            Some((membership, stages.iter().position(|known| known.id == stage)?))
        })?;
        let Membership { plan, meter } = *membership;
        entry.enabled.then_some(Caller { key, plan, stage: stage as u32, meter })
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
        self.keys.iter().enumerate().flat_map(|(position, key)| {
            let several = &self.memberships[key.memberships.start()..key.memberships.end()];
            let all = key.membership.iter().chain(several);
            all.map(move |membership| (KeyId(position as u32), membership.plan))
        })
    }

    /// The name of a key.
    pub fn key_name(&self, key: KeyId) -> &[u8] {
        self.keys[key.0 as usize].name.of(&self.text)
    }

    /// The name of a plan.
    pub fn plan_name(&self, plan: PlanId) -> &str {
        &self.plans[plan.0 as usize].name
    }

    /// Whether any plan has this stage.
    pub fn has_stage(&self, stage: StageId) -> bool {
        self.plans.iter().any(|plan| plan.stages.iter().any(|known| known.id == stage))
    }

    fn table(&self) -> Box<[Option<Slot>]> {
        if self.keys.is_empty() {
            return Box::default();
        }
        let count = (self.keys.len() * 2).next_power_of_two();
        let mut slots = vec![None; count];
        for (position, key) in self.keys.iter().enumerate() {
            let hash = self.hasher.hash_one(key.value.of(&self.text));
            let free = probe(hash, count).find(|&slot| slots[slot].is_none());
            slots[free.expect("half of the slots are empty")] =
                Some(Slot { hash: fingerprint(hash), key: KeyId(position as u32) });
        }
        slots.into()
    }

    fn find(&self, value: &[u8]) -> Option<KeyId> {
        if !KEY_BYTES.contains(&value.len()) || self.slots.is_empty() {
            return None;
        }
        let hash = self.hasher.hash_one(value);
        probe(hash, self.slots.len())
            .map_while(|slot| self.slots[slot])
            .find(|slot| {
                slot.hash == fingerprint(hash) && self.keys[slot.key.0 as usize].value.of(&self.text) == value
            })
            .map(|slot| slot.key)
    }
}

fn append(part: &str, text: &mut Vec<u8>) -> Span {
    text.extend_from_slice(part.as_bytes());
    Span::new(text.len() - part.len(), text.len())
}

/// The same, within one cache line if it fits into one: the text begins near the start of one.
fn append_in_line(part: &str, text: &mut Vec<u8>) -> Span {
    const LINE: usize = 64;
    if text.len() % LINE + part.len() > LINE {
        text.resize(text.len().next_multiple_of(LINE), 0);
    }
    append(part, text)
}

/// Tells each key its plans; those of a key that has several are returned, behind one another.
fn memberships(keys: &mut [Key], specs: &[ApiKeySpec], plans: &[UsagePlanSpec]) -> Box<[Membership]> {
    let mut pairs: Vec<(usize, PlanId)> = Vec::new();
    for (position, plan) in plans.iter().enumerate() {
        pairs.extend(plan.keys.iter().map(|&key| (key, PlanId(position as u32))));
    }
    // Stable: a key's plans stay in their order.
    pairs.sort_by_key(|(key, _)| *key);
    let membership = |&(key, plan): &(usize, PlanId)| {
        let meter = Account::meter_of(&plans[plan.0 as usize].name, &specs[key].name);
        Membership { plan, meter }
    };
    let mut several = Vec::new();
    for of_one in pairs.chunk_by(|one, other| one.0 == other.0) {
        let key = &mut keys[of_one[0].0];
        if let [only] = of_one {
            key.membership = Some(membership(only));
        } else {
            key.memberships = Span::new(several.len(), several.len() + of_one.len());
            several.extend(of_one.iter().map(membership));
        }
    }
    several.into()
}

/// Methods in the order in which they are looked up.
fn sorted(stage: &PlanStage) -> PlanStage {
    let mut stage = stage.clone();
    stage.methods.sort_by_key(|method| method.route.0);
    stage
}

/// The half of the hash that does not choose the slot.
fn fingerprint(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Slots in the order in which they are looked at; `count` is a power of two.
fn probe(hash: u64, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |step| (hash as usize).wrapping_add(step) & (count - 1))
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
    fn many_keys() {
        let value = |number: usize| format!("{number:020x}");
        let keys: Vec<_> = (0..10_000).map(|number| key(&number.to_string(), &value(number), true)).collect();
        let all: Vec<usize> = (0..10_000).collect();
        let plans = UsagePlans::compile(&keys, &[plan("p", &all, &[stage(0, 0)])]);
        for number in 0..10_000 {
            check(&plans, &value(number), stage(0, 0), Some((&number.to_string(), "p")));
            check(&plans, &value(number + 10_000), stage(0, 0), None);
        }
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
