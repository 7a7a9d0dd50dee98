//! Response heads of origins: read the same in any pieces, interim ones passed over as the relay does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::http1::{BodyFraming, HeadError, HeadLimits, ResponseHead};
use tidegate_fuzz::pieces;

const SMALL: HeadLimits = HeadLimits { fields_bytes_max: 128, target_bytes_max: 32, fields_max: 4 };

fuzz_target!(|bytes: &[u8]| {
    for is_head in [false, true] {
        for limits in [HeadLimits::default(), SMALL] {
            let whole = parse([bytes].into_iter(), &limits, is_head);
            let cut = parse(pieces(bytes), &limits, is_head);
            assert_eq!(outcome(&whole), outcome(&cut), "read differently in pieces");
            if let Ok(Some(head)) = whole {
                check_accepted(&head, bytes, &limits, is_head);
            }
        }
    }
});

/// Feeds the pieces until there is a head that is not interim.
fn parse<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &HeadLimits,
    is_head: bool,
) -> Result<Option<ResponseHead>, HeadError> {
    let mut head = ResponseHead::new();
    for piece in pieces {
        head.buffer_mut().extend_from_slice(piece);
        while head.parse(limits, is_head)?.is_some() {
            if !head.is_interim() {
                return Ok(Some(head));
            }
            head.advance();
        }
    }
    Ok(None)
}

/// All that a head says.
type Said<'a> = (u16, BodyFraming, bool, Vec<(&'a [u8], &'a [u8])>, &'a [u8]);

/// Which of several reasons to refuse a head is found first may depend on how much of it is there.
fn outcome(parsed: &Result<Option<ResponseHead>, HeadError>) -> Result<Option<Said<'_>>, Refused> {
    match parsed {
        Ok(head) => Ok(head.as_ref().map(said)),
        Err(_) => Err(Refused),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Refused;

fn said(head: &ResponseHead) -> Said<'_> {
    let fields = head.fields().iter().map(|field| (head.name(field), head.value(field))).collect();
    (head.status(), head.framing(), head.keeps_alive(), fields, head.bytes())
}

fn check_accepted(head: &ResponseHead, received: &[u8], limits: &HeadLimits, is_head: bool) {
    let bytes = head.bytes();
    assert!(received.ends_with(&[bytes, head.surplus()].concat()), "bytes lost");
    assert!((1..bytes.len()).all(|at| bytes[at] != b'\n' || bytes[at - 1] == b'\r'), "a bare line feed");
    assert!((200..600).contains(&head.status()), "an answer of status {}", head.status());
    assert!(head.fields().len() <= limits.fields_max);
    let bodiless = is_head || matches!(head.status(), 204 | 304);
    assert_eq!(head.framing() == BodyFraming::None, bodiless);
    assert!(
        !(head.keeps_alive() && head.framing() == BodyFraming::UntilClose),
        "nobody can tell where it ends"
    );
    let again = parse([bytes].into_iter(), limits, is_head);
    assert_eq!(outcome(&again), Ok(Some(said(head))), "its own bytes are read differently");
}
