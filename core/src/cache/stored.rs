//! An answer as it is kept, and how it is given again.
//!
//! What belongs to one request is not kept: date, connection, ids, trace, where the caller stands with its limits.

use std::ops::{Deref, Range};

use super::conditional::is_unchanged;
use super::memory::{MakePages, Memory};
use crate::clock::Now;
use crate::context::View;
use crate::http1::{RequestHead, encode};
use crate::transform::answer::{self, Frame};

/// A kept answer. Copies share its bytes.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Key, first fields, further fields, content.
    bytes: Memory,
    key_bytes: u32,
    first_bytes: u32,
    further_bytes: u32,
    status: u16,
    is_traced: bool,
    term: Term,
}

/// From when on and until when an answer is good for what, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// When an origin made it, as far as that is known; perhaps before the clock began.
    pub born_ns: i64,
    /// Until when it is given without asking again.
    pub fresh_until_ns: u64,
    /// Until when it is given if asking fails.
    pub kept_until_ns: u64,
    /// A hash of the path that it was asked for by, where a change there puts it out; else 0.
    pub path: u32,
}

impl Term {
    /// Made now, and good until then.
    pub fn until(now_ns: u64, until_ns: u64) -> Self {
        Self { born_ns: now_ns as i64, fresh_until_ns: until_ns, kept_until_ns: until_ns, path: 0 }
    }
}

/// No answer, but that the answers to a request are not to be kept.
pub(super) const PASS: u16 = 0;
/// No answer, but by which fields the answers to a request differ.
pub(super) const VARIES: u16 = 1;

/// The content of a kept answer, to be sent where it lies.
#[derive(Clone, Debug)]
pub struct Content {
    bytes: Memory,
    start: usize,
}

impl Content {
    /// Whether it lies in [`Pages`](super::Pages), so that the kernel may send from there.
    pub fn is_paged(&self) -> bool {
        self.bytes.is_paged()
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// An answer that is about to be kept, in the bytes that are sent to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draft<'a> {
    status: u16,
    /// Field lines before our ids.
    first: Lines<'a>,
    /// Field lines behind our ids.
    further: Lines<'a>,
    content: &'a [u8],
    is_traced: bool,
}

/// Field lines, of which those named here are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines<'a> {
    bytes: &'a [u8],
    without: &'static [&'static [u8]],
}

/// Fields of one request that stand before our ids.
const OWN: &[&[u8]] = &[b"date", b"retry-after", b"ratelimit-policy", b"ratelimit", b"connection"];

impl<'a> Draft<'a> {
    /// Reads an answer as it was written for a client. `is_traced`: its last field is our trace. `None`: it is not as the
    /// gateway writes answers that may be kept.
    pub fn read(out: &'a [u8], status: u16, is_traced: bool) -> Option<Self> {
        let end = memchr::memmem::find(out, b"\r\n\r\n")? + 2;
        let (head, content) = (&out[..end], out.get(end + 2..)?);
        let start = next_line(head, 0)?.end;
        let id = find_line(head, start, b"x-amzn-requestid")?;
        let ids = next_line(head, id.end).filter(|line| is_named(&head[line.clone()], b"x-amz-apigw-id"))?;
        let mut further = &head[ids.end..];
        if is_traced {
            let trace = last_line(further);
            further = is_named(&further[trace..], b"x-amzn-trace-id").then(|| &further[..trace])?;
        }
        let first = Lines { bytes: &head[start..id.start], without: OWN };
        Some(Self { status, first, further: Lines { bytes: further, without: &[] }, content, is_traced })
    }

    /// That the answers to a request differ: `content` says how.
    pub(super) fn of_variants(content: &'a [u8]) -> Self {
        Self { status: VARIES, content, ..Self::default() }
    }

