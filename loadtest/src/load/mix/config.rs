//! The APIs of a `tidegate.toml` as requests. Read here anew, on purpose: see the crate's head.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use super::document::{Document, list, text};
use super::{Mixing, finish, openapi};
use crate::load::requests::{Field, Wanted};
use crate::load::url::Url;

/// Requests to every stage of every API.
pub(super) fn requests(path: &Path, base: Option<&Url>, mixing: &Mixing<'_>) -> Result<Vec<Wanted>, String> {
    let document = Document::read(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let base = match base {
        Some(base) => base.clone(),
        None => listener(&document)?,
    };
    let keys =
        if mixing.api_keys.is_empty() { api_keys(&document, folder)? } else { mixing.api_keys.to_vec() };
    let mixing = Mixing { api_keys: &keys, ..*mixing };
    let mut wanted = Vec::new();
    for api in list(&document.root, "api") {
        let id = text(api, "id").ok_or_else(|| document.wrong("an [[api]] without `id`"))?;
        let definition =
            text(api, "definition").ok_or_else(|| document.wrong("an [[api]] without `definition`"))?;
        for stage in list(api, "stage") {
            let stage =
                text(stage, "name").ok_or_else(|| document.wrong("an [[api.stage]] without `name`"))?;
            let (prefix, field) = way(&document, id, stage);
            wanted.extend(openapi::requests(&folder.join(definition), &base, &prefix, &[field], &mixing)?);
        }
    }
    finish(wanted, &mixing)
}

/// The way to a stage: the path before its own paths, and the field that names it. By a domain if one leads there.
fn way(document: &Document, id: &str, stage: &str) -> (String, Field) {
    for domain in list(&document.root, "domain") {
        for mapping in list(domain, "mapping") {
            if text(mapping, "api") == Some(id) && text(mapping, "stage") == Some(stage) {
                let path = text(mapping, "path").unwrap_or_default();
                let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
                return (prefix, Field::fixed("host", text(domain, "name").unwrap_or_default()));
            }
        }
    }
    (format!("/{stage}"), Field::fixed("x-apigw-api-id", id))
}

/// Where the first listener listens; an unspecified address is reached by loopback.
fn listener(document: &Document) -> Result<Url, String> {
    let listeners = list(&document.root, "listener");
    let address = listeners.iter().find_map(|listener| text(listener, "address"));
    let address = address.ok_or_else(|| document.wrong("it has no [[listener]]; give the URL"))?;
    let mut socket: SocketAddr = address
        .parse()
        .map_err(|_| document.wrong(&format!("the listener's address `{address}` is not one")))?;
    if socket.port() == 0 {
        return Err(document.wrong("its listener has no fixed port; give the URL"));
    }
    if socket.ip().is_unspecified() {
        socket.set_ip(if socket.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    Url::parse(&format!("http://{socket}/"))
}

/// The keys that are enabled.
fn api_keys(document: &Document, folder: &Path) -> Result<Vec<String>, String> {
    let enabled = |key: &&Value| key.get("enabled") != Some(&Value::Bool(false));
    list(&document.root, "api_key").iter().filter(enabled).map(|key| api_key(document, folder, key)).collect()
}

fn api_key(document: &Document, folder: &Path, key: &Value) -> Result<String, String> {
    if let Some(value) = text(key, "value") {
        return Ok(value.to_owned());
    }
    if let Some(name) = text(key, "value_env") {
        return std::env::var(name)
            .map_err(|_| document.wrong(&format!("an API key's variable {name} is not set")));
    }
    let Some(file) = text(key, "value_file") else {
        return Err(document.wrong("an [[api_key]] without a value"));
    };
    let value = std::fs::read_to_string(folder.join(file));
    value
        .map(|value| value.trim().to_owned())
        .map_err(|error| document.wrong(&format!("cannot read {file}: {error}")))
}
