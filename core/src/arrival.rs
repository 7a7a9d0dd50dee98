//! The identity of a request: its ids, its trace, when and from where it came.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::cidr::Cidr;
use crate::auth::forwarded;
use crate::clock::Now;
use crate::http1::{KnownField, RequestHead};
use crate::tls::client::{ClientCertificate, Mutual};

/// Random bits for one request: half for the request id, half for the extended id and the trace.
pub type Entropy = [u64; 4];

/// Length of an IPv6 address with an embedded IPv4 one, the longest address text.
const ADDRESS_BYTES_MAX: usize = 45;

/// An address with its text, kept inline; `bytes <= ADDRESS_BYTES_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressText {
    address: IpAddr,
    text: [u8; ADDRESS_BYTES_MAX],
    bytes: usize,
}

impl Default for AddressText {
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), text: [0; ADDRESS_BYTES_MAX], bytes: 0 }
    }
}

impl std::fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.bytes + text.len();
        self.text.get_mut(self.bytes..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.bytes = end;
        Ok(())
    }
}

impl AddressText {
    /// The text of `address`; an IPv4 address mapped into IPv6 is written as IPv4.
    pub fn new(address: IpAddr) -> Self {
        let mut text = Self { address: address.to_canonical(), ..Self::default() };
        let written = write!(text, "{}", address.to_canonical());
        debug_assert!(written.is_ok(), "no address is longer than ADDRESS_BYTES_MAX");
        text
    }

    /// The address; an IPv4 address mapped into IPv6 is that IPv4 address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.bytes]
    }
}

/// The connection that requests come by.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address of whoever has connected: the client, or a proxy.
    pub source_ip: AddressText,
    /// The listener's port, for `X-Forwarded-Port`.
    pub listener_port: u16,
    /// The listener's position in the configuration.
    pub listener: u16,
    /// What its TLS session has agreed on, if it has one.
    pub tls: Option<Rc<PeerTls>>,
}

/// What a client's TLS session has agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTls {
    /// `$context.tlsVersion`: `TLSv1.2`, `TLSv1.3`
    pub version: &'static str,
    /// `$context.cipherSuite`
    pub cipher: &'static str,
    /// What came of asking the client for its certificate, if it was asked.
    pub mutual: Option<Mutual>,
}

impl PeerTls {
    /// `$context.identity.clientCert`
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.mutual.as_ref().map(|mutual| &mutual.certificate)
    }
}

/// The identity of one request.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When its head was whole.
    pub now: Now,
    /// The client's address (`$context.identity.sourceIp`).
    pub source_ip: AddressText,
    /// The address of whoever has connected.
    pub peer_ip: AddressText,
    /// Whether the client has come by TLS, to us or, as a trusted proxy says, to that.
    pub is_secure: bool,
    /// The listener's port.
    pub listener_port: u16,
    /// The listener's position in the configuration.
    pub listener: u16,
    /// The TLS session that it has come by.
    pub tls: Option<Rc<PeerTls>>,
    /// `x-amz-apigw-id`.
    pub extended_request_id: [u8; 16],
    request_id: [u8; 36],
    trace_root: [u8; 35],
    trace_parent: [u8; 16],
}

impl Default for Arrival {
    fn default() -> Self {
        Self {
            now: Now::default(),
            source_ip: AddressText::default(),
            peer_ip: AddressText::default(),
            is_secure: false,
            listener_port: 0,
            listener: 0,
            tls: None,
            extended_request_id: [b'A'; 16],
            request_id: [b'0'; 36],
            trace_root: [b'0'; 35],
            trace_parent: [b'0'; 16],
        }
    }
}

impl Arrival {
    /// Names a new request. A client that sends a UUID as `x-amzn-RequestId` chooses the request id itself (AWS:
    /// "Set up CloudWatch logging").
    pub fn name(&mut self, request: &RequestHead, peer: &Peer, now: Now, entropy: Entropy) {
        self.now = now;
        (self.source_ip, self.peer_ip, self.is_secure) = (peer.source_ip, peer.source_ip, peer.tls.is_some());
        self.tls.clone_from(&peer.tls);
        (self.listener_port, self.listener) = (peer.listener_port, peer.listener);
        match request.first(KnownField::XAmznRequestId).filter(|id| is_uuid(id)) {
            Some(id) => self.request_id.copy_from_slice(id),
            None => self.request_id = uuid(entropy[0], entropy[1]),
        }
        self.extended_request_id = extended_id(entropy[2], entropy[3]);
        self.trace_root = trace_root(now.unix_ms / 1000, entropy[1], entropy[2]);
        hex(&mut self.trace_parent, entropy[3]);
    }

    /// Finds out whose request a proxy passes on, if it is one that is trusted.
    pub fn look_behind(&mut self, request: &RequestHead, trusted: &[Cidr]) {
        let peer = self.peer_ip.address();
        if !trusted.iter().any(|range| range.contains(peer)) {
            return;
        }
        let values: Vec<&[u8]> = request.find(b"x-forwarded-for").collect();
        self.source_ip = AddressText::new(forwarded::client(peer, trusted, values.into_iter()));
        let proto = request.first(KnownField::XForwardedProto);
        if let Some(proto) = proto {
            self.is_secure = proto.eq_ignore_ascii_case(b"https");
        }
    }

    /// `x-amzn-RequestId`.
    pub fn request_id(&self) -> &[u8; 36] {
        &self.request_id
    }

