//! Answers to one key that differ by fields of the request (RFC 9111 section 4.1).
//!
//! At the key itself stands by which fields they differ, and what the values were of those that are kept; each of these is
//! kept under the key with its values behind it. Fields are collected: an answer that names others than the one before
//! it is kept apart by both, which is more than it needs and never wrong.

use ahash::RandomState;

use super::slice::Slice;
use super::stored::{Draft, Stored, Term};
use crate::limits::{CACHE_VARIANT_BYTES_MAX, CACHE_VARIANTS_MAX, CACHE_VARY_FIELDS_MAX};

/// Writes the values that a request has of a field.
pub(crate) type Select<'a> = &'a dyn Fn(&[u8], &mut Vec<u8>);

/// What an answer is found by: its key, and behind that what else counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    /// The key is written here, and [`Key::end`] says when.
    pub(crate) bytes: Vec<u8>,
    end: usize,
    /// A hash of the request's path, where a change there puts answers out; else 0.
    pub(super) path: u32,
}

/// What stands between key and values: neither before a value nor behind the last one is such a byte.
const SELECTED: u8 = 2;

impl Key {
    /// The key has been written, of a request with this path.
    pub(crate) fn end(&mut self, path: u32) {
        (self.end, self.path) = (self.bytes.len(), path);
    }

    /// The path.
    pub(crate) fn path(&self) -> u32 {
        self.path
    }

    /// Without values.
    pub(super) fn base(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// The values of a request.
    fn values(&self) -> &[u8] {
        &self.bytes[self.end..]
    }

    /// No field counts.
    pub(super) fn select_nothing(&mut self) {
        self.bytes.truncate(self.end);
    }

    /// These fields count.
    pub(super) fn select<'n>(&mut self, names: impl Iterator<Item = &'n [u8]>, select: Select<'_>) {
        self.select_nothing();
        self.bytes.push(SELECTED);
        names.for_each(|name| select(name, &mut self.bytes));
    }

    fn with(&self, values: &[u8]) -> Vec<u8> {
        [self.base(), values].concat()
    }
}

/// An answer names too many fields, or a request's values are too long.
pub(super) struct TooDifferent;

/// What is known of the answers to one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variants {
    /// In small letters.
    names: Vec<Vec<u8>>,
    /// The newest last.
    values: Vec<Vec<u8>>,
}

impl Variants {
    /// Reads what [`Variants::write`] has written.
    fn read(stored: &Stored) -> Self {
        let content = stored.content();
        let (count, mut rest) = content.split_first().unwrap_or((&0, &[]));
        let mut parts = std::iter::from_fn(|| take(&mut rest)).map(<[u8]>::to_vec);
        let names = parts.by_ref().take(usize::from(*count)).collect();
        Self { names, values: parts.collect() }
    }

    fn write(&self) -> Vec<u8> {
        let mut content = vec![self.names.len() as u8];
        for part in self.names.iter().chain(&self.values) {
            content.extend_from_slice(&(part.len() as u16).to_le_bytes());
            content.extend_from_slice(part);
        }
        content
    }

    /// False: all were there.
    fn add(&mut self, names: &[Vec<u8>]) -> bool {
        let before = self.names.len();
        for name in names {
            if let Err(at) = self.names.binary_search(name) {
                self.names.insert(at, name.clone());
            }
        }
        self.names.len() > before
    }

    /// Makes these the newest. Returns what has to go for them.
    fn note(&mut self, values: &[u8]) -> Option<Vec<u8>> {
        self.values.retain(|known| known != values);
        self.values.push(values.to_vec());
        (self.values.len() > CACHE_VARIANTS_MAX).then(|| self.values.remove(0))
    }
}

/// The names that stand at a key, in their order.
pub(super) fn names(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, mut rest) = content.split_first().unwrap_or((&0, &[]));
    std::iter::from_fn(move || take(&mut rest)).take(usize::from(*count))
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_at_checked(2)?;
    let (part, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes([length[0], length[1]])))?;
    *rest = behind;
    Some(part)
}

/// Keeps an answer whose origin names these fields, and lets `key` be what it is found by. `Ok(None)`: there is no room for it.
pub(super) fn keep(
    slice: &mut Slice,
    hasher: &RandomState,
    key: &mut Key,
    (names, select): (&[Vec<u8>], Select<'_>),
    (draft, method, term): (&Draft<'_>, u32, Term),
    now_ns: u64,
) -> Result<Option<Stored>, TooDifferent> {
    let base = hasher.hash_one(key.base());
    let before = slice.variants(base, key.base(), now_ns);
    if before.is_none() && names.is_empty() {
        key.select_nothing();
        return Ok(slice.insert((base, key.base()), draft, method, term));
    }
    let mut variants = before.as_ref().map(Variants::read).unwrap_or_default();
    if variants.add(names) {
        if variants.names.len() > CACHE_VARY_FIELDS_MAX {
            return Err(TooDifferent);
        }
        // They were found by less than counts from now on.
        variants.values.drain(..).for_each(|values| forget(slice, hasher, &key.with(&values)));
    }
    let mut selected = key.clone();
    selected.select(variants.names.iter().map(Vec::as_slice), select);
    if selected.values().len() > CACHE_VARIANT_BYTES_MAX {
        return Err(TooDifferent);
    }
    *key = selected;
    if let Some(oldest) = variants.note(key.values()) {
        forget(slice, hasher, &key.with(&oldest));
    }
    let stored = slice.insert((hasher.hash_one(&*key.bytes), &key.bytes), draft, method, term);
    let kept_until_ns = before.map_or(0, |before| before.term().kept_until_ns).max(term.kept_until_ns);
    let known = Term::until(now_ns, kept_until_ns);
    slice.insert((base, key.base()), &Draft::of_variants(&variants.write()), method, known);
    Ok(stored)
}

fn forget(slice: &mut Slice, hasher: &RandomState, key: &[u8]) {
    slice.remove(hasher.hash_one(key), key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        let mut variants = Variants::default();
        assert!(variants.add(&texts(&["b", "a"])) && !variants.add(&texts(&["a"])));
        (0..20).for_each(|number| drop(variants.note(format!("value {number}").as_bytes())));
        assert_eq!(variants.note(b"value 5"), None, "is there");
        assert_eq!(variants.note(b"other").as_deref(), Some(&b"value 4"[..]));
        let content = variants.write();
        assert_eq!(names(&content).collect::<Vec<_>>(), [b"a", b"b"]);
        let stored = Draft::of_variants(&content).store(b"key", Term::default(), None);
        assert_eq!(Variants::read(&stored), variants);
        assert_eq!(variants.values.len(), CACHE_VARIANTS_MAX);
    }

    #[test]
    fn what_is_broken_ends() {
        for content in [&b""[..], b"\x02", b"\x01\x05\x00ab", b"\x01\x01"] {
            assert_eq!(names(content).count(), 0, "{content:?}");
        }
    }
}
