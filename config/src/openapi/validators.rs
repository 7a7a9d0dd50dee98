//! Request validators. Validation is not built yet: one that is used and checks anything is refused.

use super::document::Document;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// Reads the validators of the document, and the one that it applies to all its methods.
pub(super) fn read_root(fields: &mut Fields<'_>, document: &Document<'_>, report: &mut Report) {
    if let Some(validators) = fields.value(VALIDATORS)
        && Fields::read(validators, VALIDATORS, report).is_some()
    {
        for validator in validators.entries() {
            read_validator(&validator.value, report);
        }
    }
    read_operation(fields, document, report);
}

/// Reads the validator that an operation names.
pub(super) fn read_operation(fields: &mut Fields<'_>, document: &Document<'_>, report: &mut Report) {
    let Some(value) = fields.value(VALIDATOR) else { return };
    let Some(name) = scalar::scalar(value, report) else { return };
    let validators = document.root.get(VALIDATORS).map_or(&[][..], Node::entries);
    let Some(validator) = validators.iter().find(|validator| &*validator.key == name) else {
        report.unknown(
            value.span,
            "request validator",
            name,
            validators.iter().map(|validator| &*validator.key),
        );
        return;
    };
    if validator
        .value
        .entries()
        .iter()
        .any(|check| !matches!(check.value.value, crate::tree::Value::Boolean(false)))
    {
        report.unsupported(value.span, "request validation");
    }
}

fn read_validator(validator: &Node, report: &mut Report) {
    let Some(mut fields) = Fields::read(validator, "a request validator", report) else { return };
    for key in ["validateRequestBody", "validateRequestParameters"] {
        if let Some(value) = fields.value(key) {
            scalar::boolean(value, report);
        }
    }
    fields.finish(report);
}
