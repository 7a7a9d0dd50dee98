//! Models and validators: what is wrong with them, and what has no effect.

use crate::{findings, load_document};

/// A document that validates bodies by `schema`, which begins in line 7, column 18.
fn document(schema: &str) -> String {
    let schema = schema.replace('\n', "\n      ");
    format!(
        "openapi: 3.0.1\nx-amazon-apigateway-request-validator: all\nx-amazon-apigateway-request-validators:\n  all: {{ validateRequestBody: true, validateRequestParameters: true }}\ncomponents:\n  schemas:\n    Pet: &schema {schema}\n    Other: {{ type: object }}\npaths:\n  /:\n    post:\n      requestBody: {{ content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Pet' }} }} }} }}\n      x-amazon-apigateway-integration: {{ type: mock, requestTemplates: {{ application/json: '{{\"statusCode\": 200}}' }}, responses: {{ default: {{ statusCode: 200 }} }} }}\n"
    )
}

#[track_caller]
fn check(schema: &str, want: &str) {
    assert_eq!(findings(&document(schema)), want, "{schema}");
}

const HELP: &str =
    " | AWS validates by JSON Schema draft 4; validateRequestBody: false leaves the model alone";

#[test]
fn a_schema_that_is_no_model() {
    for (schema, place, message) in [
        (
            "{ properties: { a: { type: text } } }",
            "7:39",
            "`type` must be array, boolean, integer, null, number, object or string, or a list of these, each once",
        ),
        ("{ required: [] }", "7:20", "`required` must be a list of names, at least one, each once"),
        ("{ required: true }", "7:20", "`required` must be a list of names, at least one, each once"),
        (
            "{ minimum: 0, exclusiveMinimum: 5 }",
            "7:32",
            "`exclusiveMinimum` must be true or false, beside the bound",
        ),
        ("{ minLength: -1 }", "7:20", "`minLength` must be an integer of at least 0"),
        ("{ enum: 1 }", "7:20", "`enum` must be a list of values, each once"),
        (
            "{ items: { pattern: (?=a) } }",
            "7:29",
            "`pattern` must be a regular expression that runs in linear time: without look-around and back-references",
        ),
        ("text", "7:18", "\"text\" is not of type \"object\""),
    ] {
        check(schema, &format!("{place}: error: not a model: {message}{HELP}"));
    }
}

#[test]
fn references() {
    let help = " | models refer to each other by #/definitions/NAME, #/components/schemas/NAME or https://apigateway.amazonaws.com/restapis/API/models/NAME";
    for (reference, want) in [
        ("#/components/schemas/Other", ""),
        ("https://apigateway.amazonaws.com/restapis/{id}/models/Other", ""),
        (
            "#/components/schemas/Nobody",
            "7:33: error: there is no model `#/components/schemas/Nobody` in this document",
        ),
        (
            "https://apigateway.amazonaws.com/restapis/x/models/Nobody",
            "7:33: error: there is no model `https://apigateway.amazonaws.com/restapis/x/models/Nobody` in this document",
        ),
    ] {
        check(&format!("{{ not: {{ $ref: '{reference}' }} }}"), want);
    }
    check(
        "{ not: { $ref: 'other.json' } }",
        &format!("7:33: error: `other.json` is not in this document{help}"),
    );
    check(
        "{ $ref: '#/components/schemas/Pet' }",
        "12:61: error: more than 16 references follow each other: this is a circle",
    );
}

/// The schemas of a model itself, as models that were made without OpenAPI have them.
#[test]
fn a_model_may_have_definitions_of_its_own() {
    check(
        "{ definitions: { name: { type: string } }, properties: { name: { $ref: '#/definitions/name' } } }",
        "",
    );
    check(
        "{ definitions: { name: { type: text } }, properties: { name: { $ref: '#/definitions/name' } } }",
        &format!(
            "7:43: error: not a model: `type` must be array, boolean, integer, null, number, object or string, or a list of these, each once{HELP}"
        ),
    );
}

