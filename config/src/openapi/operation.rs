//! An operation: one method.

use tidegate_core::method::RouteMethod;

use super::document::{Document, is_foreign_extension};
use super::parameters::Declared;
use super::path_item::Resource;
use super::{Method, integration, security, validators};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Entry;

const INTEGRATION: &str = "x-amazon-apigateway-integration";

/// Keys that are documentation, or that validation looks at by itself (`requestBody`, `consumes`).
const DOCUMENTATION: [&str; 12] = [
    "tags",
    "summary",
    "description",
    "externalDocs",
    "requestBody",
    "responses",
    "callbacks",
    "deprecated",
    "servers",
    "consumes",
    "produces",
    "schemes",
];

/// Reads an operation. `None`: it has no integration that could be read, which is reported.
pub(super) fn read(
    entry: &Entry,
    method: RouteMethod,
    resource: &Resource<'_>,
    shared: &Declared,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Method> {
    let mut fields = Fields::read(&entry.value, "an operation", report)?;
    fields.ignore(&DOCUMENTATION);
    let mut declared = shared.clone();
    if let Some(list) = fields.value("parameters") {
        declared.read(list, resource, document, report);
    }
    let operation_name = fields.value("operationId").and_then(|value| scalar::scalar(value, report));
    let security = security::read_operation(&mut fields, document, report);
    let validation = validators::read_operation(entry, &mut fields, resource, &declared, document, report);
    read_default_route(&mut fields, method, report);
    let integration = fields.value(INTEGRATION);
    fields.finish_except(report, is_foreign_extension);
    let Some(integration) = integration else {
        report
            .error(entry.key_span, "No integration defined for method")
            .help(format!("add {INTEGRATION}, for example with type: mock"));
        return None;
    };
    Some(Method {
        path: resource.path.to_owned(),
        path_span: resource.entry.key_span,
        method,
        method_span: entry.key_span,
        operation_name: operation_name.map(str::to_owned),
        api_key_required: security.api_key_required,
        authorization: security.authorization,
        scopes: security.scopes,
        validation,
        integration: integration::read(integration, resource, &declared, document, report)?,
    })
}

/// The catch-all route of an HTTP API.
fn read_default_route(fields: &mut Fields<'_>, method: RouteMethod, report: &mut Report) {
    if method != RouteMethod::Any {
        return;
    }
    if let Some(value) = fields.value("isDefaultRoute")
        && scalar::boolean(value, report) == Some(true)
    {
        report
            .unsupported(value.span, "`isDefaultRoute`")
            .help("it belongs to HTTP APIs; this is a REST API");
    }
}
