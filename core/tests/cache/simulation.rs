//! Many exchanges on one shard, whose backend answers, fails, is silent, or answers what cannot be kept; whose clients go
//! away. From seeds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use tidegate_core::arrival::{AddressText, Peer};
use tidegate_core::cache::FillId;
use tidegate_core::clock::Now;
use tidegate_core::exchange::{CallFailure, Event, Exchange, Step};
use tidegate_core::http1::BodyFraming;
use tidegate_core::limits::Limits;
use tidegate_core::shard::Shard;

use crate::Random;
use crate::plan::{Settings, plan};

/// The integration's timeout.
const TIMEOUT_MS: u64 = 1_000;
const KEYS: u64 = 4;

const DOCUMENT: &str = r#"
paths:
  /x/{id}:
    get:
      parameters: [{ name: id, in: path }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/{id}
        timeoutInMillis: 1000
        requestParameters: { integration.request.path.id: method.request.path.id }
        cacheKeyParameters: [method.request.path.id]
"#;

/// What a backend does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Answers,
    TooLarge,
    Fails,
    Silent,
    /// Now this, now that.
    Moody,
}

/// Four keys, answers good for a second.
const PLAIN: &str = "cache = { size = \"1 MiB\", ttl = 1 }";
/// They differ by a field.
const VARY: &str = "cache = { size = \"1 MiB\", ttl = 1, vary = true }";
/// Those that are too old are given when the backend fails.
const STALE: &str = "cache = { size = \"1 MiB\", ttl = 1, vary = true, stale_on_error = 60 }";

/// What comes of a call.
const ANSWER: u8 = 0;
const TOO_LARGE: u8 = 1;
const FAILURE: u8 = 2;
const TIMEOUT: u8 = 3;

/// What happens to a request, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Arrives,
    Called(u8),
    FillEnded,
    FillSlow(u32),
    ClientLeaves,
}

struct Request {
    exchange: Exchange,
    key: u64,
    /// The value of the field that answers differ by.
    of: u64,
    begun_ms: u64,
    /// What it waits for; each wait has a number.
    follows: Option<FillId>,
    waits: u32,
    is_over: bool,
}

struct World {
    shard: Shard,
    random: Random,
    requests: Vec<Request>,
    events: BinaryHeap<Reverse<(u64, usize, Happens)>>,
    now_ms: u64,
    /// Calls under way, by key.
    calls: [u32; KEYS as usize],
    called: u32,
    backend: Backend,
    varies: bool,
    keeps_stale: bool,
    /// When there was first an answer, by key and field.
    answered_ms: BTreeMap<(u64, u64), u64>,
}

impl World {
    fn new(seed: u64, backend: Backend, stage: &str) -> Self {
        let settings = Settings { stage, ..Settings::default() };
        let plan = Arc::new(plan(DOCUMENT, "$context.requestId", settings));
        Self {
            shard: Shard::new(plan, 1),
            random: Random::new(seed),
            requests: Vec::new(),
            events: BinaryHeap::new(),
            now_ms: 0,
            calls: [0; KEYS as usize],
            called: 0,
            backend,
            varies: stage.contains("vary"),
            keeps_stale: stage.contains("stale"),
            answered_ms: BTreeMap::new(),
        }
    }

    fn run(&mut self, requests: usize, over_ms: u64, leaving: bool) {
        for number in 0..requests {
            let begun_ms = self.random.below(over_ms);
            let key = self.random.below(KEYS);
            let of = if self.varies { self.random.below(3) } else { 0 };
            let exchange = Exchange::default();
            let (follows, waits) = (None, 0);
            self.requests.push(Request { exchange, key, of, begun_ms, follows, waits, is_over: false });
            self.events.push(Reverse((begun_ms, number, Happens::Arrives)));
            if leaving && self.random.below(4) == 0 {
                let leaves_ms = begun_ms + self.random.below(TIMEOUT_MS);
                self.events.push(Reverse((leaves_ms, number, Happens::ClientLeaves)));
            }
        }
        while let Some(Reverse((now_ms, number, happens))) = self.events.pop() {
            self.now_ms = now_ms;
            self.happen(number, happens);
        }
        assert!(self.requests.iter().all(|request| request.is_over), "all are answered");
        assert!(self.shard.caches.fills().is_empty(), "nobody fills or waits");
    }

