//! A client's connection and the one to the origin that is its own. Both are closed together: when both directions have
//! ended, or when anything fails.

use std::net::Shutdown;
use std::os::fd::AsRawFd;

use socket2::Socket;

use super::buffers::Chunk;
use super::flow::{Broken, Flow};
use super::ring::{Operation, Ring, Side};

/// Two connections and the bytes between them.
#[derive(Debug)]
pub(crate) struct Pair {
    key: usize,
    stage: Stage,
    /// By [`Side`].
    sockets: [Socket; 2],
    /// By the [`Side`] that they come from.
    flows: [Flow; 2],
}

#[derive(Debug)]
enum Stage {
    /// The connect is in flight; what the client sends is queued.
    Connecting,
    Open,
    /// Failed while the connect is in flight.
    Abandoned,
    Failed,
}

impl Pair {
    /// Connects `origin` and receives from `client`.
    pub(crate) fn open(ring: &mut Ring, key: usize, client: Socket, origin: Socket) -> Self {
        ring.connect(key, origin.as_raw_fd());
        let flows = Side::BOTH.map(|from| Flow::new(key, from));
        let mut pair = Self { key, stage: Stage::Connecting, sockets: [client, origin], flows };
        pair.advance(ring, Side::Client);
        pair
    }

    /// The connect is over.
    pub(crate) fn connected(&mut self, ring: &mut Ring, result: i32) {
        match self.stage {
            Stage::Connecting if result >= 0 => {
                self.stage = Stage::Open;
                Side::BOTH.into_iter().for_each(|from| self.advance(ring, from));
            }
            _ => {
                self.stage = Stage::Failed;
                self.flows.iter_mut().for_each(|flow| flow.abandon(ring));
            }
        }
    }

    /// A completion of a receive.
    pub(crate) fn received(
        &mut self,
        ring: &mut Ring,
        from: Side,
        result: i32,
        chunk: Option<Chunk>,
        more: bool,
    ) {
        self.flows[from as usize].received(ring, result, chunk, more);
        self.advance(ring, from);
    }

    /// A send of what came from this side is over.
    pub(crate) fn sent(&mut self, ring: &mut Ring, from: Side, result: i32) {
        match self.flows[from as usize].sent(ring, result) {
            Ok(()) => self.advance(ring, from),
            Err(Broken) => self.fail(ring),
        }
    }

    /// Whether this side waits for a buffer.
    pub(crate) fn is_starved(&self, from: Side) -> bool {
        self.flows[from as usize].is_starved()
    }

    /// There may be buffers again.
    pub(crate) fn feed(&mut self, ring: &mut Ring, from: Side) {
        self.flows[from as usize].feed();
        self.advance(ring, from);
    }

    /// Whether nothing is left to do and the kernel has nothing of it any more.
    pub(crate) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Connecting | Stage::Abandoned => false,
            Stage::Open => self.flows.iter().all(|flow| flow.is_finished() && flow.is_quiet()),
            Stage::Failed => self.flows.iter().all(Flow::is_quiet),
        }
    }

    /// Closes both connections.
    pub(crate) fn close(self, ring: &mut Ring) {
        debug_assert!(self.is_over());
        self.sockets.into_iter().for_each(|socket| ring.close(socket.into()));
    }

    /// Does whatever can be done in one direction.
    fn advance(&mut self, ring: &mut Ring, from: Side) {
        let (source, target) = (&self.sockets[from as usize], &self.sockets[from.other() as usize]);
        let flow = &mut self.flows[from as usize];
        match self.stage {
            Stage::Connecting => {}
            Stage::Open => flow.send(ring, target.as_raw_fd()),
            Stage::Abandoned | Stage::Failed => return flow.abandon(ring),
        }
        if flow.receive(ring, source.as_raw_fd()).is_err() {
            return self.fail(ring);
        }
        if let Stage::Open = self.stage
            && flow.finish()
            && !self.flows[from.other() as usize].is_finished()
        {
            // An error is that of a connection that is gone, which its receive tells, too.
            let _ = target.shutdown(Shutdown::Write);
        }
    }

    fn fail(&mut self, ring: &mut Ring) {
        self.stage = match self.stage {
            Stage::Connecting => {
                ring.cancel(Operation::Connect(self.key));
                Stage::Abandoned
            }
            Stage::Abandoned => Stage::Abandoned,
            Stage::Open | Stage::Failed => Stage::Failed,
        };
        self.flows.iter_mut().for_each(|flow| flow.abandon(ring));
    }
}
