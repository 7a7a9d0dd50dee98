//! Values of a template, all in one arena: they live as long as one rendering, may refer to each other in any way, and
//! are thrown away together.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::host::Host;
use super::java::number::Number;
use super::loops::Scope;
use super::program::Definition;
use crate::limits;

/// A value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    /// An integer beyond 64 bits.
    Big(&'a i128),
    Double(f64),
    /// A number that is only printed: an integer beyond 128 bits, a decimal of more digits than a double has.
    Digits(&'a str),
    Text(&'a str),
    /// One character of a text.
    Character(&'a str),
    List(&'a List<'a>),
    Map(&'a Map<'a>),
    /// A key and its value, of `entrySet()`.
    Entry(&'a Entry<'a>),
    /// What `#define` made.
    Block(&'a Definition),
    /// `$foreach` of a loop.
    Scope(&'a Scope<'a>),
    /// `$input`, `$util` and the like.
    Host(Host),
}

#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) map: &'a Map<'a>,
    pub(crate) key: Value<'a>,
    pub(crate) value: Cell<Value<'a>>,
}

/// How a list behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Java's `ArrayList`.
    Java,
    /// A JSON array: printed as JSON.
    Json,
    /// Keys, values or entries of a map: no positions.
    View,
    /// What `split` makes.
    Array,
}

#[derive(Debug)]
pub(crate) struct List<'a> {
    pub(crate) kind: ListKind,
    pub(crate) items: RefCell<BumpVec<'a, Value<'a>>>,
}

/// A map in the order in which its keys came.
#[derive(Debug)]
pub(crate) struct Map<'a> {
    entries: RefCell<BumpVec<'a, (Value<'a>, Value<'a>)>>,
    /// Positions of the first entries, in the order of their keys: only larger maps have it.
    order: RefCell<BumpVec<'a, u32>>,
    pub(crate) kind: MapKind,
}

/// How a map behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKind {
    /// Java's `LinkedHashMap`.
    Java,
    /// The same, read from JSON.
    Json,
    /// Prints as nothing: parts of `$context`.
    Silent,
}

/// Why a value cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// Where values are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap<'a> {
    pub(crate) bump: &'a Bump,
}

impl<'a> Heap<'a> {
    /// Makes sure that so many more bytes are within the limit.
    pub(crate) fn reserve(self, bytes: usize) -> Result<(), OutOfMemory> {
        let within = self.bump.allocated_bytes().saturating_add(bytes) <= limits::RENDER_MEMORY_BYTES_MAX;
        if within { Ok(()) } else { Err(OutOfMemory) }
    }

