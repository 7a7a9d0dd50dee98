//! Request validators: what of a request is validated, by the whole document and by each operation.

use tidegate_core::validation::Validation;

use super::document::Document;
use super::models;
use super::parameters::Declared;
use super::path_item::Resource;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// What a validator looks at.
#[derive(Clone, Copy, Debug, Default)]
struct Checks {
    body: bool,
    parameters: bool,
}

/// Reads the validators of the document, and the name of the one that all its methods have that name no other.
pub(super) fn read_root(fields: &mut Fields<'_>, document: &Document<'_>, report: &mut Report) {
    if let Some(validators) = fields.value(VALIDATORS)
        && Fields::read(validators, VALIDATORS, report).is_some()
    {
        for validator in validators.entries() {
            read_validator(&validator.value, report);
        }
    }
    if let Some(name) = fields.value(VALIDATOR) {
        find(name, document, report);
    }
}

/// Reads what an operation validates.
pub(super) fn read_operation(
    operation: &Entry,
    fields: &mut Fields<'_>,
    resource: &Resource<'_>,
    declared: &Declared,
    document: &Document<'_>,
    report: &mut Report,
) -> Option<Box<Validation>> {
    let own = fields.value(VALIDATOR);
    let checks = match own {
        Some(name) => find(name, document, report),
        // What is wrong with it is said where it stands.
        None => document.root.get(VALIDATOR).and_then(Node::scalar).and_then(|name| checks(name, document)),
    };
    let checks = checks.unwrap_or_default();
    let required = if checks.parameters { declared.required(report) } else { Vec::new() };
    let models = if checks.body { models::read(operation, resource, document, report) } else { Vec::new() };
    let validation = Validation::new(required, models);
    (!validation.is_empty()).then(|| Box::new(validation))
}

fn find(name: &Node, document: &Document<'_>, report: &mut Report) -> Option<Checks> {
    let text = scalar::scalar(name, report)?;
    let found = checks(text, document);
    if found.is_none() {
        let known = document.root.get(VALIDATORS).map_or(&[][..], Node::entries);
        report.unknown(name.span, "request validator", text, known.iter().map(|validator| &*validator.key));
    }
    found
}

/// What the validator of this name looks at; none: there is no such validator.
fn checks(name: &str, document: &Document<'_>) -> Option<Checks> {
    let validator = document.root.get(VALIDATORS)?.get(name)?;
    let is_on = |key| {
        validator
            .get(key)
            .is_some_and(|value| value.value == Value::Boolean(true) || value.scalar() == Some("true"))
    };
    Some(Checks { body: is_on("validateRequestBody"), parameters: is_on("validateRequestParameters") })
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
