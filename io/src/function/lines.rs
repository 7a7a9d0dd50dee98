//! What a process prints: bytes to lines of the log.

use std::time::{Duration, Instant};

/// Bytes of a line; a longer one is split.
const LINE_BYTES_MAX: usize = 16_384;
/// Bytes that a process may print in [`WINDOW`]; what it prints beyond is read, dropped and counted, so that it neither
/// waits nor fills the disk.
const WINDOW_BYTES_MAX: usize = 1 << 20;
const WINDOW: Duration = Duration::from_secs(1);

/// The unfinished line of a process, and how much it has printed lately.
pub(super) struct Lines {
    line: Vec<u8>,
    window: Option<Instant>,
    bytes: usize,
    dropped_bytes: usize,
}

/// Something for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Line(&'a [u8]),
    /// So many bytes were dropped since the last time.
    Dropped(usize),
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { line: Vec::new(), window: None, bytes: 0, dropped_bytes: 0 }
    }

    /// Takes in what was printed; `log` gets each line that is whole.
    pub(super) fn push(&mut self, printed: &[u8], now: Instant, mut log: impl FnMut(Entry<'_>)) {
        self.turn(now, &mut log);
        self.bytes += printed.len();
        if self.bytes > WINDOW_BYTES_MAX {
            self.dropped_bytes += self.line.len() + printed.len();
            self.line.clear();
            return;
        }
        for piece in printed.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            for part in text.chunks(LINE_BYTES_MAX) {
                if self.line.len() + part.len() > LINE_BYTES_MAX {
                    self.finish(&mut log);
                }
                self.line.extend_from_slice(part);
            }
            if ends {
                self.finish(&mut log);
            }
        }
    }

    /// The process prints no more.
    pub(super) fn end(&mut self, mut log: impl FnMut(Entry<'_>)) {
        self.finish(&mut log);
        self.tell_dropped(&mut log);
    }

    fn finish(&mut self, log: &mut impl FnMut(Entry<'_>)) {
        let text = self.line.trim_ascii_end();
        if !text.is_empty() {
            log(Entry::Line(text));
        }
        self.line.clear();
    }

    fn turn(&mut self, now: Instant, log: &mut impl FnMut(Entry<'_>)) {
        if self.window.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            (self.window, self.bytes) = (Some(now), 0);
            self.tell_dropped(log);
        }
    }

    fn tell_dropped(&mut self, log: &mut impl FnMut(Entry<'_>)) {
        let dropped = std::mem::take(&mut self.dropped_bytes);
        if dropped > 0 {
            log(Entry::Dropped(dropped));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(lines: &mut Lines, printed: &[u8], now: Instant) -> Vec<String> {
        let mut logged = Vec::new();
        lines.push(printed, now, |entry| logged.push(text(&entry)));
        logged
    }

    fn text(entry: &Entry<'_>) -> String {
        match entry {
            Entry::Line(line) => String::from_utf8_lossy(line).into_owned(),
            Entry::Dropped(bytes) => format!("dropped {bytes}"),
        }
    }

    #[test]
    fn lines_are_put_together_and_split() {
        let (mut lines, now) = (Lines::new(), Instant::now());
        assert_eq!(push(&mut lines, b"one\ntw", now), ["one"]);
        assert_eq!(push(&mut lines, b"o\r\n\n\nthree", now), ["two"]);
        let long = vec![b'x'; LINE_BYTES_MAX + 10];
        assert_eq!(push(&mut lines, &long, now), ["three".to_owned(), "x".repeat(LINE_BYTES_MAX)]);
        let mut rest = Vec::new();
        lines.end(|entry| rest.push(text(&entry)));
        assert_eq!(rest, ["x".repeat(10)]);
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let (mut lines, now) = (Lines::new(), Instant::now());
        assert_eq!(push(&mut lines, b"a\n", now), ["a"]);
        let flood = vec![b'\n'; WINDOW_BYTES_MAX];
        assert!(push(&mut lines, &flood, now).is_empty());
        assert!(push(&mut lines, b"lost\n", now).is_empty());
        let later = now + WINDOW;
        assert_eq!(
            push(&mut lines, b"b\n", later),
            [format!("dropped {}", WINDOW_BYTES_MAX + 5), "b".to_owned()]
        );
    }
}
