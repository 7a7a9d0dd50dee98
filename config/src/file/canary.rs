//! `[api.stage.canary]`: a second deployment that gets a part of the stage's requests (AWS: `canarySettings`).

use std::path::{Path, PathBuf};

use tidegate_core::plan::LogDestination;
use tidegate_core::release::Share;
use tidegate_core::span::Span;

use super::stage::{Stage, read_variables};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// A canary as `tidegate.toml` has it.
#[derive(Debug)]
pub(crate) struct Canary {
    /// Where it is written.
    pub(crate) span: Span,
    /// `percentTraffic`
    pub(crate) share: Share,
    /// The OpenAPI document that it deploys, and where its name stands; the stage's own without.
    pub(crate) definition: Option<(PathBuf, Span)>,
    /// `stageVariableOverrides`, sorted by name.
    variables: Vec<(String, String)>,
    /// `useStageCache`
    pub(crate) uses_stage_cache: bool,
}

pub(super) fn read(value: Option<&Node>, folder: &Path, report: &mut Report) -> Option<Canary> {
    let mut fields = Fields::read(value?, "`canary`", report)?;
    let percent = fields.required("percent_traffic", report);
    let definition = fields.value("definition");
    let variables = fields.value("variables").map_or_else(Vec::new, |value| read_variables(value, report));
    let uses_stage_cache = fields.value("use_stage_cache").and_then(|value| scalar::boolean(value, report));
    let span = fields.span();
    fields.finish(report);
    let percent = scalar::number(percent?, 0.0..=100.0, report)?;
    Some(Canary {
        span,
        share: Share::of_percent(percent),
        definition: definition
            .and_then(|value| Some((folder.join(scalar::text(value, report)?), value.span))),
        variables,
        uses_stage_cache: uses_stage_cache.unwrap_or(false),
    })
}

impl Canary {
    /// The stage as its canary has it: all that is the stage's, but variables and logs of its own.
    pub(crate) fn stage(&self, stage: &Stage) -> Stage {
        let cache = stage.cache.filter(|_| self.uses_stage_cache);
        let mut methods = stage.methods.clone();
        for method in &mut methods {
            // What the stage does not have is reported of the stage.
            method.cache = method.cache.filter(|_| cache.is_some());
            method.execution_log = method.execution_log.filter(|_| stage.execution_log.is_some());
        }
        let mut access_log = stage.access_log.clone();
        if let Some(log) = &mut access_log {
            log.destination = destination(&log.destination);
        }
        let mut execution_log = stage.execution_log.clone();
        if let Some(log) = &mut execution_log {
            log.destination = destination(&log.destination);
        }
        Stage {
            name: stage.name.clone(),
            span: self.span,
            is_canary: true,
            canary: None,
            variables: self.overridden(&stage.variables),
            access_log,
            execution_log,
            throttle: stage.throttle,
            cache,
            client_certificate: stage.client_certificate.clone(),
            methods,
        }
    }

    /// Whether it has variables of its own.
    pub(crate) fn has_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    fn overridden(&self, variables: &[(String, String)]) -> Vec<(String, String)> {
        let is_kept = |(name, _): &&(String, String)| self.variables.iter().all(|(own, _)| own != name);
        let mut all: Vec<_> = variables.iter().filter(is_kept).chain(&self.variables).cloned().collect();
        all.sort();
        all
    }
}

/// AWS: a canary's lines stand in the stage's log group and in `{group}/Canary`. Here in the stage's file and in one beside it.
fn destination(stage: &LogDestination) -> LogDestination {
    match stage {
        LogDestination::File(path) => LogDestination::Files([path.clone(), beside(path)]),
        LogDestination::Gateway | LogDestination::Stdout | LogDestination::Files(_) => stage.clone(),
    }
}

/// `access.canary.log` beside `access.log`: whatever takes care of `*.log` takes care of it.
fn beside(path: &str) -> String {
    let path = Path::new(path);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.map_or("canary".to_owned(), |extension| format!("canary.{extension}"));
    path.with_extension(extension).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_logs_beside_its_stage() {
        for (stage, want) in [
            ("/a/access.log", "/a/access.canary.log"),
            ("/a.b/access", "/a.b/access.canary"),
            ("/a.gz", "/a.canary.gz"),
        ] {
            assert_eq!(beside(stage), want);
        }
        assert_eq!(destination(&LogDestination::Stdout), LogDestination::Stdout);
    }
}
