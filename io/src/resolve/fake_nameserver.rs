//! A name server for tests: it answers one question for A and one for AAAA, in the order in which they come.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use simple_dns::rdata::{A, AAAA, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord, TYPE};

/// What it sends to a question.
pub(super) type Replies = &'static [Reply];

/// One datagram that the fake name server sends to a question.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    /// These records: owner, seconds, type and data.
    Records(&'static [(&'static str, u32, &'static str)]),
    /// The same, but truncated.
    Truncated(&'static [(&'static str, u32, &'static str)]),
    /// An error.
    Fails(RCODE),
    /// To another identifier.
    OtherId(u32),
    /// To another question.
    OtherQuestion(&'static str, u32),
    /// From another socket.
    OtherSource(u32),
    /// A query with an answer in it.
    NoResponse(u32),
    /// Not DNS.
    Garbage(&'static [u8]),
}

/// The name server, running.
pub(super) struct Nameserver {
    pub(super) address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Nameserver {
    pub(super) fn start(to_a: Replies, to_aaaa: Replies) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let address = socket.local_addr().expect("its address");
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                let mut datagram = [0; 512];
                let (length, peer) = socket.recv_from(&mut datagram).expect("a question");
                let question = Packet::parse(&datagram[..length]).expect("a packet");
                assert!(question.has_flags(PacketFlag::RECURSION_DESIRED));
                let is_a = question.questions[0].qtype == TYPE::A.into();
                for reply in if is_a { to_a } else { to_aaaa } {
                    reply.send(&question, &socket, peer);
                }
            }
        });
        Self { address, thread }
    }

    pub(super) fn stop(self) {
        self.thread.join().expect("the fake name server");
    }
}

impl Reply {
    fn send(self, question: &Packet<'_>, socket: &UdpSocket, peer: SocketAddr) {
        let mut packet = question.clone().into_reply();
        let mut other_source = None;
        match self {
            Self::Records(records) => packet.answers = records.iter().map(record).collect(),
            Self::Truncated(records) => {
                packet.answers = records.iter().map(record).collect();
                packet.set_flags(PacketFlag::TRUNCATION);
            }
            Self::Fails(code) => *packet.rcode_mut() = code,
            Self::OtherId(ttl) => {
                packet.answers = vec![address(ttl)];
                packet.set_id(question.id().wrapping_add(0x1234));
            }
            Self::OtherQuestion(host, ttl) => {
                packet.answers = vec![address(ttl)];
                packet.questions[0].qname = Name::new_unchecked(host);
            }
            Self::OtherSource(ttl) => {
                packet.answers = vec![address(ttl)];
                other_source = Some(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
            }
            Self::NoResponse(ttl) => {
                packet = question.clone();
                packet.answers = vec![address(ttl)];
            }
            Self::Garbage(bytes) => {
                socket.send_to(bytes, peer).expect("send");
                return;
            }
        }
        let bytes = packet.build_bytes_vec_compressed().expect("bytes");
        // The other side may have heard enough.
        let _ = other_source.as_ref().unwrap_or(socket).send_to(&bytes, peer);
    }
}

fn address(ttl: u32) -> ResourceRecord<'static> {
    record(&("api.test", ttl, "10.0.0.1"))
}

fn record(&(owner, ttl, data): &(&'static str, u32, &'static str)) -> ResourceRecord<'static> {
    let data = match (data.parse::<Ipv4Addr>(), data.parse::<Ipv6Addr>()) {
        (Ok(address), _) => RData::A(A::from(address)),
        (_, Ok(address)) => RData::AAAA(AAAA::from(address)),
        _ => RData::CNAME(CNAME(Name::new_unchecked(data))),
    };
    ResourceRecord::new(Name::new_unchecked(owner), CLASS::IN, ttl, data)
}
