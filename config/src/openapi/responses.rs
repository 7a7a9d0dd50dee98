//! `responses` of an integration: the integration responses by status pattern.

use tidegate_core::content_handling::ContentHandling;
use tidegate_core::integration::{IntegrationResponse, Responses};
use tidegate_core::mapping::Phase;

use super::{expression, template};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// Integration responses in the order of the document; `None` is the default's pattern.
pub(crate) type Rules = Vec<(Option<String>, IntegrationResponse)>;

/// Reads them all.
pub(super) fn read(node: Option<&Node>, runs: template::Use, report: &mut Report) -> Rules {
    let Some(node) = node.filter(|node| node.value != Value::Null) else { return Vec::new() };
    if Fields::read(node, "`responses`", report).is_none() {
        return Vec::new();
    }
    node.entries().iter().filter_map(|entry| read_rule(entry, runs, report)).collect()
}

fn read_rule(
    entry: &Entry,
    runs: template::Use,
    report: &mut Report,
) -> Option<(Option<String>, IntegrationResponse)> {
    let response = read_response(&entry.value, runs, report);
    let pattern = (&*entry.key != "default").then(|| entry.key.to_string());
    if let Some(pattern) = &pattern {
        check_pattern(entry, pattern, report);
    }
    Some((pattern, response?))
}

fn check_pattern(entry: &Entry, pattern: &str, report: &mut Report) {
    let empty =
        IntegrationResponse { status: 200, headers: vec![], templates: vec![], content_handling: None };
    let Err((_, why)) = Responses::new(vec![(Some(pattern.to_owned()), empty)]) else { return };
    let reason = why.split_once(": ").map_or(&*why, |(_, reason)| reason);
    report
        .error(entry.key_span, format!("`{}` is not a pattern that can be matched: {reason}", entry.key))
        .help("patterns are regular expressions; look-around and back-references are not supported");
}

fn read_response(node: &Node, runs: template::Use, report: &mut Report) -> Option<IntegrationResponse> {
    let mut fields = Fields::read(node, "an integration response", report)?;
    let status = fields.required("statusCode", report).and_then(|value| read_status(value, report));
    let headers = read_headers(
        fields.value("responseParameters"),
        "method.response.header.",
        Phase::IntegrationResponse,
        report,
    );
    let templates = template::read(fields.value("responseTemplates"), "`responseTemplates`", report);
    let templates = template::compile(&templates, runs, report);
    let content_handling = read_content_handling(&mut fields, runs, report);
    fields.finish(report);
    Some(IntegrationResponse { status: status?, headers, templates: templates?, content_handling })
}

/// A status that ends an exchange; AWS's pattern `[1-5]\d\d` also lets 1xx pass, which no client could read.
pub(super) fn read_status(node: &Node, report: &mut Report) -> Option<u16> {
    scalar::integer(node, 200..=599, report)
}

/// Reads `responseParameters`.
pub(super) fn read_headers(
    node: Option<&Node>,
    prefix: &str,
    phase: Phase,
    report: &mut Report,
) -> Vec<tidegate_core::mapping::Mapped> {
    let Some(node) = node.filter(|node| node.value != Value::Null) else { return Vec::new() };
    if Fields::read(node, "`responseParameters`", report).is_none() {
        return Vec::new();
    }
    node.entries().iter().filter_map(|entry| expression::read_header(entry, prefix, phase, report)).collect()
}

const CONTENT_HANDLING: [(&str, ContentHandling); 2] =
    [("CONVERT_TO_TEXT", ContentHandling::ToText), ("CONVERT_TO_BINARY", ContentHandling::ToBinary)];

/// `contentHandling`, of an integration or of a response. A proxy converts nothing by it.
pub(super) fn read_content_handling(
    fields: &mut Fields<'_>,
    runs: template::Use,
    report: &mut Report,
) -> Option<ContentHandling> {
    let entry = fields.take("contentHandling").filter(|entry| entry.value.value != Value::Null)?;
    if runs == template::Use::Never {
        report.unsupported(entry.key_span, "`contentHandling` of a proxy integration");
        return None;
    }
    scalar::variant(&entry.value, &CONTENT_HANDLING, report)
}
