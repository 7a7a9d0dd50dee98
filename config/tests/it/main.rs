//! The crate from the outside: files in, a plan or diagnostics out.

mod api_key_files;
mod authorizers;
mod caches;
mod canaries;
mod diagnostics;
mod document;
mod examples;
mod file;
mod formats;
mod functions;
mod integration;
mod limits;
mod models;
mod plan;
mod policy;
mod principals;
mod robustness;
mod services;
mod tls;
mod unsupported;
mod usage_plans;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_config::{Diagnostics, Loaded, load};

/// A folder of its own for one configuration, removed at the end.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("config-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        for (name, text) in files {
            std::fs::write(path.join(name), text).expect("a file");
        }
        Self { path }
    }

    fn load(&self) -> Result<Loaded, Diagnostics> {
        load(&self.path.join("tidegate.toml"), "host-1")
    }

    /// Findings as `file:line:column: severity: message`, without the folder.
    fn text(&self, findings: &Diagnostics) -> String {
        findings.to_string().replace(&format!("{}/", self.path.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A `tidegate.toml` that serves `api.yaml` in the stage `prod`.
const TOML: &str = r#"
[[listener]]
address = "127.0.0.1:0"
[[api]]
id = "a"
definition = "api.yaml"
[[api.stage]]
name = "prod"
variables = { host = "a.test:8080", bad = "a.test:81" }
"#;

/// Loads a document in the stage of [`TOML`].
fn load_document(document: &str) -> (Folder, Result<Loaded, Diagnostics>) {
    let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", document)]);
    let loaded = folder.load();
    (folder, loaded)
}

/// What there is to say about a document, as `line:column: severity: message` and ` | help`, one a line.
fn findings(document: &str) -> String {
    let (folder, loaded) = load_document(document);
    describe(&folder, loaded, "api.yaml:")
}

/// What there is to say about a `tidegate.toml`.
fn file_findings(toml: &str) -> String {
    let folder = Folder::new(&[("tidegate.toml", toml), ("api.yaml", MOCK)]);
    let loaded = folder.load();
    describe(&folder, loaded, "tidegate.toml:")
}

fn describe(folder: &Folder, loaded: Result<Loaded, Diagnostics>, file: &str) -> String {
    let findings = match loaded {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let helps: Vec<_> =
        findings.iter().map(|finding| finding.help_text().unwrap_or_default().to_owned()).collect();
    let text = folder.text(&findings);
    let lines = text.lines().zip(helps).map(|(line, help)| {
        let line = line.strip_prefix(file).unwrap_or(line);
        if help.is_empty() { line.to_owned() } else { format!("{line} | {help}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A document of one method that answers by itself.
const MOCK: &str = r#"
openapi: 3.0.1
paths:
  /:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200 } }
"#;

/// Lines of `text`, each behind `depth` blanks.
fn indent(text: &str, depth: usize) -> String {
    text.trim_matches('\n').lines().map(|line| format!("{:depth$}{line}\n", "")).collect()
}
