//! `[[usage_plan]]`: which keys may be used at which stages, and how much.

use std::collections::{HashMap, HashSet};

use tidegate_core::limit::{
    MeterId, MethodThrottle, Period, PlanStage, Quota, StageId, UsagePlanSpec, method_meter,
};
use tidegate_core::plan::Api as PlanApi;
use tidegate_core::route::RouteId;
use tidegate_core::span::Span;

use super::api::{Api, find_api, find_stage};
use super::api_key::ApiKeys;
use super::throttle::{self, MethodSettings, Of};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// A usage plan, before it is known which methods there are.
pub(crate) struct UsagePlan {
    spec: UsagePlanSpec,
    /// The methods of each stage, in the order of the stages.
    methods: Vec<Vec<MethodSettings>>,
}

/// Errors reported of one plan's keys; the next one shows after these are mended.
const ERRORS_MAX: usize = 50;

/// Plans that a key has, by where they let it in.
type Taken = HashMap<(usize, StageId), usize>;

pub(super) fn read(
    section: Option<&Node>,
    keys: &ApiKeys,
    apis: &[Api],
    report: &mut Report,
) -> Vec<UsagePlan> {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut plans: Vec<UsagePlan> = Vec::with_capacity(sections.len());
    let mut names = HashSet::with_capacity(sections.len());
    let mut taken = Taken::new();
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`usage_plan`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &mut names, report));
        let key_list = fields.value("keys").map_or(&[][..], |list| scalar::list(list, report));
        let (stages, methods) = read_stages(fields.value("stage"), apis, report);
        let throttle = throttle::read(fields.value("throttle"), report);
        let quota = fields.value("quota").and_then(|value| read_quota(value, report));
        fields.finish(report);
        if stages.is_empty() {
            report
                .warning(section.span, "the usage plan has no stage, so its keys are good nowhere")
                .help("add [[usage_plan.stage]] with api = \"…\" and stage = \"…\" below it");
        }
        let mut spec =
            UsagePlanSpec { name: name.unwrap_or_default(), keys: Vec::new(), throttle, quota, stages };
        let imported = keys.in_plans.get(&spec.name).map_or(&[][..], |(_, imported)| imported);
        spec.keys = read_keys(key_list, imported, keys, &spec, &plans, &mut taken, report);
        plans.push(UsagePlan { spec, methods });
    }
    for (name, (at, _)) in &keys.in_plans {
        if !names.contains(name.as_str()) {
            report.unknown(*at, "usage plan", name, names.iter().copied());
        }
    }
    plans
}

fn read_name<'n>(value: &'n Node, before: &mut HashSet<&'n str>, report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?;
    if name.is_empty() {
        report.error(value.span, "a usage plan needs a name");
    }
    if !before.insert(name) {
        report.error(value.span, format!("the usage plan `{name}` stands twice"));
    }
    Some(name.to_owned())
}

fn read_quota(value: &Node, report: &mut Report) -> Option<Quota> {
    let mut fields = Fields::read(value, "`quota`", report)?;
    let (limit, period) = (fields.required("limit", report), fields.required("period", report));
    let offset = fields.value("offset");
    fields.finish(report);
    let periods = [("DAY", Period::Day), ("WEEK", Period::Week), ("MONTH", Period::Month)];
    let limit = scalar::integer(limit?, 0..=u32::MAX, report)?;
    let quota = Quota {
        limit,
        offset: offset.and_then(|value| scalar::integer(value, 0..=limit, report)).unwrap_or(0),
        period: scalar::variant(period?, &periods, report)?,
    };
    Some(quota)
}

/// The stages, and the methods of each.
fn read_stages(
    list: Option<&Node>,
    apis: &[Api],
    report: &mut Report,
) -> (Vec<PlanStage>, Vec<Vec<MethodSettings>>) {
    let (mut stages, mut methods) = (Vec::new(), Vec::new());
    let mut listed = HashSet::new();
    for section in list.map_or(&[][..], |list| scalar::list(list, report)) {
        let Some(mut fields) = Fields::read(section, "`usage_plan.stage`", report) else { continue };
        let (api, stage) = (fields.required("api", report), fields.required("stage", report));
        let throttled = throttle::read_methods(fields.value("method"), Of::UsagePlan, report);
        fields.finish(report);
        let (Some(api), Some(stage_name)) = (api, stage) else { continue };
        let Some(api) = find_api(api, apis, report) else { continue };
        let Some(stage) = find_stage(stage_name, &apis[api], report) else { continue };
        let id = StageId { api: api as u32, stage: stage as u32 };
        if listed.insert(id) {
            stages.push(PlanStage { id, methods: Vec::new() });
            methods.push(throttled);
        } else {
            report.error(stage_name.span, "the usage plan has this stage already");
        }
    }
    (stages, methods)
}

