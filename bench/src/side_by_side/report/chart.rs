//! Pictures as SVG: bars with their spread, and ranges of latencies. Colours are the page's, by class.

use std::fmt::Write as _;

use super::tables::{ordered, shown};
use super::text::show;
use crate::side_by_side::measurement::{Phase, Quantity};
use crate::side_by_side::rival::Proxy;
use crate::side_by_side::statistics::{Results, Series, Spread};

/// A picture.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub hint: &'static str,
    /// The picture.
    pub svg: String,
}

/// Width of a picture; the page scales it.
const WIDTH: f64 = 420.0;
/// Where bars end; numbers are right of it.
const RIGHT: f64 = 334.0;
/// Width of a letter in bold, as good as it can be known here.
const LETTER: f64 = 8.2;
/// Height of a row, and of what is above the first.
const ROW: f64 = 29.0;
const TOP: f64 = 6.0;

/// A proxy in a picture of bars.
struct Bar<'a> {
    proxy: &'a str,
    /// Lengths one behind the other, with their classes.
    parts: Vec<(&'static str, f64)>,
    spread: Spread,
    text: String,
}

/// A proxy in a picture of latencies.
struct Range<'a> {
    proxy: &'a str,
    marks: [f64; 3],
}

/// All pictures of a scenario.
pub fn charts(results: &Results, scenario: &str) -> Vec<Chart> {
    let one = |phase, quantity, title, hint| bar_chart(results, scenario, phase, quantity, title, hint);
    let cpu = |phase, title| cpu_chart(results, scenario, phase, title);
    let latency = |phase, title| latency_chart(results, scenario, phase, title);
    let saturated = results.proxies(scenario, Phase::Saturation).is_empty();
    let all = [
        cpu(Phase::Saturation, "CPU time per request, saturated"),
        one(Phase::Saturation, Quantity::Rate, "Requests per second, saturated", "Longer is better."),
        saturated.then(|| cpu(Phase::FixedRate, "CPU time per request, at the fixed rate")).flatten(),
        latency(Phase::FixedRate, "Latency at a fixed rate"),
        one(Phase::Loading, Quantity::Loading, "Loading the configuration", "Shorter is better."),
        one(Phase::Idle, Quantity::PssPerConnection, "Memory per idle connection", "Shorter is better."),
        latency(Phase::Steady, "Latency without reloads"),
        latency(Phase::Reloading, "Latency with reloads"),
    ];
    all.into_iter().flatten().collect()
}

fn bar_chart(
    results: &Results,
    scenario: &str,
    phase: Phase,
    quantity: Quantity,
    title: &str,
    hint: &'static str,
) -> Option<Chart> {
    let proxies = results.proxies(scenario, phase);
    let bar = |proxy| {
        let spread = results.spread(Series { scenario, phase, proxy }, quantity)?;
        let (parts, text) = (vec![("system", spread.median.max(0.0))], show(quantity, spread.median));
        Some(Bar { proxy, parts, spread, text })
    };
    let bars: Vec<Bar<'_>> = ordered(&proxies).into_iter().filter_map(bar).collect();
    (!bars.is_empty()).then(|| Chart { title: title.to_owned(), hint, svg: bars_svg(&bars) })
}

/// The parts are the medians of user and system time, scaled to the median of their sum.
fn cpu_chart(results: &Results, scenario: &str, phase: Phase, title: &str) -> Option<Chart> {
    let proxies = results.proxies(scenario, phase);
    let bar = |proxy| {
        let of = |quantity| results.spread(Series { scenario, phase, proxy }, quantity);
        let (spread, user, system) = (
            of(Quantity::CpuPerRequest)?,
            of(Quantity::UserPerRequest)?.median,
            of(Quantity::SystemPerRequest)?.median,
        );
        let scale = spread.median / (user + system).max(f64::MIN_POSITIVE);
        let parts = vec![("user", user * scale), ("system", system * scale)];
        Some(Bar { proxy, parts, spread, text: show(Quantity::CpuPerRequest, spread.median) })
    };
    let bars: Vec<Bar<'_>> = ordered(&proxies).into_iter().filter_map(bar).collect();
    let hint = "Dark: user space. Light: kernel. Shorter is better.";
    (!bars.is_empty()).then(|| Chart { title: title.to_owned(), hint, svg: bars_svg(&bars) })
}

fn latency_chart(results: &Results, scenario: &str, phase: Phase, title: &str) -> Option<Chart> {
    let proxies = results.proxies(scenario, phase);
    let range = |proxy| {
        let of = |quantity| Some(results.spread(Series { scenario, phase, proxy }, quantity)?.median);
        Some(Range { proxy, marks: [of(Quantity::P50)?, of(Quantity::P99)?, of(Quantity::P999)?] })
    };
    let ranges: Vec<Range<'_>> = ordered(&proxies).into_iter().filter_map(range).collect();
    let asked =
        results.spread(Series { scenario, phase, proxy: Proxy::Tidegate.name() }, Quantity::RateAsked);
    let title =
        asked.map_or(title.to_owned(), |rate| format!("{title}, {}", show(Quantity::Rate, rate.median)));
    let hint =
        "Small, middle, large dot: p50, p99, p99.9; in numbers p99. Logarithmic; further left is better.";
    (!ranges.is_empty()).then(|| Chart { title, hint, svg: ranges_svg(&ranges) })
}

// Writing to a string does not fail, so the results of `write!` say nothing.

