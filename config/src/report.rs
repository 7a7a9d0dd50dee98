//! Where the readers of one file leave what they find.

use std::sync::Arc;

use tidegate_core::span::Span;

use crate::diagnostics::{Diagnostic, Diagnostics, Place, Severity};
use crate::source::Source;
use crate::suggest::suggest;

/// The findings of one file.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) source: Arc<Source>,
    findings: Diagnostics,
}

impl Report {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self { source, findings: Diagnostics::default() }
    }

    /// Hides what is written at these places from whoever reads the findings that follow.
    pub(crate) fn mask(&mut self, secrets: &[Span]) {
        if !secrets.is_empty() {
            self.source = Arc::new(self.source.masked(secrets));
        }
    }

    pub(crate) fn error(&mut self, at: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, at, message.into())
    }

    pub(crate) fn warning(&mut self, at: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, at, message.into())
    }

    /// A feature that is known and not built.
    pub(crate) fn unsupported(&mut self, at: Span, what: &str) -> &mut Diagnostic {
        self.error(at, format!("{what} is not supported yet"))
    }

    /// A name that is none of `known`.
    pub(crate) fn unknown<'k>(
        &mut self,
        at: Span,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> &mut Diagnostic {
        let help = suggest(name, known);
        let finding = self.error(at, format!("unknown {what} `{name}`"));
        match help {
            Some(help) => finding.help(help),
            None => finding,
        }
    }

    fn add(&mut self, severity: Severity, span: Span, message: String) -> &mut Diagnostic {
        let span = self.source.span(span.start(), span.end());
        let place = Place { source: Arc::clone(&self.source), span };
        self.findings.push(Diagnostic::new(severity, message, Some(place)))
    }

    /// Whether anything is wrong so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.has_errors()
    }

    pub(crate) fn into_findings(self) -> Diagnostics {
        self.findings.sorted()
    }
}
