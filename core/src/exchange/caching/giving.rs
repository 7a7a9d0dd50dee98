//! Writes kept answers.

use super::super::{Answer, Exchange, Step};
use super::cache_of;
use crate::cache::{Extras, Stored};
use crate::clock::Now;
use crate::http1::BodyFraming;
use crate::shard::Shard;

/// Content up to this size is copied behind its head. Over loopback that costs 0.3 to 0.5 us less than to have the kernel
/// collect two pieces, up to 16 KiB; at 64 KiB it costs 3 us more (docs/performance.md).
const COPIED_BYTES_MAX: usize = 8_192;

impl Exchange {
    pub(super) fn answer_stored(&mut self, shard: &mut Shard, now: Now, stored: &Stored) -> Step {
        self.outcome.status = stored.status();
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let plan = self.plan();
        let extras = self.routed.and_then(|routed| cache_of(&plan, routed)).map(|(_, method)| method.extras);
        let extras: Extras = extras.unwrap_or_default();
        let age_at_ns = extras.says_age().then_some(now.monotonic_ns);
        let mut out = std::mem::take(&mut self.out);
        if extras.conditional && stored.is_unchanged(&self.request, now) {
            self.outcome.status = 304;
            stored.write_unchanged(&self.view(&plan), frame, age_at_ns, &mut out);
            self.out = out;
            return Step::Answer(Answer { download: BodyFraming::None, inline_bytes: 0, keep_alive });
        }
        stored.write_head(&self.view(&plan), frame, age_at_ns, &mut out);
        let content = stored.content();
        let inline_bytes = content.len() as u64;
        if content.len() <= COPIED_BYTES_MAX {
            out.extend_from_slice(&content);
        } else {
            self.content = Some(content);
        }
        self.out = out;
        Step::Answer(Answer { download: BodyFraming::None, inline_bytes, keep_alive })
    }
}
