//! Values of a template, all in one arena: they live as long as one rendering, may refer to each other in any way, and
//! are thrown away together.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::host::Host;
use super::java::number::Number;
use super::loops::Scope;
use super::map::Map;
use super::program::Definition;
use crate::limits;

/// A value.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
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

    /// Some total order in which equal means [`Value::is_same`].
    pub(super) fn order(self, other: Self) -> Ordering {
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

    /// The rank of a text.
    pub(super) const TEXT_RANK: u8 = 7;

    /// Values of different kinds are ordered by it.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Int(_) => 2,
            Self::Long(_) => 3,
            Self::Big(_) => 4,
            Self::Double(_) => 5,
            Self::Digits(_) => 6,
            Self::Text(_) => Self::TEXT_RANK,
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
