//! Numbers as people read them.

use crate::side_by_side::measurement::Quantity;
use crate::side_by_side::statistics::Spread;

/// A number with its unit.
pub fn show(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::Seconds => format!("{value:.1} s"),
        Quantity::Requests | Quantity::Failed | Quantity::Unsent | Quantity::Reloads => count(value),
        Quantity::RateAsked | Quantity::Rate => format!("{}/s", count(value)),
        Quantity::CpuPerRequest
        | Quantity::UserPerRequest
        | Quantity::SystemPerRequest
        | Quantity::CpuWithOriginPerRequest
        | Quantity::P50
        | Quantity::P99
        | Quantity::P999
        | Quantity::Worst
        | Quantity::Loading => time(value),
        Quantity::CpuShare | Quantity::LoadCpuShare | Quantity::ClientCpuShare => {
            format!("{:.0} %", value * 100.0)
        }
        Quantity::BytesPerCpuSecond => format!("{}/s", bytes(value)),
        Quantity::Rss | Quantity::Pss | Quantity::PssPerConnection => bytes(value),
    }
}

/// A ratio.
pub fn ratio_text(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.2}") }
}

/// The median, and the spread behind it where there is one.
pub fn show_spread(spread: Option<Spread>, text: impl Fn(f64) -> String) -> String {
    match spread {
        None => "–".to_owned(),
        Some(Spread { least, median, most }) if least == most => text(median),
        Some(Spread { least, median, most }) => format!("{} ({}..{})", text(median), text(least), text(most)),
    }
}

fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(nanoseconds: f64) -> String {
    let size = nanoseconds.abs();
    match size {
        _ if size < 999.5 => format!("{nanoseconds:.0} ns"),
        _ if size < 999.5e3 => format!("{} µs", digits(nanoseconds / 1e3)),
        _ if size < 999.5e6 => format!("{} ms", digits(nanoseconds / 1e6)),
        _ => format!("{} s", digits(nanoseconds / 1e9)),
    }
}

fn bytes(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size < 1024.0 => format!("{value:.0} B"),
        _ if size < 1024.0 * 1024.0 => format!("{} KiB", digits(value / 1024.0)),
        _ if size < 1024.0 * 1024.0 * 1024.0 => format!("{} MiB", digits(value / 1024.0 / 1024.0)),
        _ => format!("{} GiB", digits(value / 1024.0 / 1024.0 / 1024.0)),
    }
}

/// Three of them that count.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |quantity, value, want: &str| assert_eq!(show(quantity, value), want);
        check(Quantity::Rate, 1_234_567.4, "1,234,567/s");
        check(Quantity::Failed, 0.0, "0");
        check(Quantity::P99, 950.0, "950 ns");
        check(Quantity::P99, 11_234.0, "11.2 µs");
        check(Quantity::P99, 9_999.0, "10.0 µs");
        check(Quantity::Worst, -2_000_000.0, "-2.00 ms");
        check(Quantity::Loading, 1.5e9, "1.50 s");
        check(Quantity::Pss, 3.0 * 1024.0 * 1024.0, "3.00 MiB");
        check(Quantity::PssPerConnection, 1000.0, "1000 B");
        check(Quantity::CpuShare, 0.987, "99 %");
        assert_eq!((ratio_text(0.654), ratio_text(12.34)), ("0.65".to_owned(), "12.3".to_owned()));
    }

    #[test]
    fn spreads() {
        let spread = Spread { least: 0.5, median: 1.0, most: 2.0 };
        assert_eq!(show_spread(Some(spread), ratio_text), "1.00 (0.50..2.00)");
        assert_eq!(show_spread(Some(Spread { least: 1.0, median: 1.0, most: 1.0 }), ratio_text), "1.00");
        assert_eq!(show_spread(None, ratio_text), "–");
    }
}
