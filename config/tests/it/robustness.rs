//! Whatever the files hold, there is a plan or a list of findings that can be shown, and never a panic.

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use proptest::sample::Index;

use crate::{Folder, MOCK, TOML};

const SAMPLE: &str = include_str!("../../../examples/petstore/petstore.yaml");

fn load(toml: &[u8], document: &[u8], name: &str) {
    let folder = Folder::new(&[]);
    let toml_text = String::from_utf8_lossy(toml).replace("api.yaml", name);
    std::fs::write(folder.path.join("tidegate.toml"), toml_text).expect("a file");
    std::fs::write(folder.path.join(name), document).expect("a file");
    match folder.load() {
        Ok(loaded) => {
            loaded.warnings.render(false);
            tidegate_config::routes_table(&loaded);
        }
        Err(findings) => {
            assert!(findings.has_errors());
            findings.render(true);
        }
    }
}

/// Replaces, takes out or doubles bytes.
fn mutate(text: &str, mutations: &[(Index, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (place, kind, with) in mutations {
        let at = place.index(bytes.len());
        let end = (at + with.len()).min(bytes.len());
        match kind % 3 {
            0 => drop(bytes.splice(at..end, with.iter().copied())),
            1 => drop(bytes.drain(at..end)),
            _ => bytes.extend_from_within(at..end),
        }
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
    bytes
}

/// Characters with a meaning somewhere, so that mutants get past the scanners.
fn piece() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop::sample::select(b"{}[]:,'\"\\#$&*|>-? \n\t/.%+0aAe\xc3\xa9\x00".to_vec()),
        0..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(toml in prop::collection::vec(any::<u8>(), 0..200), document in prop::collection::vec(any::<u8>(), 0..200)) {
        load(&toml, MOCK.as_bytes(), "api.yaml");
        load(TOML.as_bytes(), &document, "api.yaml");
        load(TOML.as_bytes(), &document, "api.json");
    }

    #[test]
    fn mutated_documents(mutations in prop::collection::vec((any::<Index>(), any::<u8>(), piece()), 1..8)) {
        load(TOML.as_bytes(), &mutate(SAMPLE, &mutations), "api.yaml");
        load(TOML.as_bytes(), &mutate(MOCK, &mutations), "api.yaml");
    }

    #[test]
    fn mutated_files(mutations in prop::collection::vec((any::<Index>(), any::<u8>(), piece()), 1..8)) {
        load(&mutate(TOML, &mutations), MOCK.as_bytes(), "api.yaml");
    }

    #[test]
    fn random_scalars(uri in ".{0,40}", expression in ".{0,40}", pattern in ".{0,20}") {
        let quote = |text: &str| text.replace('\'', "''").replace(['\n', '\r'], " ");
        let document = format!(
            "openapi: 3.0.1\npaths: {{ '/{{a}}': {{ get: {{ x-amazon-apigateway-integration: {{ type: http, httpMethod: GET,\n\
             uri: 'http://{}', requestParameters: {{ integration.request.path.a: '{}' }},\n\
             responses: {{ '{}': {{ statusCode: 200 }} }} }} }} }} }}",
            quote(&uri), quote(&expression), quote(&pattern),
        );
        load(TOML.as_bytes(), document.as_bytes(), "api.yaml");
    }
}
