//! How often the answer is there, beside other ways to choose what stays.

use tidegate_core::cache::{Slice, Term};

use crate::chosen::{Lru, TinyLfu, optimum};
use crate::{Random, answer, draft, hash};

const REQUESTS: usize = 200_000;
const BYTES_MAX: u64 = 1 << 20;

/// Draws keys of which the first is asked for most often.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(keys: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=keys)
                .map(|rank| (rank as f64).powf(-exponent))
                .map(|part| {
                    sum += part;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, random: &mut Random) -> u32 {
        let wanted = random.part() * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|&sum| sum < wanted) as u32
    }
}

fn zipf(exponent: f64) -> Vec<u32> {
    let (mut random, zipf) = (Random::new(7), Zipf::new(20_000, exponent));
    (0..REQUESTS).map(|_| zipf.draw(&mut random)).collect()
}

/// Now and then somebody asks for a thousand things that nobody asks for again.
fn zipf_with_scans() -> Vec<u32> {
    let mut fresh = 1_000_000..;
    let popular = zipf(0.9);
    popular
        .chunks(4_000)
        .flat_map(|chunk| chunk.iter().copied().chain(fresh.by_ref().take(1_000)).collect::<Vec<_>>())
        .collect()
}

/// What is popular changes all the time.
fn drifting() -> Vec<u32> {
    zipf(0.9).iter().enumerate().map(|(at, key)| key + (at / 20) as u32).collect()
}

/// The same again and again, somewhat more than fits.
fn looping() -> Vec<u32> {
    (0..REQUESTS as u32).map(|at| at % 4_000).collect()
}

/// Hits of a slice of so many bytes, and how many answers it holds.
fn slice_hits(trace: &[u32], bytes_max: u64) -> (usize, usize) {
    let mut slice = Slice::new(bytes_max, 1);
    let out = answer(&[b'x'; 200]);
    let ask = |key: &&u32| {
        let key = key.to_le_bytes();
        let at = hash(&key);
        let found = slice.find(at, &key, 0).is_some();
        if !found {
            assert!(slice.insert((at, &key), &draft(&out), 0, Term::until(0, 1)).is_some());
        }
        found
    };
    let hits = trace.iter().filter(ask).count();
    (hits, slice.len())
}

/// `behind_tiny_lfu`: how many points it may be behind W-TinyLFU at most; `behind_lru` likewise.
#[track_caller]
fn check(name: &str, trace: &[u32], behind_lru: f64, behind_tiny_lfu: f64) {
    check_in(BYTES_MAX, name, trace, behind_lru, behind_tiny_lfu);
}

/// The same in a slice of so many bytes.
#[track_caller]
pub(crate) fn check_in(bytes_max: u64, name: &str, trace: &[u32], behind_lru: f64, behind_tiny_lfu: f64) {
    let (hits, capacity) = slice_hits(trace, bytes_max);
    let points = |hits: usize| hits as f64 * 100.0 / trace.len() as f64;
    let (ours, lru) = (points(hits), points(Lru::new(capacity).hits(trace)));
    let (tiny, best) = (points(TinyLfu::new(capacity).hits(trace)), points(optimum(capacity, trace)));
    let text = format!(
        "{name}: {ours:.1}, LRU {lru:.1}, W-TinyLFU {tiny:.1}, optimum {best:.1}, {capacity} answers"
    );
    tell(&text);
    assert!(ours <= best, "{text}");
    assert!(ours >= lru - behind_lru, "{text}");
    assert!(ours >= tiny - behind_tiny_lfu, "{text}");
    assert!(tiny <= best && lru <= best, "{text}");
}

#[expect(clippy::print_stdout, reason = "for docs/performance.md, with --nocapture")]
fn tell(text: &str) {
    println!("{text}");
}

/// Beside LRU in slices of many sizes, each a third larger than the one before it: nowhere more than so many points behind,
/// which is chance.
#[track_caller]
pub(crate) fn sweep(name: &str, trace: &[u32], kib: std::ops::RangeInclusive<u64>, behind_lru: f64) {
    let sizes = std::iter::successors(Some(*kib.start()), |size| Some(size * 4 / 3));
    for size in sizes.take_while(|size| kib.contains(size)) {
        let (hits, capacity) = slice_hits(trace, size << 10);
        let lru = Lru::new(capacity).hits(trace);
        let points = |hits: usize| hits as f64 * 100.0 / trace.len() as f64;
        let text = format!("{name}, {size} KiB: {:.2}, LRU {:.2}", points(hits), points(lru));
        tell(&text);
        assert!(points(hits) >= points(lru) - behind_lru, "{text}");
    }
}

#[test]
fn popular_answers_of_any_size() {
    for (name, trace) in [
        ("zipf 0.7", zipf(0.7)),
        ("zipf 0.9", zipf(0.9)),
        ("zipf 1.1", zipf(1.1)),
        ("zipf 0.9 with scans", zipf_with_scans()),
        ("loop", looping()),
    ] {
        sweep(name, &trace, 64..=6_000, 0.1);
    }
}

/// Where what is popular changes all the time, and most of what ever was fits in: what is new is put out once before it is
/// known to be good, which LRU never does.
#[test]
fn what_is_popular_changes_at_any_size() {
    sweep("drift", &drifting(), 64..=1_024, 0.1);
    sweep("drift", &drifting(), 1_025..=8_000, 1.5);
}

#[test]
fn popular_answers() {
    check("zipf 0.7", &zipf(0.7), 0.0, 5.0);
    check("zipf 0.9", &zipf(0.9), 0.0, 5.0);
    check("zipf 1.1", &zipf(1.1), 0.0, 5.0);
}

#[test]
fn popular_answers_and_crawlers() {
    check("zipf 0.9 with scans", &zipf_with_scans(), 0.0, 5.0);
}

#[test]
fn what_is_popular_changes() {
    check("drift", &drifting(), 0.0, 100.0);
}

#[test]
fn the_same_again_and_again() {
    check("loop", &looping(), 0.0, 100.0);
}
