//! What a client gets of a function that streams: the head, and the content that has come with it, framed for the client.

use tidegate_core::exchange::{InvokeFailure, Wanted};
use tidegate_core::http1::BodyFraming;

use crate::carrier::{DATE, EXTENDED_ID, Exchanged, Gateway, ID, Origin, TRACE, wire};
use crate::plan::Settings;

const DOCUMENT: &str = r#"
paths:
  /x:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        responseTransferMode: STREAM
        uri: arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/arn:aws:lambda:us-east-1:123456789012:function:pets/response-streaming-invocations
x-amazon-apigateway-minimum-compression-size: 0
"#;

const FORMAT: &str = "$context.requestId $context.status $context.integration.status $context.responseLength";
const GET: &str = "GET /prod/x HTTP/1.1\nHost: a";

fn exchange(request: &str, origin: Origin<'_>) -> Exchanged {
    Gateway::logging(DOCUMENT, FORMAT).exchange(request, origin)
}

#[test]
fn a_stream_begins() {
    let begun = b"{\"statusCode\":201,\"headers\":{\"X-One\":1},\"cookies\":[\"a=1\"]}\0\0\0\0\0\0\0\0begun";
    let exchanged = exchange(GET, Origin::Begins(begun));
    let want = wire(&format!(
        "HTTP/1.1 201 Created\n{DATE}\nContent-Type: application/json\nTransfer-Encoding: chunked\n\
         Connection: keep-alive\nx-amzn-RequestId: {ID}\nx-amz-apigw-id: {EXTENDED_ID}\nX-One: 1\nSet-Cookie: a=1\n\
         X-Amzn-Trace-Id: {TRACE}\n\n5\nbegun\n"
    ));
    assert_eq!(exchanged.answered, want);
    assert_eq!((exchanged.answer.download, exchanged.answer.inline_bytes), (BodyFraming::Chunked, 5));
    assert_eq!(exchanged.logged, format!("{ID} 201 200 5\n"));
    let wanted = exchanged.invoke.expect("invoked").wanted;
    assert_eq!(wanted, Wanted::Stream { pause_ms: 300_000 });
    let edge = Settings { api: "endpoint = \"EDGE\"", ..Settings::default() };
    let exchanged = Gateway::with(DOCUMENT, FORMAT, edge).exchange(GET, Origin::Begins(begun));
    assert_eq!(exchanged.invoke.expect("invoked").wanted, Wanted::Stream { pause_ms: 30_000 });
}

/// No content yet is no chunk: that would be the last one.
#[test]
fn nothing_has_come_yet() {
    let exchanged = exchange(GET, Origin::Begins(b"{}\0\0\0\0\0\0\0\0"));
    assert!(exchanged.answered.starts_with("HTTP/1.1 200 OK\r\n"), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with("\r\n\r\n"), "{}", exchanged.answered);
    assert_eq!((exchanged.answer.download, exchanged.answer.inline_bytes), (BodyFraming::Chunked, 0));
}

/// One that has ended is told with its length, and is not compressed.
#[test]
fn a_short_stream_is_whole() {
    let gzip = "GET /prod/x HTTP/1.1\nHost: a\nAccept-Encoding: gzip";
    let exchanged = exchange(gzip, Origin::Function(Ok("{}\0\0\0\0\0\0\0\0all of it")));
    assert!(exchanged.answered.contains("\r\nContent-Length: 9\r\n"), "{}", exchanged.answered);
    assert!(exchanged.answered.ends_with("\r\n\r\nall of it"), "{}", exchanged.answered);
    assert_eq!((exchanged.answer.download, exchanged.answer.inline_bytes), (BodyFraming::None, 9));
    let empty = exchange(GET, Origin::Function(Ok("{}\0\0\0\0\0\0\0\0")));
    assert!(empty.answered.contains("\r\nContent-Length: 0\r\n"), "{}", empty.answered);
    assert_eq!(empty.answer.download, BodyFraming::None);
}

#[test]
fn clients_and_statuses_without_chunks() {
    let old = exchange(
        "GET /prod/x HTTP/1.0\nHost: a\nConnection: keep-alive",
        Origin::Begins(b"{}\0\0\0\0\0\0\0\0old"),
    );
    assert!(old.answered.contains("\r\nConnection: close\r\n"), "{}", old.answered);
    assert!(
        !old.answered.contains("Transfer-Encoding") && old.answered.ends_with("\r\n\r\nold"),
        "{}",
        old.answered
    );
    assert_eq!((old.answer.download, old.answer.keep_alive), (BodyFraming::UntilClose, false));
    let head = exchange("HEAD /prod/x HTTP/1.1\nHost: a", Origin::Begins(b"{}\0\0\0\0\0\0\0\0x"));
    assert!(head.answered.contains("\r\nTransfer-Encoding: chunked\r\n"), "{}", head.answered);
    assert_eq!((head.answer.download, head.answer.inline_bytes), (BodyFraming::None, 0));
    for status in ["204", "304"] {
        let begun = format!("{{\"statusCode\":{status}}}\0\0\0\0\0\0\0\0x");
        let bare = exchange(GET, Origin::Begins(begun.as_bytes()));
        assert!(!bare.answered.contains("Transfer-Encoding"), "{}", bare.answered);
        assert!(
            !bare.answered.contains("Content-Length") && bare.answered.ends_with("\r\n\r\n"),
            "{}",
            bare.answered
        );
        assert_eq!((bare.answer.download, bare.answer.inline_bytes), (BodyFraming::None, 0));
    }
}

#[test]
fn what_is_malformed_or_fails() {
    for begun in [
        &b""[..],
        b"{}",
        b"{}\0\0\0\0\0\0\0",
        b"nonsense\0\0\0\0\0\0\0\0",
        b"{\"body\":\"x\"}\0\0\0\0\0\0\0\0",
    ] {
        for origin in [Origin::Begins(begun), Origin::Function(Ok(std::str::from_utf8(begun).expect("text")))]
        {
            let exchanged = exchange(GET, origin);
            assert!(exchanged.answered.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{}", exchanged.answered);
            assert_eq!(exchanged.answer.download, BodyFraming::None);
        }
    }
    for (origin, status) in [
        (Origin::FunctionFails("{}"), "502"),
        (Origin::Function(Err(InvokeFailure::Timeout)), "504"),
        (Origin::Function(Err(InvokeFailure::Throttled)), "500"),
    ] {
        let answered = exchange(GET, origin).answered;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status} ")), "{answered}");
    }
}

/// What is streamed is in no cache: each request invokes.
#[test]
fn no_cache_keeps_it() {
    let settings = Settings { stage: "cache = { size = \"1 MiB\", ttl = 60 }", ..Settings::default() };
    let mut gateway = Gateway::with(DOCUMENT, FORMAT, settings);
    for _ in 0..2 {
        let exchanged = gateway.exchange(GET, Origin::Function(Ok("{}\0\0\0\0\0\0\0\0x")));
        assert!(exchanged.invoke.is_some() && exchanged.answered.ends_with('x'), "{}", exchanged.answered);
    }
}
