//! The stage of an exchange whose function streams its answer.

use super::{Answer, Exchange, Step};
use crate::clock::Now;
use crate::http1::{BodyFraming, Version, encode};
use crate::lambda::answer;
use crate::lambda::result::{Malformed, Metadata};
use crate::lambda::streamed::Beginning;
use crate::limits::{STREAM_PAUSE_EDGE_MS, STREAM_PAUSE_MS};
use crate::plan::EndpointType;
use crate::reject::Reject;
use crate::shard::Shard;

/// What follows the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing: the function has answered.
    Nothing,
    /// Content, as the function sends it.
    Content,
}

impl Exchange {
    /// The longest pause in a stream, by the API's kind of endpoint.
    pub(super) fn stream_pause_ms(&self) -> u32 {
        let endpoint = self.place.map(|place| self.plan().apis[place.api].endpoint);
        if endpoint == Some(EndpointType::Edge) { STREAM_PAUSE_EDGE_MS } else { STREAM_PAUSE_MS }
    }

    /// Answers with what the function has sent: metadata, delimiter, and the beginning of the content, or all of it. Neither
    /// compressed nor kept by a cache (AWS: "not supported with response streaming").
    pub(super) fn answer_streamed(
        &mut self,
        shard: &mut Shard,
        now: Now,
        received: &[u8],
        rest: Rest,
    ) -> Step {
        let Beginning::Whole { metadata, content } = Beginning::of(received) else {
            return self.refuse(shard, now, Reject::MalformedResult);
        };
        let metadata = match Metadata::read(metadata) {
            Ok(metadata) => metadata,
            Err(Malformed) => return self.refuse(shard, now, Reject::MalformedResult),
        };
        self.outcome.status = metadata.status;
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let bytes = (rest == Rest::Nothing).then_some(content.len() as u64);
        let follows =
            self.write_out("", |values, out| answer::write_streamed(&metadata, bytes, values, frame, out));
        let mut step = self.answer(follows, keep_alive);
        if let Step::Answer(answer) = &mut step {
            self.append_begun(answer, content);
            if rest == Rest::Nothing {
                answer.download = BodyFraming::None;
            }
        }
        step
    }

    /// Content that is there already, in the framing of an answer whose rest follows.
    pub(super) fn append_begun(&mut self, answer: &mut Answer, begun: &[u8]) {
        match answer.download {
            BodyFraming::None => return,
            // Nothing would be the last chunk; and in HTTP/2 frames tell.
            BodyFraming::Chunked if !begun.is_empty() && self.request.version() != Version::Http2 => {
                encode::chunk_head(begun.len(), &mut self.out);
                self.out.extend_from_slice(begun);
                self.out.extend_from_slice(encode::CHUNK_END);
            }
            BodyFraming::Chunked | BodyFraming::UntilClose | BodyFraming::Length(_) => {
                self.out.extend_from_slice(begun);
            }
        }
        answer.inline_bytes = begun.len() as u64;
    }
}
