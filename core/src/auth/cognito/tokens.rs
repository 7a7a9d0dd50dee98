//! Tokens that were good when they came: a shard's memory of them, until they expire.

use std::rc::Rc;

use ahash::RandomState;
use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};

use crate::auth::jwt::Claims;
use crate::limits::{TOKENS_BYTES_MAX, TOKENS_ITEMS};

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Box<[u8]>, Rc<Claims>> for Weight {
    fn weight(&self, key: &Box<[u8]>, claims: &Rc<Claims>) -> u64 {
        (key.len() + claims.bytes() + 96) as u64
    }
}

/// What tokens say, by who has proved it and the token.
#[derive(Debug)]
pub struct Tokens {
    known: Cache<Box<[u8]>, Rc<Claims>, Weight, RandomState>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self::with_bytes(TOKENS_BYTES_MAX)
    }
}

impl Tokens {
    /// With memory for so many bytes.
    pub fn with_bytes(bytes_max: u64) -> Self {
        let lifecycle = DefaultLifecycle::default();
        Self { known: Cache::with(TOKENS_ITEMS, bytes_max, Weight, RandomState::new(), lifecycle) }
    }

    /// What a token says, if that was proved before and it is still good.
    pub fn get(&mut self, key: &[u8], now_s: u64) -> Option<Rc<Claims>> {
        let claims = self.known.get(key)?;
        if claims.check_time(now_s).is_ok() {
            return Some(Rc::clone(claims));
        }
        self.known.remove(key);
        None
    }

    /// Remembers what a token says.
    pub fn keep(&mut self, key: &[u8], claims: &Rc<Claims>) {
        self.known.insert(key.into(), Rc::clone(claims));
    }

    /// Forgets all: other keys are good now.
    pub fn clear(&mut self) {
        self.known.clear();
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
