//! Lambda authorizers: what their functions get, what becomes of what they answer, and what is remembered.

use serde_json::{Value, json};
use tidegate_core::exchange::{InvokeFailure, Wanted};
use tidegate_core::limits::AUTHORIZER_TIMEOUT_MS;
use tidegate_core::plan::FunctionId;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Function, Gateway, ID, Origin, wire};
use crate::plan::Settings;

const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations";

const DOCUMENT: &str = r#"
paths:
  /pets/{id}:
    get: &token
      security: [{ token: [] }]
      x-amazon-apigateway-integration: &backend
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/pets
        requestParameters:
          integration.request.header.X-Principal: context.authorizer.principalId
          integration.request.header.X-Tier: context.authorizer.tier
          integration.request.header.X-Number: context.authorizer.number
    put: *token
  /admin:
    get: *token
  /all:
    get:
      security: [{ request: [] }]
      x-amazon-apigateway-integration: *backend
  /fresh:
    get:
      security: [{ fresh: [] }]
      x-amazon-apigateway-integration: *backend
  /keyed:
    get:
      security: [{ token: [] }, { key: [] }]
      x-amazon-apigateway-integration: *backend
  /function:
    post:
      security: [{ token: [] }]
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: URI
  /template:
    get:
      security: [{ token: [] }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/template
        requestTemplates:
          application/json: >-
            $context.authorizer.principalId/$context.authorizer.get('tier')/$context.authorizer['number']/$context.authorizer.none/$context.authorizer.keySet()/$context.authorizer.claims
        responses: { default: { statusCode: 200 } }
  /unknown:
    get:
      security: [{ stageless: [] }]
      x-amazon-apigateway-integration: *backend
components:
  securitySchemes:
    key: { type: apiKey, name: x-api-key, in: header }
    token:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: custom
      x-amazon-apigateway-authorizer: { type: token, authorizerUri: 'URI', identityValidationExpression: 'Bearer [a-z0-9-]+' }
    request:
      type: apiKey
      name: Unused
      in: header
      x-amazon-apigateway-authtype: custom
      x-amazon-apigateway-authorizer:
        type: request
        authorizerUri: URI
        identitySource: method.request.header.X-Who, method.request.querystring.who, stageVariables.tier, context.identity.sourceIp
        authorizerResultTtlInSeconds: 10
    fresh:
      type: apiKey
      name: Unused
      in: header
      x-amazon-apigateway-authorizer: { type: request, authorizerUri: 'URI', authorizerResultTtlInSeconds: 0 }
    stageless:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authorizer:
        type: token
        authorizerUri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:${stageVariables.none}/invocations
"#;

const OK: Origin<'_> = Origin::Answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
const FORMAT: &str = "$context.requestId $context.status $context.authorizer.principalId $context.authorizer.tier \
                      $context.authorizer.status $context.authorizer.integrationStatus $context.authorizer.latency \
                      $context.authorizer.error $context.authorize.status";

/// A document with these lines at its root.
fn document(more: &str) -> String {
    format!("{DOCUMENT}{more}\n").replace("URI", URI)
}

fn gateway() -> Gateway {
    Gateway::logging(&document(""), FORMAT)
}

/// An answer that lets (or not) `effect` methods `resource` be called.
fn policy(effect: &str, resource: &str) -> String {
    json!({
        "principalId": "user-1",
        "policyDocument": { "Version": "2012-10-17", "Statement": [
            { "Sid": "One", "Action": "execute-api:Invoke", "Effect": effect,
              "Resource": format!("arn:aws:execute-api:us-east-1:123456789012:api/prod/{resource}") }
        ] },
        "context": { "tier": "gold", "number": 7, "yes": true },
    })
    .to_string()
}

fn allow(resource: &str) -> Function {
    Function::Answers(policy("Allow", resource))
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\nHost: api.execute-api.us-east-1.amazonaws.com\n{fields}")
}

fn with_token(target: &str) -> String {
    get(target, "Authorization: Bearer abc\n")
}

#[track_caller]
fn served(gateway: &mut Gateway, request: &str) -> Exchanged {
    let exchanged = gateway.exchange(request, OK);
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{request}\n{}", exchanged.answered);
    assert_eq!(exchanged.denial, "");
    exchanged
}

#[track_caller]
fn check_refused(exchanged: &Exchanged, status: &str, error_type: &str, body: &str) {
    let want = wire(&format!(
        "HTTP/1.1 {status}\n{DATE}\nContent-Type: application/json\nContent-Length: {}\nConnection: keep-alive\n\
         x-amzn-RequestId: {ID}\nx-amzn-ErrorType: {error_type}\nx-amz-apigw-id: {EXTENDED_ID}\n\n{body}",
        body.len()
    ));
    assert_eq!(exchanged.answered, want);
}

#[track_caller]
fn check_unauthorized(exchanged: &Exchanged, rule: &str) {
    check_refused(exchanged, "401 Unauthorized", "UnauthorizedException", r#"{"message":"Unauthorized"}"#);
    assert!(exchanged.denial.contains(&format!("rule=\"{rule}\"")), "{}", exchanged.denial);
}

#[track_caller]
fn check_fault(exchanged: &Exchanged, rule: &str) {
    let error_type = "AuthorizerConfigurationException";
    check_refused(exchanged, "500 Internal Server Error", error_type, r#"{"message":null}"#);
    assert!(exchanged.denial.contains(rule), "{}", exchanged.denial);
}

#[track_caller]
fn check_denied(exchanged: &Exchanged, message: &str, rule: &str) {
    let body = format!(r#"{{"Message":"{message}"}}"#);
    check_refused(exchanged, "403 Forbidden", "AccessDeniedException", &body);
    assert!(exchanged.denial.contains(&format!("rule=\"{rule}\"")), "{}", exchanged.denial);
    assert!(!exchanged.denial.contains("Bearer"), "{}", exchanged.denial);
}

const DENIED: &str = "User is not authorized to access this resource";
const DENIED_BY: &str = "User is not authorized to access this resource with an explicit deny";

#[test]
fn a_token_authorizer_gets_the_token() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("GET/pets/*"));
    let exchanged = served(&mut gateway, &with_token("/prod//pets/a%2Fb/"));
    let (invoke, event, fields) = &gateway.asked[0];
    assert_eq!(
        (invoke.function, invoke.timeout_ms, invoke.wanted),
        (FunctionId(0), AUTHORIZER_TIMEOUT_MS, Wanted::Answer)
    );
    assert_eq!(
        event,
        r#"{"type":"TOKEN","methodArn":"arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/pets/a%2Fb","authorizationToken":"Bearer abc"}"#
    );
    let arn = "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:pets\r\n";
    assert!(fields.starts_with(arn), "{fields}");
    for field in ["X-Principal: user-1", "X-Tier: gold", "X-Number: 7"] {
        assert!(exchanged.sent.contains(&format!("\r\n{field}\r\n")), "{field}: {}", exchanged.sent);
    }
    assert_eq!(exchanged.logged, format!("{ID} 200 user-1 gold 200 200 5 - 200\n"));
}

#[test]
fn a_token_is_a_json_string_whatever_it_holds() {
    let mut gateway =
        Gateway::new(&document("").replace(", identityValidationExpression: 'Bearer [a-z0-9-]+'", ""));
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/admin", "Authorization: a\"b\\c\u{e9}\nauthorization: second\n"));
    let event: Value = serde_json::from_str(&gateway.asked[0].1).expect("JSON");
    assert_eq!(event["authorizationToken"], "a\"b\\c\u{e9},second");
}

