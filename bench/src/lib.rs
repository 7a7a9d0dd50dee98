//! Micro benches of `tidegate-core`, and side-by-side runs against other proxies.
//!
//! - `side_by_side`: `tidegate-bench`, Tidegate beside other proxies. `docs/bench.md` says how.
//! - `benches/exchange.rs`: whole exchanges in memory.
//! - `benches/head.rs`: request heads, beside `httparse` alone.
//! - `benches/limit.rs`: a token bucket beside `governor`, a look-up among a million API keys.
//! - `benches/route.rs`: route lookup among 5,000 routes, beside `matchit`.
//! - `src/bin/tidegate-floor`: a relay that parses nothing, the least that a proxy can cost.
//! - `rivals/pingora`: a proxy on Pingora to measure against, a workspace of its own.
//!
//! `cargo bench -p tidegate-bench` runs all micro benches, `cargo bench -p tidegate-bench --bench route -- hit` some.
//! Every bench asserts its answer, so `cargo test -p tidegate-bench --benches` checks them once each. There are no
//! thresholds: a claim is an A/B on one host (`--save-baseline`, `--baseline`), and goes into the commit with both numbers.
#![forbid(unsafe_code)]

pub mod side_by_side;
