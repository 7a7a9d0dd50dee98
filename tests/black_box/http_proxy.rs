//! `http_proxy` integrations: which fields pass in which direction (recorded facts 91 to 107; behaviour section 13).

use crate::support::document::Document;
use crate::support::message::Message;
use crate::support::origin::{Origin, ok};
use crate::support::setup::Setup;
use crate::support::wire::find;

/// The 27 fields of the recordings but Transfer-Encoding, which cannot stand beside Content-Length.
const SENT: &str = "Accept: application/xml\r\nAccept-Charset: utf-8\r\nAccept-Encoding: gzip\r\nAge: 7\r\n\
    Authorization: Bearer x\r\nConnection: keep-alive\r\nContent-Encoding: gzip\r\nContent-MD5: eA==\r\n\
    Content-Type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nExpect: 100-continue\r\nMax-Forwards: 9\r\n\
    Pragma: no-cache\r\nProxy-Authenticate: Basic\r\nRange: bytes=0-1\r\nReferer: http://r/\r\nServer: mine\r\n\
    TE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\nUser-Agent: tester\r\nVia: 1.1 v\r\nWarn: w\r\n\
    WWW-Authenticate: Basic\r\nContent-Length: 25\r\n";
/// `hello`, as Content-Encoding says.
const CODED: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";

#[track_caller]
fn sorted_fields(message: &Message) -> Vec<String> {
    let mut fields: Vec<String> =
        message.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    fields.sort();
    fields
}

/// Facts 91, 94 and 107.
#[test]
fn fields_of_a_client_that_pass() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let mut client = gateway.client();
    client.send(format!("POST /test/x HTTP/1.1\r\nHost: client.example\r\n{SENT}X-Custom: c\r\n\r\n"));
    client.send(CODED);
    assert_eq!(client.final_response().status(), 200);
    let received = origin.request().message;
    let trace = received.field("x-amzn-trace-id").expect("a trace").to_owned();
    let want = [
        "Accept: application/xml",
        "Accept-Charset: utf-8",
        "Accept-Encoding: gzip",
        "Age: 7",
        "Authorization: Bearer x",
        "Content-Length: 5",
        "Content-Type: text/plain",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        &format!("Host: {}", origin.address),
        "Pragma: no-cache",
        "Range: bytes=0-1",
        "Referer: http://r/",
        "User-Agent: tester",
        "Warn: w",
        "X-Amzn-Apigateway-Api-Id: api",
        &format!("X-Amzn-Trace-Id: {trace}"),
        "X-Custom: c",
        "X-Forwarded-For: 127.0.0.1",
        &format!("X-Forwarded-Port: {}", gateway.address.port()),
        "X-Forwarded-Proto: http",
    ];
    let mut want = want.map(str::to_owned);
    want.sort();
    assert_eq!(sorted_fields(&received), want);
    assert_eq!((received.start.as_str(), received.text()), ("POST /x HTTP/1.1", "hello".to_owned()));
}

#[test]
fn defaults_where_a_client_sends_nothing() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    assert_eq!(gateway.get("/test/x").status(), 200);
    let received = origin.request().message;
    assert_eq!(received.field("accept"), Some("application/json"));
    assert_eq!(received.field("user-agent"), Some("AmazonAPIGateway_api"));
    let want = [
        "Accept",
        "Host",
        "User-Agent",
        "X-Amzn-Apigateway-Api-Id",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    ];
    assert_eq!(received.names(), want);
}

#[test]
fn fields_that_a_client_may_not_forge() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let forged = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Port: 1\r\n\
                  X-Forwarded-Proto: https\r\nX-Amzn-Apigateway-Api-Id: other\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
                  Keep-Alive: 5\r\nProxy-Connection: close\r\n";
    let mut client = gateway.client();
    client.exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{forged}\r\n"));
    let received = origin.request().message;
    assert_eq!(received.field("x-forwarded-for"), Some("10.0.0.1, 10.0.0.2, 127.0.0.1"));
    assert_eq!(received.field("x-forwarded-port"), Some(&*gateway.address.port().to_string()));
    assert_eq!(received.field("x-forwarded-proto"), Some("http"));
    assert_eq!(received.field("x-amzn-apigateway-api-id"), Some("api"));
    for name in ["x-hop", "keep-alive", "proxy-connection", "connection"] {
        assert_eq!(received.field(name), None, "{name}");
    }
}

#[test]
fn repeated_fields_are_joined() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let repeated =
        "X-A: 1\r\nCookie: a=b\r\nx-a: 2\r\nX-B: 3\r\nX-A: 4\r\nAccept: text/a\r\naccept: text/b\r\n";
    gateway.client().exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{repeated}\r\n"));
    let received = origin.request().message;
    assert_eq!(received.field("x-a"), Some("1,2,4"));
    assert_eq!(received.field("accept"), Some("text/a,text/b"));
    assert_eq!((received.field("x-b"), received.field("cookie")), (Some("3"), Some("a=b")));
}