#[test]
fn a_request_authorizer_gets_all_but_the_body() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/all?who=me&a=1&a=%20", "X-Who: me\nx-who: too\nUser-Agent: test\n"));
    let event: Value = serde_json::from_str(&gateway.asked[0].1).expect("JSON");
    let members: Vec<&str> = event.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut want = vec![
        "type",
        "methodArn",
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
    ];
    want.sort_unstable();
    assert_eq!(members, want);
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["methodArn"], "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/all");
    assert_eq!(
        (&event["resource"], &event["path"], &event["httpMethod"]),
        (&json!("/all"), &json!("/all"), &json!("GET"))
    );
    assert_eq!(event["queryStringParameters"], json!({"a": " ", "who": "me"}));
    assert_eq!(event["multiValueHeaders"]["X-Who"], json!(["me", "too"]));
    assert_eq!(event["pathParameters"], json!({}));
    assert_eq!(event["stageVariables"], json!({"colour": "blue", "tier": "gold"}));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "192.0.2.7");
    assert_eq!(event["requestContext"]["authorizer"], Value::Null);
    gateway.authorizers.push_back(allow("*"));
    served(&mut gateway, &get("/prod/fresh", ""));
    let event: Value = serde_json::from_str(&gateway.asked[1].1).expect("JSON");
    assert_eq!(
        (&event["queryStringParameters"], &event["multiValueQueryStringParameters"]),
        (&json!({}), &json!({}))
    );
}

