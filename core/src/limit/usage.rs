//! API keys, and the usage plans that say where each may be used.
//!
//! AWS: "Usage plans and API keys for REST APIs". A key may be in several plans, but in one for each stage.

use std::fmt;
use std::ops::RangeInclusive;

use ahash::RandomState;

use crate::span::Span;

/// Length of a key's value in bytes. AWS: at least 20, at most 128 characters.
pub const KEY_BYTES: RangeInclusive<usize> = 20..=128;

/// An API key as it is configured.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySpec {
    /// Its name, by which plans and logs call it.
    pub name: String,
    /// What clients send. A secret.
    pub value: String,
    /// Whether it may be used at all.
    pub enabled: bool,
}

impl fmt::Debug for ApiKeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeySpec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A usage plan as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsagePlanSpec {
    /// Its name.
    pub name: String,
    /// The keys, by their position.
    pub keys: Vec<usize>,
    /// Where they may be used.
    pub stages: Vec<StageId>,
}

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
}

/// All keys and plans, compiled for look-ups. A key takes about 70 bytes beside its name and its value.
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
    /// The plans of each key behind one another.
    memberships: Box<[PlanId]>,
    plans: Box<[Plan]>,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    key: KeyId,
}

struct Key {
    value: Span,
    name: Span,
    /// Range of `memberships`.
    plans: Span,
    enabled: bool,
}

struct Plan {
    name: Box<str>,
    stages: Box<[StageId]>,
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
        let mut append = |part: &str| {
            text.extend_from_slice(part.as_bytes());
            Span::new(text.len() - part.len(), text.len())
        };
        let mut compiled: Vec<Key> = keys
            .iter()
            .map(|key| Key {
                value: append(&key.value),
                name: append(&key.name),
                plans: Span::default(),
                enabled: key.enabled,
            })
            .collect();
        let memberships = memberships(&mut compiled, plans);
        let plan = |spec: &UsagePlanSpec| Plan {
            name: spec.name.as_str().into(),
            stages: spec.stages.as_slice().into(),
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
        let plans = &self.memberships[entry.plans.start()..entry.plans.end()];
        let plan = plans.iter().find(|plan| self.plans[plan.0 as usize].stages.contains(&stage))?;
        entry.enabled.then_some(Caller { key, plan: *plan })
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
        self.plans.iter().any(|plan| plan.stages.contains(&stage))
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

/// The plans of each key behind one another, and in each key which of them are its own.
fn memberships(keys: &mut [Key], plans: &[UsagePlanSpec]) -> Box<[PlanId]> {
    let mut pairs: Vec<(usize, PlanId)> = Vec::new();
    for (position, plan) in plans.iter().enumerate() {
        pairs.extend(plan.keys.iter().map(|&key| (key, PlanId(position as u32))));
    }
    // Stable: a key's plans stay in their order.
    pairs.sort_by_key(|(key, _)| *key);
    let mut start = 0;
    for of_one in pairs.chunk_by(|one, other| one.0 == other.0) {
        keys[of_one[0].0].plans = Span::new(start, start + of_one.len());
        start += of_one.len();
    }
    pairs.into_iter().map(|(_, plan)| plan).collect()
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
        UsagePlanSpec { name: name.to_owned(), keys: keys.to_vec(), stages: stages.to_vec() }
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
    fn debug_shows_no_value() {
        let spec = key("alice", ALICE, true);
        let plans = UsagePlans::compile(std::slice::from_ref(&spec), &[]);
        assert!(!format!("{spec:?} {plans:?}").contains(ALICE));
    }
}
