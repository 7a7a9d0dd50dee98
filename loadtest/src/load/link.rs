//! A connection of HTTP/2 and the requests on it: bytes in, bytes out, no socket.

use std::collections::HashMap;

use loona_hpack::Encoder;

use crate::http2::frame::{self, Frame, PAYLOAD_BYTES_MAX, Settings};
use crate::http2::head::HeadReader;
use crate::http2::{Malformed, PREFACE, head};

/// What a client may not run out of: answers come as fast as the connection carries them.
const WINDOW_MAX: u32 = 0x7fff_ffff;
/// The window that a connection begins with.
const WINDOW: u32 = 65_535;
/// After so much content the connection's window is opened again.
const WINDOW_TAKEN_MAX: u32 = 1 << 30;
/// Bytes of a header block.
const BLOCK_BYTES_MAX: usize = 65_536;

/// A connection.
pub(super) struct Link {
    encoder: Encoder<'static>,
    heads: HeadReader,
    /// What is to be sent, from `out_from` on.
    out: Vec<u8>,
    out_from: usize,
    /// The part of a frame that has come.
    part: Vec<u8>,
    /// The header block that goes on in the next frame: its stream, and whether that ends with it.
    block: Option<(u32, bool)>,
    block_bytes: Vec<u8>,
    streams: HashMap<u32, Stream>,
    next_stream: u32,
    /// Whether no further request may begin here.
    is_leaving: bool,
    /// Bytes of content that may be sent.
    window: i64,
    stream_window: i64,
    /// None until the server has said how many.
    streams_max: usize,
    /// Content received since the window was opened.
    taken: u32,
    /// Of its requests: `http`, `https`.
    scheme: &'static str,
    /// For the next header block.
    scratch: Vec<u8>,
}

/// A request on its way.
struct Stream {
    slot: u32,
    is_head: bool,
    /// The status and the length, when the head has come.
    head: Option<head::Head>,
    received: u64,
    window: i64,
    unsent: Vec<u8>,
    unsent_from: usize,
}

/// What has come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It has been answered.
    Answered { slot: u32, status: u16 },
    /// The server has reset it.
    Reset { slot: u32 },
    /// The server has gone away without having looked at it.
    Unserved { slot: u32 },
}

impl Link {
    /// A connection that has been made; its preface is to be sent.
    pub(super) fn new(scheme: &'static str) -> Self {
        let mut out = PREFACE.to_vec();
        frame::write_settings(WINDOW_MAX, &mut out);
        frame::write_window_update(WINDOW_MAX - WINDOW, &mut out);
        Self {
            encoder: Encoder::new(),
            heads: HeadReader::default(),
            out,
            out_from: 0,
            part: Vec::new(),
            block: None,
            block_bytes: Vec::new(),
            streams: HashMap::new(),
            next_stream: 1,
            is_leaving: false,
            window: i64::from(WINDOW),
            stream_window: i64::from(WINDOW),
            streams_max: 0,
            taken: 0,
            scheme,
            scratch: Vec::new(),
        }
    }

    /// Whether a request may begin now.
    pub(super) fn has_room(&self) -> bool {
        !self.is_leaving && self.streams.len() < self.streams_max
    }

    /// Whether the server has said what it allows.
    pub(super) fn is_greeted(&self) -> bool {
        self.streams_max > 0
    }

