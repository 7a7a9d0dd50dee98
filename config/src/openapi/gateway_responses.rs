//! `x-amazon-apigateway-gateway-responses`: how an API changes what clients get when the gateway answers by itself.

use tidegate_core::gateway_response::{Custom, GatewayResponses, ResponseType, Template};
use tidegate_core::mapping::Phase;

use super::responses::{read_headers, read_status};
use super::template;
use crate::fields::Fields;
use crate::report::Report;
use crate::tree::{Entry, Node, Value};

const WHAT: &str = "x-amazon-apigateway-gateway-responses";

pub(super) fn read(node: Option<&Node>, report: &mut Report) -> GatewayResponses {
    let mut customs = Vec::new();
    if let Some(node) = node
        && Fields::read(node, WHAT, report).is_some()
    {
        customs.extend(node.entries().iter().filter_map(|entry| read_custom(entry, report)));
    }
    GatewayResponses::compile(customs)
}

fn read_custom(entry: &Entry, report: &mut Report) -> Option<(ResponseType, Custom)> {
    let kind = ResponseType::parse(&entry.key);
    if kind.is_none() {
        report.unknown(entry.key_span, "gateway response type", &entry.key, ResponseType::names());
    }
    let mut fields = Fields::read(&entry.value, "a gateway response", report)?;
    let status = fields.value("statusCode").filter(|value| value.value != Value::Null);
    let status = status.and_then(|value| read_status(value, report));
    let headers = read_headers(
        fields.value("responseParameters"),
        "gatewayresponse.header.",
        Phase::GatewayResponse,
        report,
    );
    let templates = read_templates(fields.value("responseTemplates"), report);
    fields.finish(report);
    if kind == Some(ResponseType::RequestTooLarge) {
        report
            .warning(entry.key_span, "REQUEST_TOO_LARGE has no effect")
            .help("AWS answers a too large payload by a fixed text, whatever is set here");
    }
    Some((kind?, Custom { status, headers, templates }))
}

fn read_templates(node: Option<&Node>, report: &mut Report) -> Vec<(Box<str>, Template)> {
    let mut read = Vec::new();
    for written in template::read(node, "`responseTemplates`", report) {
        match Template::parse(written.text) {
            Ok(template) => read.push((written.media_type.into(), template)),
            Err(error) => {
                let at = report.source.inside(written.span, written.text, error.offset);
                report.error(at, error.to_string());
            }
        }
    }
    read
}
