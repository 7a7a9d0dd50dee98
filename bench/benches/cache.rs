//! A slice of a stage's cache: a hit among 100,000 answers, and an answer that puts another one out.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_core::cache::{Draft, Found, Slice, Term};

const ANSWERS: u64 = 100_000;
const CONTENT_BYTES: usize = 1_024;

fn answer() -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: a/b\r\nConnection: keep-alive\r\nx-amzn-RequestId: 1\r\n\
        x-amz-apigw-id: 2\r\nETag: \"e\"\r\n\r\n";
    [head.as_bytes(), &[b'x'; CONTENT_BYTES]].concat()
}

/// Spread as well as a real one.
fn hash(key: u64) -> u64 {
    (key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn insert(slice: &mut Slice, out: &[u8], key: u64) {
    let draft = Draft::read(out, 200, false).expect("an answer");
    assert!(slice.insert((hash(key), &key.to_le_bytes()), &draft, 0, Term::until(0, 1)).is_some());
}

fn hit(criterion: &mut Criterion) {
    let (out, mut slice) = (answer(), Slice::new(1 << 30, 1));
    (0..ANSWERS).for_each(|key| insert(&mut slice, &out, key));
    let mut key = 0;
    criterion.bench_function("cache hit among 100,000", |bencher| {
        bencher.iter(|| {
            key = (key + 7_919) % ANSWERS;
            let found = slice.find(black_box(hash(key)), &key.to_le_bytes(), 0);
            let Some(Found::Answer(stored)) = found else { panic!("it is there") };
            assert_eq!(stored.content().len(), CONTENT_BYTES);
        });
    });
}

fn eviction(criterion: &mut Criterion) {
    let (out, mut slice, mut key) = (answer(), Slice::new(16 << 20, 1), 0);
    criterion.bench_function("cache insert and eviction", |bencher| {
        bencher.iter(|| {
            key += 1;
            insert(&mut slice, black_box(&out), key);
        });
    });
    assert!(slice.bytes() <= 16 << 20);
}

criterion_group!(benches, hit, eviction);
criterion_main!(benches);
