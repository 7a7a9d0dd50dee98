//! Tidegate: a `tidegate.toml` and the OpenAPI document of one API whose methods are all HTTP_PROXY.

use std::fs;
use std::path::Path;

use askama::Template;

use crate::side_by_side::callers::Callers;
use crate::side_by_side::date::Date;
use crate::side_by_side::limits::Limits;

use super::{Setting, Trouble, path, render, says, write};

/// What the caller with a key may do.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:bench/*"}}"#;
/// The file that is started with.
pub(super) const FILE: &str = "tidegate.toml";

#[derive(Template)]
#[template(path = "../rivals/tidegate/tidegate.toml", escape = "none")]
struct Configuration<'a> {
    setting: &'a Setting,
    /// That of the method with a throttle.
    path: String,
}

#[derive(Template)]
#[template(path = "../rivals/tidegate/definition.yaml", escape = "none")]
struct Definition<'a> {
    setting: &'a Setting,
    paths: Vec<String>,
    /// In lower case, as OpenAPI has them.
    methods: &'static [&'static str],
}

pub(super) fn configure(setting: &Setting) -> Result<Vec<String>, Trouble> {
    write(&setting.folder, FILE, &render(&Configuration { setting, path: path(0) })?)?;
    if let Some(limits) = &setting.limits {
        write(&setting.folder, "keys.csv", &keys(limits))?;
    }
    if setting.callers.as_ref().is_some_and(Callers::sign) {
        write(&setting.folder, "policy.json", POLICY)?;
    }
    let paths = (0..setting.routes).map(path).collect();
    // Many routes are as many methods; one has what any scenario asks for.
    let methods: &[&str] = if setting.routes > 1 { &["get"] } else { &["get", "post"] };
    write(&setting.folder, "definition.yaml", &render(&Definition { setting, paths, methods })?)?;
    Ok(vec!["run".to_owned(), FILE.to_owned()])
}

/// In API Gateway's format for key files, all in one plan.
fn keys(limits: &Limits) -> String {
    let row = |(number, key)| format!("key-{number},{key},plan\n");
    ["name,key,usageplanIds\n".to_owned()]
        .into_iter()
        .chain(limits.key_values().enumerate().map(row))
        .collect()
}

/// With the date of the binary: the version alone does not tell one build from the next.
pub(super) fn version(program: &Path) -> Option<String> {
    let text = says(program, &["version"])?;
    let version = text.lines().next()?.strip_prefix("tidegate ")?;
    let built = fs::metadata(program).and_then(|metadata| metadata.modified()).ok()?;
    Some(format!("{version}, built {}", Date::of(built).words()))
}
