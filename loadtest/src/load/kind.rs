//! What can go wrong with a request, by kind.

use std::io;

/// A kind of failure. Each is counted by itself and fails the run unless allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nobody listens there.
    Refused,
    /// No way to the target's address.
    Unreachable,
    /// This machine ran out of local ports, descriptors or memory: not the target's fault.
    Local,
    /// The connection was not made in time.
    ConnectTimeout,
    /// No TLS session: the certificate is not believed, or they do not agree.
    Handshake,
    /// No answer, or not all of it, in time.
    Timeout,
    /// The peer reset the connection.
    Reset,
    /// The peer closed the connection before the first byte of an answer.
    Closed,
    /// The peer closed the connection in the middle of an answer.
    ShortBody,
    /// The answer is not HTTP/1.1, or HTTP/2 where that was asked for.
    Malformed,
    /// A complete answer with a status that was not expected.
    Status,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Refused,
        Self::Unreachable,
        Self::Local,
        Self::ConnectTimeout,
        Self::Handshake,
        Self::Timeout,
        Self::Reset,
        Self::Closed,
        Self::ShortBody,
        Self::Malformed,
        Self::Status,
    ];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Local => "local",
            Self::ConnectTimeout => "connect-timeout",
            Self::Handshake => "handshake",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::ShortBody => "short-body",
            Self::Malformed => "malformed",
            Self::Status => "status",
        }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "connection refused: nobody listens there",
            Self::Unreachable => "no way to the target's address",
            Self::Local => "this machine ran out of local ports, file descriptors or memory",
            Self::ConnectTimeout => "connection not made within --connect-timeout",
            Self::Handshake => {
                "no TLS session: the certificate is not believed, or the target ended the handshake"
            }
            Self::Timeout => "no complete answer within --timeout or --response-timeout",
            Self::Reset => "connection reset by the target",
            Self::Closed => "connection closed by the target before an answer",
            Self::ShortBody => "connection closed by the target in the middle of an answer",
            Self::Malformed => "the answer is not HTTP/1.1, or HTTP/2 where that was asked for",
            Self::Status => "status other than expected",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Why a connection could not be made.
    pub fn of_connect(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Self::Reset,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Handshake,
            io::ErrorKind::TimedOut => Self::ConnectTimeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            // EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, …
            _ => Self::Local,
        }
    }
}
