//! `$ref`: JSON pointers into the same document.

use crate::report::Report;
use crate::tree::{Node, Value};

/// References that lead to references; more are taken for a cycle.
const HOPS_MAX: usize = 16;

/// The node that `node` stands for. What cannot be followed is reported at the reference.
pub(super) fn resolve<'n>(root: &'n Node, node: &'n Node, report: &mut Report) -> Option<&'n Node> {
    let mut at = node;
    for _ in 0..HOPS_MAX {
        let Some(reference) = at.get("$ref") else { return Some(at) };
        let Value::Text(pointer) = &reference.value else {
            report.error(reference.span, "`$ref` must be a text");
            return None;
        };
        let Some(path) = pointer.strip_prefix("#/") else {
            report
                .error(reference.span, format!("`{pointer}` is not in this document"))
                .help("AWS follows references of the form #/… only");
            return None;
        };
        let Some(found) = follow(root, path) else {
            report.error(reference.span, format!("there is no `{pointer}` in this document"));
            return None;
        };
        at = found;
    }
    report.error(node.span, format!("more than {HOPS_MAX} references follow each other: this is a circle"));
    None
}

/// RFC 6901: `~1` is a slash, `~0` a tilde.
pub(super) fn follow<'n>(root: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('/').try_fold(root, |node, token| {
        let token = token.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}");
        match &node.value {
            Value::List(items) => items.get(token.parse::<usize>().ok()?),
            _ => node.get(&token),
        }
    })
}
