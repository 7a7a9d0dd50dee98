//! How long a name's addresses hold: the smallest time to live of its A and AAAA answers, from the name servers.
//!
//! Never learns an address: an answer that somebody forges can make a name be looked up more or less often, within
//! the limits below, and nothing else. Nothing here is an error; without a usable answer there is no time to live.
//! The name is asked for as it stands: one that the C library completes from `search` has no time to live.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question as Entry, RCODE, ResourceRecord, TYPE};

/// How long the name servers have to answer, all together.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a name server is listened to once that is over: for what it has sent already.
const LAST_LOOK: Duration = Duration::from_millis(1);
/// Datagrams of one name server that are looked at, good or bad.
const DATAGRAMS_MAX: usize = 32;
/// The longest answer that is asked for: it passes every network in one piece (DNS flag day 2020, RFC 9715).
const ANSWER_BYTES_MAX: u16 = 1232;
/// Aliases that are followed.
const ALIASES_MAX: usize = 16;
/// Shortest time to live; name servers that balance load send zero.
const TTL_MIN_S: u32 = 1;
/// Longest time to live: a backend that has moved is found within it.
const TTL_MAX_S: u32 = 3600;

/// Questions under way.
pub(super) struct Question {
    host: String,
    nameservers: Vec<Conversation>,
    deadline: Instant,
}

/// A name server and what it has been asked. The socket is connected, so that only its answers arrive.
struct Conversation {
    socket: UdpSocket,
    /// Identifier and record type.
    open: [(u16, TYPE); 2],
}

/// What a name server says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The smallest time to live of the addresses and the aliases that lead to them, in seconds.
    Holds(u32),
    /// There is no such address.
    Nothing,
}

/// Asks all name servers at once, and does not wait. Nothing is asked about `localhost`, which is none of their
/// business (RFC 6761 section 6.3).
pub(super) fn ask(host: &str, nameservers: &[SocketAddr]) -> Option<Question> {
    let name = Name::new(host).ok()?;
    if name.get_labels().last().is_none_or(|top| top.as_ref().eq_ignore_ascii_case(b"localhost")) {
        return None;
    }
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let conversations =
        nameservers.iter().filter_map(|&nameserver| Conversation::open(&name, nameserver).ok());
    Some(Question { host: host.to_owned(), nameservers: conversations.collect(), deadline })
}

impl Question {
    /// The time to live that the first name server to know one tells; waits until the timeout.
    pub(super) fn ttl(self) -> Option<Duration> {
        let name = Name::new(&self.host).ok()?;
        let mut nameservers = self.nameservers.iter();
        let seconds = nameservers.find_map(|nameserver| nameserver.smallest_ttl(&name, self.deadline))?;
        Some(Duration::from_secs(seconds.clamp(TTL_MIN_S, TTL_MAX_S).into()))
    }
}

impl Conversation {
    fn open(name: &Name<'_>, nameserver: SocketAddr) -> io::Result<Self> {
        let local: SocketAddr = match nameserver {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(local)?;
        socket.connect(nameserver)?;
        let first = fastrand::u16(..);
        let open = [(first, TYPE::A), (first ^ fastrand::u16(1..), TYPE::AAAA)];
        for (id, kind) in open {
            socket.send(&query(id, name, kind).map_err(io::Error::other)?)?;
        }
        Ok(Self { socket, open })
    }

    /// Listens until both questions are answered or there is no more time.
    fn smallest_ttl(&self, name: &Name<'_>, deadline: Instant) -> Option<u32> {
        let mut open = self.open.to_vec();
        let mut smallest = None;
        let mut datagram = [0; ANSWER_BYTES_MAX as usize];
        for _ in 0..DATAGRAMS_MAX {
            if open.is_empty() {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now()).max(LAST_LOOK);
            self.socket.set_read_timeout(Some(left)).ok()?;
            let length = match self.socket.recv(&mut datagram) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break, // too late, or nobody listens there
            };
            open.retain(|&(id, kind)| match read(&datagram[..length], id, name, kind) {
                Some(Answer::Holds(ttl)) => {
                    smallest = Some(smallest.map_or(ttl, |smallest: u32| smallest.min(ttl)));
                    false
                }
                Some(Answer::Nothing) => false,
                None => true,
            });
        }
        smallest
    }
}

