//! What is done in a scenario, one file for each [`Course`](super::scenario::Course).

pub mod callers;
pub mod functions;
pub mod idle;
pub mod limits;
pub mod load;
pub mod reload;
pub mod routes;
pub mod transform;

use super::journal::Journal;
use super::measurement::{Measurement, Phase};
use super::rival::{Found, Proxy};
use super::scenario::{Course, Scenario};
use super::stand::{Contender, Entrant, Origin, Stand};
use super::trouble::Trouble;

/// A scenario that runs.
#[derive(Debug)]
pub struct Session<'a> {
    /// Where it runs.
    pub stand: &'a Stand,
    /// Which.
    pub scenario: &'static Scenario,
    /// Its origin.
    pub origin: &'a Origin,
    /// Its proxies.
    pub contenders: &'a [Contender],
}

/// Runs a scenario with these proxies.
///
/// # Errors
/// When it cannot begin, or is interrupted. A proxy that fails is a measurement that failed.
pub fn run(
    stand: &Stand,
    scenario: &'static Scenario,
    proxies: &[Found],
    journal: &mut Journal,
) -> Result<(), Trouble> {
    stand.prepare(scenario)?;
    let origin = stand.origin(scenario)?;
    journal.command(scenario.name, &origin.command);
    let contenders = contenders(stand, scenario, proxies, &origin)?;
    for contender in &contenders {
        journal.command(scenario.name, &contender.launch.command());
    }
    let session = Session { stand, scenario, origin: &origin, contenders: &contenders };
    match scenario.course {
        Course::Saturation => load::saturation_then_latency(&session, journal),
        Course::FixedRate(rate) => load::at(&session, journal, Phase::FixedRate, Some(rate)),
        Course::Routes(_) => routes::run(&session, journal),
        Course::Limits(_) => limits::run(&session, journal),
        Course::Callers(_) => callers::run(&session, journal),
        Course::Functions => load::saturation_then_latency(&session, journal),
        Course::Transform => load::at(&session, journal, Phase::Saturation, None),
        Course::Idle(connections) => idle::run(&session, journal, connections),
        Course::Reload(rate) => reload::run(&session, journal, rate),
    }
}

fn contenders(
    stand: &Stand,
    scenario: &'static Scenario,
    proxies: &[Found],
    origin: &Origin,
) -> Result<Vec<Contender>, Trouble> {
    let proxies = proxies.iter().filter(|found| takes_part(scenario, found.proxy));
    let entrants: Vec<Entrant> = match scenario.course {
        Course::Routes(routes) => proxies
            .filter(|found| routes::takes(found.proxy))
            .flat_map(|it| routes::both(it, routes))
            .collect(),
        Course::Limits(keys) => {
            proxies.filter(|found| limits::takes(found.proxy)).flat_map(|it| limits::both(it, keys)).collect()
        }
        Course::Callers(proof) => proxies
            .filter(|found| callers::takes(found.proxy, proof))
            .flat_map(|it| callers::both(it, proof))
            .collect(),
        Course::Functions => {
            proxies.filter(|found| functions::takes(found.proxy)).flat_map(functions::entrants).collect()
        }
        Course::Transform => {
            proxies.filter(|found| transform::takes(found.proxy)).flat_map(transform::both).collect()
        }
        _ => proxies.map(Entrant::plain).collect(),
    };
    entrants.iter().map(|entrant| stand.contender(scenario, entrant, origin)).collect()
}

/// Whether a proxy does what the scenario is about.
fn takes_part(scenario: &Scenario, proxy: Proxy) -> bool {
    match proxy {
        Proxy::Floor => scenario.relay,
        Proxy::Varnish => scenario.cached,
        // Its cache is not for production, as it says itself.
        Proxy::Envoy => !scenario.cached,
        // Its cache is a library, and ours is built without TLS.
        Proxy::Pingora => !scenario.cached && scenario.tls.is_none(),
        Proxy::CargoLambda => scenario.course == Course::Functions,
        Proxy::Tidegate | Proxy::Nginx | Proxy::NginxNewest | Proxy::Haproxy => true,
    }
}

impl Session<'_> {
    /// Calls `measure` for each proxy in turn, round after round. Each round begins with another one, so that nobody
    /// always comes first, and a host whose speed drifts hits all alike.
    ///
    /// # Errors
    /// When interrupted, or the journal cannot be written.
    pub fn interleaved(
        &self,
        journal: &mut Journal,
        phase: Phase,
        mut measure: impl FnMut(&Contender, Measurement, &mut Journal) -> Result<Measurement, Trouble>,
    ) -> Result<(), Trouble> {
        for round in 1..=self.stand.rounds {
            for contender in rotated(self.contenders, round as usize - 1) {
                let blank = Measurement::new(self.scenario.name, phase, &contender.name, round);
                let measured = match measure(contender, blank.clone(), journal) {
                    Err(Trouble::Interrupted) => return Err(Trouble::Interrupted),
                    Err(trouble) => blank.failed(trouble),
                    Ok(measurement) => measurement,
                };
                journal.record(measured)?;
            }
        }
        Ok(())
    }
}

fn rotated<T>(all: &[T], by: usize) -> impl Iterator<Item = &T> {
    let (before, after) = all.split_at(by % all.len().max(1));
    after.iter().chain(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_rotate() {
        let order = |by| rotated(&['a', 'b', 'c'], by).collect::<String>();
        assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
        assert_eq!(rotated::<u8>(&[], 2).count(), 0);
    }
}
