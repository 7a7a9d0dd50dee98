//! What is answered, and the answers that can be made before any request.

use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;

use crate::distribution::Distribution;

/// The largest body that may be asked for.
pub const ANSWER_BYTES_MAX: u64 = 1 << 40;
/// The largest request body that is echoed.
pub const ECHO_BYTES_MAX: usize = 16 << 20;
/// Answers up to this size are made once and for all.
const READY_BYTES_MAX: u64 = 4 << 20;

/// What to do with requests.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Nanoseconds to wait before the answer.
    pub delay: Distribution,
    /// Bytes of the body.
    pub size: Distribution,
    /// Usual status.
    pub status: u16,
    /// Fields with CRLF.
    pub headers: Vec<String>,
    /// Share of answers with `error_status`.
    pub error_rate: f64,
    /// Their status.
    pub error_status: u16,
    /// Bytes of a chunk, if bodies are chunked.
    pub chunk_bytes: Option<usize>,
    /// Share of requests whose connection is dropped.
    pub drop_rate: f64,
    /// How.
    pub drop: Drop,
    /// Limit on sending bodies.
    pub bytes_per_second: Option<u64>,
    /// Answer with the request's body.
    pub echo: bool,
    /// Stop everything once.
    pub stall: Option<Stall>,
}

/// How a connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drop {
    /// Reset it
    Reset,
    /// Close it without an answer
    Close,
    /// Close it in the middle of the answer
    Short,
}

/// A pause of the whole thread, as a garbage collection would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// At which request, counted from 1.
    pub request: u64,
    /// How long.
    pub duration: Duration,
}

/// What one request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Drop(Drop),
    /// The usual answer, which is ready.
    Ready,
    /// An answer to be made.
    Make {
        status: u16,
        bytes: u64,
    },
}

/// Answers made before any request: for a connection that stays, and for one that closes.
pub(super) struct Ready {
    keep: Box<[u8]>,
    close: Box<[u8]>,
    /// Of each, without the body: for HEAD.
    heads: [usize; 2],
}

impl Behaviour {
    /// What the next request gets.
    #[inline]
    pub(super) fn fate(&self, ready: Option<&Ready>, random: &mut Rng) -> Fate {
        if self.drop_rate > 0.0 && random.f64() < self.drop_rate {
            return Fate::Drop(self.drop);
        }
        let fails = self.error_rate > 0.0 && random.f64() < self.error_rate;
        match ready {
            Some(_) if !fails => Fate::Ready,
            _ => Fate::Make {
                status: if fails { self.error_status } else { self.status },
                bytes: self.size.draw(random),
            },
        }
    }

    /// The usual answer, if it is always the same.
    pub(super) fn ready(&self) -> Option<Ready> {
        let Distribution::Fixed(bytes) = self.size else { return None };
        if self.echo
            || self.bytes_per_second.is_some()
            || self.chunk_bytes.is_some()
            || bytes > READY_BYTES_MAX
        {
            return None;
        }
        let bytes = if bodyless(self.status) { 0 } else { bytes };
        let make = |closes| {
            let mut answer = Vec::new();
            self.head(self.status, Some(bytes), closes, &mut answer);
            let head = answer.len();
            answer.resize(head + bytes as usize, FILLER);
            (answer.into_boxed_slice(), head)
        };
        let ((keep, keep_head), (close, close_head)) = (make(false), make(true));
        Some(Ready { keep, close, heads: [keep_head, close_head] })
    }

    /// Writes a head; without a length the body is chunked.
    pub(super) fn head(&self, status: u16, length: Option<u64>, closes: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", reason(status)).as_bytes());
        out.extend_from_slice(b"content-type: text/plain\r\n");
        match length {
            // RFC 9110, 8.6: neither 204 nor 304 says a length it does not send.
            _ if bodyless(status) => {}
            Some(length) => out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
            None => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        for field in &self.headers {
            out.extend_from_slice(field.as_bytes());
        }
        if closes {
            out.extend_from_slice(b"connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// What bodies consist of.
pub(super) const FILLER: u8 = b'x';

impl Ready {
    #[inline]
    pub(super) fn bytes(&self, is_head: bool, closes: bool) -> &[u8] {
        let whole = if closes { &self.close } else { &self.keep };
        if is_head { &whole[..self.heads[usize::from(closes)]] } else { whole }
    }
}

/// Whether answers with this status never have a body.
pub(super) fn bodyless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
