//! Heads of HTTP/2: what they are as heads of HTTP/1.1, and what is refused.

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};
use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, RequestHead, Version};
use tidegate_core::http2::answer::AnswerHead;
use tidegate_core::http2::request::{Pseudo, read};

type Fields<'a> = &'a [(&'a [u8], &'a [u8])];

const GET: Pseudo<'static> =
    Pseudo { method: b"GET", scheme: Some(b"https"), authority: Some(b"a.example"), path: b"/x?y" };

fn head(
    pseudo: &Pseudo<'_>,
    fields: Fields<'_>,
    has_body: bool,
    limits: &HeadLimits,
) -> Result<RequestHead, HeadError> {
    let mut head = RequestHead::new();
    read(pseudo, || fields.iter().copied(), has_body, limits, &mut head).map(|()| head)
}

/// Expects the text of HTTP/1.1 without its empty line.
#[track_caller]
fn check(pseudo: &Pseudo<'_>, fields: Fields<'_>, has_body: bool, want: &str, framing: BodyFraming) {
    let head = head(pseudo, fields, has_body, &HeadLimits::default()).expect("a head");
    assert_eq!(head.bytes().escape_ascii().to_string(), format!("{want}\r\n").escape_default().to_string());
    assert_eq!((head.framing(), head.version(), head.keeps_alive()), (framing, Version::Http2, true));
}

#[track_caller]
fn check_refused(pseudo: &Pseudo<'_>, fields: Fields<'_>, want: HeadError) {
    let refused = head(pseudo, fields, false, &HeadLimits::default()).map(|head| head.bytes().to_vec());
    assert_eq!(refused, Err(want), "{pseudo:?} {fields:?}");
}

#[test]
fn heads_are_written_as_http1_has_them() {
    use BodyFraming::{Chunked, Length, None as Nothing};
    let line = "GET /x?y HTTP/1.1\r\nHost: a.example\r\n";
    check(&GET, &[], false, line, Nothing);
    check(&GET, &[], true, line, Chunked);
    check(&GET, &[(b"content-length", b"5")], true, &format!("{line}content-length: 5\r\n"), Length(5));
    check(&GET, &[(b"content-length", b"0")], false, &format!("{line}content-length: 0\r\n"), Length(0));
    check(&GET, &[(b"user-agent", b"curl")], false, &format!("{line}User-Agent: curl\r\n"), Nothing);
    check(&GET, &[(b"host", b"A.example")], false, line, Nothing);
    check(&GET, &[(b"te", b"trailers")], false, &format!("{line}te: trailers\r\n"), Nothing);
    check(&GET, &[(b"x", b"")], false, &format!("{line}x: \r\n"), Nothing);
    let cookies: Fields<'_> = &[(b"cookie", b"a=b"), (b"x", b"1"), (b"cookie", b"c=d"), (b"cookie", b"e")];
    check(&GET, cookies, false, &format!("{line}cookie: a=b; c=d; e\r\nx: 1\r\n"), Nothing);
    let named = Pseudo { authority: None, ..GET };
    check(
        &named,
        &[(b"x", b"1"), (b"host", b"b")],
        false,
        "GET /x?y HTTP/1.1\r\nHost: b\r\nx: 1\r\n",
        Nothing,
    );
    let options = Pseudo { method: b"OPTIONS", path: b"*", scheme: None, ..GET };
    check(&options, &[], false, "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n", Nothing);
}

#[test]
fn parts_are_where_they_are_looked_for() {
    let head = head(&GET, &[(b"expect", b"100-continue"), (b"x-a", b"1")], true, &HeadLimits::default());
    let head = head.expect("a head");
    assert_eq!((head.method(), head.path(), head.query()), (&b"GET"[..], &b"/x"[..], Some(&b"y"[..])));
    assert_eq!((head.host(), head.expects_continue()), (&b"a.example"[..], true));
    assert_eq!(head.find(b"X-A").collect::<Vec<_>>(), [b"1"]);
    assert_eq!(head.transfer_codings().count(), 0);
}

