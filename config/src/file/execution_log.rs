//! `execution_log = { level = "INFO", data_trace = true }` of a stage, and what a method sets of it.

use std::path::Path;

use tidegate_core::execution_log::{Detail, Level};
use tidegate_core::plan::LogDestination;
use tidegate_core::span::Span;

use super::stage::read_destination;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// A stage's.
#[derive(Clone, Debug)]
pub(crate) struct ExecutionLog {
    pub(crate) destination: LogDestination,
    pub(crate) settings: Settings,
}

/// A method's, before it is known which methods there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MethodLog {
    /// Where it is written.
    pub(crate) span: Span,
    pub(crate) settings: Settings,
}

/// What may be set; a method has the stage's of what is not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    level: Option<Option<Level>>,
    data_trace: Option<bool>,
}

/// AWS's `loggingLevel`.
const LEVELS: [(&str, Option<Level>); 3] =
    [("OFF", None), ("ERROR", Some(Level::Error)), ("INFO", Some(Level::Info))];

/// A stage's.
pub(super) fn read(value: Option<&Node>, folder: &Path, report: &mut Report) -> Option<ExecutionLog> {
    let mut fields = Fields::read(value?, "`execution_log`", report)?;
    let destination = fields.value("destination").and_then(|value| scalar::text(value, report));
    let destination = match destination {
        None | Some("log") => LogDestination::Gateway,
        Some(destination) => read_destination(destination, folder),
    };
    let settings = read_settings(&mut fields, report);
    fields.finish(report);
    Some(ExecutionLog { destination, settings })
}

/// A method's.
pub(super) fn read_method(entry: Option<&Entry>, report: &mut Report) -> Option<MethodLog> {
    let entry = entry?;
    let mut fields = Fields::read(&entry.value, "`execution_log`", report)?;
    if let Some(destination) = fields.take("destination") {
        report.error(destination.key_span, "a method has no destination: its lines go where the stage's go");
    }
    let settings = read_settings(&mut fields, report);
    fields.finish(report);
    Some(MethodLog { span: entry.key_span, settings })
}

fn read_settings(fields: &mut Fields<'_>, report: &mut Report) -> Settings {
    let level = fields.value("level");
    let data_trace = fields.value("data_trace");
    let settings = Settings {
        level: level.and_then(|value| scalar::variant(value, &LEVELS, report)),
        data_trace: data_trace.and_then(|value| scalar::boolean(value, report)),
    };
    if let (Some(value), Some(true), Some(None | Some(Level::Error))) =
        (data_trace, settings.data_trace, settings.level)
    {
        report
            .warning(value.span, "`data_trace` has no effect: what passes is logged at the level INFO only")
            .help("set level = \"INFO\"");
    }
    settings
}

impl Settings {
    /// These, and of what they do not say, the stage's.
    pub(crate) fn or(self, stage: Self) -> Self {
        Self { level: self.level.or(stage.level), data_trace: self.data_trace.or(stage.data_trace) }
    }

    /// What is logged; nothing at the level OFF.
    pub(crate) fn detail(self) -> Option<Detail> {
        let level = self.level.unwrap_or(Some(Level::Info))?;
        Some(Detail { level, data_trace: self.data_trace.unwrap_or(false) })
    }
}
