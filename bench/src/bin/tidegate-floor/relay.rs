//! The loop: submit, take completions, apply each; poll a little when idle, then park. The gateway's loop
//! (`io/src/ring/driver.rs`) without its tasks and deadlines.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};

use super::pair::Pair;
use super::ring::{Completion, Operation, Ring, Side};

/// Clients at a time. Further ones are closed at once.
pub(crate) const CONNECTIONS_MAX: usize = 4096;

/// How long to poll before parking, divided by the completions of the last turn: the gateway's `tuning.spin_us`.
const SPIN: Duration = Duration::from_micros(50);
/// Empty turns between two looks at the clock while polling.
const EMPTY_TURNS_PER_CLOCK: u32 = 8;

/// All connections, and the ring they live on.
pub(crate) struct Relay {
    ring: Ring,
    listener: Socket,
    origin: SocketAddr,
    pairs: Slab<Pair>,
    /// Who waits for a receive buffer. A pair may be gone before its turn comes.
    starved: Vec<(usize, Side)>,
}

impl Relay {
    /// Opens the ring of this thread.
    pub(crate) fn open(listener: Socket, origin: SocketAddr) -> io::Result<Self> {
        let (pairs, starved) = (Slab::with_capacity(CONNECTIONS_MAX), Vec::new());
        Ok(Self { ring: Ring::open(origin)?, listener, origin, pairs, starved })
    }

    /// Relays until the ring or the listener fails.
    pub(crate) fn run(mut self) -> io::Error {
        match self.relay() {
            Err(error) => error,
        }
    }

    fn relay(&mut self) -> io::Result<Infallible> {
        self.ring.accept(self.listener.as_raw_fd());
        let mut batch = Vec::new();
        let (mut idle_since, mut empty_turns, mut spin) = (None, 0_u32, Duration::ZERO);
        let mut wait_for = 0;
        loop {
            self.ring.turn(wait_for, &mut batch)?;
            wait_for = 0;
            if !batch.is_empty() {
                spin = SPIN / batch.len() as u32;
                (idle_since, empty_turns) = (None, 0);
                batch.drain(..).try_for_each(|completion| self.complete(&completion))?;
                self.feed();
                continue;
            }
            empty_turns += 1;
            if empty_turns % EMPTY_TURNS_PER_CLOCK != 0 {
                std::hint::spin_loop();
                continue;
            }
            let since = *idle_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= spin {
                wait_for = 1;
            }
        }
    }

    fn complete(&mut self, completion: &Completion) -> io::Result<()> {
        let key = match completion.operation {
            Operation::Accept => return self.accepted(completion),
            Operation::Connect(key) | Operation::Receive(key, _) | Operation::Send(key, _) => key,
        };
        let (pair, ring) = (&mut self.pairs[key], &mut self.ring);
        match completion.operation {
            Operation::Accept => {}
            Operation::Connect(_) => pair.connected(ring, completion.result),
            Operation::Send(_, from) => pair.sent(ring, from, completion.result),
            Operation::Receive(_, from) => {
                let chunk = ring.chunk(completion);
                pair.received(ring, from, completion.result, chunk, completion.more);
                if pair.is_starved(from) {
                    self.starved.push((key, from));
                }
            }
        }
        if pair.is_over() {
            self.pairs.remove(key).close(&mut self.ring);
        }
        Ok(())
    }

    fn accepted(&mut self, completion: &Completion) -> io::Result<()> {
        if !completion.more {
            self.ring.accept(self.listener.as_raw_fd());
        }
        let client = match completion.connection() {
            Ok(client) => Socket::from(client),
            // It was gone before it could be taken.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.pairs.len() >= CONNECTIONS_MAX {
            return Ok(());
        }
        let slot = self.pairs.vacant_entry();
        let origin = origin_socket(self.origin)?;
        let pair = Pair::open(&mut self.ring, slot.key(), client, origin);
        slot.insert(pair);
        Ok(())
    }

    /// Lets those who found no buffer try again as soon as there is one.
    fn feed(&mut self) {
        if !self.ring.has_buffers() {
            return;
        }
        for (key, from) in self.starved.drain(..) {
            if let Some(pair) = self.pairs.get_mut(key) {
                pair.feed(&mut self.ring, from);
            }
        }
    }
}

fn origin_socket(origin: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(origin), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}
