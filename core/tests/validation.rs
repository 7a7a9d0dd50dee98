//! Models from the outside: the words of AWS's validator, and schemas that are none.

use serde_json::Value;
use tidegate_core::limits::VALIDATION_ERROR_BYTES_MAX;
use tidegate_core::validation::{Model, ModelError, Resource};

fn compile(schema: &str) -> Result<Model, ModelError> {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    Model::compile(&[Resource { uri: "model:///0".to_owned(), schema }], 0)
}

#[track_caller]
fn check(schema: &str, body: &str, want: &str) {
    let said = compile(schema).expect("a model").check(body.as_bytes());
    assert_eq!(said.err().map(|invalid| invalid.0).unwrap_or_default(), want, "{schema} {body}");
}

/// (schema, body, what is said)
const WORDS: [(&str, &str, &str); 29] = [
    ("{\"required\":[\"b\",\"a\"]}", "{}", "object has missing required properties ([\"a\",\"b\"])"),
    (
        "{\"type\":\"integer\"}",
        "1.5",
        "instance type (number) does not match any allowed primitive type (allowed: [\"integer\"])",
    ),
    (
        "{\"type\":[\"string\",\"null\"]}",
        "[]",
        "instance type (array) does not match any allowed primitive type (allowed: [\"null\",\"string\"])",
    ),
    (
        "{\"type\":\"number\"}",
        "true",
        "instance type (boolean) does not match any allowed primitive type (allowed: [\"integer\",\"number\"])",
    ),
    (
        "{\"enum\":[\"a\",1]}",
        "\"b\"",
        "instance value (\"b\") not found in enum (possible values: [\"a\",1])",
    ),
    (
        "{\"minimum\":25}",
        "24.99",
        "numeric instance is lower than the required minimum (minimum: 25, found: 24.99)",
    ),
    (
        "{\"maximum\":500}",
        "600",
        "numeric instance is greater than the required maximum (maximum: 500, found: 600)",
    ),
    (
        "{\"minimum\":5,\"exclusiveMinimum\":true}",
        "5",
        "numeric instance is not strictly greater than the required minimum 5",
    ),
    (
        "{\"minimum\":5,\"exclusiveMinimum\":true}",
        "4",
        "numeric instance is lower than the required minimum (minimum: 5, found: 4)",
    ),
    (
        "{\"maximum\":5,\"exclusiveMaximum\":true}",
        "5",
        "numeric instance is not strictly lower than the required maximum 5",
    ),
    ("{\"multipleOf\":2}", "3", "remainder of division is not zero (3 / 2)"),
    ("{\"minLength\":2}", "\"ä\"", "string \"ä\" is too short (length: 1, required minimum: 2)"),
    ("{\"maxLength\":1}", "\"ab\"", "string \"ab\" is too long (length: 2, maximum allowed: 1)"),
    ("{\"pattern\":\"^a\"}", "\"b\"", "ECMA 262 regex \"^a\" does not match input string \"b\""),
    ("{\"format\":\"email\"}", "\"a\"", "string \"a\" is not a valid email address"),
    ("{\"format\":\"ipv4\"}", "\"a\"", "string \"a\" is not a valid IPv4 address"),
    ("{\"format\":\"hostname\"}", "\"a b\"", "string \"a b\" is not a valid hostname"),
    (
        "{\"format\":\"date-time\"}",
        "\"today\"",
        "string \"today\" is invalid against requested date format(s) \
             [\"yyyy-MM-dd'T'HH:mm:ssZ\",\"yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z\"]",
    ),
    (
        "{\"minItems\":2}",
        "[1]",
        "array is too short: must have at least 2 elements but instance has 1 elements",
    ),
    (
        "{\"maxItems\":1}",
        "[1,2]",
        "array is too long: must have at most 1 elements but instance has 2 elements",
    ),
    ("{\"uniqueItems\":true}", "[1,1]", "array must not contain duplicate elements"),
    (
        "{\"items\":[{}],\"additionalItems\":false}",
        "[1,2]",
        "schema only allows 1 elements in array but instance has 2 elements",
    ),
    ("{\"minProperties\":1}", "{}", "object has too few properties (found 0 but schema requires at least 1)"),
    (
        "{\"maxProperties\":1}",
        "{\"a\":1,\"b\":2}",
        "object has too many properties (found 2 but schema requires at most 1)",
    ),
    (
        "{\"additionalProperties\":false}",
        "{\"b\":1,\"a\":2}",
        "object instance has properties which are not allowed by the schema: [\"a\",\"b\"]",
    ),
    (
        "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\"}]}",
        "1",
        "instance failed to match at least one required schema among 2",
    ),
    (
        "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\"}]}",
        "1",
        "instance failed to match exactly one schema (matched 0 out of 2)",
    ),
    (
        "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"array\"},{\"minimum\":0}]}",
        "1",
        "instance failed to match exactly one schema (matched 2 out of 3)",
    ),
    ("{\"not\":{\"type\":\"integer\"}}", "1", "instance matched a schema which it should not have"),
];

