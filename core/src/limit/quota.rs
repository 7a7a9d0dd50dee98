//! Quotas: so many requests in each day, week or month of UTC.

use crate::clock;

/// How many requests a key may make under its plan in each period. AWS: `QuotaSettings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests in each period.
    pub limit: u32,
    /// Requests taken off the limit of the first period.
    pub offset: u32,
    /// The period.
    pub period: Period,
}

/// A quota's period, by the calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday (ISO 8601).
    Week,
    /// From the first of the month.
    Month,
}

/// A day of the calendar: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

const DAY_MS: u64 = 86_400_000;

impl Day {
    /// The day of a moment.
    pub fn of(unix_ms: u64) -> Self {
        Self((unix_ms / DAY_MS) as u32)
    }

    /// Its first moment.
    pub fn start_ms(self) -> u64 {
        u64::from(self.0) * DAY_MS
    }
}

impl Period {
    /// The first day of the period that `day` is in.
    pub fn start(self, day: Day) -> Day {
        match self {
            Self::Day => day,
            // 1970-01-01 was a Thursday. The first Monday is day 4; the week before it starts with day 0 here.
            Self::Week => Day((day.0 + 3).saturating_sub((day.0 + 3) % 7).saturating_sub(3)),
            Self::Month => Day(day.0 + 1 - clock::day_of_month(day.0)),
        }
    }

    /// The first day of the period behind the one that starts with `start`.
    pub fn next(self, start: Day) -> Day {
        match self {
            Self::Day => Day(start.0 + 1),
            Self::Week => Day((start.0 + 3) / 7 * 7 + 7 - 3),
            Self::Month => self.start(Day(start.0 + 31)),
        }
    }

    /// AWS's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        let mut parts = text.split('-').map(|part| part.parse::<u32>().expect("a number"));
        let (year, month, of_month) = (parts.next(), parts.next(), parts.next());
        let wanted = (year.expect("a year"), month.expect("a month"), of_month.expect("a day"));
        (0..60_000).map(Day).find(|&day| clock::date_of_day(day.0) == wanted).expect("a day of the calendar")
    }

    #[track_caller]
    fn check(period: Period, at: &str, start: &str, next: &str) {
        assert_eq!(period.start(day(at)), day(start), "{at}");
        assert_eq!(period.next(day(start)), day(next), "{at}");
    }

    #[test]
    fn periods_of_the_calendar() {
        check(Period::Day, "2026-11-25", "2026-11-25", "2026-11-26");
        check(Period::Week, "2026-11-25", "2026-11-23", "2026-11-30");
        check(Period::Week, "2026-11-23", "2026-11-23", "2026-11-30");
        check(Period::Week, "2026-11-29", "2026-11-23", "2026-11-30");
        check(Period::Week, "2027-01-01", "2026-12-28", "2027-01-04");
        check(Period::Month, "2026-11-25", "2026-11-01", "2026-12-01");
        check(Period::Month, "2026-12-31", "2026-12-01", "2027-01-01");
        check(Period::Month, "2028-02-29", "2028-02-01", "2028-03-01");
        check(Period::Month, "2027-02-28", "2027-02-01", "2027-03-01");
        check(Period::Week, "1970-01-02", "1970-01-01", "1970-01-05");
    }

    #[test]
    fn periods_follow_one_another() {
        for period in [Period::Day, Period::Week, Period::Month] {
            let mut start = period.start(Day(0));
            for number in 0..50_000 {
                if Day(number) == period.next(start) {
                    start = Day(number);
                }
                assert_eq!(period.start(Day(number)), start, "{period:?} {number}");
            }
        }
    }
}
