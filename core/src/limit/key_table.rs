//! API keys by their values: a hash table of cache lines.
//!
//! A look-up among millions waits for memory and for little else, so all that it needs stands in one line; hashbrown finds
//! that line by a byte of the hash for each. A value longer than AWS makes them needs a second one.

use std::ops::RangeInclusive;

use ahash::RandomState;
use hashbrown::HashTable;

use super::spec::ApiKeySpec;
use super::{KeyId, MeterId, PlanId};
use crate::span::Span;

/// Length of a key's value in bytes. AWS: at least 20, at most 128 characters.
pub const KEY_BYTES: RangeInclusive<usize> = 20..=128;
/// What a line has of a value. AWS makes values of 40 characters.
const VALUE_IN_LINE: usize = 40;

/// All keys. Each takes 75 to 150 bytes, its name, and what of its value is not in its line.
///
/// Values are found by a keyed hash, so that a client can neither make look-ups slow by choosing values, nor learn from
/// their duration how much of a value was right.
#[derive(Default)]
pub(super) struct KeyTable {
    hasher: RandomState,
    lines: HashTable<Line>,
    /// For each key the rest of its value, the length of its name in two bytes, and its name.
    text: Box<[u8]>,
}

#[repr(align(64))]
struct Line {
    value: Start,
    /// Length of the whole value.
    value_bytes: u8,
    enabled: bool,
    /// Where the key's text begins.
    text: u32,
    plans: Memberships,
}

/// The start of a value.
#[derive(PartialEq, Eq)]
struct Start([u8; VALUE_IN_LINE]);

/// The plans that a key is in.
#[derive(Clone, Copy, Default)]
pub(super) enum Memberships {
    #[default]
    None,
    /// As most keys have it.
    One {
        plan: PlanId,
        /// Key and plan, as limits call them.
        meter: MeterId,
    },
    /// Where they stand in a list that somebody else has.
    Several(Span),
}

const _: () = assert!(size_of::<Line>() == 64, "a key is one cache line");

impl Start {
    fn of(value: &[u8]) -> Self {
        let mut start = [0; VALUE_IN_LINE];
        let bytes = value.len().min(VALUE_IN_LINE);
        start[..bytes].copy_from_slice(&value[..bytes]);
        Self(start)
    }
}

impl KeyTable {
    /// Compiles keys with distinct values of 20 to 128 bytes, each with the plans that it is in.
    pub(super) fn compile<'a>(keys: impl ExactSizeIterator<Item = (&'a ApiKeySpec, Memberships)>) -> Self {
        let hasher = RandomState::new();
        let mut lines = HashTable::with_capacity(keys.len());
        let mut text = Vec::new();
        for (key, plans) in keys {
            let line = Line {
                value: Start::of(key.value.as_bytes()),
                value_bytes: key.value.len() as u8,
                enabled: key.enabled,
                text: append(key, &mut text),
                plans,
            };
            lines.insert_unique(hasher.hash_one(key.value.as_bytes()), line, |_| {
                unreachable!("there is room for all keys from the start")
            });
        }
        Self { hasher, lines, text: text.into() }
    }

    /// The key that has this value.
    pub(super) fn find(&self, value: &[u8]) -> Option<KeyId> {
        if !KEY_BYTES.contains(&value.len()) {
            return None;
        }
        let start = Start::of(value);
        let hash = self.hasher.hash_one(value);
        let line = self.lines.find_bucket_index(hash, |line| self.has(line, &start, value))?;
        Some(KeyId(line as u32))
    }

    /// Every key.
    pub(super) fn iter(&self) -> impl Iterator<Item = KeyId> {
        self.lines.iter_buckets().map(|line| KeyId(line as u32))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The name of a key.
    pub(super) fn name(&self, key: KeyId) -> &[u8] {
        let line = self.line(key);
        let text = &self.text[line.text as usize + line.rest_bytes()..];
        let (length, text) = text.split_first_chunk().expect("a name has a length");
        &text[..usize::from(u16::from_le_bytes(*length))]
    }

    /// Whether a key may be used at all.
    pub(super) fn is_enabled(&self, key: KeyId) -> bool {
        self.line(key).enabled
    }

    /// The plans of a key.
    pub(super) fn plans(&self, key: KeyId) -> Memberships {
        self.line(key).plans
    }

    fn line(&self, key: KeyId) -> &Line {
        self.lines.get_bucket(key.0 as usize).expect("ids are of this table's keys")
    }

    fn has(&self, line: &Line, start: &Start, value: &[u8]) -> bool {
        let rest = value.get(VALUE_IN_LINE..).unwrap_or_default();
        usize::from(line.value_bytes) == value.len()
            && line.value == *start
            && (rest.is_empty() || self.text[line.text as usize..][..rest.len()] == *rest)
    }
}