#[test]
fn values_pass_byte_by_byte() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let sent = b"GET http://a/test/x?y HTTP/1.1\r\nHost: a\r\nX-Raw: \xe4\xf6\xff\t, \"q\"  z\r\n\r\n";
    assert_eq!(gateway.client().exchange(sent).status(), 200);
    let received = origin.request().message;
    assert_eq!(received.target(), "/x?y", "an absolute target goes on as a path");
    assert!(find(&received.head, b"X-Raw: \xe4\xf6\xff\t, \"q\"  z\r\n").is_some(), "{received:?}");
}

/// Fact 107: what the client says stays, what is missing is made.
#[test]
fn trace_ids() {
    let origin = Origin::answering(ok(""));
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let trace = |sent: &str| {
        gateway.client().exchange(format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{sent}\r\n"));
        origin.request().message.field("x-amzn-trace-id").expect("a trace").to_owned()
    };
    let hex = |text: &str, digits: usize| {
        text.len() == digits
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let full = format!("{root};Parent=53995c3f42cd8ad8;Sampled=1");
    assert_eq!(trace(&format!("X-Amzn-Trace-Id: {full}\r\n")), full);
    let parent = trace(&format!("x-amzn-trace-id: {root};Parent=53995c3f42cd8ad8\r\n"));
    assert_eq!(parent, format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"));
    let only_root = trace(&format!("X-Amzn-Trace-Id: {root}\r\n"));
    let made =
        only_root.strip_prefix(&format!("{root};Parent=")).and_then(|rest| rest.strip_suffix(";Sampled=0"));
    assert!(made.is_some_and(|parent| hex(parent, 16)), "{only_root}");
    let ours = trace("");
    let rest = ours.strip_prefix("Root=1-").unwrap_or_else(|| panic!("{ours}"));
    let [time, random] = rest.split(';').next().expect("root").split('-').collect::<Vec<_>>()[..] else {
        panic!("{ours}")
    };
    assert!(hex(time, 8) && hex(random, 24), "{ours}");
}

/// Facts 102 and 104.
#[test]
fn fields_of_an_origin() {
    let origin = Origin::answering(
        "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: origin\r\nConnection: keep-alive\r\n\
         x-amzn-RequestId: theirs\r\nX-Amzn-Trace-Id: Root=theirs\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: \"e\"\r\n\
         Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-MiXeD-cAsE: kept\r\nLocation: /l\r\n\
         WWW-Authenticate: Basic\r\nKeep-Alive: timeout=5\r\nVia: 1.1 o\r\nContent-Length: 4\r\n\r\nbody",
    );
    let gateway = Setup::new(&Document::new().pass_all(origin.address)).start();
    let response = gateway.get("/test/x");
    assert_eq!((response.status(), response.text()), (201, "body".to_owned()));
    let ours = ["Connection", "Content-Length", "Date", "x-amzn-RequestId", "x-amz-apigw-id"];
    let names: Vec<&str> = response.names().into_iter().filter(|name| !ours.contains(name)).collect();
    let want = [
        "Cache-Control",
        "Content-Type",
        "ETag",
        "Location",
        "Set-Cookie",
        "Set-Cookie",
        "WWW-Authenticate",
        "X-Amzn-Remapped-Connection",
        "X-Amzn-Remapped-Content-Length",
        "X-Amzn-Remapped-Date",
        "X-Amzn-Remapped-Server",
        "X-Amzn-Remapped-x-amzn-RequestId",
        "X-Amzn-Trace-Id",
        "X-MiXeD-cAsE",
    ];
    let lower = |names: &[&str]| names.iter().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>();
    assert_eq!(lower(&names), lower(&want));
    for (name, want) in [
        ("x-amzn-Remapped-Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("x-amzn-Remapped-Server", "origin"),
        ("x-amzn-Remapped-Connection", "keep-alive"),
        ("x-amzn-Remapped-Content-Length", "4"),
        ("x-amzn-Remapped-x-amzn-RequestId", "theirs"),
        ("X-Amzn-Trace-Id", "Root=theirs"),
        ("X-MiXeD-cAsE", "kept"),
        ("Content-Type", "text/html; charset=utf-8"),
    ] {
        let found = response.fields.iter().find(|(known, _)| known == name);
        assert_eq!(found.map(|(_, value)| &**value), Some(want), "{name}, so spelt: {response:?}");
    }
    assert_eq!(response.values("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_ne!(response.field("x-amzn-requestid"), Some("theirs"));
}
