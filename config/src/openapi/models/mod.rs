//! Models: the schemas that bodies are validated by.
//!
//! Only those are looked at; all other schemas of a document are documentation. `schema.rs` turns one into JSON,
//! `keywords.rs` knows the keywords.

mod keywords;
mod schema;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::validation::{Model, ModelError, Resource as Schema};

use self::schema::Closure;
use super::document::Document;
use super::path_item::Resource;
use super::reference::resolve;
use crate::report::Report;
use crate::tree::{Entry, Node, Value};

/// Models that are compiled, by where their schema is; methods share them.
#[derive(Default)]
pub(super) struct Compiled(RefCell<HashMap<usize, Option<Arc<Model>>>>);

/// The models of an operation, by content type.
pub(super) fn read(
    operation: &Entry,
    resource: &Resource<'_>,
    document: &Document<'_>,
    report: &mut Report,
) -> Vec<(Box<str>, Arc<Model>)> {
    let mut models = Vec::new();
    for (media_type, schema) in schemas(operation, resource, document, report) {
        if let Some(model) = model(schema, document, report) {
            models.push((media_type.into(), model));
        }
    }
    models
}

/// OpenAPI 3.0: `requestBody`. OpenAPI 2.0: the parameter in the body, for all that the operation consumes.
fn schemas<'n>(
    operation: &'n Entry,
    resource: &Resource<'n>,
    document: &Document<'n>,
    report: &mut Report,
) -> Vec<(&'n str, &'n Node)> {
    if let Some(body) = operation.value.get("requestBody") {
        let body = resolve(document.root, body, report);
        let content = body.and_then(|body| body.get("content")).map_or(&[][..], Node::entries);
        for entry in content.iter().filter(|entry| entry.key.contains('*')) {
            report
                .warning(entry.key_span, format!("no request has the content type {}", entry.key))
                .help("to validate bodies of any content type, name it $default");
        }
        return content.iter().filter_map(|entry| Some((&*entry.key, entry.value.get("schema")?))).collect();
    }
    let Some(schema) = body_parameter(operation, resource, document, report) else { return Vec::new() };
    let consumes = operation.value.get("consumes").or_else(|| document.root.get("consumes"));
    let types: Vec<_> = match consumes.map(|consumes| &consumes.value) {
        Some(Value::List(types)) if !types.is_empty() => types.iter().filter_map(Node::scalar).collect(),
        _ => vec!["application/json"],
    };
    types.into_iter().map(|media_type| (media_type, schema)).collect()
}

fn body_parameter<'n>(
    operation: &'n Entry,
    resource: &Resource<'n>,
    document: &Document<'n>,
    report: &mut Report,
) -> Option<&'n Node> {
    let lists = [&operation.value, &resource.entry.value].map(|node| node.get("parameters"));
    let items = lists.into_iter().flatten().flat_map(|list| match &list.value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    });
    let mut parameters = items.filter_map(|item| resolve(document.root, item, report));
    parameters.find(|parameter| parameter.get("in").and_then(Node::scalar) == Some("body"))?.get("schema")
}

/// Compiles a schema and all that it refers to, once.
fn model(schema: &Node, document: &Document<'_>, report: &mut Report) -> Option<Arc<Model>> {
    let mut closure = Closure::new(document.root);
    let schema = closure.target(schema, report)?;
    let key = std::ptr::from_ref(schema) as usize;
    if let Some(known) = document.models.0.borrow().get(&key) {
        return known.clone();
    }
    let compiled = closure.read(schema, report).and_then(|schemas| compile(&closure, &schemas, report));
    document.models.0.borrow_mut().insert(key, compiled.clone());
    compiled
}

fn compile(closure: &Closure<'_>, schemas: &[Schema], report: &mut Report) -> Option<Arc<Model>> {
    let ModelError { resource, pointer, message } = match Model::compile(schemas, 0) {
        Ok(model) => return Some(Arc::new(model)),
        Err(error) => error,
    };
    let at = closure.place(resource, &pointer);
    match keywords::expected(&pointer) {
        Some((keyword, expected)) => {
            report.error(at, format!("not a model: `{keyword}` must be {expected}")).help(HELP)
        }
        None => report.error(at, format!("not a model: {message}")).help(HELP),
    };
    None
}

const HELP: &str = "AWS validates by JSON Schema draft 4; validateRequestBody: false leaves the model alone";
