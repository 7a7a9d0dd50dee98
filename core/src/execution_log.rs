//! Execution logs: what became of a request, step by step, in the words of AWS's execution logs.
//!
//! Here are what a stage logs, and lines: bounded, one for each event, without secrets. Which lines there are is told by the
//! exchange (`exchange/execution.rs`). AWS: "Set up CloudWatch logging for REST APIs"; a line has at most 1,024 bytes.

use std::borrow::Cow;

use crate::limits::EXECUTION_LOG_LINE_BYTES_MAX as LINE_BYTES_MAX;
use crate::plan::LogDestination;

/// What a stage logs of its requests.
#[derive(Debug)]
pub struct ExecutionLog {
    /// Where lines go.
    pub destination: LogDestination,
    /// What is logged of each method, by [`RouteId`](crate::route::RouteId).
    pub methods: Vec<Option<Detail>>,
}

/// What is logged of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// AWS: `loggingLevel`.
    pub level: Level,
    /// Whether parameters, header fields and payloads are logged, too (AWS: `dataTraceEnabled`).
    pub data_trace: bool,
}

/// How much is logged. What AWS calls `OFF` is no [`Detail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only what fails.
    Error,
    /// Every step.
    Info,
}

/// What a line ends in that is not whole.
const CUT: &[u8] = b" [TRUNCATED]";
/// What stands for a payload that is no text.
const BINARY: &[u8] = b"[Binary Data]";
/// What stands for the part of a secret that is not shown.
const HIDDEN: &[u8] = b"******";
/// How much of a secret is shown, in bytes: its end, by which its owner knows it.
const SHOWN_BYTES: usize = 6;
/// Secrets shorter than this are not shown at all, nor looked for in what is logged.
const SECRET_BYTES_MIN: usize = 12;

/// Header fields and query parameters that are secrets. AWS shortens `Authorization` and API keys; cookies are more than it does.
const SECRETS: [&[u8]; 8] = [
    b"authorization",
    b"proxy-authorization",
    b"x-api-key",
    b"x-amz-security-token",
    b"x-amz-signature",
    b"cookie",
    b"set-cookie",
    b"access_token",
];

/// Whether a header field or a query parameter of this name is secret.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// A secret as a log may show it.
pub(crate) fn shortened(secret: &[u8]) -> Cow<'static, [u8]> {
    match secret.len() {
        0 => Cow::Borrowed(b""),
        1..SECRET_BYTES_MIN => Cow::Borrowed(HIDDEN),
        bytes => Cow::Owned([HIDDEN, &secret[bytes - SHOWN_BYTES..]].concat()),
    }
}

/// The lines of one request.
#[derive(Debug)]
pub(crate) struct Lines {
    out: Vec<u8>,
    request_id: [u8; 36],
    /// Values that are not to be shown, wherever they stand.
    secrets: Vec<Box<[u8]>>,
    /// The line that is being written, as it is.
    raw: Vec<u8>,
    /// Whether something of it was left out.
    is_cut: bool,
}

impl Lines {
    pub(crate) fn new(request_id: [u8; 36]) -> Self {
        Self { out: Vec::new(), request_id, secrets: Vec::new(), raw: Vec::new(), is_cut: false }
    }

    /// All lines so far.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// This value is secret wherever it stands; so is what follows a scheme as `Bearer`, and both as JSON has them.
    pub(crate) fn hide(&mut self, value: &[u8]) {
        let token = value.iter().position(|byte| *byte == b' ').map_or(&[][..], |at| &value[at + 1..]);
        for secret in [value, token] {
            if secret.len() >= SECRET_BYTES_MIN {
                self.secrets.push(secret.into());
            }
        }
        if value.iter().any(|byte| matches!(byte, b'"' | b'\\')) {
            let text = serde_json::to_string(&String::from_utf8_lossy(value)).unwrap_or_default();
            self.secrets.push(text.trim_matches('"').as_bytes().into());
        }
    }

    /// A line of these parts.
    pub(crate) fn say(&mut self, parts: &[&[u8]]) {
        self.begin();
        for part in parts {
            self.add(part);
        }
        self.end();
    }

