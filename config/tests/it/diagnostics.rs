//! How findings look.

use tidegate_config::{Severity, load};

use crate::{Folder, MOCK, TOML};

#[test]
fn a_finding_shows_file_line_source_and_help() {
    let document = MOCK.replace("requestTemplates", "requestTemplate");
    let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", &document)]);
    let findings = folder.load().expect_err("an unknown key");
    let want = "\
error: unknown key `requestTemplate`
 --> api.yaml:8:9
  |
8 |         requestTemplate: { application/json: '{\"statusCode\": 200}' }
  |         ^^^^^^^^^^^^^^^
  |
help: did you mean `requestTemplates`?
";
    let rendered = findings.render(false).replace(&format!("{}/", folder.path.display()), "");
    assert!(rendered.contains(want), "{rendered}");
    assert!(findings.render(true).contains("\x1b["));
    assert_eq!(findings.summary(), "1 error, 1 warning");
    let error = findings.iter().find(|finding| finding.severity() == Severity::Error).expect("an error");
    assert_eq!(error.position(), Some((8, 9)));
    assert!(error.file().expect("a file").ends_with("/api.yaml"));
}

#[test]
fn a_duplicate_shows_both_places() {
    let folder =
        Folder::new(&[("tidegate.toml", TOML), ("api.yaml", "openapi: 3.0.0\npaths: {}\nopenapi: 3.0.1\n")]);
    let rendered = folder.load().expect_err("a duplicate").render(false);
    let want =
        "  |\n1 | openapi: 3.0.0\n  | ------- first here\n2 | paths: {}\n3 | openapi: 3.0.1\n  | ^^^^^^^\n";
    assert!(rendered.contains(want), "{rendered}");
}

#[test]
fn all_findings_of_all_files_come_at_once() {
    let toml = TOML.replace("[[listener]]", "[nodes]\n[[listener]]") + "[[domain]]\nname = \"x y\"\n";
    let document = MOCK.replace("200}'", "$status}'").replace("/:", "x:");
    let folder = Folder::new(&[("tidegate.toml", &toml), ("api.yaml", &document)]);
    let findings = folder.load().expect_err("errors");
    let want = "\
tidegate.toml:2:2: error: unknown key `nodes`
tidegate.toml:11:1: error: the domain has no mapping
tidegate.toml:12:8: error: not a host name
api.yaml:4:3: error: A resource path starts with a slash
";
    assert_eq!(folder.text(&findings), want);
}

#[test]
fn a_missing_file_is_said() {
    let findings = load("/nowhere/tidegate.toml".as_ref(), "host").expect_err("no file");
    assert!(findings.render(false).starts_with("error: cannot read /nowhere/tidegate.toml: No such file"));
    let folder = Folder::new(&[("tidegate.toml", TOML)]);
    let text = folder.text(&folder.load().expect_err("no document"));
    assert!(text.starts_with("tidegate.toml:6:14: error: cannot read api.yaml: No such file"), "{text}");
    let large = " ".repeat(6 * 1024 * 1024 + 1);
    let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", &large)]);
    let text = folder.text(&folder.load().expect_err("a large document"));
    assert!(text.contains("it has more than 6291456 bytes"), "{text}");
    std::fs::write(folder.path.join("api.yaml"), b"a: \xff").expect("a file");
    assert!(folder.text(&folder.load().expect_err("no text")).contains("it is not UTF-8"));
}

#[test]
fn very_many_findings_are_cut_and_errors_not_forgotten() {
    let warnings = "x".repeat(3);
    let items: String = (0..600)
        .map(|number| format!("  /{warnings}{number}: {{ parameters: [{{ name: a, in: path }}] }}\n"))
        .collect();
    let document = format!("{MOCK}{items}wrong: 1\n");
    let folder = Folder::new(&[("tidegate.toml", TOML), ("api.yaml", &document)]);
    let findings = folder.load().expect_err("the last line is wrong");
    assert_eq!((findings.warnings(), findings.errors()), (500, 1));
    let last = findings.iter().last().expect("a finding");
    assert_eq!(last.to_string(), "error: and 101 more like these");
}
