//! Connections to origins: kept, replaced, not trusted too long, and no request sent twice that must not be.

use std::net::ToSocketAddrs;

use crate::support::client::{get, post};
use crate::support::document::Document;
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&Document::new().pass_all(origin.address)).start()
}

/// The newest is the least likely to have been closed meanwhile, and the others can go.
#[test]
fn the_connection_used_last_is_used_first() {
    let gates: [Gate; 3] = Default::default();
    let held = gates.clone();
    let origin = Origin::scripted(move |peer| {
        while let Some(request) = peer.request() {
            if let Some(gate) = request.target().strip_prefix("/hold") {
                held[gate.parse::<usize>().expect("a number")].wait();
            }
            let _ = peer.send(ok(&peer.number.to_string()));
        }
    });
    let gateway = passing_to(&origin);
    let mut clients: Vec<_> = (0..3).map(|_| gateway.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(get(&format!("/test/hold{number}")));
        gates[number].wait_for_arrivals(1);
    }
    assert_eq!(origin.connections(), 3);
    let mut last = String::new();
    for number in [1, 0, 2] {
        gates[number].open();
        last = clients[number].response().text();
    }
    for _ in 0..5 {
        assert_eq!(gateway.get("/test/x").text(), last, "the connection that was free last");
    }
    assert_eq!(origin.connections(), 3);
}

#[test]
fn every_request_at_once_gets_a_connection_and_they_are_kept() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            let _ = peer.send(ok(""));
        }
    });
    let gateway = passing_to(&origin);
    let mut clients: Vec<_> = (0..20).map(|_| gateway.client()).collect();
    clients.iter_mut().for_each(|client| client.send(get("/test/x")));
    gate.wait_for_arrivals(20);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().status(), 200);
    }
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/x")).status(), 200);
    }
    assert_eq!(origin.connections(), 20);
}

