//! Answers of HTTP_PROXY backends (facts 102, 104, 147).

use crate::carrier::{DATE, EXTENDED_ID, Gateway, ID, Origin, wire};

const DOCUMENT: &str = "paths: { /x: { x-amazon-apigateway-any-method: { x-amazon-apigateway-integration:\n  { type: http_proxy, httpMethod: ANY, uri: 'http://origin.test/' } } } }";

#[track_caller]
fn check(origin: &str, want: &str) {
    let mut gateway = Gateway::new(DOCUMENT);
    let exchanged = gateway.exchange("GET /prod/x HTTP/1.1\nHost: a", Origin::Answers(origin));
    assert_eq!(exchanged.answered, wire(want), "{origin}");
}

#[test]
fn fields_pass_are_renamed_or_dropped() {
    check(
        "HTTP/1.1 201 Whatever\nAccept: 1\nAge: 2\nAuthorization: 3\nConnection: keep-alive\nContent-Encoding: 4\n\
         Content-Length: 5\nContent-MD5: 6\nContent-Type: 7\nDate: 8\nExpect: 9\nHost: 10\nKeep-Alive: 11\nMax-Forwards: 12\n\
         Pragma: 13\nProxy-Authenticate: 14\nserver: 15\nSet-Cookie: a=b\nSet-Cookie: c=d\nTE: 16\nTrailer: 17\nUpgrade: 18\n\
         User-Agent: 19\nVia: 20\nWWW-Authenticate: 21\nX-Amzn-Requestid: 22\nX-Amzn-Trace-Id: 23\nX-Amz-Apigw-Id: 24\n\nhello",
        &format!(
            "HTTP/1.1 201 Created\n{DATE}\nContent-Length: 5\nConnection: keep-alive\nx-amzn-RequestId: {ID}\n\
             x-amz-apigw-id: {EXTENDED_ID}\nAccept: 1\nAge: 2\nAuthorization: 3\nx-amzn-Remapped-Connection: keep-alive\n\
             Content-Encoding: 4\nx-amzn-Remapped-Content-Length: 5\nContent-MD5: 6\nContent-Type: 7\n\
             x-amzn-Remapped-Date: 8\nMax-Forwards: 12\nPragma: 13\nProxy-Authenticate: 14\nx-amzn-Remapped-server: 15\n\
             Set-Cookie: a=b\nSet-Cookie: c=d\nUser-Agent: 19\nWWW-Authenticate: 21\nx-amzn-Remapped-X-Amzn-Requestid: 22\n\
             X-Amzn-Trace-Id: 23\n\nhello"
        ),
    );
}

#[test]
fn a_status_and_its_content_pass() {
    let ids = format!("x-amzn-RequestId: {ID}\nx-amz-apigw-id: {EXTENDED_ID}");
    check(
        "HTTP/1.1 400 No\nContent-Length: 2\n\nno",
        &format!(
            "HTTP/1.1 400 Bad Request\n{DATE}\nContent-Type: application/json\nContent-Length: 2\nConnection: keep-alive\n{ids}\n\
             x-amzn-Remapped-Content-Length: 2\n\nno"
        ),
    );
    check(
        "HTTP/1.1 599 \nTransfer-Encoding: chunked\nContent-Type: a/b\n\n2\nno\n0\n\n",
        &format!(
            "HTTP/1.1 599 \n{DATE}\nTransfer-Encoding: chunked\nConnection: keep-alive\n{ids}\nContent-Type: a/b\n\n2\nno\n0\n\n"
        ),
    );
}

/// RFC 9110 section 7.6.1: they were for the gateway.
#[test]
fn fields_that_connection_names_are_dropped() {
    check(
        "HTTP/1.1 200 OK\nX-Hop: 1\nX-Hops: 2\nContent-Type: a/b\nContent-Length: 0\nConnection: close, x-hop",
        &format!(
            "HTTP/1.1 200 OK\n{DATE}\nContent-Length: 0\nConnection: keep-alive\nx-amzn-RequestId: {ID}\n\
             x-amz-apigw-id: {EXTENDED_ID}\nX-Hops: 2\nContent-Type: a/b\nx-amzn-Remapped-Content-Length: 0\n\
             x-amzn-Remapped-Connection: close, x-hop"
        ),
    );
}
