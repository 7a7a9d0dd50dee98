//! TCP sockets that never block.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// A connection that is made or in the making.
pub enum Connected {
    /// Made, as is usual on loopback.
    Now(OwnedFd),
    /// The socket becomes writable when it has ended; [`outcome`] says how.
    Soon(OwnedFd),
}

/// Begins a connection.
///
/// # Errors
/// The kernel's: refused, unreachable, no local port, no descriptor.
pub fn connect(address: &SocketAddr) -> io::Result<Connected> {
    let socket = tcp(address)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    match net::connect(&socket, address) {
        Ok(()) => Ok(Connected::Now(socket)),
        Err(rustix::io::Errno::INPROGRESS) => Ok(Connected::Soon(socket)),
        Err(error) => Err(error.into()),
    }
}

/// How a connect that was in the making has ended.
///
/// # Errors
/// What it failed with.
pub fn outcome(socket: &OwnedFd) -> io::Result<()> {
    Ok(sockopt::socket_error(socket)??)
}

/// A listener that shares its address with others of this process (`SO_REUSEPORT`).
///
/// # Errors
/// The kernel's: address in use, not ours, not allowed.
pub fn listen(address: &SocketAddr) -> io::Result<OwnedFd> {
    let socket = tcp(address)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    net::bind(&socket, address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// The address a socket is bound to.
///
/// # Errors
/// Never for a bound TCP socket.
pub fn address(socket: &OwnedFd) -> io::Result<SocketAddr> {
    Ok(net::getsockname(socket)?.try_into()?)
}

/// The next waiting connection.
///
/// # Errors
/// `WouldBlock` when there is none; the kernel's otherwise.
pub fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let socket = net::accept_with(listener, FLAGS)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    Ok(socket)
}

/// Sends what fits.
///
/// # Errors
/// `WouldBlock` when nothing fits; the kernel's otherwise.
#[inline]
pub fn send(socket: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(net::send(socket, bytes, SendFlags::NOSIGNAL)?)
}

/// Receives what is there; 0 is the end of the stream.
///
/// # Errors
/// `WouldBlock` when nothing is there; the kernel's otherwise.
#[inline]
pub fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(net::recv(socket, buffer, RecvFlags::empty())?.0)
}

/// Makes closing the socket reset the connection.
pub fn reset_on_close(socket: &OwnedFd) {
    // A socket that is already reset cannot be told so again; that is as good.
    let _ = sockopt::set_socket_linger(socket, Some(std::time::Duration::ZERO));
}

fn tcp(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    Ok(net::socket_with(family, SocketType::STREAM, FLAGS, None)?)
}