    pub(crate) fn text(self, text: &str) -> Result<Value<'a>, OutOfMemory> {
        Ok(Value::Text(self.keep(text)?))
    }

    pub(crate) fn keep(self, text: &str) -> Result<&'a str, OutOfMemory> {
        self.reserve(text.len())?;
        Ok(self.bump.alloc_str(text))
    }

    pub(crate) fn list(self, kind: ListKind, items: &[Value<'a>]) -> Result<Value<'a>, OutOfMemory> {
        Ok(Value::List(self.new_list(kind, items)?))
    }

    pub(crate) fn new_list(self, kind: ListKind, items: &[Value<'a>]) -> Result<&'a List<'a>, OutOfMemory> {
        self.reserve(size_of::<List<'_>>() + size_of_val(items))?;
        let mut copy = BumpVec::with_capacity_in(items.len(), self.bump);
        copy.extend_from_slice_copy(items);
        Ok(self.bump.alloc(List { kind, items: RefCell::new(copy) }))
    }

    pub(crate) fn map(self) -> Result<&'a Map<'a>, OutOfMemory> {
        self.map_of(MapKind::Java)
    }

    pub(crate) fn map_of(self, kind: MapKind) -> Result<&'a Map<'a>, OutOfMemory> {
        self.reserve(size_of::<Map<'_>>())?;
        let entries = RefCell::new(BumpVec::new_in(self.bump));
        let order = RefCell::new(BumpVec::new_in(self.bump));
        Ok(self.bump.alloc(Map { entries, order, kind }))
    }

    /// A map of JSON. Of several entries with the same key the last value counts, where the first stands.
    pub(crate) fn json_map(self, read: &[(Value<'a>, Value<'a>)]) -> Result<Value<'a>, OutOfMemory> {
        self.reserve(size_of::<Map<'_>>() + 2 * size_of_val(read))?;
        let order = RefCell::new(BumpVec::new_in(self.bump));
        let entries = if has_same_keys(read) {
            self.distinct(read)
        } else {
            let mut entries = BumpVec::with_capacity_in(read.len(), self.bump);
            entries.extend_from_slice_copy(read);
            entries
        };
        let entries = RefCell::new(entries);
        Ok(Value::Map(self.bump.alloc(Map { entries, order, kind: MapKind::Json })))
    }

    fn distinct(self, pairs: &[(Value<'a>, Value<'a>)]) -> BumpVec<'a, (Value<'a>, Value<'a>)> {
        let mut sorted: Vec<usize> = (0..pairs.len()).collect();
        sorted.sort_by(|one, two| pairs[*one].0.order(pairs[*two].0));
        let mut last_of = vec![usize::MAX; pairs.len()];
        for same in sorted.chunk_by(|one, two| pairs[*one].0.is_same(pairs[*two].0)) {
            last_of[same[0]] = same[same.len() - 1];
        }
        let kept = last_of.iter().enumerate().filter(|(_, last)| **last != usize::MAX);
        BumpVec::from_iter_in(kept.map(|(first, last)| (pairs[first].0, pairs[*last].1)), self.bump)
    }

    pub(crate) fn big(self, number: i128) -> Result<Value<'a>, OutOfMemory> {
        self.reserve(size_of::<i128>())?;
        Ok(Value::Big(self.bump.alloc(number)))
    }

    pub(crate) fn entry(
        self,
        map: &'a Map<'a>,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Value<'a>, OutOfMemory> {
        self.reserve(size_of::<Entry<'_>>())?;
        Ok(Value::Entry(self.bump.alloc(Entry { map, key, value: Cell::new(value) })))
    }

    pub(crate) fn number(self, number: Number) -> Result<Value<'a>, OutOfMemory> {
        Ok(match number {
            Number::Int(number) => Value::Int(number),
            Number::Long(number) => Value::Long(number),
            Number::Big(number) => self.big(number)?,
            Number::Double(number) => Value::Double(number),
        })
    }
}

impl<'a> Value<'a> {
    /// As a number that can be computed with.
    pub(crate) fn number(self) -> Option<Number> {
        Some(match self {
            Self::Int(number) => Number::Int(number),
            Self::Long(number) => Number::Long(number),
            Self::Big(number) => Number::Big(*number),
            Self::Double(number) => Number::Double(number),
            _ => return None,
        })
    }

    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// `equals` of items and scalars. Lists and maps are equal here only if they are the same one.
    pub(crate) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one == two,
            _ => self.order(other) == Ordering::Equal,
        }
    }

    /// The same for keys of small maps: lists and maps are equal by what they hold, too, as long as that can be seen with so
    /// many looks.
    fn is_same_key(self, other: Self, looks: &Cell<u32>) -> bool {
        let Some(left) = looks.get().checked_sub(1) else { return false };
        looks.set(left);
        match (self, other) {
            _ if self.is_same(other) => true,
            (Self::List(one), Self::List(two)) => {
                let (one, two) = (one.items.borrow(), two.items.borrow());
                let mut pairs = one.iter().zip(two.iter());
                one.len() == two.len() && pairs.all(|(one, two)| one.is_same_key(*two, looks))
            }
            (Self::Map(one), Self::Map(two)) => {
                let (one, two) = (one.entries.borrow(), two.entries.borrow());
                let is_in = |(key, value): &(Value<'a>, Value<'a>)| {
                    let other = two.iter().find(|(other, _)| other.is_same_key(*key, looks));
                    other.is_some_and(|(_, other)| other.is_same_key(*value, looks))
                };
                one.len() == two.len() && one.iter().all(is_in)
            }
            _ => false,
        }
    }

    /// Some total order in which equal means [`Value::is_same`].
    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(two))
            | (Self::Character(one), Self::Character(two))
            | (Self::Digits(one), Self::Digits(two)) => one.cmp(two),
            (Self::Int(one), Self::Int(two)) => one.cmp(&two),
            (Self::Long(one), Self::Long(two)) => one.cmp(&two),
            (Self::Big(one), Self::Big(two)) => one.cmp(two),
            (Self::Double(one), Self::Double(two)) => one.total_cmp(&two),
            (Self::Boolean(one), Self::Boolean(two)) => one.cmp(&two),
            (Self::List(one), Self::List(two)) => std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two)),
            (Self::Map(one), Self::Map(two)) => std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two)),
            (Self::Entry(one), Self::Entry(two)) => std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two)),
            (Self::Block(one), Self::Block(two)) => std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two)),
            (Self::Scope(one), Self::Scope(two)) => std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two)),
            (Self::Host(one), Self::Host(two)) => one.cmp(&two),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Int(_) => 2,
            Self::Long(_) => 3,
            Self::Big(_) => 4,
            Self::Double(_) => 5,
            Self::Digits(_) => 6,
            Self::Text(_) => TEXT_RANK,
            Self::Character(_) => 8,
            Self::List(_) => 9,
            Self::Map(_) => 10,
            Self::Entry(_) => 11,
            Self::Block(_) => 12,
            Self::Scope(_) => 13,
            Self::Host(_) => 14,
        }
    }
}

