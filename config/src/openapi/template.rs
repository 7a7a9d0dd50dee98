//! Mapping templates: compiled where they are read.

use tidegate_core::integration;
use tidegate_core::limits::TEMPLATE_BYTES_MAX;
use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::report::Report;
use crate::tree::{Entry, Node, Value};

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

/// Compiles templates that run, each with its media type. `None` if one is refused, at the place that is wrong in it.
pub(super) fn compile(
    templates: &[Template<'_>],
    runs: Use,
    report: &mut Report,
) -> Option<Vec<(Box<str>, integration::Template)>> {
    if runs == Use::Never {
        return Some(Vec::new());
    }
    let mut compiled = Some(Vec::with_capacity(templates.len()));
    for template in templates.iter().filter(|template| template.text.len() <= TEMPLATE_BYTES_MAX) {
        match integration::Template::new(template.text) {
            Ok(program) => {
                if let Some(compiled) = &mut compiled {
                    compiled.push((template.media_type.into(), program));
                }
            }
            Err(error) => {
                let at = report.source.inside(template.span, template.text, error.at);
                report.error(at, format!("not a mapping template: {error}"));
                compiled = None;
            }
        }
    }
    compiled
}
