//! The stage's cache of the running gateway: what clients get, and how often the backend is called for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::{Client, get};
use crate::support::document::{Document, http_proxy, mock};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::{Gateway, tidegate};
use crate::support::http2::Http2;
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const CACHE: &str = "cache = { size = \"16 MiB\", ttl = 60 }";

fn start(origin: &Origin, timeout_ms: u32) -> Gateway {
    let mut integration = http_proxy("GET", format!("http://{}/", origin.address));
    integration["timeoutInMillis"] = json!(timeout_ms);
    let document = Document::new().method("GET", "/x", integration).method("GET", "/ping", mock("pong"));
    Setup::new(&document).stage(CACHE).start()
}

/// Many clients ask at once. When another one is answered that asks behind them, the only shard has seen them all.
pub(crate) fn ask(gateway: &Gateway, clients: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..clients).map(|_| gateway.client()).collect();
    clients.iter_mut().for_each(|client| client.send(get("/test/x")));
    assert_eq!(gateway.get("/test/ping").text(), "pong");
    clients
}

pub(crate) fn answers(clients: Vec<Client>) -> Vec<Message> {
    clients.into_iter().map(|mut client| client.response()).collect()
}

/// A kept answer goes to clients of both versions, whichever asked first; one too large to be kept passes whole.
#[test]
fn answers_are_shared_with_http2() {
    let origin = Origin::replying(|request| match request.start.as_str() {
        start if start.contains("large") => ok(&"0123456789abcdef".repeat(200_000)),
        _ => ok(&"0123456789abcdef".repeat(4_000)),
    });
    let uri = format!("http://{}/{{size}}", origin.address);
    let mut integration = http_proxy("GET", uri);
    integration["requestParameters"] = json!({"integration.request.path.size": "method.request.path.size"});
    integration["cacheKeyParameters"] = json!(["method.request.path.size"]);
    let document = Document::new().method("GET", "/{size}/{version}", integration);
    for (first, size, bytes, calls) in
        [("1", "small", 64_000, 1), ("2", "small", 64_000, 1), ("2", "large", 3_200_000, 4)]
    {
        let gateway = Setup::new(&document).stage(CACHE).h2c().start();
        let before = origin.whole();
        for turn in 0..4 {
            let path = format!("/test/{size}/x");
            let is_second = (turn % 2 == 0) == (first == "2");
            let (status, body) = if is_second {
                let answer = Http2::connect(gateway.address).get(&path);
                (answer.status(), answer.text())
            } else {
                let answer = gateway.get(&path);
                (answer.status(), answer.text())
            };
            assert_eq!((status, body.len()), (200, bytes), "{first} first, {size}, {turn}");
            assert!(body.starts_with("0123456789abcdef0123") && body.ends_with("9abcdef"));
        }
        assert_eq!(origin.whole(), before + calls, "{first} first, {size}");
    }
}

#[test]
fn answers_of_every_size_are_given_again() {
    let bytes = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&bytes);
    let origin = Origin::replying(move |_| {
        let body = "0123456789abcdef".repeat(shared.load(Ordering::SeqCst).div_ceil(16));
        ok(&body[..shared.load(Ordering::SeqCst)])
    });
    for size in [0, 1, 8_192, 8_193, 100_000, 1 << 20] {
        bytes.store(size, Ordering::SeqCst);
        let gateway = start(&origin, 5_000);
        let calls = origin.whole();
        let first = gateway.get("/test/x");
        let mut client = gateway.client();
        for _ in 0..5 {
            let again = client.exchange(get("/test/x"));
            assert_eq!((again.status(), again.body.len()), (200, size));
            assert!(again.body == first.body, "the same {size} bytes");
        }
        assert_eq!(origin.whole(), calls + 1, "{size}");
    }
}

