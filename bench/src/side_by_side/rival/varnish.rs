//! Varnish, where answers are cached.

use std::path::Path;

use askama::Template;

use super::{Setting, Trouble, render, says, write};

#[derive(Template)]
#[template(path = "../rivals/varnish/default.vcl", escape = "none")]
struct Configuration<'a> {
    setting: &'a Setting,
}

/// https://varnish-cache.org/docs/7.1/reference/varnishd.html: in the foreground, answers in memory, without jails, which
/// would change to another user; one pool of threads for the one CPU; nothing is logged to anybody.
pub(super) fn configure(setting: &Setting) -> Result<Vec<String>, Trouble> {
    write(&setting.folder, "default.vcl", &render(&Configuration { setting })?)?;
    let (listen, folder) = (setting.listen.to_string(), setting.folder.join("varnish").display().to_string());
    // Another name than one with a root is looked for in /etc/varnish first, where the distribution has one.
    let program = std::path::absolute(setting.folder.join("default.vcl"))
        .map_err(|error| Trouble::World(error.to_string()))?;
    let program = program.display().to_string();
    let fixed = ["-F", "-j", "none", "-s", "malloc,256m", "-t", "3600", "-p", "thread_pools=1"];
    // 350 s is API Gateway's idle timeout.
    let variable = ["-p", "timeout_idle=350", "-f", &program, "-a", &listen, "-n", &folder];
    Ok(fixed.into_iter().chain(variable).map(str::to_owned).collect())
}

pub(super) fn version(program: &Path) -> Option<String> {
    version_of(&says(program, &["-V"])?)
}

fn version_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("(varnish-")?;
    rest.split_whitespace().next().map(|version| version.trim_end_matches(')').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let text = "varnishd (varnish-7.1.1 revision 7cee1c581bead20e88d101ab3d72afb29f14d87a)\nCopyright (c) 2006\n";
        assert_eq!(version_of(text).as_deref(), Some("7.1.1"));
        assert_eq!(version_of("no"), None);
    }
}
