//! Maps: members in the order in which their keys came, found by what their names look like.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::name::{Fingerprint, Name};
use super::value::{Heap, OutOfMemory, Value};

/// A map in the order in which its keys came.
#[derive(Debug)]
pub(crate) struct Map<'a> {
    members: RefCell<BumpVec<'a, Member<'a>>>,
    /// Positions of the first members, in the order of their keys: only larger maps have it.
    order: Cell<Option<&'a Order<'a>>>,
    pub(crate) kind: MapKind,
}

type Order<'a> = RefCell<BumpVec<'a, u32>>;

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

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    fingerprint: Fingerprint,
    key: Value<'a>,
    value: Value<'a>,
}

impl<'a> Member<'a> {
    fn new(key: Value<'a>, value: Value<'a>) -> Self {
        let fingerprint = key.as_text().map_or(Fingerprint::NO_NAME, Fingerprint::of);
        Self { fingerprint, key, value }
    }

    /// One whose fingerprint is known.
    #[inline(always)]
    pub(crate) fn named(name: &'a str, fingerprint: Fingerprint, value: Value<'a>) -> Self {
        Self { fingerprint, key: Value::Text(name), value }
    }

    #[inline(always)]
    fn is_named(&self, name: &Name) -> bool {
        self.fingerprint == name.fingerprint()
            && (self.fingerprint.is_whole() || self.key.as_text() == Some(name))
    }

    fn has_key_of(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && (self.fingerprint.is_whole() || self.key.is_same(other.key))
    }
}

/// Maps up to this size are searched from front to back.
const SMALL: usize = 16;
/// Looks at parts of keys that are lists or maps, for one search.
const LOOKS_MAX: u32 = 256;
/// Members of a larger map that may be missing in its order.
const TAIL: usize = 64;

impl<'a> Heap<'a> {
    pub(crate) fn map(self) -> Result<&'a Map<'a>, OutOfMemory> {
        self.map_of(MapKind::Java)
    }

