//! Who may call, and how often: a token bucket beside governor's, a look-up among a million API keys, and a request's way
//! through all limits.
//!
//! governor gets the same clock, a number that the bench moves on, so that both are arithmetic alone. Its limiter can be
//! shared between threads and pays for that with an atomic; ours belongs to one shard.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use tidegate_core::limit::{
    Account, ApiKeySpec, Bucket, Client, Limits, MeterId, Meters, PlanStage, Rate, StageId, UsagePlanSpec,
    UsagePlans,
};

const PER_SECOND: u32 = 1000;
const BURST: u32 = 10;
/// Twice the rate: every other request is refused.
const STEP_NS: u64 = 500_000;

fn bucket(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bucket");
    group.bench_function("tidegate", |bencher| {
        let rate = Rate::new(f64::from(PER_SECOND), BURST).expect("a rate");
        let (mut bucket, mut now, mut admitted, mut asked) = (Bucket::default(), 0, 0_u64, 0_u64);
        bencher.iter(|| {
            now += STEP_NS;
            asked += 1;
            admitted += u64::from(black_box(&mut bucket).take(rate, black_box(now)).is_ok());
        });
        check(admitted, asked);
    });
    group.bench_function("governor", |bencher| {
        let quota = Quota::per_second(NonZeroU32::new(PER_SECOND).expect("not 0"));
        let quota = quota.allow_burst(NonZeroU32::new(BURST).expect("not 0"));
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let (mut admitted, mut asked) = (0_u64, 0_u64);
        bencher.iter(|| {
            clock.advance(Duration::from_nanos(STEP_NS));
            asked += 1;
            admitted += u64::from(black_box(&limiter).check().is_ok());
        });
        check(admitted, asked);
    });
    group.finish();
}

/// Half of what was asked for, and the burst.
#[track_caller]
fn check(admitted: u64, asked: u64) {
    let (least, most) = (asked / 2, asked / 2 + u64::from(BURST) + 1);
    assert!((least..=most).contains(&admitted), "{admitted} of {asked}");
}

const KEYS: usize = 1_000_000;

fn key(criterion: &mut Criterion) {
    // Far apart, so that the caches do not know the next one.
    let value =
        |number: usize| format!("{:016x}-key-{number:07}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let spec = |number| ApiKeySpec { name: format!("key-{number}"), value: value(number), enabled: true };
    let keys: Vec<ApiKeySpec> = (0..KEYS).map(spec).collect();
    let stage = StageId { api: 0, stage: 0 };
    let stages = vec![PlanStage { id: stage, methods: Vec::new() }];
    let name = "basic".to_owned();
    let plan = UsagePlanSpec { name, keys: (0..KEYS).collect(), stages, ..UsagePlanSpec::default() };
    let plans = UsagePlans::compile(&keys, &[plan]);
    let asked: Vec<String> = (0..65_536).map(|number| value(number * 7919 % KEYS)).collect();
    let mut group = criterion.benchmark_group("api_key_of_a_million");
    group.bench_function("hit", |bencher| {
        let mut next = asked.iter().cycle();
        bencher.iter(|| {
            let value = next.next().expect("endless");
            assert!(plans.caller(black_box(value.as_bytes()), stage).is_some());
        });
    });
    group.bench_function("miss", |bencher| {
        let mut next = asked.iter().cycle();
        bencher.iter(|| {
            let value = next.next().expect("endless");
            assert!(plans.caller(black_box(&value.as_bytes()[1..]), stage).is_none());
        });
    });
    group.finish();
}

const CALLERS: usize = 10_000;

/// A request's way through all limits: the caller's throttle, the method's, and the count of what the caller has used.
fn admit(criterion: &mut Criterion) {
    let rate = Rate::new(1e6, 1_000_000).expect("a rate");
    let method = (MeterId::of(&["method"]), Rate::new(1e9, 1_000_000_000).expect("a rate"));
    let names: Vec<String> = (0..CALLERS).map(|number| format!("key-{number}")).collect();
    let callers: Vec<(MeterId, &str)> =
        names.iter().map(|name| (Account::meter_of("basic", name), name.as_str())).collect();
    let mut meters = Meters::new(1);
    let (mut now, mut next) = (1, callers.iter().cycle().step_by(7919));
    criterion.bench_function("admit_one_of_ten_thousand_callers", |bencher| {
        bencher.iter(|| {
            let &(meter, key) = next.next().expect("endless");
            now += 20_000;
            let throttles = [(meter.with(MeterId(1)), rate), method];
            let account = || Account { plan: "basic".to_owned(), key: key.to_owned() };
            let client = Some(Client { meter, account: &account, quota: None });
            let limits = Limits { throttles: &throttles, client, generation: 0 };
            assert_eq!(meters.admit(black_box(&limits), now), Ok(()));
        });
    });
}

criterion_group!(benches, bucket, key, admit);
criterion_main!(benches);
