//! The head of an origin's response.

use super::scan::{self, Kind, Progress};
use super::{BodyFraming, FIELDS_MAX, Field, Fields, HeadError, HeadLimits, KnownField, Version, diagnose};
use std::mem::{self, MaybeUninit};
use std::ops::Range;

/// A response head: the bytes received, and where its parts lie in them. The reason phrase is ignored.
///
/// Everything but the buffer is meaningful only after [`parse`](Self::parse) has returned `Some`, and as long as
/// the buffer keeps the bytes of the head.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    bytes: Vec<u8>,
    fields: Fields,
    progress: Progress,
    status: u16,
    version: Version,
    framing: BodyFraming,
    reuse: Reuse,
}

/// Whether another request may be sent on the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reuse {
    #[default]
    Close,
    KeepAlive,
}

impl ResponseHead {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it for the next response and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.restart();
    }

    /// Removes the head; what was received behind it becomes the beginning of the next one. This is how an interim
    /// response (1xx) is passed over.
    pub fn advance(&mut self) {
        self.bytes.drain(..self.progress.end());
        self.restart();
    }

    /// The buffer that received bytes are appended to. Bytes in it must stay as they are until `clear`.
    pub fn buffer_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Looks whether the head is complete: the number of its bytes, or `None` when more must be received.
    ///
    /// `request_was_head` says that the response answers a `HEAD` request and so has no body. An error is final;
    /// whichever it is, the client gets a 504 (network error).
    pub fn parse(&mut self, limits: &HeadLimits, request_was_head: bool) -> Result<Option<usize>, HeadError> {
        let scan = match &mut self.progress {
            Progress::Complete { end } => return Ok(Some(*end)),
            Progress::Receiving(scan) => scan,
        };
        if scan.is_fresh() {
            let start_line = scan::start_line(Kind::Response, &self.bytes);
            // Whatever is wrong or missing, the slow path below finds it in due order.
            if let Ok(end) = self.read(start_line..self.bytes.len(), limits, request_was_head) {
                self.progress = Progress::Complete { end };
                return Ok(Some(end));
            }
        }
        self.parse_pieces(limits, request_was_head)
    }

    /// The bytes behind the head.
    pub fn surplus(&self) -> &[u8] {
        &self.bytes[self.progress.end()..]
    }

    /// Drops the bytes behind the head.
    pub fn drop_surplus(&mut self) {
        self.bytes.truncate(self.progress.end());
    }

    /// The status code, 100 to 599 without 101.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// True for 1xx: the response proper is still to come (RFC 9110 section 15.2).
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// The version of the message.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the body behind the head ends.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// True when another request may be sent on the connection, once the body has been read.
    pub fn keeps_alive(&self) -> bool {
        self.reuse == Reuse::KeepAlive
    }

    /// The field lines in the order received.
    pub fn fields(&self) -> &[Field] {
        self.fields.list()
    }

    /// The field lines together with the set of the known ones among them.
    pub fn field_set(&self) -> &Fields {
        &self.fields
    }

    /// The name of one of the [`fields`](Self::fields), as sent.
    pub fn name(&self, field: &Field) -> &[u8] {
        field.name.of(&self.bytes)
    }

    /// The value of one of the [`fields`](Self::fields), without white space around it. Not necessarily UTF-8.
    pub fn value(&self, field: &Field) -> &[u8] {
        field.value.of(&self.bytes)
    }

    /// The whole line of one of the [`fields`](Self::fields) with its line break, if it is written `name: value`.
    pub fn line(&self, field: &Field) -> Option<&[u8]> {
        Fields::line(&self.bytes, field)
    }

    /// The values of all fields with this name, in the order received; ASCII case is ignored.
    pub fn find<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields.find(&self.bytes, name)
    }

    /// The value of the first field of this kind.
    pub fn first(&self, known: KnownField) -> Option<&[u8]> {
        self.fields.first(known).map(|value| value.of(&self.bytes))
    }

    /// The bytes of the head, from the version to the empty line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.progress.end()]
    }

    fn restart(&mut self) {
        self.fields.clear();
        let (bytes, fields) = (mem::take(&mut self.bytes), mem::take(&mut self.fields));
        *self = Self { bytes, fields, ..Self::default() };
    }

    /// Goes on with a head that arrives in pieces.
    fn parse_pieces(
        &mut self,
        limits: &HeadLimits,
        request_was_head: bool,
    ) -> Result<Option<usize>, HeadError> {
        let Progress::Receiving(scan) = &mut self.progress else { return Ok(Some(self.progress.end())) };
        let Some(head) = scan.find_end(Kind::Response, &self.bytes, limits)? else { return Ok(None) };
        let end = self.read(head, limits, request_was_head)?;
        self.progress = Progress::Complete { end };
        Ok(Some(end))
    }

    /// Reads the head that `range` of the buffer begins with; returns where it ends.
    fn read(
        &mut self,
        range: Range<usize>,
        limits: &HeadLimits,
        request_was_head: bool,
    ) -> Result<usize, HeadError> {
        let bytes = &self.bytes[..];
        let received = &bytes[range.clone()];
        let mut headers = [MaybeUninit::uninit(); FIELDS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let length = match config.parse_response_with_uninit_headers(&mut response, received, &mut headers) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Err(HeadError::StatusLine),
            Err(error) => return Err(diagnose::response(received, error)),
        };
        scan::check_whole(Kind::Response, &received[..length], response.headers, limits)?;
        self.status = check_status(response.code.unwrap_or_default())?;
        self.version = Version::of_minor(response.version);
        self.fields.fill(bytes, response.headers)?;
        let declared = self.fields.framing(bytes, Kind::Response, self.version)?;
        self.framing = body_framing(self.status, request_was_head, declared);
        self.reuse = self.decide_reuse(declared);
        Ok(range.start + length)
    }

    fn decide_reuse(&self, declared: BodyFraming) -> Reuse {
        // RFC 9110 sections 15.2 and 15.3.5: these have no body, and must not announce one. An origin that does is
        // as likely to send it, so nothing behind it can be trusted.
        let has_forbidden_body = (self.status < 200 || self.status == 204)
            && !matches!(declared, BodyFraming::None | BodyFraming::Length(0));
        if has_forbidden_body || self.framing == BodyFraming::UntilClose {
            return Reuse::Close;
        }
        if self.fields.keep_alive(&self.bytes, self.version) { Reuse::KeepAlive } else { Reuse::Close }
    }
}

/// RFC 9110 section 15: outside of 100 to 599 is not a status.
fn check_status(status: u16) -> Result<u16, HeadError> {
    match status {
        101 => Err(HeadError::SwitchingProtocols),
        100..600 => Ok(status),
        _ => Err(HeadError::StatusLine),
    }
}

/// RFC 9112 section 6.3, rules 1 to 8 that concern responses.
fn body_framing(status: u16, request_was_head: bool, declared: BodyFraming) -> BodyFraming {
    match (status, declared) {
        _ if request_was_head => BodyFraming::None,
        (100..200 | 204 | 304, _) => BodyFraming::None,
        (_, BodyFraming::None) => BodyFraming::UntilClose,
        (_, declared) => declared,
    }
}
