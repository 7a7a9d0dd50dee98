//! The JSON Schema test suite, draft 4: every required case through [`Model`].

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate_core::validation::{Model, Resource};

/// Where `.ci/prepare` puts it.
fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/json-schema-test-suite")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}; run .ci/prepare", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// Schemas that the suite refers to by address.
fn remotes() -> Vec<Resource> {
    let names = [
        "integer.json",
        "locationIndependentIdentifier.json",
        "name-defs.json",
        "ref-and-defs.json",
        "baseUriChange/folderInteger.json",
        "baseUriChangeFolder/folderInteger.json",
        "baseUriChangeFolderInSubschema/folderInteger.json",
        "draft4/locationIndependentIdentifier.json",
        "draft4/name.json",
        "draft4/subSchemas.json",
    ];
    let resource = |name: &&str| Resource {
        uri: format!("http://localhost:1234/{name}"),
        schema: read(&suite().join("remotes").join(name)),
    };
    names.iter().map(resource).collect()
}

#[test]
fn every_required_case_of_draft_4() {
    let (mut cases, mut wrong) = (0, Vec::new());
    let mut files: Vec<_> = fs::read_dir(suite().join("tests/draft4"))
        .expect("the suite; run .ci/prepare")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    for file in files {
        for group in read(&file).as_array().expect("groups") {
            let mut resources = remotes();
            resources.push(Resource { uri: "model:///0".to_owned(), schema: group["schema"].clone() });
            let root = resources.len() - 1;
            let model = Model::compile(&resources, root);
            for case in group["tests"].as_array().expect("cases") {
                cases += 1;
                let found =
                    model.as_ref().map(|model| model.check(case["data"].to_string().as_bytes()).is_ok());
                if found.as_ref().ok() != case["valid"].as_bool().as_ref() {
                    let name = file.file_stem().unwrap_or_default().display();
                    wrong.push(format!(
                        "{name}: {}: {}: {found:?}",
                        group["description"], case["description"]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, 610);
}