#[test]
fn what_is_too_large_streams_on() {
    let body = "x".repeat((1 << 20) + 1);
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n{body}\r\n0\r\n\r\n");
    let origin = Origin::answering(chunked);
    let gateway = start(&origin, 5_000);
    let mut client = gateway.client();
    for calls in 1..=3 {
        assert!(client.exchange(get("/test/x")).body == body.as_bytes());
        assert_eq!(origin.whole(), calls);
    }
}

/// Large answers are sent from where they lie. What goes to clients that take their time stays as it was when it was found,
/// whatever is kept in its place meanwhile, and whoever of them leaves halfway.
#[test]
fn what_is_on_its_way_does_not_change() {
    let origin = Origin::replying(|request| ok(&named(request.start.split(' ').nth(1).unwrap_or(""))));
    let mut integration = http_proxy("GET", format!("http://{}/{{name}}", origin.address));
    integration["requestParameters"] = json!({"integration.request.path.name": "method.request.path.name"});
    integration["cacheKeyParameters"] = json!(["method.request.path.name"]);
    let document = Document::new().method("GET", "/{name}", integration);
    let gateway = Setup::new(&document).stage("cache = { size = \"4 MiB\", ttl = 60 }").start();
    let ask = |name: usize| gateway.get(&format!("/test/{name}")).body;
    for round in 0..4 {
        let first = round * 100;
        assert!(ask(first) == named(&format!("/{first}")).as_bytes());
        let calls = origin.whole();
        let mut slow: Vec<Client> = (0..12).map(|_| Client::with_small_window(gateway.address)).collect();
        slow.iter_mut().for_each(|client| client.send(get(&format!("/test/{first}"))));
        slow.iter_mut().for_each(|client| client.wire.fill().map(drop).expect("the beginning"));
        assert_eq!(origin.whole(), calls, "they are given what is kept");
        slow.truncate(8);
        for name in first + 1..first + 10 {
            assert!(ask(name) == named(&format!("/{name}")).as_bytes());
        }
        for mut client in slow {
            assert!(client.response().body == named(&format!("/{first}")).as_bytes());
            let next = client.exchange(get(&format!("/test/{}", first + 9)));
            assert!(next.body == named(&format!("/{}", first + 9)).as_bytes());
        }
    }
}

/// Content of 1 MiB less a little, everywhere another for each path.
fn named(path: &str) -> String {
    format!("{path:>16}").repeat(65_000)
}

#[test]
fn a_client_that_does_not_read_holds_nobody() {
    let body = "x".repeat(1 << 20);
    let origin = Origin::answering(ok(&body));
    let gateway = start(&origin, 5_000);
    let mut slow = Client::with_small_window(gateway.address);
    slow.send(get("/test/x"));
    eventually("the backend is called", || origin.whole() == 1);
    assert!(gateway.get("/test/x").body == body.as_bytes());
    assert!(slow.response().body == body.as_bytes());
    assert_eq!(origin.whole(), 1);
}

#[test]
fn misses_of_one_key_call_once() {
    let gate = Gate::default();
    let opened = gate.clone();
    let origin = Origin::replying(move |_| {
        opened.wait();
        ok("hello")
    });
    let gateway = start(&origin, 20_000);
    let clients = ask(&gateway, 50);
    eventually("the backend is called", || origin.whole() == 1);
    gate.open();
    for answer in answers(clients) {
        assert_eq!((answer.status(), &*answer.body), (200, &b"hello"[..]));
    }
    assert_eq!(origin.whole(), 1);
}

#[test]
fn a_client_that_goes_away_leaves_the_answer_to_the_others() {
    let gate = Gate::default();
    let opened = gate.clone();
    let origin = Origin::replying(move |_| {
        opened.wait();
        ok(&"x".repeat(100_000))
    });
    let gateway = start(&origin, 20_000);
    let mut leader = gateway.client();
    leader.send(get("/test/x"));
    eventually("the backend is called", || origin.whole() == 1);
    let clients = ask(&gateway, 10);
    leader.reset();
    gate.open();
    assert!(answers(clients).iter().all(|answer| answer.body.len() == 100_000));
    assert_eq!(origin.whole(), 1);
}

