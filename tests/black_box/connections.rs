//! Persistent connections: keep-alive, pipelining, slow writers, HTTP/1.0, HEAD, answers without content.

use crate::support::client::{Client, get, post};
use crate::support::document::{Document, mock};
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::gateway::Gateway;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;

fn passing_to(origin: &Origin) -> Gateway {
    Setup::new(&Document::new().method("GET", "/mock", mock("mocked")).pass_all(origin.address)).start()
}

/// An origin that answers with the target and the body that it was sent.
fn echo() -> Origin {
    Origin::replying(|request| ok(&format!("{} {} {}", request.method(), request.target(), request.text())))
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let origin = echo();
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for round in 0..100 {
        let response = client.exchange(post(&format!("/test/{round}"), &"x".repeat(round)));
        assert_eq!(response.text(), format!("POST /{round} {}", "x".repeat(round)));
        assert_eq!(response.field("connection"), Some("keep-alive"));
        assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
        assert_eq!(client.exchange(get("/none/x")).status(), 403);
    }
    assert_eq!(origin.connections(), 1, "one client needs one upstream connection");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = echo();
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    let requests = |round: usize| match round % 3 {
        0 => post(&format!("/test/{round}"), &"y".repeat(round * 500)),
        1 => get(&format!("/test/{round}")),
        _ => get("/test/mock"),
    };
    client.send((0..10).map(requests).collect::<String>());
    for round in 0..10 {
        let want = match round % 3 {
            0 => format!("POST /{round} {}", "y".repeat(round * 500)),
            1 => format!("GET /{round} "),
            _ => "mocked".to_owned(),
        };
        assert_eq!(client.response().text(), want);
    }
}

#[test]
fn many_pipelined_requests_are_all_answered() {
    let gateway = passing_to(&echo());
    let mut client = gateway.client();
    let mut sender =
        Client { wire: crate::support::wire::Wire::new(client.wire.stream.try_clone().expect("clone")) };
    std::thread::scope(|scope| {
        scope.spawn(move || sender.send(get("/test/mock").repeat(5000)));
        for _ in 0..5000 {
            assert_eq!(client.response().text(), "mocked");
        }
    });
}

#[test]
fn a_client_may_write_byte_by_byte() {
    let origin = echo();
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    let chunked = "POST /test/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n";
    for (request, want) in [(&*post("/test/a", "hello"), "POST /a hello"), (chunked, "POST /b abcd")] {
        for byte in request.bytes() {
            client.send([byte]);
        }
        assert_eq!(client.response().text(), want);
    }
}

#[test]
fn connection_options() {
    let origin = echo();
    let gateway = passing_to(&origin);
    // (version, Connection field, what the answer says)
    let rows = [
        ("HTTP/1.1", "", "keep-alive"),
        ("HTTP/1.1", "Connection: keep-alive\r\n", "keep-alive"),
        ("HTTP/1.1", "Connection: close\r\n", "close"),
        ("HTTP/1.1", "Connection: CLOSE\r\n", "close"),
        ("HTTP/1.1", "Connection: x, close\r\n", "close"),
        ("HTTP/1.1", "Connection: x\r\nConnection: close\r\n", "close"),
        ("HTTP/1.1", "Connection: closed\r\n", "keep-alive"),
        ("HTTP/1.0", "", "close"),
        ("HTTP/1.0", "Connection: keep-alive\r\n", "keep-alive"),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", "keep-alive"),
        ("HTTP/1.0", "Connection: close\r\n", "close"),
    ];
    for (version, field, want) in rows {
        for path in ["/test/x", "/test/mock", "/none/x"] {
            let mut client = gateway.client();
            let response = client.exchange(format!("GET {path} {version}\r\nHost: a\r\n{field}\r\n"));
            assert_eq!(response.field("connection"), Some(want), "{path} {version} {field}: {response:?}");
            match want {
                "close" => client.expect_closed(),
                _ => assert_eq!(client.exchange(get("/test/mock")).text(), "mocked"),
            }
        }
    }
}

