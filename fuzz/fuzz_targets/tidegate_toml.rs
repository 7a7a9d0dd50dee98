//! `tidegate.toml`: settings and a plan, or findings, never a panic.

#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use tidegate_config::Shards;
use tidegate_fuzz::Folder;

const DOCUMENT: &str = "
openapi: 3.0.1
paths:
  /:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{\"statusCode\": 200}' }
        responses: { default: { statusCode: 200 } }
";

thread_local! {
    static FOLDER: LazyCell<Folder> = LazyCell::new(|| Folder::new(&[("api.yaml", DOCUMENT)]));
}

fuzz_target!(|toml: &[u8]| {
    let loaded = FOLDER.with(|folder| {
        folder.write("tidegate.toml", toml);
        folder.load()
    });
    let Some(loaded) = loaded else { return };
    assert!(!loaded.settings.listeners.is_empty());
    assert!(loaded.settings.receive_buffers.is_power_of_two());
    if let Shards::Cpus(cpus) = &loaded.settings.shards {
        assert!(!cpus.is_empty());
    }
    for api in &loaded.plan.apis {
        assert!(!api.stages.is_empty());
    }
    // Whatever is asked for, the answer names something that there is.
    for (host, path) in [("a.test", "/prod"), ("localhost:80", "/v1/prod/"), ("", "//"), ("[::1]", "*")] {
        if let Some(place) = loaded.plan.hosts.find(host.as_bytes(), Some(b"a"), path.as_bytes()) {
            assert!(place.stage < loaded.plan.apis[place.api].stages.len());
            assert!(place.prefix_bytes <= path.len());
        }
    }
});
