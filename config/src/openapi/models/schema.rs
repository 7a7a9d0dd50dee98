//! A schema and all that it refers to, as JSON.

use std::collections::HashMap;

use serde_json::{Map, Number, Value as Json};
use tidegate_core::span::Span;
use tidegate_core::validation::Resource;

use super::keywords::{Keyword, classify, names};
use crate::openapi::reference::follow;
use crate::report::Report;
use crate::suggest::suggest;
use crate::tree::{Entry, Node, Value};

/// References that lead to references; more are taken for a circle.
const HOPS_MAX: usize = 16;

/// AWS's form of a reference to another model of the API.
const MODELS: &str = "https://apigateway.amazonaws.com/restapis/";

const DRAFT_4: [&str; 2] =
    ["http://json-schema.org/draft-04/schema", "https://json-schema.org/draft-04/schema"];

/// Schemas that refer to each other, the first one being the model.
pub(super) struct Closure<'n> {
    root: &'n Node,
    schemas: Vec<&'n Node>,
    positions: HashMap<usize, usize>,
}

impl<'n> Closure<'n> {
    /// For schemas of the document `root`.
    pub(super) fn new(root: &'n Node) -> Self {
        Self { root, schemas: Vec::new(), positions: HashMap::new() }
    }

    /// Reads a schema and, one after another, those that it refers to. `None`: something is wrong, which is reported.
    pub(super) fn read(&mut self, schema: &'n Node, report: &mut Report) -> Option<Vec<Resource>> {
        self.position(schema);
        let (mut read, mut is_whole) = (Vec::new(), true);
        while let Some(&next) = self.schemas.get(read.len()) {
            let json = self.schema(next, next, report);
            is_whole &= json.is_some();
            read.push(Resource { uri: uri(read.len()), schema: json.unwrap_or(Json::Null) });
        }
        is_whole.then_some(read)
    }

    /// What a schema stands for: itself, or what its `$ref` leads to.
    pub(super) fn target(&self, schema: &'n Node, report: &mut Report) -> Option<&'n Node> {
        let mut at = schema;
        for _ in 0..HOPS_MAX {
            match at.get("$ref") {
                Some(reference) if matches!(reference.value, Value::Text(_)) => {
                    at = self.lookup(reference, schema, report)?;
                }
                _ => return Some(at),
            }
        }
        report.error(
            schema.span,
            format!("more than {HOPS_MAX} references follow each other: this is a circle"),
        );
        None
    }

    /// Where a place of one of the schemas is written, or what is nearest above it.
    pub(super) fn place(&self, position: usize, pointer: &str) -> Span {
        let Some(&schema) = self.schemas.get(position) else { return self.root.span };
        let mut at = (schema, schema.span);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match &at.0.value {
                Value::List(items) => {
                    token.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item, item.span))
                }
                _ => at.0.entry(&token).map(|entry| (&entry.value, entry.key_span)),
            };
            let Some(next) = next else { break };
            at = next;
        }
        at.1
    }

    fn position(&mut self, schema: &'n Node) -> usize {
        let next = self.schemas.len();
        let position = *self.positions.entry(std::ptr::from_ref(schema) as usize).or_insert(next);
        if position == next {
            self.schemas.push(schema);
        }
        position
    }

    /// The schema that a reference names, in this document, or inside the model that it stands in.
    fn lookup(&self, reference: &'n Node, model: &'n Node, report: &mut Report) -> Option<&'n Node> {
        let text = reference.scalar().unwrap_or_default();
        let found = if let Some(name) = model_name(text) {
            let models = [&["definitions"][..], &["components", "schemas"]].into_iter();
            let maps = models.filter_map(|path| path.iter().try_fold(self.root, |node, key| node.get(key)));
            maps.filter_map(|map| map.get(name)).next()
        } else if let Some(path) = text.strip_prefix("#/") {
            follow(self.root, path).or_else(|| follow(model, path))
        } else if text == "#" {
            Some(model)
        } else {
            report.error(reference.span, format!("`{text}` is not in this document")).help(
                "models refer to each other by #/definitions/NAME, #/components/schemas/NAME or \
                 https://apigateway.amazonaws.com/restapis/API/models/NAME",
            );
            return None;
        };
        if found.is_none() {
            report.error(reference.span, format!("there is no model `{text}` in this document"));
        }
        found
    }

    /// `model` is the schema that `node` is a part of.
    fn schema(&mut self, node: &'n Node, model: &'n Node, report: &mut Report) -> Option<Json> {
        let Value::Map(entries) = &node.value else { return Some(data(node)) };
        if let Some(reference) = node.get("$ref")
            && matches!(reference.value, Value::Text(_))
        {
            // Draft 4: what stands beside a reference is not looked at.
            let target = self.lookup(reference, model, report)?;
            let position = self.position(target);
            return Some(Json::Object(Map::from_iter([("$ref".to_owned(), Json::String(uri(position)))])));
        }
        let (mut map, mut is_whole) = (Map::new(), true);
        for entry in entries {
            if !is_kept(entry, report) {
                continue;
            }
            match self.keyword(entry, model, report) {
                Some(json) => drop(map.insert(entry.key.to_string(), json)),
                None => is_whole = false,
            }
        }
        is_whole.then_some(Json::Object(map))
    }

    fn keyword(&mut self, entry: &'n Entry, model: &'n Node, report: &mut Report) -> Option<Json> {
        match (&*entry.key, &entry.value.value) {
            ("properties" | "patternProperties" | "definitions" | "dependencies", Value::Map(entries)) => {
                let mut map = Map::new();
                for entry in entries {
                    let json = match entry.value.value {
                        Value::Map(_) => self.schema(&entry.value, model, report)?,
                        _ => data(&entry.value),
                    };
                    map.insert(entry.key.to_string(), json);
                }
                Some(Json::Object(map))
            }
            ("allOf" | "anyOf" | "oneOf" | "items", Value::List(items)) => {
                let schemas = items.iter().map(|item| self.schema(item, model, report));
                Some(Json::Array(schemas.collect::<Option<_>>()?))
            }
            ("items" | "additionalItems" | "additionalProperties" | "not", Value::Map(_)) => {
                self.schema(&entry.value, model, report)
            }
            _ => Some(data(&entry.value)),
        }
    }
}

