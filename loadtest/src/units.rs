//! Durations, sizes and rates as people write them, and back. Nothing here knows what they are for.

use std::time::Duration;

/// The longest duration that may be written: a day.
pub const DURATION_MAX: Duration = Duration::from_secs(86_400);

/// `5ms`, `1.5s`, `2m`; a bare number is seconds.
///
/// # Errors
/// In words, for the command line.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{text}` is not a duration; write it as 250us, 5ms, 1.5s, 2m or 1h")),
    };
    let seconds =
        seconds * decimal(number).ok_or_else(|| format!("`{text}` is not a duration like 5ms or 1.5s"))?;
    if seconds > DURATION_MAX.as_secs_f64() {
        return Err(format!("`{text}` is longer than a day"));
    }
    Ok(Duration::from_nanos((seconds * 1e9).round() as u64))
}

/// `512`, `16k`, `64KiB`, `1 MiB`: bytes. `k` and `M` count in 1024 like `KiB` and `MiB`.
///
/// # Errors
/// In words, for the command line.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1_048_576.0,
        "g" | "gb" | "gib" => 1_073_741_824.0,
        _ => return Err(format!("`{text}` is not a size; write it as 512, 64KiB or 1MiB")),
    };
    let bytes = bytes * decimal(number).ok_or_else(|| format!("`{text}` is not a size like 512 or 64KiB"))?;
    if bytes > 1e12 {
        return Err(format!("`{text}` is too large"));
    }
    Ok(bytes.round() as u64)
}

/// `1000`, `2.5k`, `1M`: events per second, above zero.
///
/// # Errors
/// In words, for the command line.
pub fn per_second(text: &str) -> Result<f64, String> {
    let (number, unit) = split(text.strip_suffix("/s").unwrap_or(text));
    let factor = match unit {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        _ => return Err(format!("`{text}` is not a rate; write it as 500, 2.5k or 1M (per second)")),
    };
    match decimal(number).map(|number| number * factor) {
        Some(rate) if rate > 0.0 && rate <= 1e8 => Ok(rate),
        Some(_) => Err(format!("a rate of `{text}` is not between 0 and 100M per second")),
        None => Err(format!("`{text}` is not a rate like 500 or 2.5k")),
    }
}

/// `0.1` or `10%`: a share between 0 and 1.
///
/// # Errors
/// In words, for the command line.
pub fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => decimal(percent).map(|percent| percent / 100.0),
        None => decimal(text),
    };
    share
        .filter(|share| *share <= 1.0)
        .ok_or_else(|| format!("`{text}` is not a share between 0 and 1, or 0% and 100%"))
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// Digits and at most one point: what `f64` reads besides (`inf`, `1e9`, signs) would be a slip here.
fn decimal(text: &str) -> Option<f64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    text.parse().ok()
}

/// Nanoseconds in three digits: `1.23 ms`.
pub fn show_nanoseconds(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds {
        0 => "0".to_owned(),
        1..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => three_digits(value / 1e3, "µs"),
        1_000_000..1_000_000_000 => three_digits(value / 1e6, "ms"),
        _ => three_digits(value / 1e9, "s"),
    }
}

/// A duration in three digits.
pub fn show_duration(duration: Duration) -> String {
    show_nanoseconds(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// Bytes in three digits: `1.23 MiB`.
pub fn show_bytes(bytes: f64) -> String {
    const STEPS: [(f64, &str); 3] = [(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB")];
    for (step, unit) in STEPS {
        if bytes >= step {
            return three_digits(bytes / step, unit);
        }
    }
    format!("{bytes:.0} B")
}

/// A count with separators: `12,345`.
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: whole numbers with separators from 100 on, one decimal below.
pub fn show_rate(rate: f64) -> String {
    if rate >= 100.0 { show_count(rate.round() as u64) } else { format!("{rate:.1}") }
}

fn three_digits(value: f64, unit: &str) -> String {
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let rows: &[(&str, Option<u64>)] = &[
            ("5ms", Some(5_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("2", Some(2_000_000_000)),
            ("100us", Some(100_000)),
            ("2m", Some(120_000_000_000)),
            ("0ms", Some(0)),
            ("5 ms", Some(5_000_000)),
            ("", None),
            ("ms", None),
            ("-1s", None),
            ("1e9s", None),
            ("25h", None),
            ("1.2.3s", None),
            ("5parsecs", None),
        ];
        for (text, want) in rows {
            assert_eq!(duration(text).ok().map(|duration| duration.as_nanos() as u64), *want, "{text}");
        }
    }

    #[test]
    fn sizes_rates_and_shares() {
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1 MiB"), Ok(1_048_576));
        assert_eq!(size("1.5k"), Ok(1536));
        assert!(size("many").is_err());
        assert_eq!(per_second("2.5k"), Ok(2500.0));
        assert_eq!(per_second("0.5"), Ok(0.5));
        assert_eq!(per_second("10k/s"), Ok(10_000.0));
        assert!(per_second("0").is_err());
        assert!(per_second("1e3").is_err());
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(share("101%").is_err());
    }

    #[test]
    fn shown() {
        assert_eq!(show_nanoseconds(1_234_567), "1.23 ms");
        assert_eq!(show_nanoseconds(999), "999 ns");
        assert_eq!(show_nanoseconds(12_345_678), "12.3 ms");
        assert_eq!(show_nanoseconds(123_456_789), "123 ms");
        assert_eq!(show_bytes(1536.0), "1.50 KiB");
        assert_eq!(show_count(1_234_567), "1,234,567");
        assert_eq!(show_count(123), "123");
        assert_eq!(show_rate(99_999.6), "100,000");
    }
}
