//! Keys and limits beside the same proxy without: what they cost when they refuse nobody. So that nobody is measured
//! who limits nothing, each proxy shows in each round that it refuses.

use std::fs;

use super::Session;
use crate::side_by_side::http::Connection;
use crate::side_by_side::journal::Journal;
use crate::side_by_side::limits::{Limits, Low, field, key};
use crate::side_by_side::measurement::Phase;
use crate::side_by_side::rival::{Found, Proxy, path};
use crate::side_by_side::stand::{Contender, Entrant};
use crate::side_by_side::trouble::Trouble;

/// A limit of one request refuses within so many. That it refills in a second must not be what decides.
const ASKED_MAX: usize = 10;

/// Whether this proxy has keys and limits.
pub fn takes(proxy: Proxy) -> bool {
    !matches!(proxy, Proxy::Varnish | Proxy::Pingora | Proxy::Floor)
}

/// A proxy with limits and without.
pub fn both(found: &Found, keys: usize) -> [Entrant; 2] {
    let plain = Entrant::plain(found);
    let limits = Some(Limits::out_of_reach(keys));
    [Entrant { limits, ..plain.clone() }, Entrant { name: without(found.proxy.name()), ..plain }]
}

/// Name of a proxy that limits nothing.
pub fn without(name: &str) -> String {
    format!("{name}, no limits")
}

/// As fast as it goes.
pub fn run(session: &Session<'_>, journal: &mut Journal) -> Result<(), Trouble> {
    session.interleaved(journal, Phase::Saturation, |contender, blank, journal| {
        let limits = contender.setting.limits;
        if let Some(limits) = limits {
            every_limit_refuses(session, contender, limits)?;
        }
        let process = session.stand.start(contender, session.origin)?;
        if let Some(limits) = limits {
            strangers_are_refused(&mut asking(contender)?, limits.keys)?;
        }
        let load = session.stand.load(session.scenario, contender);
        if limits.is_some() {
            session.stand.introduce_callers(&load, contender)?;
        }
        session.stand.warm_up(&load)?;
        session.measure(&load, &process, blank, journal)
    })
}

/// Starts the same proxy with one low limit after the other.
fn every_limit_refuses(session: &Session<'_>, contender: &Contender, limits: Limits) -> Result<(), Trouble> {
    let offered = |low: &Low| *low != Low::Quota || has_quotas(contender.found.proxy);
    for low in Low::ALL.into_iter().filter(offered) {
        let entrant = Entrant {
            name: format!("{}, {}", contender.name, low.name()),
            limits: Some(Limits { low: Some(low), ..limits }),
            ..Entrant::plain(&contender.found)
        };
        let contender = session.stand.contender(session.scenario, &entrant, session.origin)?;
        forget_quotas(&contender)?;
        let _process = session.stand.start(&contender, session.origin)?;
        refuses(&mut asking(&contender)?, low)?;
    }
    Ok(())
}

/// Tidegate keeps quotas for the next start; that of the last round would be exceeded from the beginning.
fn forget_quotas(contender: &Contender) -> Result<(), Trouble> {
    let state = contender.setting.folder.join("state");
    if state.is_dir() {
        fs::remove_dir_all(&state).map_err(|error| Trouble::writing(&state, &error))?;
    }
    Ok(())
}

/// nginx and Envoy count nothing for longer than a rate: Envoy's quotas are those of another service.
fn has_quotas(proxy: Proxy) -> bool {
    matches!(proxy, Proxy::Tidegate | Proxy::Haproxy)
}

/// Asks a proxy with a key, or without, for the status of its answer.
fn asking(contender: &Contender) -> Result<impl FnMut(Option<&str>) -> Result<u16, Trouble>, Trouble> {
    let at = |error| Trouble::doing("a request that may be refused", &error);
    let address = contender.setting.listen;
    let mut connection = Connection::open(address).map_err(at)?;
    Ok(move |key: Option<&str>| {
        let fields = key.map(field).unwrap_or_default();
        let answer = connection.get(&path(0), &fields);
        // Whoever refuses may close.
        let answer = answer.or_else(|_| {
            connection = Connection::open(address)?;
            connection.get(&path(0), &fields)
        });
        answer.map(|answer| answer.status).map_err(at)
    })
}

/// A limit of one caller refuses that one and nobody else; a limit of the method whoever comes.
fn refuses(ask: &mut impl FnMut(Option<&str>) -> Result<u16, Trouble>, low: Low) -> Result<(), Trouble> {
    let caller = |turn| if low == Low::Method { key(turn) } else { key(0) };
    let mut said = Vec::new();
    while said.last() != Some(&429) {
        if said.len() == ASKED_MAX {
            return Err(Trouble::World(format!("its {} refuses nobody: {said:?}", low.name())));
        }
        said.push(ask(Some(&caller(said.len())))?);
    }
    match (low, ask(Some(&key(1)))?) {
        (Low::Method, _) | (_, 200) => Ok(()),
        (_, status) => Err(Trouble::World(format!("its {} is another's, too: {status}", low.name()))),
    }
}

fn strangers_are_refused(
    ask: &mut impl FnMut(Option<&str>) -> Result<u16, Trouble>,
    keys: usize,
) -> Result<(), Trouble> {
    for stranger in [None, Some(key(keys))] {
        let status = ask(stranger.as_deref())?;
        if !matches!(status, 401 | 403) {
            return Err(Trouble::World(format!("it answers {status} to a caller without a good key")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a proxy passes that lets through so many requests of each key and in all.
    fn passes(low: Low, of_each: usize, in_all: usize) -> bool {
        let mut seen: Vec<String> = Vec::new();
        let mut ask = |key: Option<&str>| {
            let key = key.unwrap_or_default().to_owned();
            let before = seen.iter().filter(|its| **its == key).count();
            let through = before < of_each && seen.len() < in_all;
            seen.push(key);
            Ok(if through { 200 } else { 429 })
        };
        refuses(&mut ask, low).is_ok()
    }

    #[test]
    fn who_limits_nothing_is_found_out() {
        let never = usize::MAX;
        for low in [Low::Caller, Low::Quota] {
            assert!(passes(low, 1, never));
            assert!(!passes(low, never, never), "nobody is refused");
            assert!(!passes(low, never, 1), "all callers are refused");
        }
        assert!(passes(Low::Method, never, 1));
        assert!(!passes(Low::Method, 1, never), "each caller has its own");
    }

    #[test]
    fn who_knows_no_strangers_is_found_out() {
        let keys = 3;
        let check = |answer: fn(Option<&str>) -> u16, want: bool| {
            let refused = strangers_are_refused(&mut |key| Ok(answer(key)), keys);
            assert_eq!(refused.is_ok(), want, "{refused:?}");
        };
        check(|_| 403, true);
        check(|_| 401, true);
        check(|_| 200, false);
        check(|key| if key.is_none() { 401 } else { 200 }, false);
        check(|_| 429, false);
    }
}
