//! What client and gateway agree on: versions, ciphers, protocols, resumption; and requests over it.

use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use super::{Secure, domain, get, put, run, s_client};
use crate::support::certificates::{Authority, client_config};
use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;
use crate::support::{eventually, pattern};

#[test]
fn requests_one_after_the_other() {
    let secure = Secure::answering();
    let mut client = secure.client();
    for _ in 0..3 {
        let response = client.exchange(get("/x"));
        assert_eq!((response.status(), response.text().as_str()), (200, "hello"));
    }
    // Pipelined, so that two heads are in one record.
    client.send(get("/x") + &get("/x"));
    assert_eq!((client.response().text(), client.response().text()), ("hello".into(), "hello".into()));
}

#[test]
fn large_bodies_go_both_ways_over_tls() {
    let origin = Origin::replying(|request| ok(&request.body.len().to_string()));
    let secure = Secure::start(Setup::new(&Document::new().pass_all(origin.address)), "");
    let body = pattern(3_000_000);
    let mut client = secure.client();
    client.send(format!("POST /up HTTP/1.1\r\nHost: api.test\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.send(&body);
    assert_eq!(client.response().text(), "3000000");
    let request = origin.request().message;
    assert!(request.body == body, "the body as it was sent");
    assert_eq!(request.field("x-forwarded-proto"), Some("https"));

    let large = "0123456789abcdef".repeat(200_000);
    let answer = ok(&large);
    let origin = Origin::answering(answer);
    let secure = Secure::start(Setup::new(&Document::new().pass_all(origin.address)), "");
    let mut client = secure.client();
    for _ in 0..2 {
        assert!(client.exchange(get("/down")).text() == large, "the content as it was sent");
    }
}

#[test]
fn curl_and_openssl_are_served() {
    let secure = Secure::answering();
    let ca = secure.gateway.folder.path("ca.pem");
    std::fs::write(&ca, secure.authority.pem()).expect("write");
    let ca = ca.display().to_string();
    let port = secure.gateway.address.port();
    for version in ["--tls-max=1.2", "--tlsv1.3"] {
        let (resolve, url) = (format!("api.test:{port}:127.0.0.1"), format!("https://api.test:{port}/x"));
        let arguments = ["-sS", version, "--cacert", &ca, "--resolve", &resolve, &url, &url];
        let arguments: Vec<&str> = arguments.iter().flat_map(|argument| argument.split('=')).collect();
        let output = run("curl", &arguments, "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hellohello", "{version}: {output:?}");
    }
    let rows = [
        (
            vec!["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
        (
            vec!["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            "Cipher is TLS_CHACHA20_POLY1305_SHA256",
        ),
        (vec!["-tls1_3", "-alpn", "h3,http/1.1"], "ALPN protocol: http/1.1"),
    ];
    for (mut arguments, want) in rows {
        arguments.extend(["-servername", "api.test", "-CAfile", &ca, "-verify_return_error", "-ign_eof"]);
        let closing = get("/x").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let shown = s_client(&secure.gateway, &arguments, &closing);
        assert!(shown.contains(want) && shown.contains("\r\n\r\nhello"), "{arguments:?}: {shown}");
    }
}

#[test]
fn old_versions_and_weak_ciphers_are_refused() {
    let secure = Secure::answering();
    for arguments in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
    ] {
        let shown = s_client(&secure.gateway, arguments, "");
        assert!(shown.contains("Cipher is (NONE)"), "{arguments:?}: {shown}");
    }
    assert_eq!(secure.client().exchange(get("/x")).status(), 200);
}

#[test]
fn a_domain_may_ask_for_tls_1_3() {
    let authority = Authority::new("test authority");
    let setup = Setup::new(&Document::new().method("GET", "/x", mock("hello"))).listener_more("tls = true");
    let more = domain("new.test", "new", "security_policy = \"TLS_1_3\"") + &domain("api.test", "api", "");
    let folder = setup.more(&more).write();
    put(&folder, "new", &authority.issue(&["new.test"]));
    put(&folder, "api", &authority.issue(&["api.test"]));
    let gateway = Gateway::run(folder);
    for (name, version, want) in [
        ("new.test", "-tls1_2", "alert protocol version"),
        ("new.test", "-tls1_3", "New, TLSv1.3"),
        ("api.test", "-tls1_2", "New, TLSv1.2"),
    ] {
        let shown = s_client(&gateway, &["-servername", name, version], "");
        assert!(shown.contains(want), "{name} {version}: {shown}");
    }
}

/// Shards share the keys of tickets: whichever takes the connection resumes the session. So does a reloaded gateway.
#[test]
fn sessions_are_resumed_by_any_shard() {
    for version in [&TLS12, &TLS13] {
        let document = Document::new().method("GET", "/x", mock("hello"));
        let secure = Secure::start(Setup::new(&document).shards(3), "");
        let mut config = client_config(&secure.authority);
        if version.version == TLS12.version {
            config = crate::support::certificates::client_config_for(&secure.authority, &[version]);
        }
        let config = Arc::new(config);
        let connect = || {
            let mut client = Client::secure(secure.gateway.address, &config, "api.test");
            assert_eq!(client.exchange(get("/x")).status(), 200);
            client.wire.tls.as_ref().expect("a session").handshake_kind()
        };
        assert_eq!(connect(), Some(HandshakeKind::Full));
        for _ in 0..8 {
            assert_eq!(connect(), Some(HandshakeKind::Resumed), "{version:?}");
        }
        secure.gateway.signal("HUP");
        secure.gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("a reload");
        assert_eq!(connect(), Some(HandshakeKind::Resumed), "{version:?} after a reload");
    }
}

#[test]
fn logs_tell_version_and_cipher() {
    let setup = Setup::new(&Document::new().method("GET", "/x", mock("hello")))
        .stage("access_log = { destination = \"access.log\", format = \"$context.tlsVersion $context.cipherSuite $context.status $context.requestId\" }");
    let secure = Secure::start(setup, "");
    secure.client().exchange(get("/x"));
    let log = || std::fs::read_to_string(secure.gateway.folder.path("access.log")).unwrap_or_default();
    eventually("the line is written", || log().ends_with('\n'));
    let line = log();
    assert!(line.starts_with("TLSv1.3 TLS_") && line.contains(" 200 "), "{line}");
}

#[test]
fn a_plain_listener_sends_clients_to_https() {
    let setup = Setup::new(&Document::new().method("GET", "/x", mock("hello")));
    let gateway = setup.listener_more("https_redirect = 8443").start();
    let response = gateway.client().exchange("GET /x?a=\"1 HTTP/1.1\r\nHost: api.test:80\r\n\r\n");
    assert_eq!(response.status(), 301);
    assert_eq!(response.field("location"), Some("https://api.test:8443/x?a=%221"));
    let mut client = gateway.client();
    for _ in 0..2 {
        let response = client.exchange("POST /x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!((response.status(), response.field("location")), (308, Some("https://api.test:8443/x")));
    }
    assert_eq!(gateway.client().exchange("GET / HTTP/1.0\r\n\r\n").status(), 403);
}

/// What an idle connection holds; the gateway's own allocations and those of rustls.
#[test]
fn idle_connections_are_small() {
    const CONNECTIONS: usize = 400;
    let secure = Secure::answering();
    let connect = || {
        let mut client = secure.client();
        client.exchange(get("/x"));
        client
    };
    let few: Vec<Client> = (0..50).map(|_| connect()).collect();
    let before = secure.gateway.resident_bytes();
    let many: Vec<Client> = (0..CONNECTIONS).map(|_| connect()).collect();
    let mut each = 0;
    // What serving takes is given back when nothing has come for a moment.
    eventually("they are small", || {
        each = secure.gateway.resident_bytes().saturating_sub(before) / CONNECTIONS;
        each < 12 * 1024
    });
    drop((few, many));
}
