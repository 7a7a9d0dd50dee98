//! The cases of AWS's own classifier of request smuggling (crate `http_desync_guardian`, Apache-2.0), sent to the
//! running gateway: whatever it calls severe is refused and ends the connection, whatever it calls compliant is served.

use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::setup::Setup;
use crate::support::wire::find;

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

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Tier {
    Compliant,
    Acceptable,
    Ambiguous,
    Severe,
}

impl Case {
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.as_deref().unwrap_or_default().iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.trim())
    }

    /// The head as a client would send it. The cases are about other fields than `Host` and mostly lack it.
    fn head(&self) -> String {
        let host = if self.values("host").next().is_none() { "Host: gateway\r\n" } else { "" };
        let fields = self.headers.as_deref().unwrap_or_default().iter();
        let fields: String = fields.map(|header| format!("{}: {}\r\n", header.name, header.value)).collect();
        format!("{} {} {}\r\n{host}{fields}\r\n", self.method, self.uri, self.version)
    }

    /// The body that the head announces.
    fn body(&self) -> Vec<u8> {
        match self.values("content-length").next().and_then(|length| length.parse().ok()) {
            Some(length) => vec![b'x'; length],
            None if self.values("transfer-encoding").next().is_some() => b"0\r\n\r\n".to_vec(),
            None => Vec::new(),
        }
    }
}

/// All cases of the crate, but for the file in which its developers try out a single one.
fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(crate_folder().join("tests")).expect("the crate has its test cases");
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

/// Where cargo has put the sources of the crate.
fn crate_folder() -> PathBuf {
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
    let package =
        packages.iter().find(|package| package["name"] == "http_desync_guardian").expect("is a dependency");
    let manifest = package["manifest_path"].as_str().expect("a path");
    Path::new(manifest).parent().expect("a folder").to_owned()
}

/// A gateway that answers 200 to every method of every path, however it is called.
fn accepting() -> Setup {
    let document = Document::new().method("ANY", "/", any_mock()).method("ANY", "/{proxy+}", any_mock());
    let root = "[[domain]]\nname = \"*.com\"\nmapping = [ { path = \"\", api = \"api\", stage = \"test\" } ]\n\
                [[domain]]\nname = \"gateway\"\nmapping = [ { path = \"\", api = \"api\", stage = \"test\" } ]\n";
    Setup::new(&document).more(root)
}

fn any_mock() -> serde_json::Value {
    let mut integration = mock("");
    integration["requestTemplates"] = serde_json::json!({"$default": "{\"statusCode\": 200}"});
    integration
}

#[test]
fn severe_cases_are_refused_and_end_the_connection() {
    let gateway = accepting().start();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.expected.tier == Tier::Severe).collect();
    assert_eq!(cases.len(), 58);
    for case in cases {
        let mut client = gateway.client();
        client.send(case.head());
        let response = client.read("GET").unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(response.status(), 400, "{}: {:?}", case.name, case.head());
        client.expect_closed();
    }
    assert_eq!(gateway.get("/").status(), 200);
}

#[test]
fn compliant_cases_are_served() {
    let gateway = accepting().start();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.expected.tier == Tier::Compliant).collect();
    assert_eq!(cases.len(), 28);
    for case in cases {
        assert_eq!(status(&gateway, &case), Some(200), "{}: {:?}", case.name, case.head());
    }
}

/// The middle tiers may be served or refused, but only so: one answer to one request, and nobody else suffers.
#[test]
fn the_other_cases_get_one_clear_answer() {
    let gateway = accepting().start();
    for case in cases() {
        if matches!(case.expected.tier, Tier::Acceptable | Tier::Ambiguous) {
            let status = status(&gateway, &case);
            assert!(matches!(status, Some(200 | 400 | 403 | 505)), "{}: {status:?}", case.name);
        }
    }
    assert_eq!(gateway.get("/").status(), 200);
}

/// The status that answers the request; no second answer may follow. A refusal may come before all is sent, and a
/// refused HEAD may have content, for what could not be read is no HEAD.
fn status(gateway: &Gateway, case: &Case) -> Option<u16> {
    let mut client = gateway.client();
    let _ = client.wire.send(case.head()).and_then(|()| client.wire.send(case.body()));
    let _ = client.wire.stream.shutdown(Shutdown::Write);
    let head = client.wire.head().ok()??;
    let rest = client.wire.rest().unwrap_or_default();
    assert!(find(&rest, b"HTTP/1.1 ").is_none(), "{}: a second answer: {}", case.name, rest.escape_ascii());
    Some(Message::of_head(head).status())
}
