//! `report.html`: one page that needs nothing else, style and pictures are in it.

use askama::Template;

use super::chart::{Chart, charts};
use super::text::{ratio_text, show};
use super::{Report, Section};
use crate::side_by_side::measurement::{Phase, Quantity};
use crate::side_by_side::rival::Proxy;
use crate::side_by_side::scenario::Course;
use crate::side_by_side::statistics::Series;
use crate::side_by_side::trouble::Trouble;

/// The scenario that the first line of the page is about, if it was measured.
const FIRST: &str = "keep-alive-64";
/// Rivals in the first line.
const TILES_MAX: usize = 4;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report<'a>,
}

/// The page.
///
/// # Errors
/// Never for a report: writing to a text does not fail.
pub fn page(report: &Report<'_>) -> Result<String, Trouble> {
    Page { report }.render().map_err(|error| Trouble::World(error.to_string()))
}

impl Page<'_> {
    fn lead(&self) -> String {
        let value =
            |name| self.report.host.iter().find(|(its, _)| *its == name).map_or("", |(_, value)| value);
        format!("{}. {}, {}. {}.", self.report.date, value("CPU"), value("Kernel"), self.report.extent)
    }

    /// What CPU per request is in the first scenario, and of each rival's.
    fn tiles(&self) -> Vec<(String, String)> {
        let Some(scenario) = self.first() else { return Vec::new() };
        let phase = Phase::Saturation;
        let own = Series { scenario, phase, proxy: Proxy::Tidegate.name() };
        let Some(cpu) = self.report.results.spread(own, Quantity::CpuPerRequest) else { return Vec::new() };
        let first = (
            show(Quantity::CpuPerRequest, cpu.median),
            format!("CPU time per request of Tidegate, {scenario}"),
        );
        let rivals = Proxy::RIVALS.into_iter().filter_map(|rival| {
            let its = Series { scenario, phase, proxy: rival.name() };
            let ratio = self.report.results.ratio(own, its, Quantity::CpuPerRequest)?;
            Some((ratio_text(ratio.median), format!("of {rival}'s")))
        });
        std::iter::once(first).chain(rivals.take(TILES_MAX)).collect()
    }

    fn first(&self) -> Option<&'static str> {
        let saturated = |section: &&Section| section.scenario.course == Course::Saturation;
        let mut sections = self.report.sections.iter().filter(saturated).map(|section| section.scenario.name);
        sections.clone().find(|name| *name == FIRST).or_else(|| sections.next())
    }

    fn charts(&self, scenario: &str) -> Vec<Chart> {
        charts(self.report.results, scenario)
    }
}
