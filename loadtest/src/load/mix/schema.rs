//! Values that a JSON schema (or a Swagger 2 parameter) accepts.

use fastrand::Rng;
use serde_json::{Map, Number, Value};

use super::document::{Document, list, text};
use super::pattern;

/// Optional properties are left out below this depth, so that recursive schemas end.
const OPTIONAL_DEPTH_MAX: usize = 3;
/// Required ones may go this deep.
const DEPTH_MAX: usize = 24;
/// Items of an array beyond those required.
const ITEMS_MORE_MAX: u64 = 2;
/// Longest string or array that is made because a schema demands it.
const LENGTH_MAX: u64 = 65_536;

/// Makes values.
pub(super) struct Maker<'a> {
    pub(super) document: &'a Document,
    pub(super) random: Rng,
}

impl Maker<'_> {
    /// Value number `key` of a schema: another number gives another value where the schema has several.
    pub(super) fn value(&mut self, schema: &Value, key: usize) -> Result<Value, String> {
        self.at(schema, key, 0)
    }

    fn at(&mut self, schema: &Value, key: usize, depth: usize) -> Result<Value, String> {
        let document = self.document;
        let schema = document.follow(schema)?;
        if depth > DEPTH_MAX {
            return Err(document.wrong("a schema requires itself"));
        }
        if let Some(constant) = schema.get("const") {
            return Ok(constant.clone());
        }
        if let [_, ..] = list(schema, "enum") {
            let choices = list(schema, "enum");
            return Ok(choices[key % choices.len()].clone());
        }
        for union in ["oneOf", "anyOf"] {
            if let [_, ..] = list(schema, union) {
                let choices = list(schema, union);
                return self.at(&choices[key % choices.len()], key, depth + 1);
            }
        }
        if let [_, ..] = list(schema, "allOf") {
            return self.all_of(schema, key, depth);
        }
        match type_of(schema) {
            "object" => self.object(schema, key, depth),
            "array" => self.array(schema, key, depth),
            "integer" => Ok(Value::Number(integer(schema, key).into())),
            "number" => Ok(number(schema, key)),
            "boolean" => Ok(Value::Bool(key.is_multiple_of(2))),
            "null" => Ok(Value::Null),
            _ => self.string(schema, key).map(Value::String),
        }
    }

    fn all_of(&mut self, schema: &Value, key: usize, depth: usize) -> Result<Value, String> {
        let mut merged = Map::new();
        let mut last = Value::Null;
        for part in list(schema, "allOf") {
            last = self.at(part, key, depth + 1)?;
            if let Value::Object(fields) = &last {
                merged.extend(fields.clone());
            }
        }
        if schema.get("properties").is_some()
            && let Value::Object(fields) = self.object(schema, key, depth)?
        {
            merged.extend(fields);
        }
        Ok(if merged.is_empty() && !last.is_object() { last } else { Value::Object(merged) })
    }

    fn object(&mut self, schema: &Value, key: usize, depth: usize) -> Result<Value, String> {
        let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
        let mut fields = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let read_only = property.get("readOnly") == Some(&Value::Bool(true));
            let wanted = depth < OPTIONAL_DEPTH_MAX && !read_only && self.random.bool();
            if required.contains(&name.as_str()) || wanted {
                fields.insert(name.clone(), self.at(property, key, depth + 1)?);
            }
        }
        for name in required {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), Value::String(format!("{name}-{key}")));
            }
        }
        Ok(Value::Object(fields))
    }

    fn array(&mut self, schema: &Value, key: usize, depth: usize) -> Result<Value, String> {
        let least = bound(schema, "minItems").unwrap_or(0).min(LENGTH_MAX);
        let most = bound(schema, "maxItems").unwrap_or(u64::MAX).min(least + ITEMS_MORE_MAX).max(least);
        let count = if depth > OPTIONAL_DEPTH_MAX { least } else { self.random.u64(least..=most) };
        let any = Value::Bool(true);
        let items = schema.get("items").unwrap_or(&any);
        (0..count)
            .map(|item| self.at(items, key + item as usize, depth + 1))
            .collect::<Result<_, _>>()
            .map(Value::Array)
    }

    fn string(&mut self, schema: &Value, key: usize) -> Result<String, String> {
        if let Some(pattern) = text(schema, "pattern") {
            return pattern::matching(pattern, &mut self.random).map_err(|why| self.document.wrong(&why));
        }
        let string = match text(schema, "format") {
            Some("uuid") => format!("{key:08x}-0000-4000-8000-{:012x}", self.random.u64(..1 << 48)),
            Some("date-time") => format!("2026-{:02}-{:02}T12:00:00Z", key % 12 + 1, key % 28 + 1),
            Some("date") => format!("2026-{:02}-{:02}", key % 12 + 1, key % 28 + 1),
            Some("time") => format!("12:{:02}:00Z", key % 60),
            Some("email") => format!("user{key}@example.com"),
            Some("uri" | "url") => format!("https://example.com/{key}"),
            Some("ipv4") => format!("192.0.2.{}", key % 256),
            Some("ipv6") => format!("2001:db8::{:x}", key % 65_536),
            Some("byte") => "dGlkZWdhdGU=".to_owned(),
            _ => fit(key.to_string(), schema),
        };
        Ok(string)
    }
}

