//! SIGHUP: a new configuration takes over whole, without a failed request or a closed connection; a bad one changes
//! nothing and says why.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::support::client::{Client, get, post};
use crate::support::document::{Document, http, http_proxy, mock};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

fn answering(text: &str) -> Document {
    Document::new().method("GET", "/x", mock(text))
}

fn reload(gateway: &Gateway, document: &Document) {
    gateway.folder.replace("api.json", &document.text());
    gateway.signal("HUP");
}

/// Asks on one connection until told to stop; the answer turns from A to B once and for all. Returns how many of each.
fn ask(client: &mut Client, progress: &AtomicUsize, stop: &AtomicBool) -> (usize, usize) {
    let (mut before, mut after) = (0, 0);
    while !stop.load(Ordering::SeqCst) || after == 0 {
        let response = client.exchange(get("/test/x"));
        assert_eq!((response.status(), response.field("connection")), (200, Some("keep-alive")));
        match &*response.text() {
            "A" if after == 0 => before += 1,
            "B" => after += 1,
            other => panic!("{other:?} after {before} A and {after} B"),
        }
        progress.fetch_add(1, Ordering::SeqCst);
    }
    (before, after)
}

#[test]
fn under_load_nothing_fails_and_everybody_sees_the_new() {
    let gateway = Setup::new(&answering("A")).shards(2).start();
    let stop = AtomicBool::new(false);
    let progress: [AtomicUsize; 6] = Default::default();
    std::thread::scope(|scope| {
        let asking: Vec<_> = progress
            .iter()
            .map(|progress| {
                let (mut client, stop) = (gateway.client(), &stop);
                scope.spawn(move || ask(&mut client, progress, stop))
            })
            .collect();
        let all_have =
            |count: usize| progress.iter().all(|progress| progress.load(Ordering::SeqCst) >= count);
        eventually("every client has asked", || {
            all_have(50) || asking.iter().any(std::thread::ScopedJoinHandle::is_finished)
        });
        reload(&gateway, &answering("B"));
        gateway.stderr.wait_for("reloaded");
        for _ in 0..20 {
            assert_eq!(gateway.get("/test/x").text(), "B", "a request that starts after the reload");
        }
        let seen = progress.iter().map(|progress| progress.load(Ordering::SeqCst)).max().unwrap_or(0);
        eventually("every client has asked on", || {
            all_have(seen + 50) || asking.iter().any(std::thread::ScopedJoinHandle::is_finished)
        });
        stop.store(true, Ordering::SeqCst);
        for thread in asking {
            let (before, after) = thread.join().expect("no failed request");
            assert!(before >= 50 && after >= 50, "{before} A, {after} B");
        }
    });
}

/// A request in flight ends with the configuration that it began with.
#[test]
fn a_request_in_flight_is_not_disturbed() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            let _ = peer.send(ok("slow"));
        }
    });
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let mut client = gateway.client();
    client.send(get("/test/x"));
    gate.wait_for_arrivals(1);
    reload(&gateway, &answering("B"));
    gateway.stderr.wait_for("reloaded");
    assert_eq!(gateway.get("/test/x").text(), "B");
    gate.open();
    assert_eq!(client.response().text(), "slow");
    assert_eq!(client.exchange(get("/test/x")).text(), "B");
}

/// A request that waits for its body calls the backend of the configuration that it began with, whatever numbers backends
/// have in the new one.
#[test]
fn a_request_that_waits_for_its_body_keeps_its_backend() {
    let (old, new) = (Origin::answering(ok("old")), Origin::answering(ok("new")));
    let document = |origin: &Origin| {
        let mut integration = http("POST", format!("http://{}/y", origin.address));
        integration["requestTemplates"] = json!({ "application/json": "$input.body" });
        Document::new().method("POST", "/x", integration)
    };
    let gateway = Setup::new(&document(&old)).start();
    let mut client = gateway.client();
    client.send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    // Another request on the same shard has been served, so the first one has begun.
    assert_eq!(gateway.client().exchange(post("/test/x", "1234")).text(), "old");
    reload(&gateway, &document(&new));
    gateway.stderr.wait_for("reloaded");
    assert_eq!(gateway.client().exchange(post("/test/x", "1234")).text(), "new");
    client.send("cd");
    assert_eq!(client.response().text(), "old");
    assert_eq!(client.exchange(post("/test/x", "1234")).text(), "new");
}

