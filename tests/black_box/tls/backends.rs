//! Backends by https: who is believed, and what happens to those who are not.

use rcgen::{PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::HandshakeKind;
use std::sync::{Arc, Mutex};

use crate::support::certificates::{Authority, Issued, server_config};
use crate::support::client::get;
use crate::support::document::{Document, http_proxy};
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::origin::{Origin, Peer, ok};
use crate::support::setup::Setup;

fn serve(peer: &mut Peer) {
    while peer.request().is_some() && peer.send(ok("hello")).is_ok() {}
}

/// A gateway with this `tlsConfig` before a backend that presents this, and believes this authority.
fn gateway(origin: &Origin, tls_config: serde_json::Value, believed: &Authority) -> Gateway {
    let mut integration = http_proxy("GET", format!("https://localhost:{}/x", origin.address.port()));
    if !tls_config.is_null() {
        integration["tlsConfig"] = tls_config;
    }
    let setup = Setup::new(&Document::new().method("GET", "/x", integration));
    let folder = setup.more("[upstream]\nroots = \"none\"\nca_file = \"ca.pem\"\n").write();
    folder.replace("ca.pem", &believed.pem());
    Gateway::run(folder)
}

#[track_caller]
fn answer(issued: &Issued, tls_config: serde_json::Value, believed: &Authority) -> Message {
    let origin = Origin::secure(server_config(issued), serve);
    gateway(&origin, tls_config, believed).get("/test/x")
}

#[track_caller]
fn check(issued: &Issued, tls_config: serde_json::Value, believed: &Authority, is_called: bool) {
    let answer = answer(issued, tls_config.clone(), believed);
    match is_called {
        true => assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"), "{tls_config}"),
        false => {
            assert_eq!(answer.status(), 504, "{tls_config}");
            assert_eq!(answer.text(), r#"{"message": "Network error communicating with endpoint"}"#);
        }
    }
}

#[test]
fn who_is_believed() {
    let (known, other) = (Authority::new("known"), Authority::new("other"));
    let skip = serde_json::json!({"insecureSkipVerification": true});
    let named = serde_json::json!({"serverNameToVerify": "backend.test"});
    let both = serde_json::json!({"insecureSkipVerification": true, "serverNameToVerify": "backend.test"});
    let none = serde_json::Value::Null;
    let ended = known.issue_with(&PKCS_ECDSA_P256_SHA256, &["localhost"], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    check(&known.issue(&["localhost"]), none.clone(), &known, true);
    check(&known.issue_rsa(&["localhost"]), none.clone(), &known, true);
    check(&other.issue(&["localhost"]), none.clone(), &known, false);
    check(&known.issue(&["backend.test"]), none.clone(), &known, false);
    check(&ended, none, &known, false);
    // AWS skips who has issued it, and nothing else.
    check(&other.issue(&["localhost"]), skip.clone(), &known, true);
    check(&other.issue(&["backend.test"]), skip.clone(), &known, false);
    check(&ended, skip, &known, false);
    check(&known.issue(&["backend.test"]), named.clone(), &known, true);
    check(&known.issue(&["localhost"]), named.clone(), &known, false);
    check(&other.issue(&["backend.test"]), named, &known, false);
    check(&other.issue(&["backend.test"]), both, &known, true);
}

#[test]
fn connections_are_kept_and_sessions_resumed() {
    let known = Authority::new("known");
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&kinds);
    let origin = Origin::secure(server_config(&known.issue(&["localhost"])), move |peer| {
        for turn in 0.. {
            if peer.request().is_none() {
                return;
            }
            if turn == 0 {
                let kind = peer.wire.tls.as_ref().expect("a session").handshake_kind();
                seen.lock().expect("kinds").push(kind);
            }
            let closing = if turn == 2 { "Connection: close\r\n" } else { "" };
            let _ = peer.send(format!("HTTP/1.1 200 OK\r\n{closing}Content-Length: 2\r\n\r\nok"));
            if turn == 2 {
                return;
            }
        }
    });
    let gateway = gateway(&origin, serde_json::Value::Null, &known);
    let mut client = gateway.client();
    for _ in 0..9 {
        assert_eq!(client.exchange(get("/test/x")).text(), "ok");
    }
    assert_eq!(origin.connections(), 3, "three requests on each");
    let kinds = kinds.lock().expect("kinds").clone();
    assert_eq!(
        kinds,
        [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed), Some(HandshakeKind::Resumed)]
    );
}

/// An answer without length ends where TLS says so; where only the connection ends, somebody may have cut it off.
#[test]
fn an_answer_that_is_cut_off_is_not_passed_as_whole() {
    let known = Authority::new("known");
    for is_whole in [true, false] {
        let origin = Origin::secure(server_config(&known.issue(&["localhost"])), move |peer| {
            if peer.request().is_none() {
                return;
            }
            let _ = peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe beginning");
            if is_whole {
                peer.wire.tls.as_mut().expect("a session").send_close_notify();
                let _ = peer.send("");
            }
        });
        let gateway = gateway(&origin, serde_json::Value::Null, &known);
        let mut client = gateway.client();
        client.send(get("/test/x"));
        let read = client.read("GET");
        assert_eq!(read.is_ok(), is_whole, "{read:?}");
    }
}

#[test]
fn a_backend_that_does_not_speak_tls() {
    let known = Authority::new("known");
    let plain = Origin::answering(ok("hello"));
    assert_eq!(gateway(&plain, serde_json::Value::Null, &known).get("/test/x").status(), 504);
    let closing = Origin::scripted(|_| {});
    assert_eq!(gateway(&closing, serde_json::Value::Null, &known).get("/test/x").status(), 504);
}
