//! The body of a message, taken out of its framing.

use super::chunked::{Chunked, Piece};
use super::{BodyError, BodyFraming, Trailers};
use std::ops::Range;

/// Decodes the body of one message piece by piece (RFC 9112 sections 6 and 7). Buffers nothing but its trailers.
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    /// Those of a chunked body, as far as they have come.
    trailers: Trailers,
}

#[derive(Clone, Debug)]
enum State {
    Length {
        remaining: u64,
    },
    Chunked(Chunked),
    UntilClose,
    Done,
    /// Where it ends is unknown.
    Broken(BodyError),
}

/// What one step of a [`BodyDecoder`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of the input are done with; at most its length.
    pub consumed: usize,
    /// Which of them are content, perhaps none; `content.end <= consumed`.
    pub content: Range<usize>,
}

impl BodyDecoder {
    /// For a body with this framing.
    pub fn new(framing: BodyFraming) -> Self {
        let state = match framing {
            BodyFraming::None | BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(remaining) => State::Length { remaining },
            BodyFraming::Chunked => State::Chunked(Chunked::default()),
            BodyFraming::UntilClose => State::UntilClose,
        };
        Self { state, trailers: Trailers::default() }
    }

    /// Consumes a prefix of `input`, up to the end of the first run of content in it. To be called until all input
    /// is consumed or the body [is done](Self::is_done); what is left then belongs to the next message.
    ///
    /// An error is final, and all that comes of it from then on: where the body ends is unknown.
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, BodyError> {
        match &mut self.state {
            State::Done => Ok(Decoded { consumed: 0, content: 0..0 }),
            State::UntilClose => Ok(all_content(input.len())),
            State::Length { remaining } => {
                let length = at_most(input.len(), *remaining);
                *remaining -= length as u64;
                if *remaining == 0 {
                    self.state = State::Done;
                }
                Ok(all_content(length))
            }
            State::Chunked(chunked) => {
                let decoded = chunked.decode(input, &mut self.trailers);
                match decoded {
                    Ok((_, Piece::More)) => {}
                    Ok((_, Piece::Last)) => self.state = State::Done,
                    Err(error) => {
                        self.state = State::Broken(error);
                        self.trailers = Trailers::default();
                    }
                }
                decoded.map(|(decoded, _)| decoded)
            }
            State::Broken(error) => Err(*error),
        }
    }

    /// True when the body is complete. Never true of a body that lasts until the peer closes.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The peer has closed: fine for a body that is done or lasts until then.
    pub fn finish_at_close(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            State::Length { .. } | State::Chunked(_) => Err(BodyError::Truncated),
            State::Broken(error) => Err(error),
        }
    }

    /// What is wrong with it, if something was.
    pub fn error(&self) -> Option<BodyError> {
        if let State::Broken(error) = self.state { Some(error) } else { None }
    }

    /// What came behind the content of a chunked body that is done.
    pub fn trailers(&self) -> &Trailers {
        &self.trailers
    }

    /// The same, once.
    pub fn take_trailers(&mut self) -> Trailers {
        std::mem::take(&mut self.trailers)
    }

    /// How many bytes of content are to come, if that is known.
    pub fn remaining_length(&self) -> Option<u64> {
        match self.state {
            State::Done => Some(0),
            State::Length { remaining } => Some(remaining),
            State::Chunked(_) | State::UntilClose | State::Broken(_) => None,
        }
    }
}

fn all_content(length: usize) -> Decoded {
    Decoded { consumed: length, content: 0..length }
}

/// The smaller of the two; it fits, being at most `available`.
pub(super) fn at_most(available: usize, remaining: u64) -> usize {
    usize::try_from(remaining).map_or(available, |remaining| remaining.min(available))
}
