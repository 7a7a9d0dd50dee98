//! The data plane's own io_uring: the only place that knows the ring and the executor's types.
//!
//! Everything else sees a completion-shaped [`Socket`] (a buffer goes in, the buffer and a length come out), an
//! [`Acceptor`], deadlines and [`Ring::spawn`], so that the engine below can change. Owned by one shard, used on its
//! thread only, shared with nobody.
//!
//! Why not the executor's sockets: they are readiness plus system calls and cost twice as much per request as this
//! ring (`docs/decisions/0001-own-ring.md`).

mod accept;
mod buffers;
mod driver;
mod link;
mod operation;
mod pages;
mod payload;
mod pieces;
pub mod probe;
mod socket;
mod tasks;
mod timers;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::rc::Rc;

use io_uring::{IoUring, squeue};
use slab::Slab;
use tidegate_core::cache::MakePages;
use tidegate_core::clock::Now;

pub use self::accept::{Acceptor, listen, reserve};
pub use self::buffers::Chunk;
pub use self::driver::{Doorbell, Listener};
pub use self::socket::Socket;

use self::buffers::Buffers;
use self::operation::{Completion, Operation};
use self::pages::Splicer;
use self::tasks::Tasks;
use self::timers::Timers;
use crate::clock;

/// Submission queue entries. A turn with more submissions enters the kernel in between.
const SUBMISSIONS: u32 = 1024;
/// Completion queue entries; the kernel keeps what does not fit (IORING_FEAT_NODROP).
const COMPLETIONS: u32 = 8192;

/// Buffers to write into that a shard keeps for reuse.
const SPARE_BUFFERS_MAX: usize = 1024;
/// Largest buffer that is kept for reuse, in bytes.
const SPARE_BUFFER_BYTES_MAX: usize = 32_768;

/// Sizes of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSettings {
    /// Receive buffers of the shard, a power of two.
    pub receive_buffers: u16,
    /// Bytes of one receive buffer.
    pub receive_buffer_bytes: u32,
    /// Microseconds that an idle shard polls before it parks. More answers sooner at low load and burns more CPU.
    pub spin_us: u64,
}

/// A shard's ring. Clones are the same ring.
#[derive(Clone)]
pub struct Ring(Rc<Shared>);

struct Shared {
    uring: RefCell<IoUring>,
    operations: RefCell<Slab<Operation>>,
    buffers: Buffers,
    timers: RefCell<Timers>,
    spare: RefCell<Vec<Vec<u8>>>,
    tasks: Tasks,
    batch: RefCell<Vec<Completion>>,
    now: Cell<Now>,
    /// Things outside that are waited for and that need this CPU themselves.
    yielding: Cell<usize>,
    /// `None`: the kernel grants no pipe, and everything is copied.
    splicer: Option<Splicer>,
    settings: RingSettings,
}

impl Ring {
    /// Opens the ring of the current thread, which is the only one that may use it from then on.
    pub fn open(settings: RingSettings) -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SUBMISSIONS)?;
        let buffers = Buffers::register(&uring, settings.receive_buffers, settings.receive_buffer_bytes)?;
        let ring = Self(Rc::new(Shared {
            uring: RefCell::new(uring),
            operations: RefCell::new(Slab::with_capacity(1024)),
            buffers,
            timers: RefCell::new(Timers::default()),
            spare: RefCell::new(Vec::new()),
            tasks: Tasks::default(),
            batch: RefCell::new(Vec::new()),
            now: Cell::new(Now::default()),
            yielding: Cell::new(0),
            splicer: Splicer::new()
                .inspect_err(|error| tracing::warn!(%error, "no pipe: large cached answers are copied"))
                .ok(),
            settings,
        }));
        ring.read_clock();
        Ok(ring)
    }

    /// The time at which the current turn began.
    pub fn now(&self) -> Now {
        self.0.now.get()
    }

    /// Runs a task on this shard, beside the others.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        tasks::spawn(Box::pin(task), &self.0.tasks);
    }

    /// Ends no sooner than this many milliseconds from now.
    pub async fn sleep(&self, milliseconds: u64) {
        timers::sleep(self, milliseconds).await;
    }

    /// Parks at once when idle, until as many calls of [`Ring::poll_again`]: a process of this machine has something to do
    /// first, perhaps on this very CPU.
    pub fn yield_cpu(&self) {
        self.0.yielding.set(self.0.yielding.get() + 1);
    }

    /// Ends one [`Ring::yield_cpu`].
    pub fn poll_again(&self) {
        debug_assert!(self.0.yielding.get() > 0, "as often as it was told to yield");
        self.0.yielding.set(self.0.yielding.get().saturating_sub(1));
    }

    /// Makes pages that its sockets send from, if they can.
    pub fn pages(&self) -> Option<MakePages> {
        self.0.splicer.as_ref().map(|_| pages::make as MakePages)
    }

    fn read_clock(&self) {
        self.0.now.set(clock::now());
    }

    fn push(&self, entry: &squeue::Entry) {
        let mut uring = self.0.uring.borrow_mut();
        loop {
            // JUSTIFICATION: the submission queue has no safe interface.
            // SAFETY: what `entry` points to is owned by its `Operation`, itself or by the `Link` that it keeps. The operation
            // stays in `operations`, and the link keeps the payload, unmoved behind its own allocation, until the kernel has
            // posted the operation's last completion.
            if unsafe { uring.submission().push(entry) }.is_ok() {
                return;
            }
            // Full: hand over what is there. It cannot stay full, for the kernel copies entries as it takes them.
            if let Err(error) = uring.submit() {
                tracing::debug!(%error, "io_uring_enter");
            }
        }
    }

    /// An empty buffer to write into, with whatever memory an earlier one had.
    pub fn buffer(&self) -> Vec<u8> {
        self.0.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub fn recycle(&self, mut buffer: Vec<u8>) {
        let mut spare = self.0.spare.borrow_mut();
        if spare.len() < SPARE_BUFFERS_MAX && buffer.capacity() <= SPARE_BUFFER_BYTES_MAX {
            buffer.clear();
            spare.push(buffer);
        }
    }
}
