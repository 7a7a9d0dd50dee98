//! Path and query of an integration URI.

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
    /// Joins a path, which starts with a literal `/`, and a query without its `?`.
    pub fn new(path: Pattern, query: Pattern) -> Self {
        let behind = Place { text: offset(path.text.len()), placeholder: offset(path.placeholders.len()) };
        let moved = query.placeholders.into_iter().map(|it| Placeholder { at: it.at + behind.text, ..it });
        let placeholders = path.placeholders.into_iter().chain(moved).collect();
        Self { text: (path.text + &query.text).into(), query: behind, placeholders }
    }

    /// The path.
    pub fn path(&self) -> impl Iterator<Item = Piece<'_>> {
        let placeholders = &self.placeholders[..self.query.placeholder as usize];
        pieces(&self.text, 0, self.query.text, placeholders)
    }

    /// The query string; empty when there is none.
    pub fn query(&self) -> impl Iterator<Item = Piece<'_>> {
        let placeholders = &self.placeholders[self.query.placeholder as usize..];
        pieces(&self.text, self.query.text, offset(self.text.len()), placeholders)
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

/// `text[start..end]` with the placeholders in it.
fn pieces<'a>(
    text: &'a str,
    start: u32,
    end: u32,
    placeholders: &'a [Placeholder],
) -> impl Iterator<Item = Piece<'a>> {
    let literal =
        |from: u32, to: u32| Some(&text[from as usize..to as usize]).filter(|text| !text.is_empty());
    let starts = std::iter::once(start).chain(placeholders.iter().map(|placeholder| placeholder.at));
    let ends = placeholders.iter().map(|placeholder| placeholder.at).chain(std::iter::once(end));
    let fillings = placeholders.iter().map(Some).chain(std::iter::once(None));
    starts.zip(ends).zip(fillings).flat_map(move |((from, to), filling)| {
        literal(from, to).map(Piece::Literal).into_iter().chain(filling.map(Piece::Placeholder))
    })
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
