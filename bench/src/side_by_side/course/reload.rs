//! A changed configuration under load.

use std::time::{Duration, Instant};

use super::Session;
use crate::side_by_side::journal::Journal;
use crate::side_by_side::load::Load;
use crate::side_by_side::measurement::{Measurement, Phase, Quantity};
use crate::side_by_side::process::Started;
use crate::side_by_side::rival::Reload;
use crate::side_by_side::stand::Contender;
use crate::side_by_side::trouble::Trouble;

/// From one reload to the next.
const EVERY: Duration = Duration::from_secs(1);

/// All rounds without reloads, then all with.
pub fn run(session: &Session<'_>, journal: &mut Journal, rate: u32) -> Result<(), Trouble> {
    super::load::at(session, journal, Phase::Steady, Some(rate))?;
    let (offering, others): (Vec<Contender>, Vec<Contender>) =
        session.contenders.iter().cloned().partition(|it| it.found.reload(&it.setting) != Reload::NotOffered);
    for contender in others {
        journal.remark(session.scenario.name, format!("{}: reload not offered", contender.name));
    }
    let session = &Session { contenders: &offering, ..*session };
    session.interleaved(journal, Phase::Reloading, |contender, blank, journal| {
        let process = session.stand.start(contender, session.origin)?;
        // Failures are what is asked for here.
        let load =
            Load { rate: Some(rate), may_fail: true, ..session.stand.load(session.scenario, contender) };
        session.stand.warm_up(&load)?;
        reloading(session, contender, &process, &load, blank, journal)
    })
}

fn reloading(
    session: &Session<'_>,
    contender: &Contender,
    process: &Started,
    load: &Load,
    blank: Measurement,
    journal: &mut Journal,
) -> Result<Measurement, Trouble> {
    let mut running = load.start()?;
    let reloads = reload_until_the_end(session, &contender.found.reload(&contender.setting), process, load)?;
    let report = load.finish(&mut running, &session.stand.interrupt)?;
    // No CPU time: that of workers which ended on the way went with them.
    let measurement = blank.with_load(&report).with_memory(process.memory());
    session.told(load, measurement.with(Quantity::Reloads, reloads as f64), &report, journal)
}

/// The first after half the interval, so that there is one in short runs, too.
fn reload_until_the_end(
    session: &Session<'_>,
    reload: &Reload,
    process: &Started,
    load: &Load,
) -> Result<usize, Trouble> {
    let begin = Instant::now();
    let mut reloads = 0;
    let mut next = EVERY.min(load.duration) / 2;
    while next < load.duration {
        session.stand.interrupt.sleep(next.saturating_sub(begin.elapsed()))?;
        reload.perform(process, reloads)?;
        reloads += 1;
        next += EVERY;
    }
    Ok(reloads)
}
