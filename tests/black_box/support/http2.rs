//! A client of HTTP/2 that sends exactly the frames it is given, valid or not.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use loona_hpack::Decoder;

use super::PATIENCE;
use super::client::Client;
use super::wire::Wire;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;

pub(crate) const NO_ERROR: u32 = 0x0;
pub(crate) const PROTOCOL_ERROR: u32 = 0x1;
pub(crate) const INTERNAL_ERROR: u32 = 0x2;
pub(crate) const FLOW_CONTROL_ERROR: u32 = 0x3;
pub(crate) const STREAM_CLOSED: u32 = 0x5;
pub(crate) const FRAME_SIZE_ERROR: u32 = 0x6;
pub(crate) const REFUSED_STREAM: u32 = 0x7;
pub(crate) const CANCEL: u32 = 0x8;
pub(crate) const COMPRESSION_ERROR: u32 = 0x9;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0xb;

/// A frame as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A frame as it is sent.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block without compression: literals that are not indexed (RFC 7541 section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn length(mut value: usize, block: &mut Vec<u8>) {
    if value < 127 {
        return block.push(value as u8);
    }
    block.push(127);
    value -= 127;
    while value >= 128 {
        block.push(value as u8 | 128);
        value >>= 7;
    }
    block.push(value as u8);
}