    /// The trace's root: the client's, or ours.
    pub fn trace_root<'a>(&'a self, request: &'a RequestHead) -> &'a [u8] {
        trace_part(request, b"Root").unwrap_or(&self.trace_root)
    }

    /// Appends the `X-Amzn-Trace-Id` value. What the client sent stays; a missing parent is made up and counts as not
    /// sampled, a parent without decision counts as sampled.
    pub fn write_trace(&self, request: &RequestHead, out: &mut Vec<u8>) {
        let parent = trace_part(request, b"Parent");
        let decision: &[u8] = if parent.is_some() { b"1" } else { b"0" };
        out.extend_from_slice(b"Root=");
        out.extend_from_slice(self.trace_root(request));
        out.extend_from_slice(b";Parent=");
        out.extend_from_slice(parent.unwrap_or(&self.trace_parent));
        out.extend_from_slice(b";Sampled=");
        out.extend_from_slice(trace_part(request, b"Sampled").unwrap_or(decision));
    }
}

/// The value of `name=` in the client's trace header.
fn trace_part<'a>(request: &'a RequestHead, name: &[u8]) -> Option<&'a [u8]> {
    let value = request.first(KnownField::XAmznTraceId)?;
    let mut parts = value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let part = parts.find_map(|part| {
        let (key, value) = part.split_at_checked(name.len())?;
        key.eq_ignore_ascii_case(name).then(|| value.strip_prefix(b"="))?
    });
    part.filter(|value| !value.is_empty())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes the lowest bits of `number`, as many digits as fit.
fn hex(text: &mut [u8], mut number: u64) {
    for place in text.iter_mut().rev() {
        *place = HEX[(number & 15) as usize];
        number >>= 4;
    }
}

/// A random UUID (RFC 9562 version 4).
pub fn uuid(high: u64, low: u64) -> [u8; 36] {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let mut text = [b'-'; 36];
    hex(&mut text[..8], high >> 32);
    hex(&mut text[9..13], high >> 16);
    hex(&mut text[14..18], high);
    hex(&mut text[19..23], low >> 48);
    hex(&mut text[24..], low);
    text
}

fn is_uuid(text: &[u8]) -> bool {
    let fits = |(place, byte): (usize, &u8)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.iter().enumerate().all(fits)
}

/// Eleven random bytes in base64: fifteen characters and a `=`.
fn extended_id(first: u64, second: u64) -> [u8; 16] {
    let mut bytes = [0; 11];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes()[..3]);
    let mut text = [b'='; 16];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(16));
    text
}

/// `1-{time in hex}-{96 random bits in hex}` (AWS X-Ray, "Tracing header").
fn trace_root(second: u64, first: u64, rest: u64) -> [u8; 35] {
    let mut text = [b'-'; 35];
    text[0] = b'1';
    hex(&mut text[2..10], second);
    hex(&mut text[11..27], first);
    hex(&mut text[27..], rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shapes() {
        let id = uuid(u64::MAX, u64::MAX);
        assert_eq!(&id, b"ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(is_uuid(&id));
        assert!(!is_uuid(b"ffffffff-ffff-4fff-bfff-fffffffffffg"));
        assert!(!is_uuid(b""));
        let extended = extended_id(1, 2);
        assert_eq!((extended.len(), extended[15], extended[14] != b'='), (16, b'=', true));
        assert_eq!(&trace_root(0x5759_e988, 0, 0xabc), b"1-5759e988-000000000000000000000abc");
    }

    #[test]
    fn addresses() {
        let text = |address: &str| AddressText::new(address.parse().expect("address")).as_bytes().to_vec();
        assert_eq!(text("127.0.0.1"), b"127.0.0.1");
        assert_eq!(text("::ffff:10.1.2.3"), b"10.1.2.3");
        assert_eq!(text("2001:db8::1"), b"2001:db8::1");
    }

    #[track_caller]
    fn check_trace(sent: Option<&str>, want: &str) {
        let mut request = RequestHead::new();
        let field = sent.map_or(String::new(), |value| format!("X-Amzn-Trace-Id: {value}\r\n"));
        request
            .buffer_mut()
            .extend_from_slice(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n").as_bytes());
        let parsed = request.parse(&crate::limits::Limits::default().request_head());
        assert!(matches!(parsed, Ok(Some(_))), "{parsed:?}");
        let arrival = Arrival { trace_root: [b'r'; 35], trace_parent: [b'p'; 16], ..Arrival::default() };
        let mut out = Vec::new();
        arrival.write_trace(&request, &mut out);
        let want = want.replace("OURS", &"r".repeat(35)).replace("MADE", &"p".repeat(16));
        assert_eq!(String::from_utf8(out).expect("ascii"), want);
    }

    #[test]
    fn traces() {
        check_trace(None, "Root=OURS;Parent=MADE;Sampled=0");
        check_trace(Some("Root=1-a-b"), "Root=1-a-b;Parent=MADE;Sampled=0");
        check_trace(Some("Root=1-a-b;Parent=c"), "Root=1-a-b;Parent=c;Sampled=1");
        check_trace(Some("Root=1-a-b; Parent=c; Sampled=0"), "Root=1-a-b;Parent=c;Sampled=0");
        check_trace(Some("nonsense"), "Root=OURS;Parent=MADE;Sampled=0");
        check_trace(Some("Root="), "Root=OURS;Parent=MADE;Sampled=0");
    }
}