#[test]
fn an_identity_source_that_is_missing_is_401_and_nobody_is_asked() {
    let first = "identity source 1 of the authorizer token is missing";
    for fields in ["", "Authorization: \n", "Authorization:  \t \n", "X-Authorization: Bearer abc\n"] {
        check_unauthorized(&gateway().exchange(&get("/prod/admin", fields), Origin::Uncalled), first);
    }
    let pattern = "the token does not match the validation expression of the authorizer token";
    for token in ["abc", "Bearer ABC", "Bearer abc def", "Bearer abc, Bearer abc"] {
        let request = get("/prod/admin", &format!("Authorization: {token}\n"));
        check_unauthorized(&gateway().exchange(&request, Origin::Uncalled), pattern);
    }
    let twice = get("/prod/admin", "Authorization: Bearer abc\nAuthorization: Bearer abc\n");
    check_unauthorized(&gateway().exchange(&twice, Origin::Uncalled), pattern);
    for (target, fields, missing) in [
        ("/prod/all?who=me", "", 1),
        ("/prod/all", "X-Who: me\n", 2),
        ("/prod/all?who=&x=1", "X-Who: me\n", 2),
    ] {
        let exchanged = gateway().exchange(&get(target, fields), Origin::Uncalled);
        check_unauthorized(
            &exchanged,
            &format!("identity source {missing} of the authorizer request is missing"),
        );
        assert!(exchanged.logged.contains(" 401 - - 401 - 0 Unauthorized -"), "{}", exchanged.logged);
    }
}

#[test]
fn what_the_policy_says_is_done() {
    let check = |effect: &str, resource: &str, message: Option<(&str, &str)>| {
        let mut gateway = gateway();
        gateway.authorizers.push_back(Function::Answers(policy(effect, resource)));
        match message {
            None => drop(served(&mut gateway, &with_token("/prod/pets/7"))),
            Some((message, rule)) => {
                check_denied(&gateway.exchange(&with_token("/prod/pets/7"), Origin::Uncalled), message, rule);
            }
        }
    };
    let nothing = Some((DENIED, "no statement of the policy that the authorizer gave allows"));
    let one = Some((DENIED_BY, "statement 1 (One) of the policy that the authorizer gave denies"));
    check("Allow", "*", None);
    check("Allow", "GET/pets/7", None);
    check("Allow", "GET/pets/8", nothing);
    check("Allow", "PUT/pets/7", nothing);
    check("Deny", "GET/pets/7", one);
    check("Deny", "*", one);
    check("Deny", "GET/pets/8", nothing);
}

