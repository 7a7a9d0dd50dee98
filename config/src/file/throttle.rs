//! `throttle = { rate = 10, burst = 5 }`, and the tables of methods that have settings of their own.

use tidegate_core::limit::Rate;
use tidegate_core::plan::{Api, Route};
use tidegate_core::route::RouteId;
use tidegate_core::span::Span;

use super::cache::{self, MethodCache};
use super::execution_log::{self, MethodLog};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// Most requests a second, and most tokens of a bucket.
const RATE_MAX: f64 = 1e9;
const BURST_MAX: u32 = i32::MAX as u32;

/// Whose methods they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Stage,
    /// It has neither cache nor log.
    UsagePlan,
}

/// A method's settings, before it is known which methods there are.
#[derive(Clone, Debug)]
pub(crate) struct MethodSettings {
    /// Where the method is named.
    span: Span,
    /// The method and its path, as `tidegate routes` prints them: `GET /pets/{petId}`.
    name: String,
    pub(crate) rate: Option<Rate>,
    pub(crate) cache: Option<MethodCache>,
    pub(crate) execution_log: Option<MethodLog>,
}

pub(super) fn read(value: Option<&Node>, report: &mut Report) -> Option<Rate> {
    let mut fields = Fields::read(value?, "`throttle`", report)?;
    let (rate, burst) = (fields.required("rate", report), fields.required("burst", report));
    fields.finish(report);
    let rate = scalar::number(rate?, 0.0..=RATE_MAX, report)?;
    Rate::new(rate, scalar::integer(burst?, 0..=BURST_MAX, report)?)
}

/// The table `method`.
pub(super) fn read_methods(value: Option<&Node>, of: Of, report: &mut Report) -> Vec<MethodSettings> {
    let Some(value) = value else { return Vec::new() };
    if Fields::read(value, "`method`", report).is_none() {
        return Vec::new();
    }
    value.entries().iter().filter_map(|entry| read_method(entry, of, report)).collect()
}

fn read_method(entry: &Entry, of: Of, report: &mut Report) -> Option<MethodSettings> {
    let mut fields = Fields::read(&entry.value, "a method", report)?;
    let rate = read(fields.value("throttle"), report);
    let cache = match of {
        Of::Stage => cache::read_method(fields.take("cache"), report),
        Of::UsagePlan => None,
    };
    let execution_log = match of {
        Of::Stage => execution_log::read_method(fields.take("execution_log"), report),
        Of::UsagePlan => None,
    };
    fields.finish(report);
    let name = entry.key.to_string();
    Some(MethodSettings { span: entry.key_span, name, rate, cache, execution_log })
}

impl MethodSettings {
    /// The position of the method of the API that is meant.
    pub(crate) fn position(&self, api: &Api) -> Option<usize> {
        let (method, path) = self.name.split_once(' ').unwrap_or_default();
        let is_meant =
            |route: &Route| route.method.name() == method && api.resources[route.resource].path == path;
        api.routes.iter().position(is_meant)
    }

    /// The same by its id.
    pub(crate) fn find(&self, api: &Api) -> Option<RouteId> {
        self.position(api).map(|route| RouteId(route as u32))
    }

    /// Reports a method that none of these deployments has.
    pub(crate) fn check(&self, deployments: &[&Api], report: &mut Report) {
        if deployments.iter().any(|api| self.position(api).is_some()) {
            return;
        }
        let name = |(api, route): (&Api, &Route)| {
            format!("{} {}", route.method.name(), api.resources[route.resource].path)
        };
        let routes = deployments.iter().flat_map(|api| api.routes.iter().map(|route| (*api, route)));
        let names: Vec<String> = routes.map(name).collect();
        report.unknown(self.span, "method", &self.name, names.iter().map(String::as_str));
    }
}
