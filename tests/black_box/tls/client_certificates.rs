//! What a stage presents to backends, and what backends and gateway agree on.

use std::sync::{Arc, Mutex};

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::support::certificates::{Authority, Issued, server_config};
use crate::support::document::{Document, http_proxy};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, Peer, ok};
use crate::support::setup::Setup;

/// A server that asks for a certificate of this authority.
fn asking(issued: &Issued, authority: &Authority) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authority.chain());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("an authority"))
        .with_single_cert(issued.chain(), issued.key())
        .expect("a certificate and its key")
}

/// Answers with the certificate that it was shown, and the protocol that was agreed on.
fn serve(peer: &mut Peer, seen: &Mutex<Vec<Vec<u8>>>) {
    while peer.request().is_some() {
        let session = peer.wire.tls.as_ref().expect("a session");
        let shown = session.peer_certificates().and_then(|chain| chain.first());
        seen.lock().expect("seen").push(shown.map(|der| der.to_vec()).unwrap_or_default());
        let protocol = String::from_utf8_lossy(session.alpn_protocol().unwrap_or(b"none")).into_owned();
        if peer.send(ok(&protocol)).is_err() {
            return;
        }
    }
}

/// A gateway whose stage `test` presents `client.pem`, and whose stage `plain` presents nothing.
fn gateway(origin: &Origin, believed: &Authority, client: &Issued) -> Gateway {
    let uri = format!("https://localhost:{}/x", origin.address.port());
    let setup = Setup::new(&Document::new().method("GET", "/x", http_proxy("GET", uri)))
        .stage("client_certificate = { certificate = \"client.pem\", key = \"client.key\" }\n[[api.stage]]\nname = \"plain\"");
    let folder = setup.more("[upstream]\nroots = \"none\"\nca_file = \"ca.pem\"\n").write();
    folder.replace("ca.pem", &believed.pem());
    folder.replace("client.pem", &client.certificate);
    folder.replace("client.key", &client.key);
    Gateway::run(folder)
}

#[test]
fn backends_that_ask_get_the_certificate_of_the_stage() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let (first, second) = (clients.issue(&["gateway"]), clients.issue_rsa(&["gateway"]));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&seen);
    let origin = Origin::secure(asking(&servers.issue(&["localhost"]), &clients), move |peer| {
        serve(peer, &shown);
    });
    let gateway = gateway(&origin, &servers, &first);
    for _ in 0..2 {
        assert_eq!(gateway.get("/test/x").status(), 200);
    }
    // Connections of the one stage are not lent to the other.
    let refused = gateway.get("/plain/x");
    assert_eq!(refused.text(), r#"{"message": "Network error communicating with endpoint"}"#);
    assert_eq!(refused.status(), 504);
    let der = |issued: &Issued| issued.chain()[0].to_vec();
    assert_eq!(*seen.lock().expect("seen"), [der(&first), der(&first)]);

    // A reload presents the new one to backends, though sessions with the old one are open.
    gateway.folder.replace("client.pem", &second.certificate);
    gateway.folder.replace("client.key", &second.key);
    gateway.signal("HUP");
    gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("a reload");
    assert_eq!(gateway.get("/test/x").status(), 200);
    assert_eq!(seen.lock().expect("seen").last(), Some(&der(&second)));
}

#[test]
fn one_that_the_backend_does_not_know_is_refused_there() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let stranger = Authority::new("strangers").issue(&["gateway"]);
    let seen = Arc::default();
    let origin = Origin::secure(asking(&servers.issue(&["localhost"]), &clients), move |peer| {
        serve(peer, &seen);
    });
    let gateway = gateway(&origin, &servers, &stranger);
    assert_eq!(gateway.get("/test/x").status(), 504);
    // Who does not ask is not shown it, and serves.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&seen);
    let origin =
        Origin::secure(server_config(&servers.issue(&["localhost"])), move |peer| serve(peer, &shown));
    let gateway = self::gateway(&origin, &servers, &stranger);
    assert_eq!(gateway.get("/test/x").status(), 200);
    assert_eq!(*seen.lock().expect("seen"), [Vec::<u8>::new()]);
}

/// Backends speak HTTP/1.1, as on AWS: that is what is offered (RFC 7301), and who takes nothing else is not called.
#[test]
fn http_1_1_is_agreed_on() {
    let servers = Authority::new("servers");
    let client = servers.issue(&["gateway"]);
    for (protocols, want) in [
        (vec![], Some("none")),
        (vec!["h2", "http/1.1"], Some("http/1.1")),
        (vec!["http/1.1"], Some("http/1.1")),
        (vec!["h2"], None),
    ] {
        let mut config = server_config(&servers.issue(&["localhost"]));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let seen = Arc::default();
        let origin = Origin::secure(config, move |peer| serve(peer, &seen));
        let answer = gateway(&origin, &servers, &client).get("/test/x");
        match want {
            Some(want) => assert_eq!((answer.status(), answer.text().as_str()), (200, want), "{protocols:?}"),
            None => assert_eq!(answer.status(), 504, "{protocols:?}"),
        }
    }
}