fn query(id: u16, name: &Name<'_>, kind: TYPE) -> simple_dns::Result<Vec<u8>> {
    let mut query = Packet::new_query(id);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    query.questions.push(Entry::new(name.clone(), kind.into(), CLASS::IN.into(), false));
    *query.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: ANSWER_BYTES_MAX, version: 0 });
    query.build_bytes_vec()
}

/// The answer in a datagram, if it is one to this question (RFC 5452 section 9.1). A truncated one is none: what it
/// lacks may hold for less. Nor is an error: another name server may know better.
fn read(datagram: &[u8], id: u16, name: &Name<'_>, kind: TYPE) -> Option<Answer> {
    let packet = Packet::parse(datagram).ok()?;
    let [entry] = &*packet.questions else { return None };
    let is_ours = packet.id() == id
        && packet.has_flags(PacketFlag::RESPONSE)
        && entry.qname == *name
        && entry.qtype == QTYPE::TYPE(kind)
        && entry.qclass == CLASS::IN.into();
    if !is_ours || packet.has_flags(PacketFlag::TRUNCATION) {
        return None;
    }
    match packet.rcode() {
        RCODE::NoError => Some(follow(&packet.answers, name, kind).map_or(Answer::Nothing, Answer::Holds)),
        RCODE::NameError => Some(Answer::Nothing),
        _ => None,
    }
}