#[test]
fn a_backend_that_fails_fails_for_all_who_wait_and_nothing_is_kept() {
    let gate = Gate::default();
    let opened = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            opened.wait();
            if peer.number == 0 || peer.send(ok("hello")).is_err() {
                break;
            }
        }
    });
    let gateway = start(&origin, 20_000);
    let clients = ask(&gateway, 10);
    eventually("the backend is called", || origin.whole() == 1);
    gate.open();
    let statuses: Vec<u16> = answers(clients).iter().map(Message::status).collect();
    assert_eq!(statuses, [504; 10]);
    assert_eq!(origin.whole(), 1);
    assert_eq!(gateway.get("/test/x").status(), 200);
}

#[test]
fn nobody_waits_longer_than_its_own_timeout() {
    let origin = Origin::scripted(|peer| while peer.request().is_some() {});
    let gateway = start(&origin, 600);
    let asked = Instant::now();
    for answer in answers(ask(&gateway, 4)) {
        assert_eq!(answer.status(), 504);
    }
    let waited = asked.elapsed();
    assert!(waited < Duration::from_millis(1_500), "{waited:?}");
}

#[test]
fn a_reload_with_the_same_definition_keeps_answers_and_one_with_another_does_not() {
    let origin = Origin::answering(ok("hello"));
    let gateway = start(&origin, 5_000);
    gateway.get("/test/x");
    gateway.signal("HUP");
    gateway.stderr.find(|line| line.contains("reloaded").then_some(())).expect("reloaded");
    gateway.get("/test/x");
    assert_eq!(origin.whole(), 1);
    let document = gateway.folder.read("api.json");
    gateway.folder.replace("api.json", &document.replace("\"version\": \"1\"", "\"version\": \"2\""));
    gateway.signal("HUP");
    eventually("the new one is in force", || {
        gateway.get("/test/x");
        origin.whole() == 2
    });
}

