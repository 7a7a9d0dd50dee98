//! The running gateway's cache under those who mean it ill, and when things go wrong in the middle of a fill.

use serde_json::json;

use crate::caches::{answers, ask};
use crate::support::client::{Client, get};
use crate::support::document::{Document, http_proxy, mock};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::{Gateway, tidegate};
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

const CACHE: &str = "cache = { size = \"1 MiB\", ttl = 60 }";

fn document(origin: &Origin) -> Document {
    let mut integration = http_proxy("GET", format!("http://{}/", origin.address));
    integration["cacheKeyParameters"] = json!(["method.request.querystring.q"]);
    let parameter = json!([{"name": "q", "in": "query", "schema": {"type": "string"}}]);
    Document::new().method("GET", "/x", integration).operation("GET", "/x", "parameters", parameter).method(
        "GET",
        "/ping",
        mock("pong"),
    )
}

fn start(origin: &Origin) -> Gateway {
    Setup::new(&document(origin)).stage(CACHE).admin().start()
}

/// What came before the end is no answer, for nobody, and is not kept.
#[test]
fn a_backend_that_dies_in_the_middle_of_a_body() {
    for begun in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nContent-Len",
    ] {
        let gate = Gate::default();
        let opened = gate.clone();
        let origin = Origin::scripted(move |peer| {
            while peer.request().is_some() {
                opened.wait();
                if peer.number == 0 {
                    let _ = peer.send(begun);
                    break;
                }
                if peer.send(ok("whole")).is_err() {
                    break;
                }
            }
        });
        let gateway = start(&origin);
        let clients = ask(&gateway, 5);
        eventually("the backend is called", || origin.whole() == 1);
        gate.open();
        let statuses: Vec<u16> = answers(clients).iter().map(Message::status).collect();
        assert!(statuses.iter().all(|status| matches!(status, 502 | 504)), "{begun}: {statuses:?}");
        assert_eq!(gateway.get("/test/x").text(), "whole", "{begun}");
    }
}

/// While a call is under way the stage is flushed, or defined anew: those who wait are answered, and nothing of it is kept. A
/// reload that changes nothing of the deployment changes nothing here.
#[test]
fn a_fill_that_is_overtaken() {
    for (what, kept) in [("flush", false), ("another definition", false), ("the same definition", true)] {
        let gate = Gate::default();
        let opened = gate.clone();
        let origin = Origin::replying(move |_| {
            opened.wait();
            ok("hello")
        });
        let gateway = start(&origin);
        let clients = ask(&gateway, 4);
        eventually("the backend is called", || origin.whole() == 1);
        if what == "flush" {
            let (file, admin) =
                (gateway.folder.main_file().display().to_string(), gateway.admin().to_string());
            let flushed = tidegate(&["flush", &file, "--api", "api", "--stage", "test", "--admin", &admin]);
            assert!(flushed.status.success(), "{flushed:?}");
        } else {
            if what == "another definition" {
                let other = document(&origin).method("GET", "/other", mock("other"));
                gateway.folder.replace("api.json", &other.text());
            }
            gateway.signal("HUP");
            gateway.stderr.wait_for("reloaded");
        }
        gate.open();
        assert!(
            answers(clients).iter().all(|answer| answer.status() == 200 && answer.text() == "hello"),
            "{what}"
        );
        assert_eq!(origin.whole(), 1, "{what}: those who wait need no call of their own");
        gateway.get("/test/x");
        assert_eq!(origin.whole(), if kept { 1 } else { 2 }, "{what}");
    }
}

/// A HEAD in GET's clothes on a connection that goes on: no byte of kept content is taken for the next answer.
#[test]
fn a_connection_stays_in_step() {
    let origin = Origin::replying(|request| match request.method() {
        "HEAD" => "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n".to_owned(),
        _ => ok(&"0123456789".repeat(2_000)),
    });
    let gateway = start(&origin);
    let mut client = gateway.client();
    let whole = client.exchange(get("/test/x"));
    assert_eq!(whole.body.len(), 20_000);
    for _ in 0..3 {
        client.send("HEAD /test/x HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: GET\r\n\r\n");
        assert_eq!(client.response_to_head().status(), 200);
        assert_eq!(client.exchange(get("/test/ping")).text(), "pong");
    }
    assert!(client.exchange(get("/test/x")).body == whole.body, "and GET has what it had");
}

/// What one client asks about a part, or about what it has already, is nobody else's.
#[test]
fn parts_and_conditions() {
    let origin = Origin::replying(|request| match (request.field("range"), request.field("if-none-match")) {
        (Some(_), _) => {
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/5\r\nContent-Length: 1\r\n\r\nh"
                .to_owned()
        }
        (_, Some(_)) => "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(),
        _ => ok("hello"),
    });
    let gateway = start(&origin);
    let mut client = gateway.client();
    for (field, status) in [("Range: bytes=0-0", 206), ("If-None-Match: \"a\"", 304)] {
        let asked = client.exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"));
        assert_eq!(asked.status(), status);
    }
    for _ in 0..2 {
        assert_eq!(client.exchange(get("/test/x")).text(), "hello");
    }
    assert_eq!(origin.whole(), 3);
    // Who asks for a part of what is kept may be given all of it (RFC 9110 section 14.2).
    let asked = client.exchange("GET /test/x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\n\r\n");
    assert_eq!((asked.status(), asked.text().as_str()), (200, "hello"));
}

/// Ever new keys as long as a head can be, with content, by clients that leave in between: the process takes no more than
/// before.
#[test]
fn a_flood_of_keys() {
    let origin = Origin::answering(ok(&"x".repeat(8_000)));
    let gateway = start(&origin);
    let flood = |numbers: std::ops::Range<u32>| {
        let mut client = gateway.client();
        for number in numbers {
            let key = format!("{number}{}", "y".repeat(7_000));
            if number % 50 == 0 {
                // Nobody waits for this one.
                gateway.client().send(get(&format!("/test/x?q=left{key}")));
            }
            assert_eq!(client.exchange(get(&format!("/test/x?q={key}"))).body.len(), 8_000);
        }
    };
    flood(0..500);
    let before = gateway.resident_bytes();
    flood(500..2_500);
    let after = gateway.resident_bytes();
    assert!(after < before + (4 << 20), "{before} bytes, then {after}");
    eventually("what is counted is within the size", || {
        let metrics = Client::connect(gateway.admin()).exchange(get("/metrics")).text();
        let line = "tidegate_cache_size_bytes{api=\"api\",stage=\"test\"} ";
        let size = metrics.lines().find_map(|found| found.strip_prefix(line)?.parse::<u64>().ok());
        size.is_some_and(|size| (500_000..=1 << 20).contains(&size))
    });
}
