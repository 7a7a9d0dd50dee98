//! Test material that published crates carry in their sources.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo has put the sources of a dependency.
pub(crate) fn crate_folder(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").expect("run by cargo");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    // For this platform alone: what others need has not been downloaded.
    let version = Command::new(&cargo).arg("-vV").output().expect("cargo -vV").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let arguments = ["metadata", "--format-version", "1", "--offline", "--manifest-path", manifest];
    let output = Command::new(cargo).args(arguments).args(["--filter-platform", host]).output();
    let output = output.expect("cargo metadata");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == name).expect("is a dependency");
    let manifest = package["manifest_path"].as_str().expect("a path");
    Path::new(manifest).parent().expect("a folder").to_owned()
}
