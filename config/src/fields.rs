//! Reading a map key by key: what is missing, unknown or not built yet is reported at its place.

use tidegate_core::span::Span;

use crate::report::Report;
use crate::tree::{Entry, Node, Value};

/// A map that is being read. Every key that is asked for is known; [`Fields::finish`] reports the others.
pub(crate) struct Fields<'n> {
    span: Span,
    entries: &'n [Entry],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Starts reading `node`, called `what` in messages, or reports that it is not a map.
    pub(crate) fn read(node: &'n Node, what: &str, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { span: node.span, entries, known: Vec::new() }),
            _ => {
                report.error(node.span, format!("{what} must be a map of keys, not {}", node.kind()));
                None
            }
        }
    }

    /// Where the map is.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The entry of a key.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.known.push(key);
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// The value of a key.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'n Node> {
        self.take(key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str, report: &mut Report) -> Option<&'n Node> {
        let found = self.value(key);
        if found.is_none() {
            report.error(self.span, format!("`{key}` is missing"));
        }
        found
    }

    /// Keys that may stand and mean nothing here.
    pub(crate) fn ignore(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// A key whose feature is not built yet.
    pub(crate) fn unsupported(&mut self, key: &'static str, report: &mut Report) {
        if let Some(entry) = self.take(key) {
            report.unsupported(entry.key_span, &format!("`{key}`"));
        }
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(self, report: &mut Report) {
        self.finish_except(report, |_| false);
    }

    /// Reports the keys that nobody asked for and that are not `allowed`.
    pub(crate) fn finish_except(self, report: &mut Report, allowed: impl Fn(&str) -> bool) {
        let unknown = |entry: &&Entry| !self.known.contains(&&*entry.key) && !allowed(&entry.key);
        for entry in self.entries.iter().filter(unknown) {
            report.unknown(entry.key_span, "key", &entry.key, self.known.iter().copied());
        }
    }
}
