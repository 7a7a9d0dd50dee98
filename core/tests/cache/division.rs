//! How a cache's bytes are shared out: shards and their orders in one thread, messages late by any time.

use std::collections::VecDeque;

use tidegate_core::cache::{Division, Found, Order, Slice, Standing, Term};

use crate::{Random, answer, draft, hash};

/// A shard: what it may take, and what it would like to take.
#[derive(Clone, Copy)]
struct Shard {
    bytes_max: u64,
    /// What it cannot give up yet, because it is being sent.
    held: u64,
    wants: u64,
}

struct World {
    division: Division,
    shards: Vec<Shard>,
    total: u64,
    to_shards: Vec<VecDeque<Order>>,
    from_shards: VecDeque<(usize, Standing)>,
    random: Random,
}

impl World {
    fn new(seed: u64, total: u64, wants: &[u64]) -> Self {
        let bytes_max = total / wants.len() as u64;
        Self {
            division: Division::new(total, wants.len()),
            shards: wants.iter().map(|&wants| Shard { bytes_max, held: 0, wants }).collect(),
            total,
            to_shards: vec![VecDeque::new(); wants.len()],
            from_shards: VecDeque::new(),
            random: Random::new(seed),
        }
    }

    fn step(&mut self) {
        let shard = self.random.below(self.shards.len() as u64) as usize;
        match self.random.below(4) {
            0 => self.report(shard),
            1 => {
                if let Some(order) = self.to_shards[shard].pop_front()
                    && order.total == self.total
                {
                    self.shards[shard].held = self.random.below(3) * self.shards[shard].bytes_max / 2;
                    self.shards[shard].bytes_max = order.bytes_max;
                }
            }
            2 => self.shards[shard].held = 0,
            _ => {
                if let Some((shard, standing)) = self.from_shards.pop_front() {
                    self.division.hear(shard, standing);
                    if let Some(order) = self.division.decide() {
                        self.to_shards[order.shard].push_back(order);
                    }
                }
            }
        }
        let taken: u64 = self.shards.iter().map(|shard| shard.bytes_max.max(shard.held)).sum();
        assert!(taken <= self.total, "{taken} of {}", self.total);
        let granted = (0..self.shards.len()).map(|shard| self.division.granted(shard));
        assert!(granted.sum::<u64>() <= self.total);
    }

    fn report(&mut self, number: usize) {
        let shard = self.shards[number];
        let bytes = shard.wants.min(shard.bytes_max).max(shard.held);
        let missed = shard.wants.saturating_sub(shard.bytes_max) / 4;
        let standing = Standing { total: self.total, bytes_max: shard.bytes_max, bytes, missed };
        self.from_shards.push_back((number, standing));
    }

    fn run(&mut self, steps: usize) {
        (0..steps).for_each(|_| self.step());
    }
}

const TOTAL: u64 = 8 << 20;

#[test]
fn bytes_go_to_where_they_are_missed() {
    for seed in 0..20 {
        let mut world = World::new(seed, TOTAL, &[0, 64 << 20, 0, 100]);
        world.run(60_000);
        let hot = world.shards[1].bytes_max;
        assert!(hot >= TOTAL * 3 / 4, "seed {seed}: {hot}");
        // And back, when it is another one that misses them.
        (world.shards[1].wants, world.shards[2].wants) = (0, 64 << 20);
        world.run(120_000);
        let hot = world.shards[2].bytes_max;
        assert!(hot >= TOTAL * 3 / 4, "seed {seed}: {hot}");
    }
}

#[test]
fn who_all_miss_the_same_keep_what_they_have() {
    let mut world = World::new(1, TOTAL, &[32 << 20; 4]);
    world.run(60_000);
    for shard in &world.shards {
        assert!(shard.bytes_max >= TOTAL / 8, "{}", shard.bytes_max);
    }
}

/// A new size: shards scale what they have, each at its own time, and what was told before is for nobody.
#[test]
fn a_new_size() {
    for (seed, size) in [(1, TOTAL * 2), (2, TOTAL / 3), (3, 65_536)] {
        let mut world = World::new(seed, TOTAL, &[0, 64 << 20, 100, 5 << 20]);
        world.run(20_000);
        world.shards.iter_mut().for_each(|shard| {
            shard.held = 0;
            shard.bytes_max = (u128::from(shard.bytes_max) * u128::from(size) / u128::from(TOTAL)) as u64;
        });
        world.total = size;
        world.division.set_total(size);
        world.run(60_000);
    }
}

#[test]
fn one_shard_has_all() {
    let mut world = World::new(1, TOTAL, &[64 << 20]);
    world.run(1_000);
    assert_eq!(world.shards[0].bytes_max, TOTAL);
}

/// Slices themselves: what one has no room for, two that idle give up, and it has more hits for that.
#[test]
fn slices_that_share() {
    const TOTAL: u64 = 1 << 20;
    let mut division = Division::new(TOTAL, 3);
    let mut slices: Vec<Slice> = (0..3).map(|_| Slice::new(TOTAL / 3, 1)).collect();
    let (mut random, out) = (Random::new(5), answer(&[b'x'; 500]));
    let mut hits = [0_u32; 2];
    for round in 0..200 {
        for _ in 0..200 {
            // Popular ones more often.
            let key = (random.below(1_000) * random.below(1_000) / 1_000).to_le_bytes();
            match slices[0].find(hash(&key), &key, 0) {
                Some(Found::Answer(_)) => hits[round / 100] += 1,
                _ => drop(slices[0].insert((hash(&key), &key), &draft(&out), 0, Term::until(0, 1))),
            }
        }
        for shard in 0..3 {
            let slice = &mut slices[shard];
            let (bytes_max, bytes, missed) = (slice.bytes_max(), slice.bytes(), slice.take_missed());
            division.hear(shard, Standing { total: TOTAL, bytes_max, bytes, missed });
            if let Some(order) = division.decide() {
                assert!(slices[order.shard].set_bytes_max(order.bytes_max));
            }
        }
        assert!(slices.iter().map(Slice::bytes_max).sum::<u64>() <= TOTAL, "round {round}");
    }
    assert!(slices[0].bytes_max() > TOTAL / 2, "{}", slices[0].bytes_max());
    assert!(hits[1] > hits[0], "{hits:?}");
}