    /// Begins no further request.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
    }

    /// Whether nothing is under way, and nothing will be.
    pub(super) fn is_over(&self) -> bool {
        self.is_leaving && self.streams.is_empty()
    }

    /// How many requests have been begun.
    pub(super) fn begun(&self) -> u32 {
        self.next_stream / 2
    }

    /// The slots of all requests that are under way.
    pub(super) fn slots(&self) -> Vec<u32> {
        self.streams.values().map(|stream| stream.slot).collect()
    }

    /// Begins a request, written as HTTP/1.1 has it. Returns its stream.
    pub(super) fn begin(&mut self, slot: u32, request: &[u8], is_head: bool) -> u32 {
        let id = self.next_stream;
        self.next_stream += 2;
        self.is_leaving |= self.next_stream > WINDOW_MAX;
        let mut block = std::mem::take(&mut self.scratch);
        block.clear();
        let body = head::write(request, self.scheme, &mut self.encoder, &mut block);
        let unsent = request[body..].to_vec();
        frame::write_headers(id, &block, unsent.is_empty(), &mut self.out);
        self.scratch = block;
        let stream = Stream {
            slot,
            is_head,
            head: None,
            received: 0,
            window: self.stream_window,
            unsent,
            unsent_from: 0,
        };
        self.streams.insert(id, stream);
        self.send_content(id);
        id
    }

    /// Whether the head of its answer has come.
    pub(super) fn has_head(&self, id: u32) -> bool {
        self.streams.get(&id).is_some_and(|stream| stream.head.is_some())
    }

    /// Gives a request up.
    pub(super) fn cancel(&mut self, id: u32) {
        if self.streams.remove(&id).is_some() {
            frame::write_cancel(id, &mut self.out);
        }
    }

    /// What is to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.out[self.out_from..]
    }

    /// So much of that has been sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.out_from += bytes;
        if self.out_from == self.out.len() {
            self.out.clear();
            self.out_from = 0;
        }
    }

    /// Takes bytes that have come.
    pub(super) fn receive(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.part.is_empty() {
            let taken = self.take(bytes, events)?;
            self.part.extend_from_slice(&bytes[taken..]);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.part);
        whole.extend_from_slice(bytes);
        let taken = self.take(&whole, events)?;
        whole.drain(..taken);
        self.part = whole;
        Ok(())
    }

    /// Takes the whole frames; returns how many bytes they are.
    fn take(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<usize, Malformed> {
        let mut taken = 0;
        while let Some((frame, length)) = frame::read(&bytes[taken..])? {
            self.take_frame(frame, events)?;
            taken += length;
        }
        Ok(taken)
    }

    fn take_frame(&mut self, frame: Frame<'_>, events: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.block.is_some() && !matches!(frame, Frame::Continuation { .. }) {
            return Err(Malformed::Frame);
        }
        match frame {
            Frame::Headers { stream, block, ends, is_whole } => {
                self.block = Some((stream, ends));
                self.block_bytes.clear();
                self.take_block(block, is_whole, events)
            }
            Frame::Continuation { stream, block, is_whole } => match self.block {
                Some((begun, _)) if begun == stream => self.take_block(block, is_whole, events),
                _ => Err(Malformed::Frame),
            },
            Frame::Data { stream, content, flow_bytes, ends } => {
                self.take_flow(flow_bytes);
                self.take_content(stream, content.len(), ends, events)
            }
            Frame::Reset { stream } => {
                if let Some(stream) = self.streams.remove(&stream) {
                    events.push(Event::Reset { slot: stream.slot });
                }
                Ok(())
            }
            Frame::Settings(settings) => self.take_settings(settings),
            Frame::Ping(content) => {
                frame::write_pong(content, &mut self.out);
                Ok(())
            }
            Frame::GoAway { last } => {
                self.is_leaving = true;
                let lost = self.streams.extract_if(|id, _| *id > last);
                events.extend(lost.map(|(_, stream)| Event::Unserved { slot: stream.slot }));
                Ok(())
            }
            Frame::WindowUpdate { stream, bytes } => {
                self.open(stream, i64::from(bytes));
                Ok(())
            }
            Frame::Other => Ok(()),
        }
    }

    fn take_block(&mut self, piece: &[u8], is_whole: bool, events: &mut Vec<Event>) -> Result<(), Malformed> {
        self.block_bytes.extend_from_slice(piece);
        if self.block_bytes.len() > BLOCK_BYTES_MAX {
            return Err(Malformed::Block);
        }
        let Some((id, ends)) = self.block.take_if(|_| is_whole) else { return Ok(()) };
        // Read in any case: the table has to stay that of the server.
        let head = self.heads.read(&self.block_bytes)?;
        let Some(stream) = self.streams.get_mut(&id) else { return self.check_known(id) };
        match (head, stream.head) {
            // Interim.
            (Some(head), None) if head.status < 200 => {
                return if ends { Err(Malformed::Head) } else { Ok(()) };
            }
            (Some(head), None) => stream.head = Some(head),
            // Trailers.
            (None, Some(_)) if ends => {}
            _ => return Err(Malformed::Head),
        }
        if ends { self.end(id, events) } else { Ok(()) }
    }

    fn take_content(
        &mut self,
        id: u32,
        bytes: usize,
        ends: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let Some(stream) = self.streams.get_mut(&id) else { return self.check_known(id) };
        if stream.head.is_none() {
            return Err(Malformed::Frame);
        }
        stream.received += bytes as u64;
        if ends { self.end(id, events) } else { Ok(()) }
    }

    /// A stream that is no more is one that was given up; one that has never been is a mistake.
    fn check_known(&self, id: u32) -> Result<(), Malformed> {
        if id % 2 == 1 && id < self.next_stream { Ok(()) } else { Err(Malformed::Frame) }
    }

    fn end(&mut self, id: u32, events: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(stream) = self.streams.remove(&id) else { return Ok(()) };
        let head = stream.head.ok_or(Malformed::Head)?;
        let has_content = !stream.is_head && !matches!(head.status, 204 | 304);
        let expected = if has_content { head.length } else { Some(0) };
        if expected.is_some_and(|expected| expected != stream.received) {
            return Err(Malformed::Length);
        }
        if stream.unsent_from < stream.unsent.len() {
            // Answered before its end: the rest is not wanted.
            frame::write_cancel(id, &mut self.out);
        }
        events.push(Event::Answered { slot: stream.slot, status: head.status });
        Ok(())
    }

    fn take_flow(&mut self, bytes: usize) {
        self.taken += bytes as u32;
        if self.taken >= WINDOW_TAKEN_MAX {
            frame::write_window_update(self.taken, &mut self.out);
            self.taken = 0;
        }
    }

    fn take_settings(&mut self, settings: Settings) -> Result<(), Malformed> {
        match settings.streams {
            Some(streams) => self.streams_max = streams as usize,
            None if self.streams_max == 0 => self.streams_max = usize::MAX,
            None => {}
        }
        if let Some(bytes) = settings.table {
            // Ours never grows beyond what it begins with.
            self.encoder.set_max_table_size((bytes as usize).min(4096));
        }
        if let Some(window) = settings.window {
            let more = i64::from(window) - self.stream_window;
            self.stream_window += more;
            self.streams.values_mut().for_each(|stream| stream.window += more);
        }
        frame::write_settings_ack(&mut self.out);
        self.send_all_content();
        Ok(())
    }

    fn open(&mut self, id: u32, bytes: i64) {
        if id == 0 {
            self.window += bytes;
            return self.send_all_content();
        }
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.window += bytes;
        }
        self.send_content(id);
    }

    fn send_all_content(&mut self) {
        let waiting = self.streams.iter().filter(|(_, stream)| stream.unsent_from < stream.unsent.len());
        let waiting: Vec<u32> = waiting.map(|(id, _)| *id).collect();
        waiting.into_iter().for_each(|id| self.send_content(id));
    }

    /// Sends as much of a body as both windows allow.
    fn send_content(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        loop {
            let rest = &stream.unsent[stream.unsent_from..];
            let room = self.window.min(stream.window).clamp(0, PAYLOAD_BYTES_MAX as i64) as usize;
            let bytes = rest.len().min(room);
            if bytes == 0 {
                return;
            }
            frame::write_data(id, &rest[..bytes], bytes == rest.len(), &mut self.out);
            stream.unsent_from += bytes;
            self.window -= bytes as i64;
            stream.window -= bytes as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n";

    fn head(status: &str) -> Vec<u8> {
        Encoder::new().encode([(&b":status"[..], status.as_bytes())])
    }

    fn answer(id: u32, status: &str, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame::write_headers(id, &head(status), content.is_empty(), &mut out);
        if !content.is_empty() {
            frame::write_data(id, content, true, &mut out);
        }
        out
    }

    #[track_caller]
    fn receive(link: &mut Link, bytes: &[u8]) -> Result<Vec<Event>, Malformed> {
        let mut events = Vec::new();
        link.receive(bytes, &mut events).map(|()| events)
    }

    #[test]
    fn answers_come_in_any_order_and_in_any_pieces() {
        let mut link = Link::new("http");
        assert_eq!((link.begin(7, GET, false), link.begin(8, GET, false)), (1, 3));
        let bytes = [answer(3, "200", b"hello"), answer(1, "404", b"")].concat();
        let mut events = Vec::new();
        for byte in &bytes {
            link.receive(&[*byte], &mut events).expect("good frames");
        }
        let want = [Event::Answered { slot: 8, status: 200 }, Event::Answered { slot: 7, status: 404 }];
        assert_eq!(events, want);
    }

    #[test]
    fn content_waits_for_windows() {
        let mut link = Link::new("http");
        let body = vec![b'x'; 70_000];
        let request = [b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 70000\r\n\r\n", &body[..]].concat();
        link.sent(link.unsent().len());
        let id = link.begin(0, &request, false);
        let content = |bytes: &[u8]| {
            let (mut rest, mut content) = (bytes, 0);
            while let Ok(Some((frame, length))) = frame::read(rest) {
                content += if let Frame::Data { content, .. } = frame { content.len() } else { 0 };
                rest = &rest[length..];
            }
            content
        };
        assert_eq!(content(link.unsent()), 65_535);
        link.open(id, 10_000);
        assert_eq!(content(link.unsent()), 65_535);
        link.open(0, 10_000);
        assert_eq!(content(link.unsent()), 70_000);
    }

    #[test]
    fn resets_and_goodbyes() {
        let mut link = Link::new("http");
        for slot in 0..3 {
            link.begin(slot, GET, false);
        }
        let mut bytes = Vec::new();
        frame::write_cancel(1, &mut bytes);
        assert_eq!(receive(&mut link, &bytes), Ok(vec![Event::Reset { slot: 0 }]));
        bytes.clear();
        frame::write_head(7, 0, 0, 8, &mut bytes);
        bytes.extend_from_slice(&[0, 0, 0, 3, 0, 0, 0, 0]);
        assert_eq!(receive(&mut link, &bytes), Ok(vec![Event::Unserved { slot: 2 }]));
        assert!(!link.has_room() && !link.is_over());
        assert_eq!(receive(&mut link, &answer(3, "200", b"")).map(|events| events.len()), Ok(1));
        assert!(link.is_over());
    }

    #[track_caller]
    fn check_malformed(is_head: bool, bytes: &[u8], want: Malformed) {
        let mut link = Link::new("http");
        link.begin(0, GET, is_head);
        assert_eq!(receive(&mut link, bytes), Err(want));
    }

    #[test]
    fn what_no_server_may_say() {
        let (mut data, mut short) = (Vec::new(), Vec::new());
        frame::write_data(1, b"x", true, &mut data);
        let block = Encoder::new().encode([(&b":status"[..], &b"200"[..]), (b"content-length", b"5")]);
        frame::write_headers(1, &block, false, &mut short);
        frame::write_data(1, b"four", true, &mut short);
        check_malformed(false, &data, Malformed::Frame);
        check_malformed(false, &short, Malformed::Length);
        check_malformed(true, &answer(1, "200", b"x"), Malformed::Length);
        check_malformed(false, &answer(1, "100", b""), Malformed::Head);
        check_malformed(false, &answer(3, "200", b""), Malformed::Frame);
        check_malformed(false, &answer(2, "200", b""), Malformed::Frame);
        let split = [&answer(1, "200", b"x")[..], &answer(1, "200", b"")].concat();
        let mut link = Link::new("http");
        link.begin(0, GET, false);
        assert!(receive(&mut link, &split).is_ok(), "what comes late for a stream that is over");
    }
}
