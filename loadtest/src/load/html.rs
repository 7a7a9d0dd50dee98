//! A run as one HTML page that needs nothing else: data, script and style are in it.

use std::borrow::Borrow;

use askama::Template;

use super::report::{Latency, Report};
use crate::units::{show_bytes, show_count, show_duration, show_nanoseconds, show_rate};

/// Kinds of requests that are listed; a mix may have thousands.
const MIX_LISTED_MAX: usize = 12;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    /// The report as JSON that cannot end the script element it stands in.
    data: String,
    plot_script: &'static str,
    plot_style: &'static str,
    plot_licence: &'static str,
}

/// The page.
///
/// # Errors
/// Never for a report: all its maps have string keys.
pub fn page(report: &Report) -> Result<String, String> {
    let data = serde_json::to_string(report).map_err(|error| error.to_string())?.replace('<', "\\u003c");
    let page = Page {
        report,
        data,
        // uPlot 1.6.32 as published on npm; only the scheme of its address is taken out of the banner, so that a page
        // without links has none.
        plot_script: include_str!("../../assets/uPlot.iife.min.js"),
        plot_style: include_str!("../../assets/uPlot.min.css"),
        plot_licence: include_str!("../../assets/uPlot.LICENSE"),
    };
    page.render().map_err(|error| error.to_string())
}

/// Words for the template, which passes some values by reference and some not.
impl Page<'_> {
    fn lead(&self) -> String {
        let setup = &self.report.setup;
        let per_connection = setup.requests_per_connection.map_or_else(String::new, |requests| {
            format!(
                ", a new one after {} request{}",
                show_count(requests.into()),
                if requests == 1 { "" } else { "s" }
            )
        });
        let load = match setup.arrivals {
            Some(arrivals) => format!("Open loop, {arrivals} arrivals"),
            None => "Closed loop".to_owned(),
        };
        format!(
            "{load}, {} connections{per_connection}, {:.1} s",
            show_count(setup.connections as u64),
            self.report.seconds
        )
    }

    fn latency_hint(&self) -> &'static str {
        match self.report.service {
            Some(_) => {
                "Counted from the time each request was due, so a stall of the target counts for every request it held up."
            }
            None => {
                "Counted from sending: in a closed loop a stall of the target counts once per connection."
            }
        }
    }

    fn tiles(&self) -> Vec<(&'static str, u64)> {
        let shown = [
            ("p50", "median latency"),
            ("p99", "99 % are faster"),
            ("p99.9", "99.9 % are faster"),
            ("max", "slowest"),
        ];
        shown.map(|(name, words)| (words, self.report.latency.quantile(name))).to_vec()
    }

    fn quantile_rows(&self) -> Vec<(&'static str, Vec<String>)> {
        let report = self.report;
        let columns: Vec<&Latency> =
            [Some(&report.latency), report.service.as_ref(), report.lateness.as_ref()]
                .into_iter()
                .flatten()
                .collect();
        let row =
            |index: usize| columns.iter().map(|column| show_nanoseconds(column.quantiles[index].1)).collect();
        report.latency.quantiles.iter().enumerate().map(|(index, (name, _))| (*name, row(index))).collect()
    }

    fn mix(&self) -> Vec<(String, String)> {
        let mix = &self.report.setup.mix;
        let mut rows: Vec<(String, String)> = mix
            .iter()
            .take(MIX_LISTED_MAX)
            .map(|(label, share)| (label.clone(), format!("{:.1} %", share * 100.0)))
            .collect();
        if mix.len() > MIX_LISTED_MAX {
            rows.push((format!("and {} more", mix.len() - MIX_LISTED_MAX), String::new()));
        }
        rows
    }

    fn own_cpu(&self) -> String {
        format!("{:.0} %", self.report.threads.iter().map(|thread| thread.cpu_share).sum::<f64>() * 100.0)
    }

    /// UTC, by Howard Hinnant's `civil_from_days`.
    fn ended(&self) -> String {
        let (days, second) = (self.report.ended_at / 86_400 + 719_468, self.report.ended_at % 86_400);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second / 60 % 60)
    }

    fn timeline_hint(&self) -> String {
        let length = show_duration(std::time::Duration::from_secs_f64(self.report.timeline_length));
        let worst =
            if self.report.timeline_length > 1.5 { "Worst second of each" } else { "Quantiles of each" };
        format!("{worst} {length}, logarithmic.")
    }

    fn time(&self, nanoseconds: impl Borrow<u64>) -> String {
        show_nanoseconds(*nanoseconds.borrow())
    }

    fn rate(&self, rate: impl Borrow<f64>) -> String {
        show_rate(*rate.borrow())
    }

    fn count(&self, count: impl Borrow<u64>) -> String {
        show_count(*count.borrow())
    }

    fn bytes(&self, bytes: impl Borrow<f64>) -> String {
        show_bytes(*bytes.borrow())
    }
}
