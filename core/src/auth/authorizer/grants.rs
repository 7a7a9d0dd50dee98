//! What authorizers have answered: a shard's memory of it, and who is asking just now.
//!
//! Of requests of the same caller that come at once one asks the function, and the others wait for what it is told. When
//! it is told nothing that can be remembered, each of them asks for itself: its trouble is not theirs.

use std::collections::HashMap;
use std::rc::Rc;

use ahash::RandomState;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::Grant;
use crate::clock::Now;
use crate::limits::{AUTHORIZER_FOLLOWERS_MAX, AUTHORIZER_TIMEOUT_MS, GRANTS_BYTES_MAX, GRANTS_ITEMS};

/// A question to a function that is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlightId(u64);

/// What is known of a caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// This has been answered before.
    Granted(Rc<Grant>),
    /// Nothing; who is told so has to ask, and others may wait for that.
    Nothing(Option<FlightId>),
    /// Another request asks, and it is enough to wait for that.
    Asked(FlightId),
    /// Another one asks, for which too many wait.
    Crowded,
}

#[derive(Clone, Debug)]
struct Entry {
    grant: Rc<Grant>,
    /// Until when it is good, in milliseconds of the monotonic clock.
    until_ms: u64,
}

#[derive(Debug)]
struct Flight {
    id: FlightId,
    since_ms: u64,
    followers: usize,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Box<[u8]>, Entry> for Weight {
    /// The key, the grant, and about what the tables take.
    fn weight(&self, key: &Box<[u8]>, entry: &Entry) -> u64 {
        (key.len() + entry.grant.bytes + 96) as u64
    }
}

/// The answers by what names the caller, and the questions that are open.
#[derive(Debug)]
pub struct Grants {
    known: Cache<Box<[u8]>, Entry, Weight, RandomState>,
    flights: HashMap<Box<[u8]>, Flight, RandomState>,
    ended: Vec<FlightId>,
    next: u64,
}

impl Default for Grants {
    fn default() -> Self {
        Self::with_bytes(GRANTS_BYTES_MAX)
    }
}

impl Grants {
    /// With memory for so many bytes of answers.
    pub fn with_bytes(bytes_max: u64) -> Self {
        let hasher = RandomState::new();
        let known = Cache::with(
            GRANTS_ITEMS,
            bytes_max,
            Weight,
            hasher.clone(),
            quick_cache::unsync::DefaultLifecycle::default(),
        );
        Self { known, flights: HashMap::with_hasher(hasher), ended: Vec::new(), next: 0 }
    }

    /// What has been answered for this caller, if it is still good.
    pub fn get(&mut self, key: &[u8], now: Now) -> Option<Rc<Grant>> {
        let entry = self.known.get(key)?;
        if entry.until_ms > milliseconds(now) {
            return Some(Rc::clone(&entry.grant));
        }
        self.known.remove(key);
        None
    }

    /// What is known of a caller; if nothing, who is told so asks.
    pub fn look(&mut self, key: &[u8], now: Now) -> Known {
        if let Some(grant) = self.get(key, now) {
            return Known::Granted(grant);
        }
        let now_ms = milliseconds(now);
        if let Some(flight) = self.flights.get_mut(key) {
            // Who asked may have been cut off before it could tell.
            if flight.since_ms + LOST_MS > now_ms {
                if flight.followers >= AUTHORIZER_FOLLOWERS_MAX {
                    return Known::Crowded;
                }
                flight.followers += 1;
                return Known::Asked(flight.id);
            }
            let lost = flight.id;
            self.ended.push(lost);
        }
        let id = FlightId(self.next);
        self.next += 1;
        self.flights.insert(key.into(), Flight { id, since_ms: now_ms, followers: 0 });
        Known::Nothing(Some(id))
    }