#[test]
fn an_http_10_client_gets_no_chunks() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    let gateway = passing_to(&origin);
    for field in ["", "Connection: keep-alive\r\n"] {
        let mut client = gateway.client();
        let response = client.exchange(format!("GET /test/x HTTP/1.0\r\nHost: a\r\n{field}\r\n"));
        assert_eq!(response.field("transfer-encoding"), None);
        assert_eq!((response.text(), response.field("connection")), ("abcde".to_owned(), Some("close")));
    }
}

#[test]
fn head_keeps_the_length_and_has_no_content() {
    let origin = Origin::replying(|request| match request.target() {
        "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned(),
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        _ => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
    });
    let mut head = mock("a body");
    head["responses"]["default"]["statusCode"] = "200".into();
    let document = Document::new().method("HEAD", "/mock", head).pass_all(origin.address);
    let gateway = Setup::new(&document).start();
    let mut client = gateway.client();
    let rows = [
        ("/test/length", 200, Some("1234")),
        ("/test/mock", 200, Some("6")),
        ("/none", 403, Some("23")),
        ("/test/chunked", 200, None),
        ("/test/silent", 200, None),
        ("/test/length", 200, Some("1234")),
    ];
    for (path, status, length) in rows {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let response = client.response_to_head();
        assert_eq!(
            (response.status(), response.field("content-length")),
            (status, length),
            "{path}: {response:?}"
        );
    }
}

#[test]
fn answers_without_content() {
    let origin = Origin::replying(|request| match request.target() {
        "/204" => "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n".to_owned(),
        "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n".to_owned(),
        "/205" => "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n".to_owned(),
        _ => ok(""),
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for (path, status) in [("204", 204), ("304", 304), ("205", 205), ("200", 200), ("204", 204), ("304", 304)]
    {
        let response = client.exchange(get(&format!("/test/{path}")));
        assert_eq!((response.status(), response.body.len()), (status, 0), "{response:?}");
        if status == 304 {
            assert_eq!(response.field("content-length"), None, "{response:?}");
        }
    }
    assert_eq!(origin.connections(), 1);
}

/// Statuses that AWS never sends, and those without a registered reason.
#[test]
fn any_status_of_an_origin_passes() {
    let origin = Origin::replying(|request| {
        format!(
            "HTTP/1.1 {} Whatever\r\nContent-Length: 2\r\n\r\nok",
            request.target().trim_start_matches('/')
        )
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    for status in [
        200, 201, 206, 299, 301, 302, 307, 308, 400, 401, 404, 418, 422, 429, 451, 499, 500, 502, 503, 504,
        599,
    ] {
        let response = client.exchange(get(&format!("/test/{status}")));
        assert_eq!((response.status(), response.text()), (status, "ok".to_owned()));
    }
}

#[test]
fn clients_that_vanish_do_no_harm() {
    let origin = Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            if request.target() != "/vanish" && peer.send(ok("here")).is_err() {
                break;
            }
        }
    });
    let gateway = passing_to(&origin);
    for _ in 0..20 {
        gateway.client();
        let mut client = gateway.client();
        client.send("GET /test/x HT");
        client.reset();
        let mut client = gateway.client();
        client.send(get("/test/vanish"));
        client.reset();
        let mut client = gateway.client();
        client.send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
        client.reset();
    }
    assert_eq!(gateway.get("/test/x").text(), "here");
}

/// A client may say that it has nothing more to send and still wants its answers.
#[test]
fn a_client_that_has_finished_sending_is_answered() {
    let gate = Gate::default();
    let held = gate.clone();
    let origin = Origin::scripted(move |peer| {
        while peer.request().is_some() {
            held.wait();
            let _ = peer.send(ok("late"));
        }
    });
    let gateway = passing_to(&origin);
    let mut client = gateway.client();
    client.send(get("/test/mock") + &get("/test/x") + &get("/test/mock"));
    client.finish_sending();
    assert_eq!(client.response().text(), "mocked");
    gate.wait_for_arrivals(1);
    gate.open();
    assert_eq!(client.response().text(), "late");
    assert_eq!(client.response().text(), "mocked");
    client.expect_closed();
}

/// What comes behind a request that closes is not for us (RFC 9112 section 9.6).
#[test]
fn nothing_behind_the_last_request_is_served() {
    let origin = echo();
    let gateway = passing_to(&origin);
    let last = get("/test/last").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut client = gateway.client();
    client.send(get("/test/first") + &last + &get("/test/behind"));
    assert_eq!(
        (client.response().text(), client.response().text()),
        ("GET /first ".to_owned(), "GET /last ".to_owned())
    );
    client.expect_closed();
    let seen = [origin.request(), origin.request()];
    assert_eq!(seen.map(|request| request.message.target().to_owned()), ["/first", "/last"]);
    assert_eq!(origin.heads(), 2);
}

#[test]
fn connections_over_the_limit_are_closed_at_once() {
    let document = Document::new().method("GET", "/mock", mock("mocked"));
    let gateway = Setup::new(&document).limits("connections = 5").start();
    let mut clients: Vec<Client> = (0..5).map(|_| gateway.client()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
    }
    let mut late = gateway.client();
    late.expect_closed();
    clients.pop();
    eventually("the place is free again", || {
        let mut client = gateway.client();
        client.wire.send(get("/test/mock")).is_ok() && client.read("GET").is_ok()
    });
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
    }
}

