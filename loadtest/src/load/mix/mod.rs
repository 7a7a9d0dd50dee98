//! A weighted mix of valid requests, from an OpenAPI document or a `tidegate.toml`.
//!
//! Values are made before the run, `--keys` of each parameter and body, and chosen by `--choice` while it goes on.
//!
//! - `config`: APIs of a `tidegate.toml`
//! - `openapi`: operations of a document
//! - `schema`, `pattern`: values that a schema accepts
//! - `document`: YAML, JSON or TOML as one tree

mod config;
mod document;
mod openapi;
mod pattern;
mod schema;

use std::path::Path;
use std::sync::Arc;

use super::choice::Law;
use super::requests::{Field, Wanted};
use super::template::{Part, Values};
use super::url::Url;

/// Operations of one mix.
const OPERATIONS_MAX: usize = 20_000;
/// Values and bodies of one mix together: a bound on memory.
const VALUES_MAX: usize = 2_000_000;

/// How a mix is made.
pub struct Mixing<'a> {
    /// Different values of a parameter, and bodies of an operation.
    pub keys: usize,
    /// How they are chosen.
    pub law: Law,
    /// Seed of what is random in them.
    pub seed: u64,
    /// Operations and their weights.
    pub weights: &'a [(String, f64)],
    /// API keys.
    pub api_keys: &'a [String],
}

impl Mixing<'_> {
    /// The field with one of the API keys.
    pub fn api_key_field(&self) -> Option<Field> {
        let keys: Vec<Box<[u8]>> = self.api_keys.iter().map(|key| key.as_bytes().into()).collect();
        (!keys.is_empty()).then(|| Field { name: "x-api-key".to_owned(), value: vec![self.one_of(keys)] })
    }

    /// One of some values, chosen by the law. Equal values count once.
    fn one_of(&self, values: Vec<Box<[u8]>>) -> Part {
        Part::OneOf(Arc::new(self.values(values)))
    }

    fn values(&self, mut values: Vec<Box<[u8]>>) -> Values {
        let mut seen = std::collections::HashSet::new();
        values.retain(|value| seen.insert(value.clone()));
        let choice = self.law.among(values.len());
        Values::new(values, choice)
    }
}

/// `GET /pets=10`.
///
/// # Errors
/// In words, for the command line.
pub fn weight(text: &str) -> Result<(String, f64), String> {
    let wrong = || format!("`{text}` is not a weight; write it as \"GET /pets=10\"");
    let (operation, weight) = text.rsplit_once('=').ok_or_else(wrong)?;
    let weight: f64 = weight.parse().ok().filter(|weight| (0.0..=1e9).contains(weight)).ok_or_else(wrong)?;
    let (method, path) = operation.split_once(' ').ok_or_else(wrong)?;
    Ok((format!("{} {}", method.to_ascii_uppercase(), path.trim()), weight))
}

/// Requests to an API whose paths begin at `base`.
///
/// # Errors
/// In words: what is wrong with the document.
pub fn of_openapi(path: &Path, base: &Url, mixing: &Mixing<'_>) -> Result<Vec<Wanted>, String> {
    let prefix = base.path.trim_end_matches('/');
    finish(openapi::requests(path, base, prefix, &[], mixing)?, mixing)
}

/// Requests to all APIs of a `tidegate.toml`, at its first listener unless `base` says where.
///
/// # Errors
/// In words: what is wrong with the file or its documents.
pub fn of_config(path: &Path, base: Option<&Url>, mixing: &Mixing<'_>) -> Result<Vec<Wanted>, String> {
    config::requests(path, base, mixing)
}

/// Applies the weights.
fn finish(mut wanted: Vec<Wanted>, mixing: &Mixing<'_>) -> Result<Vec<Wanted>, String> {
    if wanted.len() > OPERATIONS_MAX {
        return Err(format!("{} operations are more than {OPERATIONS_MAX}", wanted.len()));
    }
    let values = wanted.len().saturating_mul(mixing.keys);
    if values > VALUES_MAX {
        return Err(format!(
            "{} operations with {} values each are too many; lower --keys",
            wanted.len(),
            mixing.keys
        ));
    }
    for (operation, weight) in mixing.weights {
        let mut found = false;
        for wanted in wanted.iter_mut().filter(|wanted| wanted.label.as_ref() == Some(operation)) {
            wanted.weight = *weight;
            found = true;
        }
        if !found {
            let some: Vec<&str> =
                wanted.iter().filter_map(|wanted| wanted.label.as_deref()).take(10).collect();
            return Err(format!(
                "--weight: there is no operation `{operation}`; there are {}",
                some.join(", ")
            ));
        }
    }
    wanted.retain(|wanted| wanted.weight > 0.0);
    if wanted.is_empty() {
        return Err("no operation is left to send".to_owned());
    }
    Ok(wanted)
}