    pub(crate) fn map_of(self, kind: MapKind) -> Result<&'a Map<'a>, OutOfMemory> {
        self.reserve(size_of::<Map<'_>>())?;
        Ok(self.bump.alloc(Map::new(kind, BumpVec::new_in(self.bump))))
    }

    /// A map of JSON. Of several members with the same name the last value counts, where the first stands.
    pub(crate) fn json_map(self, read: &[Member<'a>]) -> Result<&'a Map<'a>, OutOfMemory> {
        self.reserve(size_of::<Map<'_>>() + 2 * size_of_val(read))?;
        let members = if has_same_names(read) { self.distinct(read) } else { self.copied(read) };
        Ok(self.bump.alloc(Map::new(MapKind::Json, members)))
    }

    fn copied(self, read: &[Member<'a>]) -> BumpVec<'a, Member<'a>> {
        let mut members = BumpVec::with_capacity_in(read.len(), self.bump);
        members.extend_from_slice_copy(read);
        members
    }

    fn distinct(self, read: &[Member<'a>]) -> BumpVec<'a, Member<'a>> {
        let mut sorted: Vec<usize> = (0..read.len()).collect();
        sorted.sort_by(|one, two| read[*one].key.order(read[*two].key));
        let mut last_of = vec![usize::MAX; read.len()];
        for same in sorted.chunk_by(|one, two| read[*one].key.is_same(read[*two].key)) {
            last_of[same[0]] = same[same.len() - 1];
        }
        let kept = last_of.iter().enumerate().filter(|(_, last)| **last != usize::MAX);
        let members = kept.map(|(first, last)| Member { value: read[*last].value, ..read[first] });
        BumpVec::from_iter_in(members, self.bump)
    }
}

/// Whether a name stands in there twice. In many members it is not looked for but taken for granted.
fn has_same_names(members: &[Member<'_>]) -> bool {
    let again =
        |position: usize| members[..position].iter().any(|before| before.has_key_of(&members[position]));
    members.len() > SMALL || (1..members.len()).any(again)
}

impl<'a> Map<'a> {
    fn new(kind: MapKind, members: BumpVec<'a, Member<'a>>) -> Self {
        Self { members: RefCell::new(members), order: Cell::new(None), kind }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.borrow().len()
    }

    pub(crate) fn at(&self, position: usize) -> Option<(Value<'a>, Value<'a>)> {
        self.members.borrow().get(position).map(|member| (member.key, member.value))
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
            return Ok(Some(std::mem::replace(&mut self.members.borrow_mut()[position].value, value)));
        }
        heap.reserve(2 * size_of::<Member<'_>>() * (1 + self.len()))?;
        self.members.borrow_mut().push(Member::new(key, value));
        Ok(None)
    }

    pub(crate) fn remove(&self, key: Value<'a>) -> Option<Value<'a>> {
        let position = self.find(key)?;
        self.forget_order();
        Some(self.members.borrow_mut().remove(position).value)
    }

    pub(crate) fn clear(&self) {
        self.forget_order();
        self.members.borrow_mut().clear();
    }

    /// The value of a name.
    #[inline(always)]
    pub(crate) fn get_named(&self, name: &Name) -> Option<Value<'a>> {
        self.look(name, |value| Some(*value))
    }

    /// The same, looked at where it is. `look` may not change the map.
    #[inline(always)]
    pub(crate) fn look<T>(&self, name: &Name, look: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        let members = self.members.borrow();
        if members.len() <= SMALL {
            for member in members.iter() {
                if member.is_named(name) {
                    return look(&member.value);
                }
            }
            return None;
        }
        drop(members);
        look(&self.get_named_of_many(name)?)
    }

    #[inline(never)]
    fn get_named_of_many(&self, name: &str) -> Option<Value<'a>> {
        let position = self.find_by(|known| match known {
            Value::Text(text) => text.cmp(name),
            other => other.rank().cmp(&Value::TEXT_RANK),
        })?;
        self.at(position).map(|(_, value)| value)
    }

    fn find(&self, key: Value<'a>) -> Option<usize> {
        let members = self.members.borrow();
        if members.len() <= SMALL {
            let looks = Cell::new(LOOKS_MAX);
            return members.iter().position(|member| is_same_key(member.key, key, &looks));
        }
        drop(members);
        self.find_by(|known| known.order(key))
    }

    fn forget_order(&self) {
        if let Some(order) = self.order.get() {
            order.borrow_mut().clear();
        }
    }

    fn order(&self, bump: &'a Bump) -> &'a Order<'a> {
        self.order.get().unwrap_or_else(|| {
            let order: &Order<'_> = bump.alloc(RefCell::new(BumpVec::new_in(bump)));
            self.order.set(Some(order));
            order
        })
    }

    fn find_by(&self, order_of: impl Fn(Value<'a>) -> Ordering) -> Option<usize> {
        let members = self.members.borrow();
        let search = |members: &[Member<'a>]| {
            members.iter().position(|member| order_of(member.key) == Ordering::Equal)
        };
        if members.len() <= SMALL {
            return search(&members);
        }
        let mut order = self.order(members.bump()).borrow_mut();
        let sorted = order.len();
        if members.len() - sorted > TAIL {
            let by_key = |one: &u32, two: &u32| members[*one as usize].key.order(members[*two as usize].key);
            order.extend(sorted as u32..members.len() as u32);
            order[sorted..].sort_by(by_key);
            // Two sorted runs: merged in linear time.
            order.sort_by(by_key);
        }
        match order.binary_search_by(|position| order_of(members[*position as usize].key)) {
            Ok(found) => Some(order[found] as usize),
            Err(_) => search(&members[order.len()..]).map(|position| position + order.len()),
        }
    }
}

/// Whether keys of small maps are equal: lists and maps by what they hold, as long as that can be seen with so many looks.
fn is_same_key<'a>(one: Value<'a>, two: Value<'a>, looks: &Cell<u32>) -> bool {
    let Some(left) = looks.get().checked_sub(1) else { return false };
    looks.set(left);
    match (one, two) {
        _ if one.is_same(two) => true,
        (Value::List(one), Value::List(two)) => {
            let (one, two) = (one.items.borrow(), two.items.borrow());
            let mut pairs = one.iter().zip(two.iter());
            one.len() == two.len() && pairs.all(|(one, two)| is_same_key(*one, *two, looks))
        }
        (Value::Map(one), Value::Map(two)) => {
            let (one, two) = (one.members.borrow(), two.members.borrow());
            let is_in = |member: &Member<'a>| {
                let other = two.iter().find(|other| is_same_key(other.key, member.key, looks));
                other.is_some_and(|other| is_same_key(other.value, member.value, looks))
            };
            one.len() == two.len() && one.iter().all(is_in)
        }
        _ => false,
    }
}
