//! What was counted. Each thread counts for itself; the main thread adds up.

use hdrhistogram::Histogram;

use super::kind::Kind;

/// Latencies up to an hour, in nanoseconds, to three digits: at most 0.1 % off.
const LATENCY_MAX: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, DIGITS).expect("constant bounds are valid")
}

/// Counts and latencies of a while.
pub struct Tally {
    /// Requests begun.
    pub begun: u64,
    /// Complete answers, of any status.
    pub answered: u64,
    /// Of these, how many came before the run's end.
    pub in_time: u64,
    /// Bytes received, with heads.
    pub bytes: u64,
    /// Connections made.
    pub connections: u64,
    /// TLS sessions begun, and how many of them went on with an earlier one.
    pub handshakes: u64,
    /// See [`Self::handshakes`].
    pub resumed: u64,
    /// Failures by [`Kind`].
    pub errors: [u64; Kind::ALL.len()],
    /// Complete answers by status, from 100 on.
    pub statuses: Box<[u64; 500]>,
    /// Requests that became due and could not be sent before the run's end.
    pub unsent: u64,
    /// From due to complete, in nanoseconds. Of requests that timed out or were not sent: until given up.
    pub latency: Histogram<u64>,
    /// From sent to complete.
    pub service: Histogram<u64>,
    /// From due, and a connection being free, to sent: how late this tool itself was.
    pub lateness: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            begun: 0,
            answered: 0,
            in_time: 0,
            bytes: 0,
            connections: 0,
            handshakes: 0,
            resumed: 0,
            errors: [0; Kind::ALL.len()],
            statuses: Box::new([0; 500]),
            unsent: 0,
            latency: histogram(),
            service: histogram(),
            lateness: histogram(),
        }
    }
}

impl Tally {
    /// Adds what another has.
    pub fn add(&mut self, other: &Self) {
        self.begun += other.begun;
        self.answered += other.answered;
        self.in_time += other.in_time;
        self.bytes += other.bytes;
        self.connections += other.connections;
        self.handshakes += other.handshakes;
        self.resumed += other.resumed;
        self.unsent += other.unsent;
        for (sum, count) in self.errors.iter_mut().zip(other.errors) {
            *sum += count;
        }
        for (sum, count) in self.statuses.iter_mut().zip(other.statuses.iter()) {
            *sum += count;
        }
        for (sum, part) in [
            (&mut self.latency, &other.latency),
            (&mut self.service, &other.service),
            (&mut self.lateness, &other.lateness),
        ] {
            sum.add(part).expect("all histograms have the same bounds");
        }
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.begun = 0;
        self.answered = 0;
        self.in_time = 0;
        self.bytes = 0;
        self.connections = 0;
        self.handshakes = 0;
        self.resumed = 0;
        self.unsent = 0;
        self.errors = [0; Kind::ALL.len()];
        self.statuses.fill(0);
        self.latency.reset();
        self.service.reset();
        self.lateness.reset();
    }

    /// Failures of a kind.
    pub fn errors_of(&self, kind: Kind) -> u64 {
        self.errors[kind as usize]
    }

    /// Failures of all kinds.
    pub fn errors_in_all(&self) -> u64 {
        self.errors.iter().sum()
    }

    /// Statuses that came, with their counts.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        self.statuses
            .iter()
            .zip(100u16..)
            .filter(|(count, _)| **count > 0)
            .map(|(count, status)| (status, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_values() {
        let mut tally = Tally::default();
        for microseconds in 1..=10_000u64 {
            tally.latency.saturating_record(microseconds * 1000);
        }
        let mut sum = Tally::default();
        sum.add(&tally);
        sum.add(&tally);
        assert_eq!(sum.latency.len(), 20_000);
        for (quantile, want) in
            [(0.5, 5_000_000.0), (0.9, 9_000_000.0), (0.99, 9_900_000.0), (0.999, 9_990_000.0)]
        {
            let got = sum.latency.value_at_quantile(quantile) as f64;
            assert!((got / want - 1.0).abs() < 0.001, "{quantile}: {got}");
        }
        sum.clear();
        assert_eq!(sum.latency.len(), 0);
    }
}