#[test]
fn what_has_no_effect() {
    check(
        "{ type: string, nullable: true }",
        "7:34: warning: `nullable` has no effect: models are JSON Schema draft 4 | write type: [string, \"null\"]",
    );
    check(
        "{ properties: { a: { if: {} } } }",
        "7:39: warning: `if` has no effect: models are JSON Schema draft 4",
    );
    check(
        "{ propertys: {} }",
        "7:20: warning: `propertys` has no effect: no schema has this keyword | did you mean `properties`?",
    );
    check(
        "{ $schema: 'http://json-schema.org/draft-07/schema#' }",
        "7:29: warning: `$schema` has no effect: models are JSON Schema draft 4 | http://json-schema.org/draft-04/schema#",
    );
    check(
        "{ $schema: 'http://json-schema.org/draft-04/schema#', title: A, example: { if: 1 }, x-more: 1, default: { then: 1 }, enum: [{ const: 1 }] }",
        "",
    );
    check("{ properties: { nullable: { type: string }, $ref: { type: string } } }", "");
}

#[test]
fn what_nobody_validates_is_not_looked_at() {
    let broken = document("{ type: text, $ref: 7 }");
    assert_eq!(findings(&broken.replace("validateRequestBody: true", "validateRequestBody: false")), "");
    let unused = document("{ type: object }").replace("Other: { type: object }", "Other: { type: text }");
    assert_eq!(findings(&unused), "");
}

#[test]
fn content_types_that_no_request_has() {
    let any = document("{}").replace("application/json: { schema", "'*/*': { schema");
    assert_eq!(
        findings(&any),
        "12:33: warning: no request has the content type */* | to validate bodies of any content type, name it $default"
    );
}

#[test]
fn validators() {
    let document = document("{}");
    let unknown = document.replace("request-validator: all", "request-validator: al");
    assert_eq!(findings(&unknown), "2:40: error: unknown request validator `al` | did you mean `all`?");
    let own =
        document.replace("    post:\n", "    post:\n      x-amazon-apigateway-request-validator: none\n");
    assert_eq!(findings(&own), "12:46: error: unknown request validator `none` | known here: all");
    let key = document.replace("validateRequestParameters: true", "validateParameters: true");
    assert!(findings(&key).contains("error: unknown key `validateParameters`"), "{}", findings(&key));
    let word = document.replace("validateRequestBody: true", "validateRequestBody: 1");
    assert!(findings(&word).contains("error: expected true or false"), "{}", findings(&word));
}

/// OpenAPI 2.0: a parameter in the body, for all types that are consumed.
#[test]
fn bodies_of_openapi_2() {
    let document = r#"
swagger: '2.0'
consumes: [application/json, text/json]
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-request-validators: { all: { validateRequestBody: true } }
definitions:
  Pet: { type: object, required: [name] }
paths:
  /a:
    parameters: [{ in: body, name: pet, schema: { $ref: '#/definitions/Pet' } }]
    post: &post
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode": 200}' }, responses: { default: { statusCode: 200 } } }
  /b:
    post:
      <<: *post
      consumes: [text/other]
      parameters: [{ in: body, name: pet, schema: { type: array } }]
  /c:
    get: *post
"#;
    let (_folder, loaded) = load_document(document);
    let plan = loaded.unwrap_or_else(|findings| panic!("{findings}")).plan;
    let api = &plan.apis[0];
    let fits = |path: &str, content_type: Option<&str>, body: &str| {
        let route = api.routes.iter().position(|route| api.resources[route.resource].path == path);
        let validation = api.validations[route.expect("a route")].as_ref()?;
        let model = validation.model(content_type.map(str::as_bytes))?;
        Some(model.check(body.as_bytes()).is_ok())
    };
    for content_type in [None, Some("application/json"), Some("text/json")] {
        assert_eq!(fits("/a", content_type, "{\"name\":1}"), Some(true));
        assert_eq!(fits("/a", content_type, "{}"), Some(false));
    }
    assert_eq!(fits("/a", Some("text/other"), "{}"), None);
    assert_eq!(fits("/b", Some("text/other"), "[]"), Some(true));
    assert_eq!(fits("/b", Some("text/other"), "{}"), Some(false));
    assert_eq!(fits("/b", None, "{}"), None);
    assert_eq!(fits("/c", None, "{}"), None);
}
