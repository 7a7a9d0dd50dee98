//! Path and query of an integration URI.

use std::slice;

use crate::mapping::Source;

/// Path and query of an integration URI, with `{name}` placeholders resolved to the mapping that fills them.
///
/// One text with the places of its placeholders: a request reads this of its own route, and among thousands of routes each
/// further piece of memory is a cache miss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The path without its placeholders, and behind it the query likewise.
    text: Box<str>,
    /// Where the query begins in `text`, and in `placeholders`.
    query: Place,
    placeholders: Box<[Placeholder]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    text: u32,
    placeholder: u32,
}

/// `integration.request.path.N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// Its name.
    pub name: Box<str>,
    /// Where its value comes from; an absent value is the empty string.
    pub source: Source,
    /// Its place in the text around it.
    at: u32,
}

/// A part of a path or a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands as it is.
    Literal(&'a str),
    /// Stands for its value.
    Placeholder(&'a Placeholder),
}

/// The parts of a path or a query.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    text: &'a str,
    /// What is left of the text.
    start: u32,
    end: u32,
    placeholders: slice::Iter<'a, Placeholder>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let end = self.placeholders.as_slice().first().map_or(self.end, |placeholder| placeholder.at);
        if self.start < end {
            let literal = &self.text[self.start as usize..end as usize];
            self.start = end;
            return Some(Piece::Literal(literal));
        }
        self.placeholders.next().map(Piece::Placeholder)
    }
}

/// A path or a query, while it is read from a URI.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    text: String,
    placeholders: Vec<Placeholder>,
}

impl Pattern {
    /// Appends a text that stands as it is.
    pub fn push_literal(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a placeholder.
    pub fn push_placeholder(&mut self, name: &str, source: Source) {
        let at = offset(self.text.len());
        self.placeholders.push(Placeholder { name: name.into(), source, at });
    }
}

impl Target {
    /// The first byte of its text, if there is any.
    pub fn first_byte(&self) -> Option<u8> {
        self.text.as_bytes().first().copied()
    }

    /// Joins a path, which starts with a literal `/`, and a query without its `?`.
    pub fn new(path: Pattern, query: Pattern) -> Self {
        let behind = Place { text: offset(path.text.len()), placeholder: offset(path.placeholders.len()) };
        let moved = query.placeholders.into_iter().map(|it| Placeholder { at: it.at + behind.text, ..it });
        let placeholders = path.placeholders.into_iter().chain(moved).collect();
        Self { text: (path.text + &query.text).into(), query: behind, placeholders }
    }

    /// The path.
    pub fn path(&self) -> Pieces<'_> {
        let (text, placeholder) = (self.query.text, self.query.placeholder as usize);
        Pieces {
            text: &self.text,
            start: 0,
            end: text,
            placeholders: self.placeholders[..placeholder].iter(),
        }
    }

    /// The query string; empty when there is none.
    pub fn query(&self) -> Pieces<'_> {
        let placeholders = self.placeholders[self.query.placeholder as usize..].iter();
        Pieces { text: &self.text, start: self.query.text, end: offset(self.text.len()), placeholders }
    }

    /// Whether a placeholder stands for something of the client's body.
    pub fn reads_body(&self) -> bool {
        self.placeholders.iter().any(|placeholder| placeholder.source.reads_body())
    }
}

/// URIs are far shorter than 4 GiB.
fn offset(bytes: usize) -> u32 {
    bytes as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern with placeholders for each `{`.
    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for (index, part) in text.split('{').enumerate() {
            if index > 0 {
                pattern.push_placeholder("p", Source::Path(index));
            }
            pattern.push_literal(part);
        }
        pattern
    }

    fn text<'a>(pieces: impl Iterator<Item = Piece<'a>>) -> String {
        let text = |piece| match piece {
            Piece::Literal(text) => {
                assert!(!text.is_empty());
                text
            }
            Piece::Placeholder(_) => "{",
        };
        pieces.map(text).collect()
    }

    #[test]
    fn path_and_query_come_apart_again() {
        for (path, query) in [
            ("/", ""),
            ("/a", "b"),
            ("/{", ""),
            ("/{", "{"),
            ("/{{/x{", "a={&b={{c"),
            ("/a/{", "q"),
            ("/a", "{"),
        ] {
            let target = Target::new(pattern(path), pattern(query));
            assert_eq!((text(target.path()), text(target.query())), (path.to_owned(), query.to_owned()));
        }
    }

    #[test]
    fn placeholders_keep_their_order() {
        let mut path = pattern("/");
        path.push_placeholder("a", Source::Path(0));
        let mut query = pattern("x=");
        query.push_placeholder("b", Source::Body(None));
        let target = Target::new(path, query);
        let names: Vec<_> = target.path().chain(target.query()).collect();
        assert!(matches!(names[1], Piece::Placeholder(found) if &*found.name == "a"));
        assert!(matches!(names[3], Piece::Placeholder(found) if &*found.name == "b"));
        assert!(target.reads_body());
        assert!(!Target::new(pattern("/{"), Pattern::default()).reads_body());
    }
}
