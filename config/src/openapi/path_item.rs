//! `paths`: resources and their methods.

use tidegate_core::method::{Method as HttpMethod, RouteMethod};
use tidegate_core::route::resource::parameter_names;

use super::document::{Document, is_foreign_extension};
use super::parameters::Declared;
use super::{Method, operation};
use crate::fields::Fields;
use crate::report::Report;
use crate::tree::{Entry, Node};

const ANY: &str = "x-amazon-apigateway-any-method";
const METHODS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];

/// A resource whose methods are being read.
pub(super) struct Resource<'n> {
    pub(super) entry: &'n Entry,
    pub(super) path: &'n str,
    /// Names of the path parameters, in the order of the path.
    pub(super) parameters: Vec<String>,
}

/// Reads all path items.
pub(super) fn read_all(paths: &Node, document: &Document<'_>, report: &mut Report) -> Vec<Method> {
    if Fields::read(paths, "`paths`", report).is_none() {
        return Vec::new();
    }
    let mut methods = Vec::new();
    for entry in paths.entries() {
        if entry.key.starts_with('/') {
            read(entry, document, &mut methods, report);
        } else if !is_foreign_extension(&entry.key) {
            report.error(entry.key_span, "A resource path starts with a slash");
        }
    }
    methods
}

fn read(entry: &Entry, document: &Document<'_>, methods: &mut Vec<Method>, report: &mut Report) {
    let Some(mut fields) = Fields::read(&entry.value, "a path item", report) else { return };
    let trimmed = entry.key.strip_suffix('/').filter(|path| !path.is_empty());
    let path = trimmed.unwrap_or(&entry.key);
    let parameters = parameter_names(path).map(str::to_owned).collect();
    let resource = Resource { entry, path, parameters };
    let mut shared = Declared::default();
    if let Some(list) = fields.value("parameters") {
        shared.read(list, &resource, document, report);
    }
    fields.unsupported("$ref", report);
    fields.unsupported("trace", report);
    fields.ignore(&["summary", "description", "servers"]);
    for key in METHODS {
        let Some(method) = HttpMethod::parse_lowercase(key) else { continue };
        let read = fields.take(key);
        let read = read.map(|entry| {
            operation::read(entry, RouteMethod::Exactly(method), &resource, &shared, document, report)
        });
        methods.extend(read.flatten());
    }
    let any = fields.take(ANY);
    let any = any.map(|entry| operation::read(entry, RouteMethod::Any, &resource, &shared, document, report));
    methods.extend(any.flatten());
    fields.finish_except(report, is_foreign_extension);
}
