//! HAProxy: a worker under a master, as its own service unit and container image run it, since only a master reloads.

use std::path::Path;

use askama::Template;
use rustix::process::Signal;

use super::{Reload, Setting, Trouble, render, says, write};

/// https://docs.haproxy.org/2.6/management.html#4: the master starts a new worker, which takes over the listeners.
pub(super) const RELOAD: Reload = Reload::Signal(Signal::USR2);

#[derive(Template)]
#[template(path = "../rivals/haproxy/haproxy.cfg", escape = "none")]
struct Configuration<'a> {
    setting: &'a Setting,
}

pub(super) fn configure(setting: &Setting) -> Result<Vec<String>, Trouble> {
    write(&setting.folder, "haproxy.cfg", &render(&Configuration { setting })?)?;
    if let Some(limits) = &setting.limits {
        let keys: String = limits.key_values().map(|key| key + "\n").collect();
        write(&setting.folder, "keys.acl", &keys)?;
    }
    Ok(["-W", "-db", "-f", "haproxy.cfg"].map(str::to_owned).to_vec())
}

pub(super) fn version(program: &Path) -> Option<String> {
    version_of(&says(program, &["-v"])?)
}

fn version_of(text: &str) -> Option<String> {
    let version = text.lines().find_map(|line| line.strip_prefix("HAProxy version "))?;
    version.split_ascii_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let text = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: long-term\n";
        assert_eq!(version_of(text).as_deref(), Some("2.6.12-1+deb12u4"));
        assert_eq!(version_of("no"), None);
    }
}
