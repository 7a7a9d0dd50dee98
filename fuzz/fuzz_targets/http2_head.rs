//! Heads of HTTP/2: written as HTTP/1.1 they are read as the same head, whatever their fields hold. And the guard: it sees the
//! same frames in any pieces, and never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::http1::{BodyFraming, HeadLimits, RequestHead};
use tidegate_core::http2::answer::AnswerHead;
use tidegate_core::http2::guard::Guard;
use tidegate_core::http2::request::{Pseudo, read};
use tidegate_fuzz::pieces;

/// Small ones, so that they are reached.
const SMALL: HeadLimits = HeadLimits { fields_bytes_max: 128, target_bytes_max: 32, fields_max: 4 };

fuzz_target!(|bytes: &[u8]| {
    for limits in [HeadLimits::default(), SMALL] {
        check_head(bytes, &limits);
    }
    check_guard(bytes);
    check_answer(bytes);
});

/// Behind a byte of flags, parts that end with a byte 255: method, path, authority, then names and values in turn.
fn check_head(bytes: &[u8], limits: &HeadLimits) {
    let Some((&flags, rest)) = bytes.split_first() else { return };
    let mut parts = rest.split(|&byte| byte == 0xff);
    let mut part = || parts.next().unwrap_or_default();
    let (method, path, authority) = (part(), part(), part());
    let authority = (flags & 1 != 0).then_some(authority);
    let scheme = (flags & 2 != 0).then_some(&b"https"[..]);
    let fields: Vec<&[u8]> = parts.collect();
    let fields = || fields.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let mut head = RequestHead::new();
    let pseudo = Pseudo { method, scheme, authority, path };
    let has_body = flags & 4 != 0;
    if read(&pseudo, fields, has_body, limits, &mut head).is_err() {
        return;
    }
    let mut again = RequestHead::new();
    again.buffer_mut().extend_from_slice(head.bytes());
    assert_eq!(again.parse(limits), Ok(Some(head.bytes().len())), "another head as text");
    assert_eq!((again.method(), again.path(), again.query()), (head.method(), head.path(), head.query()));
    assert_eq!((again.host(), again.fields()), (head.host(), head.fields()));
    assert_eq!(head.method(), method);
    match head.framing() {
        BodyFraming::Chunked => assert!(has_body && again.framing() == BodyFraming::None),
        framing => assert_eq!(again.framing(), framing),
    }
    assert!(head.transfer_codings().next().is_none(), "a coding");
}

fn check_guard(bytes: &[u8]) {
    let (mut whole, mut cut) = (Guard::new(), Guard::new());
    let seen = whole.observe(bytes, 0);
    let seen_cut = pieces(bytes).try_for_each(|piece| cut.observe(piece, 0));
    assert_eq!(seen, seen_cut);
    if seen.is_ok() {
        assert_eq!(whole.awaited().0, cut.awaited().0);
    }
}

fn check_answer(bytes: &[u8]) {
    if let Some(head) = AnswerHead::read(bytes) {
        assert!(head.bytes <= bytes.len() && head.status <= 999);
        assert!(head.fields().all(|(name, _)| !name.eq_ignore_ascii_case(b"connection")));
    }
}
