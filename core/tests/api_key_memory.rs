//! How much memory an API key takes, as a number of bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_core::limit::{ApiKeySpec, PlanStage, StageId, UsagePlanSpec, UsagePlans};

/// Counts the bytes that are held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// JUSTIFICATION: a global allocator cannot be written without; only this test has it.
// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and all memory is the system's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// AWS makes values of 40 characters.
#[test]
fn a_key_takes_less_than_200_bytes() {
    const KEYS: usize = 200_000;
    let spec = |number: usize| ApiKeySpec {
        name: format!("customer-{number:08}"),
        value: format!("{number:040}"),
        enabled: true,
    };
    let keys: Vec<ApiKeySpec> = (0..KEYS).map(spec).collect();
    let stages = vec![PlanStage { id: StageId { api: 0, stage: 0 }, methods: Vec::new() }];
    let plan = |number: usize| UsagePlanSpec {
        name: format!("plan-{number}"),
        keys: (0..KEYS).filter(|key| key % 1000 == number).collect(),
        stages: stages.clone(),
        ..UsagePlanSpec::default()
    };
    let specs: Vec<UsagePlanSpec> = (0..1000).map(plan).collect();
    let before = HELD.load(Ordering::Relaxed);
    let plans = UsagePlans::compile(&keys, &specs);
    let bytes = (HELD.load(Ordering::Relaxed) - before) / KEYS;
    assert!(bytes <= 200, "{bytes} bytes");
    assert_eq!(plans.accounts().count(), KEYS);
}
