//! The keywords of a schema.

/// What the value of a keyword has to be.
const EXPECTED: [(&str, &str); 27] = [
    ("type", "array, boolean, integer, null, number, object or string, or a list of these, each once"),
    ("required", "a list of names, at least one, each once"),
    ("enum", "a list of values, each once"),
    ("properties", "a map of schemas"),
    ("patternProperties", PATTERN_MAP),
    ("additionalProperties", "a schema, true or false"),
    ("items", "a schema or a list of schemas"),
    ("additionalItems", "a schema, true or false"),
    ("allOf", LIST),
    ("anyOf", LIST),
    ("oneOf", LIST),
    ("not", "a schema"),
    ("dependencies", "a map of schemas or of lists of names"),
    ("definitions", "a map of schemas"),
    ("multipleOf", "a number greater than 0"),
    ("minimum", "a number"),
    ("maximum", "a number"),
    ("exclusiveMinimum", EXCLUSIVE),
    ("exclusiveMaximum", EXCLUSIVE),
    ("minLength", COUNT),
    ("maxLength", COUNT),
    ("minItems", COUNT),
    ("maxItems", COUNT),
    ("minProperties", COUNT),
    ("maxProperties", COUNT),
    ("uniqueItems", "true or false"),
    ("pattern", PATTERN),
];

const LIST: &str = "a list of schemas, at least one";
const COUNT: &str = "an integer of at least 0";
const EXCLUSIVE: &str = "true or false, beside the bound";
const PATTERN: &str =
    "a regular expression that runs in linear time: without look-around and back-references";
const PATTERN_MAP: &str = "a map of schemas by regular expressions without look-around and back-references";

/// Keywords that say nothing about what is valid.
const DOCUMENTATION: [&str; 14] = [
    "title",
    "description",
    "default",
    "example",
    "examples",
    "format",
    "id",
    "xml",
    "externalDocs",
    "readOnly",
    "writeOnly",
    "deprecated",
    "$comment",
    "$schema",
];

/// Keywords of OpenAPI and of later drafts that would say something, and what to write in their place.
const WITHOUT_EFFECT: [(&str, &str); 15] = [
    ("nullable", "write type: [string, \"null\"]"),
    ("discriminator", "write oneOf with an enum in each schema"),
    ("const", "write enum with one value"),
    ("contains", ""),
    ("propertyNames", "write patternProperties with additionalProperties: false"),
    ("if", ""),
    ("then", ""),
    ("else", ""),
    ("prefixItems", "write items as a list"),
    ("unevaluatedItems", ""),
    ("unevaluatedProperties", ""),
    ("dependentRequired", "write dependencies"),
    ("dependentSchemas", "write dependencies"),
    ("minContains", ""),
    ("maxContains", ""),
];

/// What a keyword is for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// It says what is valid.
    Validates,
    /// It says something to readers only.
    Documents,
    /// It has no effect, which is worth a warning with this help.
    WithoutEffect(&'static str),
    /// Nobody knows it.
    Unknown,
}

/// What a keyword is.
pub(super) fn classify(keyword: &str) -> Keyword {
    if EXPECTED.iter().any(|(known, _)| *known == keyword) {
        Keyword::Validates
    } else if DOCUMENTATION.contains(&keyword) || keyword.starts_with("x-") {
        Keyword::Documents
    } else if let Some((_, help)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == keyword) {
        Keyword::WithoutEffect(help)
    } else {
        Keyword::Unknown
    }
}

/// The names of all keywords, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    EXPECTED.iter().map(|(name, _)| *name).chain(DOCUMENTATION)
}

/// The last keyword of a JSON pointer, and what its value must be.
pub(super) fn expected(pointer: &str) -> Option<(&'static str, &'static str)> {
    pointer.rsplit('/').find_map(|token| EXPECTED.into_iter().find(|(known, _)| *known == token))
}
