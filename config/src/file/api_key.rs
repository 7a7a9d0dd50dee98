//! `[[api_key]]`: the keys by which clients are known.

use std::collections::HashMap;
use std::path::Path;

use tidegate_core::limit::{ApiKeySpec, KEY_BYTES};
use tidegate_core::span::Span;

use super::api_key_file::InPlans;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::secret;
use crate::tree::{Entry, Node, Value};

/// AWS: "Invalid API Key name, can be at most 1024 characters."
const NAME_CHARACTERS_MAX: usize = 1024;

const VALUE: secret::Keys = secret::Keys { inline: "value", file: "value_file", environment: "value_env" };

/// The keys, and each by its name and value.
#[derive(Default)]
pub(crate) struct ApiKeys {
    pub(crate) list: Vec<ApiKeySpec>,
    pub(crate) by_name: HashMap<String, usize>,
    by_value: HashMap<String, usize>,
    pub(crate) in_plans: InPlans,
}

impl ApiKeys {
    /// Adds a key; its position, or why it cannot be one.
    pub(super) fn add(&mut self, key: ApiKeySpec) -> Result<usize, String> {
        let position = self.list.len();
        if self.by_name.contains_key(&key.name) {
            return Err(format!("the API key `{}` stands twice", key.name));
        }
        if let Some(&other) = self.by_value.get(&key.value) {
            return Err(format!("the API key `{}` has the same value", self.list[other].name));
        }
        self.by_name.insert(key.name.clone(), position);
        self.by_value.insert(key.value.clone(), position);
        self.list.push(key);
        Ok(position)
    }
}

/// Keys whose values may be shown.
const SHOWN: [&str; 4] = ["name", "enabled", VALUE.file, VALUE.environment];

/// Where secrets are written, so that no finding shows them: what stands behind any key but those that may be shown, since
/// a misspelt one has a secret, too.
pub(crate) fn secrets(root: &Node) -> Vec<Span> {
    let keys = root.get("api_key").map_or(&[][..], |section| match &section.value {
        Value::List(keys) => keys,
        _ => std::slice::from_ref(section),
    });
    let hidden = |entry: &&Entry| !SHOWN.contains(&&*entry.key);
    keys.iter().flat_map(Node::entries).filter(hidden).map(|entry| entry.value.span).collect()
}

pub(super) fn read(section: Option<&Node>, folder: &Path, report: &mut Report) -> ApiKeys {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut keys = ApiKeys::default();
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`api_key`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &keys, report));
        let value = read_value(&mut fields, folder, report);
        let enabled =
            fields.value("enabled").and_then(|value| scalar::boolean(value, report)).unwrap_or(true);
        fields.finish(report);
        let (Some(name), Some((value, at))) = (name, value) else { continue };
        if let Err(why) = keys.add(ApiKeySpec { name, value, enabled }) {
            report.error(at, why);
        }
    }
    keys
}

fn read_name(value: &Node, before: &ApiKeys, report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?;
    if let Err(why) = check_name(name) {
        report.error(value.span, why);
    }
    if before.by_name.contains_key(name) {
        report.error(value.span, format!("the API key `{name}` stands twice"));
        return None;
    }
    Some(name.to_owned())
}

pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(format!(
            "the name of an API key has 1 to {NAME_CHARACTERS_MAX} characters, none of them a control"
        ));
    }
    Ok(())
}

/// The value, and where it comes from.
fn read_value(fields: &mut Fields<'_>, folder: &Path, report: &mut Report) -> Option<(String, Span)> {
    let (value, entry) = secret::read(fields, &VALUE, folder, report)?;
    let at = entry.key_span;
    if let Err(why) = check_value(&value) {
        report.error(at, why);
    }
    Some((value, at))
}

pub(super) fn check_value(value: &str) -> Result<(), String> {
    let (least, most) = (KEY_BYTES.start(), KEY_BYTES.end());
    if value.len() < *least {
        return Err(format!("API Key value should be at least {least} characters"));
    }
    if value.len() > *most {
        return Err(format!("API Key value exceeds maximum size of {most} characters"));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "the value of an API key has visible ASCII characters only: it is sent in a header field"
                .to_owned(),
        );
    }
    Ok(())
}