    /// A line about a payload.
    pub(crate) fn say_payload(&mut self, label: &str, payload: &[u8]) {
        let shown = &payload[..payload.len().min(self.raw_bytes_max())];
        let is_text = match std::str::from_utf8(shown) {
            Ok(_) => true,
            // Only its last character is cut.
            Err(error) => error.error_len().is_none() && shown.len() < payload.len(),
        };
        self.begin();
        self.add(label.as_bytes());
        self.add(if is_text { payload } else { BINARY });
        self.end();
    }

    /// A line about names and values, as Java prints a map. A name that comes again adds its value to the first.
    pub(crate) fn say_map(&mut self, label: &str, pairs: &[(&[u8], &[u8])]) {
        self.begin();
        self.add(label.as_bytes());
        self.add(b"{");
        for (position, (name, value)) in pairs.iter().enumerate() {
            let is_same = |other: &&(&[u8], &[u8])| other.0.eq_ignore_ascii_case(name);
            if pairs[..position].iter().any(|pair| is_same(&pair)) {
                continue;
            }
            self.add(if position > 0 { b", " } else { b"" });
            self.add(name);
            self.add(b"=");
            self.add_value(name, value);
            for (_, more) in pairs[position + 1..].iter().filter(is_same) {
                self.add(b",");
                self.add_value(name, more);
            }
        }
        self.add(b"}");
        self.end();
    }

    fn add_value(&mut self, name: &[u8], value: &[u8]) {
        if is_secret(name) { self.add(&shortened(value)) } else { self.add(value) }
    }

    fn longest_secret(&self) -> usize {
        self.secrets.iter().map(|secret| secret.len()).max().unwrap_or_default()
    }

    /// More of a line than can be shown is not even collected.
    fn raw_bytes_max(&self) -> usize {
        2 * LINE_BYTES_MAX + self.longest_secret()
    }

    fn begin(&mut self) {
        self.raw.clear();
        self.is_cut = false;
    }

    fn add(&mut self, part: &[u8]) {
        let room = self.raw_bytes_max().saturating_sub(self.raw.len());
        self.is_cut |= part.len() > room;
        self.raw.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// Ends the line: without secrets, without what could forge another one, and no longer than it may be.
    fn end(&mut self) {
        let mut raw = std::mem::take(&mut self.raw);
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(at) = memchr::memmem::find(&raw[from..], secret) {
                let shown = shortened(secret);
                raw.splice(from + at..from + at + secret.len(), shown.iter().copied());
                from += at + shown.len();
            }
        }
        if self.is_cut {
            // What is left of a secret that was cut is not recognised.
            raw.truncate(raw.len().saturating_sub(self.longest_secret()));
        }
        let start = self.out.len();
        for part in [&b"("[..], &self.request_id, b") "] {
            self.out.extend_from_slice(part);
        }
        for character in String::from_utf8_lossy(&raw).chars() {
            if self.out.len() - start > LINE_BYTES_MAX {
                break;
            }
            push_safe(character, &mut self.out);
        }
        if self.is_cut || self.out.len() - start > LINE_BYTES_MAX {
            let mut end = self.out.len().min(start + LINE_BYTES_MAX - CUT.len());
            while self.out.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
                end -= 1;
            }
            self.out.truncate(end);
            self.out.extend_from_slice(CUT);
        }
        self.out.push(b'\n');
        self.raw = raw;
    }
}

