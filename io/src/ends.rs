//! What the relay needs of a client, whatever carries its request: a body to read and an answer to send.
//!
//! HTTP/1 and HTTP/2 each implement both. The relay is compiled for each, so that neither pays for the other.

use tidegate_core::cache;
use tidegate_core::http1::{BodyFraming, Trailers};

use crate::stream::{BodyFailure, Piece};

/// The body of a request.
pub(crate) trait Inbound: Sized + 'static {
    /// The next piece of content, or `None` at the end. Pieces are not empty.
    async fn next(&mut self) -> Result<Option<Piece>, BodyFailure>;

    /// What has come behind the content, whose end has been read.
    async fn trailers(&mut self) -> Result<Trailers, BodyFailure>;

    /// Appends the content that has been received already, if that is all there is and at most `bytes_max` bytes. Else
    /// leaves everything as it was. Spares a small body its own send.
    fn take_received(&mut self, bytes_max: usize, out: &mut Vec<u8>) -> bool;

    /// Whether some of it has been received and not been read.
    fn has_pending(&mut self) -> bool;

    /// Gives it away; what stays has nothing to read.
    fn lend(&mut self) -> Self;
}

/// An answer on its way to the client.
pub(crate) trait Outbound {
    /// Tells a client that waits with its body to go on (RFC 9110 section 10.1.1).
    async fn invite(&mut self) -> Result<(), Broken>;

    /// Begins the answer: `out` has its head, and behind it content that is there already.
    async fn begin(&mut self, out: Vec<u8>, rest: Rest) -> Result<(), Broken>;

    /// The whole answer: `out` has its head, and its content is sent from where it is kept.
    async fn begin_kept(&mut self, out: Vec<u8>, content: cache::Content) -> Result<(), Broken>;

    /// Sends a piece of content, which is not empty. `is_last` if it is known that nothing follows.
    async fn send(&mut self, piece: Piece, is_last: bool) -> Result<(), Broken>;

    /// Ends an answer with a rest, unless its last piece did.
    async fn end(&mut self, trailers: &Trailers) -> Result<(), Broken>;
}

/// What follows the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing: that was the answer.
    Nothing,
    /// Content, framed like this.
    Content(BodyFraming),
    /// Content that is there already.
    ContentAtOnce(BodyFraming),
}

/// An answer broke off while it was being sent; the client can tell, because the answer is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;