#[test]
fn what_is_refused() {
    use HeadError as E;
    for name in [&b"connection"[..], b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"] {
        check_refused(&GET, &[(name, b"x")], E::ConnectionField);
    }
    for (field, want) in [
        ((&b"te"[..], &b"gzip"[..]), E::ConnectionField),
        ((b"X", b"1"), E::FieldName),
        ((b"", b"1"), E::FieldNameEmpty),
        ((b"a b", b"1"), E::FieldName),
        ((b"a:", b"1"), E::FieldName),
        ((b":path", b"/"), E::FieldName),
        ((b"a\r\nb", b"1"), E::FieldName),
        ((b"a", b"1\r\nb: 2"), E::FieldValue),
        ((b"a", b"1\0"), E::FieldValue),
        ((b"a", b" 1"), E::FieldValue),
        ((b"a", b"1\t"), E::FieldValue),
        ((b"cookie", b"a\n"), E::FieldValue),
        ((b"content-length", b"1"), E::ContentLength),
        ((b"content-length", b"+0"), E::ContentLength),
        ((b"content_length", b"0"), E::FieldNameLookalike),
        ((b"transfer-encoding_", b"0"), E::FieldNameLookalike),
        ((b"host", b"b.example"), E::AuthorityMismatch),
    ] {
        check_refused(&GET, &[field], want);
    }
    check_refused(&GET, &[(b"host", b"a.example"), (b"host", b"a.example")], E::HostRepeated);
    check_refused(&GET, &[(b"content-length", b"0"), (b"content-length", b"0")], E::ContentLengthRepeated);
    for (pseudo, want) in [
        (Pseudo { authority: None, ..GET }, E::HostMissing),
        (Pseudo { authority: Some(b""), ..GET }, E::HostInvalid),
        (Pseudo { authority: Some(b"u@a"), ..GET }, E::HostInvalid),
        (Pseudo { authority: Some(b"a, b"), ..GET }, E::HostInvalid),
        (Pseudo { scheme: Some(b"ftp"), ..GET }, E::Scheme),
        (Pseudo { path: b"", ..GET }, E::TargetForm),
        (Pseudo { path: b"x", ..GET }, E::TargetForm),
        (Pseudo { path: b"*", ..GET }, E::TargetForm),
        (Pseudo { path: b"http://a.example/x", ..GET }, E::TargetForm),
        (Pseudo { path: b"/a b", ..GET }, E::TargetByte),
        (Pseudo { path: b"/ HTTP/1.1\r\nx: y", ..GET }, E::TargetByte),
        (Pseudo { method: b"", ..GET }, E::Method),
        (Pseudo { method: b"GET /y", ..GET }, E::Method),
        (Pseudo { method: b"CONNECT", path: b"", ..GET }, E::Connect),
    ] {
        check_refused(&pseudo, &[], want);
    }
}

#[test]
fn limits() {
    let limits = HeadLimits { fields_bytes_max: 40, target_bytes_max: 4, fields_max: 3 };
    let refused = |pseudo: &Pseudo<'_>, fields: Fields<'_>| head(pseudo, fields, false, &limits).err();
    let field: (&[u8], &[u8]) = (b"a", b"1");
    assert_eq!(refused(&GET, &[field, field]), None);
    assert_eq!(refused(&GET, &[field, field, field]), Some(HeadError::TooManyFields));
    assert_eq!(refused(&GET, &[(b"a", &[b'x'; 18])]), None);
    assert_eq!(refused(&GET, &[(b"a", &[b'x'; 19])]), Some(HeadError::FieldsTooLarge));
    assert_eq!(refused(&Pseudo { path: b"/x?yz", ..GET }, &[]), Some(HeadError::TargetTooLong));
}

#[test]
fn answers() {
    let out = b"HTTP/1.1 404 Not Found\r\nDate: x\r\nConnection: close\r\nX-A:  b c \r\nTransfer-Encoding: chunked\r\n\
        te: trailers\r\nSet-Cookie: a\r\nSet-Cookie: b:c\r\nX-Empty: \r\n\r\nbody\r\n\r\n";
    let head = AnswerHead::read(out).expect("a head");
    assert_eq!((head.status, &out[head.bytes..]), (404, &b"body\r\n\r\n"[..]));
    let want: [(&[u8], &[u8]); 5] = [
        (b"Date", b"x"),
        (b"X-A", b"b c"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b:c"),
        (b"X-Empty", b""),
    ];
    assert_eq!(head.fields().collect::<Vec<_>>(), want);
    for none in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"] {
        assert!(AnswerHead::read(none).is_none(), "{}", none.escape_ascii());
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"a".to_vec()),
        Just(b"/".to_vec()),
        Just(b"?".to_vec()),
        Just(b" ".to_vec()),
        Just(b":".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"content-length".to_vec()),
        Just(b"transfer-encoding".to_vec()),
        Just(b"cookie".to_vec()),
        Just(b"host".to_vec()),
        Just(b"a.example".to_vec()),
        Just(b"1".to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever is accepted is, as text, a head of HTTP/1.1 that says the same: no part of it can smuggle another one.
    #[test]
    fn what_is_written_is_read_as_the_same(
        method in prop_oneof![Just(b"POST".to_vec()), bytes()],
        path in bytes().prop_map(|path| [b"/", &path[..]].concat()),
        authority in prop_oneof![Just(Some(b"a.example".to_vec())), prop::option::of(bytes())],
        fields in prop::collection::vec((bytes(), bytes()), 0..6),
        has_body in any::<bool>(),
    ) {
        let pseudo = Pseudo { method: &method, scheme: None, authority: authority.as_deref(), path: &path };
        let fields: Vec<(&[u8], &[u8])> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        if let Ok(head) = head(&pseudo, &fields, has_body, &HeadLimits::default()) {
            let mut again = RequestHead::new();
            again.buffer_mut().extend_from_slice(head.bytes());
            prop_assert_eq!(again.parse(&HeadLimits::default()), Ok(Some(head.bytes().len())));
            prop_assert_eq!(again.method(), head.method());
            prop_assert_eq!((again.path(), again.query(), again.host()), (head.path(), head.query(), head.host()));
            prop_assert_eq!(again.fields(), head.fields());
            match head.framing() {
                BodyFraming::Chunked => prop_assert!(has_body && again.framing() == BodyFraming::None),
                framing => prop_assert_eq!(again.framing(), framing),
            }
        }
    }
}
