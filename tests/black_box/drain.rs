//! SIGTERM: what was asked is answered, idle connections are closed, the process ends with 0; a second one ends it at
//! once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::client::{Client, get, post};
use crate::support::document::{Document, mock};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::{Gateway, health, wait_until_draining};
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

/// An origin that answers when the gate opens.
fn held(gate: &Gate) -> Origin {
    let held = gate.clone();
    Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            held.wait();
            let _ = peer.send(ok(&request.text()));
        }
    })
}

fn start(origin: &Origin, limits: &str) -> Gateway {
    let document = Document::new().method("GET", "/mock", mock("mocked")).pass_all(origin.address);
    Setup::new(&document).shards(2).limits(limits).admin().start()
}

#[test]
fn requests_in_flight_are_answered_and_idle_connections_closed() {
    for signal in ["TERM", "INT"] {
        let gate = Gate::default();
        let origin = held(&gate);
        let mut gateway = start(&origin, "");
        let admin = gateway.admin();
        assert_eq!(health(admin).status(), 200);
        let mut idle: Vec<Client> = (0..4).map(|_| gateway.client()).collect();
        for client in &mut idle {
            assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
        }
        let unused = gateway.client();
        assert_eq!(gateway.get("/test/mock").text(), "mocked");
        let mut waiting: Vec<Client> = (0..8).map(|_| gateway.client()).collect();
        for (number, client) in waiting.iter_mut().enumerate() {
            client.send(post("/test/x", &number.to_string()));
        }
        gate.wait_for_arrivals(waiting.len());
        gateway.signal(signal);
        idle.into_iter().chain([unused]).for_each(|mut client| client.expect_closed());
        wait_until_draining(admin);
        gate.open();
        for (number, client) in waiting.iter_mut().enumerate() {
            let response = client.response();
            assert_eq!((response.status(), response.text()), (200, number.to_string()), "{signal}");
            assert_eq!(response.field("connection"), Some("close"), "{signal}");
            client.expect_closed();
        }
        assert_eq!(gateway.wait().code(), Some(0), "{signal}");
    }
}

/// A body on its way is waited for, in both directions.
#[test]
fn bodies_on_their_way_arrive() {
    let gate = Gate::default();
    let behind_half = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            let _ = peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{}", request.text()));
            behind_half.wait();
            let _ = peer.send("xyz");
        }
    });
    let mut gateway = start(&origin, "");
    let admin = gateway.admin();
    let mut download = gateway.client();
    download.send(post("/test/x", "abc"));
    gate.wait_for_arrivals(1);
    let mut upload = gateway.client();
    upload.send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nd");
    // The origin has the head of the upload when it has its connection.
    eventually("both requests are with the origin", || origin.heads() == 2);
    gateway.signal("TERM");
    wait_until_draining(admin);
    upload.send("ef");
    gate.wait_for_arrivals(2);
    gate.open();
    assert_eq!(download.response().text(), "abcxyz");
    assert_eq!(upload.response().text(), "defxyz");
    assert_eq!(gateway.wait().code(), Some(0));
}

/// Clients that never pause: an answer that has begun is complete, and before a connection ends an answer has said so
/// or no request was lost but the one that crossed the closing.
#[test]
fn under_load_every_answer_is_whole() {
    let origin = Origin::answering(ok("served"));
    let mut gateway = start(&origin, "");
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|number| {
                let (mut client, served) = (gateway.client(), &served);
                let path = if number % 2 == 0 { "/test/mock" } else { "/test/x" };
                scope.spawn(move || {
                    loop {
                        if client.wire.send(get(path)).is_err() {
                            return;
                        }
                        let Ok(Some(head)) = client.wire.head() else {
                            assert_eq!(client.wire.buffer, b"", "half a head");
                            return;
                        };
                        let mut response = crate::support::message::Message::of_head(head);
                        assert_eq!(response.status(), 200);
                        response.body = client.wire.exactly(6).expect("the whole body");
                        assert!(["mocked", "served"].contains(&&*response.text()), "{response:?}");
                        served.fetch_add(1, Ordering::SeqCst);
                        if response.field("connection") == Some("close") {
                            client.expect_closed();
                            return;
                        }
                    }
                })
            })
            .collect();
        eventually("clients are being served", || served.load(Ordering::SeqCst) > 500);
        gateway.signal("TERM");
        asking.into_iter().for_each(|thread| thread.join().expect("whole answers"));
    });
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let gate = Gate::default();
    let origin = held(&gate);
    let mut gateway = start(&origin, "");
    let admin = gateway.admin();
    let mut client = gateway.client();
    client.send(get("/test/x"));
    gate.wait_for_arrivals(1);
    gateway.signal("TERM");
    wait_until_draining(admin);
    gateway.signal("TERM");
    assert_ne!(gateway.wait().code(), Some(0));
    client.expect_closed();
    gate.open();
}

#[test]
fn a_drain_does_not_last_for_ever() {
    let gate = Gate::default();
    let origin = held(&gate);
    let mut gateway = start(&origin, "drain_timeout_ms = 300");
    let mut client = gateway.client();
    client.send(get("/test/x"));
    gate.wait_for_arrivals(1);
    gateway.signal("TERM");
    gateway.wait();
    client.expect_closed();
    gate.open();
}

#[test]
fn nobody_can_connect_while_it_drains() {
    let gate = Gate::default();
    let origin = held(&gate);
    let mut gateway = start(&origin, "");
    let admin = gateway.admin();
    let mut client = gateway.client();
    client.send(get("/test/x"));
    gate.wait_for_arrivals(1);
    gateway.signal("TERM");
    wait_until_draining(admin);
    eventually("a new connection is refused or closed unserved", || {
        let Ok(stream) = std::net::TcpStream::connect(gateway.address) else { return true };
        let mut late = Client { wire: crate::support::wire::Wire::new(stream) };
        late.wire.send(get("/test/mock")).is_err() || late.read("GET").is_err()
    });
    gate.open();
    assert_eq!(client.response().status(), 200);
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn an_idle_gateway_stops_at_once() {
    let gate = Gate::default();
    let mut gateway = start(&held(&gate), "");
    let start = std::time::Instant::now();
    gateway.stop();
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}
