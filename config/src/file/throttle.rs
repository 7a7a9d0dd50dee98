//! `throttle = { rate = 10, burst = 5 }`, and the tables of methods that have one.

use tidegate_core::limit::Rate;
use tidegate_core::plan::{Api, Route};
use tidegate_core::route::RouteId;
use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// Most requests a second, and most tokens of a bucket.
const RATE_MAX: f64 = 1e9;
const BURST_MAX: u32 = i32::MAX as u32;

/// A method's throttle, before it is known which methods there are.
#[derive(Debug)]
pub(crate) struct MethodSettings {
    /// Where the method is named.
    span: Span,
    /// The method and its path, as `tidegate routes` prints them: `GET /pets/{petId}`.
    name: String,
    pub(crate) rate: Rate,
}

pub(super) fn read(value: Option<&Node>, report: &mut Report) -> Option<Rate> {
    let mut fields = Fields::read(value?, "`throttle`", report)?;
    let (rate, burst) = (fields.required("rate", report), fields.required("burst", report));
    fields.finish(report);
    let rate = scalar::number(rate?, 0.0..=RATE_MAX, report)?;
    Rate::new(rate, scalar::integer(burst?, 0..=BURST_MAX, report)?)
}

/// The table `method`. What else stands at a method is `unsupported`.
pub(super) fn read_methods(
    value: Option<&Node>,
    unsupported: &[&'static str],
    report: &mut Report,
) -> Vec<MethodSettings> {
    let Some(value) = value else { return Vec::new() };
    if Fields::read(value, "`method`", report).is_none() {
        return Vec::new();
    }
    value.entries().iter().filter_map(|entry| read_method(entry, unsupported, report)).collect()
}

fn read_method(entry: &Entry, unsupported: &[&'static str], report: &mut Report) -> Option<MethodSettings> {
    let mut fields = Fields::read(&entry.value, "a method", report)?;
    let rate = read(fields.value("throttle"), report);
    for key in unsupported {
        fields.unsupported(key, report);
    }
    fields.finish(report);
    Some(MethodSettings { span: entry.key_span, name: entry.key.to_string(), rate: rate? })
}

impl MethodSettings {
    /// The method of the API that is meant.
    pub(crate) fn find(&self, api: &Api, report: &mut Report) -> Option<RouteId> {
        let (method, path) = self.name.split_once(' ').unwrap_or_default();
        let is_meant =
            |route: &Route| route.method.name() == method && api.resources[route.resource].path == path;
        let found = api.routes.iter().position(is_meant);
        if found.is_none() {
            let name =
                |route: &Route| format!("{} {}", route.method.name(), api.resources[route.resource].path);
            let names: Vec<String> = api.routes.iter().map(name).collect();
            report.unknown(self.span, "method", &self.name, names.iter().map(String::as_str));
        }
        found.map(|route| RouteId(route as u32))
    }
}
