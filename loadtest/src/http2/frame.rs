//! Frames (RFC 9113 sections 4 and 6).

use super::Malformed;

/// Bytes before a frame's payload.
pub const HEAD_BYTES: usize = 9;
/// Most bytes of a payload: what RFC 9113 begins with, on both sides.
pub const PAYLOAD_BYTES_MAX: usize = 16_384;

/// `END_STREAM`, and `ACK` of SETTINGS and PING.
pub const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
/// `END_HEADERS`
pub const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

const SETTINGS_TABLE: u16 = 1;
const SETTINGS_PUSH: u16 = 2;
const SETTINGS_STREAMS: u16 = 3;
const SETTINGS_WINDOW: u16 = 4;

/// A frame that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Content.
    Data {
        /// Its stream.
        stream: u32,
        /// Without padding.
        content: &'a [u8],
        /// What it takes of the windows.
        flow_bytes: usize,
        /// Whether it is the last one.
        ends: bool,
    },
    /// A header block, or its begin.
    Headers {
        /// Its stream.
        stream: u32,
        /// Without padding and priority.
        block: &'a [u8],
        /// Whether the stream ends with it.
        ends: bool,
        /// Whether the block does.
        is_whole: bool,
    },
    /// More of a header block.
    Continuation {
        /// Its stream.
        stream: u32,
        /// More of the block.
        block: &'a [u8],
        /// Whether it ends here.
        is_whole: bool,
    },
    /// The stream is over.
    Reset {
        /// Which.
        stream: u32,
    },
    /// What the server allows.
    Settings(Settings),
    /// To be answered.
    Ping([u8; 8]),
    /// No further streams; those above the last one are not served.
    GoAway {
        /// The last stream that is or was served.
        last: u32,
    },
    /// More may be sent.
    WindowUpdate {
        /// 0 is the connection.
        stream: u32,
        /// Bytes.
        bytes: u32,
    },
    /// Nothing that matters here.
    Other,
}

/// What a SETTINGS frame says; `None` where it is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Streams at once.
    pub streams: Option<u32>,
    /// Bytes that may be sent ahead on a stream.
    pub window: Option<u32>,
    /// Bytes of the table for header blocks that are sent.
    pub table: Option<u32>,
}

/// Reads a frame at the front of `bytes`: the frame, and its length in bytes. `None` when more is needed.
///
/// # Errors
/// When it is none that a server may send.
pub fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let [high, middle, low, kind, flags, ..] = *head;
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    if length > PAYLOAD_BYTES_MAX {
        return Err(Malformed::FrameSize);
    }
    let stream = number(&head[5..]) & 0x7fff_ffff;
    let Some(payload) = bytes.get(HEAD_BYTES..HEAD_BYTES + length) else { return Ok(None) };
    Ok(Some((frame(kind, flags, stream, payload)?, HEAD_BYTES + length)))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Frame<'_>, Malformed> {
    let ends = flags & END_STREAM != 0;
    let is_whole = flags & END_HEADERS != 0;
    match (kind, stream) {
        (0 | 1 | 3 | 9, 0) | (4 | 6 | 7, 1..) | (5, _) => Err(Malformed::Frame),
        (0, _) => {
            let content = unpadded(payload, flags)?;
            Ok(Frame::Data { stream, content, flow_bytes: payload.len(), ends })
        }
        (1, _) => {
            let block = unpadded(payload, flags)?;
            let skipped = if flags & PRIORITY == 0 { 0 } else { 5 };
            let block = block.get(skipped..).ok_or(Malformed::Frame)?;
            Ok(Frame::Headers { stream, block, ends, is_whole })
        }
        (3, _) if payload.len() == 4 => Ok(Frame::Reset { stream }),
        (4, _) if flags & ACK != 0 && payload.is_empty() => Ok(Frame::Other),
        (4, _) if flags & ACK == 0 && payload.len().is_multiple_of(6) => {
            settings(payload).map(Frame::Settings)
        }
        (6, _) => {
            let content = *payload.first_chunk().filter(|_| payload.len() == 8).ok_or(Malformed::Frame)?;
            Ok(if flags & ACK == 0 { Frame::Ping(content) } else { Frame::Other })
        }
        (7, _) if payload.len() >= 8 => Ok(Frame::GoAway { last: number(payload) & 0x7fff_ffff }),
        (8, _) if payload.len() == 4 && number(payload) & 0x7fff_ffff != 0 => {
            Ok(Frame::WindowUpdate { stream, bytes: number(payload) & 0x7fff_ffff })
        }
        (9, _) => Ok(Frame::Continuation { stream, block: payload, is_whole }),
        (3 | 4 | 7 | 8, _) => Err(Malformed::Frame),
        _ => Ok(Frame::Other),
    }
}

