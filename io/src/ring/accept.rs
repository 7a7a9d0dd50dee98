//! A shard's listening sockets.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use io_uring::{opcode, types};
use socket2::{Domain, Protocol, SockAddr, Type};

use super::Ring;
use super::operation::{Completion, Operation, outcome};
use super::socket::{Socket, own};

/// Connections that the kernel completes before the shard takes them (capped by net.core.somaxconn).
const BACKLOG: i32 = 4096;

/// A listening socket of one shard, and the connections taken from it.
pub struct Acceptor {
    ring: Ring,
    /// `None` once closed.
    listener: RefCell<Option<socket2::Socket>>,
    accepted: Rc<Accepted>,
    port: u16,
}

/// Connections taken and not handed out.
#[derive(Default)]
pub(super) struct Accepted {
    queue: RefCell<VecDeque<OwnedFd>>,
    failed: Cell<Option<i32>>,
    armed: Cell<Option<usize>>,
    waker: RefCell<Option<Waker>>,
}

/// Opens a listening socket that shares its address with those of the other shards (SO_REUSEPORT).
pub fn listen(address: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Finds out whether `address` is free, which SO_REUSEPORT would hide: another gateway of the same user could listen
/// there. Returns the address with its real port.
pub fn reserve(address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))?;
    // Bound is not enough: with SO_REUSEADDR only a listening socket conflicts.
    socket.listen(1)?;
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

impl Acceptor {
    /// Takes connections from `listener`.
    pub fn new(ring: &Ring, listener: socket2::Socket) -> Self {
        let address = listener.local_addr().ok().and_then(|address| address.as_socket());
        let port = address.map_or(0, |address| address.port());
        Self { ring: ring.clone(), listener: RefCell::new(Some(listener)), accepted: Rc::default(), port }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next connection, or `None` once closed. Errors are those of accept(2), such as too many open files; the next
    /// call tries again.
    pub async fn accept(&self) -> Option<io::Result<Socket>> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// Takes no further connection, after those that the kernel has completed already: `each` gets them.
    pub async fn close(&self, mut each: impl FnMut(Socket)) {
        let Some(listener) = self.listener.take() else { return };
        let accepting = self.accepted.waker.take();
        if let Some(key) = self.accepted.armed.get() {
            self.ring.cancel(key);
        }
        poll_fn(|context| {
            *self.accepted.waker.borrow_mut() = Some(context.waker().clone());
            if self.accepted.armed.get().is_none() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let queued = self.accepted.queue.take();
        queued.into_iter().for_each(|fd| each(Socket::new(&self.ring, fd)));
        if listener.set_nonblocking(true).is_ok() {
            while let Ok((connection, _)) = listener.accept() {
                if connection.set_nonblocking(false).is_ok() {
                    each(Socket::new(&self.ring, connection.into()));
                }
            }
        }
        if let Some(waker) = accepting {
            waker.wake();
        }
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<Option<io::Result<Socket>>> {
        let listener = self.listener.borrow();
        let Some(listener) = listener.as_ref() else { return Poll::Ready(None) };
        if let Some(fd) = self.accepted.queue.borrow_mut().pop_front() {
            return Poll::Ready(Some(Ok(Socket::new(&self.ring, fd))));
        }
        if let Some(error) = self.accepted.failed.take() {
            return Poll::Ready(Some(Err(io::Error::from_raw_os_error(-error))));
        }
        if self.accepted.armed.get().is_none() {
            let entry =
                opcode::AcceptMulti::new(types::Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC).build();
            let key = self.ring.submit(Operation::Accept(Rc::clone(&self.accepted)), entry);
            self.accepted.armed.set(Some(key));
        }
        *self.accepted.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Accepted {
    pub(super) fn complete(&self, completion: Completion) {
        match outcome(completion.result) {
            Ok(_) => self.queue.borrow_mut().push_back(own(completion.result)),
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
            Err(_) => self.failed.set(Some(completion.result)),
        }
        if !completion.more() {
            self.armed.set(None);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