/// A connection gives up what serving takes when its client pauses, and takes it again with the next request.
#[test]
fn clients_may_pause_between_requests() {
    let origin = echo();
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let mut client = gateway.client();
    for pause_ms in [0, 50, 150, 300] {
        // The pause is what is tested.
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        assert_eq!(client.exchange(get("/test/x")).status(), 200, "after {pause_ms} ms");
    }
}

/// Whatever way connections end, nothing of them stays open.
#[test]
fn nothing_leaks() {
    let origin = echo();
    let limits = "upstream_idle_timeout_ms = 100";
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).limits(limits).start();
    assert_eq!(gateway.get("/test/x").status(), 200);
    eventually("idle upstream connections are closed", || gateway.open_files() <= gateway.open_files_at_rest);
    for _ in 0..100 {
        assert_eq!(gateway.get("/test/x").status(), 200);
        let closing = "GET /test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        gateway.client().exchange(closing);
        gateway.client().exchange("GET / HTTP/1.1\r\n\r\n");
        gateway.client().send("GET /test/x HTTP/1.1\r\n");
        gateway.client().send("POST /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        let client = gateway.client();
        let _ = client.wire.stream.peer_addr();
        client.reset();
    }
    eventually("all files are closed", || gateway.open_files() <= gateway.open_files_at_rest);
    assert_eq!(gateway.get("/test/x").status(), 200);
}

/// More connections than buffers: each waits for its turn.
#[test]
fn few_receive_buffers_are_enough() {
    let origin = echo();
    let tuning = "[tuning]\nreceive_buffers = 16\nreceive_buffer_bytes = 512\n";
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).more(tuning).start();
    let body = "z".repeat(5000);
    let request = post("/test/x", &body);
    let mut clients: Vec<Client> = (0..100).map(|_| gateway.client()).collect();
    for part in request.as_bytes().chunks(1700) {
        clients.iter_mut().for_each(|client| client.send(part));
    }
    for client in &mut clients {
        assert_eq!(client.response().text(), format!("POST /x {body}"));
    }
}

/// Idle connections cost next to nothing.
#[test]
fn a_thousand_idle_connections() {
    let document = Document::new().method("GET", "/mock", mock("mocked"));
    let gateway = Setup::new(&document).shards(2).start();
    assert_eq!(gateway.get("/test/mock").text(), "mocked");
    let before = gateway.resident_bytes();
    let mut clients: Vec<Client> = (0..1000).map(|_| gateway.client()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
    }
    let each = gateway.resident_bytes().saturating_sub(before) / clients.len();
    assert!(each < 16 * 1024, "{each} bytes for an idle connection");
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/mock")).text(), "mocked");
    }
}

#[test]
fn more_shards_than_cpus() {
    let origin = echo();
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).shards(8).start();
    let mut clients: Vec<Client> = (0..40).map(|_| gateway.client()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(get("/test/x")).text(), "GET /x ");
    }
}
