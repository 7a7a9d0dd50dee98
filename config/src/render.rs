//! A finding with its source lines, as rustc shows them.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use tidegate_core::span::Span;

use crate::diagnostics::{Diagnostic, Place, Severity};

/// Of a line that goes on longer than this around the finding (minified JSON) only the neighbourhood is shown.
const LINE_BYTES_MAX: usize = 400;

pub(crate) fn render(finding: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut report = vec![match finding.place() {
        None => Group::with_title(level.primary_title(finding.message())),
        Some(place) => {
            level.primary_title(finding.message()).element(snippet(place, finding.related_place()))
        }
    }];
    let place = finding.place().filter(|place| is_cut(place)).map(|place| {
        let (line, column) = place.source.position(place.span.start());
        format!("in {}:{line}:{column}", place.source.name)
    });
    report.extend(place.as_deref().map(|text| Group::with_title(Level::NOTE.secondary_title(text))));
    report.extend(finding.help_text().map(|text| Group::with_title(Level::HELP.secondary_title(text))));
    renderer.render(&report)
}

/// Whether the beginning of the line is left out, so that the snippet cannot count the column.
fn is_cut(place: &Place) -> bool {
    let before = &place.source.text[..place.span.start()];
    before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) > LINE_BYTES_MAX
}

fn snippet<'a>(
    place: &'a Place,
    related: Option<(Span, &'a str)>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = &place.source.text;
    let first = related.map_or(place.span.start(), |(span, _)| span.start().min(place.span.start()));
    let last = related.map_or(place.span.start(), |(span, _)| span.start().max(place.span.start()));
    let window = window(text, first, last);
    let clip = |span: Span| {
        let line_end = text[span.start()..].find('\n').map_or(text.len(), |newline| span.start() + newline);
        let end = span.end().min(line_end).clamp(span.start(), window.end);
        span.start() - window.start..end - window.start
    };
    let source = Snippet::source(&text[window.clone()])
        .path((!is_cut(place)).then_some(place.source.name.as_str()))
        .line_start(place.source.position(window.start).0)
        .annotation(AnnotationKind::Primary.span(clip(place.span)));
    match related {
        None => source,
        Some((span, label)) => source.annotation(AnnotationKind::Context.span(clip(span)).label(label)),
    }
}

/// The whole lines from `first` to `last`, unless they are too long.
fn window(text: &str, first: usize, last: usize) -> Range<usize> {
    let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
    let start = if first - start > LINE_BYTES_MAX {
        text.floor_char_boundary(first - LINE_BYTES_MAX / 4)
    } else {
        start
    };
    let end =
        if end - last > LINE_BYTES_MAX { text.floor_char_boundary(last + LINE_BYTES_MAX / 2) } else { end };
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn finding(text: &str, span: Span) -> Diagnostic {
        let place = Place { source: Source::new("api.yaml", text), span };
        Diagnostic::new(Severity::Error, "no good".to_owned(), Some(place))
    }

    #[test]
    fn a_finding_shows_its_line_and_help() {
        let mut finding = finding("a: 1\nbad: 2\nc: 3\n", Span::new(5, 8));
        finding.help("did you mean `bed`?");
        let want =
            "error: no good\n --> api.yaml:2:1\n  |\n2 | bad: 2\n  | ^^^\n  |\nhelp: did you mean `bed`?";
        assert_eq!(render(&finding, false), want);
    }

    #[test]
    fn the_end_of_a_file_and_long_lines_can_be_shown() {
        assert!(render(&finding("a", Span::new(1, 1)), false).contains("api.yaml:1:2"));
        assert!(render(&finding("", Span::new(0, 0)), false).contains("api.yaml:1:1"));
        let long = format!("{}é{}", "x".repeat(5000), "y".repeat(5000));
        let rendered = render(&finding(&long, Span::new(5000, 5002)), false);
        assert!(rendered.len() < 2000 && rendered.ends_with("note: in api.yaml:1:5001"), "{rendered}");
    }
}
