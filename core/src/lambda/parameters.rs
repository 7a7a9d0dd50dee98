//! Query parameters, path parameters and stage variables of an event.

use std::borrow::Cow;

use super::json::write_string;
use crate::values::{Values, decoded};

/// What a map without members is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    /// `null`, in the events of integrations.
    Null,
    /// `{}`, in those of authorizers, as AWS's documentation has them.
    Object,
}

impl Nothing {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Null => b"null",
            Self::Object => b"{}",
        }
    }
}

/// A query parameter, decoded (recorded fact 119).
type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Appends `queryStringParameters` with the last value of each and `multiValueQueryStringParameters` with all (fact 120),
/// in the order of their names: a query may have thousands, so they are sorted and not searched.
pub(super) fn write_query(values: &Values<'_>, nothing: Nothing, out: &mut Vec<u8>) {
    let mut pairs: Vec<Pair<'_>> =
        values.query_pairs().map(|(name, value)| (decoded_text(name), decoded_text(value))).collect();
    if pairs.is_empty() {
        for name in ["queryStringParameters", "multiValueQueryStringParameters"] {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(nothing.text());
        }
        return;
    }
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    out.extend_from_slice(br#","queryStringParameters":"#);
    write_groups(&pairs, out, |group, out| {
        if let Some((_, value)) = group.last() {
            write_string(value, out);
        }
    });
    out.extend_from_slice(br#","multiValueQueryStringParameters":"#);
    write_groups(&pairs, out, |group, out| {
        out.push(b'[');
        for (_, value) in group {
            write_string(value, out);
            out.push(b',');
        }
        close(b']', out);
    });
}

/// An object with a member for each name.
fn write_groups(pairs: &[Pair<'_>], out: &mut Vec<u8>, write: impl Fn(&[Pair<'_>], &mut Vec<u8>)) {
    out.push(b'{');
    for group in pairs.chunk_by(|one, other| one.0 == other.0) {
        write_string(&group[0].0, out);
        out.push(b':');
        write(group, out);
        out.push(b',');
    }
    close(b'}', out);
}

/// Appends the path parameters as the client sent them (fact 118).
pub(super) fn write_path(values: &Values<'_>, nothing: Nothing, out: &mut Vec<u8>) {
    let names = values.view.resource().map_or([].as_slice(), |resource| &resource.parameters);
    let spans = values.path.spans.iter().map(|span| span.of(values.path.path));
    write_map(names.iter().map(String::as_bytes).zip(spans), nothing, out);
}

/// Appends the stage variables.
pub(super) fn write_stage(values: &Values<'_>, nothing: Nothing, out: &mut Vec<u8>) {
    let variables = values.view.stage.map_or([].as_slice(), |(_, stage)| &stage.variables);
    write_map(variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), nothing, out);
}

fn write_map<'a>(members: impl Iterator<Item = (&'a [u8], &'a [u8])>, nothing: Nothing, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(b'{');
    for (name, value) in members {
        write_string(name, out);
        out.push(b':');
        write_string(value, out);
        out.push(b',');
    }
    if out.len() == start + 1 {
        out.truncate(start);
        out.extend_from_slice(nothing.text());
    } else {
        close(b'}', out);
    }
}

/// Ends a list or an object that has something in it: the last comma becomes its end.
fn close(end: u8, out: &mut [u8]) {
    debug_assert_eq!(out.last(), Some(&b','));
    if let Some(last) = out.last_mut() {
        *last = end;
    }
}

fn decoded_text(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', text).is_some() {
        Cow::Owned(decoded(text).collect())
    } else {
        Cow::Borrowed(text)
    }
}
