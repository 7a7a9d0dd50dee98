//! Where kept answers lie: with the allocator, and large ones in pages of their own, if the kernel can send from there.

use std::fmt::Debug;
use std::ops::Deref;
use std::rc::Rc;

use crate::limits::CACHE_PAGED_BYTES_MIN;

/// Whole pages. They are written once, before the first answer is sent from them, and given back to the kernel when they are
/// dropped. Whatever still needs one by then, as a socket that sends it, has it as it was: nobody here writes to it again.
pub trait Pages: Debug {
    /// What they hold.
    fn bytes(&self) -> &[u8];
    /// The same, to be written.
    fn bytes_mut(&mut self) -> &mut [u8];
}

/// Gives pages of so many bytes in all, not rounded up. `None`: there are none to be had.
pub type MakePages = fn(usize) -> Option<Box<dyn Pages>>;

/// Bytes that nobody writes to any more. Copies share them.
#[derive(Clone, Debug)]
pub(super) enum Memory {
    Heap(Rc<[u8]>),
    /// Boxed once more, so that a place in the index stays as small as it is.
    Pages(Rc<Box<dyn Pages>>),
}

/// What `Pages` takes of the allocator: the counters of `Rc` and the box, the value in the box, and the allocator's words.
pub(super) const PAGES_OWN_BYTES: usize = 80;

const _: () = assert!(size_of::<Memory>() == size_of::<Rc<[u8]>>());

impl Memory {
    /// So many bytes, as `fill` writes them.
    pub(super) fn filled(bytes: usize, pages: Option<MakePages>, fill: impl FnOnce(&mut [u8])) -> Self {
        if bytes >= CACHE_PAGED_BYTES_MIN
            && let Some(mut pages) = pages.and_then(|make| make(bytes))
        {
            fill(pages.bytes_mut());
            return Self::Pages(Rc::new(pages));
        }
        // Collected from an iterator of known length: one allocation.
        let mut heap: Rc<[u8]> = std::iter::repeat_n(0, bytes).collect();
        if let Some(memory) = Rc::get_mut(&mut heap) {
            fill(memory);
        }
        Self::Heap(heap)
    }

    /// Whether nobody else holds it.
    pub(super) fn is_alone(&self) -> bool {
        match self {
            Self::Heap(bytes) => Rc::strong_count(bytes) == 1,
            Self::Pages(pages) => Rc::strong_count(pages) == 1,
        }
    }

    /// Whether it lies in pages of its own.
    pub(super) fn is_paged(&self) -> bool {
        matches!(self, Self::Pages(_))
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Pages(pages) => pages.bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Pages for Vec<u8> {
        fn bytes(&self) -> &[u8] {
            self
        }

        fn bytes_mut(&mut self) -> &mut [u8] {
            self
        }
    }

    #[track_caller]
    fn check(bytes: usize, pages: Option<MakePages>, is_paged: bool) {
        let memory = Memory::filled(bytes, pages, |room| {
            assert_eq!(room.len(), bytes);
            room.fill(7);
        });
        assert_eq!((memory.is_paged(), &*memory), (is_paged, &*vec![7; bytes]));
        assert!(memory.is_alone());
        let copy = memory.clone();
        assert!(!memory.is_alone() && copy.as_ptr() == memory.as_ptr());
        drop(copy);
        assert!(memory.is_alone());
    }

    #[test]
    fn large_ones_lie_in_pages_if_there_are_any() {
        let pages: MakePages = |bytes| Some(Box::new(vec![0; bytes]));
        for bytes in [0, 1, CACHE_PAGED_BYTES_MIN - 1] {
            check(bytes, Some(pages), false);
        }
        check(CACHE_PAGED_BYTES_MIN, Some(pages), true);
        check(CACHE_PAGED_BYTES_MIN, Some(|_| None), false);
        check(CACHE_PAGED_BYTES_MIN, None, false);
    }
}
