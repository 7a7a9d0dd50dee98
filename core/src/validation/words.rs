//! What a body lacks, in the words of the validator that AWS runs (json-schema-validator, for Java).
//!
//! That validator looks below a value only when the value itself fits, and tells what is wrong with one value in the
//! order of the keywords' names. What is wrong inside `allOf`, `anyOf` and the like is told as theirs.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::limits::{VALIDATION_ERROR_BYTES_MAX, VALIDATION_ERRORS_MAX};

/// What is said of a body that is no JSON; AWS's words are not known.
pub(super) const NOT_JSON: &str = "[request body is not JSON]";

/// All that is wrong with a body, in brackets and with commas between.
pub(super) fn describe<'i>(body: &Value, errors: impl IntoIterator<Item = ValidationError<'i>>) -> String {
    let errors: Vec<_> = errors.into_iter().take(VALIDATION_ERRORS_MAX).collect();
    let paths: Vec<&str> = errors.iter().map(|error| error.instance_path().as_str()).collect();
    let mut told: Vec<(usize, &str, &ValidationError<'i>)> = Vec::new();
    for error in &errors {
        let path = error.instance_path().as_str();
        if !paths.iter().any(|above| is_below(path, above)) {
            let first = paths.iter().position(|other| *other == path).unwrap_or_default();
            told.push((first, error.kind().keyword(), error));
        }
    }
    told.sort_by_key(|(first, keyword, _)| (*first, *keyword));
    let mut text = String::from("[");
    let mut rest = told.as_slice();
    while let Some(((first, keyword, error), behind)) = rest.split_first() {
        if text.len() > VALIDATION_ERROR_BYTES_MAX {
            break;
        }
        if text.len() > 1 {
            text.push_str(", ");
        }
        let same = if *keyword == "required" {
            behind.iter().take_while(|(path, other, _)| (path, other) == (first, keyword)).count()
        } else {
            0
        };
        let (with, others) = behind.split_at(same);
        rest = others;
        text += &match *keyword {
            "required" => missing(std::iter::once(*error).chain(with.iter().map(|(.., error)| *error))),
            _ => words(error, body),
        };
    }
    text.truncate(text.floor_char_boundary(VALIDATION_ERROR_BYTES_MAX - 1));
    text.push(']');
    text
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// All missing properties of one object.
fn missing<'e, 'i: 'e>(errors: impl Iterator<Item = &'e ValidationError<'i>>) -> String {
    let names = errors.filter_map(|error| match error.kind() {
        Kind::Required { property } => property.as_str().map(str::to_owned),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    format!("object has missing required properties ({})", Value::from(names))
}

fn words(error: &ValidationError<'_>, body: &Value) -> String {
    let (kind, instance) = (error.kind(), &**error.instance());
    // A schema that allows no property at all.
    if matches!(kind, Kind::FalseSchema)
        && let Some(Value::Object(members)) = body.pointer(error.instance_path().as_str())
    {
        return not_allowed(members.keys().cloned().collect());
    }
    let said = match instance {
        Value::Array(items) => of_array(kind, items.len()),
        Value::Number(_) => of_number(kind, instance),
        Value::Object(members) => of_object(kind, members.len()),
        Value::String(text) => of_text(kind, text),
        Value::Null | Value::Bool(_) => None,
    };
    said.or_else(|| of_any(kind, instance))
        .unwrap_or_else(|| format!("instance does not fit `{}`", kind.keyword()))
}

fn of_array(kind: &Kind, found: usize) -> Option<String> {
    Some(match kind {
        Kind::AdditionalItems { limit } => {
            format!("schema only allows {limit} elements in array but instance has {found} elements")
        }
        Kind::MinItems { limit } => format!(
            "array is too short: must have at least {limit} elements but instance has {found} elements"
        ),
        Kind::MaxItems { limit } => {
            format!("array is too long: must have at most {limit} elements but instance has {found} elements")
        }
        Kind::UniqueItems => "array must not contain duplicate elements".to_owned(),
        _ => return None,
    })
}

fn of_number(kind: &Kind, found: &Value) -> Option<String> {
    Some(match kind {
        Kind::ExclusiveMinimum { limit } if found.as_f64() == limit.as_f64() => {
            format!("numeric instance is not strictly greater than the required minimum {limit}")
        }
        Kind::ExclusiveMaximum { limit } if found.as_f64() == limit.as_f64() => {
            format!("numeric instance is not strictly lower than the required maximum {limit}")
        }
        Kind::Minimum { limit } | Kind::ExclusiveMinimum { limit } => {
            format!("numeric instance is lower than the required minimum (minimum: {limit}, found: {found})")
        }
        Kind::Maximum { limit } | Kind::ExclusiveMaximum { limit } => format!(
            "numeric instance is greater than the required maximum (maximum: {limit}, found: {found})"
        ),
        Kind::MultipleOf { multiple_of } => {
            format!("remainder of division is not zero ({found} / {multiple_of})")
        }
        _ => return None,
    })
}

fn of_object(kind: &Kind, found: usize) -> Option<String> {
    Some(match kind {
        Kind::AdditionalProperties { unexpected } => not_allowed(unexpected.clone()),
        Kind::MinProperties { limit } => {
            format!("object has too few properties (found {found} but schema requires at least {limit})")
        }
        Kind::MaxProperties { limit } => {
            format!("object has too many properties (found {found} but schema requires at most {limit})")
        }
        _ => return None,
    })
}

fn not_allowed(mut names: Vec<String>) -> String {
    names.sort();
    format!("object instance has properties which are not allowed by the schema: {}", Value::from(names))
}

/// That validator escapes nothing between these quotes.
fn of_text(kind: &Kind, found: &str) -> Option<String> {
    let length = found.chars().count();
    Some(match kind {
        Kind::MinLength { limit } => {
            format!("string \"{found}\" is too short (length: {length}, required minimum: {limit})")
        }
        Kind::MaxLength { limit } => {
            format!("string \"{found}\" is too long (length: {length}, maximum allowed: {limit})")
        }
        Kind::Pattern { pattern } => {
            format!("ECMA 262 regex \"{pattern}\" does not match input string \"{found}\"")
        }
        Kind::Format { format } if format == "date-time" => {
            format!("string \"{found}\" is invalid against requested date format(s) {DATE_FORMATS}")
        }
        Kind::Format { format } => format!("string \"{found}\" is not a valid {}", format_name(format)),
        _ => return None,
    })
}

const DATE_FORMATS: &str = r#"["yyyy-MM-dd'T'HH:mm:ssZ","yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z"]"#;

fn format_name(format: &str) -> &str {
    match format {
        "email" => "email address",
        "ipv4" => "IPv4 address",
        "ipv6" => "IPv6 address",
        "uri" => "URI",
        other => other,
    }
}

fn of_any(kind: &Kind, found: &Value) -> Option<String> {
    Some(match kind {
        Kind::Enum { options } => {
            format!("instance value ({found}) not found in enum (possible values: {options})")
        }
        Kind::Type { kind } => format!(
            "instance type ({}) does not match any allowed primitive type (allowed: {})",
            type_of(found),
            Value::from(allowed(kind))
        ),
        Kind::AnyOf { context } => {
            format!("instance failed to match at least one required schema among {}", context.len())
        }
        Kind::OneOfNotValid { context } => {
            format!("instance failed to match exactly one schema (matched 0 out of {})", context.len())
        }
        Kind::OneOfMultipleValid { context } => format!(
            "instance failed to match exactly one schema (matched {} out of {})",
            context.iter().filter(|errors| errors.is_empty()).count(),
            context.len()
        ),
        Kind::Not { .. } => "instance matched a schema which it should not have".to_owned(),
        _ => return None,
    })
}

fn type_of(found: &Value) -> &'static str {
    match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// AWS's validator takes integers for numbers, and says so.
fn allowed(kind: &TypeKind) -> Vec<&'static str> {
    let mut names: Vec<&str> = match kind {
        TypeKind::Single(kind) => vec![kind.as_str()],
        TypeKind::Multiple(kinds) => kinds.iter().map(jsonschema::JsonType::as_str).collect(),
    };
    if names.contains(&"number") && !names.contains(&"integer") {
        names.push("integer");
    }
    names.sort_unstable();
    names
}
