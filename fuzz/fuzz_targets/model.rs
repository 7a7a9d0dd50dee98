//! A schema and a body, with a zero byte between: neither panics, nor says more than it may.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::limits::VALIDATION_ERROR_BYTES_MAX;
use tidegate_core::validation::{Model, Resource};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (schema, body) = text.split_once('\0').unwrap_or((&text, "{}"));
    let Ok(schema) = serde_json::from_str::<serde_json::Value>(schema) else { return };
    match Model::compile(&[Resource { uri: "model:///0".to_owned(), schema }], 0) {
        Err(error) => {
            assert_eq!(error.resource, 0);
            assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{}", error.pointer);
        }
        Ok(model) => {
            if let Err(invalid) = model.check(body.as_bytes()) {
                assert!(invalid.0.starts_with('[') && invalid.0.ends_with(']'), "{}", invalid.0);
                assert!(invalid.0.len() <= VALIDATION_ERROR_BYTES_MAX);
            }
        }
    }
});
