//! What must hold of any bytes, in any pieces.

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};
use tidegate_core::http1::{
    BodyDecoder, BodyError, BodyFraming, HeadError, HeadLimits, KnownField, RequestHead, ResponseHead,
};

/// All that a request head says, as owned values.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    length: usize,
    line: Vec<Vec<u8>>,
    framing: BodyFraming,
    keeps_alive: bool,
    fields: Vec<(Vec<u8>, Vec<u8>, KnownField)>,
}

fn said(head: &RequestHead, length: usize) -> Said {
    Said {
        length,
        line: [head.method(), head.path(), head.query().unwrap_or(b"none"), head.host()]
            .map(<[u8]>::to_vec)
            .into(),
        framing: head.framing(),
        keeps_alive: head.keeps_alive(),
        fields: (head.fields().iter())
            .map(|field| (head.name(field).to_vec(), head.value(field).to_vec(), field.known))
            .collect(),
    }
}

/// Feeds `bytes` cut at `cuts`; stops at the first verdict.
fn parse_request(bytes: &[u8], cuts: &[usize]) -> Result<Option<Said>, HeadError> {
    let mut head = RequestHead::new();
    for piece in pieces(bytes, cuts) {
        head.buffer_mut().extend_from_slice(piece);
        if let Some(length) = head.parse(&HeadLimits::default())? {
            return Ok(Some(said(&head, length)));
        }
    }
    Ok(None)
}

fn parse_response(
    bytes: &[u8],
    cuts: &[usize],
) -> Result<Option<(usize, u16, BodyFraming, bool)>, HeadError> {
    let mut head = ResponseHead::new();
    for piece in pieces(bytes, cuts) {
        head.buffer_mut().extend_from_slice(piece);
        if let Some(length) = head.parse(&HeadLimits::default(), false)? {
            return Ok(Some((length, head.status(), head.framing(), head.keeps_alive())));
        }
    }
    Ok(None)
}

fn decode(bytes: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, usize, bool), BodyError> {
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    let (mut content, mut total) = (Vec::new(), 0);
    for mut piece in pieces(bytes, cuts) {
        while !piece.is_empty() && !decoder.is_done() {
            let decoded = decoder.decode(piece)?;
            assert!(0 < decoded.consumed && decoded.consumed <= piece.len());
            assert!(decoded.content.start <= decoded.content.end && decoded.content.end <= decoded.consumed);
            content.extend_from_slice(&piece[decoded.content]);
            total += decoded.consumed;
            piece = &piece[decoded.consumed..];
        }
    }
    Ok((content, total, decoder.is_done()))
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(move |end| &bytes[std::mem::replace(&mut start, end)..end])
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just((0..4096).collect()), prop::collection::vec(any::<usize>(), 0..6)]
}

/// Text made of the parts that matter, good ones more often than bad ones.
fn text(parts: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(parts), 0..most).prop_map(|parts| parts.concat().into_bytes())
}

const FIELD_PARTS: &[&str] = &[
    "Host: a\r\n",
    "X: y\r\n",
    "X:y \t\r\n",
    "Empty:\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip;\r\n",
    "Connection: close\r\n",
    "X: y\n",
    "X: y\r",
    " fold\r\n",
    "X : y\r\n",
    ": y\r\n",
    "\r\n",
    "\n",
    "\r",
    "\0",
    "Accept-Language: en-US,en;q=0.9, and as much again to fill a vector register\r\n",
    "body",
];
const REQUEST_LINES: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "POST /p?q HTTP/1.1\r\nHost: a\r\n",
    "GET http://a/ HTTP/1.0\r\n",
    "GET  HTTP/1.1\r\nHost: a\r\n",
    "GET /\u{e4}#?\u{e4} HTTP/1.1\r\nHost: a\r\n",
    "\r\n",
    "GET / HTTP/1.1\nHost: a\r\n",
    "GET / HTTP/1.1\r\n",
];
const STATUS_LINES: &[&str] =
    &["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404\r\n", "HTTP/1.1 204 \r\n", "HTTP/1.1 200 OK\n", "\r\n"];
const CHUNK_PARTS: &[&str] = &[
    "0\r\n\r\n",
    "1\r\nx\r\n",
    "a\r\n0123456789\r\n",
    "3;a=\"b\"\r\nxyz\r\n",
    "0\r\nA: b\r\n\r\n",
    "\r\n",
    "\n",
    "\r",
    "5",
    "x",
    ";a=b",
    "F",
];

fn message(lines: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (text(lines, 3), text(FIELD_PARTS, 8), any::<bool>()).prop_map(|(line, fields, ends)| {
        [line, fields, if ends { b"\r\n".to_vec() } else { Vec::new() }].concat()
    })
}

proptest! {
    /// Accepted in one piece exactly if accepted in several, and read the same.
    #[test]
    fn requests_do_not_depend_on_pieces(bytes in message(REQUEST_LINES), cuts in cuts()) {
        let whole = parse_request(&bytes, &[]);
        let cut = parse_request(&bytes, &cuts);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn responses_do_not_depend_on_pieces(bytes in message(STATUS_LINES), cuts in cuts()) {
        prop_assert_eq!(parse_response(&bytes, &[]), parse_response(&bytes, &cuts));
    }

    #[test]
    fn chunked_bodies_do_not_depend_on_pieces(bytes in text(CHUNK_PARTS, 8), cuts in cuts()) {
        prop_assert_eq!(decode(&bytes, &[]), decode(&bytes, &cuts));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in cuts()) {
        if let Ok(Some(said)) = parse_request(&bytes, &cuts) {
            prop_assert!(said.length <= bytes.len());
        }
        if let Ok(Some((length, ..))) = parse_response(&bytes, &cuts) {
            prop_assert!(length <= bytes.len());
        }
        if let Ok((content, consumed, _)) = decode(&bytes, &cuts) {
            prop_assert!(content.len() <= consumed && consumed <= bytes.len());
        }
    }

    /// Any target, also one that we read without httparse.
    #[test]
    fn targets_do_not_depend_on_pieces(target in prop::collection::vec(any::<u8>(), 0..20), cuts in cuts()) {
        let bytes = [b"GET ", &target[..], b" HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"].concat();
        prop_assert_eq!(parse_request(&bytes, &[]), parse_request(&bytes, &cuts));
        let rooted = [b"GET /", &target[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        let is_valid = target.iter().all(|&byte| byte.is_ascii_graphic() || !byte.is_ascii());
        prop_assert_eq!(matches!(parse_request(&rooted, &cuts), Ok(Some(_))), is_valid);
    }

    /// One changed byte in a good request: still no panic, and an accepted head never has a bare line feed.
    #[test]
    fn changed_requests(at in 0..80_usize, byte in any::<u8>()) {
        let mut bytes = b"POST /a?b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 12\r\nX-Other: value\r\n\r\n".to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(Some(said)) = parse_request(&bytes, &[]) {
            let head = &bytes[..said.length];
            prop_assert!((1..head.len()).all(|index| head[index] != b'\n' || head[index - 1] == b'\r'));
        }
        prop_assert_eq!(parse_request(&bytes, &[]), parse_request(&bytes, &(0..bytes.len()).collect::<Vec<_>>()));
    }

    #[test]
    fn length_bodies_take_exactly_their_length(length in 0..500_u64, input in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut decoder = BodyDecoder::new(BodyFraming::Length(length));
        let decoded = decoder.decode(&input).unwrap();
        prop_assert_eq!(decoded.consumed as u64, length.min(input.len() as u64));
        prop_assert_eq!(decoder.remaining_length(), Some(length - decoded.consumed as u64));
    }
}
