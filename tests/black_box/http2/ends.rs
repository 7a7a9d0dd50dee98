//! How requests are taken back and connections end.

use std::time::{Duration, Instant};

use super::{document, passing_to};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::wait_until_draining;
use crate::support::http2::{
    CANCEL, Closed, DATA, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, Http2, NO_ERROR, PREFACE, REFUSED_STREAM,
    frame, request,
};
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

#[test]
fn a_request_that_is_taken_back_ends_the_call() {
    let origin = Origin::scripted(|peer| {
        if peer.request().is_some() && peer.is_closed() {
            peer.log_end();
        }
    });
    let log = "access_log = { destination = \"access.log\", format = '$context.status $context.requestId' }";
    let mut gateway = Setup::new(&document(&origin)).h2c().stage(log).start();
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    eventually("the origin is called", || origin.heads() == 1);
    client.reset(stream, CANCEL);
    eventually("the origin sees the end", || origin.ends() == 1);
    assert!(client.is_alive());
    drop(client);
    gateway.stop();
    assert!(gateway.folder.read("access.log").starts_with("- "), "{}", gateway.folder.read("access.log"));
}

#[test]
fn a_body_that_is_taken_back_ends_the_upload() {
    let origin = Origin::scripted(|peer| {
        let Some(head) = peer.head() else { return };
        if peer.body(head).is_err() {
            peer.log_end();
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    let stream = client.begin(&request("POST", "/test/x"), 0);
    client.send_frame(DATA, 0, stream, b"some");
    eventually("the origin is called", || origin.heads() == 1);
    client.reset(stream, CANCEL);
    eventually("the origin sees the end", || origin.ends() == 1);
    assert_eq!(origin.whole(), 0);
}

#[test]
fn a_connection_that_breaks_ends_all_its_calls() {
    let origin = Origin::scripted(|peer| {
        if peer.request().is_some() && peer.is_closed() {
            peer.log_end();
        }
    });
    let gateway = passing_to(&origin);
    let mut client = Http2::connect(gateway.address);
    for _ in 0..10 {
        client.begin(&request("GET", "/test/x"), END_STREAM);
    }
    eventually("the origin is called", || origin.heads() == 10);
    drop(client);
    eventually("the origin sees the ends", || origin.ends() == 10);
    eventually("files are closed", || gateway.open_files() <= gateway.open_files_at_rest);
}

#[test]
fn more_requests_at_once_than_allowed_are_refused() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            if peer.send(ok("late")).is_err() {
                return;
            }
        }
    });
    let gateway = Setup::new(&document(&origin)).h2c().limits("http2_streams = 3").start();
    let mut client = Http2::connect(gateway.address);
    client.ping();
    assert!(client.settings.contains(&(3, 3)), "{:?}", client.settings);
    let served: Vec<u32> = (0..3).map(|_| client.begin(&request("GET", "/test/x"), END_STREAM)).collect();
    let refused = client.begin(&request("GET", "/test/x"), END_STREAM);
    assert_eq!(client.answer(refused).reset, Some(REFUSED_STREAM));
    gate.open();
    for stream in served {
        assert_eq!(client.answer(stream).text(), "late");
    }
}

#[test]
fn a_drain_says_goaway_and_answers_what_is_under_way() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            if peer.send(ok("late")).is_err() {
                return;
            }
        }
    });
    let mut gateway = Setup::new(&document(&origin)).h2c().admin().start();
    let mut client = Http2::connect(gateway.address);
    let mut idle = Http2::connect(gateway.address);
    idle.ping();
    let stream = client.begin(&request("GET", "/test/x"), END_STREAM);
    eventually("the origin is called", || origin.heads() == 1);
    gateway.signal("TERM");
    wait_until_draining(gateway.admin());
    assert_eq!(client.goaway(), NO_ERROR);
    assert_eq!(idle.closed(), Closed::GoAway(NO_ERROR));
    gate.open();
    assert_eq!(client.answer(stream).text(), "late");
    assert_eq!(client.closed(), Closed::GoAway(NO_ERROR));
    assert_eq!(gateway.wait().code(), Some(0));
}

/// A client that does not even answer a ping holds nothing up for long.
#[test]
fn a_drain_waits_for_no_silent_client() {
    let origin = Origin::answering(ok(""));
    let mut gateway = Setup::new(&document(&origin)).h2c().start();
    let mut client = Http2::connect(gateway.address);
    client.ping();
    let start = Instant::now();
    gateway.stop();
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_reload_that_changes_what_clients_were_told_says_goaway() {
    let origin = Origin::answering(ok("x"));
    let setup = Setup::new(&document(&origin)).h2c();
    let gateway = setup.start();
    let mut client = Http2::connect(gateway.address);
    assert_eq!(client.get("/test/x").status(), 200);
    gateway.signal("HUP");
    eventually("it is reloaded", || gateway.stderr.text().contains("reloaded"));
    assert_eq!(client.get("/test/x").status(), 200, "nothing has changed for it");
    gateway.folder.replace("tidegate.toml", &setup.clone().limits("http2_streams = 5").text());
    gateway.signal("HUP");
    let mut other = None;
    eventually("new connections are told", || {
        let mut client = Http2::connect(gateway.address);
        client.ping();
        let told = client.settings.contains(&(3, 5));
        other = Some(client);
        told
    });
    client.try_send(&frame(6, 0, 0, b"12345678"));
    assert_eq!(client.closed(), Closed::GoAway(NO_ERROR));
    assert_eq!(other.expect("one").get("/test/x").status(), 200);
}

#[test]
fn idle_connections_are_closed() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).h2c().limits("idle_timeout_ms = 300").start();
    let mut client = Http2::connect(gateway.address);
    assert_eq!(client.get("/test/x").status(), 200);
    assert_eq!(client.closed(), Closed::GoAway(NO_ERROR));
    // Pings keep no connection.
    let (mut client, start) = (Http2::connect(gateway.address), Instant::now());
    while client.try_send(&frame(6, 0, 0, b"12345678")) && client.advance_within(Duration::from_millis(50)) {
        assert!(start.elapsed() < Duration::from_secs(15), "pings keep it");
    }
}

#[test]
fn what_has_begun_must_come() {
    let limits = "head_timeout_ms = 300\nidle_timeout_ms = 60000";
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&document(&origin)).h2c().limits(limits).start();
    // Half a preface.
    let mut client = Http2::silent(gateway.address);
    client.send(&PREFACE[..20]);
    assert_eq!(client.closed(), Closed::Silently);
    // A preface without settings behind it is a connection that idles; half of a frame is not.
    for begun in [frame(HEADERS, 0, 1, &[0x82]), frame(6, 0, 0, b"12345678")[..12].to_vec(), vec![0, 0]] {
        let mut client = Http2::connect(gateway.address);
        client.ping();
        client.send(&begun);
        assert_eq!(client.closed(), Closed::GoAway(ENHANCE_YOUR_CALM), "{begun:?}");
    }
}