fn bars_svg(bars: &[Bar<'_>]) -> String {
    let most = bars.iter().map(|bar| bar.spread.most).fold(f64::MIN_POSITIVE, f64::max);
    let left = left_of(bars.iter().map(|bar| bar.proxy));
    let x = |value: f64| left + (RIGHT - left) * (value / most).clamp(0.0, 1.0);
    let height = TOP + ROW * bars.len() as f64 + 4.0;
    let mut out = begin(height);
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        row_begin(&mut out, bar.proxy, left, y);
        let mut from = 0.0;
        for (class, length) in &bar.parts {
            let width = x(from + length) - x(from);
            let _ = write!(
                out,
                r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="{width:.1}" height="17"/>"#,
                x(from),
                y + 6.0
            );
            from += length;
        }
        whisker(&mut out, x(bar.spread.least), x(bar.spread.most), y + 14.5);
        let _ = write!(out, r#"<text class="value" x="{WIDTH}" y="{:.1}">{}</text></g>"#, y + 19.0, bar.text);
    }
    out + "</svg>"
}

fn ranges_svg(ranges: &[Range<'_>]) -> String {
    let (least, most) = decades(ranges.iter().flat_map(|range| range.marks));
    let left = left_of(ranges.iter().map(|range| range.proxy));
    let x = |value: f64| {
        left + (RIGHT - left) * ((value.max(1.0).log10() - least) / (most - least)).clamp(0.0, 1.0)
    };
    let bottom = TOP + ROW * ranges.len() as f64;
    let mut out = begin(bottom + 26.0);
    for decade in least as i32..=most as i32 {
        let (at, text) = (x(10f64.powi(decade)), decade_text(decade));
        let _ = write!(out, r#"<line class="grid" x1="{at:.1}" y1="{TOP}" x2="{at:.1}" y2="{bottom}"/>"#);
        let _ = write!(out, r#"<text class="tick" x="{at:.1}" y="{:.1}">{text}</text>"#, bottom + 18.0);
    }
    for (index, range) in ranges.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        row_begin(&mut out, range.proxy, left, y);
        let [p50, p99, p999] = range.marks;
        let middle = y + 14.5;
        let _ = write!(
            out,
            r#"<line class="range" x1="{:.1}" y1="{middle}" x2="{:.1}" y2="{middle}"/>"#,
            x(p50),
            x(p999)
        );
        for (mark, radius) in [(p50, 3.5), (p99, 5.0), (p999, 6.5)] {
            let _ = write!(out, r#"<circle class="mark" cx="{:.1}" cy="{middle}" r="{radius}"/>"#, x(mark));
        }
        let _ = write!(
            out,
            r#"<text class="value" x="{WIDTH}" y="{:.1}">{}</text></g>"#,
            y + 19.0,
            show(Quantity::P99, p99)
        );
    }
    out + "</svg>"
}

fn begin(height: f64) -> String {
    format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img">"#)
}

/// Where bars begin: all names fit left of it.
fn left_of<'a>(proxies: impl Iterator<Item = &'a str>) -> f64 {
    let letters = proxies.map(|proxy| shown(proxy).chars().count()).max().unwrap_or(0);
    (letters as f64 * LETTER + 12.0).max(80.0)
}

fn row_begin(out: &mut String, proxy: &str, left: f64, y: f64) {
    let class = match proxy {
        _ if proxy.starts_with(Proxy::Tidegate.name()) => "own",
        _ if proxy == Proxy::Floor.name() => "bound",
        _ => "rival",
    };
    let _ = write!(
        out,
        r#"<g class="{class}"><text class="name" x="{:.1}" y="{:.1}">{}</text>"#,
        left - 10.0,
        y + 19.0,
        shown(proxy)
    );
}

fn whisker(out: &mut String, from: f64, to: f64, y: f64) {
    if to - from < 1.0 {
        return;
    }
    let (above, below) = (y - 4.0, y + 4.0);
    let _ = write!(
        out,
        r#"<path class="whisker" d="M{from:.1} {above}V{below}M{from:.1} {y}H{to:.1}M{to:.1} {above}V{below}"/>"#
    );
}

/// Powers of ten around all values, at least one apart.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.map(|value| value.max(1.0).log10()).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min).floor();
    let most = values.iter().copied().fold(0.0, f64::max).ceil();
    (least, most.max(least + 1.0))
}

fn decade_text(decade: i32) -> String {
    let (number, unit) = match decade {
        ..3 => (decade, "ns"),
        3..6 => (decade - 3, "µs"),
        6..9 => (decade - 6, "ms"),
        _ => (decade - 9, "s"),
    };
    format!("{} {unit}", 10f64.powi(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side_by_side::measurement::Measurement;

    #[test]
    fn axes() {
        assert_eq!(decades([150e3, 2.3e6].into_iter()), (5.0, 7.0));
        assert_eq!(decades([1e6].into_iter()), (6.0, 7.0));
        assert_eq!(
            [decade_text(2), decade_text(5), decade_text(6), decade_text(9)],
            ["100 ns", "100 µs", "1 ms", "1 s"]
        );
    }

    #[test]
    fn what_was_measured_is_shown() {
        let measurement = |phase, numbers: &[(Quantity, f64)]| {
            numbers.iter().fold(Measurement::new("s", phase, "tidegate", 1), |it, (quantity, value)| {
                it.with(*quantity, *value)
            })
        };
        let measurements = vec![
            measurement(Phase::Saturation, &[(Quantity::Rate, 87_440.0)]),
            measurement(
                Phase::FixedRate,
                &[
                    (Quantity::RateAsked, 5e4),
                    (Quantity::P50, 1e5),
                    (Quantity::P99, 1e6),
                    (Quantity::P999, 4e6),
                ],
            ),
        ];
        let charts = charts(&Results { measurements, ..Results::default() }, "s");
        let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
        assert_eq!(titles, ["Requests per second, saturated", "Latency at a fixed rate, 50,000/s"]);
        assert!(charts[0].svg.contains(">87,440/s<") && charts[1].svg.contains(">1.00 ms<"));
    }
}
