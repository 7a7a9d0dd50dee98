//! Finds what a path means in a document.

use super::{Path, Token};
use crate::limits;
use crate::velocity::map::Map;
use crate::velocity::name::Name;
use crate::velocity::value::{Heap, List, ListKind, OutOfMemory, Value};

/// Why a path has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It leads nowhere.
    NotFound,
    /// It cannot be applied to this document.
    Invalid(&'static str),
    /// A limit is reached.
    Memory,
    /// A limit is reached.
    Depth,
    /// A limit is reached.
    Steps,
}

impl From<OutOfMemory> for Missing {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

/// A search through one document.
pub(crate) struct Search<'s, 'a> {
    pub(crate) heap: Heap<'a>,
    pub(crate) document: Value<'a>,
    /// Steps that are left.
    pub(crate) steps: &'s mut u32,
    depth: usize,
}

/// One path being followed.
struct Trail<'p, 'a> {
    tokens: &'p [Token],
    /// A filter asks whether something is there: then what is missing is never passed over.
    strict: bool,
    results: Vec<Value<'a>>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(crate) fn new(heap: Heap<'a>, document: Value<'a>, steps: &'s mut u32) -> Self {
        Self { heap, document, steps, depth: 0 }
    }

    /// The value of a definite path, the list of all values of another.
    pub(crate) fn find(&mut self, path: &Path) -> Result<Value<'a>, Missing> {
        self.nested(path, self.document, false)
    }

    pub(super) fn nested(
        &mut self,
        path: &Path,
        item: Value<'a>,
        strict: bool,
    ) -> Result<Value<'a>, Missing> {
        let start = if path.relative { item } else { self.document };
        if let Some(found) = self.plain(path, start) {
            return found;
        }
        let mut trail = Trail { tokens: &path.tokens, strict, results: Vec::new() };
        self.follow(&mut trail, 0, start)?;
        if path.is_definite() {
            return trail.results.first().copied().ok_or(Missing::NotFound);
        }
        Ok(self.heap.list(ListKind::Json, &trail.results)?)
    }

    /// What a path of single names means. None: it has something else in it.
    fn plain(&mut self, path: &Path, start: Value<'a>) -> Option<Result<Value<'a>, Missing>> {
        let is_plain = |token: &Token| matches!(token, Token::Properties(names) if names.len() == 1);
        if !path.tokens.iter().all(is_plain) {
            return None;
        }
        let Some(steps) = self.steps.checked_sub(path.tokens.len() as u32 + 1) else {
            return Some(Err(Missing::Steps));
        };
        *self.steps = steps;
        let mut value = start;
        for token in &path.tokens {
            let (Token::Properties(names), Value::Map(map)) = (token, value) else {
                return Some(Err(Missing::NotFound));
            };
            match find(map, &names[0]) {
                Some(found) => value = found,
                None => return Some(Err(Missing::NotFound)),
            }
        }
        Some(Ok(value))
    }

    fn follow(&mut self, trail: &mut Trail<'_, 'a>, at: usize, value: Value<'a>) -> Result<(), Missing> {
        *self.steps = self.steps.checked_sub(1).ok_or(Missing::Steps)?;
        if self.depth > limits::VALUE_DEPTH_MAX {
            return Err(Missing::Depth);
        }
        self.depth += 1;
        let done = match trail.tokens.get(at) {
            None => {
                trail.results.push(value);
                Ok(())
            }
            Some(token) => self.apply(trail, at, token, value),
        };
        self.depth -= 1;
        done
    }

    fn apply(
        &mut self,
        trail: &mut Trail<'_, 'a>,
        at: usize,
        token: &Token,
        value: Value<'a>,
    ) -> Result<(), Missing> {
        match token {
            Token::Properties(names) => match value {
                Value::Map(map) => self.properties(trail, at, names, map),
                _ => Err(Missing::NotFound),
            },
            Token::Wildcard => self.wildcard(trail, at, value),
            Token::Scan => match trail.tokens.get(at + 1) {
                Some(target) => self.scan(trail, at + 1, target, value),
                None => Err(Missing::Invalid("a path ends in `..`")),
            },
            Token::Filter(filter) => match value {
                Value::Map(_) => {
                    if filter.accepts(self, value)? {
                        self.follow(trail, at + 1, value)?;
                    }
                    Ok(())
                }
                Value::List(list) => {
                    for position in 0..list.items.borrow().len() {
                        let item = list.items.borrow()[position];
                        if filter.accepts(self, item)? {
                            self.follow(trail, at + 1, item)?;
                        }
                    }
                    Ok(())
                }
                _ => Err(Missing::Invalid("a filter is applied to what is neither an object nor an array")),
            },
            Token::Index(_)
            | Token::Indexes(_)
            | Token::FromEnd(_)
            | Token::From(_)
            | Token::To(_)
            | Token::Between(..) => match value {
                Value::List(list) => self.positions(trail, at, token, list),
                Value::Null => Err(Missing::NotFound),
                _ => Err(Missing::Invalid("an index is applied to what is not an array")),
            },
        }
    }

    fn properties(
        &mut self,
        trail: &mut Trail<'_, 'a>,
        at: usize,
        names: &[Name],
        map: &'a Map<'a>,
    ) -> Result<(), Missing> {
        let is_leaf = at + 1 == trail.tokens.len();
        if let [name] = names {
            return match find(map, name) {
                Some(value) => self.follow(trail, at + 1, value),
                // What is missing on the way is passed over when the path may mean several values.
                None if !is_leaf && !trail.strict && !is_definite_from(trail.tokens, at) => Ok(()),
                None => Err(Missing::NotFound),
            };
        }
        if !is_leaf {
            return Err(Missing::Invalid("several properties stand before the end of a path"));
        }
        let merged = self.heap.map()?;
        for name in names {
            match find(map, name) {
                Some(value) => {
                    let name = self.heap.text(name)?;
                    merged.put(self.heap, name, value)?;
                }
                None if trail.strict => return Err(Missing::NotFound),
                None => {}
            }
        }
        trail.results.push(Value::Map(merged));
        Ok(())
    }

    fn wildcard(&mut self, trail: &mut Trail<'_, 'a>, at: usize, value: Value<'a>) -> Result<(), Missing> {
        match value {
            Value::Map(map) => {
                for position in 0..map.len() {
                    if let Some((_, value)) = map.at(position) {
                        self.follow(trail, at + 1, value)?;
                    }
                }
            }
            Value::List(list) => {
                for position in 0..list.items.borrow().len() {
                    let item = list.items.borrow()[position];
                    match self.follow(trail, at + 1, item) {
                        Err(Missing::NotFound) if !trail.strict => {}
                        other => other?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Applies the token behind `..` to everything below that it fits.
    fn scan(
        &mut self,
        trail: &mut Trail<'_, 'a>,
        at: usize,
        target: &Token,
        value: Value<'a>,
    ) -> Result<(), Missing> {
        *self.steps = self.steps.checked_sub(1).ok_or(Missing::Steps)?;
        if self.depth > limits::VALUE_DEPTH_MAX {
            return Err(Missing::Depth);
        }
        self.depth += 1;
        match value {
            Value::Map(map) => {
                if self.fits(target, value)? {
                    self.apply(trail, at, target, value)?;
                }
                for position in 0..map.len() {
                    if let Some((_, value)) = map.at(position) {
                        self.scan(trail, at, target, value)?;
                    }
                }
            }
            Value::List(list) => {
                let fits = self.fits(target, value)?;
                if fits && at + 1 == trail.tokens.len() {
                    self.apply(trail, at, target, value)?;
                } else if fits {
                    for item in items(list) {
                        self.follow(trail, at + 1, item)?;
                    }
                }
                for item in items(list) {
                    self.scan(trail, at, target, item)?;
                }
            }
            _ => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn fits(&mut self, target: &Token, value: Value<'a>) -> Result<bool, Missing> {
        Ok(match (target, value) {
            (Token::Properties(names), Value::Map(map)) => names.iter().all(|name| find(map, name).is_some()),
            (Token::Properties(_) | Token::Scan, _) => false,
            (Token::Wildcard, _) => true,
            (Token::Filter(filter), _) => filter.accepts(self, value)?,
            (_, value) => matches!(value, Value::List(_)),
        })
    }

    fn positions(
        &mut self,
        trail: &mut Trail<'_, 'a>,
        at: usize,
        token: &Token,
        list: &'a List<'a>,
    ) -> Result<(), Missing> {
        let length = list.items.borrow().len() as i64;
        let (from, to) = match *token {
            Token::Indexes(ref positions) => {
                for position in positions {
                    self.position(trail, at, list, i64::from(*position))?;
                }
                return Ok(());
            }
            Token::Index(position) => (i64::from(position), i64::from(position) + 1),
            Token::FromEnd(back) => (length + i64::from(back), length + i64::from(back) + 1),
            Token::From(from) if from < 0 => ((length + i64::from(from)).max(0), length),
            Token::From(from) => (i64::from(from), length),
            Token::To(to) if to < 0 => (0, (length + i64::from(to)).min(length)),
            Token::To(to) => (0, i64::from(to).min(length)),
            Token::Between(from, to) => (i64::from(from), i64::from(to).min(length)),
            _ => return Ok(()),
        };
        if length == 0 && !token.is_definite() {
            return Ok(());
        }
        for position in from..to {
            self.position(trail, at, list, position)?;
        }
        Ok(())
    }

    fn position(
        &mut self,
        trail: &mut Trail<'_, 'a>,
        at: usize,
        list: &'a List<'a>,
        position: i64,
    ) -> Result<(), Missing> {
        let item =
            usize::try_from(position).ok().and_then(|position| list.items.borrow().get(position).copied());
        self.follow(trail, at + 1, item.ok_or(Missing::NotFound)?)
    }
}

/// The items of a list as it is now.
fn items<'a>(list: &'a List<'a>) -> impl Iterator<Item = Value<'a>> {
    (0..list.items.borrow().len()).filter_map(move |position| list.items.borrow().get(position).copied())
}

fn find<'a>(map: &'a Map<'a>, name: &Name) -> Option<Value<'a>> {
    map.get_named(name)
}

/// Whether a token, the one before it and all behind it mean one value.
fn is_definite_from(tokens: &[Token], at: usize) -> bool {
    tokens[at.saturating_sub(1)..].iter().all(Token::is_definite)
}
