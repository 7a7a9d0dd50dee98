//! The emulator of cargo lambda, where a function answers. It takes a package to be in its folder, though it starts none.

use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;

use super::{Function, Places, Setting, Trouble, on_the_path, present, render, says, write};

/// The package that it reads and does not build.
const PACKAGE: &str =
    "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
const START: &str = "start";

#[derive(Template)]
#[template(path = "../rivals/cargo-lambda/start", escape = "none")]
struct Start<'a> {
    setting: &'a Setting,
    function: &'a Function,
    program: &'a Path,
}

/// Arguments of the shell.
pub(super) fn configure(program: &Path, setting: &Setting) -> Result<Vec<String>, Trouble> {
    let function =
        setting.function.as_ref().ok_or_else(|| Trouble::World("it runs functions alone".to_owned()))?;
    let source = setting.folder.join("src");
    fs::create_dir_all(&source).map_err(|error| Trouble::writing(&source, &error))?;
    write(&source, "main.rs", "fn main() {}\n")?;
    write(&setting.folder, "Cargo.toml", PACKAGE)?;
    write(&setting.folder, START, &render(&Start { setting, function, program })?)?;
    Ok(vec![START.to_owned()])
}

/// Beside the other rivals' packages, or where `cargo install` puts it.
pub(super) fn installed(places: &Places) -> Option<PathBuf> {
    present(places.root.join("target/rivals/bin/cargo-lambda")).or_else(|| on_the_path("cargo-lambda"))
}

pub(super) fn version(program: &Path) -> Option<String> {
    version_of(&says(program, &["lambda", "--version"])?)
}

/// `cargo-lambda 1.9.2 (67129fc 2026-08-21Z)`, with or without `cargo-`.
fn version_of(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    words.find(|word| word.ends_with("lambda"))?;
    words.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version_of("cargo-lambda 1.9.2 (67129fc 2026-08-21Z)\n").as_deref(), Some("1.9.2"));
        assert_eq!(version_of("no"), None);
    }
}