impl UsagePlan {
    /// Finds the methods that have throttles of their own.
    pub(crate) fn compile(mut self, apis: &[PlanApi], report: &mut Report) -> UsagePlanSpec {
        let stages = self.spec.stages.iter().zip(&self.methods);
        self.spec.stages =
            stages.flat_map(|(stage, methods)| compile(stage.id, methods, apis, report)).collect();
        self.spec
    }
}

/// A stage, and its canary: keys are good for both, and their throttles are the same ones.
fn compile(id: StageId, methods: &[MethodSettings], apis: &[PlanApi], report: &mut Report) -> Vec<PlanStage> {
    let canary = apis[id.api as usize].stages[id.stage as usize].release.canary();
    let canary = canary.map(|canary| StageId { api: canary.api as u32, stage: canary.stage as u32 });
    let ids: Vec<StageId> = [id].into_iter().chain(canary).collect();
    let deployments: Vec<&PlanApi> = ids.iter().map(|id| &apis[id.api as usize]).collect();
    methods.iter().for_each(|method| method.check(&deployments, report));
    ids.into_iter().map(|id| compile_deployment(id, methods, apis)).collect()
}

fn compile_deployment(id: StageId, methods: &[MethodSettings], apis: &[PlanApi]) -> PlanStage {
    let api = &apis[id.api as usize];
    let name = &api.stages[id.stage as usize].name;
    let found = methods.iter().filter_map(|method| {
        let route = method.find(api)?;
        Some(MethodThrottle { route, meter: meter_of(api, name, route), rate: method.rate? })
    });
    PlanStage { id, methods: found.collect() }
}

/// What a method's throttle is called.
pub(crate) fn meter_of(api: &PlanApi, stage: &str, route: RouteId) -> MeterId {
    let (route, resource) = api.route(route);
    method_meter(&api.id, stage, route.method.name(), &resource.path)
}

/// The keys by their names, and those that files put into the plan. AWS: a key is in one plan for each stage.
fn read_keys(
    list: &[Node],
    imported: &[usize],
    keys: &ApiKeys,
    plan: &UsagePlanSpec,
    before: &[UsagePlan],
    taken: &mut Taken,
    report: &mut Report,
) -> Vec<usize> {
    let mut positions = Vec::with_capacity(list.len() + imported.len());
    let mut listed = HashSet::with_capacity(list.len() + imported.len());
    let named = list.iter().filter_map(|node| {
        let name = scalar::text(node, report)?;
        let found = keys.by_name.get(name).copied();
        if found.is_none() {
            report.unknown(node.span, "API key", name, keys.by_name.keys().map(String::as_str));
        }
        Some((found?, node.span))
    });
    let named: Vec<(usize, Span)> = named.collect();
    let mut errors = 0;
    let file = keys.in_plans.get(&plan.name).map_or(Span::default(), |(at, _)| *at);
    for (key, at) in named.into_iter().chain(imported.iter().map(|&key| (key, file))) {
        if errors == ERRORS_MAX {
            break;
        }
        let name = &keys.list[key].name;
        if !listed.insert(key) {
            errors += 1;
            report.error(at, format!("the usage plan has the API key `{name}` already"));
            continue;
        }
        for stage in &plan.stages {
            if let Some(other) = taken.insert((key, stage.id), before.len()) {
                let other = &before[other].spec.name;
                errors += 1;
                report
                    .error(
                        at,
                        format!("the API key `{name}` is in the usage plan `{other}` for the same stage"),
                    )
                    .help("a key can be in several plans, but in one for each stage");
                break;
            }
        }
        positions.push(key);
    }
    positions
}
