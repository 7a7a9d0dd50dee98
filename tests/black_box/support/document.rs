//! OpenAPI documents for tests, as AWS exports them.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Map, Value, json};

/// An OpenAPI 3.0 document that is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    paths: Map<String, Value>,
    gateway_responses: Map<String, Value>,
    /// Security schemes beside that of API keys.
    schemes: Map<String, Value>,
    root: Map<String, Value>,
}

impl Document {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a method (`ANY` too) with everything that its integration's mappings must find declared.
    pub(crate) fn method(mut self, method: &str, path: &str, integration: Value) -> Self {
        let key = match method {
            "ANY" => "x-amazon-apigateway-any-method".to_owned(),
            _ => method.to_ascii_lowercase(),
        };
        let operation = json!({
            "parameters": parameters(path, &integration),
            "responses": responses(&integration),
            "x-amazon-apigateway-integration": integration,
        });
        let methods = self.paths.entry(path).or_insert_with(|| json!({}));
        methods[key] = operation;
        self
    }

    /// The method needs an API key.
    pub(crate) fn api_key_required(mut self, method: &str, path: &str) -> Self {
        self.paths[path][method.to_ascii_lowercase()]["security"] = json!([{"api_key": []}]);
        self
    }

    /// Callers of the method sign.
    pub(crate) fn aws_iam(mut self, method: &str, path: &str) -> Self {
        let key = if method == "ANY" {
            "x-amazon-apigateway-any-method".to_owned()
        } else {
            method.to_ascii_lowercase()
        };
        self.paths[path][key]["x-amazon-apigateway-auth"] = json!({"type": "AWS_IAM"});
        self
    }

    /// The greedy resource `/{proxy+}`, any method of which goes to the same path at `address`.
    pub(crate) fn pass_all(self, address: impl Display) -> Self {
        let mut integration = http_proxy("ANY", format!("http://{address}/{{proxy}}"));
        integration["requestParameters"] =
            json!({"integration.request.path.proxy": "method.request.path.proxy"});
        self.method("ANY", "/{proxy+}", integration)
    }

    /// A security scheme with an authorizer.
    pub(crate) fn authorizer(mut self, name: &str, authorizer: Value) -> Self {
        let scheme = json!({
            "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authorizer": authorizer,
        });
        self.schemes.insert(name.to_owned(), scheme);
        self
    }

    /// Callers of the method are those of this security scheme, with these scopes.
    pub(crate) fn secured(mut self, method: &str, path: &str, scheme: &str, scopes: &[&str]) -> Self {
        self.paths[path][method.to_ascii_lowercase()]["security"] = json!([{scheme: scopes}]);
        self
    }

    /// A key of an operation that is there already.
    pub(crate) fn operation(mut self, method: &str, path: &str, key: &str, value: Value) -> Self {
        self.paths[path][method.to_ascii_lowercase()][key] = value;
        self
    }

    /// A key of the document.
    pub(crate) fn root(mut self, key: &str, value: Value) -> Self {
        self.root.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn gateway_response(mut self, kind: &str, response: Value) -> Self {
        self.gateway_responses.insert(kind.to_owned(), response);
        self
    }

    pub(crate) fn text(&self) -> String {
        let mut document = json!({
            "openapi": "3.0.1",
            "info": {"title": "test", "version": "1"},
            "paths": self.paths,
            "components": {"securitySchemes": {
                "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            }},
        });
        for (name, scheme) in &self.schemes {
            document["components"]["securitySchemes"][name] = scheme.clone();
        }
        if !self.gateway_responses.is_empty() {
            document["x-amazon-apigateway-gateway-responses"] = Value::Object(self.gateway_responses.clone());
        }
        for (key, value) in &self.root {
            document[key] = value.clone();
        }
        format!("{document:#}")
    }
}

pub(crate) fn http_proxy(method: &str, uri: impl Display) -> Value {
    json!({"type": "http_proxy", "httpMethod": method, "uri": uri.to_string()})
}

/// A non-proxy integration whose default response is 200.
pub(crate) fn http(method: &str, uri: impl Display) -> Value {
    json!({
        "type": "http",
        "httpMethod": method,
        "uri": uri.to_string(),
        "responses": {"default": {"statusCode": "200"}},
    })
}

/// Answers 200 with this body.
pub(crate) fn mock(body: &str) -> Value {
    json!({
        "type": "mock",
        "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": body}}},
    })
}

fn parameters(path: &str, integration: &Value) -> Vec<Value> {
    let declare = |name: &str, place: &str| json!({"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}});
    let in_path = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut declared: Vec<Value> = in_path.map(|name| declare(name.trim_end_matches('+'), "path")).collect();
    let sources = integration["requestParameters"].as_object().into_iter().flat_map(Map::values);
    let sources: BTreeSet<&str> = sources.filter_map(Value::as_str).collect();
    for (place, prefixes) in [
        ("query", ["method.request.querystring.", "method.request.multivaluequerystring."]),
        ("header", ["method.request.header.", "method.request.multivalueheader."]),
    ] {
        let names = sources
            .iter()
            .filter_map(|source| prefixes.iter().find_map(|prefix| source.strip_prefix(prefix)));
        declared.extend(names.collect::<BTreeSet<_>>().into_iter().map(|name| declare(name, place)));
    }
    declared
}

/// The method responses that the integration responses name, with their headers.
fn responses(integration: &Value) -> Value {
    let mut declared = json!({"200": {"description": "200 response"}});
    for response in integration["responses"].as_object().into_iter().flat_map(Map::values) {
        let status = response["statusCode"].as_str().unwrap_or("200");
        if declared[status].is_null() {
            declared[status] = json!({"description": format!("{status} response")});
        }
        for name in response["responseParameters"].as_object().into_iter().flat_map(Map::keys) {
            let name = name.trim_start_matches("method.response.header.");
            declared[status]["headers"][name] = json!({"schema": {"type": "string"}});
        }
    }
    declared
}
