//! Many routes beside one: what a lookup among them costs, and how long they take to load.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Session, load};
use crate::side_by_side::journal::Journal;
use crate::side_by_side::measurement::{Phase, Quantity};
use crate::side_by_side::rival::{Found, Proxy};
use crate::side_by_side::stand::Entrant;
use crate::side_by_side::trouble::Trouble;

/// Whether this proxy is asked: the others' configuration has no routes.
pub fn takes(proxy: Proxy) -> bool {
    matches!(proxy, Proxy::Tidegate | Proxy::Nginx | Proxy::NginxNewest)
}

/// A proxy with so many routes and with one.
pub fn both(found: &Found, routes: usize) -> [Entrant; 2] {
    let one = Entrant::plain(found);
    [Entrant { routes, ..one.clone() }, Entrant { name: one_route(found.proxy.name()), ..one }]
}

/// Name of a proxy that has one route.
pub fn one_route(name: &str) -> String {
    format!("{name}, 1 route")
}

/// Loading first, then as fast as it goes.
pub fn run(session: &Session<'_>, journal: &mut Journal) -> Result<(), Trouble> {
    loading(session, journal)?;
    load::at(session, journal, Phase::Saturation, None)
}

/// Wall time of the commands that read a configuration, check it and end: start and end of a process are in it.
fn loading(session: &Session<'_>, journal: &mut Journal) -> Result<(), Trouble> {
    session.interleaved(journal, Phase::Loading, |contender, blank, _| {
        let launch = &contender.launch;
        let arguments: Vec<&str> = match contender.found.proxy {
            Proxy::Tidegate => vec!["check"],
            _ => launch.arguments.iter().map(String::as_str).chain(["-t"]).collect(),
        };
        let begin = Instant::now();
        let status = Command::new("taskset")
            .args(["-c", &session.stand.placement.proxy.to_string()])
            .arg(&launch.program)
            .args(arguments)
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| Trouble::doing("cannot start it", &error))?;
        let elapsed = begin.elapsed();
        if !status.success() {
            return Err(Trouble::World(format!("it refuses its configuration ({status})")));
        }
        Ok(blank.with(Quantity::Loading, elapsed.as_nanos() as f64))
    })
}
