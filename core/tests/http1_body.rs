//! Bodies: length, chunks, until close.

use tidegate_core::http1::{
    BodyDecoder, BodyError, BodyFraming, CHUNK_EXTENSION_BYTES_MAX, TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX,
    Trailers, encode,
};

/// How far a body was read: its content, what was left over, and whether it ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done { content: Vec<u8>, rest: Vec<u8> },
    Wants { content: Vec<u8> },
    Refused(BodyError),
}

fn decode(framing: BodyFraming, input: &[u8], piece: usize) -> Outcome {
    let mut decoder = BodyDecoder::new(framing);
    let mut content = Vec::new();
    let mut at = 0;
    while at < input.len() && !decoder.is_done() {
        let part = &input[at..input.len().min(at + piece)];
        match decoder.decode(part) {
            Ok(decoded) => {
                assert!(decoded.content.end <= decoded.consumed && decoded.consumed <= part.len());
                assert!(decoded.consumed > 0, "no progress");
                content.extend_from_slice(&part[decoded.content]);
                at += decoded.consumed;
            }
            Err(error) => return Outcome::Refused(error),
        }
    }
    match decoder.is_done() {
        true => Outcome::Done { content, rest: input[at..].to_vec() },
        false => Outcome::Wants { content },
    }
}

/// Whole and in pieces of every small size.
#[track_caller]
fn check_framed(framing: BodyFraming, input: &[u8], want: &Outcome) {
    for piece in [usize::MAX / 2, 1, 2, 3, 7] {
        assert_eq!(&decode(framing, input, piece), want, "{} by {piece}", input.escape_ascii());
    }
}

#[track_caller]
fn content(input: &str, content: &str, rest: &str) {
    let want = Outcome::Done { content: content.into(), rest: rest.into() };
    check_framed(BodyFraming::Chunked, input.as_bytes(), &want);
}

#[track_caller]
fn wants(input: &str, content: &str) {
    check_framed(BodyFraming::Chunked, input.as_bytes(), &Outcome::Wants { content: content.into() });
}

#[track_caller]
fn refused(input: &str, want: BodyError) {
    check_framed(BodyFraming::Chunked, input.as_bytes(), &Outcome::Refused(want));
}

