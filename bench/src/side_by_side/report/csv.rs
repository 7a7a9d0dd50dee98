//! `raw.csv`: a row for each measurement, by RFC 4180.

use crate::side_by_side::measurement::{Measurement, Quantity};

/// Names of the columns.
pub fn header() -> String {
    let quantities = Quantity::ALL.map(Quantity::name);
    let first = ["scenario", "phase", "round", "proxy"];
    line(first.into_iter().chain(quantities).chain(["failure", "notes"]).map(str::to_owned))
}

/// A measurement.
pub fn row(it: &Measurement) -> String {
    let first = [it.scenario.to_owned(), it.phase.name().to_owned(), it.round.to_string(), it.proxy.clone()];
    let numbers = Quantity::ALL.map(|quantity| it.number(quantity).map_or_else(String::new, number));
    let last = [
        it.failure.clone().unwrap_or_default(),
        it.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join("; "),
    ];
    line(first.into_iter().chain(numbers).chain(last))
}

fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(",") + "\n"
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side_by_side::measurement::Phase;

    #[test]
    fn rows() {
        let measurement = Measurement::new("reload", Phase::Steady, "nginx, 1 route", 2)
            .with(Quantity::Seconds, 1.5)
            .with(Quantity::Requests, 3000.0)
            .with(Quantity::P99, f64::NAN)
            .failed("it said \"no\"");
        let row = row(&measurement);
        assert!(row.starts_with("reload,steady,2,\"nginx, 1 route\",1.5,3000,,"), "{row}");
        assert!(row.ends_with(",\"it said \"\"no\"\"\",\n"), "{row}");
        assert_eq!(header().matches(',').count(), 4 + Quantity::ALL.len() + 1);
    }
}