impl Line {
    fn rest_bytes(&self) -> usize {
        usize::from(self.value_bytes).saturating_sub(VALUE_IN_LINE)
    }
}

/// Appends what of a key does not stand in its line, and says where.
fn append(key: &ApiKeySpec, text: &mut Vec<u8>) -> u32 {
    let start = u32::try_from(text.len()).expect("less than 4 GiB of names");
    text.extend_from_slice(key.value.as_bytes().get(VALUE_IN_LINE..).unwrap_or_default());
    let length = u16::try_from(key.name.len()).expect("a name of less than 64 KiB");
    text.extend_from_slice(&length.to_le_bytes());
    text.extend_from_slice(key.name.as_bytes());
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, value: &str) -> ApiKeySpec {
        ApiKeySpec { name: name.to_owned(), value: value.to_owned(), enabled: true }
    }

    fn table(keys: &[ApiKeySpec]) -> KeyTable {
        KeyTable::compile(keys.iter().map(|key| (key, Memberships::None)))
    }

    fn name<'a>(table: &'a KeyTable, value: &str) -> Option<&'a [u8]> {
        table.find(value.as_bytes()).map(|key| table.name(key))
    }

    #[test]
    fn values_of_every_length_are_told_apart() {
        let values: Vec<String> = KEY_BYTES.map(|bytes| "v".repeat(bytes)).collect();
        let keys: Vec<_> = values.iter().map(|value| key(&format!("{} bytes", value.len()), value)).collect();
        let table = table(&keys);
        for value in &values {
            assert_eq!(name(&table, value), Some(format!("{} bytes", value.len()).as_bytes()));
            let almost = format!("{}w", &value[1..]);
            assert_eq!(name(&table, &almost), None, "{almost}");
        }
        assert_eq!((name(&table, &"v".repeat(19)), name(&table, &"v".repeat(129))), (None, None));
        assert_eq!(table.iter().count(), keys.len());
    }

    #[test]
    fn many_keys_are_found_by_their_values_alone() {
        let value = |number: usize| format!("{number:040x}");
        let keys: Vec<_> = (0..10_000).map(|number| key(&number.to_string(), &value(number))).collect();
        let table = table(&keys);
        for number in 0..10_000 {
            assert_eq!(name(&table, &value(number)), Some(number.to_string().as_bytes()));
            assert_eq!(name(&table, &value(number + 10_000)), None);
        }
    }

    #[test]
    fn without_keys_there_is_nobody() {
        assert_eq!(name(&KeyTable::default(), &"v".repeat(20)), None);
    }

    #[test]
    fn a_name_may_be_long_or_empty() {
        let long = "n".repeat(4096);
        let table = table(&[key(&long, &"a".repeat(40)), key("", &"b".repeat(128))]);
        assert_eq!(name(&table, &"a".repeat(40)), Some(long.as_bytes()));
        assert_eq!(name(&table, &"b".repeat(128)), Some(&b""[..]));
    }
}
