//! `[[api.stage]]`: a stage, its variables, its logs, its throttles and its cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::limit::Rate;
use tidegate_core::plan::{AccessLog, LogDestination};
use tidegate_core::record::LogFormat;
use tidegate_core::span::Span;
use tidegate_core::tls::Identity;

use super::cache::{self, Cache};
use super::canary::{self, Canary};
use super::execution_log::{self, ExecutionLog};
use super::throttle::{self, MethodSettings, Of};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tls::read_client_identity;
use crate::tree::{Entry, Node};

/// A stage as `tidegate.toml` has it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// Where the stage is written.
    pub(crate) span: Span,
    /// Whether it stands for a stage's canary.
    pub(crate) is_canary: bool,
    /// The canary beside it.
    pub(crate) canary: Option<Canary>,
    /// Sorted by name.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) execution_log: Option<ExecutionLog>,
    /// Each method's throttle, as AWS's `*/*`.
    pub(crate) throttle: Option<Rate>,
    pub(crate) cache: Option<Cache>,
    /// What backends are presented that are called by https.
    pub(crate) client_certificate: Option<Arc<Identity>>,
    /// Methods with settings of their own.
    pub(crate) methods: Vec<MethodSettings>,
}

impl Stage {
    /// What messages call it.
    pub(crate) fn title(&self) -> String {
        let canary = if self.is_canary { "the canary of " } else { "" };
        format!("{canary}stage `{}`", self.name)
    }

    /// The value of a stage variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// AWS: 100 variables, names of 64 and values of 512 characters ("Amazon API Gateway quotas").
const VARIABLES_MAX: usize = 100;
const VARIABLE_NAME_BYTES_MAX: usize = 64;
const VARIABLE_VALUE_BYTES_MAX: usize = 512;

/// AWS's Common Log Format example, the default.
const COMMON_LOG_FORMAT: &str = "$context.identity.sourceIp $context.identity.caller $context.identity.user \
                                 [$context.requestTime] \"$context.httpMethod $context.resourcePath \
                                 $context.protocol\" $context.status $context.responseLength $context.requestId";

pub(super) fn read(section: Option<&Entry>, api: Span, folder: &Path, report: &mut Report) -> Vec<Stage> {
    let sections = section.map_or(&[][..], |section| scalar::list(&section.value, report));
    if sections.is_empty() {
        report.error(api, "the API has no stage").help("add [[api.stage]] with name = \"prod\" below it");
    }
    let mut stages: Vec<Stage> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(stage) = read_stage(section, &stages, folder, report) else { continue };
        stages.push(stage);
    }
    stages
}

fn read_stage(section: &Node, before: &[Stage], folder: &Path, report: &mut Report) -> Option<Stage> {
    let mut fields = Fields::read(section, "`stage`", report)?;
    let name = fields
        .required("name", report)
        .and_then(|value| read_name(value, before, report))
        .unwrap_or_default();
    let variables = fields.value("variables").map_or_else(Vec::new, |value| read_variables(value, report));
    let access_log = fields.value("access_log").and_then(|value| read_access_log(value, folder, report));
    let execution_log = execution_log::read(fields.value("execution_log"), folder, report);
    let throttle = throttle::read(fields.value("throttle"), report);
    let cache = cache::read(fields.value("cache"), report);
    let client_certificate = fields.value("client_certificate");
    let client_certificate = client_certificate.and_then(|value| read_client_identity(value, folder, report));
    let methods = throttle::read_methods(fields.value("method"), Of::Stage, report);
    let canary = canary::read(fields.value("canary"), folder, report);
    fields.unsupported("tracing", report);
    fields.finish(report);
    let client_certificate = client_certificate.map(Arc::new);
    let span = section.span;
    Some(Stage {
        name,
        span,
        is_canary: false,
        canary,
        variables,
        access_log,
        execution_log,
        throttle,
        cache,
        client_certificate,
        methods,
    })
}

fn read_name(value: &Node, before: &[Stage], report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !(1..=128).contains(&name.len()) || !name.bytes().all(fits) {
        report.error(value.span, "a stage name has 1 to 128 of the characters A-Z a-z 0-9 _ -");
    }
    if before.iter().any(|stage| stage.name == name) {
        report.error(value.span, format!("the API has a stage `{name}` already"));
    }
    Some(name.to_owned())
}

pub(super) fn read_variables(value: &Node, report: &mut Report) -> Vec<(String, String)> {
    if Fields::read(value, "`variables`", report).is_none() {
        return Vec::new();
    }
    let entries = value.entries();
    if entries.len() > VARIABLES_MAX {
        report.error(value.span, format!("a stage has at most {VARIABLES_MAX} variables"));
    }
    let mut variables: Vec<_> = entries.iter().filter_map(|entry| read_variable(entry, report)).collect();
    variables.sort();
    variables
}

fn read_variable(entry: &Entry, report: &mut Report) -> Option<(String, String)> {
    let name = &*entry.key;
    if !is_variable_name(name) {
        report.error(
            entry.key_span,
            format!("the name of a stage variable has 1 to {VARIABLE_NAME_BYTES_MAX} of the characters A-Z a-z 0-9 _"),
        );
    }
    let value = scalar::text(&entry.value, report)?;
    if !is_variable_value(value) {
        report.error(
            entry.value.span,
            format!(
                "the value of a stage variable has at most {VARIABLE_VALUE_BYTES_MAX} of the characters \
                 A-Z a-z 0-9 - . _ ~ : / ? # & = ,"
            ),
        );
    }
    Some((name.to_owned(), value.to_owned()))
}

pub(crate) fn is_variable_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=VARIABLE_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

fn is_variable_value(value: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&byte);
    value.len() <= VARIABLE_VALUE_BYTES_MAX && value.bytes().all(fits)
}

fn read_access_log(section: &Node, folder: &Path, report: &mut Report) -> Option<AccessLog> {
    let mut fields = Fields::read(section, "`access_log`", report)?;
    let format = fields.value("format");
    let destination = fields.value("destination");
    fields.finish(report);
    let destination = destination.and_then(|value| scalar::text(value, report)).unwrap_or("stdout");
    Some(AccessLog {
        format: read_format(format, report)?,
        destination: read_destination(destination, folder),
    })
}

fn read_format(value: Option<&Node>, report: &mut Report) -> Option<LogFormat> {
    let text = value.map_or(Some(COMMON_LOG_FORMAT), |value| scalar::text(value, report))?;
    match LogFormat::parse(text) {
        Ok(format) => Some(format),
        Err(error) => {
            report.error(value.map_or(Span::new(0, 0), |value| value.span), error.to_string());
            None
        }
    }
}

pub(super) fn read_destination(destination: &str, folder: &Path) -> LogDestination {
    if destination == "stdout" {
        return LogDestination::Stdout;
    }
    let path = folder.join(destination);
    let path: PathBuf = std::path::absolute(&path).unwrap_or(path);
    LogDestination::File(path.display().to_string())
}
