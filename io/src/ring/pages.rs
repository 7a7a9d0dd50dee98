//! Sends what lies in pages of its own without copying it: from memory into a pipe, from the pipe into the socket.
//!
//! Neither `IORING_OP_SPLICE`, which needs a thread for each socket that has no room, nor zero-copy sends, of which the
//! kernel makes copies over loopback and a notification each (`docs/performance.md`).

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{IoSliceRaw, PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, vmsplice};
use tidegate_core::cache::{Content, Pages};
use tidegate_core::limits::CACHE_PAGED_MAX;

/// Bytes that a pipe has room for. With less, answers of 1 MiB are up to 1.5 times as dear where TCP paces itself (BBR).
pub(super) const PIPE_BYTES: usize = 512 * 1024;

/// Pages of the whole process.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A mapping of its own. That it goes when it is dropped, and is not used for something else as an allocator's memory
/// would be, is what makes it fit for [`Splicer::send`].
#[derive(Debug)]
struct Mapped(MmapMut);

/// Pages of so many bytes, unless there are too many of them.
pub(super) fn make(bytes: usize) -> Option<Box<dyn Pages>> {
    if MADE.fetch_add(1, Ordering::Relaxed) < CACHE_PAGED_MAX
        && let Ok(memory) = MmapMut::map_anon(bytes)
    {
        return Some(Box::new(Mapped(memory)));
    }
    MADE.fetch_sub(1, Ordering::Relaxed);
    None
}

impl Pages for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        MADE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a socket has taken.
pub(super) struct Taken {
    pub(super) bytes: usize,
    /// Whether it would have taken more.
    pub(super) has_room: bool,
}

/// A shard's pipe. It is empty between two calls.
pub(super) struct Splicer {
    reader: OwnedFd,
    writer: OwnedFd,
    /// `/dev/null`.
    nowhere: File,
}

impl Splicer {
    pub(super) fn new() -> io::Result<Self> {
        let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&writer, PIPE_BYTES)?;
        Ok(Self { reader, writer, nowhere })
    }

    /// Gives a socket what it has room for of a part of the content.
    pub(super) fn send(
        &self,
        socket: BorrowedFd<'_>,
        content: &Content,
        part: Range<usize>,
    ) -> io::Result<Taken> {
        debug_assert!(content.is_paged(), "memory that may be written to again");
        let more = part.end < content.len();
        let part = &content[part];
        // JUSTIFICATION: an answer of 1 MiB costs half as much as when the kernel copies it.
        // SAFETY: the kernel reads the pages as long as the socket needs them, and has its own hold on each. Nobody writes to
        // them: they are `Mapped`, behind a shared reference, and their mapping ends with them.
        let piped =
            unsafe { vmsplice(&self.writer, &[IoSliceRaw::from_slice(part)], SpliceFlags::NONBLOCK) }?;
        let taken = taken(piped, self.empty_into(socket, piped, more || piped < part.len()));
        if !matches!(taken, Ok(Taken { has_room: true, .. })) {
            self.discard();
        }
        taken
    }

    /// Passes on what is in the pipe, as far as it goes.
    fn empty_into(&self, socket: BorrowedFd<'_>, piped: usize, more: bool) -> rustix::io::Result<usize> {
        let more = if more { SpliceFlags::MORE } else { SpliceFlags::empty() };
        // A pipe's end does not say how the other file is used. On the ring a socket must not be nonblocking: it would
        // answer instead of waiting.
        fcntl_setfl(socket, OFlags::NONBLOCK)?;
        let sent = splice(&self.reader, None, socket, None, piped, SpliceFlags::NONBLOCK | more);
        fcntl_setfl(socket, OFlags::empty())?;
        sent
    }

    /// Throws away what is left in the pipe.
    fn discard(&self) {
        loop {
            match splice(&self.reader, None, &self.nowhere, None, PIPE_BYTES, SpliceFlags::NONBLOCK) {
                Ok(1..) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                failed => {
                    // What is left would go to the next client.
                    tracing::error!(?failed, "the pipe to sockets cannot be emptied");
                    std::process::abort();
                }
            }
        }
    }
}

/// What a socket has taken of so many bytes that were offered, where it was told not to wait.
pub(super) fn taken(offered: usize, sent: rustix::io::Result<usize>) -> io::Result<Taken> {
    match sent {
        Ok(bytes) => Ok(Taken { bytes, has_room: bytes == offered }),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Taken { bytes: 0, has_room: false }),
        Err(error) => Err(error.into()),
    }
}
