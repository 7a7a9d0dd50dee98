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

/// `19941106T084937Z`: ISO 8601 without punctuation, as AWS signatures write it.
pub fn basic_iso_8601(second: u64) -> [u8; 16] {
    let date = civil(second);
    let mut text = *b"19700101T000000Z";
    digits(&mut text[..4], date.year);
    digits(&mut text[4..6], date.month as u64);
    digits(&mut text[6..8], date.day);
    digits(&mut text[9..11], date.seconds / 3600);
    digits(&mut text[11..13], date.seconds / 60 % 60);
    digits(&mut text[13..15], date.seconds % 60);
    text
}

/// `Sun Nov 06 08:49:37 UTC 1994`, as Java's `Date.toString`.
pub fn java_date(second: u64) -> String {
    let date = http_date(second);
    let [weekday, day, month, year, time] =
        [0..3, 5..7, 8..11, 12..16, 17..25].map(|part| String::from_utf8_lossy(&date[part]));
    format!("{weekday} {month} {day} {time} UTC {year}")
}

/// `1994-11-06T08:49:37Z`
pub fn iso_8601(second: u64) -> [u8; 20] {
    let date = civil(second);
    let mut text = *b"1970-01-01T00:00:00Z";
    digits(&mut text[..4], date.year);
    digits(&mut text[5..7], date.month as u64);
    digits(&mut text[8..10], date.day);
    time_of_day(&mut text[11..19], date.seconds);
    text
}

/// Seconds since 1970 of (year, month, day) and (hour, minute, second); `None` when there is no such time, or before.
pub fn unix_seconds(date: (u64, u64, u64), time: (u64, u64, u64)) -> Option<u64> {
    let ((year, month, day), (hour, minute, second)) = (date, time);
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = day_of_date((year as u32, month as u32, day as u32))?;
    let seconds = u64::from(days) * 86_400 + hour * 3600 + minute * 60 + second;
    let back = civil(seconds);
    (back.year == year && back.month as u64 == month && back.day == day).then_some(seconds)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the only form of a date that may be sent (RFC 9110 section 5.6.7).
pub fn parse_http_date(text: &[u8]) -> Option<u64> {
    let text: &[u8; 29] = text.try_into().ok()?;
    let number = |range: std::ops::Range<usize>| std::str::from_utf8(&text[range]).ok()?.parse().ok();
    let month = month_number(&text[8..11])?;
    let (date, time) =
        ((number(12..16)?, month, number(5..7)?), (number(17..19)?, number(20..22)?, number(23..25)?));
    let second = unix_seconds(date, time)?;
    // Whatever was lenient above, the weekday and the punctuation are compared here.
    (http_date(second) == *text).then_some(second)
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

/// The three letters of a month (1 to 12).
pub(crate) fn month_name(month: usize) -> &'static [u8] {
    &MONTHS[(month - 1) * 3..month * 3]
}

/// The month (1 to 12) of three letters.
pub(crate) fn month_number(name: &[u8]) -> Option<u64> {
    Some(MONTHS.chunks_exact(3).position(|month| month == name)? as u64 + 1)
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
    fn dates_are_read_back() {
        for second in (0..4_102_444_800).step_by(86_399 * 17) {
            assert_eq!(parse_http_date(&http_date(second)), Some(second));
            let date = civil(second);
            let time = (date.seconds / 3600, date.seconds / 60 % 60, date.seconds % 60);
            assert_eq!(unix_seconds((date.year, date.month as u64, date.day), time), Some(second));
        }
        assert_eq!(&iso_8601(784_111_777), b"1994-11-06T08:49:37Z");
        assert_eq!(&basic_iso_8601(784_111_777), b"19941106T084937Z");
        assert_eq!(unix_seconds((2023, 2, 29), (0, 0, 0)), None);
        assert_eq!(unix_seconds((1969, 12, 31), (0, 0, 0)), None);
        assert_eq!(parse_http_date(b"Sun, +6 Nov 1994 08:49:37 GMT"), None);
    }

    #[test]
    fn the_date_is_rewritten_when_the_second_changes() {
        let mut date = HttpDate::default();
        let at = |unix_ms| Now { unix_ms, monotonic_ns: 0 };
        assert_eq!(date.text(at(784_111_777_500)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.text(at(784_111_778_000)), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
