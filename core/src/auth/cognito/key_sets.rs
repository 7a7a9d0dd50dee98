//! The keys of issuers, as far as a shard knows them, and when it asks for them anew.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use crate::auth::jwt::KeySet;
use crate::clock::Now;
use crate::limits::{KEYS_ASKED_NS_MIN, KEYS_WAIT_NS_MAX};

/// Key sets by where they are. One for all shards, replaced whole.
pub type Table = HashMap<Arc<str>, Held>;

/// A key set.
#[derive(Clone, Debug)]
pub struct Held {
    /// The keys.
    pub keys: Arc<KeySet>,
    /// Another one for each content.
    pub version: u64,
}

/// A shard's side of key sets.
#[derive(Debug, Default)]
pub struct KeySets {
    table: Arc<Table>,
    asked: HashMap<Arc<str>, Asked, RandomState>,
    outbox: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    at_ns: u64,
    answered: bool,
}

impl KeySets {
    /// The keys of an issuer.
    pub fn get(&self, url: &str) -> Option<&KeySet> {
        self.table.get(url).map(|held| &*held.keys)
    }

    /// Whether it is worth while to wait for newer keys: then they have been asked for. Not more often than every
    /// [`KEYS_ASKED_NS_MIN`], whatever keys tokens say to have.
    pub fn ask(&mut self, url: &Arc<str>, now: Now) -> bool {
        let now_ns = now.monotonic_ns;
        match self.asked.get(url) {
            Some(asked) if !asked.answered && asked.at_ns + KEYS_WAIT_NS_MAX > now_ns => true,
            Some(asked) if asked.at_ns + KEYS_ASKED_NS_MIN > now_ns => false,
            Some(_) | None => {
                self.asked.insert(Arc::clone(url), Asked { at_ns: now_ns, answered: false });
                self.outbox.push(Arc::clone(url));
                true
            }
        }
    }

    /// The keys are these now, as answer to who has asked for those at `url`. Whether any have changed: then what was proved
    /// by the old ones is so no more.
    pub fn hear(&mut self, table: Arc<Table>, url: &str) -> bool {
        let changed = self
            .table
            .iter()
            .any(|(url, held)| table.get(url).is_none_or(|newer| newer.version != held.version));
        let are_first = !self.table.contains_key(url) && table.contains_key(url);
        self.table = table;
        if are_first {
            // Nobody has asked yet for newer ones than these.
            self.asked.remove(url);
        } else if let Some(asked) = self.asked.get_mut(url) {
            asked.answered = true;
        }
        changed
    }

    /// Which keys have been asked for since they were taken from here.
    pub fn outbox(&mut self) -> &mut Vec<Arc<str>> {
        &mut self.outbox
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> Now {
        Now { unix_ms: 0, monotonic_ns: ns }
    }

    fn table(version: u64) -> Arc<Table> {
        Arc::new(Table::from([("a".into(), Held { keys: Arc::default(), version })]))
    }

    #[test]
    fn keys_are_asked_for_at_a_bounded_rate() {
        let (mut sets, url) = (KeySets::default(), Arc::from("a"));
        assert!(sets.ask(&url, at(0)) && sets.ask(&url, at(1)), "others wait, too");
        assert_eq!(std::mem::take(sets.outbox()), [Arc::clone(&url)]);
        assert!(!sets.hear(table(1), "b") && sets.ask(&url, at(1)), "others have come");
        assert!(!sets.hear(table(1), "a"), "nothing was proved before");
        assert!(!sets.ask(&url, at(2)), "they are as new as can be");
        assert!(sets.ask(&url, at(KEYS_ASKED_NS_MIN)));
        assert_eq!(sets.outbox().len(), 1);
        assert!(!sets.hear(table(1), "a"));
        assert!(sets.hear(table(2), "a"), "other keys");
        assert!(sets.hear(Arc::default(), "a"), "no keys");
    }

    #[test]
    fn who_asks_for_the_first_keys_has_not_asked_for_newer_ones() {
        let (mut sets, url) = (KeySets::default(), Arc::from("a"));
        assert!(sets.ask(&url, at(0)));
        assert!(!sets.hear(table(1), "a"));
        assert!(sets.ask(&url, at(1)), "they may have changed since");
        assert!(!sets.hear(table(1), "a"));
        assert!(!sets.ask(&url, at(2)), "they have not");
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (mut sets, url) = (KeySets::default(), Arc::from("a"));
        assert!(sets.ask(&url, at(0)));
        assert!(!sets.ask(&url, at(KEYS_WAIT_NS_MAX)), "it was not answered");
        assert!(sets.ask(&url, at(KEYS_ASKED_NS_MIN)));
    }
}
