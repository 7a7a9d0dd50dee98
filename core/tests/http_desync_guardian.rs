//! The cases of AWS's own classifier of request smuggling, read from the source of the published crate
//! `http_desync_guardian` (Apache-2.0): whatever it calls severe, we refuse,
//! and whatever it calls compliant, we accept.

#[path = "support/sources.rs"]
mod support;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tidegate_core::http1::{HeadError, HeadLimits, RequestHead};

#[derive(Deserialize)]
struct Case {
    name: String,
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
enum Tier {
    Compliant,
    Acceptable,
    Ambiguous,
    Severe,
}

impl Case {
    /// The request as a client would send it. The cases are about other fields than `Host` and mostly lack it.
    fn bytes(&self) -> Vec<u8> {
        let headers = self.headers.as_deref().unwrap_or_default();
        let mut text = format!("{} {} {}\r\n", self.method, self.uri, self.version);
        if !headers.iter().any(|header| header.name.eq_ignore_ascii_case("host")) {
            text.push_str("Host: example.com\r\n");
        }
        text.extend(headers.iter().map(|header| format!("{}: {}\r\n", header.name, header.value)));
        text.push_str("\r\n");
        text.into_bytes()
    }

    fn parse(&self) -> Result<Option<usize>, HeadError> {
        let mut head = RequestHead::new();
        head.buffer_mut().extend_from_slice(&self.bytes());
        head.parse(&HeadLimits::default())
    }
}

/// All cases of the crate, but for the file in which its developers try out a single one.
fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(support::crate_folder("http_desync_guardian").join("tests"))
        .expect("the crate has its test cases");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem != "single-case"));
    paths.sort();
    paths.iter().flat_map(|path| read_cases(path)).collect()
}

fn read_cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn severe_cases_are_refused_with_400() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.expected.tier == Tier::Severe) {
        match case.parse() {
            Err(error) => assert_eq!(error.status(), 400, "{}: {error}", case.name),
            Ok(head) => panic!("{}: accepted as {head:?}", case.name),
        }
        count += 1;
    }
    assert_eq!(count, 58);
}

#[test]
fn compliant_cases_are_accepted() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.expected.tier == Tier::Compliant) {
        let head = case.parse().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(head, Some(case.bytes().len()), "{}", case.name);
        count += 1;
    }
    assert_eq!(count, 28);
}

#[test]
fn verdicts_by_tier() {
    let mut verdicts: BTreeMap<Tier, (usize, usize)> = BTreeMap::new();
    let cases = cases();
    for case in &cases {
        let (accepted, refused) = verdicts.entry(case.expected.tier).or_default();
        *(if case.parse().is_ok() { accepted } else { refused }) += 1;
    }
    assert_eq!(cases.len(), 158);
    let want = [
        (Tier::Compliant, (28, 0)),
        (Tier::Acceptable, (2, 13)),
        (Tier::Ambiguous, (6, 51)),
        (Tier::Severe, (0, 58)),
    ];
    assert_eq!(verdicts, BTreeMap::from(want), "(accepted, refused)");
}
