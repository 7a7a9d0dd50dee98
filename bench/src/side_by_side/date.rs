//! Dates, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Date {
    /// The present moment.
    pub fn now() -> Self {
        Self::of(SystemTime::now())
    }

    /// That one.
    pub fn of(time: SystemTime) -> Self {
        Self::at(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// By Howard Hinnant's `civil_from_days`, for moments since 1970.
    fn at(seconds: u64) -> Self {
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self { year, month, day, second: seconds % 86_400 }
    }

    /// `20261122-213122`, which sorts.
    pub fn folder(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{}{:02}{:02}-{hour:02}{minute:02}{second:02}", self.year, self.month, self.day)
    }

    /// `2026-11-22 21:31 UTC`.
    pub fn words(self) -> String {
        let (hour, minute, _) = self.clock();
        format!("{}-{:02}-{:02} {hour:02}:{minute:02} UTC", self.year, self.month, self.day)
    }

    fn clock(self) -> (u64, u64, u64) {
        (self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let check = |seconds, want: &str| assert_eq!(Date::at(seconds).folder(), want, "{seconds}");
        check(0, "19700101-000000");
        check(951_782_399, "20000228-235959");
        check(951_782_400, "20000229-000000");
        check(1_795_383_082, "20261122-213122");
        assert_eq!(Date::at(1_795_383_082).words(), "2026-11-22 21:31 UTC");
    }
}
