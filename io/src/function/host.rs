//! The thread that starts functions' processes, waits for their ends and reads what they print.
//!
//! It lives as long as the gateway, for a process dies with the thread that started it. When the gateway stops, it stops
//! all of them.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tidegate_core::arrival::uuid;
use tidegate_core::plan::Function;

use super::current::Current;
use super::lines::{Entry, Lines};
use super::process;
use crate::ring::Doorbell;

/// Orders that wait for the host; a shard tries again when there are so many.
const QUEUED_ORDERS_MAX: usize = 1024;
/// How long a process may take to end by itself when it is told to, in milliseconds; then it is killed.
const STOP_MS: u64 = 500;
/// Bytes that are read of one process before the others have their turn.
const READ_BYTES: usize = 65_536;
/// Bytes that are read of a process that has ended: more than a pipe holds.
const LAST_BYTES_MAX: usize = 1 << 20;
/// How often a notice is tried again that a shard's full queue did not take.
const NOTICE_RETRY: Duration = Duration::from_millis(20);

/// Which place of which shard.
pub(super) type Key = (usize, usize);

/// What the host is told.
pub(super) enum Order {
    Start(Box<Start>),
    /// Lets the process end by itself, if it does so soon.
    Stop(Key),
    Kill(Key),
}

/// A process to start.
pub(super) struct Start {
    pub(super) key: Key,
    pub(super) function: Arc<Function>,
    /// Where its Runtime API is.
    pub(super) port: u16,
    pub(super) region: Arc<str>,
    pub(super) current: Arc<Current>,
    pub(super) notices: Sender<Notice>,
    pub(super) doorbell: Doorbell,
}

/// What a shard is told: a process has ended, or could not be started.
pub(crate) struct Notice {
    pub(super) slot: usize,
    pub(super) end: String,
}

/// A way to the host.
#[derive(Clone)]
pub(crate) struct HostHandle {
    orders: Sender<Order>,
    bell: Arc<OwnedFd>,
}

impl HostHandle {
    /// False when its queue is full. A host that has ended takes any order: it has stopped everything.
    pub(super) fn order(&self, order: Order) -> bool {
        let taken = !matches!(self.orders.try_send(order), Err(TrySendError::Full(_)));
        ring(&self.bell);
        taken
    }
}

fn ring(bell: &OwnedFd) {
    // A full counter wakes the host just as well.
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

/// The thread. Dropping it stops all processes and waits until they are gone.
pub(crate) struct Host {
    handle: HostHandle,
    thread: Option<JoinHandle<()>>,
    stop: Sender<()>,
}

impl Host {
    /// Starts it.
    pub(crate) fn start() -> io::Result<Self> {
        let (orders, received) = bounded(QUEUED_ORDERS_MAX);
        let (stop, stopped) = bounded(1);
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let handle = HostHandle { orders, bell: Arc::clone(&bell) };
        let work =
            Work { orders: received, stop: stopped, bell, processes: Vec::new(), notices: VecDeque::new() };
        let thread = std::thread::Builder::new().name("functions".to_owned()).spawn(|| work.run())?;
        Ok(Self { handle, thread: Some(thread), stop })
    }

    /// A way to it for a shard.
    pub(crate) fn handle(&self) -> HostHandle {
        self.handle.clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.stop.try_send(());
        ring(&self.handle.bell);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Work {
    orders: Receiver<Order>,
    stop: Receiver<()>,
    bell: Arc<OwnedFd>,
    processes: Vec<Process>,
    /// Notices that a shard has yet to take.
    notices: VecDeque<(Sender<Notice>, Doorbell, Notice)>,
}

/// A running process.
struct Process {
    start: Box<Start>,
    child: Child,
    /// Readable once it has ended.
    pidfd: OwnedFd,
    /// What it prints; `None` when it has closed that.
    pipe: Option<PipeReader>,
    lines: Lines,
    /// When it is killed.
    kill_at: Option<Instant>,
}

impl Work {
    fn run(mut self) {
        let mut buffer = vec![0; READ_BYTES];
        while self.stop.try_recv().is_err() {
            self.wait();
            self.take_orders();
            self.look_after(&mut buffer);
            self.tell();
        }
        self.processes.iter_mut().for_each(Process::stop);
        while !self.processes.is_empty() {
            self.wait();
            self.look_after(&mut buffer);
        }
    }

    /// Until something happens, or a process must be killed.
    fn wait(&self) {
        let mut watched = vec![PollFd::new(&self.bell, PollFlags::IN)];
        for process in &self.processes {
            watched.push(PollFd::new(&process.pidfd, PollFlags::IN));
            watched.extend(
                process.pipe.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)),
            );
        }
        let kills = self.processes.iter().filter_map(|process| process.kill_at);
        let kill = kills.min().map(|at| at.saturating_duration_since(Instant::now()));
        let retry = (!self.notices.is_empty()).then_some(NOTICE_RETRY);
        let pause = [kill, retry].into_iter().flatten().min();
        let pause = pause.and_then(|pause| Timespec::try_from(pause + Duration::from_millis(1)).ok());
        // Interrupted or not, what is looked at next is nonblocking.
        let _ = poll(&mut watched, pause.as_ref());
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Start(start) => self.start(start),
                Order::Stop(key) => self.each(key, Process::stop),
                Order::Kill(key) => self.each(key, Process::kill),
            }
        }
    }

    fn each(&mut self, key: Key, what: impl Fn(&mut Process)) {
        self.processes.iter_mut().filter(|process| process.start.key == key).for_each(what);
    }

    fn start(&mut self, start: Box<Start>) {
        match Process::start(start) {
            Ok(process) => self.processes.push(process),
            Err((start, error)) => {
                let end = format!("`{}` cannot be started: {error}", start.function.command[0]);
                self.note_end(*start, end);
            }
        }
    }

    /// Reads what was printed, kills what is due, buries what has ended.
    fn look_after(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        for process in &mut self.processes {
            process.read(buffer, READ_BYTES);
            if process.kill_at.is_some_and(|at| at <= now) {
                process.kill();
            }
        }
        let ended = self.processes.extract_if(.., |process| process.has_ended()).collect::<Vec<_>>();
        for mut process in ended {
            let end = process.bury(buffer);
            self.note_end(*process.start, end);
        }
    }

    fn note_end(&mut self, start: Start, end: String) {
        let notice = Notice { slot: start.key.1, end };
        self.notices.push_back((start.notices, start.doorbell, notice));
    }

    fn tell(&mut self) {
        for _ in 0..self.notices.len() {
            let Some((notices, doorbell, notice)) = self.notices.pop_front() else { return };
            match notices.try_send(notice) {
                Err(TrySendError::Full(notice)) => self.notices.push_back((notices, doorbell, notice)),
                Ok(()) | Err(TrySendError::Disconnected(_)) => doorbell.ring(),
            }
        }
    }
}

