//! Operations of an OpenAPI 2 or 3 document as requests.

use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Mixing;
use super::document::{Document, list, text};
use super::schema::Maker;
use crate::load::requests::{Field, Wanted};
use crate::load::template::Part;
use crate::load::url::Url;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// API Gateway's ANY, which is sent as GET.
const ANY: &str = "x-amazon-apigateway-any-method";
/// What need not be encoded in a path segment or query value (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Bodies of one operation: they are larger than parameters.
const BODIES_MAX: usize = 1_000;

/// The requests of a document, whose paths begin after `prefix`, with these fields beside.
pub(super) fn requests(
    path: &Path,
    base: &Url,
    prefix: &str,
    fields: &[Field],
    mixing: &Mixing<'_>,
) -> Result<Vec<Wanted>, String> {
    let document = Document::read(path)?;
    let paths = document
        .root
        .get("paths")
        .and_then(Value::as_object)
        .ok_or_else(|| document.wrong("it has no `paths`"))?;
    let maker = Maker { document: &document, random: Rng::with_seed(mixing.seed) };
    let mut reader = Reader { document: &document, maker, mixing, base, prefix, fields };
    let mut requests = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with('/')) {
        let item = document.follow(item)?;
        for method in METHODS.iter().chain([&ANY]) {
            if let Some(operation) = item.get(*method) {
                let method = if *method == ANY { "GET".to_owned() } else { method.to_ascii_uppercase() };
                let request = reader.request(path, &method, item, operation);
                requests.push(request.map_err(|why| format!("{method} {path}: {why}"))?);
            }
        }
    }
    Ok(requests)
}

struct Reader<'a> {
    document: &'a Document,
    maker: Maker<'a>,
    mixing: &'a Mixing<'a>,
    base: &'a Url,
    prefix: &'a str,
    fields: &'a [Field],
}