    fn now(&self) -> Now {
        Now { unix_ms: 784_111_777_000 + self.now_ms, monotonic_ns: self.now_ms * 1_000_000 }
    }

    fn happen(&mut self, number: usize, happens: Happens) {
        let (now, now_ms) = (self.now(), self.now_ms);
        let request = &mut self.requests[number];
        if request.is_over {
            if let Happens::Called(_) = happens {
                self.calls[request.key as usize] -= 1;
            }
            return;
        }
        let (exchange, shard) = (&mut request.exchange, &mut self.shard);
        let step = match happens {
            Happens::Arrives => {
                let head =
                    format!("GET /prod/x/{} HTTP/1.1\r\nHost: a\r\nOf: {}\r\n\r\n", request.key, request.of);
                exchange.request.buffer_mut().extend_from_slice(head.as_bytes());
                assert!(matches!(exchange.request.parse(&Limits::default().request_head()), Ok(Some(_))));
                let peer =
                    Peer { source_ip: AddressText::default(), listener_port: 80, listener: 0, tls: None };
                exchange.advance(shard, now, Event::Request(&peer, [1, 2, 3, 4]))
            }
            Happens::Called(how) => {
                self.calls[request.key as usize] -= 1;
                if how == ANSWER {
                    self.answered_ms.entry((request.key, request.of)).or_insert(now_ms);
                }
                let content = format!("answer to {} {}", request.key, request.of);
                Self::answer(exchange, shard, now, &content, self.varies, how)
            }
            Happens::FillEnded => {
                request.follows = None;
                exchange.advance(shard, now, Event::FillEnded)
            }
            // Only if it is this wait that is still going on.
            Happens::FillSlow(wait) if request.follows.is_some() && request.waits == wait => {
                request.follows = None;
                exchange.advance(shard, now, Event::FillSlow)
            }
            Happens::FillSlow(_) => return,
            // One that calls itself is not noticed to have gone before it is answered.
            Happens::ClientLeaves if request.follows.is_none() => return,
            Happens::ClientLeaves => return self.end(number),
        };
        self.take(number, step);
    }

    /// What comes of a call.
    fn answer(
        exchange: &mut Exchange,
        shard: &mut Shard,
        now: Now,
        content: &str,
        varies: bool,
        how: u8,
    ) -> Step {
        let failure = match how {
            FAILURE => Some(CallFailure::Network),
            TIMEOUT => Some(CallFailure::Timeout),
            _ => None,
        };
        if let Some(failure) = failure {
            return exchange.advance(shard, now, Event::CallFailed(failure));
        }
        let vary = if varies { "Vary: Of\r\n" } else { "" };
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{vary}\r\n");
        exchange.response.clear();
        exchange.response.buffer_mut().extend_from_slice(head.as_bytes());
        assert!(exchange.response.parse(&Limits::default().response_head(), false).is_ok());
        match exchange.advance(shard, now, Event::Response) {
            Step::ReadResponse { .. } if how == TOO_LARGE => {
                exchange.advance(shard, now, Event::ResponseBegun(b"x"))
            }
            Step::ReadResponse { .. } => {
                exchange.advance(shard, now, Event::ResponseBody(content.as_bytes()))
            }
            step => step,
        }
    }