#[test]
fn chunks() {
    content("0\r\n\r\n", "", "");
    content("0\r\n\r\nGET", "", "GET");
    content("5\r\nhello\r\n0\r\n\r\n", "hello", "");
    content("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nX", "hello world", "X");
    content("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "");
    content("A\r\n01234\r\n789\r\n0\r\n\r\n", "01234\r\n789", "");
    content("0000000000000001\r\nx\r\n0000\r\n\r\n", "x", "");
    content("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", "");
    wants("", "");
    wants("5", "");
    wants("5\r\nhel", "hel");
    wants("5\r\nhello", "hello");
    wants("5\r\nhello\r\n", "hello");
    wants("0\r\n", "");
    wants("0\r\n\r", "");
    wants("ffffffffffffffff\r\nx", "x");
}

#[test]
fn chunk_sizes() {
    for size in [
        "",
        " 5",
        "5 ",
        "\t5",
        "-5",
        "+5",
        "0x5",
        "5g",
        "g",
        "5.",
        "5,5",
        "\"5\"",
        "\0",
        "00000000000000001",
        "fffffffffffffffff",
        "10000000000000000",
        "\u{665}",
        "5\x0b",
        "_",
    ] {
        refused(&format!("{size}\r\nhello\r\n0\r\n\r\n"), BodyError::ChunkSize);
    }
}

#[test]
fn chunk_line_ends() {
    refused("5\nhello\r\n0\r\n\r\n", BodyError::ChunkLineEnd);
    refused("\n5\r\nhello", BodyError::ChunkLineEnd);
    refused("5\rhello", BodyError::ChunkLineEnd);
    refused("5\r\rhello", BodyError::ChunkLineEnd);
    refused("5\r\nhello0\r\n\r\n", BodyError::ChunkDataEnd);
    refused("5\r\nhello\n0\r\n\r\n", BodyError::ChunkDataEnd);
    refused("5\r\nhello!\r\n0\r\n\r\n", BodyError::ChunkDataEnd);
    refused("5\r\nhello\rX0\r\n\r\n", BodyError::ChunkLineEnd);
    refused("5\r\nhello\r\n\r\n0\r\n\r\n", BodyError::ChunkSize);
    refused("0\n\r\n", BodyError::ChunkLineEnd);
    refused("0\r\n\n", BodyError::ChunkLineEnd);
    refused("0\r\n\rX", BodyError::ChunkLineEnd);
}

#[test]
fn extensions() {
    content("1;a\r\nx\r\n0\r\n\r\n", "x", "");
    content("1;a=b\r\nx\r\n0;c\r\n\r\n", "x", "");
    content("1;a=\"b; \\\" \t\u{e4}\";c=d\r\nx\r\n0\r\n\r\n", "x", "");
    content("1;a=\"\"\r\nx\r\n0\r\n\r\n", "x", "");
    for extension in [
        ";",
        ";=b",
        ";a=",
        ";a;",
        "; a",
        ";a =b",
        ";a= b",
        ";a=b ",
        " ;a",
        ";a=b c",
        ";a=\"b\"c",
        ";a\0",
        ";a=\"\x01\"",
        ";a=\"b\\\x01\"",
        ";\u{e4}",
        ";a=(b)",
        ";a=b=c",
    ] {
        // A line that ends where a name or value must follow is named by its end.
        let want = match extension {
            ";" | ";a=" | ";a;" => BodyError::ChunkLineEnd,
            " ;a" => BodyError::ChunkSize,
            _ => BodyError::ChunkExtension,
        };
        refused(&format!("1{extension}\r\nx\r\n0\r\n\r\n"), want);
    }
    refused("1;a\nx\r\n0\r\n\r\n", BodyError::ChunkLineEnd);
    refused("1;a\rx", BodyError::ChunkLineEnd);
    refused("1;a=\"\n\"\r\nx", BodyError::ChunkLineEnd);
    refused("1;a=\"\r\n\"\r\nx", BodyError::ChunkLineEnd);
}

#[test]
fn extensions_are_limited_together() {
    let chunk = format!("1;{}\r\nx\r\n", "a".repeat(1023));
    let four = chunk.repeat(CHUNK_EXTENSION_BYTES_MAX / 1024);
    content(&format!("{four}0\r\n\r\n"), "xxxx", "");
    refused(&format!("{four}0;a\r\n\r\n"), BodyError::ChunkExtensionsTooLong);
    refused(&format!("1;{}", "a".repeat(CHUNK_EXTENSION_BYTES_MAX)), BodyError::ChunkExtensionsTooLong);
}

#[test]
fn trailers() {
    content("1\r\nx\r\n0\r\nA: b\r\n\r\nrest", "x", "rest");
    content("0\r\nA:\r\nB: \t c\u{e4} \r\n\r\n", "", "");
    content("0\r\nContent-Length: 5\r\n\r\nhello", "", "hello");
    wants("0\r\nA: b\r\n", "");
    refused("0\r\n: b\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA : b\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA: b\r\n c\r\n\r\n", BodyError::Trailer);
    refused("0\r\n A: b\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA: b\0\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA(: b\r\n\r\n", BodyError::Trailer);
    refused("0\r\nGET / HTTP/1.1\r\n\r\n", BodyError::Trailer);
    refused("0\r\nA: b\nB: c\r\n\r\n", BodyError::ChunkLineEnd);
    refused("0\r\nA: b\rc\r\n\r\n", BodyError::ChunkLineEnd);
    let fits = "a".repeat(TRAILER_BYTES_MAX - "A:\r\n".len());
    content(&format!("0\r\nA:{fits}\r\n\r\n"), "", "");
    refused(&format!("0\r\nA:{fits}a\r\n\r\n"), BodyError::TrailersTooLong);
}

/// The trailers of a chunked body, in one piece and byte by byte, and again what they are when written anew.
#[track_caller]
fn check_trailers(section: &str, want: &[(&str, &str)]) {
    let body = format!("1\r\nx\r\n0\r\n{section}\r\n");
    let read = |body: &[u8], size: usize| {
        let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
        for mut piece in body.chunks(size) {
            while !piece.is_empty() {
                let decoded = decoder.decode(piece).expect("a body");
                piece = &piece[decoded.consumed..];
            }
        }
        assert!(decoder.is_done());
        let trailers = decoder.take_trailers();
        assert!(decoder.trailers().is_empty(), "they are taken once");
        trailers
    };
    let as_text = |trailers: &Trailers| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        trailers.fields().map(|(name, value)| (text(name), text(value))).collect::<Vec<_>>()
    };
    let want: Vec<(String, String)> = want.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let trailers = read(body.as_bytes(), body.len());
    assert_eq!(as_text(&trailers), want, "{section:?}");
    assert_eq!(trailers, read(body.as_bytes(), 1), "{section:?}");
    assert_eq!(as_text(&read(&trailers.last_chunk(), 3)), want, "{section:?}");
    assert_eq!(trailers.is_empty(), want.is_empty());
}

#[test]
fn an_error_is_final() {
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    assert_eq!(decoder.decode(b"0\r\nX\r\n"), Err(BodyError::Trailer));
    assert_eq!(decoder.decode(b": y\r\n\r\n"), Err(BodyError::Trailer));
    assert_eq!((decoder.error(), decoder.is_done()), (Some(BodyError::Trailer), false));
    assert_eq!(decoder.finish_at_close(), Err(BodyError::Trailer));
    assert!(decoder.trailers().is_empty());
}

#[test]
fn trailers_are_kept() {
    check_trailers("", &[]);
    check_trailers("A: b\r\n", &[("A", "b")]);
    check_trailers("A:b:c\r\nA: \t\u{e4} d\t \r\na:\r\n", &[("A", "b:c"), ("A", "\u{e4} d"), ("a", "")]);
    let most: Vec<(&str, &str)> = vec![("x", "y"); TRAILER_FIELDS_MAX];
    check_trailers(&"x: y\r\n".repeat(TRAILER_FIELDS_MAX), &most);
    refused(&format!("0\r\n{}\r\n", "x: y\r\n".repeat(TRAILER_FIELDS_MAX + 1)), BodyError::TrailersTooLong);
}

