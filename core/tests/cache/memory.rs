//! A slice takes no byte more than it may, whatever is put in: beside an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Write as _;

use tidegate_core::cache::{Counters, Pages, Slice, Stored, Term};

use crate::{Random, answer, draft, hash};

/// Counts the bytes that each thread holds, and the most that it has held.
struct Counting;

thread_local! {
    // Constant and without destructor, so that reaching them never allocates.
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// JUSTIFICATION: a global allocator cannot be written without; only this test has it.
// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller keeps the contract of `dealloc`, and all memory is the system's.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes as i64 - layout.size() as i64);
        // SAFETY: the caller keeps the contract of `realloc`, and all memory is the system's.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a slice has that is not of its answers: a counter for each method.
const COUNTERS_BYTES: i64 = size_of::<Counters>() as i64;

/// Pages of the counting allocator: at least as much as the kernel gives.
#[derive(Debug)]
struct Counted {
    memory: Vec<u8>,
    bytes: usize,
}

impl Pages for Counted {
    fn bytes(&self) -> &[u8] {
        &self.memory[..self.bytes]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.bytes]
    }
}

fn pages(bytes: usize) -> Option<Box<dyn Pages>> {
    // Some are not to be had.
    (!bytes.is_multiple_of(7))
        .then(|| Box::new(Counted { memory: vec![0; bytes.next_multiple_of(4_096)], bytes }) as _)
}

/// Puts in answers of sizes that `size` draws; some of them are being sent meanwhile.
fn run(bytes_max: u64, steps: u64, in_flight: usize, size: impl Fn(&mut Random, u64) -> usize) -> Slice {
    let mut random = Random::new(bytes_max ^ steps);
    let out = answer(&vec![b'x'; 1 << 20]);
    let head_bytes = out.len() - (1 << 20);
    let mut sending: VecDeque<Stored> = VecDeque::with_capacity(in_flight + 1);
    let mut key = String::with_capacity(64);
    let before = HELD.get();
    PEAK.set(before);
    let mut slice = Slice::new(bytes_max, 1);
    slice.keep_large_in(Some(pages));
    for step in 0..steps {
        key.clear();
        let _ = write!(key, "key-{}", if random.below(3) == 0 { step } else { random.below(step + 1) });
        let at = hash(key.as_bytes());
        let bytes = size(&mut random, step);
        let draft = draft(&out[..head_bytes + bytes]);
        let term = Term { path: step as u32 % 64, ..Term::until(step, step + 50_000) };
        if step % 1_009 == 1_008 {
            slice.change(random.below(64) as u32 + 1);
        }
        if slice.find(at, key.as_bytes(), step).is_none()
            && let Some(stored) = slice.insert((at, key.as_bytes()), &draft, 0, term)
            && in_flight > 0
        {
            sending.push_back(stored);
            if sending.len() > in_flight {
                sending.pop_front();
            }
        }
        let held = HELD.get() - before - COUNTERS_BYTES;
        let counted = slice.bytes() as i64;
        assert!(held <= counted, "step {step}: {held} bytes are held, {counted} are counted");
        // What glibc adds to each answer is counted, too: at most a page and a word; what pages have beside their
        // bytes; and 24 bytes for when it is out.
        let added = (slice.len() + in_flight) as i64 * if bytes > 100_000 { 4_232 } else { 64 };
        assert!(
            counted - held <= added.max(64),
            "step {step}: {} bytes are counted too much",
            counted - held
        );
        assert!(counted <= bytes_max as i64, "step {step}");
    }
    assert!(PEAK.get() - before <= bytes_max as i64 + COUNTERS_BYTES, "{} bytes", PEAK.get() - before);
    slice
}

#[test]
fn small_answers() {
    let slice = run(4 << 20, 60_000, 0, |random, _| random.below(200) as usize);
    assert!(slice.len() > 8_000, "{}", slice.len());
}

#[test]
fn large_answers() {
    let slice = run(8 << 20, 2_000, 0, |random, _| 900_000 + random.below(100_000) as usize);
    assert!(slice.len() >= 7, "{}", slice.len());
}

#[test]
fn answers_that_are_being_sent() {
    run(1 << 20, 20_000, 64, |random, _| random.below(4_000) as usize);
    run(256 << 10, 5_000, 200, |random, _| random.below(4_000) as usize);
}

/// The index of many small answers gives way to a few large ones.
#[test]
fn the_index_shrinks() {
    let slice = run(2 << 20, 40_000, 0, |_, step| if step < 30_000 { 10 } else { 60_000 });
    assert!(slice.len() >= 30, "{}", slice.len());
}

#[test]
fn every_size_of_slice() {
    for bytes_max in [0, 1_000, 4_096, 65_536, 100_001] {
        run(bytes_max, 3_000, 3, |random, _| random.below(3_000) as usize);
    }
}

#[test]
fn a_slice_that_is_made_smaller_gives_up_what_it_must() {
    let mut slice = run(4 << 20, 20_000, 0, |random, _| random.below(2_000) as usize);
    let len = slice.len();
    for bytes_max in [3 << 20, 1 << 20, 300_000, 10_000, 0] {
        assert!(slice.set_bytes_max(bytes_max));
        assert!(slice.bytes() <= bytes_max && slice.len() <= len);
    }
    assert!(slice.is_empty());
}