/// Maps up to this size are searched from front to back.
const SMALL: usize = 16;
/// Looks at parts of keys that are lists or maps, for one search.
const LOOKS_MAX: u32 = 256;
/// Entries of a larger map that may be missing in its order.
const TAIL: usize = 64;
/// The rank of a text.
const TEXT_RANK: u8 = 7;

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub(crate) fn at(&self, position: usize) -> Option<(Value<'a>, Value<'a>)> {
        self.entries.borrow().get(position).copied()
    }

    pub(crate) fn get(&self, key: Value<'a>) -> Option<Value<'a>> {
        let position = self.find(key)?;
        self.at(position).map(|(_, value)| value)
    }

    /// Puts a value; gives back the one before.
    pub(crate) fn put(
        &self,
        heap: Heap<'a>,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, OutOfMemory> {
        if let Some(position) = self.find(key) {
            return Ok(Some(std::mem::replace(&mut self.entries.borrow_mut()[position].1, value)));
        }
        heap.reserve(2 * size_of::<(Value<'_>, Value<'_>)>() * (1 + self.len()))?;
        self.entries.borrow_mut().push((key, value));
        Ok(None)
    }

    pub(crate) fn remove(&self, key: Value<'a>) -> Option<Value<'a>> {
        let position = self.find(key)?;
        self.order.borrow_mut().clear();
        Some(self.entries.borrow_mut().remove(position).1)
    }

    pub(crate) fn clear(&self) {
        self.order.borrow_mut().clear();
        self.entries.borrow_mut().clear();
    }

    /// The value of a text key.
    #[inline(always)]
    pub(crate) fn get_named(&self, name: &str) -> Option<Value<'a>> {
        let entries = self.entries.borrow();
        if entries.len() <= SMALL {
            let found =
                entries.iter().find(|(known, _)| matches!(known, Value::Text(known) if *known == name));
            return found.map(|(_, value)| *value);
        }
        drop(entries);
        self.get_named_of_many(name)
    }

    fn get_named_of_many(&self, name: &str) -> Option<Value<'a>> {
        let position = self.find_by(|known| match known {
            Value::Text(text) => text.cmp(name),
            other => other.rank().cmp(&TEXT_RANK),
        })?;
        self.at(position).map(|(_, value)| value)
    }

    fn find(&self, key: Value<'a>) -> Option<usize> {
        let entries = self.entries.borrow();
        if entries.len() <= SMALL {
            let looks = Cell::new(LOOKS_MAX);
            return entries.iter().position(|(known, _)| known.is_same_key(key, &looks));
        }
        drop(entries);
        self.find_by(|known| known.order(key))
    }

    fn find_by(&self, order_of: impl Fn(Value<'a>) -> Ordering) -> Option<usize> {
        let entries = self.entries.borrow();
        let search = |entries: &[(Value<'a>, Value<'a>)]| {
            entries.iter().position(|(known, _)| order_of(*known) == Ordering::Equal)
        };
        if entries.len() <= SMALL {
            return search(&entries);
        }
        let mut order = self.order.borrow_mut();
        let sorted = order.len();
        if entries.len() - sorted > TAIL {
            let by_key = |one: &u32, two: &u32| entries[*one as usize].0.order(entries[*two as usize].0);
            order.extend(sorted as u32..entries.len() as u32);
            order[sorted..].sort_by(by_key);
            // Two sorted runs: merged in linear time.
            order.sort_by(by_key);
        }
        match order.binary_search_by(|position| order_of(entries[*position as usize].0)) {
            Ok(found) => Some(order[found] as usize),
            Err(_) => search(&entries[order.len()..]).map(|position| position + order.len()),
        }
    }
}

/// Whether a key stands in there twice. In many entries it is not looked for but taken for granted.
fn has_same_keys<'a>(entries: &[(Value<'a>, Value<'a>)]) -> bool {
    let again =
        |position: usize| entries[..position].iter().any(|(before, _)| before.is_same(entries[position].0));
    entries.len() > SMALL || (0..entries.len()).any(again)
}
