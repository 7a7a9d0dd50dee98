//! Time as an argument, and the two texts that dates are sent as. Nothing here reads a clock.

/// The moment at which something is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Milliseconds since 1970-01-01 00:00:00 UTC.
    pub unix_ms: u64,
    /// Nanoseconds of a clock that never goes back.
    pub monotonic_ns: u64,
}

impl Now {
    /// Milliseconds that have passed since `earlier`.
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.monotonic_ns.saturating_sub(earlier.monotonic_ns) / 1_000_000
    }
}

/// The `Date` field value of the current second (RFC 9110 section 5.6.7), written once a second.
#[derive(Clone, Debug)]
pub struct HttpDate {
    second: u64,
    text: [u8; 29],
}

impl Default for HttpDate {
    fn default() -> Self {
        Self { second: 0, text: http_date(0) }
    }
}

impl HttpDate {
    /// The text for `now`.
    pub fn text(&mut self, now: Now) -> &[u8; 29] {
        let second = now.unix_ms / 1000;
        if second != self.second {
            *self = Self { second, text: http_date(second) };
        }
        &self.text
    }
}

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
const DAYS: &[u8; 21] = b"ThuFriSatSunMonTueWed";

struct Civil {
    year: u64,
    month: usize,
    day: u64,
    seconds: u64,
}

/// Howard Hinnant's `civil_from_days`, for days since 1970 that are not negative.
fn civil(second: u64) -> Civil {
    let z = second / 86_400 + 719_468;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + z / 146_097 * 400 + u64::from(month <= 2);
    Civil {
        year,
        month: month as usize,
        day: day_of_year - (153 * shifted + 2) / 5 + 1,
        seconds: second % 86_400,
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn http_date(second: u64) -> [u8; 29] {
    let date = civil(second);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let weekday = (second / 86_400 % 7) as usize;
    text[..3].copy_from_slice(&DAYS[weekday * 3..weekday * 3 + 3]);
    digits(&mut text[5..7], date.day);
    text[8..11].copy_from_slice(month_name(date.month));
    digits(&mut text[12..16], date.year);
    time_of_day(&mut text[17..25], date.seconds);
    text
}

/// `06/Nov/1994:08:49:37 +0000`: the Common Log Format's time, as `$context.requestTime` is written.
pub fn common_log_time(unix_ms: u64) -> [u8; 26] {
    let date = civil(unix_ms / 1000);
    let mut text = *b"01/Jan/1970:00:00:00 +0000";
    digits(&mut text[..2], date.day);
    text[3..6].copy_from_slice(month_name(date.month));
    digits(&mut text[7..11], date.year);
    time_of_day(&mut text[12..20], date.seconds);
    text
}

/// Year, month and day of month of a day that is counted from 1970-01-01.
pub fn date_of_day(day: u32) -> (u32, u32, u32) {
    let date = civil(u64::from(day) * 86_400);
    (date.year as u32, date.month as u32, date.day as u32)
}

/// The day, counted from 1970-01-01, of a year, month and day of month that need not be in the calendar. The inverse of
/// [`date_of_day`]; Howard Hinnant's `days_from_civil`.
pub fn day_of_date((year, month, day): (u32, u32, u32)) -> Option<u32> {
    let shifted = (month + 9) % 12;
    let year = year.checked_sub(u32::from(month <= 2))?;
    let year_of_era = year % 400;
    let day_of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (year / 400 * 146_097 + day_of_era).checked_sub(719_468)
}

/// The day of the month (1 to 31) of a day that is counted from 1970-01-01.
pub fn day_of_month(day: u32) -> u32 {
    date_of_day(day).2
}

fn month_name(month: usize) -> &'static [u8] {
    &MONTHS[(month - 1) * 3..month * 3]
}

fn time_of_day(text: &mut [u8], seconds: u64) {
    digits(&mut text[..2], seconds / 3600);
    digits(&mut text[3..5], seconds / 60 % 60);
    digits(&mut text[6..8], seconds % 60);
}

fn digits(text: &mut [u8], mut number: u64) {
    for place in text.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(second: u64, http: &str, log: &str) {
        assert_eq!(std::str::from_utf8(&http_date(second)), Ok(http));
        assert_eq!(std::str::from_utf8(&common_log_time(second * 1000 + 999)), Ok(log));
    }

    #[test]
    fn dates() {
        check(0, "Thu, 01 Jan 1970 00:00:00 GMT", "01/Jan/1970:00:00:00 +0000");
        check(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "06/Nov/1994:08:49:37 +0000");
        check(951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT", "29/Feb/2000:12:34:56 +0000");
        check(1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT", "29/Feb/2024:23:59:59 +0000");
        check(1_798_761_600, "Fri, 01 Jan 2027 00:00:00 GMT", "01/Jan/2027:00:00:00 +0000");
        check(4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT", "31/Dec/2099:23:59:59 +0000");
    }

    #[test]
    fn the_date_is_rewritten_when_the_second_changes() {
        let mut date = HttpDate::default();
        let at = |unix_ms| Now { unix_ms, monotonic_ns: 0 };
        assert_eq!(date.text(at(784_111_777_500)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.text(at(784_111_778_000)), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