#[test]
fn limits_stages_and_hosts_change_too() {
    let setup = Setup::new(&answering("A"));
    let gateway = setup.start();
    let mut client = gateway.client();
    assert_eq!(client.exchange(get("/test/x")).status(), 200);
    let more = "[[domain]]\nname = \"new.example\"\nmapping = [ { path = \"\", api = \"api\", stage = \"test\" } ]\n";
    let changed = setup.limits("header_fields = 8\npayload_bytes = 10").more(more);
    gateway.folder.replace("tidegate.toml", &changed.text());
    gateway.signal("HUP");
    gateway.stderr.wait_for("reloaded");
    let mut fresh = gateway.client();
    assert_eq!(fresh.exchange("GET /x HTTP/1.1\r\nHost: new.example\r\n\r\n").text(), "A");
    let many = (0..8).map(|number| format!("x{number}: y\r\n")).collect::<String>();
    assert_eq!(fresh.exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{many}\r\n")).status(), 431);
    assert_eq!(client.exchange(get("/test/x")).text(), "A", "the old connection is still open");
}

#[test]
fn a_bad_configuration_changes_nothing_and_is_explained() {
    let setup = Setup::new(&answering("A"));
    let gateway = setup.start();
    let mut client = gateway.client();
    // (file, its content, what stderr must name)
    let rows = [
        ("tidegate.toml", setup.text() + "\n[nonsense]\n", "tidegate.toml:"),
        ("tidegate.toml", "not toml at all".to_owned(), "tidegate.toml:1"),
        ("api.json", "{\n  \"openapi\": \"3.0.1\",\n  oops\n".to_owned(), "api.json:"),
        (
            "api.json",
            answering("B").method("GET", "/y", serde_json::json!({"type": "aws_proxy"})).text(),
            "api.json:",
        ),
    ];
    for (count, (file, text, named)) in rows.into_iter().enumerate() {
        let good = gateway.folder.read(file);
        gateway.folder.replace(file, &text);
        gateway.signal("HUP");
        eventually("stderr says so", || gateway.stderr.text().matches("reload refused").count() == count + 1);
        let stderr = gateway.stderr.text();
        assert!(stderr.contains(named), "{named} in:\n{stderr}");
        assert_eq!(client.exchange(get("/test/x")).text(), "A");
        assert_eq!(gateway.get("/test/x").text(), "A");
        gateway.folder.replace(file, &good);
    }
    gateway.folder.replace("api.json", &answering("C").text());
    gateway.signal("HUP");
    gateway.stderr.wait_for("reloaded");
    assert_eq!(client.exchange(get("/test/x")).text(), "C");
}

#[test]
fn many_reloads_in_a_row() {
    let gateway = Setup::new(&answering("0")).shards(2).start();
    let mut client = gateway.client();
    for round in 1..=30 {
        reload(&gateway, &answering(&round.to_string()));
        eventually("stderr says so", || gateway.stderr.text().matches("reloaded").count() == round);
        assert_eq!(client.exchange(get("/test/x")).text(), round.to_string());
    }
}

/// Connections are kept for an origin, not for its place in the configuration.
#[test]
fn kept_connections_stay_with_their_origin() {
    let (first, second) = (Origin::answering(ok("first")), Origin::answering(ok("second")));
    let proxy = |origin: &Origin| http_proxy("GET", format!("http://{}/", origin.address));
    let both = Document::new().method("GET", "/a", proxy(&first)).method("GET", "/b", proxy(&second));
    let swapped = Document::new().method("GET", "/a", proxy(&second)).method("GET", "/b", proxy(&first));
    let only_second = Document::new().method("GET", "/b", proxy(&second));
    let gateway = Setup::new(&both).start();
    let mut client = gateway.client();
    let mut answer = |path: &str| client.exchange(get(path)).text();
    assert_eq!((answer("/test/a"), answer("/test/b")), ("first".to_owned(), "second".to_owned()));
    for (count, (document, rows)) in [
        (&only_second, vec![("/test/b", "second")]),
        (&swapped, vec![("/test/a", "second"), ("/test/b", "first")]),
        (&both, vec![("/test/b", "second"), ("/test/a", "first")]),
    ]
    .into_iter()
    .enumerate()
    {
        reload(&gateway, document);
        eventually("stderr says so", || gateway.stderr.text().matches("reloaded").count() == count + 1);
        for _ in 0..3 {
            for (path, want) in &rows {
                assert_eq!(answer(path), *want, "{path} after reload {count}");
            }
        }
    }
}

#[test]
fn proxied_requests_survive_reloads_under_load() {
    let origin = Origin::replying(|request| ok(&request.text()));
    let document = Document::new().pass_all(origin.address);
    let gateway = Setup::new(&document).shards(2).start();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (mut client, stop) = (gateway.client(), &stop);
            scope.spawn(move || {
                for number in 0.. {
                    let text = number.to_string();
                    assert_eq!(client.exchange(post("/test/x", &text)).text(), text);
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        for round in 1..=10 {
            reload(&gateway, &document.clone().method("GET", "/more", mock(&round.to_string())));
            eventually("stderr says so", || gateway.stderr.text().matches("reloaded").count() == round);
            assert_eq!(gateway.get("/test/more").text(), round.to_string());
        }
        stop.store(true, Ordering::SeqCst);
    });
}
