//! A head and content that lies elsewhere, sent as one.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr;

use rustix::net::{SendFlags, send};
use tidegate_core::cache::Content;

use super::pages::{PIPE_BYTES, Splicer, Taken, taken};

/// What is offered at least.
const WINDOW_BYTES_MIN: usize = 64 * 1024;

/// What the kernel reads of a `sendmsg`: kept in a box, so that it stays where it is.
pub(super) struct Pieces {
    head: Vec<u8>,
    content: Content,
    /// Bytes that are offered to the socket at once. What it does not take was offered for nothing.
    window: usize,
    vectors: [libc::iovec; 2],
    message: libc::msghdr,
}

impl Pieces {
    pub(super) fn new(head: Vec<u8>, content: Content) -> Self {
        let nothing = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        let message = libc::msghdr {
            msg_name: ptr::null_mut(),
            msg_namelen: 0,
            msg_iov: ptr::null_mut(),
            msg_iovlen: 0,
            msg_control: ptr::null_mut(),
            msg_controllen: 0,
            msg_flags: 0,
        };
        Self { head, content, window: PIPE_BYTES, vectors: [nothing; 2], message }
    }

    /// Bytes of both.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.content.len()
    }

    /// The message of what lies behind the first `sent` bytes. It is good until the next call, and as long as the pieces
    /// stay where they are.
    pub(super) fn message(&mut self, sent: usize) -> *const libc::msghdr {
        let of_content = sent.saturating_sub(self.head.len());
        let rests = [&self.head[sent.min(self.head.len())..], &self.content[of_content..]];
        self.vectors = rests.map(|rest| libc::iovec {
            // The kernel does not write to what it sends.
            iov_base: rest.as_ptr().cast_mut().cast(),
            iov_len: rest.len(),
        });
        self.message.msg_iov = self.vectors.as_mut_ptr();
        self.message.msg_iovlen = self.vectors.len() as _;
        &raw const self.message
    }

    /// Whether the content can be sent from where it lies.
    pub(super) fn is_paged(&self) -> bool {
        self.content.is_paged()
    }

    /// Gives a socket what it has room for behind the first `sent` bytes, without waiting.
    pub(super) fn offer(
        &mut self,
        sent: usize,
        socket: BorrowedFd<'_>,
        splicer: &Splicer,
    ) -> io::Result<Taken> {
        if let Some(head @ [_, ..]) = self.head.get(sent..) {
            let flags = SendFlags::DONTWAIT | SendFlags::MORE | SendFlags::NOSIGNAL;
            return taken(head.len(), send(socket, head, flags));
        }
        let start = sent - self.head.len();
        let end = self.content.len().min(start + self.window);
        let taken = splicer.send(socket, &self.content, start..end)?;
        self.window = match taken {
            Taken { has_room: true, .. } => (self.window * 2).min(PIPE_BYTES),
            Taken { bytes: 0, .. } => self.window,
            Taken { bytes, .. } => (bytes * 2).clamp(WINDOW_BYTES_MIN, PIPE_BYTES),
        };
        Ok(taken)
    }

    /// The memory of the head.
    pub(super) fn into_head(self) -> Vec<u8> {
        self.head
    }
}
