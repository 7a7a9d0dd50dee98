//! The cases of AWS's own classifier of request smuggling, sent to the running gateway: whatever it calls severe is refused and
//! ends the connection, whatever it calls compliant is served.

#[path = "../../core/tests/support/desync.rs"]
mod cases;

use std::net::Shutdown;

use self::cases::{Case, Tier, cases};
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::setup::Setup;
use crate::support::wire::find;

const HOST: &str = "gateway";

/// The body that the head announces.
fn body(case: &Case) -> Vec<u8> {
    match case.values("content-length").next().and_then(|length| length.parse().ok()) {
        Some(length) => vec![b'x'; length],
        None if case.values("transfer-encoding").next().is_some() => b"0\r\n\r\n".to_vec(),
        None => Vec::new(),
    }
}

/// A gateway that answers 200 to every method of every path, however it is called.
fn accepting() -> Setup {
    let document = Document::new().method("ANY", "/", any_mock()).method("ANY", "/{proxy+}", any_mock());
    let root = "[[domain]]\nname = \"*.com\"\nmapping = [ { path = \"\", api = \"api\", stage = \"test\" } ]\n\
                [[domain]]\nname = \"gateway\"\nmapping = [ { path = \"\", api = \"api\", stage = \"test\" } ]\n";
    Setup::new(&document).more(root)
}

fn any_mock() -> serde_json::Value {
    let mut integration = mock("");
    integration["requestTemplates"] = serde_json::json!({"$default": "{\"statusCode\": 200}"});
    integration
}

#[test]
fn severe_cases_are_refused_and_end_the_connection() {
    let gateway = accepting().start();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.tier() == Tier::Severe).collect();
    assert_eq!(cases.len(), 58);
    for case in cases {
        let mut client = gateway.client();
        client.send(case.head(HOST));
        let response = client.read("GET").unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(response.status(), 400, "{}: {:?}", case.name, case.head(HOST));
        client.expect_closed();
    }
    assert_eq!(gateway.get("/").status(), 200);
}

#[test]
fn compliant_cases_are_served() {
    let gateway = accepting().start();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.tier() == Tier::Compliant).collect();
    assert_eq!(cases.len(), 28);
    for case in cases {
        assert_eq!(status(&gateway, &case), Some(200), "{}: {:?}", case.name, case.head(HOST));
    }
}

/// The middle tiers may be served or refused, but only so: one answer to one request, and nobody else suffers.
#[test]
fn the_other_cases_get_one_clear_answer() {
    let gateway = accepting().start();
    for case in cases() {
        if matches!(case.tier(), Tier::Acceptable | Tier::Ambiguous) {
            let status = status(&gateway, &case);
            assert!(matches!(status, Some(200 | 400 | 403 | 505)), "{}: {status:?}", case.name);
        }
    }
    assert_eq!(gateway.get("/").status(), 200);
}

/// The status that answers the request; no second answer may follow. A refusal may come before all is sent, and a
/// refused HEAD may have content, for what could not be read is no HEAD.
fn status(gateway: &Gateway, case: &Case) -> Option<u16> {
    let mut client = gateway.client();
    let _ = client.wire.send(case.head(HOST)).and_then(|()| client.wire.send(body(case)));
    let _ = client.wire.stream.shutdown(Shutdown::Write);
    let head = client.wire.head().ok()??;
    let rest = client.wire.rest().unwrap_or_default();
    assert!(find(&rest, b"HTTP/1.1 ").is_none(), "{}: a second answer: {}", case.name, rest.escape_ascii());
    Some(Message::of_head(head).status())
}
