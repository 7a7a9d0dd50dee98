//! Finds the end of a head while it arrives, and refuses one that cannot become acceptable any more.
//!
//! Most heads arrive in one piece. For them httparse finds the end as it goes, and [`check_whole`] looks only at the
//! places where it is too lenient: 60 ns less of 300 than to search for the line ends first.

use super::{FIELDS_MAX, HeadError, HeadLimits};
use crate::span::Span;
use memchr::memchr;
use std::ops::Range;

/// Most bytes of a method. The longest registered one has 17 (`UPDATEREDIRECTREF`).
pub const METHOD_BYTES_MAX: usize = 32;

/// Bytes of a request line behind the target.
const BEHIND_TARGET: usize = b" HTTP/1.1".len();

/// Which kind of message a head begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
}

/// How far a head has been searched. Each byte is looked at once, in however small pieces it comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    scanned: usize,
    line: usize,
    section: Section,
}

/// How much of a head is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Progress {
    Receiving(Scan),
    /// All of it: the first `end` bytes of the buffer.
    Complete {
        end: usize,
    },
}

impl Progress {
    /// Length of the head in bytes; 0 until it is complete.
    pub(super) fn end(self) -> usize {
        match self {
            Self::Complete { end } => end,
            Self::Receiving(_) => 0,
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::Receiving(Scan::default())
    }
}

/// The part of the head that the line at `Scan::line` belongs to.
#[derive(Clone, Copy, Debug, Default)]
enum Section {
    /// Nothing but an empty line at most has come so far.
    #[default]
    StartLine,
    /// The start line at `start_line` is complete; `count` field lines follow from `start`.
    Fields { start_line: usize, start: usize, count: usize },
}

impl Scan {
    /// True when no byte has been searched yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// Looks for the empty line behind the fields in what has been added to `bytes` since the last call. Returns
    /// the range from the start line up to behind the empty line.
    pub(super) fn find_end(
        &mut self,
        kind: Kind,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<Range<usize>>, HeadError> {
        while let Some(offset) = memchr(b'\n', &bytes[self.scanned..]) {
            let line_feed = self.scanned + offset;
            if line_feed == 0 || bytes[line_feed - 1] != b'\r' {
                return Err(HeadError::BareLf);
            }
            let line = &bytes[self.line..line_feed - 1];
            let next = line_feed + 1;
            match self.section {
                Section::StartLine if line.is_empty() => self.skip_empty_line(kind)?,
                Section::StartLine => {
                    check_start_line(kind, line, limits)?;
                    self.section = Section::Fields { start_line: self.line, start: next, count: 0 };
                }
                Section::Fields { start_line, .. } if line.is_empty() => {
                    return Ok(Some(start_line..next));
                }
                Section::Fields { start_line, start, count } => {
                    check_fields(next - start, count + 1, limits)?;
                    self.section = Section::Fields { start_line, start, count: count + 1 };
                }
            }
            self.scanned = next;
            self.line = next;
        }
        self.scanned = bytes.len();
        self.check_incomplete(kind, bytes, limits)?;
        Ok(None)
    }

    /// RFC 9112 section 2.2: a server should ignore at least one empty line before the request line.
    fn skip_empty_line(&self, kind: Kind) -> Result<(), HeadError> {
        match (kind, self.line) {
            (Kind::Request, 0) => Ok(()),
            (Kind::Request | Kind::Response, _) => Err(HeadError::LeadingEmptyLines),
        }
    }

    /// The limits, applied to a last line that is still without its end.
    fn check_incomplete(&self, kind: Kind, bytes: &[u8], limits: &HeadLimits) -> Result<(), HeadError> {
        let line = &bytes[self.line..];
        match self.section {
            Section::StartLine => check_start_line(kind, line.strip_suffix(b"\r").unwrap_or(line), limits),
            // A lone carriage return may belong to the empty line, which is not counted.
            Section::Fields { .. } if matches!(line, [] | [b'\r']) => Ok(()),
            Section::Fields { start, count, .. } => check_fields(bytes.len() - start, count + 1, limits),
        }
    }
}

/// Where the start line begins if all of `bytes` is there: behind the one empty line that may precede a request.
pub(super) fn start_line(kind: Kind, bytes: &[u8]) -> usize {
    match (kind, bytes) {
        (Kind::Request, [b'\r', b'\n', b'\r' | b'\n', ..]) => 0,
        (Kind::Request, [b'\r', b'\n', ..]) => 2,
        (Kind::Request | Kind::Response, _) => 0,
    }
}

/// Checks what httparse does not in the whole `head` that it has read `headers` from: the limits, and a CR before
/// each LF.
///
/// httparse refuses a CR without LF. So it is enough to look at the byte before each LF that ended a line.
pub(super) fn check_whole(
    kind: Kind,
    head: &[u8],
    headers: &[httparse::Header<'_>],
    limits: &HeadLimits,
) -> Result<(), HeadError> {
    let line_start = |header: &httparse::Header<'_>| Span::within(head, header.name.as_bytes()).start();
    let fields = headers.first().map_or(head.len() - 2, line_start);
    let is_bare = |header| !head[..line_start(header)].ends_with(b"\r\n");
    if matches!(head.first(), Some(b'\r' | b'\n'))
        || !head.ends_with(b"\r\n\r\n")
        || headers.iter().any(is_bare)
    {
        return Err(HeadError::BareLf);
    }
    check_start_line(kind, &head[..fields - 2], limits)?;
    check_fields(head.len() - 2 - fields, headers.len(), limits)
}

/// Judges a start line by its length alone, complete or not, so that it costs nothing to do again and again.
fn check_start_line(kind: Kind, line: &[u8], limits: &HeadLimits) -> Result<(), HeadError> {
    match kind {
        Kind::Response if line.len() > limits.target_bytes_max => Err(HeadError::StatusLine),
        Kind::Response => Ok(()),
        Kind::Request => match memchr(b' ', &line[..line.len().min(METHOD_BYTES_MAX + 1)]) {
            None if line.len() > METHOD_BYTES_MAX => Err(HeadError::Method),
            None => Ok(()),
            Some(method) if line.len() > method + 1 + limits.target_bytes_max + BEHIND_TARGET => {
                Err(HeadError::TargetTooLong)
            }
            Some(_) => Ok(()),
        },
    }
}

fn check_fields(bytes: usize, count: usize, limits: &HeadLimits) -> Result<(), HeadError> {
    if bytes > limits.fields_bytes_max {
        return Err(HeadError::FieldsTooLarge);
    }
    if count > limits.fields_max.min(FIELDS_MAX) {
        return Err(HeadError::TooManyFields);
    }
    Ok(())
}
