//! Binaries that come as Python packages.

use std::path::PathBuf;
use std::process::Command;

use super::Places;

/// The folder of an installed package: in the environment in `target/rivals`, or wherever `python3` finds it.
pub(super) fn package(places: &Places, name: &str) -> Option<PathBuf> {
    let own = places.root.join("target/rivals/bin/python3");
    [own, PathBuf::from("python3")].into_iter().find_map(|python| {
        let program = format!("import os, {name}; print(os.path.dirname({name}.__file__))");
        let output = Command::new(python).args(["-c", &program]).output().ok()?;
        let folder = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(folder.trim()))
    })
}