/// Whether a keyword goes into the model. What has no effect, and seems to have one, is warned of.
fn is_kept(entry: &Entry, report: &mut Report) -> bool {
    if &*entry.key == "$schema" {
        check_draft(&entry.value, report);
        return false;
    }
    match classify(&entry.key) {
        Keyword::Validates => true,
        Keyword::Documents => &*entry.key == "format",
        Keyword::WithoutEffect(help) => {
            let message = format!("`{}` has no effect: models are JSON Schema draft 4", entry.key);
            let finding = report.warning(entry.key_span, message);
            if !help.is_empty() {
                finding.help(help);
            }
            false
        }
        Keyword::Unknown => {
            let message = format!("`{}` has no effect: no schema has this keyword", entry.key);
            let finding = report.warning(entry.key_span, message);
            if let Some(help) = suggest(&entry.key, names()) {
                finding.help(help);
            }
            false
        }
    }
}

fn check_draft(value: &Node, report: &mut Report) {
    let text = value.scalar().unwrap_or_default();
    if !DRAFT_4.contains(&text.trim_end_matches('#')) {
        report
            .warning(value.span, "`$schema` has no effect: models are JSON Schema draft 4")
            .help("http://json-schema.org/draft-04/schema#");
    }
}

/// `https://apigateway.amazonaws.com/restapis/{any id}/models/{name}`
fn model_name(reference: &str) -> Option<&str> {
    let (_, name) = reference.strip_prefix(MODELS)?.split_once("/models/")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

fn uri(position: usize) -> String {
    format!("model:///{position}")
}

/// A value that is no schema.
fn data(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Boolean(boolean) => Json::Bool(*boolean),
        Value::Number(_, Some(integer)) => Json::Number((*integer).into()),
        Value::Number(text, None) => {
            number(text).map_or_else(|| Json::String(text.to_string()), Json::Number)
        }
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(data).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.to_string(), data(&entry.value))).collect())
        }
    }
}

/// A decimal, or an integer beyond 64 bits.
fn number(text: &str) -> Option<Number> {
    let text = text.replace('_', "");
    text.parse::<u64>().ok().map(Number::from).or_else(|| Number::from_f64(text.parse().ok()?))
}
