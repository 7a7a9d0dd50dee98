//! Request heads that other parsers read differently: refused, with nothing passed on.

use crate::support::framing::Rig;

/// (what it is, its bytes, the statuses that answer it and whether the connection closes then)
type Row = (&'static str, &'static [u8], &'static str);

/// One gateway for all rows; every head that is refused must not reach the origin in any form.
#[track_caller]
fn check(rows: &[Row]) {
    let rig = Rig::start();
    for (name, request, want) in rows {
        rig.check(name, request, want, true);
    }
}

/// Rows of field lines behind `Host`, in a GET.
#[track_caller]
fn check_fields(rows: &[Row]) {
    check_between(b"GET /test/x HTTP/1.1\r\nHost: a\r\n", rows, b"\r\n");
}

/// Rows of what stands behind `Host` in a POST: field lines, the empty line, and the body.
#[track_caller]
fn check_posts(rows: &[Row]) {
    check_between(b"POST /test/x HTTP/1.1\r\nHost: a\r\n", rows, b"");
}

#[track_caller]
fn check_between(before: &[u8], rows: &[Row], behind: &[u8]) {
    let rig = Rig::start();
    for (name, bytes, want) in rows {
        rig.check(name, &[before, bytes, behind].concat(), want, true);
    }
}

#[test]
fn line_ends() {
    check(&[
        ("plain", b"GET /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("bare LF everywhere", b"GET /test/x HTTP/1.1\nHost: a\n\n", "400 close"),
        ("bare LF behind the request line", b"GET /test/x HTTP/1.1\nHost: a\r\n\r\n", "400 close"),
        ("bare LF behind a field", b"GET /test/x HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400 close"),
        ("bare LF as empty line", b"GET /test/x HTTP/1.1\r\nHost: a\r\n\n", "400 close"),
        ("bare CR in the request line", b"GET /test/x\r HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("CR CR LF", b"GET /test/x HTTP/1.1\r\nHost: a\r\r\n\r\n", "400 close"),
        ("one empty line first", b"\r\nGET /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("two empty lines first", b"\r\n\r\nGET /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("an empty line of LF first", b"\nGET /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
    ]);
}

#[test]
fn field_lines() {
    check_fields(&[
        ("bare LF in a value", b"X: b\nTransfer-Encoding: chunked\r\n", "400 close"),
        ("bare CR in a value", b"X: b\rc\r\n", "400 close"),
        ("bare CR in a name", b"X\rY: c\r\n", "400 close"),
        ("folded with a space", b"X: b\r\n c\r\n", "400 close"),
        ("folded with a tab", b"X: b\r\n\tc\r\n", "400 close"),
        ("tab before the colon", b"X\t: b\r\n", "400 close"),
        ("space in a name", b"X Y: b\r\n", "400 close"),
        ("no colon", b"X\r\n", "400 close"),
        ("empty name", b": b\r\n", "400 close"),
        ("parenthesis in a name", b"X(y): b\r\n", "400 close"),
        ("quote in a name", b"\"X\": b\r\n", "400 close"),
        ("NUL in a name", b"X\0: b\r\n", "400 close"),
        ("control byte in a name", b"X\x01: b\r\n", "400 close"),
        ("byte outside of ASCII in a name", b"X\x80: b\r\n", "400 close"),
        ("NUL in a value", b"X: b\0c\r\n", "400 close"),
        ("control byte in a value", b"X: b\x01\r\n", "400 close"),
        ("vertical tab in a value", b"X: \x0bb\r\n", "400 close"),
        ("DEL in a value", b"X: b\x7f\r\n", "400 close"),
        ("tab in a value", b"X: b\tc\r\n", "200"),
        ("bytes outside of ASCII in a value", b"X: \xe4\xf6\xff\r\n", "200"),
        ("an empty value", b"X:\r\n", "200"),
        ("all token characters in a name", b"!#$%&'*+-.^_`|~09aZ: b\r\n", "200"),
    ]);
    check_posts(&[
        ("folded Transfer-Encoding", b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("space before a length's colon", b"Content-Length : 3\r\n\r\nabc", "400 close"),
        ("space before a coding's colon", b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 close"),
    ]);
    check(&[
        ("space before the first name", b"GET /test/x HTTP/1.1\r\n Host: a\r\n\r\n", "400 close"),
        ("space before the colon", b"GET /test/x HTTP/1.1\r\nHost : a\r\n\r\n", "400 close"),
        ("no space behind the colon", b"GET /test/x HTTP/1.1\r\nHost:a\r\n\r\n", "200"),
        ("white space around a value", b"GET /test/x HTTP/1.1\r\nHost: \t a \t\r\n\r\n", "200"),
    ]);
}

#[test]
fn content_lengths() {
    check_posts(&[
        ("length", b"Content-Length: 3\r\n\r\nabc", "200"),
        ("length 0", b"Content-Length: 0\r\n\r\n", "200"),
        (
            "length with coding",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400 close",
        ),
        (
            "coding with length",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "400 close",
        ),
        ("two equal", b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400 close"),
        ("two different", b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 close"),
        ("two of other case", b"content-length: 3\r\nCONTENT-LENGTH: 3\r\n\r\nabc", "400 close"),
        ("equal list", b"Content-Length: 3, 3\r\n\r\nabc", "400 close"),
        ("list", b"Content-Length: 3,4\r\n\r\nabc", "400 close"),
        ("plus", b"Content-Length: +5\r\n\r\nhello", "400 close"),
        ("minus", b"Content-Length: -1\r\n\r\n", "400 close"),
        ("minus zero", b"Content-Length: -0\r\n\r\n", "400 close"),
        ("hexadecimal", b"Content-Length: 0x10\r\n\r\n0123456789abcdef", "400 close"),
        ("hexadecimal digits", b"Content-Length: a\r\n\r\n0123456789", "400 close"),
        ("exponent", b"Content-Length: 1e1\r\n\r\n0123456789", "400 close"),
        ("fraction", b"Content-Length: 3.0\r\n\r\nabc", "400 close"),
        ("digit separator", b"Content-Length: 1_0\r\n\r\n0123456789", "400 close"),
        ("space inside", b"Content-Length: 1 0\r\n\r\n0123456789", "400 close"),
        ("quoted", b"Content-Length: \"3\"\r\n\r\nabc", "400 close"),
        ("parameter", b"Content-Length: 3;x\r\n\r\nabc", "400 close"),
        ("empty", b"Content-Length:\r\n\r\n", "400 close"),
        ("2^64", b"Content-Length: 18446744073709551616\r\n\r\n", "400 close"),
        ("2^64 + 3", b"Content-Length: 18446744073709551619\r\n\r\nabc", "400 close"),
        ("40 digits", b"Content-Length: 9999999999999999999999999999999999999999\r\n\r\n", "400 close"),
        ("2^64 - 1", b"Content-Length: 18446744073709551615\r\n\r\n", "413 close"),
        ("just over the limit", b"Content-Length: 10485761\r\n\r\n", "413 close"),
        ("underscore", b"Content_Length: 3\r\n\r\n", "400 close"),
        ("vertical tab before", b"Content-Length: \x0b3\r\n\r\nabc", "400 close"),
        ("NUL behind", b"Content-Length: 3\0\r\n\r\nabc", "400 close"),
    ]);
    check(&[("of a GET", b"GET /test/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "200")]);
}

#[test]
fn transfer_encodings() {
    check_posts(&[
        ("chunked", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200"),
        ("other case", b"TRANSFER-ENCODING: cHuNkEd\r\n\r\n0\r\n\r\n", "200"),
        ("tab before", b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", "200"),
        ("identity", b"Transfer-Encoding: identity\r\n\r\n", "400 close"),
        ("chunked, identity", b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400 close"),
        ("identity, chunked", b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", "200"),
        ("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "200"),
        ("chunked, chunked", b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("comma behind", b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", "400 close"),
        ("comma before", b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("xchunked", b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("chunkedx", b"Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", "400 close"),
        ("chunk", b"Transfer-Encoding: chunk\r\n\r\n0\r\n\r\n", "400 close"),
        ("quoted", b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 close"),
        ("parameter", b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "200"),
        ("empty parameter", b"Transfer-Encoding: chunked;;\r\n\r\n0\r\n\r\n", "400 close"),
        ("quoted parameter", b"Transfer-Encoding: chunked;a=\",\"\r\n\r\n0\r\n\r\n", "400 close"),
        ("two names", b"Transfer-Encoding: chunked gzip\r\n\r\n0\r\n\r\n", "400 close"),
        ("gzip", b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "400 close"),
        (
            "gzip and chunked in two fields",
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "200",
        ),
        (
            "gzip behind chunked in two fields",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
            "400 close",
        ),
        ("empty", b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", "400 close"),
        ("two", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"),
        (
            "two different",
            b"Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n\r\n0\r\n\r\n",
            "400 close",
        ),
        ("vertical tab before", b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("vertical tab behind", b"Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n", "400 close"),
        ("form feed behind", b"Transfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n", "400 close"),
        ("NUL behind", b"Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n", "400 close"),
        ("no-break space before", b"Transfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n", "400 close"),
        ("underscore", b"Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"),
    ]);
    check(&[(
        "in HTTP/1.0",
        b"POST /test/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "400 close",
    )]);
}

#[test]
fn request_lines() {
    check(&[
        ("HTTP/0.9", b"GET /test/x\r\n\r\n", "400 close"),
        ("HTTP/0.9 with version", b"GET /test/x HTTP/0.9\r\nHost: a\r\n\r\n", "505 close"),
        ("HTTP/1.2", b"GET /test/x HTTP/1.2\r\nHost: a\r\n\r\n", "505 close"),
        ("HTTP/2.0", b"GET /test/x HTTP/2.0\r\nHost: a\r\n\r\n", "505 close"),
        ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "505 close"),
        ("HTTP/1.10", b"GET /test/x HTTP/1.10\r\nHost: a\r\n\r\n", "400 close"),
        ("HTTP/1", b"GET /test/x HTTP/1\r\nHost: a\r\n\r\n", "400 close"),
        ("http/1.1", b"GET /test/x http/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("HTTPS/1.1", b"GET /test/x HTTPS/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("space behind the version", b"GET /test/x HTTP/1.1 \r\nHost: a\r\n\r\n", "400 close"),
        ("two spaces behind the method", b"GET  /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("two spaces behind the target", b"GET /test/x  HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("tabs for spaces", b"GET\t/test/x\tHTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("space before the method", b" GET /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("method only", b"GET\r\nHost: a\r\n\r\n", "400 close"),
        ("no target", b"GET HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("colon in the method", b"GE:T /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("NUL in the method", b"GE\0T /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        (
            "33 byte method",
            b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /test/x HTTP/1.1\r\nHost: a\r\n\r\n",
            "400 close",
        ),
        (
            "TLS client hello",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
            "400 close",
        ),
        ("lower-case method", b"get /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("unknown method", b"PURGE /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("TRACE", b"TRACE /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "400 close"),
        ("CONNECT of a path", b"CONNECT /test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
    ]);
}

#[test]
fn targets() {
    check(&[
        ("NUL", b"GET /test/\0x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("control byte", b"GET /test/\x1fx HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("DEL", b"GET /test/\x7fx HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("bytes outside of ASCII", b"GET /test/\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("bytes that are not UTF-8", b"GET /test/\xff\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("empty", b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("space", b"GET /test/x y HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("number sign", b"GET /test/x#y HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("no slash", b"GET test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("asterisk of a GET", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("absolute", b"GET http://a/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("absolute, other case", b"GET HTTP://A/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("absolute with port", b"GET http://a:80/test/x HTTP/1.1\r\nHost: a:80\r\n\r\n", "200"),
        ("absolute, https", b"GET https://a/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("absolute without path", b"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", "403"),
        ("absolute, other host", b"GET http://b/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("absolute, other port", b"GET http://a:81/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("absolute without Host", b"GET http://a/test/x HTTP/1.1\r\n\r\n", "400 close"),
        ("absolute with user", b"GET http://u@a/test/x HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 close"),
        ("absolute, ftp", b"GET ftp://a/test/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 close"),
        ("percent encoded", b"GET /test/%00%0d%0a%20 HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
    ]);
}

#[test]
fn hosts() {
    check(&[
        ("missing", b"GET /test/x HTTP/1.1\r\n\r\n", "400 close"),
        ("two", b"GET /test/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 close"),
        ("two equal", b"GET /test/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 close"),
        ("empty", b"GET /test/x HTTP/1.1\r\nHost:\r\n\r\n", "400 close"),
        ("list", b"GET /test/x HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 close"),
        ("space", b"GET /test/x HTTP/1.1\r\nHost: a b\r\n\r\n", "400 close"),
        ("user", b"GET /test/x HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 close"),
        ("path", b"GET /test/x HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 close"),
        ("query", b"GET /test/x HTTP/1.1\r\nHost: a?b\r\n\r\n", "400 close"),
        ("scheme", b"GET /test/x HTTP/1.1\r\nHost: http://a\r\n\r\n", "400 close"),
        ("port of letters", b"GET /test/x HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 close"),
        ("two ports", b"GET /test/x HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "400 close"),
        ("address without end", b"GET /test/x HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 close"),
        ("NUL", b"GET /test/x HTTP/1.1\r\nHost: a\0b\r\n\r\n", "400 close"),
        ("port", b"GET /test/x HTTP/1.1\r\nHost: a:8080\r\n\r\n", "200"),
        ("address", b"GET /test/x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "200"),
        ("missing in HTTP/1.0", b"GET /test/x HTTP/1.0\r\n\r\n", "200 close"),
    ]);
}

/// Where the lines above are too long to write down.
#[test]
fn sizes() {
    let rig = Rig::start();
    let with = |fields: &str| format!("GET /test/x HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes();
    let target = |length: usize| {
        format!("GET /test/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 6)).into_bytes()
    };
    let many = |count: usize| with(&(1..count).map(|number| format!("x{number}: y\r\n")).collect::<String>());
    let value = |length: usize| with(&format!("x: {}\r\n", "y".repeat(length)));
    let exact = 10_240 - "Host: a\r\n".len() - "x: \r\n".len();
    let rows: [(&str, Vec<u8>, &str); 10] = [
        ("fields of 10,240 bytes", value(exact), "200"),
        ("fields of 10,241 bytes", value(exact + 1), "431 close"),
        ("fields of 100,000 bytes", value(100_000), "431 close"),
        (
            "fields without end",
            b"GET /test/x HTTP/1.1\r\nHost: a\r\nX: ".iter().copied().chain([b'y'; 20_000]).collect(),
            "431 close",
        ),
        ("128 fields", many(128), "200"),
        ("129 fields", many(129), "431 close"),
        ("1000 fields", many(1000), "431 close"),
        ("target of 10,240 bytes", target(10_240), "200"),
        ("target of 10,241 bytes", target(10_241), "414 close"),
        ("target without end", b"GET /test/".iter().copied().chain([b'x'; 20_000]).collect(), "414 close"),
    ];
    for (name, request, want) in rows {
        rig.check(name, &request, want, true);
    }
}
