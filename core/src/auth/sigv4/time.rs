//! The times of signatures: `20150830T123600Z`, and the day that it starts with.

use crate::clock;

/// How far the clocks of client and gateway may differ, in seconds (AWS: five minutes).
pub const SKEW_S_MAX: u64 = 300;

/// A moment, and how a signature writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmzTime {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub unix_s: u64,
    text: [u8; 16],
}

impl AmzTime {
    /// The time `unix_s` seconds after 1970 began.
    pub fn new(unix_s: u64) -> Self {
        Self { unix_s, text: clock::basic_iso_8601(unix_s) }
    }

    /// Reads `20150830T123600Z`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; 16] = text.try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| digits(&text[range]);
        let (date, time) = ((number(0..4)?, number(4..6)?, number(6..8)?), (9..11, 11..13, 13..15));
        let unix_s = clock::unix_seconds(date, (number(time.0)?, number(time.1)?, number(time.2)?))?;
        Some(Self { unix_s, text })
    }

    /// Reads a `Date` field: the form above, or `Sun, 30 Aug 2015 12:36:00 GMT`.
    pub fn parse_date_field(text: &[u8]) -> Option<Self> {
        Self::parse(text).or_else(|| Some(Self::new(clock::parse_http_date(text)?)))
    }

    /// `20150830T123600Z`
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.text
    }

    /// `20150830T123600Z`
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("digits, T and Z")
    }

    /// `20150830`
    pub fn day(&self) -> &[u8; 8] {
        self.text.first_chunk().expect("eight of sixteen")
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    text.iter().try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_times_are_the_same_moments() {
        for unix_s in [0, 951_827_696, 1_440_938_160, 4_102_444_799] {
            let time = AmzTime::new(unix_s);
            assert_eq!(AmzTime::parse(time.as_bytes()), Some(time), "{unix_s}");
        }
        assert_eq!(AmzTime::new(1_440_938_160).as_str(), "20150830T123600Z");
        assert_eq!(AmzTime::new(1_440_938_160).day(), b"20150830");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150830T123600ZZ",
            "20150830 123600Z",
            "20150830T123600z",
            "20151330T123600Z",
            "20150229T123600Z",
            "20150830T243600Z",
            "20150830T126000Z",
            "20150830T123661Z",
            "2015083xT123600Z",
            "20150800T123600Z",
            "+0150830T123600Z",
            "19691231T235959Z",
        ] {
            assert_eq!(AmzTime::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn date_fields() {
        let read =
            |text: &str| AmzTime::parse_date_field(text.as_bytes()).map(|time| time.as_str().to_owned());
        assert_eq!(read("Sun, 30 Aug 2015 12:36:00 GMT").as_deref(), Some("20150830T123600Z"));
        assert_eq!(read("20150830T123600Z").as_deref(), Some("20150830T123600Z"));
        assert_eq!(read("Mon, 30 Aug 2015 12:36:00 GMT"), None, "that was a Sunday");
        assert_eq!(read("Sun, 30 Aug 2015 12:36:00 +0200"), None);
        assert_eq!(read("yesterday"), None);
    }
}
