//! Mapping templates: a usual one of 20 lines with a loop over 10 items, and compiling it.

#[path = "../rivals/velocity/order.rs"]
mod order;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_core::velocity::{Arena, Overrides, Program};

use self::order::{ORDER, Order, TEMPLATE};

/// What the template makes of the order.
fn rendered() -> String {
    let line = |number: usize| {
        let comma = if number < 9 { "," } else { "" };
        format!("    {{\"sku\": \"A-{number}\", \"count\": {0}, \"position\": {0}}}{comma}", number + 1)
    };
    let lines: String = (0..10).map(line).collect();
    format!(
        "{{\n  \"id\": \"00000000-0000-4001-8000-000000000002\",\n  \"stage\": \"gold\",\n  \"customer\": {{\n    \"name\": \"Miss O\\'Hara\",\n    \"email\": \"o@example.com\"\n  }},\n  \"priority\": 1,\n  \"lines\": [\n{lines}  ],\n  \"total\": 55\n}}"
    )
}

fn velocity(criterion: &mut Criterion) {
    let program = Program::compile(TEMPLATE).expect("a template");
    let (order, want) = (Order(ORDER.to_owned()), rendered());
    let (mut overrides, mut arena, mut out) = (Overrides::default(), Arena::default(), Vec::new());
    criterion.bench_function("velocity/render", |bencher| {
        bencher.iter(|| {
            out.clear();
            program.render(black_box(&order), &mut overrides, &mut arena, &mut out).expect("rendered");
            assert_eq!(out, want.as_bytes());
        });
    });
    criterion.bench_function("velocity/compile", |bencher| {
        bencher.iter(|| {
            assert!(Program::compile(black_box(TEMPLATE)).is_ok_and(|program| program.reads_input()));
        });
    });
}

criterion_group!(benches, velocity);
criterion_main!(benches);
