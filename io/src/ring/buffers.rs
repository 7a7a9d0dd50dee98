//! The receive buffers that a shard lends to the kernel: a provided buffer ring (io_uring_register_buf_ring(3)).
//!
//! An idle connection holds none of them. At most half are ever held by readers: when fewer are free, what arrives is
//! copied out at once, so that readers who take their time cannot starve the others.

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use memmap2::{MmapMut, MmapRaw};

use super::Ring;

/// The only buffer group.
pub(super) const GROUP: u16 = 0;

/// Bytes between two buffers. Sizes are powers of two, or nearly; without it the beginnings of all buffers, which is all
/// that small messages touch, would fall into the same few sets of the second-level cache.
const GAP_BYTES: usize = 4096 + 256;

/// The buffers and the ring that lends them.
pub(super) struct Buffers {
    memory: MmapRaw,
    entries: MmapRaw,
    count: u16,
    buffer_bytes: u32,
    tail: Cell<u16>,
    free: Cell<u16>,
}

impl Buffers {
    pub(super) fn register(uring: &IoUring, count: u16, buffer_bytes: u32) -> io::Result<Self> {
        assert!(count.is_power_of_two(), "the kernel wants a power of two");
        // The kernel wants the buffer ring page-aligned.
        let entries = MmapMut::map_anon(usize::from(count) * size_of::<BufRingEntry>())?.into();
        let memory = MmapMut::map_anon(usize::from(count) * (buffer_bytes as usize + GAP_BYTES))?.into();
        let buffers = Self { memory, entries, count, buffer_bytes, tail: Cell::new(0), free: Cell::new(0) };
        // JUSTIFICATION: registering memory with the kernel has no safe interface.
        // SAFETY: both mappings live as long as `Buffers`, and `Shared` drops the ring before them.
        unsafe {
            uring.submitter().register_buf_ring_with_flags(
                buffers.entries.as_ptr() as u64,
                count,
                GROUP,
                0,
            )?;
        }
        (0..count).for_each(|id| buffers.give_back(id));
        Ok(buffers)
    }

    /// Lends a buffer to the kernel (again).
    pub(super) fn give_back(&self, id: u16) {
        debug_assert!(id < self.count && self.free.get() < self.count, "given back once");
        let base = self.entries.as_mut_ptr().cast::<BufRingEntry>();
        let tail = self.tail.get();
        // JUSTIFICATION: the kernel reads this ring in place.
        // SAFETY: the index is below `count`, for which the mapping has room; the kernel does not read an entry before
        // the tail is behind it; nobody else holds buffer `id`, since it is given back by the one `Chunk` that had it.
        unsafe {
            let entry = &mut *base.add(usize::from(tail & (self.count - 1)));
            entry.set_addr(self.address(id) as u64);
            entry.set_len(self.buffer_bytes);
            entry.set_bid(id);
            let shared_tail = &*BufRingEntry::tail(base).cast::<AtomicU16>();
            shared_tail.store(tail.wrapping_add(1), Ordering::Release);
        }
        self.tail.set(tail.wrapping_add(1));
        self.free.set(self.free.get() + 1);
    }

    /// Notes that the kernel has filled a buffer. True when so few are left that its content must be copied out.
    pub(super) fn taken(&self) -> bool {
        self.free.set(self.free.get() - 1);
        self.free.get() < self.count / 2
    }

    /// The first `bytes` bytes of a buffer that the kernel has filled.
    pub(super) fn content(&self, id: u16, bytes: usize) -> &[u8] {
        debug_assert!(bytes <= self.buffer_bytes as usize);
        // JUSTIFICATION: received bytes are used where the kernel put them; copying costs about 5 % on large bodies.
        // SAFETY: the range lies in the mapping, which is initialised (zeroed by mmap); the kernel does not write to a
        // buffer between its completion and `give_back`, which only the `Chunk` that this slice is borrowed from calls.
        unsafe { std::slice::from_raw_parts(self.address(id), bytes) }
    }

    fn address(&self, id: u16) -> *const u8 {
        self.memory.as_ptr().wrapping_add(usize::from(id) * (self.buffer_bytes as usize + GAP_BYTES))
    }
}

/// Bytes received from a socket. Holds its buffer until dropped.
pub struct Chunk {
    content: Content,
    /// What has not been consumed: `start <= end <= content`. A receive buffer is much smaller than 4 GiB.
    start: u32,
    end: u32,
}

enum Content {
    Lent { ring: Ring, id: u16 },
    Copied(Box<[u8]>),
}

impl Chunk {
    /// Takes over a buffer that the kernel filled, or copies it when buffers are scarce.
    pub(super) fn new(ring: &Ring, id: u16, bytes: usize) -> Self {
        let scarce = ring.0.buffers.taken();
        let (start, end) = (0, bytes as u32);
        let lent = Self { content: Content::Lent { ring: ring.clone(), id }, start, end };
        if !scarce {
            return lent;
        }
        Self { content: Content::Copied((*lent).into()), start, end }
    }

    /// Bytes that did not come from the kernel as they are, such as decrypted ones.
    pub fn of(bytes: Vec<u8>) -> Self {
        let end = bytes.len() as u32;
        Self { content: Content::Copied(bytes.into()), start: 0, end }
    }

    /// Forgets the first `bytes` bytes.
    pub fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.len());
        self.start += bytes as u32;
    }

    /// Keeps only the first `bytes` of what is left.
    pub fn truncate(&mut self, bytes: usize) {
        self.end = self.start + self.len().min(bytes) as u32;
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let whole = match &self.content {
            Content::Lent { ring, id } => ring.0.buffers.content(*id, self.end as usize),
            Content::Copied(bytes) => bytes,
        };
        &whole[self.start as usize..self.end as usize]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Content::Lent { ring, id } = &self.content {
            ring.0.buffers.give_back(*id);
        }
    }
}
