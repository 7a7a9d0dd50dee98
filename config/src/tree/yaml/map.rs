//! Maps: their keys, keys that are written twice, and `<<`, which merges other maps into one.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, ScalarStyle};
use tidegate_core::span::Span;

use super::{Node, Reader, Result, Value, broken, check_depth};
use crate::tree::Entry;

/// Entries of a map in which duplicate keys are found without a table.
const COMPARED_MAX: usize = 8;

/// A key as it is read.
enum Key {
    Named(Box<str>),
    /// `<<`: what follows is merged.
    Merge,
}

impl<'s> Reader<'s, '_> {
    pub(super) fn map(&mut self, span: Span, depth: usize) -> Result<Value> {
        check_depth(span, depth)?;
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        loop {
            let (event, key_span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.key(event, key_span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match key {
                Key::Named(key) => entries.push(Entry { key, key_span, value }),
                Key::Merge => merged.push(value),
            }
        }
        self.drop_duplicates(&mut entries);
        for map in merged {
            merge(map, &mut entries)?;
        }
        Ok(Value::Map(entries))
    }

    /// Any scalar, as text.
    fn key(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Key> {
        if let Event::Scalar(text, style, 0, None) = event {
            self.nodes += 1;
            let is_merge = text == "<<" && style == ScalarStyle::Plain;
            return Ok(if is_merge { Key::Merge } else { Key::Named(text.into()) });
        }
        match self.node(event, span, depth)?.value {
            Value::Text(text) | Value::Number(text, _) => Ok(Key::Named(text)),
            Value::Boolean(boolean) => Ok(Key::Named(boolean.to_string().into())),
            _ => Err(broken(span, "a key must be a text")),
        }
    }

    /// Reports keys that are written again, and keeps the first of each.
    fn drop_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let duplicates = duplicates(entries);
        for &(first, again) in &duplicates {
            let (first, again) = (&entries[first], &entries[again]);
            let message = format!("duplicate key `{}`", again.key);
            self.report.error(again.key_span, message).related(first.key_span, "first here");
        }
        let mut duplicates = duplicates.into_iter().map(|(_, again)| again).peekable();
        let mut position = 0..;
        entries.retain(|_| duplicates.next_if_eq(&position.next().unwrap_or_default()).is_none());
    }
}

/// Where keys are written again, in order, each with where it was first.
fn duplicates(entries: &[Entry]) -> Vec<(usize, usize)> {
    let key = |position: usize| &*entries[position].key;
    // Most maps are so small that to compare is faster than to hash.
    if entries.len() <= COMPARED_MAX {
        let first = |again: usize| (0..again).find(|&first| key(first) == key(again));
        return (1..entries.len()).filter_map(|again| Some((first(again)?, again))).collect();
    }
    let mut firsts = HashMap::with_capacity(entries.len());
    (0..entries.len())
        .filter_map(|again| {
            let first = *firsts.entry(key(again)).or_insert(again);
            (first != again).then_some((first, again))
        })
        .collect()
}

/// Adds what a map, or each map of a list, has more (https://yaml.org/type/merge.html).
fn merge(node: Node, entries: &mut Vec<Entry>) -> Result<()> {
    let span = node.span;
    match node.value {
        Value::Map(mut more) => {
            let known: HashSet<&str> = entries.iter().map(|entry| &*entry.key).collect();
            more.retain(|entry| !known.contains(&*entry.key));
            entries.extend(more);
            Ok(())
        }
        Value::List(maps) if maps.iter().all(|map| matches!(map.value, Value::Map(_))) => {
            maps.into_iter().try_for_each(|map| merge(map, entries))
        }
        _ => Err(broken(span, "only maps can be merged")),
    }
}