    /// The values of all fields of this name, which is in small letters, behind our ids.
    pub(super) fn values(&self, name: &[u8]) -> Vec<&'a [u8]> {
        let lines = self.further.bytes.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| is_named(line, name)).map(value).collect()
    }

    /// Bytes that it takes behind this key.
    pub fn bytes(&self, key: &[u8]) -> usize {
        key.len() + self.first.len() + self.further.bytes.len() + self.content.len()
    }

    /// Whether a field is there that one client only may get.
    pub fn sets_cookie(&self) -> bool {
        [self.first, self.further].iter().any(|lines| find_line(lines.bytes, 0, b"set-cookie").is_some())
    }

    /// Keeps it.
    pub(super) fn store(&self, key: &[u8], term: Term, pages: Option<MakePages>) -> Stored {
        let first_bytes = self.first.len();
        let bytes = Memory::filled(self.bytes(key), pages, |mut rest| {
            let pieces = self.first.kept().chain([self.further.bytes, self.content]);
            for piece in [key].into_iter().chain(pieces) {
                let (place, behind) = rest.split_at_mut(piece.len());
                place.copy_from_slice(piece);
                rest = behind;
            }
        });
        Stored {
            bytes,
            key_bytes: key.len() as u32,
            first_bytes: first_bytes as u32,
            further_bytes: self.further.bytes.len() as u32,
            status: self.status,
            is_traced: self.is_traced,
            term,
        }
    }
}

impl<'a> Lines<'a> {
    fn kept(self) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.bytes.split_inclusive(|&byte| byte == b'\n');
        lines.filter(move |line| !self.without.iter().any(|name| is_named(line, name)))
    }

    fn len(self) -> usize {
        self.kept().map(<[u8]>::len).sum()
    }
}

impl Stored {
    /// What it is found by.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.key_bytes as usize]
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// When it is good for what.
    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// Lets it be given until then without asking again, as long as it is kept.
    pub(super) fn renew(&mut self, until_ns: u64) {
        self.term.fresh_until_ns = until_ns.min(self.term.kept_until_ns);
    }

    /// How old it is, in milliseconds.
    pub(super) fn age_ms(&self, now_ns: u64) -> u64 {
        (now_ns as i64).saturating_sub(self.term.born_ns).max(0) as u64 / 1_000_000
    }

    /// How long it stays fresh, in milliseconds.
    pub(super) fn fresh_ms(&self, now_ns: u64) -> u64 {
        self.term.fresh_until_ns.saturating_sub(now_ns) / 1_000_000
    }

    /// How long it has not been fresh, in milliseconds, begun ones counted.
    pub(super) fn stale_ms(&self, now_ns: u64) -> u64 {
        if now_ns < self.term.fresh_until_ns {
            0
        } else {
            (now_ns - self.term.fresh_until_ns) / 1_000_000 + 1
        }
    }

    /// Its content.
    pub fn content(&self) -> Content {
        Content { bytes: self.bytes.clone(), start: self.fields().end }
    }

    /// All of it, as one.
    pub(super) fn into_memory(self) -> Memory {
        self.bytes
    }

    /// Whether nobody else holds it.
    pub(super) fn is_alone(&self) -> bool {
        self.bytes.is_alone()
    }

    fn fields(&self) -> Range<usize> {
        let start = self.key_bytes as usize;
        start..start + (self.first_bytes + self.further_bytes) as usize
    }

    /// Whether a client that asks so has it already.
    pub(crate) fn is_unchanged(&self, request: &RequestHead, now: Now) -> bool {
        let further = &self.bytes[self.fields()][self.first_bytes as usize..];
        let field = |name| find_line(further, 0, name).map(|line| value(&further[line]));
        let now_s = now.unix_ms / 1_000;
        self.status == 200 && is_unchanged(request, field(b"etag"), field(b"last-modified"), now_s)
    }

    /// Writes the head of the answer to another request, with its age if that is wanted.
    pub(crate) fn write_head(
        &self,
        view: &View<'_>,
        frame: Frame<'_>,
        age_at_ns: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        self.write(self.status, view, frame, age_at_ns, out);
    }

    /// Writes the head of the answer to a client that has it already: without what describes content.
    pub(crate) fn write_unchanged(
        &self,
        view: &View<'_>,
        frame: Frame<'_>,
        age_at_ns: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        self.write(304, view, frame, age_at_ns, out);
    }

