//! Dates in all three forms that must be read (RFC 9110 section 5.6.7).

use crate::clock::{self, month_number, unix_seconds};

/// Seconds since 1970. `now_s` tells which century a year of two digits is of.
pub(crate) fn read(text: &[u8], now_s: u64) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    imf_fixdate(text).or_else(|| rfc_850(text, now_s)).or_else(|| asctime(text))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(text: &str) -> Option<u64> {
    let text = text.strip_suffix(" GMT").filter(|text| text.len() == 25)?;
    let date = (number(text, 12..16)?, month_number(text.get(8..11)?.as_bytes())?, number(text, 5..7)?);
    unix_seconds(date, time(text.get(17..)?)?)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`. A year that is more than 50 years ahead is of the century before.
fn rfc_850(text: &str, now_s: u64) -> Option<u64> {
    let (_, text) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let two_digits = number(text, 7..9).filter(|_| text.len() == 18)?;
    let (this_year, _, _) = clock::date_of_day((now_s / 86_400) as u32);
    let this_year = u64::from(this_year);
    let year = this_year / 100 * 100 + two_digits;
    let year = if year > this_year + 50 { year - 100 } else { year };
    unix_seconds(
        (year, month_number(text.get(3..6)?.as_bytes())?, number(text, 0..2)?),
        time(text.get(10..)?)?,
    )
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<u64> {
    let day = text.get(8..10).filter(|_| text.len() == 24)?.trim_ascii_start();
    let date = (number(text, 20..24)?, month_number(text.get(4..7)?.as_bytes())?, number(day, 0..day.len())?);
    unix_seconds(date, time(text.get(11..19)?)?)
}

fn time(text: &str) -> Option<(u64, u64, u64)> {
    let is_punctuated = text.len() == 8 && text.as_bytes()[2] == b':' && text.as_bytes()[5] == b':';
    is_punctuated.then_some(())?;
    // A leap second is the one before.
    Some((number(text, 0..2)?, number(text, 3..5)?, number(text, 6..8)?.min(59)))
}

fn number(text: &str, range: std::ops::Range<usize>) -> Option<u64> {
    let digits = text.get(range)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_798_761_600;

    #[track_caller]
    fn check(text: &str, want: Option<u64>) {
        assert_eq!(read(text.as_bytes(), NOW_S), want, "{text}");
    }

    #[test]
    fn three_forms() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
        check("Thu Jan 15 08:00:00 1970", Some(14 * 86_400 + 8 * 3_600));
        check("Friday, 01-Jan-27 00:00:00 GMT", Some(NOW_S));
        check("Monday, 01-Jan-79 00:00:00 GMT", Some(283_996_800));
    }

    #[test]
    fn no_dates() {
        for text in
            ["", "0", "-1", "yesterday", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT"]
        {
            check(text, None);
        }
        for text in [
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            check(text, None);
        }
        check("Sünday, 06-Növ-94 08:49:37 GMT", None);
    }
}
