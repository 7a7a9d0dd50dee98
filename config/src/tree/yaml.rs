//! YAML and JSON to the tree, from the events of granit-parser.
//!
//! JSON is read as YAML, of which it is a subset; only when it is broken does serde_json say where, because a YAML
//! parser would go on to guess.

mod map;
mod scalar;

use std::collections::HashMap;
use std::fmt::Display;

use granit_parser::{ErrorKind, Event, Parser, ScanError, StrInput};
use serde::de::IgnoredAny;
use tidegate_core::span::Span;

use super::{Node, Value};
use crate::report::Report;
use crate::source::Source;

/// Nesting of lists and maps; deeper documents are refused. The readers above recurse as deep.
const DEPTH_MAX: usize = 96;
/// Nodes of a document, 6 MB being the most it can have bytes; and those that anchors name, counted for each anchor.
const NODES_MAX: usize = 1_000_000;
/// Nodes that aliases may add.
const ALIASED_NODES_MAX: usize = 100_000;

/// Reads the report's source as an OpenAPI document, or reports why it is neither YAML nor JSON.
pub(crate) fn read(report: &mut Report) -> Option<Node> {
    read_as("OpenAPI input", report)
}

/// The same for another document, called `what` in messages.
pub(crate) fn read_as(what: &str, report: &mut Report) -> Option<Node> {
    let source = std::sync::Arc::clone(&report.source);
    if is_json(&source)
        && let Err(error) = serde_json::from_str::<IgnoredAny>(&source.text)
    {
        // serde_json counts the bytes of a line from 1, and 0 is its line break.
        let at = source.offset(error.line(), 1) + error.column().saturating_sub(1);
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        report.error(source.span(at, at + 1), format!("Invalid {what}: {message}"));
        return None;
    }
    match Reader::new(&source, report).document() {
        Ok(root) => Some(root),
        Err(Broken { at, why }) => {
            report.error(at, format!("Invalid {what}: {why}"));
            None
        }
    }
}

fn is_json(source: &Source) -> bool {
    source.name.ends_with(".json") || source.text.trim_start().starts_with('{')
}

/// Why a document cannot be read.
struct Broken {
    at: Span,
    why: String,
}

type Result<T> = std::result::Result<T, Broken>;

/// Makes the tree.
struct Reader<'s, 'r> {
    parser: Parser<'s, StrInput<'s>>,
    source: &'s Source,
    report: &'r mut Report,
    /// What aliases may name, by the parser's numbers, and how many nodes it has.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    anchored_nodes: usize,
    aliased_nodes: usize,
}

impl<'s, 'r> Reader<'s, 'r> {
    fn new(source: &'s Source, report: &'r mut Report) -> Self {
        let mut options = granit_parser::options! { block_nesting_limit: 2 * DEPTH_MAX };
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(&source.text, options),
            source,
            report,
            anchors: HashMap::new(),
            nodes: 0,
            anchored_nodes: 0,
            aliased_nodes: 0,
        }
    }

    /// The only document of the source; one without anything is null.
    fn document(mut self) -> Result<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    if root.is_some() {
                        return Err(broken(span, "more than one document in a file"));
                    }
                    root = Some(self.node(event, span, 1)?);
                }
                _ => return Err(broken(span, "a value outside of the document")),
            }
        }
        Ok(root.unwrap_or(Node { span: self.source.span(0, 1), value: Value::Null }))
    }

    fn next(&mut self) -> Result<(Event<'s>, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let bytes = span.byte_range().unwrap_or_default();
                Ok((event, self.source.span(bytes.start, bytes.end)))
            }
            Some(Err(error)) => Err(self.refused(&error)),
            None => Err(broken(self.source.span(0, 1), "it ends too soon")),
        }
    }

    /// The node that begins with an event.
    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Node> {
        let first = self.nodes;
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(broken(span, format_args!("too large; the limit is {NODES_MAX} values")));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar::value(text, style, tag.as_deref(), self.source.slice(span)), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(span, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(span, depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => return Err(broken(span, "a value is missing")),
        };
        let node = Node { span, value };
        if anchor != 0 {
            self.keep(anchor, &node, self.nodes - first)?;
        }
        Ok(node)
    }

    /// Keeps a node for aliases; one inside of another is kept twice.
    fn keep(&mut self, anchor: usize, node: &Node, nodes: usize) -> Result<()> {
        self.anchored_nodes += nodes;
        if self.anchored_nodes > NODES_MAX {
            let why = format_args!("anchors name too much; the limit is {NODES_MAX} values");
            return Err(broken(node.span, why));
        }
        self.anchors.insert(anchor, (node.clone(), nodes));
        Ok(())
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Value> {
        check_depth(span, depth)?;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    /// What an alias names, where it is written.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node> {
        let Some((node, nodes)) = self.anchors.get(&anchor) else {
            return Err(broken(span, "an alias inside of what it names"));
        };
        self.nodes += nodes;
        self.aliased_nodes += nodes;
        if self.aliased_nodes > ALIASED_NODES_MAX {
            let why = format_args!("aliases add too much; the limit is {ALIASED_NODES_MAX} values");
            return Err(broken(span, why));
        }
        Ok(node.clone())
    }

    fn refused(&self, error: &ScanError) -> Broken {
        let marker = error.marker();
        // Columns are counted from 0.
        let at = self.source.offset(marker.line(), marker.col() + 1);
        let why = match error.kind() {
            ErrorKind::UnknownAnchor => "alias references unknown anchor".to_owned(),
            _ => error.info(),
        };
        Broken { at: self.source.span(at, at + 1), why }
    }
}

fn check_depth(span: Span, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(broken(span, format_args!("nested {depth} deep; the limit is {DEPTH_MAX}")));
    }
    Ok(())
}

fn broken(at: Span, why: impl Display) -> Broken {
    Broken { at, why: why.to_string() }
}