#[test]
fn failures_are_401_and_500() {
    let ask = |function: Function| {
        let mut gateway = gateway();
        gateway.authorizers.push_back(function);
        gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled)
    };
    let fails =
        |message: &str| Function::Fails(json!({"errorType": "Error", "errorMessage": message}).to_string());
    check_unauthorized(&ask(fails("Unauthorized")), "the function of the authorizer token says Unauthorized");
    for message in ["unauthorized", "Unauthorized ", "Unauthorized: no", "", "secret"] {
        let exchanged = ask(fails(message));
        check_fault(&exchanged, "its function has failed");
        assert!(!exchanged.denial.contains("secret"));
        assert_eq!(exchanged.logged, format!("{ID} 500 - - 500 200 5 - -\n"));
    }
    check_fault(&ask(Function::Fails("no JSON".to_owned())), "its function has failed");
    check_fault(&ask(Function::Silent(InvokeFailure::Timeout)), "its function has not answered in time");
    let throttled = ask(Function::Silent(InvokeFailure::Throttled));
    check_fault(&throttled, "too many invocations of its function wait");
    assert_eq!(throttled.logged, format!("{ID} 500 - - 500 429 5 - -\n"));
    for (answer, rule) in [
        ("", "its answer is no JSON object"),
        ("\"Allow\"", "its answer is no JSON object"),
        ("{}", "its answer has no principalId"),
        (r#"{"principalId":"a"}"#, "its answer has no policyDocument"),
        (r#"{"principalId":"a","policyDocument":{}}"#, "its policyDocument is no policy"),
        (&policy("allow", "*"), "its policyDocument has an Effect other than Allow and Deny"),
        (&policy("Allow", "*").replace("\"number\":7", "\"number\":{}"), "context in its answer"),
    ] {
        check_fault(&ask(Function::Answers(answer.to_owned())), rule);
    }
    let exchanged = gateway().exchange(&with_token("/prod/unknown"), Origin::Uncalled);
    check_fault(&exchanged, "it cannot be called in this stage");
}

#[test]
fn an_api_may_word_them() {
    let responses = "x-amazon-apigateway-gateway-responses:\n  AUTHORIZER_CONFIGURATION_ERROR: { statusCode: 503, responseTemplates: { application/json: '{\"m\":$context.error.messageString}' } }\n  UNAUTHORIZED: { statusCode: 499 }\n  ACCESS_DENIED: { responseParameters: { gatewayresponse.header.x-who: context.authorizer.principalId } }";
    let mut gateway = Gateway::new(&document(responses));
    gateway.authorizers.extend([Function::Answers("{}".to_owned()), Function::Answers(policy("Deny", "*"))]);
    let fault = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled).answered;
    assert!(fault.starts_with("HTTP/1.1 503 ") && fault.ends_with("\r\n\r\n{\"m\":null}"), "{fault}");
    let denied = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled).answered;
    assert!(denied.starts_with("HTTP/1.1 403 ") && denied.contains("\r\nx-who: user-1\r\n"), "{denied}");
    let unauthorized = gateway.exchange(&get("/prod/admin", ""), Origin::Uncalled).answered;
    assert!(unauthorized.starts_with("HTTP/1.1 499 "), "{unauthorized}");
}

#[test]
fn an_answer_is_remembered_and_judged_anew_for_each_method() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("GET/pets/*"));
    served(&mut gateway, &with_token("/prod/pets/7"));
    let again = served(&mut gateway, &with_token("/prod/pets/8"));
    assert_eq!(again.logged, format!("{ID} 200 user-1 gold 200 - 0 - 200\n"));
    let denied = gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    check_denied(&denied, DENIED, "no statement of the policy that the authorizer gave allows");
    let denied = gateway.exchange(&with_token("/prod/pets/8").replace("GET", "PUT"), Origin::Uncalled);
    check_denied(&denied, DENIED, "no statement of the policy that the authorizer gave allows");
    assert_eq!(gateway.asked.len(), 1);
    gateway.authorizers.push_back(Function::Answers(policy("Deny", "*")));
    let other = with_token("/prod/pets/7").replace("abc", "abd");
    gateway.exchange(&other, Origin::Uncalled);
    check_denied(
        &gateway.exchange(&other, Origin::Uncalled),
        DENIED_BY,
        "statement 1 (One) of the policy that the authorizer gave denies",
    );
    assert_eq!(gateway.asked.len(), 2, "another token, and its denial is remembered, too");
}

