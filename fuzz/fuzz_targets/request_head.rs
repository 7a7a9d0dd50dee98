//! Request heads: read the same in any pieces, and read again as what they were read as.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, RequestHead, Version};
use tidegate_fuzz::pieces;

/// Small ones, so that they are reached.
const SMALL: HeadLimits = HeadLimits { fields_bytes_max: 128, target_bytes_max: 32, fields_max: 4 };

fuzz_target!(|bytes: &[u8]| {
    for limits in [HeadLimits::default(), SMALL] {
        let whole = parse([bytes].into_iter(), &limits);
        let cut = parse(pieces(bytes), &limits);
        assert_eq!(outcome(&whole), outcome(&cut), "read differently in pieces");
        if let Ok(Some(head)) = whole {
            check_accepted(&head, bytes, &limits);
        }
    }
});

/// Feeds the pieces until there is a verdict.
fn parse<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &HeadLimits,
) -> Result<Option<RequestHead>, HeadError> {
    let mut head = RequestHead::new();
    for piece in pieces {
        head.buffer_mut().extend_from_slice(piece);
        if head.parse(limits)?.is_some() {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// Which of several reasons to refuse a head is found first may depend on how much of it is there.
fn outcome(parsed: &Result<Option<RequestHead>, HeadError>) -> Result<Option<(Said<'_>, &[u8])>, Refused> {
    match parsed {
        Ok(head) => Ok(head.as_ref().map(|head| (said(head), head.bytes()))),
        Err(_) => Err(Refused),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Refused;

fn check_accepted(head: &RequestHead, received: &[u8], limits: &HeadLimits) {
    let bytes = head.bytes();
    assert_eq!([bytes, head.surplus()].concat(), received, "bytes lost");
    assert!(bytes.ends_with(b"\r\n\r\n"));
    assert!((1..bytes.len()).all(|at| bytes[at] != b'\n' || bytes[at - 1] == b'\r'), "a bare line feed");
    assert_ne!(head.framing(), BodyFraming::UntilClose);
    assert!(!head.path().is_empty() && !head.path().contains(&b' '));
    assert!(
        head.path().len() + head.query().map_or(0, |query| query.len() + 1) <= limits.target_bytes_max.max(1)
    );
    assert!(head.fields().len() <= limits.fields_max);
    assert!(head.version() == Version::Http10 || !head.host().is_empty(), "HTTP/1.1 without host");
    let again = parse([bytes].into_iter(), limits);
    assert_eq!(outcome(&again), Ok(Some((said(head), bytes))), "its own bytes are read differently");
    check_rewritten(head, limits);
}

/// Written again from what was read, it is read as the same: nothing of the head hides between its parts.
fn check_rewritten(head: &RequestHead, limits: &HeadLimits) {
    let mut bytes = [head.method(), b" ", head.path()].concat();
    if let Some(query) = head.query() {
        bytes.push(b'?');
        bytes.extend_from_slice(query);
    }
    bytes.extend_from_slice(if head.version() == Version::Http10 {
        b" HTTP/1.0\r\n"
    } else {
        b" HTTP/1.1\r\n"
    });
    for field in head.fields() {
        bytes.extend_from_slice(&[head.name(field), b": ", head.value(field), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    // The blank behind each colon is ours, and so is the slash of an empty path.
    let roomy = HeadLimits {
        fields_bytes_max: limits.fields_bytes_max + head.fields().len(),
        target_bytes_max: limits.target_bytes_max.max(1),
        ..*limits
    };
    let again =
        parse([&bytes[..]].into_iter(), &roomy).expect("refused when written again").expect("incomplete");
    let (mut want, mut got) = (said(head), said(&again));
    if head.version() == Version::Http10 {
        // The host of an absolute-form target is not written.
        (want.host, got.host) = (&[], &[]);
    }
    assert_eq!(got, want, "written again it is read differently");
}

/// All that a head says.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    line: [&'a [u8]; 2],
    query: Option<&'a [u8]>,
    host: &'a [u8],
    framing: BodyFraming,
    keeps_alive: bool,
    expects_continue: bool,
    codings: Vec<&'a [u8]>,
    fields: Vec<(&'a [u8], &'a [u8])>,
}

fn said(head: &RequestHead) -> Said<'_> {
    Said {
        line: [head.method(), head.path()],
        query: head.query(),
        host: head.host(),
        framing: head.framing(),
        keeps_alive: head.keeps_alive(),
        expects_continue: head.expects_continue(),
        codings: head.transfer_codings().collect(),
        fields: head.fields().iter().map(|field| (head.name(field), head.value(field))).collect(),
    }
}
