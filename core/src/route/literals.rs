//! The literal children of all nodes of the resource tree, in one hash table.
//!
//! Open addressing with linear probing, at most half full. The keys come from the API definition, requests only probe,
//! so a client cannot make a probe longer than the longest run the definition left in the table; the hash needs no
//! secret seed.

use super::router::NodeId;

/// One literal child, or none: the root is nobody's child. `parent` and `hash` refuse nearly all others before the text is
/// looked at. 16 bytes, none of them across two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
struct Entry {
    parent: NodeId,
    hash: u32,
    child: NodeId,
    /// Where its text stands.
    text: u32,
}

impl Entry {
    const NONE: Self = Self { parent: NodeId::ROOT, hash: 0, child: NodeId::ROOT, text: 0 };

    fn is_none(&self) -> bool {
        self.child == NodeId::ROOT
    }
}

/// From a node and a segment to the child of that node.
#[derive(Clone, Debug)]
pub(super) struct Literals {
    /// A power of two of slots, at least one of them empty.
    slots: Box<[Entry]>,
    /// All literals behind one another, a byte with its length before each.
    text: Box<[u8]>,
}

impl Literals {
    /// The table of these children; a node and a text stand there once at most, and no text is longer than
    /// [`super::PART_BYTES_MAX`], a byte.
    pub(super) fn new(children: &[(NodeId, &str, NodeId)]) -> Self {
        let slots = vec![Entry::NONE; (children.len() * 2).max(1).next_power_of_two()];
        let mut table = Self { slots: slots.into(), text: Box::default() };
        let mut text = Vec::new();
        for &(parent, literal, child) in children {
            let hash = hash(parent, literal.as_bytes());
            let free = table.probe(hash).find(|&slot| table.slots[slot].is_none());
            let entry = Entry { parent, hash, child, text: text.len() as u32 };
            table.slots[free.expect("half of the slots are empty")] = entry;
            text.push(literal.len() as u8);
            text.extend_from_slice(literal.as_bytes());
        }
        table.text = text.into();
        table
    }

    /// The child of `parent` with exactly this text.
    pub(super) fn find(&self, parent: NodeId, segment: &[u8]) -> Option<NodeId> {
        let hash = hash(parent, segment);
        self.probe(hash)
            .map(|slot| &self.slots[slot])
            .take_while(|entry| !entry.is_none())
            .find(|entry| entry.hash == hash && entry.parent == parent && self.text(entry) == segment)
            .map(|entry| entry.child)
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        let (length, text) = self.text[entry.text as usize..].split_first().unwrap_or((&0, &[]));
        text.get(..usize::from(*length)).unwrap_or_default()
    }

    /// The slots in which an entry with this hash can be, in order.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let home = hash as usize;
        (0..=mask).map(move |step| (home + step) & mask)
    }
}

/// Eight bytes a step, each a multiplication by an odd constant (2^64 divided by the golden ratio), then the high half,
/// which all bits of the input reach.
fn hash(parent: NodeId, segment: &[u8]) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(ODD);
    let (words, rest) = segment.as_chunks::<8>();
    let state = mix(0, u64::from(parent.0) << 32 | segment.len() as u64);
    let state = words.iter().fold(state, |state, word| mix(state, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    (mix(state, last) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// Numbers without an order that the hash could keep apart.
    fn scattered() -> impl Iterator<Item = u64> {
        (1..1_u64 << 18).map(|number| number.wrapping_mul(number).wrapping_mul(0xd129_0d3b_3a6b_8b65) >> 16)
    }

    /// Two inputs of the same hash; among 2^18 inputs of a 32-bit hash there are some.
    fn colliding<T: Copy + PartialEq>(hashes: impl Iterator<Item = (u32, T)>) -> (T, T) {
        let mut seen = HashMap::new();
        let mut collisions = hashes.filter_map(|(hash, input)| Some((seen.insert(hash, input)?, input)));
        collisions.find(|(one, other)| one != other).expect("a collision")
    }

    #[test]
    fn another_text_of_the_same_hash_is_not_found() {
        let text = |number: u64| format!("{number:x}");
        let numbers = scattered().map(|number| (hash(NodeId::ROOT, text(number).as_bytes()), number));
        let (one, other) = colliding(numbers);
        let table = Literals::new(&[(NodeId::ROOT, &text(one), NodeId(1))]);
        assert_eq!(table.find(NodeId::ROOT, text(one).as_bytes()), Some(NodeId(1)));
        assert_eq!(table.find(NodeId::ROOT, text(other).as_bytes()), None);
    }

    #[test]
    fn another_parent_of_the_same_hash_is_not_found() {
        let parents = scattered().map(|number| number as u32);
        let (one, other) = colliding(parents.map(|parent| (hash(NodeId(parent), b"pets"), parent)));
        let table = Literals::new(&[(NodeId(one), "pets", NodeId(1))]);
        assert_eq!(table.find(NodeId(one), b"pets"), Some(NodeId(1)));
        assert_eq!(table.find(NodeId(other), b"pets"), None);
    }

    #[test]
    fn runs_of_taken_slots_stay_short() {
        let texts: Vec<String> = (0..65_536).map(|number| format!("orders-{number}")).collect();
        let one_parent: Vec<_> = texts.iter().map(|text| (NodeId::ROOT, text.as_str(), NodeId(1))).collect();
        let many_parents: Vec<_> = (0..65_536).map(|parent| (NodeId(parent), "items", NodeId(1))).collect();
        for children in [one_parent, many_parents] {
            let table = Literals::new(&children);
            let longest = table.slots.split(Entry::is_none).map(<[_]>::len).max();
            assert!(longest < Some(64), "{longest:?}");
        }
    }
}