/// Follows the aliases from `name` to its addresses. Other records do not count.
fn follow(answers: &[ResourceRecord<'_>], name: &Name<'_>, kind: TYPE) -> Option<u32> {
    let mut smallest = u32::MAX;
    let mut owner = name;
    for _ in 0..=ALIASES_MAX {
        let records = || answers.iter().filter(|record| record.class == CLASS::IN && record.name == *owner);
        let addresses = records().filter(|record| record.rdata.type_code() == kind);
        if let Some(ttl) = addresses.map(ttl_of).min() {
            return Some(smallest.min(ttl));
        }
        let (ttl, target) = records().find_map(|record| match &record.rdata {
            RData::CNAME(target) => Some((ttl_of(record), &target.0)),
            _ => None,
        })?;
        smallest = smallest.min(ttl);
        owner = target;
    }
    None
}

/// Of 32 bits the first must be zero, or all count as zero (RFC 2181 section 8).
fn ttl_of(record: &ResourceRecord<'_>) -> u32 {
    if record.ttl > i32::MAX.cast_unsigned() { 0 } else { record.ttl }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::fake_nameserver::{
        Nameserver, Replies,
        Reply::{self, Fails, Garbage, NoResponse, OtherId, OtherQuestion, OtherSource, Records, Truncated},
    };
    use super::*;

    const NOTHING: Replies = &[Records(&[])];

    /// The time to live in seconds that `api.test` has by these replies.
    #[track_caller]
    fn check(rows: &[(&str, Replies, Replies, Option<u64>)]) {
        for &(what, to_a, to_aaaa, want) in rows {
            let nameserver = Nameserver::start(to_a, to_aaaa);
            let ttl = ask("api.test", &[nameserver.address]).expect("a question").ttl();
            assert_eq!(ttl.map(|ttl| ttl.as_secs()), want, "{what}");
            nameserver.stop();
        }
    }

    #[test]
    fn the_smallest_of_the_chain() {
        check(&[
            ("an address", &[Records(&[("api.test", 60, "10.0.0.1")])], NOTHING, Some(60)),
            ("an IPv6 address", NOTHING, &[Records(&[("api.test", 61, "::1")])], Some(61)),
            (
                "both",
                &[Records(&[("api.test", 60, "10.0.0.1")])],
                &[Records(&[("api.test", 20, "::1")])],
                Some(20),
            ),
            (
                "several addresses",
                &[Records(&[("api.test", 60, "10.0.0.1"), ("api.test", 50, "10.0.0.2")])],
                NOTHING,
                Some(50),
            ),
            (
                "a long-lived alias",
                &[Records(&[("api.test", 300, "lb.test"), ("lb.test", 60, "10.0.0.1")])],
                NOTHING,
                Some(60),
            ),
            (
                "a short-lived alias in the middle, in any order and case",
                &[Records(&[
                    ("LB.zone.test", 60, "10.0.0.1"),
                    ("API.test", 300, "cdn.test"),
                    ("cdn.test", 5, "lb.Zone.test"),
                ])],
                NOTHING,
                Some(5),
            ),
            (
                "records beside the chain",
                &[Records(&[
                    ("other.test", 2, "10.0.0.9"),
                    ("api.test", 60, "10.0.0.1"),
                    ("api.test", 3, "::1"),
                ])],
                NOTHING,
                Some(60),
            ),
            ("an alias to nothing", &[Records(&[("api.test", 300, "lb.test")])], NOTHING, None),
            (
                "aliases in a ring",
                &[Records(&[("api.test", 300, "lb.test"), ("lb.test", 300, "api.test")])],
                NOTHING,
                None,
            ),
            ("zero", &[Records(&[("api.test", 0, "10.0.0.1")])], NOTHING, Some(1)),
            ("a week", &[Records(&[("api.test", 604_800, "10.0.0.1")])], NOTHING, Some(3600)),
            ("beyond 31 bits", &[Records(&[("api.test", 0x8000_0001, "10.0.0.1")])], NOTHING, Some(1)),
        ]);
    }

    #[test]
    fn no_such_name() {
        const NO_SUCH_NAME: Replies = &[Fails(RCODE::NameError)];
        let before = Instant::now();
        check(&[("no such name", NO_SUCH_NAME, NO_SUCH_NAME, None), ("no records", NOTHING, NOTHING, None)]);
        assert!(before.elapsed() < ANSWER_TIMEOUT, "such answers end the wait");
    }

    #[test]
    fn what_is_no_answer_is_passed_over() {
        const GOOD: Reply = Records(&[("api.test", 60, "10.0.0.1")]);
        check(&[(
            "between bad ones",
            &[
                Garbage(b""),
                Garbage(b"\x00"),
                Garbage(&[0xff; 600]),
                Garbage(&[0xc0; 2000]),
                OtherId(2),
                OtherQuestion("apo.test", 3),
                OtherSource(4),
                NoResponse(5),
                Fails(RCODE::ServerFailure),
                Truncated(&[("api.test", 6, "10.0.0.1")]),
                GOOD,
            ],
            NOTHING,
            Some(60),
        )]);
    }

    #[test]
    fn without_an_answer_the_wait_ends() {
        let cases: &[(&str, Replies)] = &[
            ("silence", &[]),
            ("truncated", &[Truncated(&[("api.test", 6, "10.0.0.1")])]),
            ("an error", &[Fails(RCODE::Refused)]),
            ("another socket", &[OtherSource(4)]),
        ];
        let waits = cases.iter().map(|&(what, replies)| {
            thread::spawn(move || {
                let before = Instant::now();
                check(&[(what, replies, NOTHING, None)]);
                assert!(before.elapsed() >= ANSWER_TIMEOUT, "{what}");
            })
        });
        for wait in waits.collect::<Vec<_>>() {
            wait.join().expect("the case");
        }
    }

    #[test]
    fn a_silent_name_server_is_made_up_for_by_the_next() {
        let silent = Nameserver::start(&[], &[]);
        let knowing = Nameserver::start(&[Records(&[("api.test", 60, "10.0.0.1")])], NOTHING);
        let question = ask("api.test", &[silent.address, knowing.address]).expect("a question");
        assert_eq!(question.ttl(), Some(Duration::from_secs(60)));
        silent.stop();
        knowing.stop();
    }

    #[test]
    fn nobody_is_asked_about_localhost() {
        for host in ["localhost", "LOCALHOST.", "app.localhost", "."] {
            assert!(ask(host, &[]).is_none(), "{host}");
        }
        assert!(ask("localhost.test", &[]).is_some());
    }
}
