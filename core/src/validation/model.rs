//! Models: JSON Schemas of draft 4, compiled at load.
//!
//! The validator is the crate `jsonschema`. Patterns run in linear time, whatever they are; nothing is ever fetched.

use std::fmt;

use jsonschema::{Draft, PatternOptions, Registry, ValidationError, Validator};
use serde_json::Value;

use super::words;
use crate::limits::{PATTERN_BYTES_MAX, VALIDATION_ERRORS_BODY_BYTES_MAX};

/// A compiled model.
#[derive(Debug)]
pub struct Model {
    validator: Validator,
}

/// A schema under the name by which others refer to it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// An absolute URI.
    pub uri: String,
    /// The schema.
    pub schema: Value,
}

/// Why a schema is no model, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// The position of the schema among the resources.
    pub resource: usize,
    /// The place in that schema, a JSON pointer.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ModelError {}

/// Why a body does not fit, as `$context.error.validationErrorString` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl Model {
    /// Compiles the schema at position `root`; it and the others may refer to each other.
    pub fn compile(resources: &[Resource], root: usize) -> Result<Self, ModelError> {
        for (position, resource) in resources.iter().enumerate() {
            jsonschema::draft4::meta::validate(&resource.schema).map_err(|error| ModelError {
                resource: position,
                pointer: error.instance_path().as_str().to_owned(),
                message: error.to_string(),
            })?;
        }
        let of_root = |error: &dyn fmt::Display| ModelError {
            resource: root,
            pointer: String::new(),
            message: error.to_string(),
        };
        let pairs = resources
            .iter()
            .map(|resource| (resource.uri.as_str(), Draft::Draft4.create_resource_ref(&resource.schema)));
        let registry = Registry::new().draft(Draft::Draft4).extend(pairs);
        let registry =
            registry.and_then(jsonschema::RegistryBuilder::prepare).map_err(|error| of_root(&error))?;
        let options = jsonschema::draft4::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
            // Compiling what a client sends is not bounded well enough.
            .with_format("regex", |_: &str| true)
            .with_registry(&registry)
            .with_base_uri(&resources[root].uri);
        let validator =
            options.build(&resources[root].schema).map_err(|error| locate(&error, resources, root))?;
        Ok(Self { validator })
    }

    /// Whether a body fits. AWS: an empty one is taken as `{}`.
    pub fn check(&self, body: &[u8]) -> Result<(), Invalid> {
        let body = if body.is_empty() { b"{}" } else { body };
        let value: Value = serde_json::from_slice(body).map_err(|_| Invalid(words::NOT_JSON.to_owned()))?;
        if self.validator.is_valid(&value) {
            return Ok(());
        }
        // The errors of a large body may take many times its memory.
        Err(Invalid(if body.len() > VALIDATION_ERRORS_BODY_BYTES_MAX {
            words::describe(&value, self.validator.validate(&value).err())
        } else {
            words::describe(&value, self.validator.iter_errors(&value))
        }))
    }
}

/// Where a schema cannot be compiled.
fn locate(error: &ValidationError<'_>, resources: &[Resource], root: usize) -> ModelError {
    let absolute = error.absolute_keyword_location().map(|uri| uri.as_str().to_owned());
    let absolute = absolute.as_deref().and_then(|uri| uri.split_once('#'));
    let found = absolute.and_then(|(uri, pointer)| {
        let resource = resources.iter().position(|resource| resource.uri == uri)?;
        Some((resource, pointer.to_owned()))
    });
    let (resource, pointer) = found.unwrap_or_else(|| (root, error.schema_path().as_str().to_owned()));
    ModelError { resource, pointer, message: error.to_string() }
}
