//! Listeners that only send clients to https.

use super::{Exchange, Step};
use crate::clock::Now;
use crate::hosts;
use crate::http1::{BodyFraming, encode};
use crate::reject::Reject;
use crate::shard::Shard;
use crate::transform::answer::{write_connection, write_length, write_start};

const HTTPS_PORT: u16 = 443;

impl Exchange {
    /// The port of https that clients of this listener are sent to.
    pub(super) fn https_port(&self) -> Option<u16> {
        let plan = self.plan.as_ref()?;
        plan.https_redirects.get(usize::from(self.arrival.listener)).copied().flatten()
    }

    /// Answers where the same is by https. Whoever names no host cannot be told (HTTP/1.0).
    pub(super) fn redirect(&mut self, shard: &mut Shard, now: Now, port: u16) -> Step {
        if self.request.host().is_empty() {
            return self.refuse(shard, now, Reject::UnknownApi);
        }
        // 308 keeps method and body (RFC 9110 section 15.4.9); older clients know only 301, which is as good for these.
        let is_read = matches!(self.request.method(), b"GET" | b"HEAD");
        let status = if is_read { 301 } else { 308 };
        self.outcome.status = status;
        let keep_alive = self.keeps_alive(shard);
        let frame = self.frame(shard.date.text(now), keep_alive);
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        write_start(status, frame, &mut out);
        write_length(0, &mut out);
        write_connection(frame, &mut out);
        encode::field(b"Location", &self.location(port), &mut out);
        out.extend_from_slice(b"\r\n");
        self.out = out;
        self.answer(BodyFraming::None, keep_alive)
    }

    fn location(&self, port: u16) -> Vec<u8> {
        let mut location = b"https://".to_vec();
        location.extend_from_slice(hosts::without_port(self.request.host()));
        if port != HTTPS_PORT {
            location.push(b':');
            location.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
        }
        push_encoded(self.request.path(), &mut location);
        if let Some(query) = self.request.query() {
            location.push(b'?');
            push_encoded(query, &mut location);
        }
        location
    }
}

/// As sent, but for bytes that cannot stand in a URI.
fn push_encoded(sent: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in sent {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {}
            b'!'..=b'~' => {
                out.push(byte);
                continue;
            }
            _ => {}
        }
        out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
