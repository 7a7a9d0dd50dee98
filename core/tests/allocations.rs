//! How often one exchange allocates, once the buffers of its connection have grown: exact numbers.

#[path = "exchange/plan.rs"]
mod plan;
#[path = "exchange/sign.rs"]
mod sign;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use tidegate_core::arrival::{AddressText, Peer};
use tidegate_core::auth::sigv4::PayloadHash;
use tidegate_core::clock::Now;
use tidegate_core::exchange::{Event, Exchange, Step};
use tidegate_core::limits::Limits;
use tidegate_core::shard::Shard;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    // Constant and without destructor, so that reaching it never allocates.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// JUSTIFICATION: a global allocator cannot be written without; only this test has it.
// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and all memory is the system's.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`, and all memory is the system's.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const DOCUMENT: &str = r#"
paths:
  /proxy/{id}:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/x' }
  /mapped/{id}:
    get:
      parameters: [{ name: id, in: path }, { name: q, in: query }, { name: X-In, in: header }]
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://origin.test/{id}/{q}?a={id}&b={q}
        requestParameters:
          integration.request.path.id: method.request.path.id
          integration.request.path.q: method.request.querystring.q
          integration.request.querystring.c: method.request.querystring.q
          integration.request.querystring.d: method.request.multivaluequerystring.q
          integration.request.header.X-Last: method.request.querystring.q
          integration.request.header.X-All: method.request.multivaluequerystring.q
          integration.request.header.X-Header: method.request.multivalueheader.X-In
          integration.request.header.X-Time: context.requestTime
        responses:
          default:
            statusCode: 200
            responseParameters:
              method.response.header.Content-Type: integration.response.header.Content-Type
              method.response.header.X-All: integration.response.multivalueheader.ETag
  /signed:
    get:
      x-amazon-apigateway-auth: { type: AWS_IAM }
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://origin.test/x' }
  /mock/{id}:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: '{"a": "b"}' } } }
  /function/{id}:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
"#;

const LOG_FORMAT: &str = r#"$context.identity.sourceIp [$context.requestTime] "$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId $context.integrationLatency"#;

/// Ten fields, one of them twice.
const FIELDS: &str = "Host: api.example.com\r\nConnection: keep-alive\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\
    User-Agent: test\r\nAuthorization: Bearer x\r\nX-In: 1\r\nX-In: 2\r\nCookie: a=b\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n";

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nETag: x\r\nServer: y\r\n\r\n";

const RESULT: &[u8] = br#"{"statusCode":200,"headers":{"ETag":"x"},"body":"text"}"#;

struct Connection {
    shard: Shard,
    exchange: Exchange,
    peer: Peer,
    log: Vec<u8>,
}

impl Connection {
    /// One exchange; returns the status that the client gets.
    fn exchange(&mut self, request: &[u8]) -> [u8; 3] {
        let (exchange, shard, limits) = (&mut self.exchange, &mut self.shard, Limits::default());
        let now = Now { unix_ms: 784_111_777_000, monotonic_ns: 0 };
        exchange.request.clear();
        exchange.request.buffer_mut().extend_from_slice(request);
        assert_eq!(exchange.request.parse(&limits.request_head()), Ok(Some(request.len())));
        let mut step = exchange.advance(shard, now, Event::Request(&self.peer, [1, 2, 3, 4]));
        if let Step::Call(call) = step {
            exchange.response.clear();
            exchange.response.buffer_mut().extend_from_slice(RESPONSE);
            assert!(exchange.response.parse(&limits.response_head(), call.is_head).is_ok());
            step = exchange.advance(shard, now, Event::Response);
        }
        if let Step::ReadResponse { .. } = step {
            step = exchange.advance(shard, now, Event::ResponseBody(b"hello"));
        }
        if let Step::Invoke(_) = step {
            step = exchange.advance(shard, now, Event::Invoked(RESULT));
        }
        assert!(matches!(step, Step::Answer(_)));
        self.log.clear();
        exchange.finish(&mut shard.meters, now, 5, |_| &mut self.log);
        exchange.out[9..12].try_into().expect("a status line")
    }
}

#[track_caller]
fn check(target: &str, status: &[u8; 3], want: u64) {
    check_fields(target, FIELDS, status, want);
}

#[track_caller]
fn check_fields(target: &str, fields: &str, status: &[u8; 3], want: u64) {
    let mut connection = Connection {
        shard: Shard::new(Arc::new(plan::plan(DOCUMENT, LOG_FORMAT, plan::Settings::default())), 1),
        exchange: Exchange::default(),
        peer: Peer { source_ip: AddressText::default(), listener_port: 80, listener: 0, tls: None },
        log: Vec::new(),
    };
    let request = format!("GET /prod{target} HTTP/1.1\r\n{fields}");
    for _ in 0..3 {
        assert_eq!(connection.exchange(request.as_bytes()), *status, "{target}");
    }
    let before = ALLOCATIONS.get();
    connection.exchange(request.as_bytes());
    assert_eq!(ALLOCATIONS.get() - before, want, "{target}");
}

#[test]
fn http_proxy() {
    check("/proxy/1?a=b", b"200", 0);
    check("/proxy/1", b"200", 0);
}

#[test]
fn mappings() {
    check("/mapped/1?q=a&q=b", b"200", 0);
    // One for each value that is percent-encoded: in the path, in the query, mapped alone, and one of the two mapped.
    check("/mapped/1?q=a&q=%26+b", b"200", 4);
}

#[test]
fn mock() {
    check("/mock/1", b"200", 0);
}

/// The answer's headers; with a query its parameters too, and one more for each that is encoded.
#[test]
fn functions() {
    check("/function/1", b"200", 1);
    check("/function/1?a=b&c=d&a=e", b"200", 2);
    check("/function/1?a=%20", b"200", 3);
}

/// The body of a refusal. A message that tells of the request is written, and kept for the log.
#[test]
fn refusals() {
    check_fields("/none", &FIELDS.replace("Authorization", "X-Other"), b"403", 1);
    check("/none", b"403", 3);
}

/// A signature is read where it stands, and checked in buffers of the shard.
#[test]
fn signed() {
    let signed = sign::request(sign::ALICE, "GET", "/prod/signed?b=2&a=1", &[], &PayloadHash::of(b""));
    let signed: String = signed.lines().skip(2).map(|line| format!("{line}\r\n")).collect();
    let others = FIELDS.replace("Authorization", "X-Other").replace("Host: api.example.com", "Host: a");
    let fields = format!("{}\r\n{signed}\r\n", others.trim_end());
    check_fields("/signed?b=2&a=1", &fields, b"200", 0);
}
