//! The task that turns the ring: submit, take completions, wake, yield; poll a little when idle, then park.
//!
//! Parking is one `io_uring_enter` that waits for a completion. The whole thread sleeps in it, the executor included:
//! nothing of a shard waits for anything but this ring. Parking through the executor instead (the ring's eventfd read by
//! the executor's own ring) costs about ten system calls a sleep (`docs/decisions/0004-parking.md`).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use io_uring::{opcode, squeue, types};

use super::Ring;
use super::operation::{Completion, IGNORED, Operation};

/// Completions that are taken before tasks run.
const COMPLETIONS_PER_TURN: usize = 256;
/// Empty turns between two looks at the clock while polling.
const EMPTY_TURNS_PER_CLOCK: u32 = 8;

/// Wakes a shard from another thread.
#[derive(Clone)]
pub struct Doorbell(Arc<OwnedFd>);

impl Doorbell {
    /// Opens one. Blocking on purpose: a read of a nonblocking eventfd on a ring fails instead of waiting.
    pub fn new() -> io::Result<Self> {
        // JUSTIFICATION: std has no eventfd.
        // SAFETY: the call touches no memory of ours; the descriptor is new and owned by nobody else.
        let fd = unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes the shard.
    pub fn ring(&self) {
        let one = 1_u64.to_ne_bytes();
        // JUSTIFICATION: std has no eventfd.
        // SAFETY: the descriptor is open as long as `self`, the buffer holds the eight bytes.
        let written = unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        debug_assert_eq!(written, 8, "an eventfd takes a write unless its counter is full");
    }
}

/// Whether the doorbell was rung, and who wants to know.
#[derive(Default)]
pub(super) struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    pub(super) fn complete(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Hears the doorbell.
pub struct Listener {
    bell: Rc<Bell>,
    /// Polled by the ring.
    _doorbell: Doorbell,
}

impl Listener {
    /// Ends when the doorbell has been rung since the last call.
    pub async fn heard(&self) {
        poll_fn(|context| {
            if self.bell.rung.take() {
                return Poll::Ready(());
            }
            *self.bell.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Ring {
    /// Starts turning the ring, as a task of the current executor. `doorbell` wakes it.
    pub fn start(&self, doorbell: &Doorbell) -> Listener {
        let bell = Rc::new(Bell::default());
        let fd = types::Fd(doorbell.0.as_raw_fd());
        // Every write to the eventfd is a completion; its counter need not be read.
        let entry = opcode::PollAdd::new(fd, libc::POLLIN as u32).multi(true).build();
        self.submit(Operation::Bell(Rc::clone(&bell)), |_| entry);
        self.spawn(drive(self.clone()));
        Listener { bell, _doorbell: doorbell.clone() }
    }

    /// Hands submissions to the kernel, runs its deferred work, takes completions. Returns their number.
    fn turn(&self) -> io::Result<usize> {
        self.enter(0)?;
        self.read_clock();
        let mut batch = [const { None }; COMPLETIONS_PER_TURN];
        let mut count = 0;
        for (slot, entry) in batch.iter_mut().zip(self.0.uring.borrow_mut().completion()) {
            *slot = Some(Completion::new(&entry));
            count += 1;
        }
        batch.iter().take(count).flatten().for_each(|completion| self.complete(*completion));
        self.fire_deadlines();
        Ok(count)
    }

    /// One system call, or none when there is nothing to submit, nothing to be run and nothing to wait for.
    fn enter(&self, wait_for: u32) -> io::Result<()> {
        let mut uring = self.0.uring.borrow_mut();
        let (pending, deferred) = {
            let submissions = uring.submission();
            (submissions.len(), submissions.taskrun() || submissions.cq_overflow())
        };
        if pending == 0 && !deferred && wait_for == 0 {
            return Ok(());
        }
        let flags = io_uring::EnterFlags::GETEVENTS.bits();
        // JUSTIFICATION: `submit` does not run deferred task work when it does not wait (tokio-rs/io-uring#263).
        // SAFETY: no argument is passed; submissions obey the contract of `Ring::push`.
        let entered =
            unsafe { uring.submitter().enter::<libc::sigset_t>(pending as u32, wait_for, flags, None) };
        match entered {
            Ok(_) => Ok(()),
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn fire_deadlines(&self) {
        let mut woken = Vec::new();
        self.0.timers.borrow_mut().turn(self.now().monotonic_ns / 1_000_000, &mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Makes sure that a completion comes when the next deadline does.
    fn arm_wake_up(&self, armed_ms: &Cell<u64>) {
        let now_ms = self.now().monotonic_ns / 1_000_000;
        let Some(wait_ms) = self.0.timers.borrow().next_ms() else { return };
        let at_ms = now_ms + wait_ms.max(1);
        if armed_ms.get() > now_ms && armed_ms.get() <= at_ms {
            return;
        }
        armed_ms.set(at_ms);
        let time = types::Timespec::new().sec(wait_ms / 1000).nsec((wait_ms % 1000 * 1_000_000) as u32);
        let entry = opcode::Timeout::new(&raw const time).build();
        self.push(&entry.user_data(IGNORED).flags(squeue::Flags::empty()));
        // The kernel reads `time` while it takes the submission (IORING_FEAT_SUBMIT_STABLE), so hand it over now.
        if let Err(error) = self.enter(0) {
            tracing::warn!(%error, "io_uring_enter");
        }
    }
}

/// Interrupted, or the completion queue must be emptied first.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME))
}

async fn drive(ring: Ring) {
    let spin = std::time::Duration::from_micros(ring.0.settings.spin_us);
    let (armed_ms, mut idle_since, mut empty_turns) = (Cell::new(0), None, 0_u32);
    loop {
        match ring.turn() {
            Ok(0) => empty_turns += 1,
            Ok(_) => (idle_since, empty_turns) = (None, 0),
            Err(error) => {
                // Nothing of the shard can go on without its ring.
                tracing::error!(%error, "io_uring_enter failed; the shard stops");
                std::process::abort();
            }
        }
        yield_now().await;
        if ring.has_work() || empty_turns % EMPTY_TURNS_PER_CLOCK != 0 {
            continue;
        }
        let since = *idle_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= spin {
            ring.arm_wake_up(&armed_ms);
            if let Err(error) = ring.enter(1) {
                tracing::warn!(%error, "io_uring_enter");
            }
        }
    }
}

impl Ring {
    /// Whether the next turn has something to do.
    fn has_work(&self) -> bool {
        let mut uring = self.0.uring.borrow_mut();
        let submissions = uring.submission();
        let submitting = !submissions.is_empty() || submissions.taskrun();
        drop(submissions);
        submitting || !uring.completion().is_empty()
    }
}

/// Lets every other task that is ready run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
