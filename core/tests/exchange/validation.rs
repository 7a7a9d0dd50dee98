//! Request validation (facts 19 to 29, 31, 32; behaviour section 12).

use tidegate_core::http1::BodyFraming;

use crate::carrier::{Exchanged, Gateway, Origin};

const DOCUMENT: &str = r##"
x-amazon-apigateway-request-validators:
  all: { validateRequestBody: true, validateRequestParameters: true }
  body: { validateRequestBody: true, validateRequestParameters: false }
  parameters: { validateRequestBody: false, validateRequestParameters: true }
  nothing: { validateRequestBody: false, validateRequestParameters: false }
x-amazon-apigateway-request-validator: all
components:
  schemas:
    Pet: &pet
      type: object
      required: [name]
      properties:
        name: { type: string, minLength: 1 }
        age: { type: integer, minimum: 0, maximum: 30 }
        friend: { $ref: '#/components/schemas/Pet' }
        status: { oneOf: [{ type: 'null' }, { $ref: 'https://apigateway.amazonaws.com/restapis/abc123/models/Status' }] }
    Status:
      type: object
      required: [Order]
      properties: { Order: { type: integer } }
    Person:
      type: object
      required: [name]
      properties: { house: { $ref: '#/components/schemas/House' } }
    House:
      type: object
      required: [persons]
      properties: { persons: { type: array, items: { $ref: '#/components/schemas/Person' } } }
paths:
  /pets/{id}:
    parameters: [{ name: id, in: path, required: true }]
    post: &post
      parameters:
        - { name: issuer, in: path, required: true }
        - { name: qs1, in: query, required: true }
        - { name: x-header-param, in: header, required: true }
        - { name: free, in: query }
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration: &origin
        { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/' }
    put:
      parameters:
        - { name: qs1, in: query, required: true }
        - { name: Content-Length, in: header, required: true }
      x-amazon-apigateway-integration: *origin
    delete:
      x-amazon-apigateway-request-validator: nothing
      parameters: [{ name: qs1, in: query, required: true }]
      requestBody: { content: { application/json: { schema: { type: array } } } }
      x-amazon-apigateway-integration: *origin
    patch:
      x-amazon-apigateway-request-validator: parameters
      parameters: [{ name: qs1, in: query, required: true }]
      requestBody: { content: { application/json: { schema: { type: array } } } }
      x-amazon-apigateway-integration: *origin
  /body:
    x-amazon-apigateway-any-method: &body
      x-amazon-apigateway-request-validator: body
      parameters: [{ name: qs1, in: query, required: true }]
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration: *origin
  /default:
    post:
      requestBody: { content: { $default: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration: *origin
  /list:
    post:
      requestBody:
        content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration: *origin
  /person:
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Person' } } } }
      x-amazon-apigateway-integration: *origin
  /mock:
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: mocked } } }
  /custom:
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://origin.test/
        requestTemplates: { application/json: "I am $input.path('$.name')" }
        responses: { default: { statusCode: 200 } }
  /iam:
    post:
      security: [{ iam: [] }]
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      x-amazon-apigateway-integration: *origin
"##;

const SECURITY: &str = r#"
  securitySchemes:
    iam: { type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4 }
"#;

fn document() -> String {
    DOCUMENT.replace("components:\n", &format!("components:{SECURITY}"))
}

const ANSWER: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 2\n\nok");

#[track_caller]
fn exchange(request: &str, origin: Origin<'_>) -> Exchanged {
    Gateway::new(&document()).exchange(request, origin)
}

fn post(path: &str, fields: &str, body: &str) -> String {
    format!("POST /prod{path} HTTP/1.1\nHost: a\n{fields}Content-Length: {}\n\n{body}", body.len())
}

/// The request is refused with this message, and no backend is called.
#[track_caller]
fn check_refused(request: &str, message: &str) {
    let answered = exchange(request, Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answered}");
    assert!(answered.contains("\r\nx-amzn-ErrorType: BadRequestException\r\n"), "{answered}");
    assert!(answered.ends_with(&format!("\r\n\r\n{{\"message\": \"{message}\"}}")), "{answered}");
}

