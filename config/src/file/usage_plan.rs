//! `[[usage_plan]]`: which keys may be used at which stages.

use std::collections::{HashMap, HashSet};

use tidegate_core::limit::{StageId, UsagePlanSpec};

use super::api::{Api, find_api, find_stage};
use super::api_key::ApiKeys;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// Plans that a key has, by where they let it in.
type Taken = HashMap<(usize, StageId), usize>;

pub(super) fn read(
    section: Option<&Node>,
    keys: &ApiKeys,
    apis: &[Api],
    report: &mut Report,
) -> Vec<UsagePlanSpec> {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut plans: Vec<UsagePlanSpec> = Vec::with_capacity(sections.len());
    let mut taken = Taken::new();
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`usage_plan`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &plans, report));
        let key_list = fields.value("keys").map_or(&[][..], |list| scalar::list(list, report));
        let stages = fields.value("stage").map_or_else(Vec::new, |list| read_stages(list, apis, report));
        for key in ["throttle", "quota"] {
            fields.unsupported(key, report);
        }
        fields.finish(report);
        if stages.is_empty() {
            report
                .warning(section.span, "the usage plan has no stage, so its keys are good nowhere")
                .help("add [[usage_plan.stage]] with api = \"…\" and stage = \"…\" below it");
        }
        let plan = UsagePlanSpec { name: name.unwrap_or_default(), keys: Vec::new(), stages };
        let plan =
            UsagePlanSpec { keys: read_keys(key_list, keys, &plan, &plans, &mut taken, report), ..plan };
        plans.push(plan);
    }
    plans
}

fn read_name(value: &Node, before: &[UsagePlanSpec], report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?;
    if name.is_empty() {
        report.error(value.span, "a usage plan needs a name");
    }
    if before.iter().any(|plan| plan.name == name) {
        report.error(value.span, format!("the usage plan `{name}` stands twice"));
    }
    Some(name.to_owned())
}

fn read_stages(list: &Node, apis: &[Api], report: &mut Report) -> Vec<StageId> {
    let mut stages = Vec::new();
    for section in scalar::list(list, report) {
        let Some(mut fields) = Fields::read(section, "`usage_plan.stage`", report) else { continue };
        let (api, stage) = (fields.required("api", report), fields.required("stage", report));
        fields.unsupported("method", report);
        fields.finish(report);
        let (Some(api), Some(stage_name)) = (api, stage) else { continue };
        let Some(api) = find_api(api, apis, report) else { continue };
        let Some(stage) = find_stage(stage_name, &apis[api], report) else { continue };
        let id = StageId { api: api as u32, stage: stage as u32 };
        if stages.contains(&id) {
            report.error(stage_name.span, "the usage plan has this stage already");
        } else {
            stages.push(id);
        }
    }
    stages
}

/// The keys by their names. AWS: a key is in one plan for each stage.
fn read_keys(
    list: &[Node],
    keys: &ApiKeys,
    plan: &UsagePlanSpec,
    before: &[UsagePlanSpec],
    taken: &mut Taken,
    report: &mut Report,
) -> Vec<usize> {
    let mut positions = Vec::with_capacity(list.len());
    let mut listed = HashSet::with_capacity(list.len());
    for node in list {
        let Some(name) = scalar::text(node, report) else { continue };
        let Some(&key) = keys.by_name.get(name) else {
            report.unknown(node.span, "API key", name, keys.by_name.keys().map(String::as_str));
            continue;
        };
        if !listed.insert(key) {
            report.error(node.span, format!("the usage plan has the API key `{name}` already"));
            continue;
        }
        for &stage in &plan.stages {
            if let Some(other) = taken.insert((key, stage), before.len()) {
                let other = &before[other].name;
                report
                    .error(
                        node.span,
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
