//! One direction of a pair: what was received on one side and goes to the other. Sending is write-behind, one chunk at a
//! time, the others wait in a queue.

use std::collections::VecDeque;
use std::mem;

use super::buffers::Chunk;
use super::ring::{Operation, Ring, Side};

/// Received chunks that wait to be sent before the side stops receiving.
const QUEUED_CHUNKS_MAX: usize = 8;

/// One direction.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The pair.
    key: usize,
    from: Side,
    receiving: Receiving,
    queue: VecDeque<Chunk>,
    sending: Sending,
}

#[derive(Debug)]
enum Receiving {
    Paused,
    Armed,
    /// Cancelled; the last completion has not come.
    Pausing,
    /// The kernel found no buffer to receive into.
    Starved,
    /// End of the stream.
    Ended,
    Failed,
}

#[derive(Debug)]
enum Sending {
    Idle,
    Busy(Chunk),
    /// The end of the stream was passed on.
    Finished,
}

/// The other end, or this one, does not go on.
#[derive(Debug)]
pub(crate) struct Broken;

impl Flow {
    pub(crate) fn new(key: usize, from: Side) -> Self {
        let (receiving, sending) = (Receiving::Paused, Sending::Idle);
        Self { key, from, receiving, queue: VecDeque::new(), sending }
    }

    /// Applies a completion of the receive: bytes, or how it ended.
    pub(crate) fn received(&mut self, ring: &mut Ring, result: i32, chunk: Option<Chunk>, more: bool) {
        if let Some(chunk) = chunk {
            match result {
                0 => ring.give_back(chunk),
                _ => self.queue.push_back(chunk),
            }
        }
        if !more {
            self.receiving = match -result {
                libc::ENOBUFS => Receiving::Starved,
                libc::ECANCELED => Receiving::Paused,
                0 => Receiving::Ended,
                error if error > 0 => Receiving::Failed,
                // The kernel may end a multishot operation at any time.
                _ => Receiving::Paused,
            };
        }
    }

    /// Applies the completion of a send: its chunk goes back, or to the front of the queue when some of it is left.
    pub(crate) fn sent(&mut self, ring: &mut Ring, result: i32) -> Result<(), Broken> {
        let Sending::Busy(mut chunk) = mem::replace(&mut self.sending, Sending::Idle) else {
            debug_assert!(false, "a completion without a send");
            return Err(Broken);
        };
        match u32::try_from(result) {
            Ok(bytes) if bytes > 0 => {
                if chunk.sent(bytes) {
                    ring.give_back(chunk);
                } else {
                    self.queue.push_front(chunk);
                }
                Ok(())
            }
            _ => {
                ring.give_back(chunk);
                Err(Broken)
            }
        }
    }

    /// Sends the next chunk to `socket`, unless one is on its way.
    pub(crate) fn send(&mut self, ring: &mut Ring, socket: i32) {
        if let Sending::Idle = self.sending
            && let Some(chunk) = self.queue.pop_front()
        {
            ring.send(self.key, self.from, socket, &chunk);
            self.sending = Sending::Busy(chunk);
        }
    }

    /// Receives from `socket`, or stops for a while when too much is queued.
    pub(crate) fn receive(&mut self, ring: &mut Ring, socket: i32) -> Result<(), Broken> {
        match self.receiving {
            Receiving::Paused if self.queue.is_empty() => {
                ring.receive(self.key, self.from, socket);
                self.receiving = Receiving::Armed;
            }
            Receiving::Armed if self.queue.len() >= QUEUED_CHUNKS_MAX => {
                ring.cancel(Operation::Receive(self.key, self.from));
                self.receiving = Receiving::Pausing;
            }
            Receiving::Failed => return Err(Broken),
            _ => {}
        }
        Ok(())
    }

    /// True once, when everything has been sent: the end of the stream is to be passed on.
    pub(crate) fn finish(&mut self) -> bool {
        let drained = matches!((&self.receiving, &self.sending), (Receiving::Ended, Sending::Idle));
        if drained && self.queue.is_empty() {
            self.sending = Sending::Finished;
            return true;
        }
        false
    }

    /// Whether the end of the stream has been passed on.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.sending, Sending::Finished)
    }

    /// Whether it waits for a buffer.
    pub(crate) fn is_starved(&self) -> bool {
        matches!(self.receiving, Receiving::Starved)
    }

    /// There may be buffers again.
    pub(crate) fn feed(&mut self) {
        if self.is_starved() {
            self.receiving = Receiving::Paused;
        }
    }

    /// Whether nothing is in flight.
    pub(crate) fn is_quiet(&self) -> bool {
        !matches!(self.receiving, Receiving::Armed | Receiving::Pausing)
            && !matches!(self.sending, Sending::Busy(_))
    }

    /// Gives back what is queued and cancels what is in flight.
    pub(crate) fn abandon(&mut self, ring: &mut Ring) {
        self.queue.drain(..).for_each(|chunk| ring.give_back(chunk));
        if let Receiving::Armed = self.receiving {
            ring.cancel(Operation::Receive(self.key, self.from));
            self.receiving = Receiving::Pausing;
        }
        if let Sending::Busy(_) = self.sending {
            ring.cancel(Operation::Send(self.key, self.from));
        }
    }
}
