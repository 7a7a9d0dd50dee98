//! The time by which quotas begin anew: the wall clock, unless it jumps.

use super::Day;
use crate::clock::Now;

/// A wall clock that moves this much against the monotonic one between two looks has jumped, in milliseconds.
pub const JUMP_MS: u64 = 10_000;
/// A jump is believed when the clock has stayed there so long, in milliseconds.
pub const JUMP_BELIEVED_MS: u64 = 60_000;

const MS_PER_NS: u64 = 1_000_000;

/// A wall clock that follows jumps only when they last.
///
/// A quota that followed each jump at once would be spent twice when a clock goes forward by mistake, and be refused
/// until the calendar catches up when it goes back again. What creeps (NTP slewing) is followed at once.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// Wall time less monotonic time, as believed.
    offset_ms: i64,
    /// Where the clock has jumped, and since when it stays there (monotonic).
    jump: Option<(i64, u64)>,
}

impl Calendar {
    /// Starts with the wall clock as it is.
    pub fn new(now: Now) -> Self {
        Self { offset_ms: offset_ms(now), jump: None }
    }

    /// Looks at the clock. Says whether the believed time has jumped: then periods have to be looked at anew.
    pub fn look(&mut self, now: Now) -> bool {
        let (offset, now_ms) = (offset_ms(now), now.monotonic_ns / MS_PER_NS);
        if offset.abs_diff(self.offset_ms) < JUMP_MS {
            (self.offset_ms, self.jump) = (offset, None);
            return false;
        }
        match self.jump {
            Some((there, since)) if offset.abs_diff(there) < JUMP_MS => {
                if now_ms.saturating_sub(since) < JUMP_BELIEVED_MS {
                    return false;
                }
                (self.offset_ms, self.jump) = (offset, None);
                true
            }
            _ => {
                self.jump = Some((offset, now_ms));
                false
            }
        }
    }

    /// Whether the wall clock says something else at the moment.
    pub fn is_in_doubt(&self) -> bool {
        self.jump.is_some()
    }

    /// Today.
    pub fn today(&self, monotonic_ns: u64) -> Day {
        Day::of(self.unix_ms(monotonic_ns))
    }

    /// When this day begins, by the monotonic clock; 0 when it is long past.
    pub fn start_ns(&self, day: Day) -> u64 {
        let start_ms = i64::try_from(day.start_ms()).unwrap_or(i64::MAX).saturating_sub(self.offset_ms);
        u64::try_from(start_ms).unwrap_or(0).saturating_mul(MS_PER_NS)
    }

    fn unix_ms(&self, monotonic_ns: u64) -> u64 {
        (monotonic_ns / MS_PER_NS).saturating_add_signed(self.offset_ms)
    }
}

fn offset_ms(now: Now) -> i64 {
    let unix_ms = i64::try_from(now.unix_ms).unwrap_or(i64::MAX);
    unix_ms.saturating_sub_unsigned(now.monotonic_ns / MS_PER_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1000;
    const HOUR: i64 = 3600 * 1000;
    const START: u64 = 20_000 * 86_400_000;

    /// Seconds that have passed, by how much the wall clock is off, and by how much the calendar then is.
    #[track_caller]
    fn check(rows: &[(u64, i64, i64)]) {
        let now = |second: u64, off: i64| Now {
            unix_ms: (START + second * S).saturating_add_signed(off),
            monotonic_ns: (5 + second) * S * MS_PER_NS,
        };
        let mut calendar = Calendar::new(now(0, 0));
        for &(second, off, want) in rows {
            calendar.look(now(second, off));
            let believed = calendar.unix_ms(now(second, 0).monotonic_ns);
            assert_eq!(believed as i64 - (START + second * S) as i64, want, "at {second} s");
        }
    }

    #[test]
    fn follows_a_clock_that_creeps() {
        check(&[(1, 0, 0), (10, 500, 500), (20, 9000, 9000), (30, 18_000, 18_000), (40, 9000, 9000)]);
    }

    #[test]
    fn a_jump_that_is_taken_back_is_none() {
        check(&[
            (1, 24 * HOUR, 0),
            (30, 24 * HOUR, 0),
            (50, 0, 0),
            (60, -24 * HOUR, 0),
            (119, -24 * HOUR, 0),
            (125, 0, 0),
        ]);
    }

    #[test]
    fn a_jump_that_lasts_is_believed() {
        check(&[(1, HOUR, 0), (60, HOUR, 0), (61, HOUR, HOUR), (100, -HOUR, HOUR), (160, -HOUR, -HOUR)]);
    }

    #[test]
    fn a_clock_that_keeps_jumping_is_not_believed() {
        check(&[
            (1, HOUR, 0),
            (50, 2 * HOUR, 0),
            (100, HOUR, 0),
            (150, 2 * HOUR, 0),
            (209, 2 * HOUR, 0),
            (210, 2 * HOUR, 2 * HOUR),
        ]);
    }

    #[test]
    fn days() {
        let now = Now { unix_ms: START + 1, monotonic_ns: 7 * MS_PER_NS };
        let calendar = Calendar::new(now);
        assert_eq!(calendar.today(now.monotonic_ns), Day(20_000));
        assert_eq!(calendar.start_ns(Day(20_001)), (7 - 1 + 86_400_000) * MS_PER_NS);
        assert_eq!(calendar.today(calendar.start_ns(Day(20_001))), Day(20_001));
        assert_eq!(calendar.today(calendar.start_ns(Day(20_001)) - 1), Day(20_000));
        assert_eq!(calendar.start_ns(Day(3)), 0);
    }
}
