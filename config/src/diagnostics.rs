//! What is wrong with a configuration, and where: an ordered list that is shown whole.

use std::fmt;
use std::sync::Arc;

use tidegate_core::span::Span;

use crate::render;
use crate::source::Source;

/// Findings of one file that are kept; a file that has more is not what it should be.
const FINDINGS_MAX: usize = 500;

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// Compiles, and does not do what it seems to say.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    place: Option<Place>,
    help: Option<String>,
    related: Option<(Span, String)>,
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: Arc<Source>,
    pub(crate) span: Span,
}

impl Diagnostic {
    pub(crate) fn new(severity: Severity, message: String, place: Option<Place>) -> Self {
        Self { severity, message, place, help: None, related: None }
    }

    /// Adds what to do about it.
    pub(crate) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Adds a second place of the same file and what is there.
    pub(crate) fn related(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related = Some((span, label.into()));
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The file that it is in, unless the file cannot be read.
    pub fn file(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.source.name.as_str())
    }

    /// Line and column where it starts, both from 1; columns count characters.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| place.source.position(place.span.start()))
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    pub(crate) fn related_place(&self) -> Option<(Span, &str)> {
        self.related.as_ref().map(|(span, label)| (*span, label.as_str()))
    }
}

/// `file:line:column: error: message`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(file), Some((line, column))) = (self.file(), self.position()) {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", self.message)
    }
}

/// All findings of one run, in the order of files and then of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// A list of one error without a place.
    pub(crate) fn of_error(message: String) -> Self {
        Self { list: vec![Diagnostic::new(Severity::Error, message, None)] }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        let last = self.list.len();
        self.list.push(diagnostic);
        &mut self.list[last]
    }

    /// Appends another file's findings.
    pub(crate) fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// One file's findings sorted by place, each once; of very many the first.
    pub(crate) fn sorted(mut self) -> Self {
        self.list.sort_by_key(|finding| finding.place.as_ref().map(|place| place.span.start()));
        self.list.dedup();
        let rest = self.list.split_off(FINDINGS_MAX.min(self.list.len()));
        if let Some(worst) = rest.iter().map(|finding| finding.severity).min() {
            self.push(Diagnostic::new(worst, format!("and {} more like these", rest.len()), None));
        }
        self
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// True when anything is an error.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// One line: `2 errors, 1 warning`.
    pub fn summary(&self) -> String {
        let count = |number: usize, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{number} {word}s")),
        };
        let parts = [count(self.errors(), "error"), count(self.warnings(), "warning")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "no errors".to_owned() } else { parts.join(", ") }
    }

    /// All of them with their source lines, in the manner of rustc, each followed by an empty line.
    pub fn render(&self, color: bool) -> String {
        self.list.iter().map(|finding| render::render(finding, color) + "\n\n").collect()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

impl std::error::Error for Diagnostics {}
