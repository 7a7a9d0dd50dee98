//! API keys and usage plans as they are configured.

use std::fmt;

use super::{MeterId, Quota, Rate, StageId};
use crate::route::RouteId;

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
    /// How many requests a second each key may make at all stages of the plan together.
    pub throttle: Option<Rate>,
    /// How many requests each key may make in a day, week or month.
    pub quota: Option<Quota>,
    /// Where the keys may be used.
    pub stages: Vec<PlanStage>,
}

/// A stage of a usage plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStage {
    /// The stage.
    pub id: StageId,
    /// Methods for which each key has a throttle of its own.
    pub methods: Vec<MethodThrottle>,
}

/// A throttle that belongs to a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodThrottle {
    /// The method.
    pub route: RouteId,
    /// The throttle. Of a plan's, each caller has one of its own: [`MeterId::with`].
    pub meter: MeterId,
    /// How fast.
    pub rate: Rate,
}