/// The request reaches the backend with its body.
#[track_caller]
fn check_passes(request: &str) {
    let exchanged = exchange(request, ANSWER);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{}", exchanged.answered);
    let body = request.split_once("\n\n").map_or("", |(_, body)| body);
    // A body that nothing has to read follows as it comes.
    let follows = exchanged.call.is_some_and(|call| call.upload != BodyFraming::None);
    let is_sent = exchanged.sent.ends_with(&format!("\r\n\r\n{body}"));
    assert!(is_sent != follows, "{}", exchanged.sent);
}

/// Facts 19, 20, 21 and 24: all at once, headers, path, query; before the body.
#[test]
fn missing_parameters() {
    const ALL: &str = "Missing required request parameters: [x-header-param, issuer, qs1]";
    check_refused(&post("/pets/1", "", "{}"), ALL);
    check_refused(&post("/pets/1?qs1=&free=1", "x-header-param:   \n", "{\"name\":\"a\"}"), ALL);
    check_refused(&post("/pets/1?qs1=%20+", "", "not JSON"), ALL);
    let missing = |names: &str| format!("Missing required request parameters: [{names}]");
    check_refused(&post("/pets/1?qs1=1", "X-Header-Param: 1\n", "{}"), &missing("issuer"));
    check_refused(&post("/pets/1?a&qs1=1", "", "{}"), &missing("x-header-param, issuer"));
    check_refused("PATCH /prod/pets/1 HTTP/1.1\nHost: a", &missing("qs1"));
    check_passes("PATCH /prod/pets/1?qs1=1 HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}");
}

/// Fact 91: API Gateway takes such fields away before anything else.
#[test]
fn a_field_that_is_taken_away_is_missing() {
    check_refused(
        "PUT /prod/pets/1?qs1=1 HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}",
        "Missing required request parameters: [Content-Length]",
    );
}

/// Facts 22, 23, 27, 28.
#[test]
fn bodies() {
    const INVALID: &str = "Invalid request body";
    for body in ["{}", "", "[]", "null", "{\"name\":1}", "{\"name\":\"\"}", "{\"name\":\"a\",}", "{name:'a'}"]
    {
        check_refused(&post("/body", "", body), INVALID);
        check_refused(&post("/default", "Content-Type: text/plain\n", body), INVALID);
    }
    for body in
        ["{\"name\":\"a\"}", " {\"name\":\"a\",\"x\":[],\"age\":30} ", "{\"name\":\"a\",\"status\":null}"]
    {
        check_passes(&post("/body", "", body));
        check_passes(&post("/default", "Content-Type: text/plain\n", body));
    }
    check_passes(&post("/body", "", "{\"name\":\"a\",\"status\":{\"Status\":\"works\",\"Order\":1}}"));
    check_refused(&post("/body", "", "{\"name\":\"a\",\"status\":{\"badFormat\":1}}"), INVALID);
    check_refused(&post("/body", "", "{\"name\":\"a\",\"friend\":{\"name\":1}}"), INVALID);
    check_passes(&post("/body", "", "{\"name\":\"a\",\"friend\":{\"name\":\"b\"}}"));
    for fields in ["", "Content-Type: application/json\n"] {
        check_refused(&format!("GET /prod/body HTTP/1.1\nHost: a\n{fields}\n"), INVALID);
    }
    check_refused("POST /prod/list HTTP/1.1\nHost: a", INVALID);
    check_passes(&post("/list", "", "[{\"name\":\"a\"}]"));
    check_refused(&post("/list", "", "[{\"name\":\"a\"},{}]"), INVALID);
}

