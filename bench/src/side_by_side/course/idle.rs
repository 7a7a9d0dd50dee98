//! Memory of connections that wait.

use std::time::Duration;

use super::Session;
use crate::side_by_side::http::Connection;
use crate::side_by_side::journal::Journal;
use crate::side_by_side::measurement::{Phase, Quantity};
use crate::side_by_side::rival::path;
use crate::side_by_side::stand::Contender;
use crate::side_by_side::trouble::Trouble;

/// What a proxy does behind its last answer is done by then.
const SETTLED: Duration = Duration::from_millis(300);

/// All rounds: memory with so many idle connections, less that without.
pub fn run(session: &Session<'_>, journal: &mut Journal, connections: usize) -> Result<(), Trouble> {
    session.interleaved(journal, Phase::Idle, |contender, blank, _| {
        let process = session.stand.start(contender, session.origin)?;
        session.stand.warm_up(&session.stand.load(session.scenario, contender))?;
        session.stand.interrupt.sleep(SETTLED)?;
        let without = process.memory();
        let held = hold(session, contender, connections)?;
        session.stand.interrupt.sleep(SETTLED)?;
        let with = process.memory();
        drop(held);
        let per_connection = (with.pss as f64 - without.pss as f64) / connections as f64;
        Ok(blank.with(Quantity::PssPerConnection, per_connection).with_memory(with))
    })
}

/// Opens them one after the other. Each has its answer before the next begins, so one connection to the origin serves
/// them all, and what is measured is the clients' side.
fn hold(
    session: &Session<'_>,
    contender: &Contender,
    connections: usize,
) -> Result<Vec<Connection>, Trouble> {
    let mut held = Vec::with_capacity(connections);
    for number in 0..connections {
        session.stand.interrupt.check()?;
        let at = |error| Trouble::doing(format!("connection {} of {connections}", number + 1), &error);
        let mut connection = Connection::open(contender.setting.listen).map_err(at)?;
        let answer = connection.get(&path(0), "").map_err(at)?;
        if answer.status != 200 {
            return Err(Trouble::World(format!("connection {}: status {}", number + 1, answer.status)));
        }
        held.push(connection);
    }
    Ok(held)
}
