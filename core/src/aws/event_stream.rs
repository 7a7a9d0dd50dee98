//! AWS's event stream (`application/vnd.amazon.eventstream`), in which the Lambda API streams the answer of a function: frames
//! of headers and a payload, with checksums.
//!
//! ```text
//! length of all (4) | length of headers (4) | CRC of these 8 | headers | payload | CRC of all before
//! ```

use flate2::Crc;
use serde::Deserialize;

use crate::lambda::json;
use crate::limits::EVENT_FRAME_BYTES_MAX;

/// Both lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;

/// Frames as they come, in any pieces.
#[derive(Debug, Default)]
pub struct Frames {
    received: Vec<u8>,
    /// How much of it has been read.
    read: usize,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Content, perhaps none (`PayloadChunk`).
    Content(Vec<u8>),
    /// The function has answered (`InvokeComplete`).
    Complete,
    /// It has failed; the document says how.
    Failed(Vec<u8>),
}

/// It is no event stream, or says that Lambda itself has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl Frames {
    /// Takes what has been received.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received.drain(..std::mem::take(&mut self.read));
        self.received.extend_from_slice(bytes);
    }

    /// What the next frame says that says anything; `None` when more has to be received.
    #[expect(clippy::should_implement_trait, reason = "it ends only for now")]
    pub fn next(&mut self) -> Result<Option<Said>, Broken> {
        while let Some(Frame { headers, payload, bytes }) = self.frame()? {
            let said = said(headers, payload)?;
            self.read += bytes;
            if said.is_some() {
                return Ok(said);
            }
        }
        Ok(None)
    }

    /// The next frame, if it is whole.
    fn frame(&self) -> Result<Option<Frame<'_>>, Broken> {
        let received = &self.received[self.read..];
        let Some(prelude) = received.get(..PRELUDE_BYTES) else { return Ok(None) };
        let (length, header_bytes) = (number(prelude) as usize, number(&prelude[4..]) as usize);
        let least = PRELUDE_BYTES + CHECKSUM_BYTES;
        let fits = length <= EVENT_FRAME_BYTES_MAX && header_bytes <= length.saturating_sub(least);
        if !fits || length < least || checksum(&prelude[..8]) != number(&prelude[8..]) {
            return Err(Broken);
        }
        let Some(frame) = received.get(..length) else { return Ok(None) };
        let (frame, sum) = frame.split_at(length - CHECKSUM_BYTES);
        if checksum(frame) != number(sum) {
            return Err(Broken);
        }
        let (headers, payload) = frame[PRELUDE_BYTES..].split_at(header_bytes);
        Ok(Some(Frame { headers, payload, bytes: length }))
    }
}

struct Frame<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
    /// Of all.
    bytes: usize,
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// `None` for events that Lambda may have one day.
fn said(headers: &[u8], payload: &[u8]) -> Result<Option<Said>, Broken> {
    let (mut message_type, mut event_type) = (&b""[..], &b""[..]);
    let mut rest = headers;
    while !rest.is_empty() {
        let (name, value, behind) = header(rest).ok_or(Broken)?;
        match name {
            b":message-type" => message_type = value,
            b":event-type" => event_type = value,
            _ => {}
        }
        rest = behind;
    }
    match (message_type, event_type) {
        (b"event", b"PayloadChunk") => Ok(Some(Said::Content(payload.to_vec()))),
        (b"event", b"InvokeComplete") => complete(payload).map(Some),
        (b"event", _) => Ok(None),
        _ => Err(Broken),
    }
}

/// Name, value, and what follows. A value that is not a text is skipped.
fn header(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_bytes, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_bytes))?;
    let (&kind, rest) = rest.split_first()?;
    let (value_bytes, rest) = match kind {
        0 | 1 => (0, rest),
        2 => (1, rest),
        3 => (2, rest),
        4 => (4, rest),
        5 | 8 => (8, rest),
        9 => (16, rest),
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(value_bytes)?;
    Some((name, value, rest))
}

