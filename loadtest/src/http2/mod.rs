//! HTTP/2 as a client speaks it (RFC 9113), read strictly: frames and heads as data, no socket and no clock.
//!
//! - [`frame`]: the frames that come, and those that are sent
//! - [`head`]: a request written for HTTP/1.1 as a header block, and the status of an answer's

pub mod frame;
pub mod head;

use std::fmt;

/// What every connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why bytes are not HTTP/2, or not what a server may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A frame larger than was allowed.
    FrameSize,
    /// A frame where it may not stand, or of a wrong form.
    Frame,
    /// A header block that cannot be read, or larger than 64 KiB.
    Block,
    /// A head without a status from 100 to 599, or with fields of HTTP/1.1's connections or in upper case.
    Head,
    /// Less or more content than the head says.
    Length,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FrameSize => "a frame of more than 16 KiB",
            Self::Frame => "a frame that may not come so",
            Self::Block => "a header block that cannot be read",
            Self::Head => "a head that is none of HTTP/2",
            Self::Length => "content of another length than said",
        })
    }
}
