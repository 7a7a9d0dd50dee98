//! The loop of a shard: run tasks, submit, take completions, wake; poll a little when idle, then park.
//!
//! Parking is one `io_uring_enter` that waits for a completion. The whole thread sleeps in it, the executor included:
//! nothing of a shard waits for anything but this ring. Parking through the executor instead (the ring's eventfd read by
//! the executor's own ring) costs about ten system calls a sleep (`docs/decisions/0004-parking.md`).

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use io_uring::{opcode, squeue, types};

use super::operation::{Completion, IGNORED, Operation};
use super::{Ring, tasks};

/// Completions that are taken before tasks run.
const COMPLETIONS_PER_TURN: usize = 256;
/// Empty turns between two looks at the clock while polling.
const EMPTY_TURNS_PER_CLOCK: u32 = 8;
/// Polling for less than this is not worth it: going to sleep and waking up costs about as much, in microseconds.
const SPIN_US_MIN: u64 = 4;

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
pub(super) struct Bell {
    doorbell: Doorbell,
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    /// Polls the doorbell. Every write to the eventfd is a completion; its counter need not be read.
    fn arm(self: &Rc<Self>, ring: &Ring) {
        let fd = types::Fd(self.doorbell.0.as_raw_fd());
        let entry = opcode::PollAdd::new(fd, libc::POLLIN as u32).multi(true).build();
        ring.submit(Operation::Bell(Rc::clone(self)), entry);
    }

    /// The kernel ends the poll when its completions have no room.
    pub(super) fn complete(self: Rc<Self>, ring: &Ring, completion: Completion) {
        if !completion.more() {
            self.arm(ring);
        }
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Hears the doorbell.
pub struct Listener(Rc<Bell>);

impl Listener {
    /// Ends when the doorbell has been rung since the last call.
    pub async fn heard(&self) {
        poll_fn(|context| {
            if self.0.rung.take() {
                return Poll::Ready(());
            }
            *self.0.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Ring {
    /// Lets `doorbell` wake the shard.
    pub fn listen_to(&self, doorbell: &Doorbell) -> Listener {
        let (rung, waker) = (Cell::new(false), RefCell::new(None));
        let bell = Rc::new(Bell { doorbell: doorbell.clone(), rung, waker });
        bell.arm(self);
        Listener(bell)
    }

    /// Hands submissions to the kernel, runs its deferred work, takes completions. Returns their number.
    fn turn(&self) -> usize {
        self.enter(0);
        self.read_clock();
        let mut batch = self.0.batch.take();
        batch.extend(
            self.0
                .uring
                .borrow_mut()
                .completion()
                .take(COMPLETIONS_PER_TURN)
                .map(|entry| Completion::new(&entry)),
        );
        let count = batch.len();
        batch.drain(..).for_each(|completion| self.complete(completion));
        self.0.batch.replace(batch);
        self.fire_deadlines();
        count
    }

    /// One system call, or none when there is nothing to submit, nothing to be run and nothing to wait for.
    fn enter(&self, wait_for: u32) {
        let mut uring = self.0.uring.borrow_mut();
        let (pending, deferred) = {
            let submissions = uring.submission();
            (submissions.len(), submissions.taskrun() || submissions.cq_overflow())
        };
        if pending == 0 && !deferred && wait_for == 0 {
            return;
        }
        let flags = io_uring::EnterFlags::GETEVENTS.bits();
        // JUSTIFICATION: `submit` does not run deferred task work when it does not wait (tokio-rs/io-uring#263).
        // SAFETY: no argument is passed; submissions obey the contract of `Ring::push`.
        let entered =
            unsafe { uring.submitter().enter::<libc::sigset_t>(pending as u32, wait_for, flags, None) };
        if let Err(error) = passing(entered) {
            // Nothing of the shard can go on without its ring.
            tracing::error!(%error, "io_uring_enter failed");
            std::process::abort();
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
        self.enter(0);
    }
}

/// Interrupted, or the completion queue must be emptied first: the next turn tries again.
fn passing(entered: io::Result<usize>) -> io::Result<usize> {
    match entered {
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME)
            ) =>
        {
            Ok(0)
        }
        other => other,
    }
}

impl Ring {
    /// Runs `main` and all tasks until `main` is done. Takes the thread for itself: it sleeps in the kernel.
    pub fn run(&self, main: impl Future<Output = ()> + 'static) {
        let done = Rc::new(Cell::new(false));
        let main_done = Rc::clone(&done);
        self.spawn(async move {
            main.await;
            main_done.set(true);
        });
        let (armed_ms, mut idle_since, mut empty_turns) = (Cell::new(0), None, 0_u32);
        while !done.get() {
            let woken = tasks::run(self);
            let completed = self.turn();
            if woken + completed > 0 {
                (idle_since, empty_turns) = (None, 0);
                continue;
            }
            let spin = self.spin();
            if !spin.is_zero() {
                empty_turns += 1;
                let looks = empty_turns % EMPTY_TURNS_PER_CLOCK == 0;
                if !looks || idle_since.get_or_insert_with(Instant::now).elapsed() < spin {
                    std::hint::spin_loop();
                    continue;
                }
            }
            self.arm_wake_up(&armed_ms);
            self.enter(1);
        }
    }

    /// How long to poll before parking. The more tasks are active, the shorter: they keep the CPU from sleeping deeply,
    /// and a short sleep lets completions gather, which costs less than polling for the next one
    /// (`docs/decisions/0004-parking.md`).
    fn spin(&self) -> Duration {
        if self.0.yielding.get() > 0 {
            return Duration::ZERO;
        }
        let spin_us = self.0.settings.spin_us / u64::from(self.0.tasks.active());
        Duration::from_micros(if spin_us < SPIN_US_MIN { 0 } else { spin_us })
    }
}
