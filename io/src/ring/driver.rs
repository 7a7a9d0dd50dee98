//! The task that turns the ring: submit, take completions, wake, yield; poll a little when idle, then park.
//!
//! Parking waits for the ring's eventfd through the executor. The eventfd is switched off while the shard is awake, so
//! that completions write to it only when somebody sleeps (measured: one write less per completion).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Poll, Waker};
use std::time::Instant;

use glommio::io::BufferedFile;
use io_uring::{opcode, squeue, types};

use super::Ring;
use super::operation::Completion;

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

/// What the parked driver and whoever waits for the doorbell look at.
#[derive(Default)]
struct Bell {
    rung: Cell<bool>,
    heard: Cell<bool>,
    driver: RefCell<Option<Waker>>,
    listener: RefCell<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        self.rung.set(true);
        self.heard.set(true);
        let wakers = [self.driver.take(), self.listener.take()];
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Hears the doorbell.
pub struct Listener(Rc<Bell>);

impl Listener {
    /// Ends when the doorbell has been rung since the last call, or (harmlessly) when the shard has slept.
    pub async fn heard(&self) {
        poll_fn(|context| {
            if self.0.heard.take() {
                return Poll::Ready(());
            }
            *self.0.listener.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Ring {
    /// Starts turning the ring, as a task of the current executor. `doorbell` wakes it.
    pub fn start(&self, doorbell: &Doorbell) -> io::Result<Listener> {
        let eventfd = doorbell.0.try_clone()?;
        self.0.uring.borrow().submitter().register_eventfd(eventfd.as_raw_fd())?;
        let bell = Rc::new(Bell::default());
        self.spawn(hear(eventfd, Rc::clone(&bell)));
        self.spawn(drive(self.clone(), Rc::clone(&bell)));
        Ok(Listener(bell))
    }

    /// Hands submissions to the kernel, runs its deferred work, takes completions. Returns their number.
    fn turn(&self) -> io::Result<usize> {
        self.enter()?;
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

    /// One system call, or none when there is nothing to submit and nothing to be run.
    fn enter(&self) -> io::Result<()> {
        let mut uring = self.0.uring.borrow_mut();
        let (pending, deferred) = {
            let submissions = uring.submission();
            (submissions.len(), submissions.taskrun() || submissions.cq_overflow())
        };
        if pending == 0 && !deferred {
            return Ok(());
        }
        let flags = io_uring::EnterFlags::GETEVENTS.bits();
        // JUSTIFICATION: `submit` does not run deferred task work when it does not wait (tokio-rs/io-uring#263).
        // SAFETY: no argument is passed; submissions obey the contract of `Ring::push`.
        let entered = unsafe { uring.submitter().enter::<libc::sigset_t>(pending as u32, 0, flags, None) };
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
        self.push(&entry.user_data(super::operation::IGNORED).flags(squeue::Flags::empty()));
        // The kernel reads `time` while it takes the submission (IORING_FEAT_SUBMIT_STABLE), so hand it over now.
        if let Err(error) = self.enter() {
            tracing::warn!(%error, "io_uring_enter");
        }
    }
}

/// Interrupted, or the completion queue must be emptied first.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME))
}

async fn drive(ring: Ring, bell: Rc<Bell>) {
    let spin = std::time::Duration::from_micros(ring.0.settings.spin_us);
    let (armed_ms, mut idle_since, mut empty_turns) = (Cell::new(0), None, 0_u32);
    loop {
        match ring.turn() {
            Ok(0) => {}
            Ok(_) => (idle_since, empty_turns) = (None, 0),
            Err(error) => {
                // Nothing of the shard can go on without its ring.
                tracing::error!(%error, "io_uring_enter failed; the shard stops");
                std::process::abort();
            }
        }
        yield_now().await;
        empty_turns += 1;
        if empty_turns % EMPTY_TURNS_PER_CLOCK != 0 || ring.has_work() {
            continue;
        }
        let since = *idle_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= spin {
            ring.arm_wake_up(&armed_ms);
            park(&ring, &bell).await;
            (idle_since, empty_turns) = (None, 0);
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

/// Sleeps until a completion comes or the doorbell rings.
async fn park(ring: &Ring, bell: &Bell) {
    ring.0.uring.borrow_mut().completion().enable_eventfd();
    // What came before the eventfd was on would not ring it. The fence orders our switching it on before our look; the
    // kernel has one between its work and its look at the switch.
    fence(Ordering::SeqCst);
    if !ring.has_work() {
        poll_fn(|context| {
            if bell.rung.take() {
                return Poll::Ready(());
            }
            *bell.driver.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
    ring.0.uring.borrow_mut().completion().disable_eventfd();
}

/// Reads the eventfd, forever. A read that is dropped would swallow a wake-up, so there is only this one.
async fn hear(eventfd: OwnedFd, bell: Rc<Bell>) {
    // JUSTIFICATION: the executor cannot await a foreign descriptor in any other way that works (see the module).
    // SAFETY: the descriptor is open and given away here.
    let file = unsafe { BufferedFile::from_raw_fd(eventfd.into_raw_fd()) };
    loop {
        match file.read_at(0, 8).await {
            Ok(_) => bell.ring(),
            Err(error) => {
                tracing::error!(%error, "the shard's eventfd cannot be read; the shard stops");
                std::process::abort();
            }
        }
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
