//! Counts what a client of HTTP/2 sends beside requests. Frames that ask for nothing cost a server work and a client hardly
//! anything: floods of PING, SETTINGS, PRIORITY and empty DATA (CVE-2019-9512, 9513, 9515, 9518), tiny window updates
//! (CVE-2019-9511, 9517), requests that are cancelled at once (CVE-2023-44487).
//!
//! Looks at the heads of frames as they go by, and changes nothing. What is wrong with a frame, `h2` finds.
//!
//! ```text
//! Preface ─► Head ─► Payload ─┐
//!             ▲───────────────┘
//! ```

use crate::limits;

/// The frames that one client sends.
#[derive(Clone, Debug)]
pub struct Guard {
    place: Place,
    /// Whether the header block that has begun goes on in the next frame.
    in_block: bool,
    /// Whether the first frame has come.
    is_greeted: bool,
    /// How many things have begun: frames, and header blocks of several frames.
    begun: u64,
    awaited: Awaited,
    controls: Budget,
    resets: Budget,
    updates: Budget,
}

/// Where in the stream of frames the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Place {
    Preface { left: usize },
    Head { bytes: [u8; FRAME_HEAD_BYTES], have: usize },
    Payload { left: usize },
}

/// What has begun to arrive and is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Nothing has.
    Nothing,
    /// The preface, a header block or another small frame.
    Head,
    /// A DATA frame.
    Content,
}

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// The first frame is not SETTINGS (RFC 9113 section 3.4).
    Preface,
    /// A flood of frames that ask for nothing.
    Controls,
    /// A flood of requests that are taken back.
    Resets,
    /// A flood of window updates that open little.
    Updates,
}

impl Offence {
    /// For the log.
    pub fn text(self) -> &'static str {
        match self {
            Self::Preface => "a preface without settings",
            Self::Controls => "a flood of control frames",
            Self::Resets => "a flood of resets",
            Self::Updates => "a flood of window updates",
        }
    }
}

/// The head of a frame (RFC 9113 section 4.1).
const FRAME_HEAD_BYTES: usize = 9;
const PREFACE_BYTES: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

impl Guard {
    /// Before the preface.
    pub fn new() -> Self {
        Self {
            place: Place::Preface { left: PREFACE_BYTES },
            in_block: false,
            is_greeted: false,
            begun: 0,
            awaited: Awaited::Head,
            controls: Budget::new(limits::HTTP2_CONTROL_FRAMES_MAX, limits::HTTP2_CONTROL_FRAMES_PER_S),
            resets: Budget::new(limits::HTTP2_RESETS_MAX, limits::HTTP2_RESETS_PER_S),
            updates: Budget::new(limits::HTTP2_WINDOW_UPDATES_MAX, limits::HTTP2_WINDOW_UPDATES_PER_S),
        }
    }