/// One setting (RFC 9113 section 6.5.1).
pub(crate) fn setting(identifier: u16, value: u32) -> Vec<u8> {
    [&identifier.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

/// The fields of a plain request.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![(":method", method), (":scheme", "http"), (":path", path), (":authority", "gateway")]
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    /// Why the stream was reset, if it was.
    pub(crate) reset: Option<u32>,
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The trailers as lines.
    pub(crate) fn trailer_lines(&self) -> Vec<String> {
        self.trailers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        self.field(":status").unwrap_or_else(|| panic!("no status: {self:?}")).parse().expect("a number")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// How the gateway ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// After this GOAWAY.
    GoAway(u32),
    /// Without a word.
    Silently,
}

/// A connection.
pub(crate) struct Http2 {
    pub(crate) wire: Wire,
    decoder: Decoder<'static>,
    answers: HashMap<u32, Answer>,
    /// Whether windows are opened as content comes.
    pub(crate) takes_content: bool,
    next_stream: u32,
    goaway: Option<u32>,
    pub(crate) pongs: usize,
    pub(crate) settings: Vec<(u16, u32)>,
    /// By how much the gateway has opened windows; 0 is that of the connection.
    opened: HashMap<u32, usize>,
    resets: HashMap<u32, u32>,
    invitations: HashMap<u32, usize>,
}

impl Http2 {
    /// A connection on which prefaces have been exchanged.
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::with_settings(address, &[])
    }

    #[track_caller]
    pub(crate) fn with_settings(address: SocketAddr, settings: &[u8]) -> Self {
        let mut client = Self::silent(address);
        client.send([PREFACE, &frame(SETTINGS, 0, 0, settings)].concat());
        client
    }

    /// A connection on which nothing has been sent.
    #[track_caller]
    pub(crate) fn silent(address: SocketAddr) -> Self {
        Self {
            wire: Client::connect(address).wire,
            decoder: Decoder::new(),
            answers: HashMap::new(),
            takes_content: true,
            next_stream: 1,
            goaway: None,
            pongs: 0,
            settings: Vec::new(),
            opened: HashMap::new(),
            resets: HashMap::new(),
            invitations: HashMap::new(),
        }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes).expect("send");
    }

    /// Sends bytes that the gateway may refuse to take.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.wire.send(bytes).is_ok()
    }

    #[track_caller]
    pub(crate) fn send_frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.send(frame(kind, flags, stream, payload));
    }

    /// The number of the next stream.
    pub(crate) fn stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }

    /// Begins a request; returns its stream.
    #[track_caller]
    pub(crate) fn begin(&mut self, fields: &[(&str, &str)], flags: u8) -> u32 {
        let stream = self.stream();
        self.send_frame(HEADERS, END_HEADERS | flags, stream, &block(fields));
        stream
    }

    /// A whole request without body.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let stream = self.begin(&request("GET", path), END_STREAM);
        self.answer(stream)
    }

    /// The answer on a stream, whole or reset.
    #[track_caller]
    pub(crate) fn answer(&mut self, stream: u32) -> Answer {
        loop {
            if self.answers.get(&stream).is_some_and(|answer| answer.is_whole || answer.reset.is_some()) {
                return self.answers.remove(&stream).expect("just seen");
            }
            assert!(self.advance(), "closed before the answer on {stream}; GOAWAY {:?}", self.goaway);
        }
    }

    /// What has come on a stream once it has a head.
    #[track_caller]
    pub(crate) fn head(&mut self, stream: u32) -> &Answer {
        while !self
            .answers
            .get(&stream)
            .is_some_and(|answer| !answer.fields.is_empty() || answer.reset.is_some())
        {
            assert!(self.advance(), "closed before the head on {stream}; GOAWAY {:?}", self.goaway);
        }
        &self.answers[&stream]
    }

    /// Gives a stream up.
    #[track_caller]
    pub(crate) fn reset(&mut self, stream: u32, code: u32) {
        self.send_frame(RST_STREAM, 0, stream, &code.to_be_bytes());
    }

    /// How the gateway has reset a stream, if it has.
    pub(crate) fn reset_of(&self, stream: u32) -> Option<u32> {
        self.resets.get(&stream).copied()
    }

    /// Whether a stream was answered 400.
    pub(crate) fn is_refused(&self, stream: u32) -> bool {
        self.answers.get(&stream).is_some_and(|answer| answer.field(":status") == Some("400"))
    }

    /// How often a stream was answered 100.
    pub(crate) fn invitations(&self, stream: u32) -> usize {
        self.invitations.get(&stream).copied().unwrap_or(0)
    }

    /// How many bytes may have been sent in all on a stream, were it the only one.
    pub(crate) fn window(&self, stream: u32) -> usize {
        let initial =
            self.settings.iter().find(|(name, _)| *name == 4).map_or(65_535, |(_, value)| *value as usize);
        let opened = |stream: u32| self.opened.get(&stream).copied().unwrap_or(0);
        (65_535 + opened(0)).min(initial + opened(stream))
    }

    /// Content bytes received on a stream.
    pub(crate) fn received(&self, stream: u32) -> usize {
        self.answers.get(&stream).map_or(0, |answer| answer.body.len())
    }

    /// Reads until the gateway closes.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> Closed {
        while self.advance() {}
        self.goaway.map_or(Closed::Silently, Closed::GoAway)
    }

    /// Whether it has said GOAWAY.
    pub(crate) fn is_sent_away(&self) -> bool {
        self.goaway.is_some()
    }

    /// Reads until it has said GOAWAY.
    #[track_caller]
    pub(crate) fn goaway(&mut self) -> u32 {
        while self.goaway.is_none() {
            assert!(self.advance(), "closed without GOAWAY");
        }
        self.goaway.expect("just seen")
    }

    /// Waits for everything that was sent to be processed.
    #[track_caller]
    pub(crate) fn ping(&mut self) {
        let pongs = self.pongs;
        self.send_frame(PING, 0, 0, b"12345678");
        while self.pongs == pongs {
            assert!(self.advance(), "closed before the answer to a ping; GOAWAY {:?}", self.goaway);
        }
    }

    /// Whether it is still served.
    #[track_caller]
    pub(crate) fn is_alive(&mut self) -> bool {
        let pongs = self.pongs;
        self.try_send(&frame(PING, 0, 0, b"12345678"));
        while self.pongs == pongs {
            if !self.advance() {
                return false;
            }
        }
        true
    }

    /// Reads frames for a while. False when the connection has ended.
    pub(crate) fn advance_within(&mut self, wait: Duration) -> bool {
        self.wire.stream.set_read_timeout(Some(wait)).expect("read deadline");
        let read = self.read_frame();
        self.wire.stream.set_read_timeout(Some(PATIENCE)).expect("read deadline");
        match read {
            Ok(Some(frame)) => {
                self.take(frame);
                true
            }
            Ok(None) => false,
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        }
    }

    /// Takes in the next frame. False at the end of the connection.
    #[track_caller]
    pub(crate) fn advance(&mut self) -> bool {
        match self.read_frame() {
            Ok(Some(frame)) => {
                self.take(frame);
                true
            }
            Ok(None) => false,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) =>
            {
                false
            }
            Err(error) => panic!("no frame: {error}"),
        }
    }

    fn read_frame(&mut self) -> io::Result<Option<Frame>> {
        while self.wire.buffer.len() < 9 {
            if self.wire.fill()? == 0 {
                return Ok(None);
            }
        }
        let head = &self.wire.buffer[..9];
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        while self.wire.buffer.len() < 9 + length {
            if self.wire.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let payload = self.wire.buffer.drain(..9 + length).skip(9).collect();
        Ok(Some(Frame { kind, flags, stream, payload }))
    }

    fn take(&mut self, taken: Frame) {
        let Frame { kind, flags, stream, payload } = taken;
        match kind {
            HEADERS => {
                assert_ne!(flags & END_HEADERS, 0, "heads of answers are small here");
                let fields = self.decoder.decode(&payload).expect("HPACK");
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
                let fields = fields.into_iter().map(|(name, value)| (text(name), text(value)));
                let answer = self.answers.entry(stream).or_default();
                if !answer.fields.is_empty() {
                    assert_ne!(flags & END_STREAM, 0, "trailers end a stream");
                    answer.trailers = fields.collect();
                    answer.is_whole = true;
                    return;
                }
                answer.fields = fields.collect();
                if answer.field(":status").is_some_and(|status| status.starts_with('1')) {
                    answer.fields.clear();
                    *self.invitations.entry(stream).or_default() += 1;
                }
                answer.is_whole = flags & END_STREAM != 0;
            }
            DATA => {
                let answer = self.answers.entry(stream).or_default();
                answer.body.extend(&payload);
                answer.is_whole = flags & END_STREAM != 0;
                if self.takes_content && !payload.is_empty() {
                    let increment = (payload.len() as u32).to_be_bytes();
                    let update = |stream| frame(WINDOW_UPDATE, 0, stream, &increment);
                    self.try_send(&[update(0), update(stream)].concat());
                }
            }
            RST_STREAM => {
                self.resets.insert(stream, code(&payload));
                if let Some(answer) = self.answers.get_mut(&stream) {
                    answer.reset = Some(code(&payload));
                } else {
                    self.answers.insert(stream, Answer { reset: Some(code(&payload)), ..Answer::default() });
                }
            }
            SETTINGS if flags & ACK == 0 => {
                self.settings = payload
                    .chunks(6)
                    .map(|pair| (u16::from_be_bytes([pair[0], pair[1]]), code(&pair[2..])))
                    .collect();
                self.try_send(&frame(SETTINGS, ACK, 0, &[]));
            }
            PING if flags & ACK != 0 => self.pongs += 1,
            PING => {
                self.try_send(&frame(PING, ACK, 0, &payload));
            }
            WINDOW_UPDATE => *self.opened.entry(stream).or_default() += code(&payload) as usize,
            GOAWAY => self.goaway = Some(code(&payload[4..])),
            _ => {}
        }
    }
}

fn code(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
