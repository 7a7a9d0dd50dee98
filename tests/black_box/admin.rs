//! The admin server: health, and that nothing sent there hurts.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::eventually;
use crate::support::gateway::{Gateway, health};
use crate::support::setup::Setup;

fn start() -> Gateway {
    Setup::new(&Document::new().method("GET", "/x", mock("x"))).admin().start()
}

#[test]
fn health_is_json() {
    let gateway = start();
    let response = health(gateway.admin());
    assert_eq!(response.status(), 200, "{response:?}");
    let body: serde_json::Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(body["status"], "ok", "{body}");
    assert!(
        response.field("content-type").is_some_and(|kind| kind.starts_with("application/json")),
        "{response:?}"
    );
}

#[test]
fn other_paths_and_methods_are_not_there() {
    let gateway = start();
    for (request, status) in [("GET /nothing", 404), ("GET /", 404), ("GET /health/x", 404)] {
        let mut client = Client::connect(gateway.admin());
        let response = client.exchange(format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        assert_eq!(response.status(), status, "{request}");
    }
}

#[test]
fn the_admin_server_serves_no_api_and_the_listener_no_admin() {
    let gateway = start();
    let mut client = Client::connect(gateway.admin());
    assert_ne!(client.exchange("GET /test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status(), 200);
    assert_eq!(gateway.get("/health").status(), 403);
}

#[test]
fn garbage_does_not_hurt() {
    let gateway = start();
    let garbage: [&[u8]; 8] = [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"GET",
        b"GET /health HTTP/1.1\nHost: a\n\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
        &[b'x'; 200_000],
    ];
    for bytes in garbage {
        let mut client = Client::connect(gateway.admin());
        let _ = client.wire.send(bytes);
        client.wire.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("deadline");
        let _ = client.wire.rest();
        assert_eq!(health(gateway.admin()).status(), 200, "{}", bytes[..bytes.len().min(50)].escape_ascii());
    }
    assert_eq!(gateway.get("/test/x").text(), "x");
}

/// Clients that say nothing do not keep others from being served; if they are many, then not for long.
#[test]
fn silent_connections_do_not_block_it() {
    let gateway = start();
    let silent: Vec<Client> = (0..20).map(|_| Client::connect(gateway.admin())).collect();
    assert_eq!(health(gateway.admin()).status(), 200);
    let more: Vec<Client> = (0..80).map(|_| Client::connect(gateway.admin())).collect();
    eventually("/health answers again", || {
        let mut client = Client::connect(gateway.admin());
        let sent = client.wire.send("GET /health HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        sent.is_ok() && client.read("GET").is_ok_and(|response| response.status() == 200)
    });
    drop((silent, more));
}

#[test]
fn head_has_no_content() {
    let gateway = start();
    let mut client = Client::connect(gateway.admin());
    client.send("HEAD /health HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response_to_head().status(), 200);
    client.expect_closed();
}
