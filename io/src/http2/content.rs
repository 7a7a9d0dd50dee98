//! Content on its way to `h2`: bytes where they are, given out in parts as the client's window allows.

use std::rc::Rc;

use bytes::Buf;

use crate::ring::Ring;
use crate::stream::Piece;

/// A run of bytes that are not copied before they are sent.
pub(super) struct Content {
    bytes: Bytes,
    start: usize,
    end: usize,
}

enum Bytes {
    None,
    Own(Source),
    /// Given out in parts.
    Shared(Rc<Source>),
}

/// Where the bytes are.
enum Source {
    /// In a buffer of the ring, which gets it back.
    Buffer(Vec<u8>, Ring),
    Piece(Piece),
}

impl Content {
    /// Nothing.
    pub(super) fn empty() -> Self {
        Self { bytes: Bytes::None, start: 0, end: 0 }
    }

    /// What stands behind `start` in a buffer.
    pub(super) fn behind(start: usize, buffer: Vec<u8>, ring: &Ring) -> Self {
        let end = buffer.len();
        Self { bytes: Bytes::Own(Source::Buffer(buffer, ring.clone())), start, end }
    }

    /// A received piece.
    pub(super) fn piece(piece: Piece) -> Self {
        let end = piece.len();
        Self { bytes: Bytes::Own(Source::Piece(piece)), start: 0, end }
    }

    /// Takes the first `bytes` bytes away, which are less than all.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        debug_assert!(bytes < self.remaining());
        let shared = match std::mem::replace(&mut self.bytes, Bytes::None) {
            Bytes::None => return Self::empty(),
            Bytes::Own(source) => Rc::new(source),
            Bytes::Shared(source) => source,
        };
        let first =
            Self { bytes: Bytes::Shared(Rc::clone(&shared)), start: self.start, end: self.start + bytes };
        self.bytes = Bytes::Shared(shared);
        self.start += bytes;
        first
    }
}

impl Buf for Content {
    fn remaining(&self) -> usize {
        self.end - self.start
    }

    fn chunk(&self) -> &[u8] {
        let source = match &self.bytes {
            Bytes::None => return &[],
            Bytes::Own(source) => source,
            Bytes::Shared(source) => source,
        };
        let bytes = match source {
            Source::Buffer(buffer, _) => buffer,
            Source::Piece(piece) => &**piece,
        };
        &bytes[self.start..self.end]
    }

    fn advance(&mut self, bytes: usize) {
        assert!(bytes <= self.remaining(), "not more than there is");
        self.start += bytes;
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Self::Buffer(buffer, ring) = self {
            ring.recycle(std::mem::take(buffer));
        }
    }
}
