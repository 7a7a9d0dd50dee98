//! TOML to the tree.

use tidegate_core::span::Span;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::{Entry, Node, Value};
use crate::report::Report;

/// Reads the report's source. Broken lines are reported and left out; the rest is still read.
pub(crate) fn read(report: &mut Report) -> Node {
    let source = std::sync::Arc::clone(&report.source);
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let span = error.span().unwrap_or_default();
        report.error(source.span(span.start, span.end), error.message());
    }
    Node { span: Span::new(0, 0), value: map(table.get_ref()) }
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.as_ref().into()),
        DeValue::Integer(integer) => Value::Number(integer.to_string().into(), int64(integer)),
        DeValue::Float(float) => Value::Number(float.as_str().into(), None),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(time) => Value::Text(time.to_string().into()),
        DeValue::Array(items) => Value::List(items.iter().map(node).collect()),
        DeValue::Table(table) => map(table),
    };
    Node { span: Span::new(span.start, span.end.max(span.start)), value }
}

fn map(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| Entry {
        key: key.get_ref().as_ref().into(),
        key_span: Span::new(key.span().start, key.span().end),
        value: node(value),
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span.start());
    Value::Map(entries)
}

fn int64(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn keys_and_values_know_their_place() {
        let text =
            "[node]\nname = \"a\"\nshards = 0x10\n[[api]]\nid = 'x'\n[[api]]\n[api.stage]\nf = [1, 2.5]\n";
        let mut report = Report::new(Source::new("f", text));
        let root = read(&mut report);
        let source = std::sync::Arc::clone(&report.source);
        assert!(report.into_findings().is_empty());
        let name = root.get("node").unwrap().entry("name").unwrap();
        assert_eq!((source.slice(name.key_span), source.slice(name.value.span)), ("name", "\"a\""));
        assert_eq!(
            root.get("node").unwrap().get("shards").unwrap().value,
            Value::Number("0x10".into(), Some(16))
        );
        let Value::List(apis) = &root.get("api").unwrap().value else { panic!("a list") };
        assert_eq!(source.slice(apis[0].span), "[[api]]");
        assert_eq!(apis.len(), 2);
    }

    #[track_caller]
    fn check_errors(text: &str, want: usize) {
        let mut report = Report::new(Source::new("f", text));
        read(&mut report);
        let findings = report.into_findings();
        assert_eq!(findings.errors(), want, "{findings}");
    }

    #[test]
    fn all_broken_lines_are_reported() {
        check_errors("a = \nb = 1\nc 2\nd = 3\n", 2);
        check_errors("b = 1\nb = 2\n", 1);
        check_errors("[[a]]\n[a]\n", 1);
        check_errors("\u{1}", 2);
    }
}
