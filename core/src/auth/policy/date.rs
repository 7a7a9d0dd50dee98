//! Dates of policies: W3C's ISO 8601, or seconds since 1970.

use crate::clock;

/// Whole seconds since 1970; `None` for what is no date, or before.
pub fn parse_seconds(text: &str) -> Option<u64> {
    parse(text).filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64)
}

/// Seconds since 1970. AWS takes `2020-04-01`, `2020-04-01T00:00Z`, `2020-04-01T00:00:00.5+02:00`, `1585699200`.
pub(super) fn parse(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<i64>()
        && text.len() != 4
    {
        return Some(seconds as f64);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2))?;
    let day = parts.next().map_or(Some(1), |day| digits(day, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let (time, offset_s) = split_zone(time)?;
    let (seconds, fraction) = seconds_of_day(time)?;
    let midnight = clock::unix_seconds((year, month, day), (0, 0, 0))?;
    Some(midnight as f64 + seconds as f64 + fraction - offset_s)
}

/// The time without its zone, and the zone in seconds east of Greenwich.
fn split_zone(time: &str) -> Option<(&str, f64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0.0));
    }
    let at = time.rfind(['+', '-'])?;
    let (time, zone) = time.split_at(at);
    let (hours, minutes) = zone[1..].split_once(':')?;
    let seconds = (digits(hours, 2).filter(|hours| *hours < 24)? * 3600 + digits(minutes, 2)? * 60) as f64;
    Some((time, if zone.starts_with('-') { -seconds } else { seconds }))
}

/// `12:36`, `12:36:05` or `12:36:05.25`
fn seconds_of_day(time: &str) -> Option<(u64, f64)> {
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (time, format!("0.{fraction}").parse().ok()?)
        }
        Some(_) => return None,
        None => (time, 0.0),
    };
    let mut parts = time.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let fits = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    fits.then_some((hour * 3600 + minute * 60 + second, fraction))
}

fn digits(text: &str, length: usize) -> Option<u64> {
    let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, want) in [
            ("2015-08-30T12:36:00Z", Some(1_440_938_160.0)),
            ("2015-08-30T12:36Z", Some(1_440_938_160.0)),
            ("2015-08-30T12:36:00.25Z", Some(1_440_938_160.25)),
            ("2015-08-30T14:36:00+02:00", Some(1_440_938_160.0)),
            ("2015-08-30T08:06:00-04:30", Some(1_440_938_160.0)),
            ("2015-08-30", Some(1_440_892_800.0)),
            ("2015-08", Some(1_438_387_200.0)),
            ("2015", Some(1_420_070_400.0)),
            ("1440938160", Some(1_440_938_160.0)),
            ("-5", Some(-5.0)),
            ("", None),
            ("2015-08-30T12:36:00", None),
            ("2015-13-30", None),
            ("2015-08-30T24:00:00Z", None),
            ("2015-08-30T12:36:00.Z", None),
            ("yesterday", None),
            ("2015-8-30", None),
            ("2015-08-30-01", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
