//! Mapping templates. Velocity is not built yet: a template must be its own output.

use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::report::Report;
use crate::tree::{Entry, Node, Value};

/// AWS: mapping template size 300 KB.
const TEMPLATE_BYTES_MAX: usize = 300 * 1024;

/// A template: its MIME type, its text, and where it is written.
pub(super) struct Template<'n> {
    pub(super) media_type: &'n str,
    pub(super) text: &'n str,
    pub(super) span: Span,
}

/// Reads `requestTemplates` or `responseTemplates`, called `what` in messages. A null template is an empty one.
pub(super) fn read<'n>(node: Option<&'n Node>, what: &str, report: &mut Report) -> Vec<Template<'n>> {
    let Some(node) = node.filter(|node| node.value != Value::Null) else { return Vec::new() };
    if Fields::read(node, what, report).is_none() {
        return Vec::new();
    }
    let mut templates = Vec::with_capacity(node.entries().len());
    for entry in node.entries() {
        check_media_type(entry, report);
        let Some(text) = text(&entry.value, report) else { continue };
        templates.push(Template { media_type: &entry.key, text, span: entry.value.span });
    }
    templates
}

/// The name of a template becomes a `Content-Type` field, so it must be one line of printable characters.
fn check_media_type(entry: &Entry, report: &mut Report) {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if entry.key.is_empty() || !entry.key.bytes().all(fits) {
        report.error(entry.key_span, "not a media type").help("for example application/json");
    }
}

fn text<'n>(node: &'n Node, report: &mut Report) -> Option<&'n str> {
    let text = match &node.value {
        Value::Null => "",
        _ => crate::scalar::scalar(node, report)?,
    };
    if text.len() > TEMPLATE_BYTES_MAX {
        report.error(node.span, format!("a mapping template has at most {TEMPLATE_BYTES_MAX} bytes"));
    }
    Some(text)
}

/// Whether templates are ever run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Run,
    /// `http_proxy` has templates for nothing.
    Never,
}

/// Refuses templates with Velocity in them that would run, each at its first reference or directive. False if there is
/// one.
pub(super) fn are_supported(templates: &[Template<'_>], runs: Use, report: &mut Report) -> bool {
    if runs == Use::Never {
        return true;
    }
    let mut literal = true;
    for template in templates {
        let Some(offset) = velocity(template.text) else { continue };
        let at = report.source.inside(template.span, template.text, offset);
        report
            .error(at, "Velocity mapping templates are not supported yet")
            .help("only templates without $ references and # directives are");
        literal = false;
    }
    literal
}

/// Where Velocity would begin to do something: at a reference (`$name`, `$!name`, `${name}`), a directive, a comment
/// or unparsed text (`#name`, `#{name}`, `##`, `#*`, `#[[`), or an escape of one. Anything else is output as it is.
fn velocity(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let next = |at: usize| bytes.get(at + 1).copied().unwrap_or(b' ');
    (0..bytes.len()).find(|&at| match bytes[at] {
        b'$' => next(at).is_ascii_alphabetic() || b"_!{$\\".contains(&next(at)),
        b'#' => next(at).is_ascii_alphabetic() || b"_{#*[@".contains(&next(at)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_velocity_would_change() {
        let rows = [
            ("{\"statusCode\": 200}", None),
            ("costs 5$ or $5, &#39;", None),
            ("", None),
            ("#", None),
            ("a $input.body", Some(2)),
            ("$!x", Some(0)),
            ("${x}", Some(0)),
            ("x #set($a = 1)", Some(2)),
            ("## comment", Some(0)),
            ("<b style='color:#fff'>", Some(16)),
        ];
        for (text, want) in rows {
            assert_eq!(velocity(text), want, "{text}");
        }
    }
}
