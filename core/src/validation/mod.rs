//! Request validation: what a method asks of parameters and body before anything is called.
//!
//! AWS: "Use request validation in API Gateway". [`Model`] is a JSON Schema of draft 4, compiled; `words.rs` says what a
//! body lacks in the words of AWS's validator.

mod model;
mod words;

use std::sync::Arc;

pub use self::model::{Invalid, Model, ModelError, Resource};

use crate::mapping::{Source, Values as Which};
use crate::media_types::media_type;
use crate::values::Values;

/// What one method validates.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// Parameters that must be there and not blank, in the order in which missing ones are told.
    required: Vec<Required>,
    /// (MIME type or `$default`, model).
    models: Vec<(Box<str>, Arc<Model>)>,
}

/// Where a parameter is; the order is that of AWS's messages (recorded fact 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A header field.
    Header,
    /// A path parameter.
    Path,
    /// A query parameter.
    Query,
}

#[derive(Clone, Debug)]
struct Required {
    name: Box<str>,
    source: Source,
}

impl Validation {
    /// What a method validates; nothing when both are empty.
    pub fn new(mut required: Vec<(Place, String)>, models: Vec<(Box<str>, Arc<Model>)>) -> Self {
        required.sort();
        required.dedup();
        let required = required.into_iter().map(|(place, name)| {
            let name: Box<str> = name.into();
            let source = match place {
                Place::Header => Source::Header(name.clone(), Which::Last),
                Place::Path => Source::NamedPath(name.clone()),
                Place::Query => Source::Query(name.clone(), Which::Last),
            };
            Required { name, source }
        });
        Self { required: required.collect(), models }
    }

    /// Whether nothing is validated.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.models.is_empty()
    }

    /// The names of required parameters that are missing or blank.
    pub fn missing(&self, values: &Values<'_>) -> Vec<&str> {
        let mut value = Vec::new();
        let lacks = |required: &&Required| {
            value.clear();
            !values.write(&required.source, &mut value) || value.trim_ascii().is_empty()
        };
        self.required.iter().filter(lacks).map(|required| &*required.name).collect()
    }

    /// The model for a body of this content type. AWS: a request without content type counts as `application/json`,
    /// parameters such as charset do not count, `$default` is for all others, and without model nothing is validated.
    pub fn model(&self, content_type: Option<&[u8]>) -> Option<&Model> {
        let sent = content_type.map_or(b"application/json".as_slice(), media_type);
        let named =
            |wanted: &[u8]| self.models.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(wanted));
        named(sent).or_else(|| named(b"$default")).map(|(_, model)| &**model)
    }
}

/// AWS's message about missing parameters (recorded fact 19).
pub fn missing_message(names: &[&str]) -> String {
    format!("Missing required request parameters: [{}]", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(schema: &str) -> Arc<Model> {
        let schema = serde_json::from_str(schema).expect("a schema");
        Arc::new(Model::compile(&[Resource { uri: "model:///0".into(), schema }], 0).expect("a model"))
    }

    #[test]
    fn models_by_content_type() {
        let models = vec![
            ("application/json".into(), model(r#"{"type": "object"}"#)),
            ("text/json".into(), model(r#"{"type": "array"}"#)),
        ];
        let mut validation = Validation::new(Vec::new(), models);
        let check = |validation: &Validation, content_type: Option<&str>, body: &str, want: Option<bool>| {
            let model = validation.model(content_type.map(str::as_bytes));
            assert_eq!(model.map(|model| model.check(body.as_bytes()).is_ok()), want, "{content_type:?}");
        };
        check(&validation, None, "{}", Some(true));
        check(&validation, None, "[]", Some(false));
        check(&validation, Some("Application/JSON; charset=utf-8"), "{}", Some(true));
        check(&validation, Some("text/json"), "[]", Some(true));
        check(&validation, Some("text/plain"), "[]", None);
        validation.models.push(("$default".into(), model(r#"{"type": "string"}"#)));
        check(&validation, Some("text/plain"), "\"a\"", Some(true));
        check(&validation, Some("text/json"), "[]", Some(true));
    }
}