#[test]
fn an_answer_is_forgotten_in_time() {
    let mut gateway = gateway();
    let request = get("/prod/all?who=me", "X-Who: me\n");
    gateway.authorizers.extend([allow("*"), allow("*")]);
    served(&mut gateway, &request);
    gateway.wait(9_900);
    served(&mut gateway, &request);
    assert_eq!(gateway.asked.len(), 1);
    gateway.wait(200);
    served(&mut gateway, &request);
    assert_eq!(gateway.asked.len(), 2);
    for other in [
        get("/prod/all?who=me2", "X-Who: me\n"),
        get("/prod/all?who=me", "X-Who: me2\n"),
        get("/prod/all?who=e", "X-Who: mem\n"),
    ] {
        gateway.authorizers.push_back(allow("*"));
        served(&mut gateway, &other);
    }
    assert_eq!(gateway.asked.len(), 5, "each identity source counts");
    for _ in 0..2 {
        gateway.authorizers.push_back(allow("*"));
        served(&mut gateway, &get("/prod/fresh", ""));
    }
    assert_eq!(gateway.asked.len(), 7, "nothing is remembered without time to live");
}

#[test]
fn failures_are_not_remembered() {
    let mut gateway = gateway();
    let unauthorized = r#"{"errorMessage":"Unauthorized"}"#.to_owned();
    gateway.authorizers.extend([
        Function::Fails(unauthorized),
        Function::Answers("{}".to_owned()),
        allow("*"),
    ]);
    gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    gateway.exchange(&with_token("/prod/admin"), Origin::Uncalled);
    served(&mut gateway, &with_token("/prod/admin"));
    assert_eq!(gateway.asked.len(), 3);
}

#[test]
fn authorizers_do_not_share_what_they_remember() {
    let mut gateway = Gateway::new(&document("").replace(
        "identitySource: method.request.header.X-Who, method.request.querystring.who, stageVariables.tier, context.identity.sourceIp",
        "identitySource: method.request.header.Authorization",
    ));
    gateway.authorizers.extend([allow("*"), allow("*")]);
    served(&mut gateway, &with_token("/prod/admin"));
    served(&mut gateway, &with_token("/prod/all"));
    assert_eq!(gateway.asked.len(), 2);
}

#[test]
fn functions_and_templates_see_what_the_authorizer_says() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(allow("*"));
    let request = with_token("/prod/function").replace("GET", "POST");
    for latency in [5, 0] {
        let exchanged = gateway.exchange(&request, Origin::Function(Ok("{}")));
        let event: Value = serde_json::from_str(&exchanged.sent).expect("JSON");
        let want = json!({"principalId": "user-1", "tier": "gold", "number": "7", "yes": "true", "integrationLatency": latency});
        assert_eq!(event["requestContext"]["authorizer"], want);
    }
    let sent = served(&mut gateway, &with_token("/prod/template")).sent;
    assert!(sent.ends_with("\r\n\r\nuser-1/gold/7//[principalId, number, tier, yes]/"), "{sent}");
}

