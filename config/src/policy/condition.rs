//! `Condition`: operators, their keys, and the values of each.

use tidegate_core::auth::policy::{Condition, Key, Operator, Variables};

use super::one_or_many;
use crate::fields::Fields;
use crate::report::Report;
use crate::tree::{Entry, Node, Value};

/// Reads `{"IpAddress": {"aws:SourceIp": ["…"]}}`. `None`: there are errors.
pub(super) fn read(node: &Node, variables: Variables, report: &mut Report) -> Option<Vec<Condition>> {
    Fields::read(node, "`Condition`", report)?;
    let mut conditions = Vec::new();
    let mut whole = true;
    for operator in node.entries() {
        let Some(read) = read_operator(operator, report) else {
            whole = false;
            continue;
        };
        if Fields::read(&operator.value, "the keys of an operator", report).is_none() {
            whole = false;
        }
        for key in operator.value.entries() {
            match read_key(read, key, variables, report) {
                Some(condition) => conditions.push(condition),
                None => whole = false,
            }
        }
    }
    whole.then_some(conditions)
}

fn read_operator(entry: &Entry, report: &mut Report) -> Option<Operator> {
    let operator = Operator::parse(&entry.key).ok();
    if operator.is_none() {
        report.unknown(entry.key_span, "condition operator", &entry.key, Operator::names());
    }
    operator
}

fn read_key(
    operator: Operator,
    entry: &Entry,
    variables: Variables,
    report: &mut Report,
) -> Option<Condition> {
    let Some(key) = Key::parse(&entry.key) else {
        let names = Key::names().chain(["aws:PrincipalTag/name"]);
        report.unknown(entry.key_span, "condition key", &entry.key, names);
        return None;
    };
    let nodes = one_or_many(&entry.value);
    let values: Option<Vec<&str>> = nodes.iter().map(|node| value(node, report)).collect();
    match Condition::compile(operator, key, &values?, variables) {
        Ok(condition) => Some(condition),
        Err((position, error)) => {
            report.error(nodes.get(position).map_or(entry.key_span, |node| node.span), error.to_string());
            None
        }
    }
}

/// A text; AWS also takes numbers and booleans as they are written.
fn value<'n>(node: &'n Node, report: &mut Report) -> Option<&'n str> {
    match &node.value {
        Value::Boolean(true) => Some("true"),
        Value::Boolean(false) => Some("false"),
        Value::Text(text) | Value::Number(text, _) => Some(text),
        _ => {
            report.error(node.span, format!("expected a text, a number or a boolean, not {}", node.kind()));
            None
        }
    }
}