#[test]
fn trailers_that_come_as_fields() {
    let mut trailers = Trailers::default();
    assert_eq!(trailers.last_chunk(), encode::LAST_CHUNK);
    for (name, value, want) in [
        ("x-a", "1", Ok(())),
        ("", "1", Err(BodyError::Trailer)),
        (":path", "/", Err(BodyError::Trailer)),
        ("x a", "1", Err(BodyError::Trailer)),
        ("x:a", "1", Err(BodyError::Trailer)),
        ("x", "a\r\nb: c", Err(BodyError::Trailer)),
        ("x", "a\0", Err(BodyError::Trailer)),
        ("X-A", " 2 ", Ok(())),
    ] {
        assert_eq!(trailers.push(name.as_bytes(), value.as_bytes()), want, "{name}: {value}");
    }
    assert_eq!(trailers.last_chunk(), b"0\r\nx-a: 1\r\nX-A: 2\r\n\r\n");
    assert_eq!(trailers.find(b"x-A"), Some(&b"1"[..]));
    assert_eq!(trailers.find(b"x"), None);
    assert_eq!(trailers.only(|name| name == b"X-A").last_chunk(), b"0\r\nX-A: 2\r\n\r\n");
    assert!(trailers.only(|_| false).is_empty());
    let fits = "y".repeat(TRAILER_BYTES_MAX - "x: \r\n".len());
    assert_eq!(Trailers::default().push(b"x", fits.as_bytes()), Ok(()));
    assert_eq!(trailers.push(b"x", fits.as_bytes()), Err(BodyError::TrailersTooLong));
    let mut many = Trailers::default();
    let pushed = (0..100).take_while(|_| many.push(b"x", b"y").is_ok()).count();
    assert_eq!(pushed, TRAILER_FIELDS_MAX);
}

#[test]
fn lengths() {
    let done = |content: &str, rest: &str| Outcome::Done { content: content.into(), rest: rest.into() };
    check_framed(BodyFraming::None, b"rest", &done("", "rest"));
    check_framed(BodyFraming::Length(0), b"rest", &done("", "rest"));
    check_framed(BodyFraming::Length(5), b"hello", &done("hello", ""));
    check_framed(BodyFraming::Length(5), b"hello rest", &done("hello", " rest"));
    check_framed(BodyFraming::Length(5), b"hell", &Outcome::Wants { content: b"hell".into() });
    check_framed(BodyFraming::Length(u64::MAX), b"x", &Outcome::Wants { content: b"x".into() });
    check_framed(BodyFraming::UntilClose, b"hello", &Outcome::Wants { content: b"hello".into() });
}

#[track_caller]
fn check_close(framing: BodyFraming, input: &[u8], remaining: Option<u64>, want: Result<(), BodyError>) {
    let mut decoder = BodyDecoder::new(framing);
    let mut at = 0;
    while at < input.len() {
        at += decoder.decode(&input[at..]).unwrap().consumed;
    }
    assert_eq!(decoder.remaining_length(), remaining);
    assert_eq!(decoder.finish_at_close(), want);
    assert_eq!(decoder.is_done(), want.is_ok());
}

#[test]
fn close() {
    let truncated = Err(BodyError::Truncated);
    check_close(BodyFraming::None, b"", Some(0), Ok(()));
    check_close(BodyFraming::Length(3), b"abc", Some(0), Ok(()));
    check_close(BodyFraming::Length(3), b"ab", Some(1), truncated);
    check_close(BodyFraming::Chunked, b"0\r\n\r\n", Some(0), Ok(()));
    check_close(BodyFraming::Chunked, b"0\r\n\r", None, truncated);
    check_close(BodyFraming::Chunked, b"", None, truncated);
    check_close(BodyFraming::UntilClose, b"abc", None, Ok(()));
    check_close(BodyFraming::UntilClose, b"", None, Ok(()));
}

#[test]
fn encoded_chunks_are_decoded() {
    let mut bytes = Vec::new();
    for length in [1, 15, 16, 4095, 70_000] {
        encode::chunk_head(length, &mut bytes);
        bytes.extend(std::iter::repeat_n(b'x', length));
        bytes.extend_from_slice(encode::CHUNK_END);
    }
    bytes.extend_from_slice(encode::LAST_CHUNK);
    let want = Outcome::Done { content: vec![b'x'; 1 + 15 + 16 + 4095 + 70_000], rest: Vec::new() };
    check_framed(BodyFraming::Chunked, &bytes, &want);
}

#[test]
fn statuses() {
    assert_eq!((BodyError::Truncated.status(), BodyError::TrailersTooLong.status()), (400, 431));
    assert_eq!(BodyError::ChunkSize.to_string(), "invalid chunk size");
}
