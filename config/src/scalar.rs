//! Reading single values: a wrong type or a number out of range is reported at its place.

use std::fmt;
use std::ops::RangeInclusive;

use crate::report::Report;
use crate::tree::{Node, Value};

/// A text.
pub(crate) fn text<'n>(node: &'n Node, report: &mut Report) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => wrong(node, "a text", report),
    }
}

/// A text, or a number as it is written.
pub(crate) fn scalar<'n>(node: &'n Node, report: &mut Report) -> Option<&'n str> {
    node.scalar().or_else(|| wrong(node, "a text", report))
}

/// A boolean; AWS also reads the words in quotes.
pub(crate) fn boolean(node: &Node, report: &mut Report) -> Option<bool> {
    match &node.value {
        Value::Boolean(boolean) => Some(*boolean),
        Value::Text(text) if &**text == "true" => Some(true),
        Value::Text(text) if &**text == "false" => Some(false),
        _ => wrong(node, "true or false", report),
    }
}

/// An integer in a range, bare or in quotes.
pub(crate) fn integer<N>(node: &Node, range: RangeInclusive<N>, report: &mut Report) -> Option<N>
where
    N: TryFrom<i64> + PartialOrd + fmt::Display,
{
    let number = match &node.value {
        Value::Number(_, integer) => *integer,
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    in_range(node, number.and_then(|number| N::try_from(number).ok()), range, report)
}

/// A number in a range, bare or in quotes.
pub(crate) fn number(node: &Node, range: RangeInclusive<f64>, report: &mut Report) -> Option<f64> {
    let number: Option<f64> = match &node.value {
        Value::Number(text, _) => text.replace('_', "").parse().ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let found = number.filter(|number| range.contains(number));
    if found.is_none() {
        report.error(node.span, format!("expected a number from {} to {}", range.start(), range.end()));
    }
    found
}

/// A number of bytes: an integer, or `"64 MiB"`, `"10 KiB"`, `"1 GiB"`.
pub(crate) fn bytes<N>(node: &Node, range: RangeInclusive<N>, report: &mut Report) -> Option<N>
where
    N: TryFrom<i64> + PartialOrd + fmt::Display,
{
    let number = match &node.value {
        Value::Number(_, integer) => *integer,
        Value::Text(text) => size(text),
        _ => None,
    };
    if number.is_none() {
        return wrong(node, "a number of bytes, or a size such as \"64 MiB\"", report);
    }
    in_range(node, number.and_then(|number| N::try_from(number).ok()), range, report)
}

/// The items of a list.
pub(crate) fn list<'n>(node: &'n Node, report: &mut Report) -> &'n [Node] {
    match &node.value {
        Value::List(items) => items,
        _ => wrong(node, "a list", report).unwrap_or_default(),
    }
}

/// One of the named variants, compared without case as AWS does at import.
pub(crate) fn variant<T: Copy>(
    node: &Node,
    variants: &[(&'static str, T)],
    report: &mut Report,
) -> Option<T> {
    let word = text(node, report)?;
    let found = variants.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    if found.is_none() {
        report.unknown(node.span, "value", word, variants.iter().map(|(name, _)| *name));
    }
    found.map(|(_, variant)| *variant)
}

fn size(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor: i64 = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

fn in_range<N: PartialOrd + fmt::Display>(
    node: &Node,
    number: Option<N>,
    range: RangeInclusive<N>,
    report: &mut Report,
) -> Option<N> {
    let found = number.filter(|number| range.contains(number));
    if found.is_none() {
        report.error(node.span, format!("expected an integer from {} to {}", range.start(), range.end()));
    }
    found
}

fn wrong<T>(node: &Node, expected: &str, report: &mut Report) -> Option<T> {
    report.error(node.span, format!("expected {expected}, not {}", node.kind()));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows = [
            ("64 MiB", Some(64 << 20)),
            ("10KiB", Some(10 << 10)),
            ("7 B", Some(7)),
            ("1 GB", None),
            ("MiB", None),
            ("12", None),
            ("-1 KiB", None),
            ("99999999999999 GiB", None),
            ("", None),
        ];
        for (text, want) in rows {
            assert_eq!(size(text), want, "{text}");
        }
    }
}
