//! OpenAPI documents: a plan or findings, never a panic; and what compiled can be asked for its routes.

#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::{Corpus, fuzz_target};
use tidegate_config::Loaded;
use tidegate_core::method::Method;
use tidegate_core::route::PathParameters;
use tidegate_fuzz::Folder;

const TOML: &str = r#"
[[listener]]
address = "127.0.0.1:0"
[[api]]
id = "a"
definition = "api.yaml"
[[api.stage]]
name = "prod"
variables = { host = "a.test:8080", bad = "a.test:81" }
[[api.stage]]
name = "bare"
"#;

thread_local! {
    static FOLDER: LazyCell<Folder> = LazyCell::new(|| Folder::new(&[("tidegate.toml", TOML)]));
}

fuzz_target!(|document: &[u8]| -> Corpus {
    let loaded = FOLDER.with(|folder| {
        folder.write("api.yaml", document);
        folder.load()
    });
    match loaded {
        Some(loaded) => check_compiled(&loaded),
        None if std::str::from_utf8(document).is_err() => return Corpus::Reject,
        None => {}
    }
    Corpus::Keep
});

fn check_compiled(loaded: &Loaded) {
    assert!(!tidegate_config::routes_table(loaded).is_empty());
    let plan = &loaded.plan;
    let api = &plan.apis[0];
    for stage in &api.stages {
        assert_eq!(stage.integrations.len(), api.routes.len(), "a method without integration");
    }
    let mut parameters = PathParameters::new();
    for route in &api.routes {
        let resource = &api.resources[route.resource];
        // The template of a path is itself a path that it matches, unless another resource fits better.
        for method in Method::ALL {
            if let Some(found) = api.router.find(method, resource.path.as_bytes(), &mut parameters) {
                let (_, resource) = api.route(found);
                assert_eq!(parameters.as_slice().len(), resource.parameters.len());
            }
        }
    }
}
