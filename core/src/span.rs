//! Ranges of a buffer that someone else owns.

/// A range of bytes of a buffer that someone else owns.
///
/// `start <= end`, and `end` is at most the length of the buffer it was made for; whoever fills the buffer keeps
/// the second inequality by never shortening it while spans of it are alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The range `start..end`. Heads are limited to far less than 4 GiB, so 32 bits do.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Self { start: start as u32, end: end as u32 }
    }

    /// Where `part` lies inside `whole`; `part` must be a subslice of `whole`.
    pub fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        debug_assert!(start + part.len() <= whole.len(), "not a subslice");
        Self::new(start, start + part.len())
    }

    /// The bytes of the range.
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.start as usize..self.end as usize]
    }

    /// Offset of the first byte.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Offset behind the last byte.
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// True when the range holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}
