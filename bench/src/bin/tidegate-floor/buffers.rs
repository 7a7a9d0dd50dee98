//! The receive buffers that are lent to the kernel: a provided buffer ring (io_uring_register_buf_ring(3)).
//!
//! Nothing here or elsewhere looks at their content: the kernel fills them from one socket and sends them to another.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// The only buffer group.
pub(crate) const GROUP: u16 = 0;

/// Receive buffers, a power of two.
const COUNT: u16 = 64;
/// Bytes of one.
const BUFFER_BYTES: u32 = 128 * 1024;
/// Bytes between two, so that their beginnings do not fall into the same sets of the cache; as in `io`.
const GAP_BYTES: usize = 4096 + 256;

/// The buffers and the ring that lends them.
pub(crate) struct Buffers {
    memory: Mapping,
    entries: Mapping,
    tail: u16,
    free: u16,
}

/// Received bytes. Whoever has it gives it back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Chunk {
    id: u16,
    /// What has not been sent: `start <= end <= BUFFER_BYTES`.
    start: u32,
    end: u32,
}

impl Buffers {
    pub(crate) fn register(uring: &IoUring) -> io::Result<Self> {
        const { assert!(COUNT.is_power_of_two()) };
        let entries = Mapping::new(usize::from(COUNT) * size_of::<BufRingEntry>())?;
        let memory = Mapping::new(usize::from(COUNT) * (BUFFER_BYTES as usize + GAP_BYTES))?;
        let mut buffers = Self { memory, entries, tail: 0, free: 0 };
        // JUSTIFICATION: registering memory with the kernel has no safe interface.
        // SAFETY: both mappings live as long as `Buffers`, and `Ring` drops the ring before them.
        unsafe {
            uring.submitter().register_buf_ring_with_flags(buffers.entries.start as u64, COUNT, GROUP, 0)?;
        }
        (0..COUNT).for_each(|id| buffers.lend(id));
        Ok(buffers)
    }

    /// Takes over a buffer that the kernel filled.
    pub(crate) fn take(&mut self, id: u16, bytes: u32) -> Chunk {
        debug_assert!(id < COUNT && bytes <= BUFFER_BYTES && self.free > 0);
        self.free -= 1;
        Chunk { id, start: 0, end: bytes }
    }

    /// Lends a buffer to the kernel again.
    pub(crate) fn give_back(&mut self, chunk: Chunk) {
        self.lend(chunk.id);
    }

    /// Buffers that the kernel has, as far as its completions have told.
    pub(crate) fn free(&self) -> u16 {
        self.free
    }

    /// Where the rest of a chunk is, and how many bytes.
    pub(crate) fn rest(&self, chunk: &Chunk) -> (*const u8, u32) {
        let start = self.address(chunk.id).wrapping_add(chunk.start as usize);
        (start, chunk.end - chunk.start)
    }

    fn lend(&mut self, id: u16) {
        debug_assert!(self.free < COUNT, "given back once");
        self.free += 1;
        let base = self.entries.start.cast::<BufRingEntry>();
        // JUSTIFICATION: the kernel reads this ring in place.
        // SAFETY: the index is below `COUNT`, for which the mapping has room; the kernel does not read an entry before
        // the tail is behind it; nobody else holds buffer `id`, since a chunk is made once for each time it was filled
        // and consumed when it is given back.
        unsafe {
            let entry = &mut *base.add(usize::from(self.tail & (COUNT - 1)));
            entry.set_addr(self.address(id) as u64);
            entry.set_len(BUFFER_BYTES);
            entry.set_bid(id);
            self.tail = self.tail.wrapping_add(1);
            let shared_tail = &*BufRingEntry::tail(base).cast::<AtomicU16>();
            shared_tail.store(self.tail, Ordering::Release);
        }
    }

    fn address(&self, id: u16) -> *const u8 {
        self.memory.start.wrapping_add(usize::from(id) * (BUFFER_BYTES as usize + GAP_BYTES))
    }
}

impl Chunk {
    /// Notes that bytes have left. True when none are left to send.
    pub(crate) fn sent(&mut self, bytes: u32) -> bool {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "the kernel sends no more than it was given");
        self.start == self.end
    }
}

/// Zeroed, page-aligned memory.
struct Mapping {
    start: *mut u8,
    bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> io::Result<Self> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // JUSTIFICATION: the kernel wants the buffer ring page-aligned; `Vec` does not promise that.
        // SAFETY: a new anonymous mapping touches no memory of ours.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start: start.cast(), bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // JUSTIFICATION: as in `new`.
        // SAFETY: made by `new` with this length, unmapped once; the ring that wrote to it is gone (see `register`).
        unsafe { libc::munmap(self.start.cast(), self.bytes) };
    }
}