    fn write(
        &self,
        status: u16,
        view: &View<'_>,
        frame: Frame<'_>,
        age_at_ns: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        let (first, further) = self.bytes[self.fields()].split_at(self.first_bytes as usize);
        out.clear();
        answer::write_start(status, frame, out);
        if status == self.status {
            out.extend_from_slice(first);
        }
        answer::write_connection(frame, out);
        answer::write_ids(view, out);
        match age_at_ns {
            None => out.extend_from_slice(further),
            Some(now_ns) => self.write_with_age(further, now_ns, out),
        }
        if self.is_traced {
            answer::write_trace(view, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// An age that the answer had already counts; the fields that said so are not given again.
    fn write_with_age(&self, further: &[u8], now_ns: u64, out: &mut Vec<u8>) {
        let lines = further.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| !is_named(line, b"age")).for_each(|line| out.extend_from_slice(line));
        let age_s = self.age_ms(now_ns) / 1_000;
        encode::field(b"Age", itoa::Buffer::new().format(age_s).as_bytes(), out);
    }
}

/// The value of a field line.
fn value(line: &[u8]) -> &[u8] {
    memchr::memchr(b':', line).map_or(b"", |colon| line[colon + 1..].trim_ascii())
}

/// The line that begins at `start`, with its line break.
fn next_line(head: &[u8], start: usize) -> Option<Range<usize>> {
    let end = memchr::memchr(b'\n', head.get(start..)?)?;
    Some(start..start + end + 1)
}

fn find_line(head: &[u8], start: usize, name: &[u8]) -> Option<Range<usize>> {
    let mut line = next_line(head, start)?;
    while !is_named(&head[line.clone()], name) {
        line = next_line(head, line.end)?;
    }
    Some(line)
}

/// Where the last line begins.
fn last_line(lines: &[u8]) -> usize {
    let before = lines.len().saturating_sub(1);
    memchr::memrchr(b'\n', &lines[..before]).map_or(0, |at| at + 1)
}

/// `name` is in small letters.
fn is_named(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: a/b\r\nContent-Length: 3\r\nRateLimit: \"a\";r=1\r\n\
        Connection: keep-alive\r\nx-amzn-RequestId: 1\r\nx-amz-apigw-id: 2\r\nETag: \"e\"\r\nDate2: z\r\n";

    #[track_caller]
    fn check(trace: &str, is_traced: bool, want: Option<(&str, &str)>) {
        let out = format!("{ANSWER}{trace}\r\nabc");
        let draft = Draft::read(out.as_bytes(), 200, is_traced);
        let texts = draft.map(|draft| {
            let stored = draft.store(b"key", Term::default(), None);
            assert_eq!((stored.key(), &*stored.content()), (&b"key"[..], &b"abc"[..]));
            let (first, further) = stored.bytes[stored.fields()].split_at(stored.first_bytes as usize);
            (String::from_utf8_lossy(first).into_owned(), String::from_utf8_lossy(further).into_owned())
        });
        assert_eq!(texts.as_ref().map(|(first, further)| (&**first, &**further)), want);
    }

    #[test]
    fn what_is_kept() {
        let first = "Content-Type: a/b\r\nContent-Length: 3\r\n";
        let further = "ETag: \"e\"\r\nDate2: z\r\n";
        check("", false, Some((first, further)));
        check("X-Amzn-Trace-Id: t\r\n", true, Some((first, further)));
        // Of a backend, which is passed on.
        let passed = format!("{further}X-Amzn-Trace-Id: t\r\n");
        check("X-Amzn-Trace-Id: t\r\n", false, Some((first, &passed)));
        check("", true, None);
    }

    #[test]
    fn what_is_no_answer() {
        for text in ["", "HTTP/1.1 200 OK\r\n\r\n", &ANSWER[..ANSWER.len() - 40]] {
            assert_eq!(Draft::read(text.as_bytes(), 200, false), None, "{text}");
        }
    }
}
