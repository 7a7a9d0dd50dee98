//! Whole exchanges in memory: parse the request head, route, write the backend's request, parse its response head, write
//! the answer and the access log line. What is missing of a real one is the kernel and the content.

#[path = "../../core/tests/exchange/plan.rs"]
mod plan;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_core::arrival::{AddressText, Peer};
use tidegate_core::clock::Now;
use tidegate_core::exchange::{Event, Exchange, Step};
use tidegate_core::http1::HeadLimits;
use tidegate_core::limits::Limits;
use tidegate_core::shard::Shard;

const DOCUMENT: &str = r#"
paths:
  /proxy/{proxy+}:
    x-amazon-apigateway-any-method:
      parameters: [{ name: proxy, in: path }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://origin.test/{proxy}
        requestParameters: { integration.request.path.proxy: method.request.path.proxy }
  /mapped/{id}:
    get:
      parameters: [{ name: id, in: path }, { name: limit, in: query }, { name: Referer, in: header }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/pets/{id}
        requestParameters:
          integration.request.path.id: method.request.path.id
          integration.request.querystring.size: method.request.querystring.limit
          integration.request.header.X-From: method.request.header.Referer
          integration.request.header.X-Request-Id: context.requestId
  /cached/{id}:
    get:
      parameters: [{ name: id, in: path }, { name: limit, in: query }]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://origin.test/pets
        cacheKeyParameters: [method.request.path.id, method.request.querystring.limit]
  /mock:
    get:
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200, responseTemplates: { application/json: '{"status": "ok"}' } } }
  /function/{id}:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/invocations
"#;

const LOG_FORMAT: &str = r#"$context.identity.sourceIp - - [$context.requestTime] "$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId"#;

/// Ten fields.
const FIELDS: &str = "Host: api.example.com\r\nConnection: keep-alive\r\nAccept: application/json\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
    Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ\r\nReferer: https://shop.example.com/checkout\r\n\
    Cookie: session=abcdef0123456789\r\nX-Request-Id: 5d1b2c1e-5f0a-4c55-9d55-0a3b7a6f7a11\r\n\r\n";

const RESPONSE: &str = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    Content-Type: application/json\r\nContent-Length: 512\r\nConnection: keep-alive\r\nETag: \"5f0a\"\r\n\r\n";

/// What a function answers.
const RESULT: &[u8] = br#"{"statusCode":200,"headers":{"Content-Type":"application/json","ETag":"\"5f0a\""},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"{\"message\": \"Hello, world!\"}","isBase64Encoded":false}"#;

/// Methods are not cached, but for one.
const CACHE: &str =
    "cache = { size = \"4 MiB\", enabled = false }\nmethod.\"GET /cached/{id}\".cache = { enabled = true }";

/// What is kept.
const CONTENT: &[u8] = &[b'x'; 512];

struct Connection {
    shard: Shard,
    exchange: Box<Exchange>,
    peer: Peer,
    request_limits: HeadLimits,
    response_limits: HeadLimits,
    log: Vec<u8>,
}

impl Connection {
    fn new() -> Self {
        Self::with(DOCUMENT, CACHE)
    }

    fn with(document: &str, stage: &str) -> Self {
        let limits = Limits::default();
        let settings = plan::Settings { stage, ..plan::Settings::default() };
        Self {
            shard: Shard::new(Arc::new(plan::plan(document, LOG_FORMAT, settings)), 1),
            exchange: Box::default(),
            peer: Peer {
                source_ip: AddressText::new("192.0.2.7".parse().expect("an address")),
                listener_port: 80,
                listener: 0,
                tls: None,
            },
            request_limits: limits.request_head(),
            response_limits: limits.response_head(),
            log: Vec::new(),
        }
    }

