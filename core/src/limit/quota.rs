//! Quotas: so many requests in each day, week or month of UTC.

use std::fmt;

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

    /// Reads `2026-11-25`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let is_date = (year.len(), month.len(), day.len()) == (4, 2, 2);
        let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let day = Self(clock::day_of_date(date)?);
        (is_date && clock::date_of_day(day.0) == date).then_some(day)
    }

    /// Its first moment.
    pub fn start_ms(self) -> u64 {
        u64::from(self.0) * DAY_MS
    }
}

/// `2026-11-25`
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = clock::date_of_day(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
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

    /// Seconds of the longest one.
    pub(super) fn longest_s(self) -> u64 {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
        };
        days * 86_400
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
        Day::parse(text).expect("a day of the calendar")
    }

    #[test]
    fn days_are_dates() {
        for number in 0..60_000 {
            assert_eq!(Day::parse(&Day(number).to_string()), Some(Day(number)));
        }
        assert_eq!(day("1970-01-01"), Day(0));
        assert_eq!(Day::of(1_795_608_000_000).to_string(), "2026-11-25");
        for text in
            ["", "2026", "2026-02-30", "2026-13-01", "2026-1-1", "1969-12-31", "x-y-z", "2026-11-25-1"]
        {
            assert_eq!(Day::parse(text), None, "{text}");
        }
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
