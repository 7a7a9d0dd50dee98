//! JSON and YAML, OpenAPI 2.0 and 3.0: the same API.

use crate::{Folder, TOML};

const PATHS: &str = r##"{
  "/pets/{petId}": {
    "parameters": [{ "name": "petId", "in": "path", "required": true, "type": "string" }],
    "get": {
      "operationId": "GetPet",
      "parameters": [{ "$ref": "#/PARAMETERS/page" }],
      "responses": { "200": { "description": "\u00e9\ud83d\ude00" } },
      "x-amazon-apigateway-integration": {
        "type": "HTTP", "httpMethod": "GET", "uri": "http://${stageVariables.host}/{petId}",
        "requestParameters": {
          "integration.request.path.petId": "method.request.path.petId",
          "integration.request.querystring.page": "method.request.querystring.page"
        },
        "responses": {
          "5..": { "statusCode": 502 },
          "404": { "statusCode": "404", "responseTemplates": { "application/json": "{\"a\":\"\\u00e9\"}" } },
          "default": { "statusCode": 200, "responseParameters": { "method.response.header.A": "'*'" } }
        }
      }
    }
  }
}"##;

/// APIs and origins as text; what tells hosts apart hashes its keys anew each time.
fn plan(name: &str, document: &str) -> String {
    let toml = TOML.replace("api.yaml", name);
    let folder = Folder::new(&[("tidegate.toml", &toml), (name, document)]);
    let mut loaded = folder.load().unwrap_or_else(|findings| panic!("{}", folder.text(&findings)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    // Another text is another deployment.
    loaded.plan.apis.iter_mut().for_each(|api| api.deployment_id.clear());
    format!("{:#?}{:#?}", loaded.plan.apis, loaded.plan.origins)
}

#[test]
fn all_four_give_equal_plans() {
    let parameter = r#"{ "page": { "name": "page", "in": "query" } }"#;
    let swagger_paths = PATHS.replace("PARAMETERS", "parameters");
    let openapi_paths = PATHS.replace("PARAMETERS", "components/parameters");
    let swagger_json = format!(
        "{{ \"swagger\": \"2.0\", \"basePath\": \"/x\",\n\t\"parameters\": {parameter}, \"paths\": {swagger_paths} }}"
    );
    let openapi_json = format!(
        "{{ \"openapi\": \"3.0.1\", \"components\": {{ \"parameters\": {parameter} }}, \"paths\": {openapi_paths} }}"
    );
    let yaml = |head: &str, parameters: &str, reference: &str| {
        format!(
            r#"{head}
{parameters}page: {{ name: page, in: query }}
paths:
  /pets/{{petId}}:
    parameters:
      - {{ name: petId, in: path, required: true }}
    get:
      operationId: GetPet
      parameters:
        - $ref: '#/{reference}/page'
      responses: {{ 200: {{ description: x }} }}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://${{stageVariables.host}}/{{petId}}
        requestParameters:
          integration.request.path.petId: method.request.path.petId
          integration.request.querystring.page: method.request.querystring.page
        responses:
          5..: {{ statusCode: 502 }}
          404:
            statusCode: 404
            responseTemplates:
              application/json: '{{"a":"\u00e9"}}'
          default:
            statusCode: 200
            responseParameters: {{ method.response.header.A: "'*'" }}
"#
        )
    };
    let swagger_yaml = yaml("swagger: '2.0'", "parameters:\n  ", "parameters");
    let openapi_yaml = yaml("openapi: 3.0.1", "components:\n  parameters:\n    ", "components/parameters");
    let want = plan("api.json", &swagger_json);
    assert_eq!(plan("api.json", &openapi_json), want);
    assert_eq!(plan("api.yaml", &swagger_yaml), want);
    assert_eq!(plan("api.yaml", &openapi_yaml), want);
    assert_eq!(plan("api.txt", &openapi_json), want);
}

#[test]
fn order_of_responses_is_that_of_the_document() {
    let rules = |first: &str, second: &str| {
        let document = format!(
            "openapi: 3.0.1\npaths: {{ /: {{ get: {{ x-amazon-apigateway-integration: {{ type: http, httpMethod: GET, uri: 'http://a.test', \
             responses: {{ {first}, {second} }} }} }} }} }}"
        );
        plan("api.yaml", &document)
    };
    assert_ne!(
        rules("'4..': { statusCode: 400 }", "'40.': { statusCode: 404 }"),
        rules("'40.': { statusCode: 404 }", "'4..': { statusCode: 400 }"),
    );
}
