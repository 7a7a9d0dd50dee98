//! Lambda authorizers: what their functions get, what becomes of what they answer, and what is remembered.

mod answers;
mod apart;
mod memory;
mod questions;

use serde_json::json;

use crate::carrier::{Exchanged, Function, Gateway};
use crate::wire::{check_denial, check_refused, get};

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

fn with_token(target: &str) -> String {
    get(target, "Authorization: Bearer abc\n")
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
    check_denial(exchanged, rule);
    assert!(exchanged.denial.contains(&format!("rule=\"{rule}\"")), "{}", exchanged.denial);
    assert!(!exchanged.denial.contains("Bearer"), "{}", exchanged.denial);
}

const DENIED: &str = "User is not authorized to access this resource";
const DENIED_BY: &str = "User is not authorized to access this resource with an explicit deny";
