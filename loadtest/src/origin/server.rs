//! Listeners and threads.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use fastrand::Rng;

use super::behaviour::Behaviour;
use super::worker::{Served, Worker};
use crate::{cpus, socket};

/// An origin that listens but does not serve yet.
pub struct Bound {
    /// The addresses, with the ports that were taken.
    pub addresses: Vec<SocketAddr>,
    /// One set of listeners for each thread.
    listeners: Vec<Vec<OwnedFd>>,
}

/// Listens on all addresses, once for each thread.
///
/// # Errors
/// In words, with the address that cannot be had.
pub fn bind(addresses: &[SocketAddr], threads: usize) -> Result<Bound, String> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut listeners: Vec<Vec<OwnedFd>> = (0..threads).map(|_| Vec::new()).collect();
    for address in addresses {
        // `SO_REUSEPORT` would let two origins of one user share a port and their requests, which nobody wants.
        if address.port() != 0 && std::net::TcpListener::bind(address).is_err_and(|error| in_use(&error)) {
            return Err(format!("cannot listen on {address}: the address is in use"));
        }
        let mut address = *address;
        for listeners in &mut listeners {
            let listener =
                socket::listen(&address).and_then(|listener| Ok((socket::address(&listener)?, listener)));
            let (actual, listener) =
                listener.map_err(|error| format!("cannot listen on {address}: {error}"))?;
            address = actual;
            listeners.push(listener);
        }
        bound.push(address);
    }
    Ok(Bound { addresses: bound, listeners })
}

fn in_use(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

impl Bound {
    /// Serves until `stop` is set.
    ///
    /// # Errors
    /// When a thread cannot be started or pinned.
    pub fn serve(
        self,
        behaviour: Behaviour,
        cpus: Option<&[usize]>,
        connections_max: u32,
        mut random: Rng,
        stop: &Arc<AtomicBool>,
    ) -> io::Result<Running> {
        let behaviour = Arc::new(behaviour);
        let mut threads = Vec::new();
        for (index, listeners) in self.listeners.into_iter().enumerate() {
            let cpu = cpus.map(|cpus| cpus[index % cpus.len()]);
            let (behaviour, stop, random) = (Arc::clone(&behaviour), Arc::clone(stop), random.fork());
            let body = move || {
                if let Some(cpu) = cpu {
                    let wrong = |error| io::Error::other(format!("cannot run on CPU {cpu}: {error}"));
                    cpus::pin(cpu).map_err(wrong)?;
                }
                cpus::punctual();
                Worker::new(&behaviour, listeners, connections_max, random, &stop)?.run()
            };
            threads.push(thread::Builder::new().name(format!("origin-{index}")).spawn(body)?);
        }
        Ok(Running { threads })
    }
}

/// An origin that serves.
pub struct Running {
    threads: Vec<JoinHandle<io::Result<Served>>>,
}

impl Running {
    /// Waits for the end, and gives what was served.
    ///
    /// # Errors
    /// When a thread failed.
    pub fn join(self) -> io::Result<Served> {
        let mut sum = Served::default();
        for thread in self.threads {
            let served = thread.join().map_err(|_| io::Error::other("a thread panicked"))??;
            sum.requests += served.requests;
            sum.connections += served.connections;
            sum.malformed += served.malformed;
            sum.refused += served.refused;
        }
        Ok(sum)
    }
}