/// The value of a metric's line that begins so.
#[track_caller]
fn metric(gateway: &Gateway, line: &str) -> u64 {
    let mut client = Client::connect(gateway.admin());
    let answer = client.exchange("GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    let text = answer.text();
    let value = text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {line} in:\n{text}"))
}

const OF_X: &str = "{api=\"api\",stage=\"test\",method=\"GET\",resource=\"/x\"}";

#[test]
fn what_is_counted() {
    let origin = Origin::answering(ok("hello"));
    let integration = http_proxy("GET", format!("http://{}/", origin.address));
    let document = Document::new().method("GET", "/x", integration);
    let gateway = Setup::new(&document).stage(CACHE).admin().start();
    let mut client = gateway.client();
    for _ in 0..5 {
        client.exchange(get("/test/x"));
    }
    eventually("the shard has said so", || {
        metric(&gateway, &format!("tidegate_cache_hits_total{OF_X}")) == 4
    });
    assert_eq!(metric(&gateway, &format!("tidegate_cache_misses_total{OF_X}")), 1);
    assert_eq!(metric(&gateway, &format!("tidegate_cache_evictions_total{OF_X}")), 0);
    let bytes = metric(&gateway, &format!("tidegate_cache_bytes{OF_X}"));
    assert!((100..1_000).contains(&bytes), "{bytes}");
    let size = metric(&gateway, "tidegate_cache_size_bytes{api=\"api\",stage=\"test\"}");
    assert!((bytes..10_000).contains(&size), "{size}");
}

#[test]
fn a_flush_forgets_on_all_shards() {
    let origin = Origin::answering(ok("hello"));
    let integration = http_proxy("GET", format!("http://{}/", origin.address));
    let document = Document::new().method("GET", "/x", integration);
    let gateway = Setup::new(&document).shards(4).stage(CACHE).admin().start();
    let file = gateway.folder.main_file().display().to_string();
    let admin = gateway.admin().to_string();
    let flush = |api: &str, stage: &str| {
        let output = tidegate(&["flush", &file, "--api", api, "--stage", stage, "--admin", &admin]);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    // Until each shard has it.
    let all_answer_alone = || {
        let before = origin.whole();
        (0..40).for_each(|_| drop(gateway.get("/test/x")));
        origin.whole() == before
    };
    eventually("each shard has the answer", all_answer_alone);
    let calls = origin.whole();
    assert_eq!(flush("api", "test"), (Some(0), "flushed: API api stage test\n".to_owned()));
    gateway.get("/test/x");
    assert_eq!(origin.whole(), calls + 1);
    let (code, text) = flush("api", "prod");
    assert!(code == Some(1) && text.contains("Invalid stage identifier specified"), "{text}");
    let (code, text) = flush("other", "test");
    assert!(code == Some(1) && text.contains("Invalid API identifier specified"), "{text}");
}

/// What is too old is given while the backend fails, and no longer.
#[test]
fn an_old_answer_for_a_backend_that_fails() {
    let fails = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&fails);
    let origin = Origin::replying(move |_| match shared.load(Ordering::SeqCst) {
        0 => ok("old"),
        1 => "HTTP/1.1 503 Unavailable\r\nContent-Length: 3\r\n\r\nbad".to_owned(),
        _ => ok("new"),
    });
    let document =
        Document::new().method("GET", "/x", http_proxy("GET", format!("http://{}/", origin.address)));
    let cache = "cache = { size = \"1 MiB\", ttl = 1, stale_on_error = 600 }";
    let gateway = Setup::new(&document).stage(cache).admin().start();
    assert_eq!(gateway.get("/test/x").text(), "old");
    fails.store(1, Ordering::SeqCst);
    eventually("it fails", || {
        assert_eq!(gateway.get("/test/x").text(), "old");
        origin.whole() == 2
    });
    eventually("it is counted", || metric(&gateway, &format!("tidegate_cache_stale_total{OF_X}")) >= 1);
    assert_eq!(gateway.get("/test/x").text(), "old");
    fails.store(2, Ordering::SeqCst);
    eventually("it answers again", || gateway.get("/test/x").text() == "new");
}

/// A change that comes through one shard puts out the answers of all.
#[test]
fn a_change_is_told_to_all_shards() {
    let origin = Origin::replying(|request| match request.start.starts_with("GET") {
        true => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nCache-Control: max-age=600\r\n\r\na".to_owned(),
        false => ok("changed"),
    });
    let uri = format!("http://{}/", origin.address);
    let document = Document::new().method("GET", "/x", http_proxy("GET", &uri)).method(
        "DELETE",
        "/x",
        http_proxy("DELETE", &uri),
    );
    let cache = "cache = { size = \"1 MiB\", ttl = 600, origin_freshness = \"EXPLICIT\" }";
    let gateway = Setup::new(&document).shards(4).stage(cache).start();
    let all_answer_alone = || {
        let before = origin.whole();
        (0..40).for_each(|_| drop(gateway.get("/test/x")));
        origin.whole() == before
    };
    eventually("each shard has the answer", all_answer_alone);
    let calls = origin.whole();
    let change = "DELETE /test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(gateway.client().exchange(change).text(), "changed");
    eventually("each shard has asked again", || {
        gateway.get("/test/x");
        origin.whole() >= calls + 1 + 4
    });
    eventually("each shard has the answer", all_answer_alone);
}

#[test]
fn a_flush_needs_an_admin_server() {
    let gateway = Setup::new(&Document::new().method("GET", "/x", mock("x"))).start();
    let file = gateway.folder.main_file().display().to_string();
    let output = tidegate(&["flush", &file, "--api", "api", "--stage", "test"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("has no [admin] address with a port") && text.contains("--admin 127.0.0.1:9901"),
        "{text}"
    );
}
