//! Answers of functions: no panic on anything; what is taken of them fits a message; a streamed one begins where it begins, and an
//! event stream says the same, in whatever pieces they come.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::aws::event_stream::{Broken, Frames, Said};
use tidegate_core::lambda::result::{Header, Metadata, ProxyResult, error_message};
use tidegate_core::lambda::streamed::{Beginning, failure};
use tidegate_fuzz::pieces;

fuzz_target!(|input: &[u8]| {
    if let Ok(result) = ProxyResult::read(input) {
        check(result.status, &result.headers);
    }
    let _ = error_message(input);
    let _ = failure(Some(input), None);
    let _ = failure(None, Some(input));
    assert_eq!(events([input].into_iter()), events(pieces(input)), "an event stream in pieces");
    let whole = Beginning::of(input);
    let mut received = Vec::new();
    for piece in pieces(input) {
        match Beginning::of(&received) {
            Beginning::Whole { metadata, .. } => {
                assert!(matches!(whole, Beginning::Whole { metadata: same, .. } if same == metadata));
            }
            Beginning::Never => assert_eq!(whole, Beginning::Never),
            Beginning::Partial => {}
        }
        received.extend_from_slice(piece);
    }
    if let Beginning::Whole { metadata, content } = whole {
        assert_eq!(metadata.len() + 8 + content.len(), input.len());
        if let Ok(metadata) = Metadata::read(metadata) {
            check(metadata.status, &metadata.headers);
        }
    }
});

/// What the frames say, up to where it breaks.
fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Said>, bool) {
    let (mut frames, mut said) = (Frames::default(), Vec::new());
    for piece in pieces {
        frames.feed(piece);
        loop {
            match frames.next() {
                Ok(Some(next)) => said.push(next),
                Ok(None) => break,
                Err(Broken) => return (said, false),
            }
        }
    }
    (said, true)
}

fn check(status: u16, headers: &[Header<'_>]) {
    assert!((200..=599).contains(&status));
    for Header { name, value } in headers {
        assert!(
            !name.is_empty() && !name.contains([' ', ':', '\r', '\n']) && !value.contains(['\r', '\n', '\0'])
        );
    }
}