    fn take(&mut self, number: usize, step: Step) {
        let request = &mut self.requests[number];
        let left_ms = (request.begun_ms + TIMEOUT_MS).saturating_sub(self.now_ms);
        match step {
            Step::Call(call) => {
                assert!(
                    u64::from(call.timeout_ms) <= left_ms.max(1),
                    "its own time: {} of {left_ms}",
                    call.timeout_ms
                );
                self.calls[request.key as usize] += 1;
                self.called += 1;
                if self.backend != Backend::TooLarge && !self.varies {
                    assert_eq!(self.calls[request.key as usize], 1, "one call for a key at a time");
                }
                let (after_ms, how) = match self.backend {
                    Backend::Answers => (1 + self.random.below(300), ANSWER),
                    Backend::TooLarge => (1 + self.random.below(300), TOO_LARGE),
                    Backend::Fails => (1 + self.random.below(300), FAILURE),
                    Backend::Silent => (TIMEOUT_MS, TIMEOUT),
                    Backend::Moody => match self.random.below(3) {
                        0 => (1 + self.random.below(300), ANSWER),
                        1 => (1 + self.random.below(300), FAILURE),
                        _ => (TIMEOUT_MS, TIMEOUT),
                    },
                };
                let timeout_ms = u64::from(call.timeout_ms);
                let (after_ms, how) =
                    if after_ms < timeout_ms { (after_ms, how) } else { (timeout_ms, TIMEOUT) };
                self.events.push(Reverse((self.now_ms + after_ms, number, Happens::Called(how))));
            }
            Step::AwaitFill { fill, timeout_ms } => {
                assert!(timeout_ms <= left_ms, "its own time");
                request.waits += 1;
                request.follows = Some(fill);
                self.events.push(Reverse((
                    self.now_ms + timeout_ms,
                    number,
                    Happens::FillSlow(request.waits),
                )));
            }
            Step::Answer(answer) => {
                let out = String::from_utf8_lossy(&request.exchange.out).into_owned();
                if out.starts_with("HTTP/1.1 200") && answer.download == BodyFraming::None {
                    assert!(out.ends_with(&format!("answer to {} {}", request.key, request.of)), "{out}");
                } else if answer.download == BodyFraming::None {
                    assert!(out.starts_with("HTTP/1.1 504"), "{out}");
                    let first_ms = self.answered_ms.get(&(request.key, request.of));
                    let has_old = first_ms.is_some_and(|first_ms| *first_ms < request.begun_ms);
                    assert!(!(self.keeps_stale && has_old), "there is an old one");
                }
                assert!(self.now_ms <= request.begun_ms + TIMEOUT_MS + 1, "in time");
                self.end(number);
            }
            step => panic!("{step:?}"),
        }
        self.wake();
    }

    /// The end of an exchange, as the carrier ends it.
    fn end(&mut self, number: usize) {
        let now = self.now();
        let request = &mut self.requests[number];
        request.exchange.leave_cache(&mut self.shard.caches);
        let mut log = Vec::new();
        request.exchange.finish(&mut self.shard.meters, now, 0, |_| &mut log);
        (request.is_over, request.follows) = (true, None);
        self.wake();
    }

    fn wake(&mut self) {
        for fill in std::mem::take(self.shard.caches.ended()) {
            for (number, request) in self.requests.iter().enumerate() {
                if request.follows == Some(fill) {
                    self.events.push(Reverse((self.now_ms, number, Happens::FillEnded)));
                }
            }
        }
    }
}

#[track_caller]
fn check(backend: Backend, leaving: bool, called: impl Fn(u32) -> bool) {
    check_with(PLAIN, backend, leaving, called);
}

#[track_caller]
fn check_with(stage: &str, backend: Backend, leaving: bool, called: impl Fn(u32) -> bool) {
    for seed in 0..30 {
        let mut world = World::new(seed, backend, stage);
        world.run(200, 3_000, leaving);
        assert!(called(world.called), "seed {seed}: {} calls", world.called);
    }
}

/// Four keys, answers good for a second, three seconds: hardly more than four calls for each.
#[test]
fn a_backend_that_answers() {
    check(Backend::Answers, false, |calls| calls <= 20);
    check(Backend::Answers, true, |calls| calls <= 20);
}

/// Those who came while it was called are told the same, so each key has a call after the other.
#[test]
fn a_backend_that_fails() {
    check(Backend::Fails, false, |calls| calls <= 120);
    check(Backend::Fails, true, |calls| calls <= 120);
}

/// Nobody waits for what cannot be kept, but for the first.
#[test]
fn a_backend_that_answers_too_much() {
    check(Backend::TooLarge, false, |calls| calls >= 150);
}

#[test]
fn a_backend_that_is_silent() {
    check(Backend::Silent, false, |_| true);
    check(Backend::Silent, true, |_| true);
}

/// Each of the answers to a key is called for by itself, and whoever waited for another one's gets its own.
#[test]
fn answers_that_differ() {
    for leaving in [false, true] {
        check_with(VARY, Backend::Answers, leaving, |calls| calls <= 60);
        check_with(VARY, Backend::Moody, leaving, |_| true);
        check_with(VARY, Backend::Silent, leaving, |_| true);
    }
}

/// Nobody is told of a failure once there has been an answer, whoever calls, waits or goes away.
#[test]
fn a_moody_backend_and_old_answers() {
    for leaving in [false, true] {
        check_with(STALE, Backend::Moody, leaving, |_| true);
        check_with(PLAIN, Backend::Moody, leaving, |_| true);
    }
}
