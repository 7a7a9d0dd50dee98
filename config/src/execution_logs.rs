//! From a stage's settings to what is logged of each of its methods.

use tidegate_core::execution_log::{Detail, ExecutionLog};
use tidegate_core::plan::Api;

use crate::file;
use crate::file::throttle::MethodSettings;
use crate::report::Report;

/// The execution log of a stage, unless nothing is logged.
pub(crate) fn compile(
    api: &Api,
    log: Option<file::execution_log::ExecutionLog>,
    settings: &[MethodSettings],
    report: &mut Report,
) -> Option<Box<ExecutionLog>> {
    let Some(log) = log else {
        for log in settings.iter().filter_map(|method| method.execution_log) {
            report
                .error(log.span, "the stage has no execution log")
                .help("give it one: execution_log = { level = \"OFF\" } in [[api.stage]]");
        }
        return None;
    };
    let mut methods: Vec<Option<Detail>> = vec![log.settings.detail(); api.routes.len()];
    for method in settings {
        // One that is in no deployment is reported by `MethodSettings::check`.
        if let Some(own) = method.execution_log
            && let Some(route) = method.position(api)
        {
            methods[route] = own.settings.or(log.settings).detail();
        }
    }
    let is_off = methods.iter().all(Option::is_none);
    (!is_off).then(|| Box::new(ExecutionLog { destination: log.destination, methods }))
}
