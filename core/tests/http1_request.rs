//! Request heads: one row per reading that parsers are known to disagree about.

use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, KnownField, RequestHead, Version};

fn parse(bytes: &[u8]) -> Result<Option<RequestHead>, HeadError> {
    let mut head = RequestHead::new();
    head.buffer_mut().extend_from_slice(bytes);
    Ok(head.parse(&HeadLimits::default())?.map(|_| head))
}

#[track_caller]
fn accept(bytes: &[u8]) -> RequestHead {
    parse(bytes).expect("refused").expect("incomplete")
}

/// Whole, and byte by byte: refused for the reason `want` at the latest with the last byte.
#[track_caller]
fn refuse(bytes: &[u8], want: HeadError) {
    assert_eq!(parse(bytes).map(|_| ()), Err(want), "{}", bytes.escape_ascii());
    let mut head = RequestHead::new();
    let refused = bytes.iter().find_map(|&byte| {
        head.buffer_mut().push(byte);
        head.parse(&HeadLimits::default()).err()
    });
    assert_eq!(refused, Some(want), "byte by byte: {}", bytes.escape_ascii());
}

/// A GET with these field lines behind a good `Host`.
fn with_fields(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

fn with_target(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n").into_bytes()
}

#[test]
fn parts() {
    let head = accept(
        b"PUT /a/b?c=d&e HTTP/1.1\r\nHost: x.example:8080\r\nX-One: 1\r\nx-one:\t 2 \t\r\nEmpty:\r\n\r\nbody",
    );
    assert_eq!((head.method(), head.path(), head.query()), (&b"PUT"[..], &b"/a/b"[..], Some(&b"c=d&e"[..])));
    assert_eq!((head.host(), head.version()), (&b"x.example:8080"[..], Version::Http11));
    assert_eq!(head.framing(), BodyFraming::None);
    assert!(head.keeps_alive() && !head.expects_continue());
    let fields: Vec<_> = head.fields().iter().map(|field| (head.name(field), head.value(field))).collect();
    let want: [(&[u8], &[u8]); 4] =
        [(b"Host", b"x.example:8080"), (b"X-One", b"1"), (b"x-one", b"2"), (b"Empty", b"")];
    assert_eq!(fields, want);
    assert_eq!(head.find(b"X-ONE").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.find(b"absent").count(), 0);
    assert_eq!(head.first(KnownField::Host), Some(&b"x.example:8080"[..]));
    assert!(head.field_set().present().contains(KnownField::Host));
    assert_eq!(head.surplus(), b"body");
    assert!(head.bytes().ends_with(b"\r\n\r\n"));
}

#[test]
fn reuse() {
    let mut head = accept(b"GET /one?x HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: bb\r\n\r\nrest");
    assert_eq!(head.parse(&HeadLimits::default()), Ok(Some(32)), "parse is idempotent");
    head.advance();
    assert_eq!((head.method(), head.query(), head.fields().len()), (&b""[..], None, 0));
    assert!(head.parse(&HeadLimits::default()).unwrap().is_some());
    assert_eq!((head.path(), head.query(), head.host()), (&b"/two"[..], None, &b"bb"[..]));
    head.drop_surplus();
    assert_eq!(head.surplus(), b"");
    head.clear();
    assert_eq!(head.parse(&HeadLimits::default()), Ok(None));
}

#[test]
fn line_ends() {
    use HeadError::{BareLf, LeadingEmptyLines, LoneCr};
    accept(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    refuse(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", LeadingEmptyLines);
    refuse(b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareLf);
    refuse(b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareLf);
    refuse(b"GET / HTTP/1.1\nHost: a\r\n\r\n", BareLf);
    refuse(b"GET / HTTP/1.1\r\nHost: a\n\r\n", BareLf);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\n\n", BareLf);
    refuse(b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", BareLf);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\nX:\n\r\n", BareLf);
    refuse(b"GET / HTTP/1.1\n\n", BareLf);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", LoneCr);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", LoneCr);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", LoneCr);
    refuse(b"GET /\rHTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", LoneCr);
    refuse(b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", LoneCr);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", HeadError::ObsFold);
    refuse(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadError::ObsFold);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\n\tX: b\r\n\r\n", HeadError::ObsFold);
}

#[test]
fn incomplete() {
    let whole = b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n";
    for end in 0..whole.len() {
        assert!(parse(&whole[..end]).unwrap().is_none(), "{end}");
    }
    assert!(parse(whole).unwrap().is_some());
}

#[test]
fn request_lines() {
    use HeadError::{Connect, Method, RequestLine, TargetByte, VersionMalformed, VersionUnsupported};
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n").into_bytes();
    for (text, want) in [
        ("GET  / HTTP/1.1", RequestLine),
        ("GET /  HTTP/1.1", RequestLine),
        ("GET / HTTP/1.1 ", RequestLine),
        (" GET / HTTP/1.1", RequestLine),
        ("GET / HTTP/1.1 HTTP/1.1", RequestLine),
        ("GET / a HTTP/1.1", RequestLine),
        ("GET /", RequestLine),
        ("GET", RequestLine),
        ("GET ", RequestLine),
        ("GET / ", VersionMalformed),
        ("GET\t/\tHTTP/1.1", Method),
        ("GE(T / HTTP/1.1", Method),
        ("G\u{e9}T / HTTP/1.1", Method),
        ("GET\0 / HTTP/1.1", Method),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", Method),
        ("CONNECT a:443 HTTP/1.1", Connect),
        ("CONNECT / HTTP/1.1", Connect),
        ("GET / HTTP/2.0", VersionUnsupported),
        ("GET / HTTP/0.9", VersionUnsupported),
        ("GET / HTTP/1.2", VersionUnsupported),
        ("PRI * HTTP/2.0", VersionUnsupported),
        ("GET / HTTP/2", VersionMalformed),
        ("GET / HTTP/1.10", VersionMalformed),
        ("GET / HTTP/01.1", VersionMalformed),
        ("GET / http/1.1", VersionMalformed),
        ("GET / HTTP/1,1", VersionMalformed),
        ("GET / HTTPS/1.1", VersionMalformed),
        ("GET / HTTP /1.1", RequestLine),
        ("GET   HTTP/1.1", RequestLine),
        ("GET  HTTP/1.1 ", RequestLine),
        ("GET  HTTP/1.1 HTTP/1.1", RequestLine),
        ("  HTTP/1.1", RequestLine),
        (" GET  HTTP/1.1", RequestLine),
        ("GET HTTP/1.1", RequestLine),
        ("GET\u{a0} HTTP/1.1", Method),
        ("GET  ", VersionMalformed),
        ("GET  /", VersionMalformed),
        ("GET \t HTTP/1.1", TargetByte),
        ("GET  HTTP/1.10", VersionMalformed),
        ("GET  HTTP/2.0", VersionUnsupported),
        ("CONNECT  HTTP/1.1", Connect),
        ("GE(T  HTTP/1.1", Method),
    ] {
        refuse(&line(text), want);
    }
    assert_eq!(accept(&line("get / HTTP/1.1")).method(), b"get");
    assert_eq!(accept(&line("M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1")).method(), b"M-SEARCH!#$%&'*+.^_`|~");
    accept(&line("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1"));
}

#[track_caller]
fn check_target(target: &str, path: &str, query: Option<&str>) {
    let head = accept(&with_target(target));
    assert_eq!((head.path(), head.query()), (path.as_bytes(), query.map(str::as_bytes)), "{target}");
    assert_eq!(head.host(), b"a.example");
}

#[test]
fn targets() {
    use HeadError::{AuthorityMismatch, TargetByte, TargetForm};
    check_target("/", "/", None);
    check_target("/?", "/", Some(""));
    check_target("/a?b?c", "/a", Some("b?c"));
    check_target("//other.example/x", "//other.example/x", None);
    check_target("/../%2e%2e/%00", "/../%2e%2e/%00", None);
    check_target("/{id}|\"<>\\^`", "/{id}|\"<>\\^`", None);
    check_target("", "/", None);
    check_target("/a#b", "/a#b", None);
    check_target("/#?#", "/#", Some("#"));
    check_target("/a#?b", "/a#", Some("b"));
    check_target("/\u{e4}?\u{e4}#", "/\u{e4}", Some("\u{e4}#"));
    check_target("/\u{441}\u{442}\u{440}\u{430}\u{43d}\u{43d}\u{44b}\u{435}", "/странные", None);
    check_target("/a\u{a0}HTTP/1.1", "/a\u{a0}HTTP/1.1", None);
    check_target("http://a.example", "/", None);
    check_target("http://a.example?q", "/", Some("q"));
    check_target("HTTPS://A.EXAMPLE/p?q", "/p", Some("q"));
    for (target, want) in [
        ("#", TargetForm),
        ("#/", TargetForm),
        ("\u{e4}", TargetForm),
        ("\u{e4}/", TargetForm),
        ("/\x7f", TargetByte),
        ("/\u{e4}\x01", TargetByte),
        ("/#\x01", TargetByte),
        ("/\x01", TargetByte),
        ("/\0", TargetByte),
        ("/a\tb", TargetByte),
        ("\t/", TargetByte),
        ("*", TargetForm),
        ("a", TargetForm),
        ("?a", TargetForm),
        ("a.example:80", TargetForm),
        ("ftp://a.example/", TargetForm),
        ("http:/a.example/", TargetForm),
        ("http://b.example/", AuthorityMismatch),
        ("http://a.example:80/", AuthorityMismatch),
        ("http://user@a.example/", AuthorityMismatch),
        ("http:///path", AuthorityMismatch),
        ("http://a.example#", AuthorityMismatch),
        ("http://a.example#/p", AuthorityMismatch),
        ("http://\u{e4}/", AuthorityMismatch),
    ] {
        refuse(&with_target(target), want);
    }
    assert_eq!(accept(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path(), b"*");
    refuse(b"OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", TargetForm);
}

#[test]
fn hosts() {
    use HeadError::{HostInvalid, HostMissing, HostRepeated};
    for host in
        ["a", "a.b-c_d.example", "a:80", "a:", "127.0.0.1:1", "[::1]", "[fe80::1]:65535", "a.example."]
    {
        let head = accept(format!("GET / HTTP/1.1\r\nHost:{host}\r\n\r\n").as_bytes());
        assert_eq!(head.host(), host.as_bytes());
    }
    for host in [
        "", "a b", "a,b", "a, a", "a/b", "a?b", "a#b", "u@a", "a:b", "a:80:80", "a:123456", ":80", "[", "[]",
        "[::1", "[::1]x", "[g]", "a]", "a\\b", "\u{e4}", "a%20b", "http://a", "a;b", "\"a\"", "*", "a:-1",
        "a:+80",
    ] {
        refuse(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), HostInvalid);
    }
    refuse(b"GET / HTTP/1.1\r\n\r\n", HostMissing);
    refuse(b"GET http://a/ HTTP/1.1\r\n\r\n", HostMissing);
    refuse(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated);
    refuse(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", HostRepeated);
    refuse(b"GET http://a@b/ HTTP/1.0\r\n\r\n", HostInvalid);
    assert_eq!(accept(b"GET / HTTP/1.0\r\n\r\n").host(), b"");
    assert_eq!(accept(b"GET http://a/ HTTP/1.0\r\n\r\n").host(), b"a");
}

#[test]
fn field_lines() {
    use HeadError::{FieldName, FieldNameEmpty, FieldNameLookalike, FieldValue, SpaceBeforeColon};
    for (fields, want) in [
        (": a\r\n", FieldNameEmpty),
        ("no colon\r\n", FieldName),
        ("X\r\n", FieldName),
        ("X Y: a\r\n", FieldName),
        ("X\u{e9}: a\r\n", FieldName),
        ("\0X: a\r\n", FieldName),
        ("X\x7f: a\r\n", FieldName),
        ("(X): a\r\n", FieldName),
        ("\"X\": a\r\n", FieldName),
        ("X : a\r\n", SpaceBeforeColon),
        ("X\t: a\r\n", SpaceBeforeColon),
        ("Transfer-Encoding : chunked\r\n", SpaceBeforeColon),
        ("Content-Length\x0b: 1\r\n", FieldName),
        ("Transfer_Encoding: chunked\r\n", FieldNameLookalike),
        ("Content_Length: 3\r\n", FieldNameLookalike),
        ("contentlength: 3\r\n", FieldNameLookalike),
        ("Transfer--Encoding: chunked\r\n", FieldNameLookalike),
        ("~Content-Length: 3\r\n", FieldNameLookalike),
        ("X: a\0b\r\n", FieldValue),
        ("X: \x01\r\n", FieldValue),
        ("X: a\x7f\r\n", FieldValue),
        ("X: \x1b[0m\r\n", FieldValue),
        ("X: a\x0cb\r\n", FieldValue),
    ] {
        refuse(&with_fields(fields), want);
    }
    accept(&with_fields("X:\r\nY: \t \r\nZ: \u{e4}\ta b\r\nX-Content-Length: no\r\nX_Y: 1\r\n"));
}

/// httparse refuses a request line with such a target; what follows must be judged as behind any other.
#[test]
fn targets_that_we_read_ourselves() {
    use HeadError::{
        BareLf, FieldName, HostMissing, HostRepeated, LoneCr, ObsFold, SpaceBeforeColon, TooManyFields,
    };
    for target in [&b""[..], b"/\xff", b"/\xe4\xe4?\xc3", b"http://a?\x80"] {
        let with = |rest: &str| [b"PUT ", target, b" HTTP/1.1", rest.as_bytes()].concat();
        let head = accept(&with("\r\nHost: a\r\nX:\t1 \r\nContent-Length: 3\r\n\r\nbody"));
        assert_eq!((head.method(), head.host(), head.version()), (&b"PUT"[..], &b"a"[..], Version::Http11));
        assert_eq!((head.framing(), head.surplus()), (BodyFraming::Length(3), &b"body"[..]));
        assert_eq!((head.fields().len(), head.find(b"x").next()), (3, Some(&b"1"[..])));
        accept(&[b"\r\n", &with("\r\nHost: a\r\n\r\n")[..]].concat());
        refuse(&with("\nHost: a\r\n\r\n"), BareLf);
        refuse(&with("\r\nHost: a\n\r\n"), BareLf);
        refuse(&with("\r\nHost: a\r\n\n"), BareLf);
        refuse(&with("\r\r\nHost: a\r\n\r\n"), LoneCr);
        refuse(&with("\r\nHost: a\r\nX: b\rc\r\n\r\n"), LoneCr);
        refuse(&with("\r\n Host: a\r\n\r\n"), ObsFold);
        refuse(&with("\r\nHost : a\r\n\r\n"), SpaceBeforeColon);
        refuse(&with("\r\nHost: a\r\nX\r\n\r\n"), FieldName);
        refuse(&with("\r\n\r\n"), HostMissing);
        refuse(&with("\r\nHost: a\r\nHost: a\r\n\r\n"), HostRepeated);
        refuse(&with(&format!("\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(128))), TooManyFields);
    }
    let head = accept(b"GET /\xff?\xfe HTTP/1.0\r\n\r\n");
    assert_eq!(
        (head.path(), head.query(), head.version()),
        (&b"/\xff"[..], Some(&b"\xfe"[..]), Version::Http10)
    );
    assert_eq!(accept(b"OPTIONS  HTTP/1.1\r\nHost: a\r\n\r\n").path(), b"/");
}

/// httparse compares many bytes at a time: each byte must be judged alike wherever it stands.
#[test]
fn every_byte_everywhere() {
    for byte in (0..=255_u8).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        for at in [1, 2, 7, 15, 16, 31, 33, 63] {
            let at = |fill: u8| {
                let mut text = vec![fill; 70];
                text[at] = byte;
                text
            };
            let value = [&b"GET / HTTP/1.1\r\nHost: a\r\nX: "[..], &at(b'v'), b"\r\n\r\n"].concat();
            let is_value_byte = byte == b'\t' || !byte.is_ascii_control();
            assert_eq!(parse(&value).is_ok(), is_value_byte, "value {byte:#x}");

            let name = [&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], &at(b'n'), b": v\r\n\r\n"].concat();
            let is_name_byte = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte);
            assert_eq!(parse(&name).is_ok(), is_name_byte, "name {byte:#x}");

            let target = [&b"GET /"[..], &at(b't'), b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
            let is_target_byte = byte.is_ascii_graphic() || !byte.is_ascii();
            assert_eq!(parse(&target).is_ok(), is_target_byte, "target {byte:#x}");
        }
    }
}
