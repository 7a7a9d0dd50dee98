//! Request validation: a body of 1 KiB by a model of 20 properties; one that does not fit.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tidegate_core::validation::{Model, Resource};

fn schema() -> Value {
    let property = |number: usize| match number % 5 {
        0 => json!({"type": "string", "minLength": 1, "maxLength": 100}),
        1 => json!({"type": "integer", "minimum": 0, "maximum": 1_000_000}),
        2 => json!({"type": "string", "enum": ["red", "green", "blue"]}),
        3 => json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}),
        _ => json!({"type": "array", "items": {"type": "number"}, "minItems": 1}),
    };
    let properties: serde_json::Map<_, _> =
        (0..20).map(|number| (format!("property{number:02}"), property(number))).collect();
    let required: Vec<_> = properties.keys().step_by(2).cloned().collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// A body of 1 KiB that fits.
fn body() -> String {
    let value = |number: usize| match number % 5 {
        0 => json!(format!("a text of some length, number {number}, {}", "x".repeat(40))),
        1 => json!(number * 1000),
        2 => json!("green"),
        3 => json!(format!("AB-{number:08}")),
        _ => json!([1.5, number, 3, 4, 5]),
    };
    let body: serde_json::Map<_, _> =
        (0..20).map(|number| (format!("property{number:02}"), value(number))).collect();
    let text = Value::Object(body).to_string();
    format!("{text}{}", " ".repeat(1024 - text.len()))
}

fn validation(criterion: &mut Criterion) {
    let resource = Resource { uri: "model:///0".to_owned(), schema: schema() };
    let model = Model::compile(&[resource], 0).expect("a model");
    let (body, bad) = (body(), body().replace("\"green\"", "\"mauve\""));
    assert_eq!(body.len(), 1024);
    criterion.bench_function("validation/fits", |bencher| {
        bencher.iter(|| assert!(model.check(black_box(body.as_bytes())).is_ok()));
    });
    criterion.bench_function("validation/does-not-fit", |bencher| {
        bencher.iter(|| {
            let why = model.check(black_box(bad.as_bytes())).expect_err("a colour that is none").0;
            assert!(why.starts_with("[instance value (\"mauve\") not found in enum"));
        });
    });
}

criterion_group!(benches, validation);
criterion_main!(benches);