/// A type; of several, the first that is not null; without one, what its keywords are for.
fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    let has = |keyword| schema.get(keyword).is_some();
    match named {
        Some(name) => name,
        None if has("properties") || has("required") => "object",
        None if has("items") => "array",
        None => "string",
    }
}

/// The key as a string of allowed length: longer by leading zeros, shorter by losing leading digits.
fn fit(text: String, schema: &Value) -> String {
    let least = bound(schema, "minLength").unwrap_or(0).min(LENGTH_MAX) as usize;
    let most = bound(schema, "maxLength").unwrap_or(u64::MAX) as usize;
    let text = format!("{text:0>least$}");
    text[text.len().saturating_sub(most)..].to_owned()
}

fn bound(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

/// The limits of a number, of all drafts: exclusive ones are booleans in draft 4, numbers later.
fn limits(schema: &Value, step: f64) -> (Option<f64>, Option<f64>) {
    let limit = |name: &str, exclusive: &str, inward: f64| {
        let plain = schema.get(name).and_then(Value::as_f64);
        match schema.get(exclusive) {
            Some(Value::Bool(true)) => plain.map(|limit| limit + inward),
            Some(Value::Number(limit)) => limit.as_f64().map(|limit| limit + inward),
            _ => plain,
        }
    };
    (limit("minimum", "exclusiveMinimum", step), limit("maximum", "exclusiveMaximum", -step))
}

fn integer(schema: &Value, key: usize) -> i64 {
    let multiple =
        schema.get("multipleOf").and_then(Value::as_f64).filter(|multiple| *multiple >= 1.0).unwrap_or(1.0);
    let (low, high) = limits(schema, 1.0);
    let first = (low.or(high.map(|high| high.min(1.0))).unwrap_or(1.0) / multiple).ceil();
    let count = high.map_or(f64::MAX, |high| (high / multiple).floor() - first + 1.0).max(1.0);
    ((first + (key as f64) % count) * multiple) as i64
}

fn number(schema: &Value, key: usize) -> Value {
    if schema.get("multipleOf").is_some() {
        return Value::Number(integer(schema, key).into());
    }
    let (low, high) = limits(schema, 1e-6);
    let value = match (low, high) {
        (Some(low), Some(high)) => low + (high - low) * ((key % 100) as f64 / 100.0),
        (Some(low), None) => low + key as f64 + 0.5,
        (None, Some(high)) => high - key as f64 - 0.5,
        (None, None) => key as f64 + 0.5,
    };
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Value, want: impl Fn(&Value) -> bool) {
        let document = Document::of(json!({"definitions": {"id": {"type": "integer", "minimum": 5}}}));
        let mut maker = Maker { document: &document, random: Rng::with_seed(9) };
        for key in 0..50 {
            let value = maker.value(&schema, key).unwrap();
            assert!(want(&value), "{schema}: {value}");
        }
    }

    #[test]
    fn values_fit_their_schemas() {
        check(json!({"type": "integer"}), Value::is_i64);
        check(json!({"type": "integer", "minimum": 3, "maximum": 4}), |value| {
            matches!(value.as_i64(), Some(3 | 4))
        });
        check(json!({"type": "integer", "minimum": 3, "exclusiveMinimum": true}), |value| {
            value.as_i64() > Some(3)
        });
        check(json!({"type": "integer", "multipleOf": 5, "minimum": 6}), |value| {
            value.as_i64().unwrap() % 5 == 0
        });
        check(json!({"type": "number", "minimum": 0, "maximum": 1}), |value| {
            (0.0..=1.0).contains(&value.as_f64().unwrap())
        });
        check(json!({"type": "string", "minLength": 8, "maxLength": 8}), |value| {
            value.as_str().unwrap().len() == 8
        });
        check(json!({"type": "string", "maxLength": 1}), |value| value.as_str().unwrap().len() == 1);
        check(json!({"enum": ["a", "b"]}), |value| value == "a" || value == "b");
        check(json!({"type": ["null", "boolean"]}), Value::is_boolean);
        check(json!({"$ref": "#/definitions/id"}), |value| value.as_i64() >= Some(5));
        check(json!({"type": "array", "items": {"type": "boolean"}, "minItems": 2}), |value| {
            value.as_array().unwrap().len() >= 2
        });
        check(
            json!({"required": ["a"], "properties": {"a": {"type": "boolean"}, "b": {"type": "integer"}}}),
            |value| value["a"].is_boolean() && value.get("b").is_none_or(Value::is_i64),
        );
        check(
            json!({"allOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"type": "integer"}}}]}),
            |value| value["a"].is_string() && value["b"].is_i64(),
        );
        check(json!({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}), |value| {
            value.is_i64() || value.is_boolean()
        });
    }

    #[test]
    fn endless_schemas_are_refused() {
        let document = Document::of(
            json!({"a": {"required": ["a"], "properties": {"a": {"$ref": "#/a"}}}, "b": {"$ref": "#/b"}}),
        );
        let mut maker = Maker { document: &document, random: Rng::with_seed(9) };
        for reference in ["#/a", "#/b", "#/c", "other.yaml#/a"] {
            assert!(maker.value(&json!({"$ref": reference}), 0).is_err(), "{reference}");
        }
    }
}