#[test]
fn an_origin_that_closes_after_each_answer() {
    let origin = Origin::scripted(|peer| {
        if peer.request().is_some() {
            let _ = peer.send(format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n{}",
                peer.number
            ));
        }
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for number in 0..5 {
        assert_eq!(client.exchange(post("/test/x", "body")).text(), number.to_string());
    }
}

#[test]
fn an_http_10_origin_is_not_reused() {
    let origin = Origin::scripted(|peer| {
        if peer.request().is_some() {
            let _ = peer.send(format!("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n{}", peer.number));
            assert!(peer.is_closed(), "the gateway must close");
        }
    });
    let gateway = passing_to(&origin);
    for number in 0..3 {
        assert_eq!(gateway.get("/test/x").text(), number.to_string());
    }
}

/// The origin closes an idle connection; the gateway notices and closes its side, so nothing is sent into it.
#[test]
fn an_idle_connection_that_the_origin_closes_is_dropped() {
    let origin = Origin::scripted(|peer| {
        if peer.request().is_some() {
            let _ = peer.send(ok(&peer.number.to_string()));
            let _ = peer.wire.stream.shutdown(std::net::Shutdown::Write);
            if peer.is_closed() {
                peer.log_end();
            }
        }
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for number in 0..3 {
        assert_eq!(client.exchange(post("/test/x", "body")).text(), number.to_string());
        eventually("the gateway closes its side", || origin.ends() > number);
    }
}

/// A reused connection that dies under a request which may be repeated is replaced without a word.
#[test]
fn a_get_on_a_connection_that_dies_is_repeated() {
    for reset in [false, true] {
        let origin = Origin::scripted(move |peer| {
            let _ = peer.request().map(|_| peer.send(ok("first")));
            if peer.number == 0 {
                peer.request();
                if reset {
                    peer.reset_on_close();
                }
                return;
            }
            while peer.request().is_some() && peer.send(ok("second")).is_ok() {}
        });
        let gateway = passing_to(&origin);
        let mut client = gateway.client();
        assert_eq!(client.exchange(get("/test/x")).text(), "first");
        let response = client.exchange(get("/test/y"));
        assert_eq!(
            (response.status(), &*response.text()),
            (200, "first"),
            "from the new connection; reset: {reset}"
        );
        let requests: Vec<_> = (0..3).map(|_| origin.request()).collect();
        let seen: Vec<_> =
            requests.iter().map(|request| (request.connection, request.message.target())).collect();
        assert_eq!(seen, [(0, "/x"), (0, "/y"), (1, "/y")]);
    }
}

/// What may not be repeated is not, even though nobody knows whether the origin has acted on it.
#[test]
fn a_post_on_a_connection_that_dies_is_not_repeated() {
    for reset in [false, true] {
        let origin = Origin::scripted(move |peer| {
            let _ = peer.request().map(|_| peer.send(ok("first")));
            peer.request();
            if reset {
                peer.reset_on_close();
            }
        });
        let gateway = passing_to(&origin);
        let mut client = gateway.client();
        assert_eq!(client.exchange(get("/test/x")).text(), "first");
        let response = client.exchange(post("/test/y", "pay"));
        assert_eq!(
            (response.status(), &*response.text()),
            (504, r#"{"message": "Network error communicating with endpoint"}"#)
        );
        assert_eq!(client.exchange(get("/test/z")).text(), "first");
        let requests: Vec<_> = (0..3).map(|_| origin.request()).collect();
        let seen: Vec<_> = requests.iter().map(|request| request.message.target()).collect();
        assert_eq!(seen, ["/x", "/y", "/z"]);
    }
}

/// A body that has been sent once may be gone; then the request fails, and is never repeated without it.
#[test]
fn a_put_on_a_connection_that_dies_is_repeated_whole_or_not_at_all() {
    let large = "y".repeat(200_000);
    let chunked = format!(
        "PUT /test/y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let length = |body: &str| post("/test/y", body).replace("POST", "PUT");
    for (request, body) in [(length("small"), "small"), (length(&large), &*large), (chunked, &*large)] {
        let origin = Origin::scripted(|peer| {
            let _ = peer.request().map(|_| peer.send(ok("first")));
            if peer.number == 0 {
                peer.head();
                peer.reset_on_close();
                return;
            }
            while peer.request().is_some() && peer.send(ok("again")).is_ok() {}
        });
        let gateway = passing_to(&origin);
        let mut client = gateway.client();
        assert_eq!(client.exchange(get("/test/x")).text(), "first");
        origin.request();
        let response = client.exchange(&request);
        match response.status() {
            200 => assert!(origin.request().message.text() == body, "repeated with another body"),
            504 => assert_eq!(origin.whole(), 1, "what failed was whole nowhere"),
            _ => panic!("{response:?}"),
        }
        assert_eq!(gateway.get("/test/z").status(), 200);
    }
}

/// Once anything of the answer has come, not even a GET is sent again.
#[test]
fn a_get_that_was_half_answered_is_not_repeated() {
    let origin = Origin::scripted(|peer| {
        let _ = peer.request().map(|_| peer.send(ok("first")));
        let _ = peer.request().map(|_| peer.send("HTTP/1.1 200 OK\r\nContent-Le"));
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    assert_eq!(client.exchange(get("/test/x")).text(), "first");
    assert_eq!(client.exchange(get("/test/y")).status(), 504);
    assert_eq!(origin.whole(), 2);
}

/// An origin that never accepts a request must not be asked for ever.
#[test]
fn repetition_ends() {
    let origin = Origin::scripted(|peer| {
        peer.request();
    });
    let gateway = passing_to(&origin);
    assert_eq!(gateway.get("/test/x").status(), 504);
    assert!(origin.whole() <= 3, "{} times", origin.whole());
}

#[test]
fn no_connection_is_kept_where_none_may_be() {
    let origin = Origin::replying(|_| ok("x"));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).limits("upstream_idle = 0").start();
    let mut client = gateway.client();
    for _ in 0..5 {
        assert_eq!(client.exchange(get("/test/x")).status(), 200);
    }
    assert_eq!(origin.connections(), 5);
}

#[test]
fn idle_connections_are_closed_in_time() {
    let origin = Origin::scripted(|peer| {
        while peer.request().is_some() {
            let _ = peer.send(ok("x"));
        }
        peer.log_end();
    });
    let limits = "upstream_idle_timeout_ms = 200";
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).limits(limits).start();
    assert_eq!(gateway.get("/test/x").status(), 200);
    eventually("the idle connection is closed", || origin.ends() == 1);
    assert_eq!(gateway.get("/test/x").status(), 200);
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_name_is_as_good_as_an_address() {
    let origin = Origin::answering(ok("by name"));
    let document = Document::new().pass_all(format!("localhost:{}", origin.address.port()));
    let gateway = Setup::new(&document).start();
    for _ in 0..3 {
        assert_eq!(gateway.get("/test/x").text(), "by name");
    }
    assert_eq!(
        origin.request().message.field("host"),
        Some(&*format!("localhost:{}", origin.address.port()))
    );
}

/// Where `localhost` has two addresses, an origin on either of them is found.
#[test]
fn every_address_of_a_name_is_tried() {
    for address in ("localhost", 0).to_socket_addrs().expect("localhost").collect::<Vec<_>>() {
        let origin =
            Origin::on(address, |peer| while peer.request().is_some() && peer.send(ok("found")).is_ok() {});
        let document = Document::new().pass_all(format!("localhost:{}", origin.address.port()));
        let gateway = Setup::new(&document).start();
        for _ in 0..3 {
            assert_eq!(gateway.get("/test/x").text(), "found", "{address}");
        }
    }
}

#[test]
fn ipv6_origins_and_listeners() {
    let origin = Origin::on("[::1]:0".parse().expect("address"), |peer| {
        while peer.request().is_some() && peer.send(ok("six")).is_ok() {}
    });
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).listener("[::1]:0").start();
    assert_eq!(gateway.get("/test/x").text(), "six");
    let received = origin.request().message;
    assert_eq!(received.field("x-forwarded-for"), Some("::1"));
    assert_eq!(received.field("host"), Some(&*origin.address.to_string()));
}
