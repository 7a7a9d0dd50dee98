//! Quotas: exactly so many, whatever happens.

use tidegate_core::limit::{BLOCK_MAX, Day, Period, Quota, Rate};

use crate::world::{MS, NOON_MS, Plan, S, US, World};

const SHARDS: usize = 8;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn daily(limit: u32) -> Plan {
    Plan { quota: Some(Quota { limit, offset: 0, period: Period::Day }), ..Plan::default() }
}

/// How requests are spread over shards: all on one, over all, or on one that changes.
#[derive(Clone, Copy, Debug)]
enum Spread {
    One,
    All,
    Moving,
}

const SPREADS: [Spread; 3] = [Spread::One, Spread::All, Spread::Moving];

/// Sends so many requests, one after the other with a pause between them.
fn send(world: &mut World, spread: Spread, requests: u64, pause_ns: u64) {
    let mut at_ns = world.now_ns;
    let mut here = 0;
    for number in 0..requests {
        here = match spread {
            Spread::One => 2,
            Spread::All => world.random().below(SHARDS as u64) as usize,
            Spread::Moving if number % 50 == 0 => world.random().below(SHARDS as u64) as usize,
            Spread::Moving => here,
        };
        world.request(at_ns, here);
        at_ns += 1 + world.random().below(2 * pause_ns);
        world.run_until(at_ns);
    }
    world.run_until(at_ns + 100 * MS);
}

fn admitted(world: &World) -> u64 {
    world.outcome.admitted.len() as u64
}

fn today(world: &World) -> Day {
    Day::of(world.now().unix_ms)
}

#[test]
fn exactly_so_many() {
    for spread in SPREADS {
        for limit in [1, 2, 7, 100, 5000] {
            for seed in 0..4 {
                let mut world = World::new(SHARDS, daily(limit), seed);
                let requests = u64::from(limit) * 2 + 200;
                send(&mut world, spread, requests, 100 * US);
                assert_eq!(admitted(&world), u64::from(limit), "{spread:?} {limit} seed {seed}");
                assert_eq!(admitted(&world) + world.outcome.over_quota, requests, "all are answered");
                world.settle();
                let record = world.store.records[&today(&world)];
                assert_eq!(record.used, u64::from(limit), "{spread:?} {limit} seed {seed}");
                assert_eq!(world.store.usage[&today(&world)].calls, u64::from(limit));
            }
        }
    }
}

/// Below the limit, what the store has when all is settled is what was used.
#[test]
fn nothing_is_lost_when_it_is_settled() {
    for spread in SPREADS {
        for seed in 0..10 {
            let mut world = World::new(SHARDS, daily(100_000), seed);
            for _ in 0..5 {
                send(&mut world, spread, 1000, 50 * US);
                world.settle();
                let record = world.store.records[&today(&world)];
                assert_eq!(record.used, admitted(&world), "{spread:?} seed {seed}");
            }
            assert_eq!(admitted(&world), 5000);
        }
    }
}

#[test]
fn crashes_give_nothing_away() {
    for spread in SPREADS {
        for seed in 0..5 {
            let limit = 200_000;
            let mut world = World::new(SHARDS, daily(limit), seed);
            let mut lost_max = 0;
            for _ in 0..100 {
                let requests = world.random().below(3000);
                let before = world.store.records.get(&today(&world)).map_or(0, |record| record.used);
                let admitted_before = admitted(&world);
                send_and_crash(&mut world, spread, requests);
                let after = world.store.records.get(&today(&world)).map_or(0, |record| record.used);
                let lost = (after - before) - (admitted(&world) - admitted_before);
                assert!(lost <= SHARDS as u64 * u64::from(BLOCK_MAX), "{lost}");
                lost_max = lost_max.max(lost);
                assert!(
                    admitted(&world) <= after,
                    "{spread:?} seed {seed}: what was admitted is in the store"
                );
            }
            assert!(lost_max > 0, "the crashes hit something");
            send(&mut world, spread, u64::from(limit) * 2, 10 * US);
            let used = world.store.records[&today(&world)].used;
            assert_eq!(used, u64::from(limit), "{spread:?} seed {seed}");
            assert!(admitted(&world) <= u64::from(limit));
            assert!(world.outcome.over_quota > 0, "the client was refused in the end");
        }
    }
}

fn send_and_crash(world: &mut World, spread: Spread, requests: u64) {
    let mut at_ns = world.now_ns;
    for number in 0..requests {
        let shard = match spread {
            Spread::One => 1,
            Spread::All => world.random().below(SHARDS as u64) as usize,
            Spread::Moving => (number / 100) as usize % SHARDS,
        };
        world.request(at_ns, shard);
        at_ns += world.random().below(100 * US);
        world.run_until(at_ns);
    }
    world.crash();
}

