//! Domains that ask for a client's certificate: who gets in, who is told no, and what is told of the certificate.

use std::sync::Arc;

use rcgen::{DnType, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::{ClientConfig, HandshakeKind};
use serde_json::json;

use super::{domain, put, s_client};
use crate::support::certificates::{Authority, Issued, client_config, with_certificate};
use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::eventually;
use crate::support::gateway::Gateway;
use crate::support::message::Message;
use crate::support::setup::Setup;

const TEMPLATE: &str = "$context.identity.clientCert.subjectDN|$context.identity.clientCert.issuerDN|\
    $context.identity.clientCert.serialNumber|$context.identity.clientCert.validity.notAfter";

/// A gateway whose domain `api.test` asks for certificates of `clients`, and whose `open.test` asks for none.
struct Mutual {
    gateway: Gateway,
    config: ClientConfig,
    clients: Authority,
}

impl Mutual {
    fn start() -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let setup =
            Setup::new(&Document::new().method("GET", "/x", mock(TEMPLATE))).listener_more("tls = true");
        let setup = setup.stage(
            "access_log = { destination = \"access.log\", format = \"$context.requestId $context.status $context.identity.clientCert.subjectDN\" }",
        );
        let sections =
            domain("open.test", "open", "") + &domain("api.test", "api", "truststore = \"clients.pem\"");
        let folder = setup.more(&sections).write();
        put(&folder, "open", &servers.issue(&["open.test"]));
        put(&folder, "api", &servers.issue(&["api.test"]));
        folder.replace("clients.pem", &clients.pem());
        Self { gateway: Gateway::run(folder), config: client_config(&servers), clients }
    }

    /// A client with this certificate that asks for this name in its handshake.
    fn client(&self, issued: Option<&Issued>, name: &str) -> Client {
        let config =
            issued.map_or_else(|| self.config.clone(), |issued| with_certificate(&self.config, issued));
        Client::secure(self.gateway.address, &Arc::new(config), name)
    }

    #[track_caller]
    fn get(&self, issued: &Issued, name: &str, host: &str) -> Message {
        let mut client = self.client(Some(issued), name);
        client.exchange(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    #[track_caller]
    fn check_refused(&self, issued: &Issued, name: &str, host: &str, why: &str) {
        let response = self.get(issued, name, host);
        assert_eq!((response.status(), response.text().as_str()), (403, r#"{"message":"Forbidden"}"#));
        assert_eq!(response.field("x-amzn-errortype"), Some("ForbiddenException"));
        let told = self.gateway.stderr.find(|line| line.contains(why).then_some(()));
        assert!(told.is_some(), "`{why}` in {}", self.gateway.stderr.text());
    }
}

fn issue(authority: &Authority, name: &str) -> Issued {
    authority.issue_with(&PKCS_ECDSA_P256_SHA256, &[], |params| {
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.not_after = date_time_ymd(2049, 8, 5);
    })
}

#[test]
fn whoever_is_known_gets_in_and_is_told_of() {
    let mutual = Mutual::start();
    let response = mutual.get(&issue(&mutual.clients, "alice"), "api.test", "api.test");
    let told: Vec<String> = response.text().split('|').map(str::to_owned).collect();
    assert_eq!((response.status(), told[0].as_str()), (200, "O=Example\\, Inc.,CN=alice"));
    assert_eq!((told[1].as_str(), told[3].as_str()), ("CN=clients", "Aug  5 00:00:00 2049 GMT"));
    assert!(told[2].split(':').all(|byte| byte.len() == 2), "{}", told[2]);
}

#[test]
fn whoever_is_not_known_is_forbidden_and_logged() {
    let mutual = Mutual::start();
    let other = Authority::new("others");
    let bob = issue(&other, "bob");
    mutual.check_refused(&bob, "api.test", "api.test", "Could not find issuer for certificate");
    let ended = mutual.clients.issue_with(&PKCS_ECDSA_P256_SHA256, &[], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    mutual.check_refused(&ended, "api.test", "api.test", "certificate has expired");
    let own = Issued { certificate: other.pem(), key: other.key_pem() };
    mutual.check_refused(&own, "api.test", "api.test", "self signed certificate");
    let log = || std::fs::read_to_string(mutual.gateway.folder.path("access.log")).unwrap_or_default();
    eventually("the refusals are logged", || log().lines().count() == 3);
    assert!(log().contains(" 403 O=Example"), "{}", log());
}

#[test]
fn without_a_certificate_there_is_no_handshake() {
    let mutual = Mutual::start();
    let mut client = mutual.client(None, "api.test");
    let read =
        client.wire.send("GET /x HTTP/1.1\r\nHost: api.test\r\n\r\n").and_then(|()| client.wire.fill());
    assert!(read.is_err(), "{read:?}");
    for version in ["-tls1_2", "-tls1_3"] {
        let shown = s_client(&mutual.gateway, &["-servername", "api.test", version, "-ign_eof"], "x\r\n\r\n");
        assert!(shown.contains("alert"), "{version}: {shown}");
        assert!(shown.contains("Acceptable client certificate CA names"), "{version}: {shown}");
    }
}

/// The name in the handshake is not the name in the request: what was shown to one domain was not shown to the other.
#[test]
fn another_name_in_the_handshake_opens_nothing() {
    let mutual = Mutual::start();
    let alice = issue(&mutual.clients, "alice");
    mutual.check_refused(
        &alice,
        "open.test",
        "api.test",
        "no client certificate was presented to this domain",
    );
    mutual.check_refused(
        &alice,
        "open.test",
        "API.test:443",
        "no client certificate was presented to this domain",
    );
    assert_eq!(mutual.get(&alice, "open.test", "open.test").status(), 200);
    assert_eq!(mutual.get(&alice, "api.test", "open.test").status(), 200, "that one is open to all");
    let bob = issue(&Authority::new("others"), "bob");
    mutual.check_refused(&bob, "api.test", "open.test", "Could not find issuer for certificate");
}

/// A resumed session would be a certificate that nobody looks at.
#[test]
fn sessions_are_not_resumed() {
    let mutual = Mutual::start();
    let config = Arc::new(with_certificate(&mutual.config, &issue(&mutual.clients, "alice")));
    for _ in 0..3 {
        let mut client = Client::secure(mutual.gateway.address, &config, "api.test");
        assert_eq!(client.exchange("GET /x HTTP/1.1\r\nHost: api.test\r\n\r\n").status(), 200);
        let kind = client.wire.tls.as_ref().expect("a session").handshake_kind();
        assert!(matches!(kind, Some(HandshakeKind::Full)), "{kind:?}");
    }
}

#[test]
fn a_reload_brings_another_truststore() {
    let mutual = Mutual::start();
    let alice = issue(&mutual.clients, "alice");
    assert_eq!(mutual.get(&alice, "api.test", "api.test").status(), 200);
    let newer = Authority::new("newer");
    mutual.gateway.folder.replace("clients.pem", &newer.pem());
    mutual.gateway.signal("HUP");
    mutual.gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("a reload");
    mutual.check_refused(&alice, "api.test", "api.test", "Could not find issuer for certificate");
    assert_eq!(mutual.get(&issue(&newer, "carol"), "api.test", "api.test").status(), 200);
}

#[test]
fn the_default_endpoint_can_be_closed() {
    let mutual = Mutual::start();
    let warned = |gateway: &Gateway| gateway.stderr.text().contains("can be called without the certificate");
    assert!(warned(&mutual.gateway));
    let mut client = mutual.client(None, "open.test");
    assert_eq!(client.exchange("GET /test/x HTTP/1.1\r\nHost: other.test\r\n\r\n").status(), 200);
    let document = mutual.gateway.folder.read("api.json");
    let mut document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    document["x-amazon-apigateway-endpoint-configuration"] = json!({"disableExecuteApiEndpoint": true});
    mutual.gateway.folder.replace("api.json", &document.to_string());
    mutual.gateway.signal("HUP");
    mutual.gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("a reload");
    let mut client = mutual.client(None, "open.test");
    assert_eq!(client.exchange("GET /test/x HTTP/1.1\r\nHost: other.test\r\n\r\n").status(), 403);
}