    /// One exchange; its answer is in `exchange.out`. True when the backend was called.
    fn exchange(&mut self, request: &[u8], response: &[u8]) -> bool {
        let (exchange, shard) = (&mut *self.exchange, &mut self.shard);
        let now = Now { unix_ms: 784_111_777_000, monotonic_ns: 0 };
        exchange.request.clear();
        exchange.request.buffer_mut().extend_from_slice(request);
        assert_eq!(exchange.request.parse(&self.request_limits), Ok(Some(request.len())));
        let mut called = false;
        let mut step = exchange.advance(shard, now, Event::Request(&self.peer, [1, 2, 3, 4]));
        if let Step::Call(call) = step {
            black_box(&exchange.out);
            called = true;
            exchange.response.clear();
            exchange.response.buffer_mut().extend_from_slice(response);
            assert_eq!(
                exchange.response.parse(&self.response_limits, call.is_head),
                Ok(Some(response.len()))
            );
            step = exchange.advance(shard, now, Event::Response);
        }
        if let Step::ReadResponse { .. } = step {
            step = exchange.advance(shard, now, Event::ResponseBody(CONTENT));
        }
        if let Step::Invoke(_) = step {
            black_box(&exchange.out);
            step = exchange.advance(shard, now, Event::Invoked(RESULT));
        }
        assert!(matches!(step, Step::Answer(_)));
        self.log.clear();
        exchange.finish(&mut shard.meters, now, 512, |_| &mut self.log);
        called
    }
}

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange");
    for (name, target, calls, fields, end) in [
        ("http_proxy", "/proxy/pets/42?limit=10", true, 11, "\r\nETag: \"5f0a\"\r\n\r\n"),
        ("http_proxy_mapped", "/mapped/42?limit=10", true, 11, "\r\nETag: \"5f0a\"\r\n\r\n"),
        (
            "aws_proxy",
            "/function/42?limit=10&sort=name",
            false,
            10,
            "\r\n\r\n{\"message\": \"Hello, world!\"}",
        ),
        ("mock", "/mock", false, 6, "\r\n\r\n{\"status\": \"ok\"}"),
    ] {
        let mut connection = Connection::new();
        let request = format!("GET /prod{target} HTTP/1.1\r\n{FIELDS}");
        assert_eq!(connection.exchange(request.as_bytes(), RESPONSE.as_bytes()), calls);
        let answer = String::from_utf8(connection.exchange.out.clone()).expect("text");
        let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(end), "{answer}");
        assert_eq!(head.lines().count(), 1 + fields, "{answer}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let called =
                    connection.exchange(black_box(request.as_bytes()), black_box(RESPONSE.as_bytes()));
                assert_eq!((called, &*connection.exchange.out), (calls, answer.as_bytes()));
            });
        });
    }
    group.finish();
}

/// An answer from the cache.
fn hit(criterion: &mut Criterion) {
    let mut connection = Connection::new();
    let request = format!("GET /prod/cached/42?limit=10 HTTP/1.1\r\n{FIELDS}");
    let (request, response) = (request.as_bytes(), RESPONSE.as_bytes());
    assert!(connection.exchange(request, response), "the first one is a miss");
    let answer = connection.exchange.out.clone();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(CONTENT));
    criterion.bench_function("exchange/cached", |bencher| {
        bencher.iter(|| {
            let called = connection.exchange(black_box(request), black_box(response));
            assert_eq!((called, &connection.exchange.out), (false, &answer));
        });
    });
}

/// So many resources, a hundred below each of their parents.
fn document(routes: usize) -> String {
    let route = |index: usize| {
        let path = format!("/service-{}/resource-{}", index / 100, index % 100);
        format!(
            "  {path}:\n    get:\n      x-amazon-apigateway-integration: {{ type: http_proxy, httpMethod: GET, \
             uri: 'http://origin.test{path}' }}\n"
        )
    };
    "paths:\n".to_owned() + &(0..routes).map(route).collect::<String>()
}

/// Requests for the routes of a definition in an order without sense: a large definition is not in the nearest cache.
fn routes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange/routes");
    for routes in [1, 5_000] {
        let mut connection = Connection::with(&document(routes), "");
        let requests: Vec<String> = (0..routes)
            .map(|index| index * 2_741 % routes)
            .map(|index| {
                format!(
                    "GET /prod/service-{}/resource-{} HTTP/1.1\r\nHost: api.example.com\r\n\r\n",
                    index / 100,
                    index % 100
                )
            })
            .collect();
        let mut turn = requests.iter().cycle();
        group.bench_function(routes.to_string(), |bencher| {
            bencher.iter(|| {
                let request = turn.next().expect("it goes round");
                assert!(connection.exchange(request.as_bytes(), RESPONSE.as_bytes()));
            });
        });
    }
    group.finish();
}

/// The same request on one connection after the other: those of many are not in the nearest cache.
fn connections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange/connections");
    let request = format!("GET /prod/proxy/pets/42 HTTP/1.1\r\n{FIELDS}");
    for connections in [1, 512] {
        let mut connection = Connection::new();
        let mut exchanges: Vec<Box<Exchange>> = (0..connections).map(|_| Box::default()).collect();
        let mut turn = 0;
        group.bench_function(connections.to_string(), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % connections;
                std::mem::swap(&mut connection.exchange, &mut exchanges[turn]);
                assert!(connection.exchange(request.as_bytes(), RESPONSE.as_bytes()));
                std::mem::swap(&mut connection.exchange, &mut exchanges[turn]);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, exchange, hit, routes, connections);
criterion_main!(benches);
