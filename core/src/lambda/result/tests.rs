use super::*;

type Want<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, bool);

#[track_caller]
fn check(payload: &str, want: Want<'_>) {
    let result = ProxyResult::read(payload.as_bytes()).unwrap_or_else(|_| panic!("malformed: {payload}"));
    let headers: Vec<_> = result.headers.iter().map(|header| (&*header.name, &*header.value)).collect();
    assert_eq!((result.status, &headers[..], &*result.body, result.is_base64_encoded), want, "{payload}");
}

/// Facts 123 to 131.
#[test]
fn what_is_taken() {
    check(r#"{"statusCode":200}"#, (200, &[], "", false));
    check("{}", (200, &[], "", false));
    check(" { } \n", (200, &[], "", false));
    check(r#"{"headers":{"a":"b"}}"#, (200, &[("a", "b")], "", false));
    check(r#"{"statusCode":"201","body":"x"}"#, (201, &[], "x", false));
    check(
        r#"{"statusCode":null,"body":null,"headers":null,"multiValueHeaders":null}"#,
        (200, &[], "", false),
    );
    check(
        r#"{"headers":{"a":true,"n":1,"f":1.5,"gone":null}}"#,
        (200, &[("a", "true"), ("n", "1"), ("f", "1.5")], "", false),
    );
    check(r#"{"body":"a\"\u00e9\n","isBase64Encoded":true}"#, (200, &[], "a\"é\n", true));
    check(r#"{"statusCode":201,"statusCode":202}"#, (202, &[], "", false));
}

/// Facts 129 and 130.
#[test]
fn headers_are_merged() {
    check(
        r#"{"multiValueHeaders":{"a":["1","2",3]}}"#,
        (200, &[("a", "1"), ("a", "2"), ("a", "3")], "", false),
    );
    check(
        r#"{"headers":{"test-multi":"3","x":"y"},"multiValueHeaders":{"tesT-Multi":["1","2"],"b":[]}}"#,
        (200, &[("tesT-Multi", "1"), ("tesT-Multi", "2"), ("tesT-Multi", "3"), ("x", "y")], "", false),
    );
    check(
        r#"{"headers":{"a":"2"},"multiValueHeaders":{"A":["1","2"]}}"#,
        (200, &[("A", "1"), ("A", "2")], "", false),
    );
}

#[test]
fn what_is_malformed() {
    for payload in [
        "",
        "null",
        r#""text""#,
        "[]",
        "1",
        "{",
        "{}x",
        r#"{"wrongValue":1}"#,
        r#"{"statusCode":200,"cookies":[]}"#,
        r#"{"statusCode":200,"base64Encoded":true}"#,
        r#"{"statusCode":"test"}"#,
        r#"{"statusCode":"200 "}"#,
        r#"{"statusCode":200.5}"#,
        r#"{"statusCode":-200}"#,
        r#"{"statusCode":{}}"#,
        r#"{"statusCode":100}"#,
        r#"{"statusCode":600}"#,
        r#"{"statusCode":70000}"#,
        r#"{"body":{"a":1}}"#,
        r#"{"body":1}"#,
        r#"{"body":true}"#,
        r#"{"headers":[]}"#,
        r#"{"headers":"a"}"#,
        r#"{"headers":{"a":["b"]}}"#,
        r#"{"headers":{"a":{}}}"#,
        r#"{"headers":{"a b":"c"}}"#,
        r#"{"headers":{"":"c"}}"#,
        r#"{"headers":{"a":"b\r\nc: d"}}"#,
        r#"{"headers":{"a\r\nb":"c"}}"#,
        r#"{"multiValueHeaders":{"a":"b"}}"#,
        r#"{"multiValueHeaders":{"a":null}}"#,
        r#"{"multiValueHeaders":{"a":[["b"]]}}"#,
        r#"{"multiValueHeaders":{"a":["\n"]}}"#,
        r#"{"isBase64Encoded":"true"}"#,
    ] {
        assert_eq!(ProxyResult::read(payload.as_bytes()).err(), Some(Malformed), "{payload}");
    }
    assert_eq!(ProxyResult::read(b"{\"body\":\"\xff\"}").err(), Some(Malformed));
}

#[test]
fn plain_texts_are_borrowed() {
    let result = ProxyResult::read(br#"{"headers":{"a":"b"},"body":"text"}"#).expect("an answer");
    assert!(matches!(result.body, Cow::Borrowed("text")));
    assert!(matches!(result.headers[0], Header { name: Cow::Borrowed("a"), value: Cow::Borrowed("b") }));
}

#[track_caller]
fn check_metadata(json: &str, want: Option<(u16, &[(&str, &str)])>) {
    let read = Metadata::read(json.as_bytes()).ok();
    let headers = |metadata: &Metadata<'_>| {
        let pair = |header: &Header<'_>| (header.name.to_string(), header.value.to_string());
        metadata.headers.iter().map(pair).collect::<Vec<_>>()
    };
    let read = read.as_ref().map(|metadata| (metadata.status, headers(metadata)));
    let want = want.map(|(status, headers)| {
        (status, headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    });
    assert_eq!(read, want, "{json}");
}

#[test]
fn metadata_of_streams() {
    check_metadata("{}", Some((200, &[])));
    check_metadata(r#"{"statusCode":"404"}"#, Some((404, &[])));
    check_metadata(
        r#"{"statusCode":201,"headers":{"a":"1","n":2},"multiValueHeaders":{"A":["0"]},"cookies":["x=1","y=2"]}"#,
        Some((201, &[("A", "0"), ("A", "1"), ("n", "2"), ("Set-Cookie", "x=1"), ("Set-Cookie", "y=2")])),
    );
    // As the crate `lambda_runtime` writes a header that has several values.
    check_metadata(
        r#"{"statusCode":200,"headers":{"a":["1","2"],"b":"3","c":null},"cookies":null}"#,
        Some((200, &[("a", "1"), ("a", "2"), ("b", "3")])),
    );
    for malformed in [
        "",
        "null",
        "[]",
        "{}{}",
        r#"{"body":"x"}"#,
        r#"{"isBase64Encoded":false}"#,
        r#"{"statusCode":100}"#,
        r#"{"statusCode":{}}"#,
        r#"{"headers":{"a":{}}}"#,
        r#"{"headers":{"a":[["b"]]}}"#,
        r#"{"headers":{"a":"b\r\nc: d"}}"#,
        r#"{"cookies":"a=b"}"#,
        r#"{"cookies":["a\nb"]}"#,
    ] {
        check_metadata(malformed, None);
    }
}
