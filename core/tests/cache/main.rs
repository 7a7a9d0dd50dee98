//! A slice of a cache by itself: beside a model, beside an allocator that counts, beside other ways to choose what stays,
//! also on requests that real caches have seen;
//! and many exchanges that share one, with backends that fail.

mod chosen;
mod division;
mod hit_ratio;
mod memory;
mod model;
#[path = "../exchange/plan.rs"]
mod plan;
mod simulation;
mod traces;

use tidegate_core::cache::Draft;

/// Bits that depend on a seed alone.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From 0 to 1.
    pub(crate) fn part(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 53) as f64
    }
}

/// An answer as it is sent.
pub(crate) fn answer(content: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: a/b\r\nConnection: keep-alive\r\nx-amzn-RequestId: 1\r\n\
        x-amz-apigw-id: 2\r\nETag: \"e\"\r\n\r\n";
    [head.as_bytes(), content].concat()
}

pub(crate) fn draft(answer: &[u8]) -> Draft<'_> {
    Draft::read(answer, 200, false).expect("an answer")
}

/// A hash as good as the shard's.
pub(crate) fn hash(key: &[u8]) -> u64 {
    ahash::RandomState::with_seeds(1, 2, 3, 4).hash_one(key)
}
