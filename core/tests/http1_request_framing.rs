//! What a request head says about its body, the connection and the limits.

use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, RequestHead};

fn parse(bytes: &[u8], limits: &HeadLimits) -> Result<Option<RequestHead>, HeadError> {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(bytes);
    Ok(head.parse(limits)?.map(|_| head))
}

fn post(version: &str, fields: &str) -> Vec<u8> {
    format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[track_caller]
fn check(version: &str, fields: &str, want: Result<BodyFraming, HeadError>) {
    let head = parse(&post(version, fields), &HeadLimits::default());
    assert_eq!(head.map(|head| head.expect("complete").framing()), want, "{fields:?}");
}

#[test]
fn content_length() {
    let ok = |fields, length| check("1.1", fields, Ok(BodyFraming::Length(length)));
    ok("Content-Length: 0\r\n", 0);
    ok("content-length:5\r\n", 5);
    ok("CONTENT-LENGTH: \t5 \r\n", 5);
    ok("Content-Length: 18446744073709551615\r\n", u64::MAX);
    check("1.0", "Content-Length: 7\r\n", Ok(BodyFraming::Length(7)));
    check("1.1", "", Ok(BodyFraming::None));
    for value in [
        "",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x10",
        "5, 5",
        "5,5",
        "5 5",
        "a",
        "1a",
        "5;",
        "00",
        "05",
        "\u{660}",
        "1_000",
        "18446744073709551616",
        "99999999999999999999999",
        "5\t5",
        "\"5\"",
    ] {
        check("1.1", &format!("Content-Length: {value}\r\n"), Err(HeadError::ContentLength));
    }
    let repeated = Err(HeadError::ContentLengthRepeated);
    check("1.1", "Content-Length: 5\r\nContent-Length: 5\r\n", repeated);
    check("1.1", "Content-Length: 5\r\nX: y\r\ncontent-length: 6\r\n", repeated);
}

#[test]
fn transfer_encoding() {
    check("1.1", "Transfer-Encoding: chunked\r\n", Ok(BodyFraming::Chunked));
    check("1.1", "transfer-encoding:\tCHUNKED \r\n", Ok(BodyFraming::Chunked));
    for value in [
        "",
        ";",
        "identity",
        "gzip",
        "chunked, gzip",
        "chunked,chunked",
        "chunked, gzip, chunked",
        "chunked;a, CHUNKED",
        "chunked,",
        "gzip,",
        ",chunked",
        "gzip,,chunked",
        "gzip,;,chunked",
        "gzip, ,chunked",
        "xchunked",
        "chunkedx",
        "xchunked, chunkedx, chunked",
        "cow, chunked",
        "chunk",
        "\"chunked\"",
        "chunked chunked",
        "gzip chunked",
        "gzip; chunked",
        "gzip;chunked",
        "chunked\u{b}x",
        "'chunked'",
        "\u{a0}chunked",
        "chunked\u{a0}",
        "gzip\u{a0}, chunked",
        "g\u{e4}zip, chunked",
        "chunked;;",
        "chunked; ;",
        "chunked;a;;b",
        "chunked; a b",
        "chunked;=",
        "chunked;a=",
        "chunked;=b",
        "chunked;a = b",
        "chunked;a=b=c",
        "chunked;a=\"b\"",
        "gzip;a=\", chunked\"",
        "gzip;a=\"b, chunked",
        "chunked, identity",
    ] {
        let want = if value.contains('\u{b}') { HeadError::FieldValue } else { HeadError::TransferEncoding };
        check("1.1", &format!("Transfer-Encoding: {value}\r\n"), Err(want));
    }
    for values in [
        ["chunked", "chunked"],
        ["chunked", "identity"],
        ["chunked", "cow"],
        ["chunked", ""],
        ["", "chunked"],
        ["gzip,", "chunked"],
        ["gzip", "deflate"],
        ["gzip, chunked", "chunked"],
    ] {
        let [first, second] = values;
        let fields = format!("Transfer-Encoding: {first}\r\nX: y\r\ntransfer-encoding: {second}\r\n");
        check("1.1", &fields, Err(HeadError::TransferEncoding));
    }
    check("1.0", "Transfer-Encoding: chunked\r\n", Err(HeadError::TransferEncodingVersion));
    let both = Err(HeadError::LengthAndEncoding);
    check("1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", both);
    check("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", both);
    let unknown = "Content-Length: 5\r\nTransfer-Encoding: x\r\n";
    check("1.1", unknown, Err(HeadError::TransferEncoding));
    let list = "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n";
    check("1.1", list, both);
    check("1.0", "Transfer-Encoding: gzip, chunked\r\n", Err(HeadError::TransferEncodingVersion));
}

/// Accepted, with these codings below `chunked`.
#[track_caller]
fn check_codings(values: &[&str], want: &[&str]) {
    let fields: String =
        values.iter().map(|value| format!("Transfer-Encoding: {value}\r\nX: y\r\n")).collect();
    let head = parse(&post("1.1", &fields), &HeadLimits::default()).expect("refused").expect("complete");
    let codings = head.transfer_codings().map(|coding| coding.escape_ascii().to_string());
    assert_eq!(
        (head.framing(), codings.collect::<Vec<_>>()),
        (BodyFraming::Chunked, want.iter().map(ToString::to_string).collect())
    );
}

#[test]
fn transfer_codings() {
    check_codings(&["chunked"], &[]);
    check_codings(&["\tChunked "], &[]);
    check_codings(&["chunked;"], &[]);
    check_codings(&["chunked \t; q=1"], &[]);
    check_codings(&["\tchunked;custom_param;\t\t"], &[]);
    check_codings(&["gzip, chunked"], &["gzip"]);
    check_codings(&["GZip,Chunked"], &["GZip"]);
    check_codings(&["gzip, gzip, chunked"], &["gzip", "gzip"]);
    check_codings(&["deflate, identity, chunked"], &["deflate", "identity"]);
    check_codings(
        &["gzip , deflate , \tidentity\t, compress\t, chunked"],
        &["gzip", "deflate", "identity", "compress"],
    );
    check_codings(&["gzip", "deflate, x-gzip", "chunked"], &["gzip", "deflate", "x-gzip"]);
    check_codings(&["gzip   ;   ", "deflate\t\t;\t\t", "chunked;a;"], &["gzip", "deflate"]);
    check_codings(&["gzip;a=b;c , deflate ; d=chunked;, chunked"], &["gzip;a=b;c", "deflate ; d=chunked"]);
    let head = parse(&post("1.1", ""), &HeadLimits::default()).unwrap().unwrap();
    assert_eq!(head.transfer_codings().count(), 0);
}

#[track_caller]
fn check_connection(version: &str, fields: &str, keeps_alive: bool, expects_continue: bool) {
    let head = parse(&post(version, fields), &HeadLimits::default()).unwrap().unwrap();
    assert_eq!((head.keeps_alive(), head.expects_continue()), (keeps_alive, expects_continue), "{fields:?}");
}

#[test]
fn connection() {
    check_connection("1.1", "", true, false);
    check_connection("1.1", "Connection: close\r\n", false, false);
    check_connection("1.1", "Connection: CLOSE\r\n", false, false);
    check_connection("1.1", "Connection: keep-alive\r\n", true, false);
    check_connection("1.1", "Connection: x, close ,y\r\n", false, false);
    check_connection("1.1", "Connection: x\r\nConnection: close\r\n", false, false);
    check_connection("1.1", "Connection: closed\r\n", true, false);
    check_connection("1.0", "", false, false);
    check_connection("1.0", "Connection: Keep-Alive\r\n", true, false);
    check_connection("1.0", "Connection: keep-alive, close\r\n", false, false);
}

#[test]
fn expect() {
    check_connection("1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n", true, true);
    check_connection("1.1", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", true, true);
    check_connection("1.1", "Expect: 100-continue\r\n", true, false);
    check_connection("1.1", "Expect: something\r\nContent-Length: 5\r\n", true, false);
    check_connection("1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n", false, false);
}

const SMALL: HeadLimits = HeadLimits { fields_bytes_max: 20, target_bytes_max: 10, fields_max: 3 };

/// Refused whole, and byte by byte as soon as `at` bytes have come, even if the head never ends.
#[track_caller]
fn check_limit(bytes: &str, want: HeadError, at: usize) {
    assert_eq!(parse(bytes.as_bytes(), &SMALL).map(|_| ()), Err(want), "{bytes:?}");
    let mut head = RequestHead::new();
    for (index, &byte) in bytes.as_bytes().iter().enumerate() {
        head.buffer_mut().push(byte);
        match head.parse(&SMALL) {
            Ok(None) => {}
            Ok(Some(_)) => panic!("accepted"),
            Err(error) => return assert_eq!((error, index + 1), (want, at), "{bytes:?}"),
        }
    }
    panic!("never refused");
}

#[test]
fn limits() {
    let fits = "GET /123456789 HTTP/1.1\r\nHost: a\r\nX: 345678\r\n";
    assert!(parse(format!("{fits}\r\n").as_bytes(), &SMALL).is_ok());
    check_limit("GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::TargetTooLong, 24);
    check_limit(&format!("GET /{}", "x".repeat(99)), HeadError::TargetTooLong, 24);
    check_limit("GET / HTTP/1.1\r\nHost: a\r\nX: 34567890\r\n\r\n", HeadError::FieldsTooLarge, 37);
    check_limit("GET / HTTP/1.1\r\nHost: a\r\nX: 345678901234567", HeadError::FieldsTooLarge, 37);
    check_limit("GET / HTTP/1.1\r\nHost:a\r\nA:\r\nB:\r\nC:\r\n\r\n", HeadError::TooManyFields, 33);
    check_limit(&"x".repeat(99), HeadError::Method, 33);
    // What lies behind the head is not counted.
    assert!(parse(format!("{fits}\r\n{}", "x".repeat(999)).as_bytes(), &SMALL).is_ok());
}

#[test]
fn default_limits() {
    let fields = |count: usize| {
        let lines: String = (1..count).map(|index| format!("X-{index}: y\r\n")).collect();
        parse(&post("1.1", &lines), &HeadLimits::default()).map(|_| ())
    };
    assert_eq!(fields(128), Ok(()));
    assert_eq!(fields(129), Err(HeadError::TooManyFields));
    let unlimited =
        HeadLimits { fields_bytes_max: usize::MAX, target_bytes_max: 1 << 40, fields_max: usize::MAX };
    let lines: String = (0..128).map(|index| format!("X-{index}: y\r\n")).collect();
    assert_eq!(parse(&post("1.1", &lines), &unlimited).map(|_| ()), Err(HeadError::TooManyFields));
}

#[test]
fn statuses() {
    assert_eq!(HeadError::BareLf.status(), 400);
    assert_eq!(HeadError::TargetTooLong.status(), 414);
    assert_eq!(HeadError::FieldsTooLarge.status(), 431);
    assert_eq!(HeadError::TooManyFields.status(), 431);
    assert_eq!(HeadError::VersionUnsupported.status(), 505);
    assert_eq!(HeadError::HostMissing.to_string(), "missing Host");
}
