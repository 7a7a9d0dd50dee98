//! Checks of requests by their bytes: what is answered, what becomes of the connection, what reaches the origin.

use super::client::get;
use super::document::Document;
use super::gateway::Gateway;
use super::origin::{Origin, ok};
use super::setup::Setup;

/// A gateway that passes `/test/…` to an origin that answers everything.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) origin: Origin,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let origin = Origin::answering(ok("served"));
        let document = Document::new().pass_all(origin.address);
        Self { gateway: Setup::new(&document).start(), origin }
    }

    /// Sends `request` and looks at the answers. `want` lists their statuses; with `close` behind them the connection
    /// must end there, else it must serve another request.
    ///
    /// The origin must see as many whole requests as there are 200s. When the first answer is a refusal and
    /// `head_is_bad`, it must see nothing at all.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, request: &[u8], want: &str, head_is_bad: bool) {
        let (heads, whole) = (self.origin.heads(), self.origin.whole());
        let mut client = self.gateway.client();
        let _ = client.wire.send(request);
        let (statuses, close) = want.strip_suffix(" close").map_or((want, false), |rest| (rest, true));
        let statuses: Vec<u16> = statuses.split(' ').map(|status| status.parse().expect("status")).collect();
        for (place, &status) in statuses.iter().enumerate() {
            let response =
                client.read("GET").unwrap_or_else(|error| panic!("{name}: no answer {place}: {error}"));
            assert_eq!(response.status(), status, "{name}: {response:?}");
            let last = place + 1 == statuses.len();
            let connection = if last && close { "close" } else { "keep-alive" };
            assert_eq!(response.field("connection"), Some(connection), "{name}: {response:?}");
        }
        let mut served = statuses.iter().filter(|status| **status == 200).count();
        if close {
            client.expect_closed();
        } else {
            let response = client.exchange(get("/test/still-open"));
            assert_eq!(response.status(), 200, "{name}: the connection must stay usable: {response:?}");
            served += 1;
        }
        assert_eq!(self.origin.whole() - whole, served, "{name}: whole requests at the origin");
        if head_is_bad {
            assert_eq!(self.origin.heads() - heads, served, "{name}: the origin saw something of it");
        }
        let probe = self.gateway.get("/test/probe");
        assert_eq!(probe.status(), 200, "{name}: a second connection must be served: {probe:?}");
    }
}