/// How the invocation has ended.
fn complete(payload: &[u8]) -> Result<Said, Broken> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct End {
        error_code: Option<String>,
        error_details: Option<String>,
    }
    let end: End = serde_json::from_slice(payload).map_err(|_| Broken)?;
    let Some(code) = end.error_code.filter(|code| !code.is_empty()) else { return Ok(Said::Complete) };
    let mut document = br#"{"errorType":"#.to_vec();
    json::write_string(code.as_bytes(), &mut document);
    document.extend_from_slice(br#","errorMessage":"#);
    json::write_string(end.error_details.unwrap_or_default().as_bytes(), &mut document);
    document.push(b'}');
    Ok(Said::Failed(document))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with these headers, all of them texts.
    fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in headers {
            block.push(name.len() as u8);
            block.extend_from_slice(name.as_bytes());
            block.push(7);
            block.extend_from_slice(&(value.len() as u16).to_be_bytes());
            block.extend_from_slice(value.as_bytes());
        }
        framed(&block, payload)
    }

    fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut frame = ((16 + headers.len() + payload.len()) as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        frame.extend_from_slice(&checksum(&frame).to_be_bytes());
        frame.extend_from_slice(headers);
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&checksum(&frame).to_be_bytes());
        frame
    }

    fn event(kind: &str, payload: &[u8]) -> Vec<u8> {
        frame(&[(":message-type", "event"), (":event-type", kind)], payload)
    }

    fn read(bytes: &[u8]) -> Result<Vec<Said>, Broken> {
        let (mut frames, mut said) = (Frames::default(), Vec::new());
        frames.feed(bytes);
        while let Some(next) = frames.next()? {
            said.push(next);
        }
        Ok(said)
    }

    /// Frames of AWS's own test suite ("empty_message", "payload_no_headers"), and one as botocore reads it.
    #[test]
    fn frames_are_those_of_aws() {
        assert_eq!(framed(b"", b""), b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff");
        let payload = framed(b"", b"{'foo':'bar'}");
        assert_eq!(payload, b"\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36");
        let chunk = b"\0\0\0o\0\0\0Z\xf5\xfe\x87\x1f\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x0cPayloadChunk\x0d:content-type\x07\0\x18application/octet-streamhello\x4f\xe0\x61\xf2";
        assert_eq!(read(chunk), Ok(vec![Said::Content(b"hello".to_vec())]));
    }

    #[test]
    fn an_answer_in_any_pieces() {
        let stream = [
            event("PayloadChunk", b"{}"),
            event("PayloadChunk", b""),
            event("SomethingNew", b"?"),
            event("PayloadChunk", &[b'x'; 3_000]),
            event("InvokeComplete", br#"{"ErrorCode":null,"LogResult":""}"#),
        ]
        .concat();
        let want = [
            Said::Content(b"{}".to_vec()),
            Said::Content(Vec::new()),
            Said::Content(vec![b'x'; 3_000]),
            Said::Complete,
        ];
        assert_eq!(read(&stream).as_deref(), Ok(&want[..]));
        for size in [1, 7, 100] {
            let (mut frames, mut said) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.feed(piece);
                while let Some(next) = frames.next().expect("a good stream") {
                    said.push(next);
                }
            }
            assert_eq!(said, want, "pieces of {size}");
        }
    }

    #[test]
    fn ends_that_are_failures() {
        let end = event("InvokeComplete", br#"{"ErrorCode":"Unhandled","ErrorDetails":"it \"broke\""}"#);
        let document = br#"{"errorType":"Unhandled","errorMessage":"it \"broke\""}"#;
        assert_eq!(read(&end), Ok(vec![Said::Failed(document.to_vec())]));
        let bare = event("InvokeComplete", br#"{"ErrorCode":"Unhandled"}"#);
        assert!(matches!(&read(&bare).as_deref(), Ok([Said::Failed(_)])));
        assert_eq!(read(&event("InvokeComplete", b"nonsense")), Err(Broken));
        for kind in ["exception", "error"] {
            assert_eq!(read(&frame(&[(":message-type", kind)], b"{}")), Err(Broken), "{kind}");
        }
    }

    /// Every kind of value is skipped, and what is none is not.
    #[test]
    fn headers_of_every_kind() {
        let mut headers = b"\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x0cPayloadChunk".to_vec();
        for (kind, bytes) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
            headers.extend_from_slice(&[1, b'a', kind]);
            headers.extend(std::iter::repeat_n(b'v', bytes));
        }
        headers.extend_from_slice(b"\x01a\x06\0\x02vv");
        assert_eq!(read(&framed(&headers, b"x")), Ok(vec![Said::Content(b"x".to_vec())]));
        for cut in [1, 2, 5, 14, 16] {
            assert_eq!(read(&framed(&headers[..cut], b"")), Err(Broken), "{cut}");
        }
        assert_eq!(read(&framed(b"\x01a\x0a", b"")), Err(Broken));
    }

    /// Each bit matters, lengths are believed only with their checksum, and half a frame is waited for.
    #[test]
    fn what_is_broken() {
        let whole = event("PayloadChunk", b"hello");
        for at in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(read(&changed), Err(Broken), "bit {at}");
        }
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), Ok(vec![]), "{cut}");
        }
        for (length, headers) in
            [(15, 0), (0, 0), (20, 5), (u32::MAX, 0), (EVENT_FRAME_BYTES_MAX as u32 + 1, 0)]
        {
            let mut prelude = length.to_be_bytes().to_vec();
            prelude.extend_from_slice(&u32::to_be_bytes(headers));
            prelude.extend_from_slice(&checksum(&prelude).to_be_bytes());
            assert_eq!(read(&prelude), Err(Broken), "{length} {headers}");
        }
    }
}
