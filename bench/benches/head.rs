//! Request heads: the bytes received, classified fields and framing out. Beside it what `httparse` alone takes, which
//! is the grammar of the lines without limits, framing, host and target, but with its table of 128 empty headers made
//! anew each time.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tidegate_core::http1::{BodyDecoder, BodyFraming, HeadLimits, RequestHead, encode};
use tidegate_core::http2::answer::AnswerHead;
use tidegate_core::http2::request::{Pseudo, read};
use tidegate_core::transform::trailers::may_pass;

const SMALL: &str = "GET /v1/pets/42?limit=10 HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\n\r\n";

const BROWSER: &str = "POST /v1/orders HTTP/1.1\r\nHost: api.example.com\r\nConnection: keep-alive\r\n\
    Content-Length: 512\r\nContent-Type: application/json\r\nOrigin: https://shop.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: application/json, text/plain, */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n\
    Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.\
    eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg\r\n\
    Referer: https://shop.example.com/checkout\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Site: same-site\r\nX-Api-Key: 0123456789abcdef0123456789abcdef\r\n\
    X-Request-Id: 5d1b2c1e-5f0a-4c55-9d55-0a3b7a6f7a11\r\nCookie: session=abcdef0123456789; theme=dark\r\n\r\n";

fn head(criterion: &mut Criterion) {
    for (name, bytes, path, fields, framing) in [
        ("small_2_fields", SMALL, "/v1/pets/42", 2, BodyFraming::None),
        ("browser_19_fields", BROWSER, "/v1/orders", 19, BodyFraming::Length(512)),
    ] {
        let mut group = criterion.benchmark_group(format!("head_{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let (mut head, limits) = (RequestHead::new(), HeadLimits::default());
        group.bench_function("tidegate", |bencher| {
            bencher.iter(|| {
                head.clear();
                head.buffer_mut().extend_from_slice(black_box(bytes.as_bytes()));
                assert_eq!(head.parse(&limits), Ok(Some(bytes.len())));
                assert_eq!((head.path(), head.framing()), (path.as_bytes(), framing));
                assert_eq!(head.fields().len(), fields);
            });
        });
        group.bench_function("httparse", |bencher| {
            bencher.iter(|| {
                let mut lines = [httparse::EMPTY_HEADER; 128];
                let mut request = httparse::Request::new(&mut lines);
                let status = request.parse(black_box(bytes.as_bytes()));
                assert_eq!(status, Ok(httparse::Status::Complete(bytes.len())));
                assert_eq!(request.headers.len(), fields);
            });
        });
        group.finish();
    }
}

/// The same head as fields of HTTP/2, and the head of an answer taken apart for it.
fn http2(criterion: &mut Criterion) {
    let lines = BROWSER.lines().skip(1).filter_map(|line| line.split_once(": "));
    let fields: Vec<(String, &str)> = lines
        .filter(|(name, _)| !matches!(*name, "Host" | "Connection"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let pseudo = Pseudo {
        method: b"POST",
        scheme: Some(b"https"),
        authority: Some(b"api.example.com"),
        path: b"/v1/orders",
    };
    let (mut head, limits) = (RequestHead::new(), HeadLimits::default());
    criterion.bench_function("head_http2_browser_18_fields", |bencher| {
        bencher.iter(|| {
            let fields = || fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            assert_eq!(read(black_box(&pseudo), fields, true, &limits, &mut head), Ok(()));
            assert_eq!((head.path(), head.framing()), (&b"/v1/orders"[..], BodyFraming::Length(512)));
            assert_eq!(head.fields().len(), 18);
        });
    });
    let answer = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nx-amzn-RequestId: 00000000-0000-4001-8000-000000000002\r\n\
        x-amz-apigw-id: AwAAAAAAAAAEAAA=\r\n\r\n{}";
    criterion.bench_function("head_http2_answer", |bencher| {
        bencher.iter(|| {
            let head = AnswerHead::read(black_box(answer.as_bytes())).expect("a head");
            assert_eq!((head.status, head.bytes, head.fields().count()), (200, answer.len() - 2, 5));
        });
    });
}

/// A chunked body of 100 bytes to its end, and the end of the one that goes on: without trailers, and with those of gRPC.
fn trailers(criterion: &mut Criterion) {
    let chunk = format!("64\r\n{}\r\n0\r\n", "x".repeat(100));
    let plain = (format!("{chunk}\r\n"), encode::LAST_CHUNK.to_vec());
    let section = "grpc-status: 0\r\ngrpc-message: \r\n\r\n";
    let grpc = (format!("{chunk}{section}"), format!("0\r\n{section}").into_bytes());
    for (name, (body, last)) in [("none", plain), ("grpc", grpc)] {
        criterion.bench_function(&format!("body_trailers_{name}"), |bencher| {
            bencher.iter(|| {
                let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
                let mut rest = black_box(body.as_bytes());
                while !decoder.is_done() {
                    let decoded = decoder.decode(rest).expect("a body");
                    rest = &rest[decoded.consumed..];
                }
                assert_eq!(decoder.trailers().only(may_pass).last_chunk(), last);
            });
        });
    }
}

criterion_group!(benches, head, http2, trailers);
criterion_main!(benches);