#[test]
fn words_of_one_keyword() {
    for (schema, body, want) in WORDS {
        check(schema, body, &format!("[{want}]"));
    }
}

/// By the names of keywords; and nothing below a value that does not fit itself.
#[test]
fn several_at_once() {
    let schema = r#"{"required":["a"],"additionalProperties":false,
        "properties":{"a":{},"b":{"type":"string"},"c":{"minimum":2,"maximum":0}}}"#;
    check(
        schema,
        r#"{"b":1,"x":1}"#,
        "[object instance has properties which are not allowed by the schema: [\"x\"], \
         object has missing required properties ([\"a\"])]",
    );
    check(
        schema,
        r#"{"a":1,"b":1,"c":1}"#,
        "[instance type (integer) does not match any allowed primitive type (allowed: [\"string\"]), \
         numeric instance is greater than the required maximum (maximum: 0, found: 1), \
         numeric instance is lower than the required minimum (minimum: 2, found: 1)]",
    );
    check(schema, "x", "[request body is not JSON]");
    check(schema, "", "[object has missing required properties ([\"a\"])]");
}

/// A format that would have regular expressions of clients compiled is not checked.
#[test]
fn regular_expressions_of_clients_are_not_compiled() {
    check(r#"{"format":"regex"}"#, r#""(((""#, "");
}

#[test]
fn what_is_said_is_bounded() {
    let model = compile(r#"{"items":{"enum":["none of all these"]}}"#).expect("a model");
    for items in [100, 2_000, 200_000] {
        let body = format!("[{}1]", "1,".repeat(items));
        let said = model.check(body.as_bytes()).expect_err("invalid").0;
        assert!(said.len() <= VALIDATION_ERROR_BYTES_MAX, "{}", said.len());
        assert!(said.starts_with("[instance value (1) not found") && said.ends_with(']'), "{said}");
    }
    let long = format!("[\"{}\"]", "ä".repeat(1 << 20));
    let said = model.check(long.as_bytes()).expect_err("invalid").0;
    assert!(said.len() <= VALIDATION_ERROR_BYTES_MAX && said.ends_with("ä]"), "{said}");
}

#[track_caller]
fn check_refused(schema: &str, pointer: &str) {
    let error = compile(schema).expect_err(schema);
    assert_eq!((error.resource, error.pointer.as_str()), (0, pointer), "{schema}: {error}");
}

#[test]
fn schemas_that_are_none() {
    check_refused(r#"{"properties":{"a":{"type":"text"}}}"#, "/properties/a/type");
    check_refused(r#"{"required":[]}"#, "/required");
    check_refused(r#"{"required":true}"#, "/required");
    check_refused(r#"{"properties":{"a":{"pattern":"(?=a)"}}}"#, "/properties/a/pattern");
    check_refused(r#"{"properties":{"a":{"pattern":"("}}}"#, "/properties/a/pattern");
    check_refused(r#"{"pattern":"(?:a{1000}){1000}"}"#, "/pattern");
    check_refused(r#"{"patternProperties":{"(?=a)":{}}}"#, "/patternProperties/(?=a)");
    check_refused(r#"{"minimum":1,"exclusiveMinimum":1}"#, "/exclusiveMinimum");
    check_refused(r#"{"exclusiveMinimum":true}"#, "");
    compile(r##"{"$ref":"model:///1"}"##).expect_err("a reference into nothing");
    compile(r##"{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/b"}"##)
        .expect_err("nothing is fetched");
}

/// Schemas that lead to themselves, without a value in between.
#[test]
fn circles_end() {
    for schema in [
        r##"{"$ref":"#"}"##,
        r##"{"allOf":[{"$ref":"#"}]}"##,
        r##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##,
        r##"{"not":{"$ref":"#"}}"##,
    ] {
        let Ok(model) = compile(schema) else { continue };
        let _ = model.check(b"{\"a\":1}");
    }
}