impl Process {
    fn start(start: Box<Start>) -> Result<Self, (Box<Start>, io::Error)> {
        let started = process::start(&start).and_then(|(mut child, pipe)| {
            let watched = nonblocking(&pipe).and_then(|()| watch(&child));
            if watched.is_err() {
                let _ = child.kill();
                let _ = child.wait();
            }
            Ok((child, pipe, watched?))
        });
        match started {
            Ok((child, pipe, pidfd)) => {
                tracing::debug!(function = start.function.name, pid = child.id(), "started");
                Ok(Self { start, child, pidfd, pipe: Some(pipe), lines: Lines::new(), kill_at: None })
            }
            Err(error) => Err((start, error)),
        }
    }

    fn stop(&mut self) {
        if self.kill_at.is_none() {
            self.signal(Signal::TERM);
            self.kill_at = Some(Instant::now() + Duration::from_millis(STOP_MS));
        }
    }

    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.kill_at = Some(Instant::now() + Duration::from_millis(STOP_MS));
    }

    /// To it and its children. It has not been waited for, so the number is still its own.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    fn has_ended(&self) -> bool {
        let mut watched = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut watched, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Takes its children with it, reads what it has left, and waits for it.
    fn bury(&mut self, buffer: &mut [u8]) -> String {
        self.signal(Signal::KILL);
        self.read(buffer, LAST_BYTES_MAX);
        let (name, current) = (&self.start.function.name, &self.start.current);
        self.lines.end(|entry| log(name, current, &entry));
        self.child.wait().map_or_else(|error| error.to_string(), |status: ExitStatus| status.to_string())
    }

    /// Reads what it has printed, up to about `bytes_max`.
    fn read(&mut self, buffer: &mut [u8], bytes_max: usize) {
        let (name, current) = (&self.start.function.name, &self.start.current);
        let mut bytes = 0;
        while let Some(pipe) = &mut self.pipe
            && bytes < bytes_max
        {
            match pipe.read(buffer) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    bytes += read;
                    self.lines.push(&buffer[..read], Instant::now(), |entry| log(name, current, &entry));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }
}

fn nonblocking(pipe: &PipeReader) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(pipe, true)?)
}

fn watch(child: &Child) -> io::Result<OwnedFd> {
    Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}

/// A line with the invocation that the process has, or had last.
fn log(function: &str, current: &Current, entry: &Entry<'_>) {
    match entry {
        Entry::Dropped(bytes) => {
            tracing::warn!(target: "function", function, bytes, "it prints too much; dropped");
        }
        Entry::Line(line) => {
            let line = String::from_utf8_lossy(line);
            match current.get() {
                Some([high, low]) => {
                    let id = uuid(high, low);
                    let request_id = String::from_utf8_lossy(&id);
                    tracing::info!(target: "function", function, %request_id, "{line}");
                }
                None => tracing::info!(target: "function", function, "{line}"),
            }
        }
    }
}
