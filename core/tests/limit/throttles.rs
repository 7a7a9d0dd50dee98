//! Throttles beside one perfect bucket.

use tidegate_core::limit::{Bucket, Rate};

use crate::world::{MS, Plan, S, World};

const SHARDS: usize = 8;

/// How requests are spread over shards.
#[derive(Clone, Copy, Debug)]
enum Shape {
    OneShard,
    Even,
    /// All on one shard, which changes after about this many milliseconds.
    Moving(u64),
    /// Nine of ten on one shard.
    Skewed,
}

impl Shape {
    fn shard(self, world: &mut World, at_ns: u64, moved: &mut (u64, usize)) -> usize {
        match self {
            Self::OneShard => 3,
            Self::Even => world.random().below(SHARDS as u64) as usize,
            Self::Moving(ms) => {
                if at_ns >= moved.0 {
                    let pause = ms * MS / 2 + world.random().below(ms * MS);
                    *moved = (at_ns + pause, world.random().below(SHARDS as u64) as usize);
                }
                moved.1
            }
            Self::Skewed if world.random().below(10) > 0 => 5,
            Self::Skewed => world.random().below(SHARDS as u64) as usize,
        }
    }
}

struct Run {
    admitted: usize,
    perfect: usize,
    messages: u64,
    requests: u64,
    waited_max_ns: u64,
}

/// Sends requests `demand` times as fast as the rate, in random distances.
fn run((per_second, burst): (f64, u32), shape: Shape, demand: f64, seed: u64) -> Run {
    let rate = Rate::new(per_second, burst).expect("a rate");
    let mut world = World::new(SHARDS, Plan { throttle: Some(rate), ..Plan::default() }, seed);
    let tokens = (f64::from(burst) * 10.0).max(1000.0);
    let duration_ns = (tokens / per_second * S as f64) as u64;
    let pause_ns = (S as f64 / (per_second * demand)) as u64;
    let mut perfect = Bucket::default();
    let (mut at_ns, end_ns) = (world.now_ns, world.now_ns + duration_ns);
    let (mut wanted, mut requests, mut moved) = (0, 0, (0, 0));
    while at_ns < end_ns {
        let shard = shape.shard(&mut world, at_ns, &mut moved);
        world.request(at_ns, shard);
        requests += 1;
        wanted += usize::from(perfect.take(rate, at_ns).is_ok());
        at_ns += 1 + world.random().below(2 * pause_ns);
        world.run_until(at_ns);
    }
    world.run_until(end_ns + S);
    let mut check = Bucket::default();
    for &(at_ns, shard) in &world.outcome.admitted {
        let taken = check.take(rate, at_ns);
        assert!(
            taken.is_ok(),
            "{per_second}/s, {burst}, {shape:?}, seed {seed}: one too many at {at_ns}, shard {shard}"
        );
    }
    let outcome = &world.outcome;
    let answered = outcome.admitted.len() as u64 + outcome.throttled;
    assert_eq!(answered, requests, "{shape:?}, seed {seed}: every request is answered");
    Run {
        admitted: outcome.admitted.len(),
        perfect: wanted,
        messages: outcome.messages,
        requests,
        waited_max_ns: outcome.waited_max_ns,
    }
}

const SHAPES: [Shape; 4] = [Shape::OneShard, Shape::Even, Shape::Moving(4), Shape::Skewed];

#[track_caller]
fn check(limit: (f64, u32)) {
    for shape in SHAPES {
        for demand in [0.7, 1.0, 1.5, 5.0] {
            for seed in 0..2 {
                let run = run(limit, shape, demand, seed);
                let part = run.admitted as f64 / run.perfect as f64;
                let messages = run.messages as f64 / run.requests as f64;
                let what = format!("{limit:?} {shape:?} x{demand} seed {seed}");
                assert!(part >= 0.99, "{what}: {part:.4} of what one bucket admits");
                assert!(messages <= 7.0, "{what}: {messages:.2} messages a request");
                assert!(run.waited_max_ns <= 5 * MS, "{what}: one waited {} us", run.waited_max_ns / 1000);
            }
        }
    }
}

#[test]
fn one_a_second() {
    check((1.0, 1));
    check((1.0, 10));
}

#[test]
fn ten_a_second() {
    check((10.0, 5));
    check((50.0, 2));
}

#[test]
fn hundreds_a_second() {
    check((100.0, 20));
    check((1000.0, 200));
}

#[test]
fn ten_thousand_a_second() {
    check((10_000.0, 1000));
}

#[test]
fn a_hundred_thousand_a_second() {
    check((100_000.0, 5000));
}

#[test]
fn a_million_a_second() {
    check((1_000_000.0, 20_000));
}

/// A reload with another rate holds from the next request on, and no window sees more than both allow.
#[test]
fn a_reload_changes_the_rate() {
    for seed in 0..20 {
        let (slow, fast) = (Rate::new(100.0, 10).expect("a rate"), Rate::new(1000.0, 50).expect("a rate"));
        let mut world = World::new(SHARDS, Plan { throttle: Some(fast), ..Plan::default() }, seed);
        let (start_ns, mut at_ns) = (world.now_ns, world.now_ns);
        while at_ns < start_ns + 4 * S {
            if at_ns >= start_ns + 2 * S && world.plan.generation == 0 {
                world.plan = Plan { throttle: Some(slow), generation: 1, ..world.plan };
            }
            let shard = world.random().below(SHARDS as u64) as usize;
            world.request(at_ns, shard);
            at_ns += 200_000;
            world.run_until(at_ns);
        }
        let count = |from: u64, to: u64| {
            let within = |at: u64| at >= start_ns + from && at < start_ns + to;
            world.outcome.admitted.iter().filter(|(at, _)| within(*at)).count()
        };
        assert!((2020..=2050).contains(&count(0, 2 * S)), "{}", count(0, 2 * S));
        assert!((195..=212).contains(&count(2 * S, 4 * S)), "{}", count(2 * S, 4 * S));
    }
}

/// A thread that stands still for seconds holds the others up and breaks nothing.
#[test]
fn a_ledger_that_stands_still() {
    let rate = Rate::new(1000.0, 100).expect("a rate");
    let mut world = World::new(SHARDS, Plan { throttle: Some(rate), ..Plan::default() }, 4);
    world.delay_max_ns = 3 * S;
    let start_ns = world.now_ns;
    for number in 0..2000 {
        let shard = world.random().below(SHARDS as u64) as usize;
        world.request(start_ns + number * 10 * MS, shard);
    }
    world.run_until(start_ns + 600 * S);
    let mut check = Bucket::default();
    assert!(world.outcome.admitted.iter().all(|(at_ns, _)| check.take(rate, *at_ns).is_ok()));
    assert_eq!(world.outcome.admitted.len() as u64 + world.outcome.throttled, 2000);
}
