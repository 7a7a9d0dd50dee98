//! Everything at once, from a seed: no answer is lost, changed or given to somebody else.

use crate::support::client::Client;
use crate::support::document::{Document, mock};
use crate::support::gateway::Gateway;
use crate::support::origin::Origin;
use crate::support::setup::Setup;

const CLIENTS: u64 = 12;
const REQUESTS: usize = 150;

/// A small generator of pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// An origin that echoes the body after the target, in the framing that the target asks for, and now and then closes.
fn echo() -> Origin {
    Origin::scripted(|peer| {
        while let Some(request) = peer.request() {
            let target = request.target().to_owned();
            let content = format!("{target} {}", request.text());
            let has = |word: &str| target.contains(word);
            let close = if has("close") { "Connection: close\r\n" } else { "" };
            let head = if has("chunked") {
                format!("HTTP/1.1 200 OK\r\n{close}Transfer-Encoding: chunked\r\n\r\n")
            } else if has("until") {
                "HTTP/1.1 200 OK\r\n\r\n".to_owned()
            } else {
                format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {}\r\n\r\n", content.len())
            };
            let body = match (request.method(), has("chunked")) {
                ("HEAD", _) => String::new(),
                (_, true) => {
                    let (first, rest) = content.split_at(content.len() / 2);
                    format!("{:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", first.len(), rest.len())
                }
                (_, false) => content,
            };
            if peer.send(head + &body).is_err()
                || has("close")
                || (has("until") && request.method() != "HEAD")
            {
                return;
            }
        }
    })
}

/// One request of some kind, and what must come back.
fn compose(random: &mut Random, client: u64, number: usize) -> (String, &'static str, Option<String>) {
    let id = format!("{client}-{number}");
    let kind = ["", "chunked", "until", "close", "chunked-close"][random.below(5)];
    let target = format!("/{id}/{kind}");
    let body = "b".repeat([0, 1, 100, 5000, 40_000][random.below(5)]);
    match random.below(8) {
        0 => ("GET /test/mock HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "GET", Some("mocked".to_owned())),
        1 => (format!("HEAD /test{target} HTTP/1.1\r\nHost: a\r\n\r\n"), "HEAD", Some(String::new())),
        2 => ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "GET", None),
        3 | 4 => (
            format!("GET /test{target} HTTP/1.1\r\nHost: a\r\n\r\n"),
            "GET",
            Some(format!("{} ", target.trim_end_matches('/'))),
        ),
        5 | 6 => (
            format!("PUT /test{target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            "PUT",
            Some(format!("{} {body}", target.trim_end_matches('/'))),
        ),
        _ => (
            format!(
                "POST /test{target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                chunk(&body)
            ),
            "POST",
            Some(format!("{} {body}", target.trim_end_matches('/'))),
        ),
    }
}

fn chunk(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) }
}

/// Asks on one connection, sometimes several requests at once, sometimes on a new one.
fn ask(gateway: &Gateway, seed: u64) {
    let mut random = Random(0x9e37_79b9 + seed * 7919);
    let mut client = gateway.client();
    let mut number = 0;
    while number < REQUESTS {
        let batch: Vec<_> =
            (0..=random.below(4)).map(|place| compose(&mut random, seed, number + place)).collect();
        number += batch.len();
        let sent: String = batch.iter().map(|(request, ..)| request.as_str()).collect();
        std::thread::scope(|scope| {
            let mut sender = Client {
                wire: crate::support::wire::Wire::new(client.wire.stream.try_clone().expect("clone")),
            };
            scope.spawn(move || sender.send(sent));
            for (request, method, want) in &batch {
                let response = client.read(method).unwrap_or_else(|error| panic!("{error}: {request:.80}"));
                match want {
                    Some(want) => {
                        assert_eq!(response.status(), 200, "seed {seed}: {request:.80}: {response:?}");
                        assert!(response.text() == *want, "seed {seed}: {request:.80}: {response:?}");
                    }
                    None => assert_eq!(response.status(), 403, "seed {seed}: {request:.80}"),
                }
            }
        });
        if random.below(10) == 0 {
            client = gateway.client();
        }
    }
}

#[test]
fn no_answer_is_lost_or_mixed_up() {
    let origin = echo();
    let document = Document::new().method("GET", "/mock", mock("mocked")).pass_all(origin.address);
    let gateway = Setup::new(&document).shards(2).start();
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            let gateway = &gateway;
            scope.spawn(move || ask(gateway, seed));
        }
    });
}
