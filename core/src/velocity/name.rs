//! Names of properties, and what tells them apart at a glance.

use std::fmt;
use std::ops::Deref;

/// The first seven bytes of a name and its length; up to seven bytes it is the whole name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// Bytes of a name that are in its fingerprint.
const WHOLE: usize = 7;
/// Where the length stands in a fingerprint. Longer names than a byte can tell share one.
const LENGTH_SHIFT: u32 = 56;
const LENGTH_MAX: usize = 0xfe;

impl Fingerprint {
    /// Of a key that is no text.
    pub(crate) const NO_NAME: Self = Self(u64::MAX);

    pub(crate) fn of(name: &str) -> Self {
        let mut word = [0; 8];
        for (to, byte) in word.iter_mut().zip(name.bytes().take(WHOLE)) {
            *to = byte;
        }
        Self::of_word(u64::from_le_bytes(word), name.len())
    }

    /// The same of a name that is the first bytes of a word, or begins with them.
    #[inline(always)]
    pub(crate) fn of_word(word: u64, length: usize) -> Self {
        let bytes = word & ((1 << (8 * length.min(WHOLE))) - 1);
        Self(bytes | (length.min(LENGTH_MAX) as u64) << LENGTH_SHIFT)
    }

    /// Whether there is no more to the name.
    #[inline(always)]
    pub(crate) fn is_whole(self) -> bool {
        self.0 >> LENGTH_SHIFT <= WHOLE as u64
    }
}

/// A name in a program.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name {
    text: Box<str>,
    fingerprint: Fingerprint,
}

impl Name {
    #[inline(always)]
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.into(), fingerprint: Fingerprint::of(text) }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_told_apart_for_good() {
        let names = ["", "a", "b", "ab", "a\0", "sku", "count", "seven77", "seven78", "\u{20ac}"];
        for one in names {
            for two in names {
                assert_eq!(Fingerprint::of(one) == Fingerprint::of(two), one == two, "{one:?} {two:?}");
            }
            assert!(Fingerprint::of(one).is_whole(), "{one:?}");
        }
    }

    #[test]
    fn long_names_may_be_equal() {
        let long = "x".repeat(300);
        for (one, two, equal) in [
            ("customer", "customeR", true),
            ("customer", "customers", false),
            (&long, &long[1..], true),
            (&long, &long[..254], true),
            (&long, &long[..253], false),
        ] {
            assert_eq!(Fingerprint::of(one) == Fingerprint::of(two), equal, "{one} {two}");
            assert!(!Fingerprint::of(one).is_whole(), "{one}");
        }
        assert_ne!(Fingerprint::of(&long), Fingerprint::NO_NAME);
    }

    #[test]
    fn what_follows_in_a_word_does_not_count() {
        let word = u64::from_le_bytes(*b"sku\":\"A-");
        assert_eq!(Fingerprint::of_word(word, 3), Fingerprint::of("sku"));
        assert_eq!(Fingerprint::of_word(word, 0), Fingerprint::of(""));
        assert_eq!(Fingerprint::of_word(u64::from_le_bytes(*b"customer"), 8), Fingerprint::of("customer"));
    }
}