    /// Looks at bytes received.
    pub fn observe(&mut self, mut bytes: &[u8], now_ms: u64) -> Result<(), Offence> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Preface { left } | Place::Payload { left } => {
                    let taken = bytes.len().min(*left);
                    bytes = &bytes[taken..];
                    *left -= taken;
                    if *left == 0 {
                        self.complete();
                    }
                }
                Place::Head { bytes: head, have } => {
                    let taken = bytes.len().min(FRAME_HEAD_BYTES - *have);
                    head[*have..*have + taken].copy_from_slice(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    *have += taken;
                    let (head, have) = (*head, *have);
                    self.begin();
                    if have == FRAME_HEAD_BYTES {
                        self.frame(head, now_ms)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A request has been answered to its end.
    pub fn answered(&mut self) {
        self.resets.give(1);
        self.updates.give(limits::HTTP2_WINDOW_UPDATES_PER_ANSWER);
    }

    /// So many bytes have been sent.
    pub fn sent(&mut self, bytes: usize) {
        let frames = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(1);
        self.updates.give(frames.saturating_mul(limits::HTTP2_WINDOW_UPDATES_PER_KIB));
    }

    /// What is to come, and a number that is another one for each thing awaited.
    pub fn awaited(&self) -> (Awaited, u64) {
        (self.awaited, self.begun)
    }

    fn begin(&mut self) {
        if self.awaited == Awaited::Nothing {
            (self.awaited, self.begun) = (Awaited::Head, self.begun + 1);
        }
    }

    fn complete(&mut self) {
        self.place = Place::Head { bytes: [0; FRAME_HEAD_BYTES], have: 0 };
        if !self.in_block {
            self.awaited = Awaited::Nothing;
        }
    }

    fn frame(&mut self, head: [u8; FRAME_HEAD_BYTES], now_ms: u64) -> Result<(), Offence> {
        let [high, middle, low, kind, flags, ..] = head;
        let bytes = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if !std::mem::replace(&mut self.is_greeted, true) && (kind != SETTINGS || flags & ACK != 0) {
            return Err(Offence::Preface);
        }
        self.count(kind, flags, bytes, now_ms)?;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.in_block = flags & END_HEADERS == 0;
        } else if kind == DATA {
            self.awaited = Awaited::Content;
        }
        self.place = Place::Payload { left: bytes };
        if bytes == 0 {
            self.complete();
        }
        Ok(())
    }

    fn count(&mut self, kind: u8, flags: u8, bytes: usize, now_ms: u64) -> Result<(), Offence> {
        let (budget, flood) = match kind {
            DATA if bytes > 0 || flags & END_STREAM != 0 => return Ok(()),
            HEADERS => {
                self.controls.give(limits::HTTP2_CONTROL_FRAMES_PER_REQUEST);
                return Ok(());
            }
            // `h2` counts them by the size of the header list.
            CONTINUATION => return Ok(()),
            RST_STREAM => (&mut self.resets, Offence::Resets),
            WINDOW_UPDATE => (&mut self.updates, Offence::Updates),
            _ => (&mut self.controls, Offence::Controls),
        };
        if budget.take(now_ms) { Ok(()) } else { Err(flood) }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

/// So many at once, and so many a second.
#[derive(Clone, Copy, Debug)]
struct Budget {
    max: u32,
    per_s: u32,
    left: u32,
    /// Up to when time has been counted.
    at_ms: Option<u64>,
}

impl Budget {
    fn new(max: u32, per_s: u32) -> Self {
        Self { max, per_s, left: max, at_ms: None }
    }

    fn give(&mut self, count: u32) {
        self.left = self.left.saturating_add(count).min(self.max);
    }

    fn take(&mut self, now_ms: u64) -> bool {
        let at_ms = *self.at_ms.get_or_insert(now_ms);
        let earned = now_ms.saturating_sub(at_ms).saturating_mul(u64::from(self.per_s)) / 1000;
        if earned > 0 {
            self.at_ms = Some(now_ms);
            self.give(u32::try_from(earned).unwrap_or(u32::MAX));
        }
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0, (payload >> 8) as u8, payload as u8, kind, flags, 0, 0, 0, 1];
        bytes.resize(bytes.len() + payload, 0);
        bytes
    }

    fn begun() -> Guard {
        let mut guard = Guard::new();
        assert_eq!(guard.observe(&[0; PREFACE_BYTES], 0), Ok(()));
        assert_eq!(guard.observe(&frame(SETTINGS, 0, 0), 0), Ok(()));
        guard
    }

    /// How many such frames pass at once.
    fn passing(mut guard: Guard, frame: &[u8]) -> u32 {
        (0..100_000).take_while(|_| guard.observe(frame, 0).is_ok()).count() as u32
    }

    #[test]
    fn floods_end() {
        for (kind, flags, payload, want) in [
            (6, 0, 8, limits::HTTP2_CONTROL_FRAMES_MAX - 1),  // PING
            (4, 0, 0, limits::HTTP2_CONTROL_FRAMES_MAX - 1),  // SETTINGS
            (2, 0, 5, limits::HTTP2_CONTROL_FRAMES_MAX - 1),  // PRIORITY
            (0, 0, 0, limits::HTTP2_CONTROL_FRAMES_MAX - 1),  // empty DATA
            (99, 0, 1, limits::HTTP2_CONTROL_FRAMES_MAX - 1), // unknown
            (3, 0, 4, limits::HTTP2_RESETS_MAX),
            (8, 0, 4, limits::HTTP2_WINDOW_UPDATES_MAX),
            (0, 0, 1, 100_000),
            (0, END_STREAM, 0, 100_000),
            (1, END_HEADERS, 9, 100_000),
        ] {
            assert_eq!(passing(begun(), &frame(kind, flags, payload)), want, "kind {kind}");
        }
    }

    #[test]
    fn settings_come_first() {
        for (kind, flags) in [(HEADERS, END_HEADERS), (6, 0), (SETTINGS, ACK)] {
            let mut guard = Guard::new();
            assert_eq!(guard.observe(&[0; PREFACE_BYTES], 0), Ok(()));
            assert_eq!(guard.observe(&frame(kind, flags, 0), 0), Err(Offence::Preface));
        }
    }

    #[test]
    fn time_and_work_give_back() {
        let mut guard = begun();
        let reset = frame(RST_STREAM, 0, 4);
        for _ in 0..limits::HTTP2_RESETS_MAX {
            assert_eq!(guard.observe(&reset, 0), Ok(()));
        }
        let second = 1000;
        for _ in 0..limits::HTTP2_RESETS_PER_S {
            assert_eq!(guard.observe(&reset, second), Ok(()));
        }
        guard.answered();
        assert_eq!(guard.observe(&reset, second), Ok(()));
        assert_eq!(guard.observe(&reset, second), Err(Offence::Resets));
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut guard = Guard::new();
        let mut bytes = [vec![0; PREFACE_BYTES], frame(SETTINGS, 0, 0)].concat();
        for _ in 1..limits::HTTP2_CONTROL_FRAMES_MAX {
            bytes.extend(frame(6, 0, 8));
        }
        for byte in &bytes {
            assert_eq!(guard.observe(&[*byte], 0), Ok(()));
        }
        let last: Vec<Result<(), Offence>> =
            frame(6, 0, 0).iter().map(|byte| guard.observe(&[*byte], 0)).collect();
        assert_eq!(last.last(), Some(&Err(Offence::Controls)));
    }

    #[track_caller]
    fn check_awaited(pieces: &[(&[u8], Awaited)]) {
        let mut guard = begun();
        let mut last = (Awaited::Nothing, 0);
        for (piece, want) in pieces {
            guard.observe(piece, 0).expect("no flood");
            assert_eq!(guard.awaited().0, *want, "{piece:?}");
            assert!(guard.awaited().1 >= last.1);
            last = guard.awaited();
        }
    }

    #[test]
    fn what_has_begun_is_awaited() {
        let (data, block) = (frame(DATA, 0, 3), frame(HEADERS, 0, 1));
        check_awaited(&[
            (&data[..4], Awaited::Head),
            (&data[4..10], Awaited::Content),
            (&data[10..], Awaited::Nothing),
        ]);
        check_awaited(&[
            (&block, Awaited::Head),
            (&frame(CONTINUATION, 0, 1), Awaited::Head),
            (&frame(CONTINUATION, END_HEADERS, 0), Awaited::Nothing),
        ]);
    }

    #[test]
    fn a_block_in_many_frames_is_one_thing() {
        let mut guard = begun();
        guard.observe(&frame(HEADERS, 0, 1), 0).expect("no flood");
        let first = guard.awaited();
        guard.observe(&frame(CONTINUATION, 0, 1), 0).expect("no flood");
        assert_eq!(guard.awaited(), first);
    }
}
