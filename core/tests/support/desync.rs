//! The cases of AWS's own classifier of request smuggling, read from the source of the published crate
//! `http_desync_guardian` (Apache-2.0). Core reads them, and they are sent to the running gateway.

#[path = "sources.rs"]
mod sources;

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    method: String,
    uri: String,
    version: String,
    headers: Option<Vec<Header>>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Expected {
    tier: Tier,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    Compliant,
    Acceptable,
    Ambiguous,
    Severe,
}

impl Case {
    pub(crate) fn tier(&self) -> Tier {
        self.expected.tier
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.as_deref().unwrap_or_default().iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.trim())
    }

    /// The head as a client would send it to this host. The cases are about other fields than `Host` and mostly lack it.
    pub(crate) fn head(&self, host: &str) -> String {
        let host =
            if self.values("host").next().is_none() { format!("Host: {host}\r\n") } else { String::new() };
        let fields = self.headers.as_deref().unwrap_or_default().iter();
        let fields: String = fields.map(|header| format!("{}: {}\r\n", header.name, header.value)).collect();
        format!("{} {} {}\r\n{host}{fields}\r\n", self.method, self.uri, self.version)
    }
}

/// All cases of the crate, but for the file in which its developers try out a single one.
pub(crate) fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(sources::crate_folder("http_desync_guardian").join("tests"))
        .expect("the crate has its test cases");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem != "single-case"));
    paths.sort();
    let cases: Vec<Case> = paths.iter().flat_map(|path| read_cases(path)).collect();
    assert_eq!(cases.len(), 158);
    cases
}

fn read_cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
