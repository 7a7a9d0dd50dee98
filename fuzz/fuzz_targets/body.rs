//! Bodies: decoded the same in any pieces, never past their end, and again what they were when framed anew. What passes of
//! their trailers is again that, and nothing that decides.
//!
//! The first byte of the input chooses the framing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::http1::{
    BodyDecoder, BodyError, BodyFraming, KnownField, TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX, Trailers, encode,
};
use tidegate_core::transform::trailers::may_pass;
use tidegate_fuzz::pieces;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, body)) = input.split_first() else { return };
    let framing = match choice {
        0 => BodyFraming::None,
        1 => BodyFraming::UntilClose,
        2..=63 => BodyFraming::Length(u64::from(choice) * 7),
        64 => BodyFraming::Length(u64::MAX),
        _ => BodyFraming::Chunked,
    };
    let whole = decode(framing, [body].into_iter());
    assert_eq!(whole, decode(framing, pieces(body)), "decoded differently in pieces");
    if let Ok(decoded) = whole {
        check_decoded(framing, &decoded, body);
    }
});

/// What came of a body.
#[derive(Debug, PartialEq, Eq)]
struct Body {
    content: Vec<u8>,
    consumed: usize,
    is_done: bool,
    trailers: Trailers,
    at_close: Result<(), BodyError>,
}

fn decode<'a>(framing: BodyFraming, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Body, BodyError> {
    let mut decoder = BodyDecoder::new(framing);
    let (mut content, mut consumed) = (Vec::new(), 0);
    for mut piece in pieces {
        while !piece.is_empty() && !decoder.is_done() {
            let remaining = decoder.remaining_length();
            let decoded = match decoder.decode(piece) {
                Ok(decoded) => decoded,
                Err(error) => {
                    assert_eq!((decoder.error(), decoder.decode(b"0\r\n\r\n")), (Some(error), Err(error)));
                    assert!(decoder.take_trailers().is_empty() && !decoder.is_done());
                    return Err(error);
                }
            };
            assert!(decoded.consumed > 0 && decoded.consumed <= piece.len(), "no progress, or too much");
            assert!(decoded.content.start <= decoded.content.end && decoded.content.end <= decoded.consumed);
            if let Some(remaining) = remaining {
                assert_eq!(decoder.remaining_length(), Some(remaining - decoded.content.len() as u64));
            }
            content.extend_from_slice(&piece[decoded.content]);
            consumed += decoded.consumed;
            piece = &piece[decoded.consumed..];
        }
    }
    let is_done = decoder.is_done();
    let trailers = if is_done { decoder.take_trailers() } else { Trailers::default() };
    Ok(Body { content, consumed, is_done, trailers, at_close: decoder.finish_at_close() })
}

fn check_decoded(framing: BodyFraming, decoded: &Body, body: &[u8]) {
    assert!(decoded.content.len() <= decoded.consumed && decoded.consumed <= body.len());
    assert!(decoded.is_done || decoded.consumed == body.len(), "stopped before the end");
    assert!(decoded.trailers.is_empty() || (decoded.is_done && framing == BodyFraming::Chunked));
    check_trailers(&decoded.trailers);
    match framing {
        BodyFraming::None => assert!(decoded.is_done && decoded.consumed == 0),
        BodyFraming::Length(length) => {
            assert_eq!(decoded.content.len() as u64, length.min(body.len() as u64));
            assert_eq!(decoded.at_close.is_ok(), decoded.is_done);
        }
        BodyFraming::UntilClose => {
            assert_eq!(decoded.content, body);
            assert!(!decoded.is_done && decoded.at_close.is_ok());
        }
        BodyFraming::Chunked => {
            assert_eq!(decoded.at_close.is_ok(), decoded.is_done);
            check_chunked_again(&decoded.content);
        }
    }
}

/// Content framed by us is content again.
fn check_chunked_again(content: &[u8]) {
    let mut framed = Vec::new();
    for piece in pieces(content) {
        encode::chunk_head(piece.len(), &mut framed);
        framed.extend_from_slice(piece);
        framed.extend_from_slice(encode::CHUNK_END);
    }
    framed.extend_from_slice(encode::LAST_CHUNK);
    let again = decode(BodyFraming::Chunked, [&framed[..]].into_iter()).expect("our own framing is refused");
    assert_eq!((&again.content[..], again.consumed, again.is_done), (content, framed.len(), true));
}

/// Those that pass come through as they are, by whatever version they go.
fn check_trailers(received: &Trailers) {
    assert!(received.fields().count() <= TRAILER_FIELDS_MAX);
    let passing = received.only(may_pass);
    let mut fields = Trailers::default();
    for (name, value) in passing.fields() {
        assert_eq!(KnownField::of(name), KnownField::Other);
        assert!(!name.to_ascii_lowercase().starts_with(b"x-forwarded-"));
        // White space around values is dropped, so no more bytes than came; but a blank is put behind each colon.
        let bytes = passing.fields().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        assert!(bytes > TRAILER_BYTES_MAX || fields.push(name, value).is_ok());
    }
    let last = passing.last_chunk();
    let again = decode(BodyFraming::Chunked, [&last[..]].into_iter());
    if last.len() <= TRAILER_BYTES_MAX {
        let again = again.expect("our own framing is refused");
        assert!(again.trailers.fields().eq(passing.fields()));
        assert_eq!((again.consumed, again.is_done), (last.len(), true));
    }
}