    /// Remembers an answer, for so many milliseconds.
    pub fn keep(&mut self, key: &[u8], grant: &Rc<Grant>, ttl_ms: u64, now: Now) {
        if ttl_ms > 0 {
            let until_ms = milliseconds(now) + ttl_ms;
            self.known.insert(key.into(), Entry { grant: Rc::clone(grant), until_ms });
        }
    }

    /// A question is answered, or will not be.
    pub fn land(&mut self, key: &[u8], flight: FlightId) {
        if self.flights.get(key).is_some_and(|known| known.id == flight) {
            self.flights.remove(key);
            self.ended.push(flight);
        }
    }

    /// The questions that have ended since they were taken from here; those who wait for them look again.
    pub fn ended(&mut self) -> &mut Vec<FlightId> {
        &mut self.ended
    }

    /// How many answers are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> u64 {
        self.known.weight()
    }
}

/// After so long nobody waits any more for a question that has not ended.
const LOST_MS: u64 = AUTHORIZER_TIMEOUT_MS as u64 + 1_000;

fn milliseconds(now: Now) -> u64 {
    now.monotonic_ns / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::policy::OwnArn;

    fn at(ms: u64) -> Now {
        Now { unix_ms: 0, monotonic_ns: ms * 1_000_000 }
    }

    fn grant(principal: &str) -> Rc<Grant> {
        let answer = format!(
            r#"{{"principalId":"{principal}","policyDocument":{{"Version":"2012-10-17","Statement":[]}}}}"#
        );
        let own = OwnArn { region: "eu-west-1", account: "123456789012" };
        Rc::new(Grant::read(answer.as_bytes(), own).expect("a grant"))
    }

    #[track_caller]
    fn leads(grants: &mut Grants, key: &[u8], ms: u64) -> FlightId {
        match grants.look(key, at(ms)) {
            Known::Nothing(Some(flight)) => flight,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_good_until_its_time() {
        let mut grants = Grants::default();
        let flight = leads(&mut grants, b"a", 0);
        grants.keep(b"a", &grant("a"), 1_000, at(0));
        grants.land(b"a", flight);
        assert_eq!(grants.look(b"a", at(999)), Known::Granted(grant("a")));
        assert_eq!(grants.get(b"b", at(999)), None);
        leads(&mut grants, b"a", 1_000);
        assert!(grants.is_empty());
    }

    #[test]
    fn one_asks_and_others_wait() {
        let mut grants = Grants::default();
        let flight = leads(&mut grants, b"a", 0);
        assert_eq!(grants.look(b"a", at(1)), Known::Asked(flight));
        leads(&mut grants, b"b", 1);
        grants.land(b"a", flight);
        assert_eq!(std::mem::take(grants.ended()), [flight]);
        // It has told nothing that could be remembered: the next one asks.
        assert_ne!(leads(&mut grants, b"a", 2), flight);
        // It comes late, and does not end another's question.
        grants.land(b"a", flight);
        assert!(grants.ended().is_empty());
    }

    #[test]
    fn not_too_many_wait() {
        let mut grants = Grants::default();
        let flight = leads(&mut grants, b"a", 0);
        for _ in 0..AUTHORIZER_FOLLOWERS_MAX {
            assert_eq!(grants.look(b"a", at(1)), Known::Asked(flight));
        }
        assert_eq!(grants.look(b"a", at(1)), Known::Crowded);
    }

    #[test]
    fn nobody_waits_for_one_who_is_gone() {
        let mut grants = Grants::default();
        let flight = leads(&mut grants, b"a", 0);
        assert_eq!(grants.look(b"a", at(LOST_MS - 1)), Known::Asked(flight));
        leads(&mut grants, b"a", LOST_MS);
        assert_eq!(std::mem::take(grants.ended()), [flight]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut grants = Grants::with_bytes(100_000);
        for number in 0..10_000_u32 {
            grants.keep(&number.to_ne_bytes(), &grant("someone"), 300_000, at(0));
            assert!(grants.bytes() <= 100_000);
        }
        assert!(grants.len() > 50, "{} answers", grants.len());
    }
}