#[test]
fn an_authorizer_may_name_the_api_key() {
    let mut gateway = Gateway::with(
        &document("x-amazon-apigateway-api-key-source: AUTHORIZER"),
        "$context.requestId $context.status $context.identity.apiKeyId $context.identity.apiKey",
        Settings::default(),
    );
    let with_key = |key: &str| {
        Function::Answers(policy("Allow", "*").replacen('{', &format!("{{\"usageIdentifierKey\":{key},"), 1))
    };
    gateway.authorizers.push_back(with_key("\"alice-0123456789abcdef\""));
    let exchanged = served(&mut gateway, &with_token("/prod/keyed"));
    assert_eq!(exchanged.logged, format!("{ID} 200 alice ****************abcdef\n"));
    for (token, function) in
        [("b", with_key("\"bob-0123456789abcdefgh\"")), ("c", with_key("null")), ("d", allow("*"))]
    {
        gateway.authorizers.push_back(function);
        let request = get(
            "/prod/keyed",
            &format!("Authorization: Bearer {token}\nx-api-key: alice-0123456789abcdef\n"),
        );
        let exchanged = gateway.exchange(&request, Origin::Uncalled);
        check_refused(&exchanged, "403 Forbidden", "ForbiddenException", r#"{"message":"Forbidden"}"#);
    }
}

#[test]
fn the_key_of_a_header_field_is_not_that_of_an_authorizer() {
    let mut gateway = gateway();
    gateway.authorizers.push_back(Function::Answers(policy("Allow", "*").replacen(
        '{',
        r#"{"usageIdentifierKey":"alice-0123456789abcdef","#,
        1,
    )));
    let exchanged = gateway.exchange(&with_token("/prod/keyed"), Origin::Uncalled);
    check_refused(&exchanged, "403 Forbidden", "ForbiddenException", r#"{"message":"Forbidden"}"#);
    served(
        &mut gateway,
        &get("/prod/keyed", "Authorization: Bearer abc\nx-api-key: alice-0123456789abcdef\n"),
    );
}

/// AWS's table A, row by row: what the authorizer's policy says, what the resource policy says, and what comes of it.
#[test]
fn with_a_resource_policy() {
    let anonymous = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
                     arn:aws:execute-api:us-east-1:********9012:api/prod/GET/admin with an explicit deny in a \
                     resource-based policy";
    let resource = |effect: &str| {
        let path = if effect == "silent" { "GET/other" } else { "GET/admin" };
        let effect = if effect == "Deny" { "Deny" } else { "Allow" };
        format!(
            "x-amazon-apigateway-policy: {{ Version: '2012-10-17', Statement: {{ Effect: {effect}, Principal: '*', \
             Action: 'execute-api:Invoke', Resource: 'execute-api:/prod/{path}' }} }}"
        )
    };
    for (own, resourced, want) in [
        ("Allow", "Allow", None),
        ("Allow", "silent", None),
        ("Allow", "Deny", Some(anonymous)),
        ("silent", "Allow", None),
        ("silent", "silent", Some(DENIED)),
        ("silent", "Deny", Some(anonymous)),
        ("Deny", "Allow", Some(DENIED_BY)),
        ("Deny", "silent", Some(DENIED_BY)),
        ("Deny", "Deny", Some(anonymous)),
    ] {
        let mut gateway = Gateway::new(&document(&resource(resourced)));
        let effect = if own == "silent" { "Allow" } else { own };
        let path = if own == "silent" { "GET/other" } else { "GET/admin" };
        gateway.authorizers.push_back(Function::Answers(policy(effect, path)));
        let request = with_token("/prod/admin");
        match want {
            None => drop(served(&mut gateway, &request)),
            Some(message) => {
                let body = format!(r#"{{"Message":"{message}"}}"#);
                let exchanged = gateway.exchange(&request, Origin::Uncalled);
                check_refused(&exchanged, "403 Forbidden", "AccessDeniedException", &body);
            }
        }
        let asked = usize::from(resourced != "Deny");
        assert_eq!(
            gateway.asked.len(),
            asked,
            "{own}, {resourced}: whom the resource policy denies is not asked about"
        );
    }
}

#[test]
fn a_remembered_policy_cannot_be_tricked_by_spelling() {
    let rules = json!({
        "principalId": "user-1",
        "policyDocument": { "Version": "2012-10-17", "Statement": [
            { "Action": "*", "Effect": "Allow", "Resource": "*" },
            { "Action": "*", "Effect": "Deny", "Resource": "arn:aws:execute-api:*:*:api/prod/*/pets/secret" },
        ] },
    });
    let mut gateway = gateway();
    gateway.authorizers.push_back(Function::Answers(rules.to_string()));
    served(&mut gateway, &with_token("/prod/pets/7"));
    for path in [
        "/pets/secret",
        "/pets/secret/",
        "//pets/secret",
        "/pets/%73ecret",
        "/pets/secre%74",
        "/pets/%2e%2fsecret",
        "/pets/x%2f..%2fsecret",
        "/pets/secret%2f",
        "/pets/secret%2F%2e",
        "/pets/.%2Fsecret",
        "/pets/%2Fsecret",
    ] {
        let exchanged = gateway.exchange(&with_token(&format!("/prod{path}")), Origin::Uncalled);
        assert!(exchanged.answered.starts_with("HTTP/1.1 403 "), "{path}: {}", exchanged.answered);
    }
    assert_eq!(gateway.asked.len(), 1);
}