#[test]
fn a_throttled_request_is_not_counted() {
    let rate = Rate::new(100.0, 10);
    let mut world = World::new(SHARDS, Plan { throttle: rate, ..daily(1000) }, 1);
    send(&mut world, Spread::All, 10_000, 100 * US);
    world.settle();
    assert!(world.outcome.throttled > 8000, "{}", world.outcome.throttled);
    assert!(admitted(&world) > 90);
    assert_eq!(world.store.records[&today(&world)].used, admitted(&world));
}

#[test]
fn a_reload_changes_no_count() {
    for spread in SPREADS {
        for seed in 0..5 {
            let mut world = World::new(SHARDS, daily(3000), seed);
            for generation in 0..10 {
                world.plan.generation = generation;
                send(&mut world, spread, 200, 100 * US);
            }
            assert_eq!(admitted(&world), 2000);
            // Another limit: what was used stays used.
            let generation = world.plan.generation + 1;
            world.plan = Plan { generation, ..daily(2500) };
            send(&mut world, spread, 2000, 100 * US);
            assert_eq!(admitted(&world), 2500, "{spread:?} seed {seed}");
            world.plan = Plan { generation: generation + 1, ..daily(2000) };
            send(&mut world, spread, 100, 100 * US);
            assert_eq!(admitted(&world), 2500);
            world.plan = Plan { generation: generation + 2, ..daily(4000) };
            send(&mut world, spread, 3000, 100 * US);
            assert_eq!(admitted(&world), 4000, "{spread:?} seed {seed}");
        }
    }
}

#[test]
fn each_period_has_its_own() {
    let quota = Quota { limit: 100, offset: 30, period: Period::Day };
    let mut world = World::new(SHARDS, Plan { quota: Some(quota), ..Plan::default() }, 5);
    send(&mut world, Spread::All, 300, MS);
    assert_eq!(admitted(&world), 70, "the offset is taken off in the first period");
    for day in 1..4 {
        let midnight_ns = world.now_ns + (DAY_MS as u64 - world.now().unix_ms % DAY_MS as u64) * MS;
        world.run_until(midnight_ns - S);
        send(&mut world, Spread::All, 300, MS / 2);
        world.run_until(midnight_ns);
        send(&mut world, Spread::All, 300, MS);
        assert_eq!(admitted(&world), 70 + day * 100, "day {day}");
    }
    world.settle();
    let used: Vec<u64> = world.store.records.values().map(|record| record.used).collect();
    assert_eq!(used, [70, 100, 100, 100]);
}

#[test]
fn clocks_that_jump_neither_refill_nor_freeze() {
    for jump in [DAY_MS, -DAY_MS, 30 * DAY_MS, HOUR_MS, -HOUR_MS] {
        for seed in 0..4 {
            let mut world = World::new(SHARDS, daily(1000), seed);
            send(&mut world, Spread::All, 800, 100 * US);
            // Ten times there and back again within a minute.
            for _ in 0..10 {
                world.wall_ms += jump;
                send(&mut world, Spread::All, 100, 10 * MS);
                world.wall_ms -= jump;
                send(&mut world, Spread::All, 100, 10 * MS);
            }
            assert_eq!(admitted(&world), 1000, "jump {jump} seed {seed}");
        }
    }
}

#[test]
fn a_day_that_comes_twice_is_counted_once() {
    let mut world = World::new(SHARDS, daily(1000), 3);
    send(&mut world, Spread::All, 1500, 100 * US);
    assert_eq!(admitted(&world), 1000);
    for (jump, want) in [(DAY_MS, 2000), (-DAY_MS, 2000), (DAY_MS, 2000), (DAY_MS, 3000)] {
        world.wall_ms += jump;
        // Looked at now and then, the clock is believed after a minute.
        for _ in 0..100 {
            send(&mut world, Spread::All, 3, MS);
            world.run_until(world.now_ns + S);
        }
        send(&mut world, Spread::All, 1500, 100 * US);
        assert_eq!(admitted(&world), want, "after a jump by {jump}");
    }
    assert!(world.now().unix_ms > NOON_MS);
}

#[test]
fn extending_lets_more_through() {
    for spread in SPREADS {
        let mut world = World::new(SHARDS, daily(500), 9);
        world.extend(100);
        send(&mut world, spread, 2000, 100 * US);
        assert_eq!(admitted(&world), 600);
        world.extend(250);
        send(&mut world, spread, 2000, 100 * US);
        assert_eq!(admitted(&world), 850);
        world.extend(-50);
        send(&mut world, spread, 2000, 100 * US);
        assert_eq!(admitted(&world), 850, "what is used is used");
        world.extend(100);
        send(&mut world, spread, 2000, 100 * US);
        assert_eq!(admitted(&world), 900, "{spread:?}");
    }
}
