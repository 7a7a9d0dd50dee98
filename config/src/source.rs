//! A file as it was read: its name, its text, and where in it a line is.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tidegate_core::span::Span;

/// Largest definition that is read; AWS: "maximum size of the API definition file", 6 MB.
pub(crate) const FILE_BYTES_MAX: u64 = 6 * 1024 * 1024;

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its name, as diagnostics show it.
    pub(crate) name: String,
    /// Its text, without a byte order mark.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Arc<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Arc::new(Self { name: name.to_owned(), text: text.to_owned() })
    }

    /// Reads a file; the error says why it cannot be read, without its name.
    pub(crate) fn read(path: &Path) -> Result<Arc<Self>, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
        Ok(Self::new(&path.display().to_string(), &text))
    }

    /// The same with `*` at these places. Lines stay where they are.
    pub(crate) fn masked(&self, secrets: &[Span]) -> Self {
        let mut text = self.text.clone();
        for span in secrets {
            let hidden: String =
                self.slice(*span).bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
            text.replace_range(span.start()..span.end(), &hidden);
        }
        Self { name: self.name.clone(), text }
    }

    /// Line and column of an offset, both from 1; the column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Offset of a line and column, both from 1; the nearest there is.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text[start..].split('\n').next().unwrap_or_default();
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(offset, _)| offset)
    }

    /// A span of this file around any offsets: inside the text and on character borders.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        let start = self.floor(start);
        Span::new(start, self.floor(end).max(start))
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start()..span.end()).unwrap_or_default()
    }

    /// Span of the character that stands at `offset` of a scalar's value; `scalar` is where the scalar is written.
    ///
    /// Walks value and source side by side. What the source has more (quotes, indentation, a block header, the
    /// backslash of an escape) is stepped over, so it is exact but for the decoded escapes themselves.
    pub(crate) fn inside(&self, scalar: Span, value: &str, offset: usize) -> Span {
        let written = self.slice(scalar);
        let body = if written.starts_with(['|', '>']) { written.find('\n').unwrap_or(0) } else { 0 };
        let mut at = body;
        for wanted in value[..floor(value, offset)].chars() {
            at += written[at..].find(wanted).map_or(0, |found| found + wanted.len_utf8());
        }
        let next = value[floor(value, offset)..].chars().next();
        at += next.and_then(|wanted| written[at..].find(wanted)).unwrap_or(0);
        self.span(scalar.start() + at, scalar.start() + at + next.map_or(0, char::len_utf8))
    }

    fn floor(&self, offset: usize) -> usize {
        floor(&self.text, offset)
    }
}

fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_offsets() {
        let source = Source::new("f", "\u{feff}ab\nüc\n\nd");
        for (offset, line, column) in
            [(0, 1, 1), (2, 1, 3), (3, 2, 1), (5, 2, 2), (7, 3, 1), (8, 4, 1), (9, 4, 2)]
        {
            assert_eq!(source.position(offset), (line, column), "{offset}");
            assert_eq!(source.offset(line, column), offset, "{line}:{column}");
        }
        assert_eq!(source.position(99), (4, 2));
        assert_eq!(source.offset(99, 99), 9);
    }

    #[test]
    fn secrets_are_hidden() {
        let source = Source::new("f", "a = \"sé\ncret\"\nb");
        let masked = source.masked(&[Span::new(4, 14)]);
        assert_eq!(masked.text, "a = ****\n*****\nb");
    }

    #[track_caller]
    fn check_inside(written: &str, value: &str, offset: usize, want: &str) {
        let source = Source::new("f", &format!("k: {written}"));
        let span = source.inside(source.span(3, 3 + written.len()), value, offset);
        assert_eq!(&source.text[span.start()..], &format!("k: {written}")[written.find(want).unwrap() + 3..]);
    }

    #[test]
    fn places_inside_scalars() {
        check_inside("a$b", "a$b", 1, "$b");
        check_inside(r#""x\n  $b""#, "x\n  $b", 4, "$b");
        check_inside("|\n  one\n  two $x\n", "one\ntwo $x\n", 8, "$x");
        check_inside("'it''s $x'", "it's $x", 5, "$x");
    }
}
