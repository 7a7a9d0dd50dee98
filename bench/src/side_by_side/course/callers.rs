//! Callers who say who they are beside the same proxy that lets everybody in: what it costs to know them, once they are known.
//! So that nobody is measured who knows nobody, each proxy shows in each round that it lets no stranger in.

use super::Session;
use crate::side_by_side::callers::Proof;
use crate::side_by_side::http::Connection;
use crate::side_by_side::journal::Journal;
use crate::side_by_side::measurement::Phase;
use crate::side_by_side::rival::{Found, Proxy, path};
use crate::side_by_side::stand::{Contender, Entrant};
use crate::side_by_side::trouble::Trouble;

/// Whether this proxy asks for that.
pub fn takes(proxy: Proxy, proof: Proof) -> bool {
    match proof {
        Proof::Token => matches!(proxy, Proxy::Tidegate | Proxy::Envoy),
        Proof::Signature | Proof::Authorizer => proxy == Proxy::Tidegate,
    }
}

/// A proxy that asks, and one that does not.
pub fn both(found: &Found, proof: Proof) -> [Entrant; 2] {
    let plain = Entrant::plain(found);
    let name = open(found.proxy.name());
    [Entrant { proof: Some(proof), ..plain.clone() }, Entrant { name, ..plain }]
}

/// Name of a proxy that lets everybody in.
pub fn open(name: &str) -> String {
    format!("{name}, open")
}

/// As fast as it goes.
pub fn run(session: &Session<'_>, journal: &mut Journal) -> Result<(), Trouble> {
    session.interleaved(journal, Phase::Saturation, |contender, blank, journal| {
        let process = session.stand.start(contender, session.origin)?;
        if contender.setting.callers.is_some() {
            // Signatures are good for five minutes.
            session.stand.write_callers(session.scenario, contender)?;
            strangers_are_refused(contender)?;
        }
        let load = session.stand.load(session.scenario, contender);
        session.stand.warm_up(&load)?;
        session.measure(&load, &process, blank, journal)
    })
}

fn strangers_are_refused(contender: &Contender) -> Result<(), Trouble> {
    for fields in ["", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n"] {
        let at = |error| Trouble::doing("a request of a stranger", &error);
        let answer = Connection::open(contender.setting.listen).and_then(|mut it| it.get(&path(0), fields));
        let status = answer.map_err(at)?.status;
        // A Lambda authorizer is asked about anybody who says anything.
        let is_asked = contender.setting.callers.as_ref().is_some_and(|it| it.proof == Proof::Authorizer);
        if !matches!(status, 401 | 403) && (fields.is_empty() || !is_asked) {
            return Err(Trouble::World(format!("it answers {status} to a stranger")));
        }
    }
    Ok(())
}
