//! How long an answer has been in the small queue, by the bytes that came behind it. Being found counts only after half its
//! way: what is asked for several times at once, and never again, does not pass for popular.
//!
//! A clock of 16 bits that new answers drive. The small queue is filled once in 1,024 ticks, and all bytes together are ten
//! times as many, so an answer is gone, or in the main queue, before the clock comes around.

/// Ticks while the small queue is filled once, and of these the probation.
const SMALL_TICKS: u64 = 1_024;
const PROBATION_TICKS: u16 = 512;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Probation {
    now: u16,
    /// Bytes that have not made a tick yet.
    bytes: u64,
}

impl Probation {
    /// An answer of so many bytes comes into the small queue, which may take so many. Returns when that is.
    pub(super) fn begin(&mut self, bytes: u64, small_max: u64) -> u16 {
        let tick_bytes = (small_max / SMALL_TICKS).max(1);
        self.bytes += bytes;
        self.now = self.now.wrapping_add((self.bytes / tick_bytes) as u16);
        self.bytes %= tick_bytes;
        self.now
    }

    /// Whether it is over for an answer that came then.
    pub(super) fn is_over(&self, born: u16) -> bool {
        self.now.wrapping_sub(born) >= PROBATION_TICKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of answers of one size that fill a small queue, the older half is through; also where the clock comes around.
    #[test]
    fn half_a_queue() {
        for (small_max, bytes) in [(6_553, 100), (1 << 20, 4_000), (1 << 33, 1_000_000)] {
            let mut probation = Probation::default();
            for _ in 0..200 {
                let born = probation.begin(bytes, small_max);
                let behind = (1..).find(|_| {
                    probation.begin(bytes, small_max);
                    probation.is_over(born)
                });
                let share = behind.expect("once") as f64 * bytes as f64 / small_max as f64;
                assert!((0.45..0.56).contains(&share), "{small_max} {bytes}: {share}");
            }
        }
    }
}