/// Fact 29.
#[test]
fn models_that_refer_to_each_other() {
    let house = |inner: &str| format!("{{\"name\":\"a\",\"house\":{{\"persons\":[{inner}]}}}}");
    check_passes(&post("/person", "", &house(&house("{\"name\":\"b\"}"))));
    check_refused(&post("/person", "", &house(&house("{\"names\":\"b\"}"))), "Invalid request body");
}

#[test]
fn a_content_type_without_model_is_not_validated() {
    check_passes(&post("/body", "Content-Type: text/plain\n", "anything"));
    check_refused(
        &post("/body", "Content-Type: application/json;charset=utf-8\n", "anything"),
        "Invalid request body",
    );
}

/// Fact 25.
#[test]
fn a_validator_that_checks_nothing() {
    check_passes("DELETE /prod/pets/1 HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}");
}

#[test]
fn bodies_that_are_no_text() {
    let deep = format!("{{\"name\":\"a\",\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    check_refused(&post("/body", "", &deep), "Invalid request body");
    let chunked = "POST /prod/body HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\n";
    check_refused(chunked, "Invalid request body");
    let coded = "POST /prod/body HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n2\n{}\n0\n\n";
    let answered = exchange(coded, Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 415 "), "{answered}");
}

#[test]
fn other_integrations() {
    let exchanged = exchange(&post("/mock", "", "{\"name\":\"a\"}"), Origin::Uncalled);
    assert!(exchanged.answered.ends_with("\r\n\r\nmocked"), "{}", exchanged.answered);
    check_refused(&post("/mock", "", "{}"), "Invalid request body");
    let exchanged = exchange(&post("/custom", "", "{\"name\":\"a\"}"), ANSWER);
    assert!(exchanged.sent.ends_with("\r\n\r\nI am a"), "{}", exchanged.sent);
    check_refused(&post("/custom", "", "[]"), "Invalid request body");
}

/// Authorization comes first.
#[test]
fn an_unsigned_request_is_not_validated() {
    let answered = exchange(&post("/iam", "", "{}"), Origin::Uncalled).answered;
    assert!(answered.starts_with("HTTP/1.1 403 "), "{answered}");
}

const RESPONSES: &str = r#"
x-amazon-apigateway-gateway-responses:
  BAD_REQUEST_BODY:
    statusCode: 422
    responseTemplates: { application/json: 'why: $context.error.validationErrorString' }
  BAD_REQUEST_PARAMETERS:
    responseTemplates: { application/json: '$context.error.messageString $context.error.responseType' }
"#;

/// The reasons go to gateway responses and the access log.
#[test]
fn reasons() {
    let document = format!("{}{RESPONSES}", document());
    let format = "$context.requestId \"$context.error.validationErrorString\" $context.error.message";
    let mut gateway = Gateway::logging(&document, format);
    let exchanged = gateway.exchange(&post("/body", "", "{\"age\":31,\"x\":1}"), Origin::Uncalled);
    assert!(exchanged.answered.starts_with("HTTP/1.1 422 "), "{}", exchanged.answered);
    let why = "[object has missing required properties ([\"name\"])]";
    assert!(exchanged.answered.ends_with(&format!("\r\n\r\nwhy: {why}")), "{}", exchanged.answered);
    let logged = why.replace('"', "\\u0022");
    assert!(
        exchanged.logged.ends_with(&format!(" \"{logged}\" Invalid request body\n")),
        "{}",
        exchanged.logged
    );
    let exchanged = gateway.exchange(&post("/pets/1?qs1=1", "", ""), Origin::Uncalled);
    assert!(
        exchanged.answered.ends_with(
            "\r\n\r\n\"Missing required request parameters: [x-header-param, issuer]\" BAD_REQUEST_PARAMETERS"
        ),
        "{}",
        exchanged.answered
    );
    assert!(exchanged.logged.contains(" \"-\" Missing required"), "{}", exchanged.logged);
    let exchanged = gateway.exchange(&post("/body", "", "{\"name\":\"a\"}"), ANSWER);
    assert!(exchanged.logged.ends_with(" \"-\" -\n"), "{}", exchanged.logged);
}
