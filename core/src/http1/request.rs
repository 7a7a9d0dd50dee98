//! The head of a request.

use super::request_line::RequestLine;
use super::scan::{self, Kind, Progress};
use super::target::{self, Target};
use super::{BodyFraming, FIELDS_MAX, Field, Fields, HeadError, HeadLimits, KnownField, Version};
use super::{codings, diagnose};
use crate::span::Span;
use std::mem::{self, MaybeUninit};
use std::ops::Range;

/// A request head: the bytes received, and where its parts lie in them. Made once per connection and used again
/// for every request on it, so that parsing allocates only while the buffers still grow.
///
/// Everything but the buffer is meaningful only after [`parse`](Self::parse) has returned `Some`, and as long as
/// the buffer keeps the bytes of the head.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    pub(super) bytes: Vec<u8>,
    pub(super) fields: Fields,
    pub(super) progress: Progress,
    pub(super) method: Span,
    pub(super) path: Span,
    pub(super) query: Option<Span>,
    pub(super) host: Span,
    pub(super) version: Version,
    pub(super) framing: BodyFraming,
}

impl RequestHead {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it for the next request and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.restart();
    }

    /// Removes the head; what was received behind it becomes the beginning of the next one.
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
    /// What lies behind the head is the beginning of the body or of the next request; see
    /// [`surplus`](Self::surplus). An error is final.
    pub fn parse(&mut self, limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
        let scan = match &mut self.progress {
            Progress::Complete { end } => return Ok(Some(*end)),
            Progress::Receiving(scan) => scan,
        };
        if scan.is_fresh() {
            let start_line = scan::start_line(Kind::Request, &self.bytes);
            // Whatever is wrong or missing, the slow path below finds it in due order.
            if let Ok(end) = self.read(start_line..self.bytes.len(), limits) {
                self.progress = Progress::Complete { end };
                return Ok(Some(end));
            }
        }
        self.parse_pieces(limits)
    }

    /// The bytes behind the head.
    pub fn surplus(&self) -> &[u8] {
        &self.bytes[self.progress.end()..]
    }

    /// Drops the bytes behind the head.
    pub fn drop_surplus(&mut self) {
        self.bytes.truncate(self.progress.end());
    }

    /// The method as sent; a token, of any case.
    pub fn method(&self) -> &[u8] {
        self.method.of(&self.bytes)
    }

    /// The path as sent, without query; `*` for `OPTIONS *`, never empty. It may hold any byte but controls and spaces,
    /// so it is neither always UTF-8 nor fit for a URI: see [`crate::values::write_sent`].
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { self.path.of(&self.bytes) }
    }

    /// The query as sent, without `?`; `Some` and empty for a bare `?`. Its bytes are like those of the path.
    pub fn query(&self) -> Option<&[u8]> {
        self.query.map(|query| query.of(&self.bytes))
    }

    /// The host as sent, with its port if any; empty only for HTTP/1.0 without `Host`.
    pub fn host(&self) -> &[u8] {
        self.host.of(&self.bytes)
    }

    /// The version of the message.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the body behind the head ends; never [`BodyFraming::UntilClose`].
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// The transfer codings below `chunked`, in the order applied, with their parameters; almost always none. The
    /// decoded body still has them. Meaningful only when the [`framing`](Self::framing) is [`BodyFraming::Chunked`].
    pub fn transfer_codings(&self) -> impl Iterator<Item = &[u8]> {
        codings::below_chunked(self.find(b"transfer-encoding"))
    }

    /// True when the client wants to send another request behind this one (RFC 9112 section 9.3).
    pub fn keeps_alive(&self) -> bool {
        self.fields.keep_alive(&self.bytes, self.version)
    }

    /// True when the client waits for `100 Continue` before it sends the body; HTTP/1.0 cannot
    /// (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.version != Version::Http10
            && self.framing != BodyFraming::None
            && self.fields.list_has(&self.bytes, KnownField::Expect, b"100-continue")
    }

    /// True when a member of the list in field `known` is `token`, ASCII case ignored.
    pub fn lists(&self, known: KnownField, token: &[u8]) -> bool {
        self.fields.list_has(&self.bytes, known, token)
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

    /// The bytes of the head, from the method to the empty line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.progress.end()]
    }

    fn restart(&mut self) {
        self.fields.clear();
        let (bytes, fields) = (mem::take(&mut self.bytes), mem::take(&mut self.fields));
        *self = Self { bytes, fields, ..Self::default() };
    }

    /// Goes on with a head that arrives in pieces.
    fn parse_pieces(&mut self, limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
        let Progress::Receiving(scan) = &mut self.progress else { return Ok(Some(self.progress.end())) };
        let Some(head) = scan.find_end(Kind::Request, &self.bytes, limits)? else { return Ok(None) };
        let end = self.read(head, limits)?;
        self.progress = Progress::Complete { end };
        Ok(Some(end))
    }

    /// Reads the head that `range` of the buffer begins with; returns where it ends.
    fn read(&mut self, range: Range<usize>, limits: &HeadLimits) -> Result<usize, HeadError> {
        let bytes = &self.bytes[..];
        let received = &bytes[range.clone()];
        let mut headers = [MaybeUninit::uninit(); FIELDS_MAX];
        let mut request = httparse::Request::new(&mut []);
        // For the rare request line that we read ourselves; filled only then.
        let mut spare_headers;
        let (line, headers, length) = match request.parse_with_uninit_headers(received, &mut headers) {
            Ok(httparse::Status::Complete(length)) => {
                (RequestLine::parsed(&request), &*request.headers, length)
            }
            Ok(httparse::Status::Partial) => return Err(HeadError::RequestLine),
            Err(error) => {
                spare_headers = [httparse::EMPTY_HEADER; FIELDS_MAX];
                read_unusual(received, error, &mut spare_headers)?
            }
        };
        scan::check_whole(Kind::Request, &received[..length], headers, limits)?;
        let target = Target::parse(line.method, line.target)?;
        self.version = line.version;
        self.fields.fill(bytes, headers)?;
        self.framing = self.fields.framing(bytes, Kind::Request, self.version)?;
        let host = self.fields.first(KnownField::Host).map(|host| host.of(bytes));
        let host = target::host(self.version, host, target.authority)?;
        // The host of a request without one is no part of the buffer.
        self.host = if host.is_empty() { Span::default() } else { Span::within(bytes, host) };
        self.method = Span::within(bytes, line.method);
        self.path = Span::within(bytes, target.path);
        self.query = target.query.map(|query| Span::within(bytes, query));
        Ok(range.start + length)
    }
}

/// Reads a head whose request line httparse has refused with `error`, though it may be one that we accept.
#[cold]
fn read_unusual<'b: 'h, 'h>(
    head: &'b [u8],
    error: httparse::Error,
    headers: &'h mut [httparse::Header<'b>],
) -> Result<(RequestLine<'b>, &'h [httparse::Header<'b>], usize), HeadError> {
    // Other errors lie behind the target.
    let split = if error == httparse::Error::Token { RequestLine::split(head) } else { None };
    let (line, fields) = split.ok_or_else(|| diagnose::request(head, error))?;
    match httparse::parse_headers(fields, headers) {
        Ok(httparse::Status::Complete((length, headers))) => {
            Ok((line, headers, head.len() - fields.len() + length))
        }
        Ok(httparse::Status::Partial) => Err(HeadError::RequestLine),
        Err(error) => Err(diagnose::request(head, error)),
    }
}