impl Reader<'_> {
    fn request(
        &mut self,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
    ) -> Result<Wanted, String> {
        let parameters = self.parameters(item, operation)?;
        let mut fields = self.fields.to_vec();
        let mut parts = vec![bytes(self.prefix)];
        self.put_path(path, &parameters, &mut parts)?;
        let mut separator = "?";
        for parameter in &parameters {
            let name = text(parameter, "name").unwrap_or_default();
            let required = parameter.get("required") == Some(&Value::Bool(true));
            match text(parameter, "in") {
                Some("query") => {
                    parts.push(bytes(&format!("{separator}{}=", encode(name))));
                    parts.push(self.values(parameter, encode)?);
                    separator = "&";
                }
                // A field's value goes as it is: what would break the head is not made by any format of ours.
                Some("header") if required && !name.eq_ignore_ascii_case("x-api-key") => {
                    let value = vec![self.values(parameter, |value| value.replace(['\r', '\n'], " "))?];
                    fields.push(Field { name: name.to_owned(), value });
                }
                _ => {}
            }
        }
        fields.extend(self.api_key(operation)?);
        let bodies = self.bodies(operation, &parameters, &mut fields)?;
        Ok(Wanted {
            url: self.base.clone(),
            method: method.to_owned(),
            label: Some(format!("{method} {path}")),
            path: parts,
            fields,
            bodies,
            weight: 1.0,
        })
    }

    /// Those of the operation, and those of the path that it does not replace.
    fn parameters(&self, item: &Value, operation: &Value) -> Result<Vec<Value>, String> {
        let mut parameters: Vec<Value> = Vec::new();
        for parameter in list(operation, "parameters").iter().chain(list(item, "parameters")) {
            let parameter = self.document.follow(parameter)?;
            let key = |parameter: &Value| (parameter.get("name").cloned(), parameter.get("in").cloned());
            if !parameters.iter().any(|known| key(known) == key(parameter)) {
                parameters.push(parameter.clone());
            }
        }
        Ok(parameters)
    }

    fn put_path(&mut self, path: &str, parameters: &[Value], parts: &mut Vec<Part>) -> Result<(), String> {
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a `{` without `}` in the path")?;
            parts.push(bytes(before));
            let greedy = name.ends_with('+');
            let name = name.trim_end_matches('+');
            let is_it = |parameter: &&Value| {
                text(parameter, "in") == Some("path") && text(parameter, "name") == Some(name)
            };
            let any = serde_json::json!({"type": "string"});
            let parameter = parameters.iter().find(is_it).unwrap_or(&any);
            parts.push(if greedy {
                self.values(parameter, |value| format!("a/{}", encode(value)))?
            } else {
                self.values(parameter, encode)?
            });
            rest = after;
        }
        parts.push(bytes(rest));
        Ok(())
    }

    /// The values of a parameter: OpenAPI 3 has a schema in it, Swagger 2 is one.
    fn values(&mut self, parameter: &Value, encode: impl Fn(&str) -> String) -> Result<Part, String> {
        let schema = parameter.get("schema").unwrap_or(parameter);
        let mut values = Vec::new();
        for key in 1..=self.mixing.keys {
            let value = plain(&self.maker.value(schema, key)?);
            values.push(encode(if value.is_empty() { "x" } else { &value }).into_bytes().into_boxed_slice());
        }
        Ok(self.mixing.one_of(values))
    }

    /// The API key, if the operation asks for one.
    fn api_key(&self, operation: &Value) -> Result<Option<Field>, String> {
        let root = &self.document.root;
        let schemes = root.pointer("/components/securitySchemes").or_else(|| root.get("securityDefinitions"));
        let is_api_key = |name: &String| {
            let scheme = schemes.and_then(|schemes| schemes.get(name));
            scheme
                .and_then(|scheme| text(scheme, "name"))
                .is_some_and(|name| name.eq_ignore_ascii_case("x-api-key"))
        };
        let holder = if operation.get("security").is_some() { operation } else { root };
        let asks = list(holder, "security")
            .iter()
            .filter_map(Value::as_object)
            .any(|each| each.keys().any(is_api_key));
        match self.mixing.api_key_field() {
            Some(field) if asks => Ok(Some(field)),
            None if asks => Err("it asks for an API key; give one with --api-key".to_owned()),
            _ => Ok(None),
        }
    }

    fn bodies(
        &mut self,
        operation: &Value,
        parameters: &[Value],
        fields: &mut Vec<Field>,
    ) -> Result<Option<Arc<crate::load::template::Values>>, String> {
        let Some((media, schema)) = self.body_schema(operation, parameters)? else { return Ok(None) };
        if !fields.iter().any(|field| field.name.eq_ignore_ascii_case("content-type")) {
            fields.push(Field::fixed("content-type", &media));
        }
        let json = media.contains("json");
        let mut bodies = Vec::new();
        for key in 1..=self.mixing.keys.min(BODIES_MAX) {
            let value = self.maker.value(&schema, key)?;
            let body = if json { value.to_string() } else { form(&value) };
            bodies.push(body.into_bytes().into_boxed_slice());
        }
        Ok(Some(Arc::new(self.mixing.values(bodies))))
    }

    /// Media type and schema of the body: JSON if there is a choice.
    fn body_schema(
        &self,
        operation: &Value,
        parameters: &[Value],
    ) -> Result<Option<(String, Value)>, String> {
        if let Some(body) = operation.get("requestBody") {
            let content = self.document.follow(body)?.get("content").and_then(Value::as_object);
            let Some(content) = content else { return Ok(None) };
            let chosen =
                content.iter().find(|(media, _)| media.contains("json")).or_else(|| content.iter().next());
            let Some((media, details)) = chosen else { return Ok(None) };
            let any = serde_json::json!({"type": "object"});
            return Ok(Some((media.clone(), details.get("schema").cloned().unwrap_or(any))));
        }
        let body = parameters.iter().find(|parameter| text(parameter, "in") == Some("body"));
        let Some(schema) = body.and_then(|body| body.get("schema")) else { return Ok(None) };
        let consumes =
            list(operation, "consumes").first().or_else(|| list(&self.document.root, "consumes").first());
        let media = consumes.and_then(Value::as_str).unwrap_or("application/json");
        Ok(Some((media.to_owned(), schema.clone())))
    }
}

fn bytes(text: &str) -> Part {
    Part::Bytes(text.as_bytes().into())
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// A value as it stands in a path or query: strings without quotes, lists with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// An object as form fields; anything else as text.
fn form(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let pairs =
                fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(&plain(value))));
            pairs.collect::<Vec<_>>().join("&")
        }
        other => plain(other),
    }
}
