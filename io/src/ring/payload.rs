//! What is being sent on a connection, and how the kernel is told.

use std::io;
use std::os::fd::BorrowedFd;

use io_uring::{opcode, squeue, types};

use super::Ring;
use super::buffers::Chunk;
use super::pages::Splicer;
use super::pieces::Pieces;

/// Bytes that are given to one socket in a turn, nearly.
const OFFERED_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that are being sent.
pub(super) struct Payload {
    pub(super) content: Content,
    pub(super) sent: usize,
    /// Whether more follows at once.
    pub(super) more: bool,
    /// How long the peer may take nothing.
    pub(super) timeout_ms: u64,
}

/// Where they are.
pub(super) enum Content {
    Bytes(Vec<u8>),
    Chunk(Chunk),
    /// A head, and content that others hold, too.
    Pieces(Box<Pieces>),
}

impl Payload {
    /// Bytes that are not sent.
    pub(super) fn rest_bytes(&self) -> usize {
        let bytes = match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Chunk(chunk) => chunk.len(),
            Content::Pieces(pieces) => pieces.len(),
        };
        bytes - self.sent
    }

    /// Whether they can be sent from where they lie.
    pub(super) fn is_paged(&self) -> bool {
        matches!(&self.content, Content::Pieces(pieces) if pieces.is_paged())
    }

    /// Gives a socket what it has room for, but not more than others on this shard can wait for.
    pub(super) fn offer(&mut self, socket: BorrowedFd<'_>, splicer: &Splicer) -> io::Result<()> {
        let Content::Pieces(pieces) = &mut self.content else { return Ok(()) };
        let until = pieces.len().min(self.sent + OFFERED_BYTES_MAX);
        while self.sent < until {
            let taken = pieces.offer(self.sent, socket, splicer)?;
            self.sent += taken.bytes;
            if !taken.has_room {
                break;
            }
        }
        Ok(())
    }

    /// The operation that sends them. The payload has to stay where it is until that is over.
    pub(super) fn send(&mut self, fd: types::Fd) -> squeue::Entry {
        let more = if self.more { libc::MSG_MORE } else { 0 };
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL | more;
        let rest = match &mut self.content {
            Content::Bytes(bytes) => &bytes[self.sent..],
            Content::Chunk(chunk) => &chunk[self.sent..],
            Content::Pieces(pieces) => {
                let message = pieces.message(self.sent);
                return opcode::SendMsg::new(fd, message).flags(flags as u32).build();
            }
        };
        opcode::Send::new(fd, rest.as_ptr(), rest.len() as u32).flags(flags).build()
    }

    /// Gives its memory back.
    pub(super) fn recycle(self, ring: &Ring) {
        match self.content {
            Content::Bytes(bytes) => ring.recycle(bytes),
            Content::Pieces(pieces) => ring.recycle(pieces.into_head()),
            Content::Chunk(_) => {}
        }
    }
}