fn unpadded(payload: &[u8], flags: u8) -> Result<&[u8], Malformed> {
    if flags & PADDED == 0 {
        return Ok(payload);
    }
    let (&padding, rest) = payload.split_first().ok_or(Malformed::Frame)?;
    rest.len().checked_sub(usize::from(padding)).map(|end| &rest[..end]).ok_or(Malformed::Frame)
}

fn settings(payload: &[u8]) -> Result<Settings, Malformed> {
    let mut settings = Settings::default();
    for setting in payload.chunks_exact(6) {
        let value = number(&setting[2..]);
        match u16::from_be_bytes([setting[0], setting[1]]) {
            SETTINGS_TABLE => settings.table = Some(value),
            SETTINGS_STREAMS => settings.streams = Some(value),
            SETTINGS_WINDOW if value > 0x7fff_ffff => return Err(Malformed::Frame),
            SETTINGS_WINDOW => settings.window = Some(value),
            SETTINGS_PUSH if value != 0 => return Err(Malformed::Frame),
            _ => {}
        }
    }
    Ok(settings)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Appends a frame's head.
pub fn write_head(kind: u8, flags: u8, stream: u32, length: usize, out: &mut Vec<u8>) {
    debug_assert!(length <= PAYLOAD_BYTES_MAX);
    out.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

/// Appends a header block, in as many frames as it needs.
pub fn write_headers(stream: u32, block: &[u8], ends: bool, out: &mut Vec<u8>) {
    let mut pieces = block.chunks(PAYLOAD_BYTES_MAX).peekable();
    let mut kind = 1;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        let end = if ends && kind == 1 { END_STREAM } else { 0 };
        write_head(kind, last | end, stream, piece.len(), out);
        out.extend_from_slice(piece);
        kind = 9;
    }
}

/// Appends content, which is no more than a frame may have.
pub fn write_data(stream: u32, content: &[u8], ends: bool, out: &mut Vec<u8>) {
    write_head(0, if ends { END_STREAM } else { 0 }, stream, content.len(), out);
    out.extend_from_slice(content);
}

/// Appends RST_STREAM (CANCEL).
pub fn write_cancel(stream: u32, out: &mut Vec<u8>) {
    write_head(3, 0, stream, 4, out);
    out.extend_from_slice(&8_u32.to_be_bytes());
}

/// Appends WINDOW_UPDATE of the connection.
pub fn write_window_update(bytes: u32, out: &mut Vec<u8>) {
    write_head(8, 0, 0, 4, out);
    out.extend_from_slice(&bytes.to_be_bytes());
}

/// Appends the settings of a client that wants no pushes and takes whatever comes.
pub fn write_settings(window: u32, out: &mut Vec<u8>) {
    write_head(4, 0, 0, 12, out);
    for (name, value) in [(SETTINGS_PUSH, 0), (SETTINGS_WINDOW, window)] {
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends the answer to SETTINGS.
pub fn write_settings_ack(out: &mut Vec<u8>) {
    write_head(4, ACK, 0, 0, out);
}

/// Appends the answer to PING.
pub fn write_pong(content: [u8; 8], out: &mut Vec<u8>) {
    write_head(6, ACK, 0, 8, out);
    out.extend_from_slice(&content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_head(kind, flags, stream, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[track_caller]
    fn check(kind: u8, flags: u8, stream: u32, payload: &[u8], want: Result<Frame<'_>, Malformed>) {
        let bytes = bytes(kind, flags, stream, payload);
        assert_eq!(read(&bytes), want.map(|frame| Some((frame, bytes.len()))));
        for end in 0..bytes.len() {
            assert!(matches!(read(&bytes[..end]), Ok(None)), "{end} bytes of it");
        }
    }

    #[test]
    fn frames() {
        check(0, 1, 3, b"abc", Ok(Frame::Data { stream: 3, content: b"abc", flow_bytes: 3, ends: true }));
        check(
            0,
            8,
            3,
            &[1, b'a', 0],
            Ok(Frame::Data { stream: 3, content: b"a", flow_bytes: 3, ends: false }),
        );
        check(0, 8, 3, &[2, 0], Err(Malformed::Frame));
        let headers = |block, ends, is_whole| Ok(Frame::Headers { stream: 1, block, ends, is_whole });
        check(1, 5, 1, b"b", headers(b"b", true, true));
        check(1, 0x28, 1, &[1, 0, 0, 0, 0, 9, b'b', 0], headers(b"b", false, false));
        check(1, 0x20, 1, b"1234", Err(Malformed::Frame));
        check(9, 4, 1, b"b", Ok(Frame::Continuation { stream: 1, block: b"b", is_whole: true }));
        check(3, 0, 1, &[0; 4], Ok(Frame::Reset { stream: 1 }));
        check(4, 1, 0, b"", Ok(Frame::Other));
        let settings = Settings { streams: Some(7), window: Some(1), table: None };
        check(4, 0, 0, &[0, 3, 0, 0, 0, 7, 0, 4, 0, 0, 0, 1], Ok(Frame::Settings(settings)));
        check(6, 0, 0, b"12345678", Ok(Frame::Ping(*b"12345678")));
        check(7, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0], Ok(Frame::GoAway { last: 5 }));
        check(8, 0, 5, &[0, 0, 0, 9], Ok(Frame::WindowUpdate { stream: 5, bytes: 9 }));
        check(99, 0, 5, b"x", Ok(Frame::Other));
    }

    #[test]
    fn refusals() {
        for (kind, flags, stream, payload) in [
            (0, 0, 0, &b"x"[..]),
            (1, 4, 0, b"x"),
            (3, 0, 1, b"123"),
            (4, 0, 1, b""),
            (4, 0, 0, b"12345"),
            (4, 1, 0, b"123456"),
            (4, 0, 0, &[0, 4, 0x80, 0, 0, 0]),
            (4, 0, 0, &[0, 2, 0, 0, 0, 1]),
            (5, 4, 1, &[0, 0, 0, 2]),
            (6, 0, 0, b"1234567"),
            (7, 0, 0, b"1234567"),
            (8, 0, 0, &[0; 4]),
        ] {
            let bytes = bytes(kind, flags, stream, payload);
            assert_eq!(read(&bytes), Err(Malformed::Frame), "{kind} {payload:?}");
        }
        assert_eq!(read(&[0, 0x40, 1, 0, 0, 0, 0, 0, 1]), Err(Malformed::FrameSize));
    }

    #[test]
    fn a_long_block_is_written_in_pieces() {
        let (block, mut out) = (vec![7; PAYLOAD_BYTES_MAX + 1], Vec::new());
        write_headers(1, &block, true, &mut out);
        let (first, length) = read(&out).unwrap().unwrap();
        assert!(matches!(first, Frame::Headers { ends: true, is_whole: false, .. }));
        let (second, _) = read(&out[length..]).unwrap().unwrap();
        assert_eq!(second, Frame::Continuation { stream: 1, block: &[7], is_whole: true });
    }
}
