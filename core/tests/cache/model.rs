//! Random operations on a slice and on a map with a clock.

use std::collections::HashMap;

use tidegate_core::cache::{Found, Slice, Stored, Term};

use crate::{Random, answer, draft, hash};

const KEYS: u64 = 300;

/// What a slice must have, as long as it had to put nothing out.
#[derive(Default)]
struct Model {
    answers: HashMap<u64, (Vec<u8>, Term)>,
}

impl Model {
    /// The content, and whether it is fresh.
    fn find(&self, key: u64, now: u64) -> Option<(&[u8], bool)> {
        let (content, term) = self.answers.get(&key)?;
        (term.kept_until_ns > now).then_some((content, term.fresh_until_ns > now))
    }
}

/// Keys that share a path with others.
fn path(key: u64) -> u32 {
    key as u32 % 32
}

/// A slice of so many bytes goes its way; with `roomy` it must have all that the model has.
fn run(seed: u64, bytes_max: u64, roomy: bool) {
    let mut random = Random::new(seed);
    let (mut slice, mut model, mut now) = (Slice::new(bytes_max, 4), Model::default(), 1_u64);
    let mut in_flight: Vec<Stored> = Vec::new();
    for step in 0..4_000 {
        let key = random.below(KEYS);
        let text = format!("key-{key}").into_bytes();
        let at = hash(&text);
        let place = format!("seed {seed} step {step} key {key}");
        match random.below(100) {
            0..40 => {
                let content = vec![random.next() as u8; random.below(3_000) as usize];
                let fresh_until_ns = now + random.below(500);
                let term = Term {
                    fresh_until_ns,
                    kept_until_ns: fresh_until_ns + random.below(3) * random.below(300),
                    path: path(key),
                    ..Term::default()
                };
                let out = answer(&content);
                let kept = slice.insert((at, &text), &draft(&out), random.below(4) as u32, term);
                assert!(kept.is_some() || !roomy, "{place}");
                match kept {
                    Some(stored) => {
                        assert_eq!(&*stored.content(), content);
                        if random.below(8) == 0 {
                            in_flight.push(stored);
                        }
                        model.answers.insert(key, (content, term));
                    }
                    None => drop(model.answers.remove(&key)),
                }
            }
            40..85 => match (slice.find(at, &text, now), model.find(key, now)) {
                (Some(Found::Answer(stored)), Some((content, true)))
                | (Some(Found::Stale(stored)), Some((content, false))) => {
                    assert_eq!((stored.key(), &*stored.content()), (&*text, content), "{place}");
                }
                (None, Some(_)) => assert!(!roomy, "{place}"),
                (None, None) => {}
                (Some(found), want) => panic!("{place}: {found:?} {want:?}"),
            },
            85..90 => {
                slice.remove(at, &text);
                model.answers.remove(&key);
            }
            90..97 => now += random.below(60),
            97 => {
                // None is of path 0, which is none.
                slice.change(path(key));
                model.answers.retain(|_, (_, term)| term.path == 0 || term.path != path(key));
            }
            98 => {
                in_flight.clear();
                slice.set_bytes_max(slice.bytes_max());
            }
            _ if random.below(20) == 0 => {
                slice.clear();
                model.answers.clear();
            }
            _ if !roomy => drop(slice.set_bytes_max(bytes_max / 2 + random.below(bytes_max))),
            _ => {}
        }
        assert!(slice.bytes() <= slice.bytes_max() || !in_flight.is_empty(), "{place}");
        let counted: u64 = slice.counters().iter().map(|counters| counters.bytes).sum();
        assert!(counted <= slice.bytes(), "{place}");
    }
    let counters = slice.counters();
    assert_eq!(roomy, counters.iter().all(|counters| counters.evictions == 0), "seed {seed}");
    assert!(counters.iter().all(|counters| counters.hits > 0), "seed {seed}");
}

#[test]
fn with_room_for_all() {
    (0..20).for_each(|seed| run(seed, 8 << 20, true));
}

#[test]
fn with_room_for_some() {
    (0..40).for_each(|seed| run(seed, 65_536 + seed * 4_096, false));
}
