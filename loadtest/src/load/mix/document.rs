//! YAML, JSON and TOML as one tree, and references inside it.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// A document is refused above this size.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// References that may lead to references.
const REFERENCES_MAX: usize = 32;

/// A document.
pub(super) struct Document {
    pub(super) root: Value,
    name: String,
}

impl Document {
    /// Reads a file, in the format that its name says.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let cannot = |error: &dyn std::fmt::Display| format!("cannot read {name}: {error}");
        if fs::metadata(path).map_err(|error| cannot(&error))?.len() > DOCUMENT_BYTES_MAX {
            return Err(cannot(&"more than 64 MiB"));
        }
        let text = fs::read_to_string(path).map_err(|error| cannot(&error))?;
        let root = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => serde_json::from_str(&text).map_err(|error| cannot(&error))?,
            Some("toml") => toml::from_str(&text).map_err(|error| cannot(&error))?,
            _ => serde_saphyr::from_str(&text).map_err(|error| cannot(&error))?,
        };
        Ok(Self { root, name })
    }

    #[cfg(test)]
    pub(super) fn of(root: Value) -> Self {
        Self { root, name: "test".to_owned() }
    }

    /// What a value is once its `$ref`s are followed.
    pub(super) fn follow<'a>(&'a self, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
            value = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).ok_or_else(
                || format!("{}: `$ref: {reference}` leads nowhere in this document", self.name),
            )?;
        }
        Err(format!("{}: a chain of more than {REFERENCES_MAX} references", self.name))
    }

    /// An error in this document.
    pub(super) fn wrong(&self, why: &str) -> String {
        format!("{}: {why}", self.name)
    }
}

/// The text of a field.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

/// The members of a list; none if it is not one.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
