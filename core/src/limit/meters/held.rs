//! What a shard holds, found by the limit that it is of.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::super::MeterId;

/// Something of one limit.
pub(super) trait OfMeter {
    /// The limit.
    fn meter(&self) -> MeterId;
}

/// A hash table whose places hold what they are looked at for: with ten thousand callers each further piece of memory on the
/// way is a cache miss.
#[derive(Debug)]
pub(super) struct Held<T> {
    table: HashTable<T>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<T: OfMeter> Held<T> {
    pub(super) fn get(&self, meter: MeterId) -> Option<&T> {
        self.table.find(hash(meter), |held| held.meter() == meter)
    }

    pub(super) fn get_mut(&mut self, meter: MeterId) -> Option<&mut T> {
        self.table.find_mut(hash(meter), |held| held.meter() == meter)
    }

    #[inline]
    pub(super) fn get_or_insert_with(&mut self, meter: MeterId, new: impl FnOnce() -> T) -> &mut T {
        let entry = self.table.entry(hash(meter), |held| held.meter() == meter, |held| hash(held.meter()));
        match entry {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(new()).into_mut(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.table.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.table.iter_mut()
    }

    /// How many places there are, taken or not.
    pub(super) fn places(&self) -> usize {
        self.table.num_buckets()
    }

    /// What is in a place.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut T> {
        self.table.get_bucket_mut(place)
    }

    /// Forgets what is in a place.
    pub(super) fn remove_at(&mut self, place: usize) {
        if let Ok(held) = self.table.get_bucket_entry(place) {
            held.remove();
        }
    }
}

/// Ids of limits are hashes of names.
fn hash(meter: MeterId) -> u64 {
    meter.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Thing(MeterId, u32);

    impl OfMeter for Thing {
        fn meter(&self) -> MeterId {
            self.0
        }
    }

    #[test]
    fn what_was_put_in_is_found_until_it_is_removed() {
        let mut held = Held::default();
        let meter = |number: usize| MeterId::of(&["m", &number.to_string()]);
        for number in 0..1_000 {
            let thing = held.get_or_insert_with(meter(number), || Thing(meter(number), 0));
            thing.1 += 1;
        }
        held.get_or_insert_with(meter(7), || unreachable!("it is there")).1 += 1;
        assert_eq!((held.iter().count(), held.get(meter(7))), (1_000, Some(&Thing(meter(7), 2))));
        assert_eq!(held.get(meter(1_000)), None);
        assert_eq!(held.get_mut(meter(1_000)), None);
        let place = (0..held.places()).find(|&place| held.at(place).is_some_and(|it| it.0 == meter(7)));
        held.remove_at(place.expect("a place"));
        assert_eq!((held.iter().count(), held.get(meter(7))), (999, None));
        let places = held.places();
        assert_eq!(held.at(places), None);
        held.remove_at(places);
    }
}
