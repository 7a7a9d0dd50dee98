//! Readiness of many sockets: epoll, edge-triggered, with deadlines in nanoseconds.
//!
//! epoll and not io_uring: a request costs one `send` and one `recv` here, a third of wrk's calls, in code without
//! `unsafe`; and a tool whose job is to be believed should not need what container sandboxes forbid.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::Timespec;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 256;

/// Which socket an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The place in the owner's table.
    pub slot: u32,
    /// Which of the sockets that had this place: an event for an earlier one is stale.
    pub generation: u32,
}

/// What a socket is ready for. Errors and hang-ups count as readable: the next `recv` says which.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// A `recv` or `accept` is due.
    pub readable: bool,
    /// A `send` may go on, or a connect has ended.
    pub writable: bool,
    /// The peer has closed or reset the connection: after what is there comes the end, without a further event.
    pub ended: bool,
}

/// The set of sockets of one thread.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Reports every change of a socket's readiness, until it is closed.
    ///
    /// # Errors
    /// When the kernel has no memory left.
    pub fn watch(&self, socket: impl AsFd, token: Token) -> io::Result<()> {
        self.add(socket, token, EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET)
    }

    /// Reports, as often as asked, that a listener has connections.
    ///
    /// # Errors
    /// When the kernel has no memory left.
    pub fn watch_listener(&self, socket: impl AsFd, token: Token) -> io::Result<()> {
        self.add(socket, token, EventFlags::IN)
    }

    fn add(&self, socket: impl AsFd, token: Token, flags: EventFlags) -> io::Result<()> {
        let data = EventData::new_u64(u64::from(token.generation) << 32 | u64::from(token.slot));
        Ok(epoll::add(&self.epoll, socket, data, flags)?)
    }

    /// Waits for events, at most this long. A signal ends the wait without events.
    ///
    /// # Errors
    /// Never in practice; the kernel's, when the set is broken.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: at_most.as_secs().cast_signed(),
            tv_nsec: i64::from(at_most.subsec_nanos()) as _,
        };
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Number of events of the last wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether the last wait gave nothing.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// An event of the last wait.
    pub fn event(&self, index: usize) -> (Token, Ready) {
        let event = self.events[index];
        let flags = event.flags;
        let data = event.data.u64();
        let token = Token { slot: data as u32, generation: (data >> 32) as u32 };
        let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        let ready = Ready {
            readable: broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP),
            writable: broken || flags.intersects(EventFlags::OUT),
            ended: broken || flags.intersects(EventFlags::RDHUP),
        };
        (token, ready)
    }
}