/// Control characters could end the line, or move a terminal's cursor.
fn push_safe(character: char, out: &mut Vec<u8>) {
    match character {
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        control if control.is_control() => {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
        }
        other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    fn lines() -> Lines {
        Lines::new(ID.as_bytes().try_into().expect("36 bytes"))
    }

    /// What is logged of one line, without the request id.
    #[track_caller]
    fn check(say: impl FnOnce(&mut Lines), want: &str) {
        let mut lines = lines();
        say(&mut lines);
        let logged = String::from_utf8(lines.take()).expect("UTF-8");
        assert_eq!(logged, format!("({ID}) {want}\n"));
    }

    #[test]
    fn maps_as_java_prints_them() {
        let pairs: [(&[u8], &[u8]); 4] = [(b"A", b"1"), (b"B", b"x, y"), (b"a", b"2"), (b"C", b"")];
        check(|lines| lines.say_map("L: ", &pairs), "L: {A=1,2, B=x, y, C=}");
        check(|lines| lines.say_map("L: ", &[]), "L: {}");
    }

    #[test]
    fn secrets_by_their_names() {
        let pairs: [(&[u8], &[u8]); 3] =
            [(b"authorization", b"Bearer abcdef123456"), (b"X-API-Key", b"short"), (b"Cookie", b"")];
        check(|lines| lines.say_map("", &pairs), "{authorization=******123456, X-API-Key=******, Cookie=}");
    }

    #[test]
    fn secrets_wherever_they_stand() {
        check(
            |lines| {
                lines.hide(b"Bearer abcdef123456");
                lines.say_payload("P: ", br#"{"a":"Bearer abcdef123456","b":"abcdef123456"}"#);
            },
            r#"P: {"a":"******123456","b":"******123456"}"#,
        );
        check(
            |lines| {
                lines.hide(br#"Digest user="ann", x"#);
                lines.say_payload("P: ", br#"{"a":"Digest user=\"ann\", x"}"#);
            },
            r#"P: {"a":"******n\", x"}"#,
        );
    }

    /// What is shown of it is looked for in vain.
    #[test]
    fn a_secret_that_looks_like_a_shortened_one() {
        check(
            |lines| {
                lines.hide(b"******abcdef");
                lines.say(&[b"******abcdef"]);
            },
            "******abcdef",
        );
    }

    #[test]
    fn nobody_forges_a_line() {
        check(|lines| lines.say(&[b"a\r\nb\t\x1b[2J\xc2\x9b\x7f"]), "a\\r\\nb\\t\\u001b[2J\\u009b\\u007f");
    }

    #[test]
    fn payloads_that_are_no_text() {
        check(|lines| lines.say_payload("P: ", b"\x89PNG\xff"), "P: [Binary Data]");
        check(|lines| lines.say_payload("P: ", "ä".as_bytes()), "P: ä");
        check(|lines| lines.say_payload("P: ", &"ä".as_bytes()[..1]), "P: [Binary Data]");
        check(|lines| lines.say_payload("P: ", b""), "P: ");
    }

    #[test]
    fn no_line_is_longer_than_it_may_be() {
        for text in ["x".repeat(5_000), "ä".repeat(5_000), "\u{1}".repeat(5_000), "😀".repeat(5_000)] {
            for shift in 0..6 {
                let mut lines = lines();
                lines.hide(&[b's'; 3_000]);
                lines.say_payload(&"a".repeat(shift), text.as_bytes());
                let logged = String::from_utf8(lines.take()).expect("UTF-8");
                assert!(logged.len() <= LINE_BYTES_MAX + 1 && logged.len() > LINE_BYTES_MAX - 8, "{logged}");
                assert!(logged.ends_with(" [TRUNCATED]\n"), "{logged}");
            }
        }
        let fits = "x".repeat(LINE_BYTES_MAX - ID.len() - 3);
        check(|lines| lines.say(&[fits.as_bytes()]), &fits);
    }

    /// The part of a secret that would be shown is not shown because the rest is cut.
    #[test]
    fn a_secret_at_the_end_of_what_is_shown() {
        let secret = "secret-".repeat(100);
        for before in 900..1_100 {
            for text in ["x".repeat(before) + &secret, secret.repeat(4) + &"x".repeat(before) + &secret] {
                let mut lines = lines();
                lines.hide(secret.as_bytes());
                lines.say_payload("", text.as_bytes());
                let logged = String::from_utf8(lines.take()).expect("UTF-8");
                // The end of one is shown, "ecret-"; never more.
                assert!(!logged.contains("secret"), "{before}: {logged}");
            }
        }
    }
}
